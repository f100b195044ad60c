//! Tables of an engine's own, how they are loaded, and how hours that were published anew are replaced.

use super::engine::{Engine, SNOWFLAKE_PARQUET};
use super::{Definition, PARTITION};

/// The column by which rows are replaced.
const HOUR: &str = "source_hour";

/// The statements that make a native table and fill it.
pub(super) fn statements(engine: Engine, table: &Definition, location: &str) -> Vec<String> {
    let name = native(engine, table);
    let made = create(engine, table, &name, location);
    vec![made, load(engine, table, &name, &format!("{location}/{}", table.name))]
}

/// The statements that replace hours: a table for what is new, and what moves its rows over.
pub(super) fn merge(engine: Engine, table: &Definition) -> Vec<String> {
    let (name, new) = (native(engine, table), format!("{}_new", table.name));
    let columns = names(engine, table);
    let made = create(engine, table, &new, "LOCATION");
    let made = match engine {
        Engine::Athena => made.replace("'LOCATION/", "'s3://BUCKET/"),
        _ => made,
    };
    let about = if table.name == "attachments" {
        format!(
            "-- Rows change as files are fetched: load the files of the days that changed into {new}, which is empty before, \
             then run these.\n"
        )
    } else {
        format!(
            "-- Hours that were published anew: load the files of an export into {new}, which is empty before, then run these.\n\
             -- An hour of its manifest with \"rows\": 0 is to be deleted by its key.\n"
        )
    };
    let delete = format!("DELETE FROM {name} WHERE {HOUR} IN (SELECT DISTINCT {HOUR} FROM {new});");
    let insert = format!("INSERT INTO {name} ({columns})\nSELECT {columns} FROM {new};");
    let moved = match engine {
        Engine::BigQuery => vec!["BEGIN TRANSACTION;".to_owned(), delete, insert, "COMMIT TRANSACTION;".to_owned()],
        Engine::DuckDb | Engine::Postgres | Engine::Redshift | Engine::Snowflake => {
            vec!["BEGIN;".to_owned(), delete, insert, "COMMIT;".to_owned()]
        }
        // The partitions of the hours are replaced, in one step.
        Engine::Spark => vec![format!(
            "INSERT OVERWRITE TABLE {name} PARTITION (`{HOUR}`)\nSELECT {} FROM {new};",
            names_hour_last(engine, table)
        )],
        // No transaction over two statements: what was stopped between them is run again.
        Engine::Athena | Engine::ClickHouse | Engine::Databricks | Engine::Trino => vec![delete, insert],
    };
    let mut statements = vec![format!("{about}{made}")];
    statements.extend(moved);
    statements.push(emptied(engine, &new));
    statements
}

/// A native table beside an external one of the plain name.
fn native(engine: Engine, table: &Definition) -> String {
    let plain = table.name;
    if engine == Engine::Postgres { plain.to_owned() } else { format!("{plain}_native") }
}

fn create(engine: Engine, table: &Definition, name: &str, location: &str) -> String {
    let is_last = |name: &str| engine == Engine::Spark && name == HOUR;
    let (last, first): (Vec<_>, Vec<_>) = table.columns.iter().partition(|column| is_last(&column.name));
    let columns = first.into_iter().chain(last).map(|column| format!("    {}", engine.column(column)));
    let columns = columns.collect::<Vec<_>>().join(",\n");
    let order = match table.name {
        "hours" => "source_hour, recorded_at",
        "attachments" => "source_hour, part, line, kind",
        _ => "source_hour, part, line",
    };
    let end = match engine {
        Engine::Athena => {
            let folder = engine.text(&format!("{location}/{name}/"));
            format!("\nLOCATION {folder}\nTBLPROPERTIES ('table_type' = 'ICEBERG')")
        }
        Engine::BigQuery => format!("\nCLUSTER BY {HOUR}"),
        Engine::ClickHouse => format!("\nENGINE = MergeTree\nORDER BY ({order})"),
        Engine::Databricks => format!("\nUSING DELTA\nCLUSTER BY (`{HOUR}`)"),
        Engine::Redshift => format!("\nSORTKEY ({HOUR})"),
        Engine::Snowflake => format!("\nCLUSTER BY ({HOUR})"),
        Engine::Spark => format!("\nUSING parquet\nPARTITIONED BY (`{HOUR}`)"),
        Engine::DuckDb | Engine::Postgres | Engine::Trino => String::new(),
    };
    format!("CREATE TABLE IF NOT EXISTS {name} (\n{columns}\n){end};")
}

/// Fills a table from the files of the archive, or from the external table where there is one that is read as fast.
fn load(engine: Engine, table: &Definition, name: &str, folder: &str) -> String {
    let columns = names(engine, table);
    let below = if table.is_partitioned { format!("{folder}/{PARTITION}=") } else { format!("{folder}/") };
    match engine {
        Engine::Athena | Engine::ClickHouse | Engine::DuckDb => {
            format!("INSERT INTO {name} ({columns})\nSELECT {columns} FROM {};", table.name)
        }
        Engine::Trino => format!("INSERT INTO {name} ({columns})\nSELECT {columns} FROM delta.default.{};", table.name),
        Engine::BigQuery => format!(
            "-- Times are read as they are: TIMESTAMP(MICROS, isAdjustedToUTC) is BigQuery's own.\n\
             LOAD DATA INTO {name}\nFROM FILES (format = 'PARQUET', uris = [{}]);",
            engine.text(&format!("{below}*"))
        ),
        Engine::Databricks => format!("INSERT INTO {name} ({columns})\nSELECT {columns} FROM {};", table.name),
        Engine::Postgres => postgres_load(table, name, &columns),
        Engine::Redshift => format!(
            "-- Times are UTC in a TIMESTAMP, which has no zone. A text of more than 65,535 bytes is an error: `annals verify \
             --portable` names them.\n\
             COPY {name} FROM {} IAM_ROLE DEFAULT FORMAT AS PARQUET;",
            engine.text(&below)
        ),
        Engine::Snowflake => format!(
            "COPY INTO {name} FROM @annals/{}/\nPATTERN = '.*[.]parquet'\nFILE_FORMAT = {SNOWFLAKE_PARQUET}\n\
             MATCH_BY_COLUMN_NAME = CASE_INSENSITIVE;",
            table.name
        ),
        Engine::Spark => format!(
            "INSERT OVERWRITE TABLE {name} PARTITION (`{HOUR}`)\nSELECT {} FROM {};",
            names_hour_last(engine, table),
            table.name
        ),
    }
}

/// PostgreSQL reads no Parquet, but CSV as `annals export` writes it.
fn postgres_load(table: &Definition, name: &str, columns: &str) -> String {
    if table.name != "messages" {
        return format!(
            "-- {name} is filled from CSV that any reader of the table writes: \\copy {name} from {name}.csv csv header"
        );
    }
    let list: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
    format!(
        "-- annals export --to messages.csv --with-secrets --columns {}\n\
         -- then, in psql, on one line:\n\
         -- \\copy {name} ({columns}) from 'messages.csv' with (format csv, header true, encoding 'UTF8')",
        list.join(",")
    )
}

fn emptied(engine: Engine, name: &str) -> String {
    match engine {
        Engine::Athena | Engine::Trino | Engine::Databricks => format!("DELETE FROM {name};"),
        _ => format!("TRUNCATE TABLE {name};"),
    }
}

fn names(engine: Engine, table: &Definition) -> String {
    table.columns.iter().map(|column| engine.name_in_query(&column.name)).collect::<Vec<_>>().join(", ")
}

/// Spark wants the column of a partition at the end.
fn names_hour_last(engine: Engine, table: &Definition) -> String {
    let others = table.columns.iter().filter(|column| column.name != HOUR);
    let names = others.map(|column| engine.name(&column.name)).chain([engine.name(HOUR)]);
    names.collect::<Vec<_>>().join(", ")
}

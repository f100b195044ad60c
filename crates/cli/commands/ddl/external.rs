//! Tables over the files of an archive.

use super::engine::{Engine, SNOWFLAKE_PARQUET};
use super::{DefinedColumn, Definition, PARTITION};

/// The statements that make an external table.
pub(super) fn statements(engine: Engine, table: &Definition, location: &str) -> Vec<String> {
    let name = table.name;
    let folder = format!("{location}/{name}");
    let text = |path: &str| engine.text(path);
    match engine {
        Engine::Athena => vec![format!(
            "-- The Delta table itself: its columns come from its log.\n\
             CREATE EXTERNAL TABLE IF NOT EXISTS `{name}` LOCATION {} TBLPROPERTIES ('table_type' = 'DELTA');",
            text(&format!("{folder}/"))
        )],
        Engine::BigQuery => vec![big_query(table, &folder)],
        Engine::ClickHouse => vec![click_house(table, &folder)],
        Engine::Databricks => {
            vec![format!("CREATE TABLE IF NOT EXISTS {name} USING DELTA LOCATION {};", text(&folder))]
        }
        Engine::DuckDb => vec![duck_db(table, &folder)],
        // It reads no files.
        Engine::Postgres => Vec::new(),
        Engine::Redshift => redshift(table, &folder),
        Engine::Snowflake => vec![snowflake(table)],
        Engine::Spark => spark(table, &folder),
        Engine::Trino => vec![format!(
            "-- With a catalog `delta` of the Delta Lake connector that allows it (delta.register-table-procedure.enabled).\n\
             CALL delta.system.register_table(schema_name => 'default', table_name => '{name}', table_location => {});",
            text(&folder)
        )],
    }
}

/// The files of a table, as a glob.
fn glob(table: &Definition, folder: &str) -> String {
    if table.is_partitioned { format!("{folder}/{PARTITION}=*/*.parquet") } else { format!("{folder}/*.parquet") }
}

fn columns(table: &Definition, column: impl Fn(&DefinedColumn) -> String) -> String {
    table.columns.iter().map(|each| format!("    {}", column(each))).collect::<Vec<_>>().join(",\n")
}

fn big_query(table: &Definition, folder: &str) -> String {
    let engine = Engine::BigQuery;
    let nullable =
        columns(table, |column| format!("{} {}", engine.name(&column.name), engine.type_of(&column.type_word)));
    let (partition, uris, prefix) = if table.is_partitioned {
        let prefix = format!(",\n    hive_partition_uri_prefix = {}", engine.text(folder));
        (format!("\nWITH PARTITION COLUMNS (`{PARTITION}` DATE)"), format!("{folder}/{PARTITION}=*"), prefix)
    } else {
        (String::new(), format!("{folder}/*.parquet"), String::new())
    };
    format!(
        "CREATE EXTERNAL TABLE IF NOT EXISTS {} (\n{nullable}\n){partition}\n\
         OPTIONS (\n    format = 'PARQUET',\n    uris = [{}]{prefix}\n);",
        table.name,
        engine.text(&uris)
    )
}

fn click_house(table: &Definition, folder: &str) -> String {
    let engine = Engine::ClickHouse;
    if folder.contains("://") {
        return format!("CREATE TABLE IF NOT EXISTS {} ENGINE = DeltaLake({});", table.name, engine.text(folder));
    }
    let structure: Vec<_> = table.columns.iter().map(|column| engine.column(column)).collect();
    let date = match table.is_partitioned {
        true => format!(", toDate(extract(_path, '{PARTITION}=([0-9-]+)')) AS `{PARTITION}`"),
        false => String::new(),
    };
    format!(
        "-- A server reads local files below its user_files_path alone.\n\
         CREATE VIEW IF NOT EXISTS {} AS\nSELECT *{date}\nFROM file({}, Parquet, {});",
        table.name,
        engine.text(&glob(table, folder)),
        engine.text(&structure.join(", "))
    )
}

fn duck_db(table: &Definition, folder: &str) -> String {
    let engine = Engine::DuckDb;
    let name = table.name;
    if table.is_empty {
        let mut nulls: Vec<_> = table.columns.iter().map(|column| null(engine, column)).collect();
        nulls.extend(table.is_partitioned.then(|| format!("NULL::DATE AS \"{PARTITION}\"")));
        return format!(
            "-- The table has no file yet, which would be an error: print this again when it has.\n\
             CREATE OR REPLACE VIEW {name} AS\nSELECT {}\nWHERE false;",
            nulls.join(", ")
        );
    }
    // Files of before lack the newest columns.
    format!(
        "CREATE OR REPLACE VIEW {name} AS\n\
         SELECT * FROM read_parquet({}, union_by_name = true, hive_partitioning = {});",
        engine.text(&glob(table, folder)),
        table.is_partitioned
    )
}

fn null(engine: Engine, column: &DefinedColumn) -> String {
    format!("NULL::{} AS {}", engine.type_of(&column.type_word), engine.name(&column.name))
}

fn redshift(table: &Definition, folder: &str) -> Vec<String> {
    let engine = Engine::Redshift;
    let (partition, add) = match table.is_partitioned {
        true => (
            format!("PARTITIONED BY (\"{PARTITION}\" DATE)\n"),
            format!(
                "-- Each day is added once: ALTER TABLE annals.{} ADD IF NOT EXISTS PARTITION (\"{PARTITION}\" = '2026-03-14') \
                 LOCATION '{folder}/{PARTITION}=2026-03-14/'\n",
                table.name
            ),
        ),
        false => (String::new(), String::new()),
    };
    let nullable =
        columns(table, |column| format!("{} {}", engine.name(&column.name), engine.type_of(&column.type_word)));
    vec![format!(
        "{add}CREATE EXTERNAL TABLE annals.{} (\n{nullable}\n)\n{partition}STORED AS PARQUET\nLOCATION {};",
        table.name,
        engine.text(&format!("{folder}/"))
    )]
}

fn snowflake(table: &Definition) -> String {
    let engine = Engine::Snowflake;
    let value = |column: &DefinedColumn| {
        let (name, kind) = (&column.name, engine.type_of(&column.type_word));
        format!("{name} {kind} AS (value:{name}::{kind})")
    };
    let (day, partition) = match table.is_partitioned {
        true => (
            format!(
                ",\n    {PARTITION} DATE AS (TO_DATE(SPLIT_PART(SPLIT_PART(METADATA$FILENAME, '{PARTITION}=', 2), '/', 1)))"
            ),
            format!("PARTITION BY ({PARTITION})\n"),
        ),
        false => (String::new(), String::new()),
    };
    format!(
        "CREATE EXTERNAL TABLE IF NOT EXISTS {name} (\n{}{day}\n)\n{partition}LOCATION = @annals/{name}/\n\
         AUTO_REFRESH = FALSE\nPATTERN = '.*[.]parquet'\nFILE_FORMAT = {SNOWFLAKE_PARQUET};",
        columns(table, value),
        name = table.name
    )
}

fn spark(table: &Definition, folder: &str) -> Vec<String> {
    let engine = Engine::Spark;
    let name = table.name;
    let mut defined: Vec<_> = table.columns.iter().map(|column| format!("    {}", engine.column(column))).collect();
    defined.extend(table.is_partitioned.then(|| format!("    `{PARTITION}` DATE")));
    let partition = if table.is_partitioned { format!("PARTITIONED BY (`{PARTITION}`)\n") } else { String::new() };
    let path = engine.text(folder);
    let mut statements = vec![format!(
        "-- With Delta Lake at hand: CREATE TABLE {name} USING delta LOCATION {path}\n\
         -- Without, the files of it; none is there twice while nothing is being archived.\n\
         CREATE TABLE IF NOT EXISTS {name} (\n{}\n)\nUSING parquet\n{partition}LOCATION {path};",
        defined.join(",\n")
    )];
    statements.extend(table.is_partitioned.then(|| format!("MSCK REPAIR TABLE {name};")));
    statements
}

//! `annals ddl`.

mod dbt;
mod engine;
mod external;
mod native;

use archive::Column;
use clap::ValueEnum;
use store::{Access, Place, TableColumn};

use self::engine::Engine;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;

/// Print the table definitions of an engine, with the statements that load and merge
///
/// A script that the engine runs as it is: external tables over the files of the archive, where the engine has such; native tables
/// with the statement that loads them, and what makes times right, which are UTC to the microsecond; and the statements that
/// replace hours which were published anew. Columns are those of the archive's tables, promoted ones too; without an archive
/// those of this program. docs/warehouses.md goes through it, engine by engine.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  annals ddl --for duckdb | duckdb chat.duckdb
  annals ddl --for bigquery --location gs://bucket/chat --table messages
  annals ddl --for snowflake --location s3://bucket/chat --only native
  annals ddl --for dbt > models/sources.yml

Exit codes: 0 done; 2 usage, or the archive cannot be read.")]
pub(crate) struct Args {
    /// The engine, or dbt for a file of sources with tests
    #[arg(long = "for", value_enum, value_name = "ENGINE")]
    engine: Dialect,

    /// Only this table; all that the archive has by default
    #[arg(long, value_enum, value_name = "NAME")]
    table: Option<Table>,

    /// Where the engine finds the archive: a URL or a path; by default the folder of the archive
    #[arg(long, value_name = "URL|PATH")]
    location: Option<String>,

    /// Only this part of the script
    #[arg(long, value_enum, value_name = "PART")]
    only: Option<Section>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Dialect {
    Bigquery,
    Snowflake,
    Redshift,
    Databricks,
    Athena,
    Trino,
    Clickhouse,
    Duckdb,
    Postgres,
    Spark,
    /// A file of sources, with tests of freshness and uniqueness
    Dbt,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Table {
    Messages,
    Hours,
    DeadLetters,
    Attachments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Section {
    /// Tables over the files of the archive
    External,
    /// Tables of the engine, and how they are loaded
    Native,
    /// How hours that were published anew are replaced
    Merge,
}

impl Table {
    const ALL: [Self; 4] = [Self::Messages, Self::Hours, Self::DeadLetters, Self::Attachments];

    fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::Hours => "hours",
            Self::DeadLetters => "dead_letters",
            Self::Attachments => "attachments",
        }
    }
}

/// A table as it is to be defined.
struct Definition {
    name: &'static str,
    /// The columns of its files.
    columns: Vec<DefinedColumn>,
    /// Whether `date` is in the names of its folders.
    is_partitioned: bool,
    /// Whether it has no file, which some engines take for an error.
    is_empty: bool,
}

struct DefinedColumn {
    name: String,
    /// As `archive::Column` has it.
    type_word: String,
    nullable: bool,
}

/// The column that is in the names of folders and not in the files.
const PARTITION: &str = "date";

/// Prints definitions.
///
/// # Errors
///
/// When the archive cannot be read.
pub(crate) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let definitions = definitions(args.table, context).await?;
    let Some(engine) = Engine::of(args.engine) else {
        context.output.raw(dbt::sources(&definitions).as_bytes())?;
        return Ok(Exit::Done);
    };
    let location = match args.location {
        Some(location) => location.trim_end_matches('/').to_owned(),
        None => location(&context.place)?,
    };
    if let Some(scheme) = engine.wants().filter(|_| !location.contains("://")) {
        context.output.note(format_args!("this engine reads from {scheme}: name where with --location"));
    }
    context.output.raw(script(engine, &definitions, &location, args.only).as_bytes())?;
    Ok(Exit::Done)
}

fn script(engine: Engine, definitions: &[Definition], location: &str, only: Option<Section>) -> String {
    let wants = |section| only.is_none_or(|only| only == section);
    let mut statements = engine.preamble(location);
    for table in definitions {
        if wants(Section::External) {
            statements.extend(external::statements(engine, table, location));
        }
        if wants(Section::Native) {
            statements.extend(native::statements(engine, table, location));
        }
        if wants(Section::Merge) {
            statements.extend(native::merge(engine, table));
        }
    }
    let mut script = format!("-- annals {}: the tables of {location}\n", env!("CARGO_PKG_VERSION"));
    for statement in statements {
        script.push('\n');
        script.push_str(&statement);
        script.push('\n');
    }
    script
}

/// Where the archive is, for whoever reads it from anywhere.
fn location(place: &Place) -> Result<String, CommandError> {
    match place {
        Place::Bucket(bucket) => Ok(bucket.to_string()),
        Place::Folder(folder) => Ok(std::path::absolute(folder).map_err(CommandError::usage)?.display().to_string()),
    }
}

/// The tables as this archive has them, or as this program would make them.
async fn definitions(asked: Option<Table>, context: &Context) -> Result<Vec<Definition>, CommandError> {
    let tables = asked.map_or_else(|| Table::ALL.to_vec(), |table| vec![table]);
    let opened = context.try_archive(Access::Existing).await;
    let archive = match opened {
        Err(store::Error::NoArchive { path }) => {
            context.output.note(format_args!("{} is no archive: these are the columns of a new one", path.display()));
            return Ok(tables.iter().map(|table| Definition::of_a_new_archive(*table)).collect());
        }
        opened => opened?,
    };
    let columns = archive.columns().await?;
    let mut definitions = Vec::with_capacity(tables.len());
    for table in tables {
        if columns.iter().all(|column| column.table != table.name()) {
            // There is none of attachments before the first is fetched.
            definitions.extend(asked.map(|table| Definition { is_empty: true, ..Definition::of_a_new_archive(table) }));
            continue;
        }
        let is_empty = match table {
            Table::Messages => archive.snapshot().await?.files().is_empty(),
            Table::Hours => archive.entries().await?.is_empty(),
            Table::DeadLetters => archive.hours_with_dead_letters().await?.is_empty(),
            Table::Attachments => archive.listed().await?.is_empty(),
        };
        definitions.push(Definition::of_archive(table.name(), &columns, is_empty));
    }
    Ok(definitions)
}

impl Definition {
    fn of_archive(name: &'static str, columns: &[TableColumn], is_empty: bool) -> Self {
        let of_table = || columns.iter().filter(|column| column.table == name);
        let in_files = of_table().filter(|column| column.name != PARTITION).map(|column| DefinedColumn {
            name: column.name.clone(),
            type_word: column.type_word.clone(),
            nullable: column.nullable,
        });
        let is_partitioned = of_table().any(|column| column.name == PARTITION);
        Self { name, columns: in_files.collect(), is_partitioned, is_empty }
    }

    fn of_a_new_archive(table: Table) -> Self {
        let columns = match table {
            Table::Messages => archive::columns(),
            Table::Hours => archive::entry_columns(),
            Table::DeadLetters => archive::dead_letter_columns(),
            Table::Attachments => archive::attachment_columns(),
        };
        let column = |column: &Column| DefinedColumn {
            name: column.name.to_owned(),
            type_word: column.type_word.to_owned(),
            nullable: column.nullable,
        };
        let columns = columns.iter().map(column).collect();
        Self { name: table.name(), columns, is_partitioned: table != Table::Hours, is_empty: false }
    }
}

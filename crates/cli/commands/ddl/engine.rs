//! What the engines call things.

use super::{DefinedColumn, Dialect};

/// An engine that runs SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Engine {
    Athena,
    BigQuery,
    ClickHouse,
    Databricks,
    DuckDb,
    Postgres,
    Redshift,
    Snowflake,
    Spark,
    Trino,
}

impl Engine {
    /// `None` for dbt, which is none.
    pub(super) fn of(dialect: Dialect) -> Option<Self> {
        Some(match dialect {
            Dialect::Athena => Self::Athena,
            Dialect::Bigquery => Self::BigQuery,
            Dialect::Clickhouse => Self::ClickHouse,
            Dialect::Databricks => Self::Databricks,
            Dialect::Duckdb => Self::DuckDb,
            Dialect::Postgres => Self::Postgres,
            Dialect::Redshift => Self::Redshift,
            Dialect::Snowflake => Self::Snowflake,
            Dialect::Spark => Self::Spark,
            Dialect::Trino => Self::Trino,
            Dialect::Dbt => return None,
        })
    }

    /// What the addresses begin with that it reads, when it reads no paths of this machine.
    pub(super) fn wants(self) -> Option<&'static str> {
        match self {
            Self::BigQuery => Some("gs://"),
            Self::Athena | Self::Databricks | Self::Redshift | Self::Snowflake | Self::Trino => {
                Some("s3:// or the like")
            }
            Self::ClickHouse | Self::DuckDb | Self::Postgres | Self::Spark => None,
        }
    }

    /// What comes once, before the tables: times are UTC, and where files are.
    pub(super) fn preamble(self, location: &str) -> Vec<String> {
        match self {
            Self::Athena | Self::BigQuery | Self::ClickHouse | Self::Trino => Vec::new(),
            Self::Databricks => vec!["SET TIME ZONE 'UTC';".to_owned()],
            Self::DuckDb => vec!["SET TimeZone = 'UTC';".to_owned()],
            Self::Postgres => vec!["SET TIME ZONE 'UTC';".to_owned()],
            Self::Redshift => vec![
                "-- The schema of the external tables.\n\
                 CREATE EXTERNAL SCHEMA IF NOT EXISTS annals FROM DATA CATALOG DATABASE 'annals' IAM_ROLE DEFAULT \
                 CREATE EXTERNAL DATABASE IF NOT EXISTS;"
                    .to_owned(),
            ],
            Self::Snowflake => vec![
                "ALTER SESSION SET TIMEZONE = 'UTC';".to_owned(),
                format!(
                    "-- USE_LOGICAL_TYPE: without it times are numbers. Add STORAGE_INTEGRATION for a bucket of your own.\n\
                     CREATE STAGE IF NOT EXISTS annals URL = {} FILE_FORMAT = {SNOWFLAKE_PARQUET};",
                    self.text(&format!("{location}/"))
                ),
            ],
            Self::Spark => vec![
                "SET spark.sql.session.timeZone = UTC;".to_owned(),
                "SET spark.sql.sources.partitionOverwriteMode = dynamic;".to_owned(),
            ],
        }
    }

    /// A type, in its words; one of others' making as it is.
    pub(super) fn type_of(self, type_word: &str) -> String {
        let [string, int, bigint, double, timestamp, binary, boolean, date] = match self {
            Self::Athena => ["string", "int", "bigint", "double", "timestamp", "binary", "boolean", "date"],
            Self::BigQuery => ["STRING", "INT64", "INT64", "FLOAT64", "TIMESTAMP", "BYTES", "BOOL", "DATE"],
            Self::ClickHouse => {
                ["String", "Int32", "Int64", "Float64", "DateTime64(6, 'UTC')", "String", "Bool", "Date"]
            }
            Self::Databricks | Self::Spark => {
                ["STRING", "INT", "BIGINT", "DOUBLE", "TIMESTAMP", "BINARY", "BOOLEAN", "DATE"]
            }
            Self::DuckDb => ["VARCHAR", "INTEGER", "BIGINT", "DOUBLE", "TIMESTAMPTZ", "BLOB", "BOOLEAN", "DATE"],
            Self::Postgres => {
                ["text", "integer", "bigint", "double precision", "timestamptz", "bytea", "boolean", "date"]
            }
            Self::Redshift => [
                "VARCHAR(65535)",
                "INTEGER",
                "BIGINT",
                "DOUBLE PRECISION",
                "TIMESTAMP",
                "VARBYTE(1024000)",
                "BOOLEAN",
                "DATE",
            ],
            Self::Snowflake => {
                ["VARCHAR", "INTEGER", "BIGINT", "DOUBLE", "TIMESTAMP_LTZ(6)", "BINARY", "BOOLEAN", "DATE"]
            }
            Self::Trino => [
                "VARCHAR",
                "INTEGER",
                "BIGINT",
                "DOUBLE",
                "TIMESTAMP(6) WITH TIME ZONE",
                "VARBINARY",
                "BOOLEAN",
                "DATE",
            ],
        };
        let word = match type_word {
            "string" => string,
            "int" => int,
            "bigint" => bigint,
            "double" => double,
            "timestamp" => timestamp,
            "binary" => binary,
            "boolean" => boolean,
            "date" => date,
            other => other,
        };
        word.to_owned()
    }

    /// A name, quoted, because some are words of SQL. In Snowflake a quoted name must be written with quotes and in its case
    /// ever after, and none of ours needs any.
    pub(super) fn name(self, name: &str) -> String {
        match self {
            Self::Athena | Self::BigQuery | Self::ClickHouse | Self::Databricks | Self::Spark => {
                format!("`{}`", name.replace('`', "``"))
            }
            Self::DuckDb | Self::Postgres | Self::Redshift | Self::Trino => {
                format!("\"{}\"", name.replace('"', "\"\""))
            }
            Self::Snowflake => name.to_owned(),
        }
    }

    /// A name in a query; Athena speaks another language there than in definitions.
    pub(super) fn name_in_query(self, name: &str) -> String {
        if self == Self::Athena { Self::Trino.name(name) } else { self.name(name) }
    }

    /// A text.
    pub(super) fn text(self, text: &str) -> String {
        let text = match self {
            Self::BigQuery | Self::ClickHouse | Self::Databricks | Self::Spark | Self::Snowflake => {
                text.replace('\\', "\\\\").replace('\'', "\\'")
            }
            _ => text.replace('\'', "''"),
        };
        format!("'{text}'")
    }

    /// A column of a definition.
    pub(super) fn column(self, column: &DefinedColumn) -> String {
        let (name, kind) = (self.name(&column.name), self.type_of(&column.type_word));
        match self {
            Self::ClickHouse if column.nullable => format!("{name} Nullable({kind})"),
            // Definitions of Athena and Spark know no `NOT NULL` that a table of files would keep.
            Self::Athena | Self::ClickHouse | Self::Spark => format!("{name} {kind}"),
            _ if column.nullable => format!("{name} {kind}"),
            _ => format!("{name} {kind} NOT NULL"),
        }
    }
}

/// How Snowflake is to read the files.
pub(super) const SNOWFLAKE_PARQUET: &str = "(TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)";

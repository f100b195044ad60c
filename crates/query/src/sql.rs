//! Questions in SQL, answered by DataFusion over the live files of the tables.
//!
//! A [`Database`] is an archive at one moment: what is published while a query runs changes nothing of its answer. It has
//! the tables `messages`, `hours` (what is known of each hour now) and `dead_letters`, the view
//! `messages_once`, the table function `search('query')` and the predicate `matches('query')`, which ask the index. A query
//! reads; whatever would write is refused.

mod answer;
mod bounds;
mod error;
mod files;
mod functions;
mod lookup;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chat::Timestamp;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::datasource::{MemTable, ViewTable, provider_as_source};
use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{FunctionRegistry as _, SessionStateBuilder};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ScalarUDF};
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use index::Catalogue;
use store::{Archive, TableFile};

pub use answer::{Answer, Batch, Form, Value};
pub use error::SqlError;
use files::FilesTable;
use lookup::{Index, Matches, Rewrite, Search};

use crate::coverage::Coverage;
use crate::export::Secrets;

/// What a query may use.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes of memory; what needs more goes to disk, where it can.
    pub memory: usize,
    /// The folder for what goes to disk.
    pub temp: PathBuf,
    /// Whether share secrets are among the columns.
    pub secrets: Secrets,
    /// The time by which words like `yesterday` in a full-text query are read.
    pub now: Timestamp,
}

/// An archive at one moment.
pub struct Database {
    context: SessionContext,
    index: Arc<Index>,
    not_indexed: usize,
    tables: Vec<String>,
}

/// The columns that hold share secrets.
const SECRETS: [&str; 2] = ["secret", "thumb_secret"];

/// The column that may have a share secret among other things.
const REST: &str = "rest";

/// Consumers of memory that are named when there is none left.
const NAMED_CONSUMERS: usize = 3;

/// Each message once, as docs/sql.md has it for other engines.
const MESSAGES_ONCE: &str = "SELECT * FROM messages AS message WHERE NOT EXISTS (SELECT 1 FROM messages AS earlier \
    WHERE earlier.msg_id = message.msg_id AND earlier.source_hour < message.source_hour)";

/// Whether a query may ask the index, which then should be up to date.
#[must_use]
pub fn may_ask_index(query: &str) -> bool {
    let query = query.to_lowercase();
    [Matches::NAME, Search::NAME].iter().any(|function| query.contains(function))
}

impl Database {
    /// The archive as it is now. There may be no index.
    ///
    /// # Errors
    ///
    /// When the tables or the index cannot be read.
    pub async fn open(archive: &Archive, catalogue: Option<Catalogue>, options: &Options) -> Result<Self, SqlError> {
        // First the ledger, so that what it says is published is in the tables.
        let entries = archive.entries().await?;
        let files = archive.files().await?;
        let indexed = catalogue.as_ref().map(Catalogue::hours).transpose()?.unwrap_or_default();
        let Coverage { stale, missing, .. } = Coverage::of(&entries, &indexed);
        let index = Arc::new(Index { catalogue, stale, now: options.now, was_asked: AtomicBool::new(false) });
        let entries: Vec<_> = entries.into_values().collect();
        let hours = archive::entry_batches(&entries)?;
        let schema = archive::with_promoted(&archive::message_schema(), &archive.promotions().await?);
        let context = context(options).map_err(engine)?;
        let database = Self { context, index, not_indexed: missing.len(), tables: Vec::new() };
        database.with_tables(schema, files, hours, options.secrets).await.map_err(engine)
    }

    /// Answers a query.
    ///
    /// # Errors
    ///
    /// [`SqlError::Query`] when it makes no sense, [`SqlError::Moving`] when a file was replaced meanwhile; else when
    /// something cannot be read.
    pub async fn ask(&self, query: &str) -> Result<Answer, SqlError> {
        let reading = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
        let frame = self.context.sql_with_options(query, reading).await.map_err(|error| self.error(error))?;
        let stream = frame.execute_stream().await.map_err(|error| self.error(error))?;
        Ok(Answer::new(stream, self.tables.clone()))
    }

    /// How many archived hours a query did not look through, because the index that it asked does not hold them.
    #[must_use]
    pub fn not_searched(&self) -> usize {
        if self.index.was_asked.load(Ordering::Relaxed) { self.not_indexed } else { 0 }
    }

    /// The tables and views by name, with their columns.
    ///
    /// # Errors
    ///
    /// When a view cannot be planned.
    pub async fn columns(&self) -> Result<Vec<(String, Vec<String>)>, SqlError> {
        let mut tables = Vec::new();
        for name in &self.tables {
            let frame = self.context.table(name.as_str()).await.map_err(|error| self.error(error))?;
            let columns = frame.schema().fields().iter().map(|field| field.name().clone()).collect();
            tables.push((name.clone(), columns));
        }
        Ok(tables)
    }

    fn error(&self, error: DataFusionError) -> SqlError {
        SqlError::of(error, &self.tables)
    }

    async fn with_tables(
        mut self,
        schema: SchemaRef,
        files: Vec<TableFile>,
        hours: Vec<datafusion::arrow::array::RecordBatch>,
        secrets: Secrets,
    ) -> Result<Self, DataFusionError> {
        let (mut messages, mut letters) = (Vec::new(), Vec::new());
        for file in files {
            match file.table {
                "messages" => messages.push(file),
                "dead_letters" => letters.push(file),
                _ => {}
            }
        }
        let context = &self.context;
        let plan = messages_plan(&schema, messages, secrets)?;
        context.register_table("messages", Arc::new(ViewTable::new(plan.clone(), None)))?;
        context.register_table("hours", Arc::new(MemTable::try_new(archive::entry_schema(), vec![hours])?))?;
        let letters = FilesTable::new(&archive::dead_letter_schema(), &[], letters);
        context.register_table("dead_letters", Arc::new(letters))?;
        context.register_udtf(Search::NAME, Arc::new(Search::new(Arc::clone(&self.index), plan)));
        context.register_udf(ScalarUDF::new_from_impl(Matches::new()));
        functions::all().into_iter().for_each(|function| context.register_udf(function));
        context.state_ref().write().register_function_rewrite(Arc::new(Rewrite(Arc::clone(&self.index))))?;
        let once = context.sql(MESSAGES_ONCE).await?.into_view();
        context.register_table("messages_once", once)?;
        self.tables = ["messages", "messages_once", "hours", "dead_letters"].map(str::to_owned).to_vec();
        Ok(self)
    }
}

fn engine(error: DataFusionError) -> SqlError {
    SqlError::of(error, &[])
}

/// The table `messages`, as it is shown.
fn messages_plan(schema: &SchemaRef, files: Vec<TableFile>, secrets: Secrets) -> Result<LogicalPlan, DataFusionError> {
    let hidden: &[&str] = if secrets == Secrets::Kept { &[] } else { &SECRETS };
    let table = Arc::new(FilesTable::new(schema, hidden, files));
    let plan = LogicalPlanBuilder::scan("messages", provider_as_source(table), None)?;
    if secrets == Secrets::Kept {
        return plan.build();
    }
    let columns = plan.schema().columns().into_iter().map(|column| match column.name.as_str() {
        REST => functions::without_secrets().call(vec![Expr::Column(column)]).alias(REST),
        _ => Expr::Column(column),
    });
    let columns: Vec<_> = columns.collect();
    plan.project(columns)?.build()
}

fn context(options: &Options) -> Result<SessionContext, DataFusionError> {
    let mut config = SessionConfig::new().with_information_schema(true);
    let engine = config.options_mut();
    // Mistakes are told with their place.
    engine.sql_parser.collect_spans = true;
    // What leaves the engine is what every reader of Arrow knows.
    engine.optimizer.expand_views_at_output = true;
    let state = SessionStateBuilder::new_with_default_features().with_config(config);
    let state = state.with_runtime_env(Arc::new(runtime(options)?)).build();
    Ok(SessionContext::new_with_state(state))
}

fn runtime(options: &Options) -> Result<RuntimeEnv, DataFusionError> {
    let pool = TrackConsumersPool::new(
        FairSpillPool::new(options.memory),
        std::num::NonZero::new(NAMED_CONSUMERS).unwrap_or(std::num::NonZero::<usize>::MIN),
    );
    let disk = DiskManagerBuilder::default().with_mode(DiskManagerMode::Directories(vec![options.temp.clone()]));
    RuntimeEnvBuilder::new().with_memory_pool(Arc::new(pool)).with_disk_manager_builder(disk).build()
}

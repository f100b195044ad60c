//! Questions in SQL, answered by DataFusion over the live files of the tables.
//!
//! A [`Database`] is an archive at one moment: what is published while a query runs changes nothing of its answer. It has
//! the tables `messages`, `hours` (what is known of each hour now), `dead_letters` and `attachments`, the view
//! `messages_once`, the table function `search('query')` and the predicate `matches('query')`, which ask the index. A query
//! reads; whatever would write is refused.

mod answer;
mod bounds;
mod columns;
mod error;
mod files;
mod found;
mod functions;
mod lookup;
mod masked;
mod seen;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use archive::{Promotion, Root};
use chat::{Hour, Timestamp};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::catalog::TableProvider;
use datafusion::common::ScalarValue;
use datafusion::datasource::{MemTable, ViewTable, provider_as_source};
use datafusion::error::DataFusionError;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{FunctionRegistry as _, SessionStateBuilder};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, ScalarUDF, col, lit};
use datafusion::prelude::{SQLOptions, SessionConfig, SessionContext};
use index::Catalogue;
use store::{Archive, TableFile};

pub(crate) use answer::File;
pub use answer::{Answer, Batch, Form, Value};
pub(crate) use columns::type_word;
pub use columns::{ColumnType, TableColumns};
pub use error::SqlError;
use files::FilesTable;
use lookup::{Index, Matches, Rewrite, Search};
pub(crate) use seen::{Chosen, Seen};

use crate::coverage::Coverage;
use crate::export::{Mask, Secrets};

/// What a query may use.
#[derive(Clone)]
pub struct Options {
    /// Bytes of memory; what needs more goes to disk, where it can.
    pub memory: usize,
    /// The folder for what goes to disk.
    pub temp: PathBuf,
    /// Whether share secrets are among the columns.
    pub secrets: Secrets,
    /// How the rows of messages are masked before a query sees them; it then sees no other tables with what people say.
    pub mask: Option<Mask>,
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

/// The messages of all hours, where the table `messages` has only those of some.
const ALL_MESSAGES: &str = "all_messages";

/// The columns that hold share secrets.
const SECRETS: [&str; 2] = ["secret", "thumb_secret"];

/// The columns of URLs, which may have a share secret in them.
const URLS: [&str; 2] = ["url", "thumb_url"];

/// The column that may have a share secret among other things.
const REST: &str = "rest";

/// Parts of a table that are read beside each other where it is in a bucket, if there are not more cores.
const READERS_OF_A_BUCKET: usize = 8;

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
        Self::of(Seen::of(archive).await?, catalogue, options, None).await
    }

    /// What was seen; as `messages`, if hours are named, their rows alone.
    pub(crate) async fn of(
        seen: Seen,
        catalogue: Option<Catalogue>,
        options: &Options,
        only: Option<&BTreeSet<Hour>>,
    ) -> Result<Self, SqlError> {
        let indexed = catalogue.as_ref().map(Catalogue::hours).transpose()?.unwrap_or_default();
        let Coverage { stale, missing, .. } = Coverage::of(&seen.entries, &indexed);
        let index = Arc::new(Index { catalogue, stale, now: options.now, was_asked: AtomicBool::new(false) });
        let context = context(options, seen.is_in_a_bucket).map_err(engine)?;
        let mut database = Self { context, index, not_indexed: missing.len(), tables: Vec::new() };
        database.register(seen, options, only).await?;
        Ok(database)
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

    /// The tables and views with their columns.
    ///
    /// # Errors
    ///
    /// When a view cannot be planned.
    pub async fn columns(&self) -> Result<Vec<TableColumns>, SqlError> {
        let mut tables = Vec::new();
        for name in &self.tables {
            let frame = self.context.table(name.as_str()).await.map_err(|error| self.error(error))?;
            let column =
                |field: &FieldRef| ColumnType { name: field.name().clone(), type_word: type_word(field.data_type()) };
            tables.push(TableColumns {
                name: name.clone(),
                columns: frame.schema().fields().iter().map(column).collect(),
            });
        }
        Ok(tables)
    }

    /// The names of the functions that a query may call, in order.
    #[must_use]
    pub fn functions(&self) -> Vec<String> {
        columns::functions(&self.context)
    }

    fn error(&self, error: DataFusionError) -> SqlError {
        SqlError::of(error, &self.tables)
    }

    async fn register(&mut self, seen: Seen, options: &Options, only: Option<&BTreeSet<Hour>>) -> Result<(), SqlError> {
        let Seen { entries, promotions, messages, letters, attachments, .. } = seen;
        let entries: Vec<_> = entries.into_values().collect();
        let hours = MemTable::try_new(archive::entry_schema(), vec![archive::entry_batches(&entries)?]);
        self.register_messages(&promotions, messages, options, only).await.map_err(engine)?;
        self.add("hours", Arc::new(hours.map_err(engine)?)).map_err(engine)?;
        if options.mask.is_none() {
            let letters = FilesTable::new(&archive::dead_letter_schema(), &[], letters);
            self.add("dead_letters", Arc::new(letters)).map_err(engine)?;
            let attachments = FilesTable::new(&archive::attachment_schema(), &[], attachments);
            self.add("attachments", Arc::new(attachments)).map_err(engine)?;
        }
        functions::all().into_iter().for_each(|function| self.context.register_udf(function));
        Ok(())
    }

    async fn register_messages(
        &mut self,
        promotions: &[Promotion],
        files: Vec<TableFile>,
        options: &Options,
        only: Option<&BTreeSet<Hour>>,
    ) -> Result<(), DataFusionError> {
        let rewrite = Arc::new(Rewrite(Arc::clone(&self.index)));
        self.context.state_ref().write().register_function_rewrite(rewrite)?;
        self.context.register_udf(ScalarUDF::new_from_impl(Matches::new()));
        let (plan, all) = match only {
            Some(hours) => {
                let of_hours = files.iter().filter(|file| file.hours.iter().any(|hour| hours.contains(hour)));
                let plan = messages_plan(promotions, of_hours.cloned().collect(), options, Some(hours))?;
                (plan, Some(messages_plan(promotions, files, options, None)?))
            }
            None => (messages_plan(promotions, files, options, None)?, None),
        };
        self.context.register_udtf(Search::NAME, Arc::new(Search::new(Arc::clone(&self.index), plan.clone())));
        self.add("messages", Arc::new(ViewTable::new(plan, None)))?;
        let earlier = if all.is_some() { ALL_MESSAGES } else { "messages" };
        if let Some(all) = all {
            self.add(ALL_MESSAGES, Arc::new(ViewTable::new(all, None)))?;
        }
        let once = MESSAGES_ONCE.replace("messages AS earlier", &format!("{earlier} AS earlier"));
        let once = self.context.sql(&once).await?.into_view();
        self.add("messages_once", once)
    }

    fn add(&mut self, name: &str, table: Arc<dyn TableProvider>) -> Result<(), DataFusionError> {
        self.context.register_table(name, table)?;
        self.tables.push(name.to_owned());
        Ok(())
    }
}

fn engine(error: DataFusionError) -> SqlError {
    SqlError::of(error, &[])
}

/// The table `messages`, as it is shown.
fn messages_plan(
    promotions: &[Promotion],
    files: Vec<TableFile>,
    options: &Options,
    only: Option<&BTreeSet<Hour>>,
) -> Result<LogicalPlan, DataFusionError> {
    let hidden: &[&str] = if options.secrets == Secrets::Kept { &[] } else { &SECRETS };
    let schema = archive::with_promoted(&archive::message_schema(), promotions);
    let table = Arc::new(FilesTable::new(&schema, hidden, files));
    let columns: Vec<_> =
        table.schema().fields().iter().map(|field| shown(field, promotions, options)).collect::<Result<_, _>>()?;
    let mut plan = LogicalPlanBuilder::scan("messages", provider_as_source(table), None)?;
    if let Some(hours) = only {
        let keys = hours.iter().map(|hour| lit(ScalarValue::Utf8View(Some(hour.key()))));
        plan = plan.filter(col("source_hour").in_list(keys.collect(), false))?;
    }
    plan.project(columns)?.build()
}

/// A column as it is shown.
fn shown(field: &Field, promotions: &[Promotion], options: &Options) -> Result<Expr, DataFusionError> {
    Ok(match &options.mask {
        Some(mask) => masked::masked(field, mask)?,
        None if field.name() == REST && options.secrets == Secrets::LeftOut => {
            functions::without_secrets().call(vec![col(REST)]).alias(REST)
        }
        None if options.secrets == Secrets::LeftOut && may_have_urls(field, promotions) => {
            functions::without_secrets_in_urls().call(vec![col(field.name())]).alias(field.name())
        }
        None => col(field.name()),
    })
}

/// Whether URLs of files may be in a column: it is made for them, or holds texts of the service that `rest` has, too.
fn may_have_urls(field: &Field, promotions: &[Promotion]) -> bool {
    let is_of_rest = |promotion: &Promotion| promotion.column == *field.name() && promotion.place.root != Root::Ext;
    URLS.contains(&field.name().as_str())
        || *field.data_type() == DataType::Utf8View && promotions.iter().any(is_of_rest)
}

fn context(options: &Options, is_in_a_bucket: bool) -> Result<SessionContext, DataFusionError> {
    let mut config = SessionConfig::new().with_information_schema(true);
    let engine = config.options_mut();
    if is_in_a_bucket {
        // A store is waited for longer than its bytes are worked on.
        engine.execution.target_partitions = engine.execution.target_partitions.max(READERS_OF_A_BUCKET);
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The view of the page for other engines is the view here.
    #[test]
    fn each_message_is_shown_once_by_the_documented_view() {
        let page = include_str!("../../../docs/sql.md");
        let (_, view) = page.split_once("```sql view\n").unwrap();
        let (view, _) = view.split_once(";\n```").unwrap();
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let unspaced = |text: &str| words(text).join(" ").replace("( ", "(").replace(" )", ")");
        assert_eq!(unspaced(view), format!("CREATE VIEW messages_once AS {MESSAGES_ONCE}"));
    }
}

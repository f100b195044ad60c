//! Full-text search within SQL: `matches('query')` and `search('query')`.
//!
//! Both ask the index once, while the query is planned, and become a function of a row's key: `index['harbour': 12 rows in 3
//! hours](source_hour, part, line)`. A scan that meets it as a filter leaves out the files of all other hours and the pages on
//! which none of the rows can be, reads the keys of the rest, and of what then matches the other columns; anywhere else it is
//! looked up row by row.

use std::collections::BTreeSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chat::{Hour, Timestamp};
use datafusion::arrow::array::{BooleanArray, Float64Array};
use datafusion::arrow::datatypes::DataType;
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema, plan_err};
use datafusion::datasource::ViewTable;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    TypeSignature, Volatility, col,
};
use index::{Catalogue, Hit, Query, Request};

use super::found::{Found, Gathered, KeyBatch};

/// The columns by which the index knows a row.
const KEY: [&str; 3] = ["source_hour", "part", "line"];

/// Rows that the index may name for one question; 24 bytes each.
const MOST_FOUND: usize = 20_000_000;

/// Messages that `search` gives at the most; each is held with its place in the order while they are sought.
const MOST_SCORED: usize = 1_000_000;

/// The index, as the tables of one query know it.
pub(super) struct Index {
    /// `None` when there is none yet.
    pub(super) catalogue: Option<Catalogue>,
    /// Hours of which it holds something else than the tables.
    pub(super) stale: BTreeSet<Hour>,
    /// By which a query's words for time are read.
    pub(super) now: Timestamp,
    /// Whether anybody asked.
    pub(super) was_asked: AtomicBool,
}

impl Index {
    /// Every row that matches, copies of messages in later hours too.
    fn matching(&self, text: &str) -> Result<Arc<Found>> {
        let query = self.read(text)?;
        let (mut gathered, mut count) = (Gathered::default(), 0);
        if let Some(catalogue) = &self.catalogue {
            let take = |row: Hit| {
                count += 1;
                if count <= MOST_FOUND && !self.stale.contains(&row.source_hour) {
                    gathered.add(&row);
                }
            };
            catalogue.each_row(&query, take).map_err(external)?;
        }
        if count > MOST_FOUND {
            return plan_err!("more than {MOST_FOUND} rows match '{text}'");
        }
        Ok(Arc::new(gathered.found(text)))
    }

    /// Every message that matches, once and with its score, as `annals query` finds them.
    fn scored(&self, text: &str) -> Result<Arc<Found>> {
        let request = Request {
            without: self.stale.clone(),
            limit: MOST_SCORED + 1,
            scored: true,
            ..Request::new(self.read(text)?)
        };
        let found = self.catalogue.as_ref().map(|catalogue| catalogue.search(&request)).transpose();
        let hits = found.map_err(external)?.unwrap_or_default().hits;
        if hits.len() > MOST_SCORED {
            return plan_err!("more than {MOST_SCORED} messages match '{text}': ask for fewer, or use matches()");
        }
        let mut gathered = Gathered::default();
        hits.iter().for_each(|hit| gathered.add(hit));
        Ok(Arc::new(gathered.found(text)))
    }

    fn read(&self, text: &str) -> Result<Query> {
        self.was_asked.store(true, Ordering::Relaxed);
        Query::parse_at(text, self.now).map_err(external)
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index").finish_non_exhaustive()
    }
}

fn external(error: impl std::error::Error + Send + Sync + 'static) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// What is asked of a row's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Asked {
    /// Whether it was found.
    IsFound,
    /// How well it matches.
    Score,
}

/// A look into what was found.
#[derive(Debug, Clone)]
struct LookUp {
    found: Arc<Found>,
    asked: Asked,
    signature: Signature,
}

impl LookUp {
    fn expression(found: &Arc<Found>, asked: Asked, key: Vec<Expr>) -> Expr {
        let types = vec![DataType::Utf8View, DataType::Int32, DataType::Int64];
        let signature = Signature::exact(types, Volatility::Immutable);
        let function = ScalarUDF::new_from_impl(Self { found: Arc::clone(found), asked, signature });
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(function), key))
    }
}

impl PartialEq for LookUp {
    fn eq(&self, other: &Self) -> bool {
        self.found.label() == other.found.label() && self.asked == other.asked
    }
}

impl Eq for LookUp {}

impl Hash for LookUp {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.found.label(), self.asked).hash(state);
    }
}

impl ScalarUDFImpl for LookUp {
    fn name(&self) -> &str {
        match self.asked {
            Asked::IsFound => self.found.label(),
            Asked::Score => "score",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(match self.asked {
            Asked::IsFound => DataType::Boolean,
            Asked::Score => DataType::Float64,
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let batch = KeyBatch::of(&arguments)?;
        let scores = self.found.each(&batch);
        Ok(ColumnarValue::Array(match self.asked {
            Asked::IsFound => Arc::new(scores.map(|score| Some(score.is_some())).collect::<BooleanArray>()),
            Asked::Score => Arc::new(scores.map(|score| score.map(f64::from)).collect::<Float64Array>()),
        }))
    }
}

/// What a filter asks of the index, if it is a look into it.
pub(super) fn asked_of(filter: &Expr) -> Option<&Found> {
    let Expr::ScalarFunction(call) = filter else { return None };
    let look_up = call.func.inner().downcast_ref::<LookUp>()?;
    (look_up.asked == Asked::IsFound).then_some(&*look_up.found)
}

/// `matches('query')`, and in a join `matches('query', m.line)`, until it is known which rows these are.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Matches {
    signature: Signature,
}

impl Matches {
    pub(super) const NAME: &'static str = "matches";

    pub(super) fn new() -> Self {
        let forms = vec![TypeSignature::Any(1), TypeSignature::Any(2)];
        Self { signature: Signature::one_of(forms, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Matches {
    fn name(&self) -> &str {
        Self::NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, _arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        plan_err!("matches() looks at rows of the table messages")
    }
}

/// Puts what the index finds in the place of `matches`.
#[derive(Debug)]
pub(super) struct Rewrite(pub(super) Arc<Index>);

impl FunctionRewrite for Rewrite {
    fn name(&self) -> &str {
        "index"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _config: &ConfigOptions) -> Result<Transformed<Expr>> {
        let Expr::ScalarFunction(call) = &expr else { return Ok(Transformed::no(expr)) };
        if !call.func.inner().is::<Matches>() {
            return Ok(Transformed::no(expr));
        }
        let found = self.0.matching(text_of(Matches::NAME, &call.args)?)?;
        let key = key_columns(call.args.get(1), schema)?;
        Ok(Transformed::yes(LookUp::expression(&found, Asked::IsFound, key)))
    }
}

/// The query that is searched for, which is written out where it stands.
fn text_of<'a>(function: &str, arguments: &'a [Expr]) -> Result<&'a str> {
    match arguments.first() {
        Some(Expr::Literal(value, _)) if value.try_as_str().flatten().is_some() => {
            Ok(value.try_as_str().flatten().unwrap_or_default())
        }
        _ => {
            plan_err!("{function}() takes a query as a text in single quotes, such as {function}('harbour -type:img')")
        }
    }
}

/// The key of the rows of `messages`: those of the table that a column is named of, or of the only one there is.
fn key_columns(of: Option<&Expr>, schema: &DFSchema) -> Result<Vec<Expr>> {
    let of = match of {
        None => None,
        Some(Expr::Column(column)) => column.relation.as_ref(),
        Some(_) => return plan_err!("the second argument of matches() is a column of messages, such as m.line"),
    };
    let column = |name: &str| {
        let fields = schema.qualified_fields_with_unqualified_name(name);
        let mut fields = fields.into_iter().filter(|(table, _)| of.is_none() || *table == of);
        match (fields.next(), fields.next()) {
            (Some((table, _)), None) => Ok(Expr::Column(Column::new(table.cloned(), name))),
            (None, _) => {
                plan_err!("matches() needs the columns source_hour, part and line of messages where it stands")
            }
            _ => plan_err!("there are several tables: say whose rows, as in matches('harbour', m.line)"),
        }
    };
    KEY.iter().map(|name| column(name)).collect()
}

/// `search('query')`: the messages that match, each once, with all columns of `messages` and `score`.
#[derive(Debug)]
pub(super) struct Search {
    index: Arc<Index>,
    messages: LogicalPlan,
}

impl Search {
    pub(super) const NAME: &'static str = "search";
    /// The column that comes with the messages.
    const SCORE: &'static str = "score";

    pub(super) fn new(index: Arc<Index>, messages: LogicalPlan) -> Self {
        Self { index, messages }
    }
}

impl TableFunctionImpl for Search {
    fn call_with_args(&self, arguments: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        if arguments.exprs().len() != 1 {
            return plan_err!("search() takes one query, such as search('harbour -type:img')");
        }
        let found = self.index.scored(text_of(Self::NAME, arguments.exprs())?)?;
        let look_up = |asked| LookUp::expression(&found, asked, KEY.iter().map(|name| col(*name)).collect());
        let columns = self.messages.schema().columns().into_iter().map(Expr::Column);
        let score = look_up(Asked::Score).alias(Self::SCORE);
        let plan = LogicalPlanBuilder::from(self.messages.clone()).filter(look_up(Asked::IsFound))?;
        let plan = plan.project(columns.chain([score]))?.build()?;
        Ok(Arc::new(ViewTable::new(plan, None)))
    }
}

//! A table of the archive as DataFusion reads it: its live files, and what the log says of each.

use std::fmt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::TableParquetOptions;
use datafusion::common::stats::Precision;
use datafusion::common::{DFSchema, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::{ParquetFileReaderFactory, ParquetRowSelection};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::table_schema::TableSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::parquet::arrow::arrow_reader::RowSelection;
use datafusion::parquet::arrow::async_reader::AsyncFileReader;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use store::{Reader, TableFile};

use super::bounds::Bounds;
use super::found::Found;
use super::lookup;

/// The column that is in the names of folders and not in the files.
pub(super) const PARTITION: &str = "date";

/// Files whose footers are read beside each other.
const FILES_AT_ONCE: usize = 8;

/// The live files of one table at one version.
pub(super) struct FilesTable {
    schema: TableSchema,
    files: Vec<TableFile>,
    /// Read when the first filter asks.
    bounds: OnceLock<Bounds>,
}

impl FilesTable {
    /// A table of files with these columns, of which some are not to be seen.
    pub(super) fn new(columns: &Schema, hidden: &[&str], files: Vec<TableFile>) -> Self {
        let shown = columns.fields().iter().filter(|field| !hidden.contains(&field.name().as_str()));
        let file_schema = Schema::new(shown.map(|field| as_view(field)).collect::<Vec<_>>());
        let partition = Arc::new(Field::new(PARTITION, DataType::Date32, true));
        Self {
            schema: TableSchema::builder(Arc::new(file_schema)).with_table_partition_cols(vec![partition]).build(),
            files,
            bounds: OnceLock::new(),
        }
    }

    /// The files that may have rows which match: as their bounds say, and as the index does.
    fn chosen(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<&TableFile>> {
        let may_match = self.may_match(state, filters)?;
        let found = asked_of(filters);
        let has_hits = |file: &TableFile| {
            let has_hits = |found: &&Found| file.hours.iter().any(|hour| found.has_hour(*hour));
            file.hours.is_empty() || found.iter().all(has_hits)
        };
        let files = self.files.iter().zip(may_match);
        Ok(files.filter(|(file, may_match)| *may_match && has_hits(file)).map(|(file, _)| file).collect())
    }

    fn may_match(&self, state: &dyn Session, filters: &[Expr]) -> Result<Vec<bool>> {
        let Some(filter) = conjunction(filters.iter().cloned()) else { return Ok(vec![true; self.files.len()]) };
        let schema = DFSchema::try_from(self.schema())?;
        let predicate = PruningPredicateBuilder::new()
            .with_file_schema(self.schema())
            .try_build(state.create_physical_expr(filter, &schema)?)?;
        if predicate.always_true() {
            return Ok(vec![true; self.files.len()]);
        }
        predicate.prune(self.bounds.get_or_init(|| Bounds::of(self.schema(), &self.files)))
    }

    /// A file with its partition, and with the rows that need be looked at where the index names them.
    async fn partitioned(&self, file: &TableFile, found: &[&Found]) -> Result<PartitionedFile> {
        let partitioned = partitioned(file)?;
        // What is not sorted by time has no pages to choose from.
        let is_sorted = self.schema.file_schema().field_with_name("sent_at").is_ok();
        let keys = found.iter().filter_map(|found| found.keys_in(&file.hours)).min_by_key(Vec::len);
        let Some(keys) = keys.filter(|_| is_sorted) else { return Ok(partitioned) };
        let near = archive::rows_near(file.reader(), &keys).await;
        let near = near.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let rows = RowSelection::from_consecutive_ranges(near.rows.into_iter(), near.of);
        Ok(partitioned.with_extension(ParquetRowSelection::new(rows)))
    }

    fn statistics_of(&self, rows: Option<u64>) -> Statistics {
        let rows = rows.and_then(|rows| usize::try_from(rows).ok());
        Statistics::new_unknown(&self.schema()).with_num_rows(rows.map_or(Precision::Absent, Precision::Exact))
    }
}

/// Texts are handed on without being copied.
fn as_view(field: &Field) -> Field {
    match field.data_type() {
        DataType::Utf8 => field.clone().with_data_type(DataType::Utf8View),
        DataType::Binary => field.clone().with_data_type(DataType::BinaryView),
        _ => field.clone(),
    }
}

#[async_trait]
impl TableProvider for FilesTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(self.schema.table_schema())
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let files = self.chosen(state, filters)?;
        if files.is_empty() {
            let columns =
                projection.map_or_else(|| Ok(self.schema()), |these| self.schema().project(these).map(Arc::new))?;
            return Ok(Arc::new(EmptyExec::new(columns)));
        }
        let rows = files.iter().map(|file| rows_of(file)).sum::<Option<u64>>();
        let found = asked_of(filters);
        let mut partitioned = Vec::new();
        for file in files {
            partitioned.push(self.partitioned(file, &found));
        }
        let files = stream::iter(partitioned).buffered(FILES_AT_ONCE).try_collect().await?;
        let source = ParquetSource::new(self.schema.clone())
            .with_table_parquet_options(reading(!found.is_empty()))
            .with_parquet_file_reader_factory(Arc::new(Readers));
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
            .with_file_groups(FileGroup::new(files).split_files(state.config().target_partitions()))
            .with_statistics(self.statistics_of(rows))
            .with_projection_indices(projection.cloned())?
            .with_limit(limit);
        Ok(DataSourceExec::from_data_source(config.build()))
    }

    fn statistics(&self) -> Option<Statistics> {
        Some(self.statistics_of(self.files.iter().map(rows_of).sum()))
    }
}

impl fmt::Debug for FilesTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FilesTable").field("files", &self.files.len()).finish_non_exhaustive()
    }
}

/// How files are read; `are_named` where the index names the rows.
fn reading(are_named: bool) -> TableParquetOptions {
    let mut options = TableParquetOptions::default();
    if are_named {
        // Their keys are read first, and nothing else of the others.
        options.global.pushdown_filters = true;
        // Both of these would read pages that hold nothing sought, to save decoding that is nothing here.
        options.global.force_filter_selections = true;
        options.global.max_predicate_cache_size = Some(0);
    }
    options
}

/// What filters ask of the index.
fn asked_of(filters: &[Expr]) -> Vec<&Found> {
    filters.iter().flat_map(split_conjunction).filter_map(lookup::asked_of).collect()
}

fn rows_of(file: &TableFile) -> Option<u64> {
    super::bounds::rows(file.statistics.as_deref()?)
}

fn partitioned(file: &TableFile) -> Result<PartitionedFile> {
    let date = match &file.date {
        Some(date) => ScalarValue::try_from_string(date.clone(), &DataType::Date32)?,
        None => ScalarValue::Date32(None),
    };
    let path = format!("{}/{}", file.table, file.path);
    Ok(PartitionedFile::new(path, file.size).with_partition_values(vec![date]).with_extension(file.reader()))
}

/// Opens the files through the archive, which knows where they lie.
#[derive(Debug)]
struct Readers;

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        _partition: usize,
        file: PartitionedFile,
        _metadata_size_hint: Option<usize>,
        _metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let reader = file.extension::<Reader>().cloned();
        let reader = reader.ok_or_else(|| DataFusionError::Internal(format!("no reader of {}", file.path())))?;
        Ok(Box::new(reader))
    }
}

//! A Parquet file of a table, row group after row group.

use std::fs::File;
use std::io::Write;
use std::marker::PhantomData;

use arrow::array::RecordBatch;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;
use parquet::file::properties::WriterProperties;

use crate::batch::Spare;
use crate::copy::{Chunks, StoredGroup};
use crate::encoding::Unencoded;
use crate::error::Error;
use crate::layout::properties;
use crate::promotion::{Promoted, Promotion};
use crate::row_groups::{self, Hands, Most, RowGroups};
use crate::settings::Settings;
use crate::sort::text_bytes;
use crate::statistics::Statistics;
use crate::table::Table;
use crate::write::Written;

/// A file that is being written.
pub(crate) struct TableFile<W: Write + Send, T> {
    groups: RowGroups<W>,
    most: Most,
    promoted: Promoted,
    table: PhantomData<T>,
}

impl<W: Write + Send, T: Table> TableFile<W, T> {
    /// A file with these columns behind those of the table.
    pub(crate) fn new(out: W, settings: &Settings, promotions: &[Promotion]) -> Result<Self, Error> {
        Self::laid_out(out, settings, properties::<T>(settings, promotions)?, promotions)
    }

    /// The same in a layout of its own.
    pub(crate) fn laid_out(
        out: W,
        settings: &Settings,
        properties: WriterProperties,
        promotions: &[Promotion],
    ) -> Result<Self, Error> {
        let promoted = Promoted::new(promotions);
        let most = Most {
            rows: settings.row_group_rows.max(1),
            bytes: settings.row_group_bytes.min(Settings::MOST_ROW_GROUP_BYTES),
            count: text_bytes,
        };
        let groups = RowGroups::new(out, promoted.schema(T::schema()), properties, most)?;
        Ok(Self { groups, most, promoted, table: PhantomData })
    }

    /// The same, where columns that are encoded are given back.
    pub(crate) fn giving_back_to(mut self, spare: &Spare) -> Self {
        self.groups.spare = spare.clone();
        self
    }

    /// Adds rows with the columns of the table to the row group that is being written, and ends it when it is full.
    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.groups.write(&self.promoted.of(batch)?, Hands::OfThePool)
    }

    /// Ends the row group that is being written.
    pub(crate) fn end_group(&mut self) -> Result<(), Error> {
        self.groups.end_group(Hands::OfThePool)
    }

    /// Columns that others may encode meanwhile.
    pub(crate) fn unencoded(&self) -> Unencoded {
        self.groups.unencoded()
    }

    /// Takes the rows back of the row group that is being written.
    pub(crate) fn take_group(&mut self) -> Result<Vec<RecordBatch>, Error> {
        let own: Vec<_> = (0..T::FIELDS.len()).collect();
        self.groups.take_group().into_iter().map(|batch| Ok(batch.project(&own)?)).collect()
    }

    /// The rows of each row group that was ended here, not of those that were copied.
    pub(crate) fn ended(&self) -> &[usize] {
        self.groups.ended()
    }

    /// Adds a row group of another file as it is there.
    pub(crate) fn copy(&mut self, group: &StoredGroup<'_>, chunks: &mut dyn Chunks) -> Result<(), Error> {
        self.end_group()?;
        self.groups.settle()?;
        let mut written = self.groups.parquet.next_row_group()?;
        group.append_to(&mut written, chunks)?;
        written.close()?;
        Ok(())
    }

    /// Whether a row group can be added as it is: it is laid out as this program does it today, and large enough that
    /// joined with others it would not be read much faster.
    pub(crate) fn can_copy(&self, group: &StoredGroup<'_>) -> bool {
        let is_large = group.rows() >= self.most.rows / 4 || group.bytes() >= self.most.bytes / 4;
        is_large && group.is_laid_out_as(self.groups.parquet.schema_descr(), self.groups.parquet.properties())
    }

    pub(crate) fn finish(self) -> Result<Written<W>, Error> {
        let parquet = self.groups.into_inner(Hands::OfThePool)?;
        let statistics = Statistics::of::<T>(parquet.schema_descr(), parquet.flushed_row_groups());
        let out = row_groups::finish(parquet)?;
        let (min_sent_at, max_sent_at) = statistics.times("sent_at");
        Ok(Written { out, rows: statistics.rows, min_sent_at, max_sent_at, statistics })
    }
}

impl<T: Table> TableFile<File, T> {
    /// The file, which has been written to the end, and its footer.
    pub(crate) fn into_parts(self) -> Result<(File, ParquetMetaData), Error> {
        let mut parquet = self.groups.into_inner(Hands::OfThePool)?;
        let metadata = parquet.finish()?;
        Ok((parquet.inner().get_ref().try_clone().map_err(ParquetError::from)?, metadata))
    }
}

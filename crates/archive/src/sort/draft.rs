//! Row groups that are encoded while rows still come.
//!
//! What belongs before them is known only when the last row has come: messages that were imported have times of long
//! before. So they wait in a temporary file, a tenth of what their rows would be there, and go from it into the file as
//! they are. Only a row group into which a row belongs that came too late is read, and encoded anew.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ParquetMetaData;

use super::Run;
use super::chunk::{Chunk, SortKey};
use super::merge::Merge;
use super::tail::Tail;
use crate::batch::{Spare, held, typed};
use crate::columns::{Messages, message_schema};
use crate::copy::{Chunks, StoredGroup};
use crate::encoding::Unencoded;
use crate::error::Error;
use crate::file::TableFile;
use crate::promotion::Promotion;
use crate::settings::Settings;

/// The oldest rows of a file, in order.
pub(crate) struct Draft {
    file: TableFile<File, Messages>,
    edges: Edges,
    /// The last row so far.
    last: Option<Chunk>,
    rows: usize,
}

/// Rows of which the keys are wanted, in chunks of one row.
#[derive(Default)]
struct Edges {
    first: Option<Chunk>,
    /// The last row of each row group.
    lasts: Vec<Chunk>,
    /// Rows of the row groups.
    rows: usize,
}

/// All rows of a file.
pub(crate) struct Sorted {
    pub(super) drafted: Option<Drafted>,
    /// What is not in the draft.
    pub(super) rest: Run<'static>,
}

/// Row groups in a temporary file.
pub(crate) struct Drafted {
    file: File,
    metadata: ParquetMetaData,
    edges: Edges,
}

impl Draft {
    /// Columns that are encoded are given back to `spare`.
    pub(crate) fn new(
        file: io::Result<File>,
        settings: &Settings,
        promotions: &[Promotion],
        spare: &Spare,
    ) -> Result<Self, Error> {
        let file = TableFile::new(file.map_err(Error::Spill)?, settings, promotions)?.giving_back_to(spare);
        Ok(Self { file, edges: Edges::default(), last: None, rows: 0 })
    }

    /// The key of the last row.
    pub(crate) fn last(&self) -> Option<SortKey<'_>> {
        self.last.as_ref().map(|row| row.key(0))
    }

    /// Adds rows that come after all before.
    pub(crate) fn write(&mut self, batch: RecordBatch) -> Result<(), Error> {
        self.file.write(&batch)?;
        let chunk = Chunk::new(batch)?;
        if self.edges.first.is_none() {
            self.edges.first = Some(chunk.row(0)?);
        }
        for group in &self.file.ended()[self.edges.lasts.len()..] {
            self.edges.rows += group;
            self.edges.lasts.push(chunk.row(self.edges.rows - self.rows - 1)?);
        }
        self.last = Some(chunk.row(chunk.rows() - 1)?);
        self.rows += chunk.rows();
        Ok(())
    }

    /// Columns that others may encode meanwhile.
    pub(crate) fn unencoded(&self) -> Unencoded {
        self.file.unencoded()
    }

    /// The row groups, and the rows of the one that is not full.
    pub(crate) fn finish(mut self) -> Result<(Drafted, Vec<RecordBatch>), Error> {
        let begun = self.file.take_group()?;
        let (file, metadata) = self.file.into_parts()?;
        Ok((Drafted { file, metadata, edges: self.edges }, begun))
    }
}

impl Sorted {
    pub(crate) fn write_into<W: Write + Send>(self, file: &mut TableFile<W, Messages>) -> Result<(), Error> {
        let mut rest = Tail::new(self.rest);
        if let Some(drafted) = self.drafted {
            drafted.write_into(file, &mut rest)?;
        }
        rest.into_run().try_for_each(|batch| file.write(&batch?))
    }
}

impl Drafted {
    /// Writes the row groups, and of the other rows those that come before the end of the last one.
    fn write_into<W: Write + Send>(
        mut self,
        file: &mut TableFile<W, Messages>,
        rest: &mut Tail<'_>,
    ) -> Result<(), Error> {
        let Some(first) = self.edges.first.take() else { return Ok(()) };
        if !self.edges.lasts.is_empty() {
            rest.up_to(&first.key(0)).try_for_each(|batch| file.write(&batch?))?;
        }
        for (group, last) in StoredGroup::all(&self.metadata).zip(&self.edges.lasts) {
            if !rest.has(&last.key(0))? {
                file.copy(&group, &mut Stored(&self.file))?;
                continue;
            }
            let last = last.key(0);
            let merged = Merge::new(vec![self.read(&group)?, Box::new(rest.up_to(&last))])?;
            write_in_halves(file, merged, group.rows())?;
        }
        Ok(())
    }

    fn read(&self, group: &StoredGroup<'_>) -> Result<Run<'static>, Error> {
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let metadata = ArrowReaderMetadata::try_new(Arc::new(self.metadata.clone()), options)?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(
            self.file.try_clone().map_err(ParquetError::from)?,
            metadata,
        );
        let own: Vec<_> = (0..message_schema().fields().len()).collect();
        let reader = builder.with_row_groups(vec![group.index()]).build()?;
        let held = held(&message_schema());
        Ok(Box::new(reader.map(move |batch| typed(&batch?.project(&own)?, SchemaRef::clone(&held)))))
    }
}

/// Ends a row group in the middle: a few rows more than fit into one are not to be left for one of their own.
fn write_in_halves<W: Write + Send>(
    file: &mut TableFile<W, Messages>,
    merged: Merge<'_>,
    drafted: usize,
) -> Result<(), Error> {
    let mut rows = 0;
    for batch in merged {
        let batch = batch?;
        file.write(&batch)?;
        let before = rows;
        rows += batch.num_rows();
        if (before..rows).contains(&(drafted / 2)) {
            file.end_group()?;
        }
    }
    Ok(())
}

/// The bytes of a temporary file.
struct Stored<'a>(&'a File);

impl Chunks for Stored<'_> {
    fn bytes(&mut self, range: Range<u64>) -> ParquetResult<Bytes> {
        let length =
            usize::try_from(range.end - range.start).map_err(|error| ParquetError::General(error.to_string()))?;
        let mut bytes = vec![0; length];
        let mut file = self.0;
        file.seek(SeekFrom::Start(range.start))?;
        file.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

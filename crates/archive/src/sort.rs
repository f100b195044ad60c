//! Sorting the messages of one file in bounded memory.
//!
//! An hour is served nearly in order. Rows that come after all before them are one run already: their chunks are never
//! sorted, nor copied but where others belong between them. All other rows gather apart. When all exceed the memory
//! allowed, the oldest rows in order, with the others that belong there, go into row groups of a [`Draft`], which the
//! file takes over as they are. Where there are none in order, the others are sorted and spilled as one run. In the end
//! what is not in the draft is merged, and put before, behind and into its row groups. The order is that of [`SortKey`],
//! which no two rows of a file share, so that the same messages give the same rows in the same order, whatever the
//! memory and the order they came in; where row groups end may differ.

mod chunk;
mod draft;
mod merge;
mod order;
mod run;
mod tail;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::iter;

use arrow::array::RecordBatch;

use crate::batch::Spare;
use crate::encoding::Unencoded;
use crate::error::Error;
use crate::promotion::Promotion;
use crate::settings::Settings;

use chunk::Chunk;
pub(crate) use chunk::text_bytes;
use draft::Draft;
pub(crate) use draft::Sorted;
pub(crate) use merge::Merge;
pub(crate) use order::{Split, Splitter};
use run::{MemoryRun, Spill};

/// Batches of sorted rows, each after the one before.
pub(crate) type Run<'a> = Box<dyn Iterator<Item = Result<RecordBatch, Error>> + Send + 'a>;

/// Gives an empty temporary file.
pub(crate) type TemporaryFile = Box<dyn FnMut() -> io::Result<File> + Send>;

/// Takes chunks in any order and gives their rows back sorted.
pub(crate) struct Sorter {
    settings: Settings,
    promotions: Vec<Promotion>,
    temporary_file: TemporaryFile,
    spare: Spare,
    /// The oldest rows, but for those that came too late.
    draft: Option<Draft>,
    /// Chunks that are one run, and come after the draft.
    ordered: VecDeque<RecordBatch>,
    /// All other rows, and runs of them that were spilled.
    others: MemoryRun,
    spilled: Vec<Run<'static>>,
    /// Bytes of the chunks in order. `held_ordered + others.held() <= settings.memory`, but for the chunk that came last.
    held_ordered: usize,
}

impl Sorter {
    pub(crate) fn new(settings: Settings, promotions: &[Promotion], temporary_file: TemporaryFile) -> Self {
        Self {
            settings,
            promotions: promotions.to_vec(),
            temporary_file,
            spare: Spare::none(),
            draft: None,
            ordered: VecDeque::new(),
            others: MemoryRun::default(),
            spilled: Vec::new(),
            held_ordered: 0,
        }
    }

    /// The same, which gives columns back when they are encoded.
    pub(crate) fn giving_back_to(self, spare: &Spare) -> Self {
        Self { spare: spare.clone(), ..self }
    }

    /// Takes rows that are in order, and come after all that were pushed so before.
    pub(crate) fn push_ordered(&mut self, batch: RecordBatch) -> Result<(), Error> {
        if batch.num_rows() > 0 {
            self.held_ordered += batch.get_array_memory_size();
            self.ordered.push_back(batch);
        }
        self.make_room()
    }

    /// Takes rows in any order.
    pub(crate) fn push(&mut self, batch: RecordBatch) -> Result<(), Error> {
        if batch.num_rows() > 0 {
            self.others.push(batch)?;
        }
        self.make_room()
    }

    /// Columns that others may encode meanwhile.
    pub(crate) fn unencoded(&self) -> Unencoded {
        self.draft.as_ref().map(Draft::unencoded).unwrap_or_default()
    }

    /// All rows in order.
    pub(crate) fn finish(mut self) -> Result<Sorted, Error> {
        let (drafted, begun) = self.draft.map(Draft::finish).transpose()?.unzip();
        let mut runs = std::mem::take(&mut self.spilled);
        if !self.others.is_empty() {
            runs.push(self.others.into_run());
        }
        let ordered = begun.into_iter().flatten().chain(self.ordered).map(Ok);
        runs.push(Box::new(ordered));
        let rest = if runs.len() == 1 { runs.remove(0) } else { Box::new(Merge::new(runs)?) };
        Ok(Sorted { drafted, rest })
    }

    fn make_room(&mut self) -> Result<(), Error> {
        while self.held_ordered + self.others.held() > self.settings.memory {
            match self.ordered.pop_front() {
                Some(batch) => self.draft(batch)?,
                None => return self.spill_others(),
            }
        }
        Ok(())
    }

    /// Puts the oldest rows in order into the draft, and the others that belong between them.
    fn draft(&mut self, batch: RecordBatch) -> Result<(), Error> {
        self.held_ordered -= batch.get_array_memory_size();
        let draft = match &mut self.draft {
            Some(draft) => draft,
            none => {
                let file = (self.temporary_file)();
                none.insert(Draft::new(file, &self.settings, &self.promotions, &self.spare)?)
            }
        };
        let edge = |row| Chunk::new(batch.slice(row, 1));
        let (first, last) = (edge(0)?, edge(batch.num_rows() - 1)?);
        // What comes before the first row of all waits: there may be more of it.
        let after = draft.last().unwrap_or(first.key(0));
        let others = self.others.take(&after, &last.key(0));
        if others.is_empty() {
            return draft.write(batch);
        }
        let merged = Merge::new(vec![Box::new(others) as Run<'_>, Box::new(iter::once(Ok(batch)))])?;
        for batch in merged {
            draft.write(batch?)?;
        }
        self.others.tidy()
    }

    fn spill_others(&mut self) -> Result<(), Error> {
        let mut spill = Spill::new((self.temporary_file)().map_err(Error::Spill)?)?;
        for batch in std::mem::take(&mut self.others).into_run() {
            spill.write(&batch?)?;
        }
        self.spilled.push(spill.read()?);
        Ok(())
    }
}

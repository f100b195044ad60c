//! Where the bytes of an hour come from: a folder or the generator, and what was said.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use chat::{Hour, Part};

use crate::corpus;
use crate::error::Error;
use crate::faults::Shape;
use crate::folder;
use crate::merge::Merge;
use crate::options::History;
use crate::packing::{LineCount, Lines, Packer};
use crate::state::locked;
use crate::talk::Edition;
use crate::talk::Talk;

/// The hour files that exist. All of it blocks on the disk and the processor.
#[derive(Debug)]
pub(crate) struct Source {
    history: History,
    talk: Arc<Mutex<Talk>>,
    /// Generated files, newest last: a client that asks again must not make the generator run again.
    kept: Mutex<VecDeque<(Key, Bytes)>>,
}

/// One file, as it is at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) hour: Hour,
    pub(crate) part: Part,
    pub(crate) shape: Shape,
    /// Whether an hour that grows has grown.
    pub(crate) grown: bool,
}

/// A file, of an hour in which so much was said.
type Key = (Wanted, Edition);

/// What clients may ask for again soon; the smaller of both bounds holds.
const KEPT_FILES: usize = 32;
const KEPT_BYTES: usize = 128 << 20;

impl Source {
    pub(crate) fn open(history: &History, talk: Arc<Mutex<Talk>>) -> Result<Self, Error> {
        if let History::Folder(folder) = history {
            fs::read_dir(folder).map_err(|source| Error::Folder { path: folder.clone(), source })?;
        }
        Ok(Self { history: history.clone(), talk, kept: Mutex::default() })
    }

    /// How many files the hour has; 0 when nobody said anything.
    pub(crate) fn parts(&self, hour: Hour, shape: Shape) -> io::Result<u32> {
        Ok(match (self.natural_parts(hour)?, shape.parts) {
            (1, Some(parts)) => parts,
            (natural, _) => natural,
        })
    }

    /// The bytes of a file; `None` when there is no such part.
    pub(crate) fn file(&self, wanted: Wanted) -> io::Result<Option<Bytes>> {
        let wanted = Wanted { shape: self.effective(wanted)?, ..wanted };
        if wanted.part >= self.parts(wanted.hour, wanted.shape)? {
            return Ok(None);
        }
        if let Some(bytes) = self.verbatim(wanted)? {
            return Ok(Some(bytes));
        }
        let key = (wanted, locked(&self.talk).edition(wanted.hour));
        if let Some(bytes) = self.remembered(key) {
            return Ok(Some(bytes));
        }
        let bytes = Bytes::from(self.packed(wanted)?);
        self.remember(key, &bytes);
        Ok(Some(bytes))
    }

    fn natural_parts(&self, hour: Hour) -> io::Result<u32> {
        let said = Part::from(locked(&self.talk).is_heard(hour));
        self.served_parts(hour).map(|parts| parts.max(said))
    }

    fn served_parts(&self, hour: Hour) -> io::Result<u32> {
        match &self.history {
            History::Folder(folder) => Ok(Part::try_from(folder::files(folder, hour)?.len()).unwrap_or(Part::MAX)),
            History::Generated(options) => Ok(u32::from(corpus::lines(options, hour) > 0)),
        }
    }

    /// What of a shape makes a difference to the bytes of this file.
    fn effective(&self, wanted: Wanted) -> io::Result<Shape> {
        let shape = wanted.shape;
        let split = self.natural_parts(wanted.hour)? == 1;
        Ok(Shape {
            content_encoding: false,
            parts: shape.parts.filter(|parts| split && *parts > 1),
            grows: shape.grows.filter(|_| !wanted.grown),
            ..shape
        })
    }

    /// A file of the folder that is served as it lies there.
    fn verbatim(&self, wanted: Wanted) -> io::Result<Option<Bytes>> {
        if locked(&self.talk).is_heard(wanted.hour) {
            return Ok(None);
        }
        match &self.history {
            History::Folder(folder) if wanted.shape == Shape::default() => {
                let files = folder::files(folder, wanted.hour)?;
                let packed = files.get(wanted.part as usize).filter(|path| folder::is_packed(path));
                packed.map(fs::read).transpose().map(|bytes| bytes.map(Bytes::from))
            }
            _ => Ok(None),
        }
    }

    fn packed(&self, wanted: Wanted) -> io::Result<Vec<u8>> {
        let range = self.range(wanted)?;
        let mut lines = Lines::new(range, Packer::new(wanted.shape));
        self.unpack(wanted, &mut lines)?;
        lines.into_inner().finish()
    }

    /// The lines of the hour that this file holds.
    fn range(&self, wanted: Wanted) -> io::Result<Range<u64>> {
        let Shape { parts, grows, .. } = wanted.shape;
        if parts.is_none() && grows.is_none() {
            return Ok(0..u64::MAX);
        }
        let mut count = LineCount::default();
        self.unpack(wanted, &mut count)?;
        let visible = if grows.is_some() { count.lines() / 2 } else { count.lines() };
        let (parts, part) = (u64::from(parts.unwrap_or(1)), u64::from(wanted.part));
        // Of an hour that comes in its own parts, each file is a whole.
        let part = part.min(parts - 1);
        Ok(visible * part / parts..visible * (part + 1) / parts)
    }

    /// The lines of a file; those that were said in the hour are in its last one.
    fn unpack(&self, wanted: Wanted, out: &mut dyn Write) -> io::Result<()> {
        let said = locked(&self.talk).lines(wanted.hour);
        let last = wanted.shape.parts.is_some() || wanted.part + 1 == self.natural_parts(wanted.hour)?;
        if said.is_empty() || !last {
            return self.unpack_served(wanted, out);
        }
        let mut merge = Merge::new(wanted.hour, said, out);
        if self.served_parts(wanted.hour)? > 0 {
            self.unpack_served(wanted, &mut merge)?;
        }
        merge.finish()
    }

    fn unpack_served(&self, wanted: Wanted, out: &mut dyn Write) -> io::Result<()> {
        match &self.history {
            History::Folder(folder) => {
                let files = folder::files(folder, wanted.hour)?;
                let part = if wanted.shape.parts.is_some() { 0 } else { wanted.part };
                let path = files.get(part as usize).ok_or(io::ErrorKind::NotFound)?;
                folder::unpack(path, out)
            }
            History::Generated(options) => corpus::write_hour(options, wanted.hour, out).map(|_counts| ()),
        }
    }

    fn remembered(&self, wanted: Key) -> Option<Bytes> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(key, _)| *key == wanted).map(|(_, bytes)| bytes.clone())
    }

    fn remember(&self, wanted: Key, bytes: &Bytes) {
        // Files of a folder may change, and are quick to read.
        if matches!(self.history, History::Folder(_)) {
            return;
        }
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((wanted, bytes.clone()));
        let mut size: usize = kept.iter().map(|(_, bytes)| bytes.len()).sum();
        while kept.len() > KEPT_FILES || size > KEPT_BYTES {
            let Some((_, oldest)) = kept.pop_front() else { break };
            size -= oldest.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::MultiGzDecoder;

    use super::*;

    fn hour() -> Hour {
        "2026031409".parse().unwrap()
    }

    fn text(source: &Source, part: Part, shape: Shape, grown: bool) -> Vec<u8> {
        let bytes = source.file(Wanted { hour: hour(), part, shape, grown }).unwrap().unwrap();
        let mut text = Vec::new();
        MultiGzDecoder::new(&*bytes).read_to_end(&mut text).unwrap();
        text
    }

    fn generated() -> Source {
        let options = corpus::Options { messages_per_hour: 200, ..corpus::Options::default() };
        Source::open(&History::Generated(options), Arc::default()).unwrap()
    }

    #[test]
    fn parts_together_are_the_whole() {
        let source = generated();
        let whole = text(&source, 0, Shape::default(), true);
        let shape = Shape { parts: Some(3), ..Shape::default() };
        assert_eq!(source.parts(hour(), shape).unwrap(), 3);
        let parts: Vec<_> = (0..3).map(|part| text(&source, part, shape, true)).collect();
        assert!(parts.iter().all(|part| !part.is_empty()));
        assert_eq!(parts.concat(), whole);
        assert!(source.file(Wanted { hour: hour(), part: 3, shape, grown: true }).unwrap().is_none());
    }

    #[test]
    fn an_hour_grows_at_its_end() {
        let source = generated();
        let shape = Shape { grows: Some(hour().end()), ..Shape::default() };
        let before = text(&source, 0, shape, false);
        let after = text(&source, 0, shape, true);
        assert!(before.len() > after.len() / 4 && before.len() < after.len() * 3 / 4);
        assert!(after.starts_with(&before));
    }

    #[test]
    fn a_packed_file_of_a_folder_is_served_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("2026031409.gz"), "no gzip at all").unwrap();
        let source = Source::open(&History::Folder(folder.path().to_owned()), Arc::default()).unwrap();
        let shape = Shape { content_encoding: true, ..Shape::default() };
        let bytes = source.file(Wanted { hour: hour(), part: 0, shape, grown: true }).unwrap();
        assert_eq!(bytes.unwrap(), "no gzip at all");
        assert_eq!(source.parts(hour().next(), shape).unwrap(), 0);
    }

    #[test]
    fn plain_files_of_a_folder_are_packed_and_split() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("2026031409.ndjson"), "{\"a\":1}\n{\"a\":2}").unwrap();
        let source = Source::open(&History::Folder(folder.path().to_owned()), Arc::default()).unwrap();
        assert_eq!(text(&source, 0, Shape::default(), true), b"{\"a\":1}\n{\"a\":2}");
        let shape = Shape { parts: Some(2), ..Shape::default() };
        assert_eq!(text(&source, 1, shape, true), b"{\"a\":2}");
    }

    #[test]
    fn a_missing_folder_is_named() {
        let error = Source::open(&History::Folder("/nowhere/at/all".into()), Arc::default()).unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all"), "{error}");
    }
}

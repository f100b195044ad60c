//! Pages of zstd, unpacked with one context and into memory that is used again.

use std::collections::VecDeque;
use std::error;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use zstd::zstd_safe::{self, DCtx, InBuffer, OutBuffer, find_frame_compressed_size, get_frame_content_size};

use super::beginning::Beginning;

/// Bytes of a page in which the lengths of ordinary pages of texts end. zstd unpacks at least 128 KiB at a time.
const HEAD: usize = 64 << 10;

/// Unpackers that nobody uses, for who reads next: making one anew for ten rows costs a tenth of reading them.
static IDLE: Mutex<Vec<Arc<Unpacker>>> = Mutex::new(Vec::new());

/// As many are kept, and so much memory with each: what unpacks pages of ordinary size on a few threads.
const MOST_IDLE: usize = 8;
const MOST_SPARE: usize = 4 << 20;

/// What unpacks, and where to.
pub(super) struct Unpacker {
    kept: Mutex<Kept>,
}

struct Kept {
    zstd: DCtx<'static>,
    /// Memory that no page needs any more. It is as long as it ever was, so that it is not cleared again and again.
    spare: Vec<Vec<u8>>,
}

impl Unpacker {
    fn new() -> Self {
        Self { kept: Mutex::new(Kept { zstd: DCtx::create(), spare: Vec::new() }) }
    }

    /// One that nobody else uses, until it is put back.
    pub(super) fn lend() -> Loan {
        Loan(lock(&IDLE).pop().unwrap_or_else(|| Arc::new(Self::new())))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        lock(&self.kept)
    }

    /// The page with its bytes unpacked. What is not needed of them may be zeros.
    fn page(self: &Arc<Self>, mut page: Page, needed: Option<Beginning>) -> Result<Page> {
        match &mut page {
            Page::DataPage { buf, encoding, def_level_encoding: Encoding::RLE, .. }
                if *encoding == Encoding::DELTA_LENGTH_BYTE_ARRAY =>
            {
                *buf = self.bytes(buf, 0, needed)?;
            }
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => *buf = self.bytes(buf, 0, None)?,
            Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, is_compressed, .. } => {
                if std::mem::take(is_compressed) {
                    let levels = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
                    *buf = self.bytes(buf, usize::try_from(levels)?, None)?;
                }
            }
        }
        Ok(page)
    }

    /// Bytes of which those after the first `plain` are packed.
    fn bytes(self: &Arc<Self>, bytes: &Bytes, plain: usize, needed: Option<Beginning>) -> Result<Bytes> {
        let cut = || ParquetError::EOF("a page ends before its levels do".to_owned());
        let (head, packed) = bytes.split_at_checked(plain).ok_or_else(cut)?;
        // A page without values may have nothing that is packed.
        if packed.is_empty() {
            return Ok(bytes.clone());
        }
        let mut kept = self.lock();
        let mut room = kept.spare.pop().unwrap_or_default();
        let length = plain + kept.unpack(packed, &mut room, plain, needed)?;
        drop(kept);
        room[..plain].copy_from_slice(head);
        Ok(Bytes::from_owner(Lent { room, length, home: Arc::clone(self) }))
    }
}

/// An unpacker that goes back to the others.
pub(super) struct Loan(Arc<Unpacker>);

impl Deref for Loan {
    type Target = Arc<Unpacker>;

    fn deref(&self) -> &Arc<Unpacker> {
        &self.0
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        let mut left = MOST_SPARE;
        self.lock().spare.retain(|room| left.checked_sub(room.capacity()).inspect(|rest| left = *rest).is_some());
        let mut idle = lock(&IDLE);
        if idle.len() < MOST_IDLE {
            idle.push(Arc::clone(self));
        }
    }
}

impl Kept {
    /// What is needed of `packed`, all by default, into `room` from a place on; how long all of it is.
    fn unpack(&mut self, packed: &[u8], room: &mut Vec<u8>, from: usize, needed: Option<Beginning>) -> Result<usize> {
        let is_one_frame = find_frame_compressed_size(packed) == Ok(packed.len());
        let size = get_frame_content_size(packed).ok().flatten().filter(|_| is_one_frame);
        let Some(size) = size else {
            // As other programs may write it, who do not know the size beforehand.
            room.resize(from, 0);
            zstd::stream::copy_decode(packed, &mut *room).map_err(external)?;
            return Ok(room.len() - from);
        };
        let size = usize::try_from(i32::try_from(size)?)?;
        let end = from + size;
        room.try_reserve(end.saturating_sub(room.len())).map_err(external)?;
        room.resize(room.len().max(end), 0);
        let room = &mut room[from..end];
        match needed.filter(|_| size > HEAD) {
            None => {
                let unpacked = self.zstd.decompress(room, packed).map_err(refused)?;
                (unpacked == size).then_some(()).ok_or_else(early)?;
            }
            Some(needed) => {
                let mut packed = InBuffer::around(packed);
                self.zstd.init().map_err(refused)?;
                self.go_on(&mut packed, &mut room[..HEAD])?;
                let end = needed.bytes(&room[..HEAD]).map_or(size, |end| end.clamp(HEAD, size));
                self.go_on(&mut packed, &mut room[HEAD..end])?;
                // The library may read texts behind the last one that is wanted, and leaves them out: they must be texts.
                room[end..].fill(0);
            }
        }
        Ok(size)
    }

    /// Unpacks as much as there is room for.
    fn go_on(&mut self, packed: &mut InBuffer<'_>, room: &mut [u8]) -> Result<()> {
        let length = room.len();
        let mut out = OutBuffer::around(room);
        while out.pos() < length {
            let before = out.pos();
            self.zstd.decompress_stream(&mut out, packed).map_err(refused)?;
            if out.pos() == before {
                return Err(early());
            }
        }
        Ok(())
    }
}

/// The bytes of a page, in memory that goes back when they are not needed any more.
struct Lent {
    room: Vec<u8>,
    length: usize,
    home: Arc<Unpacker>,
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        &self.room[..self.length]
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.home.lock().spare.push(std::mem::take(&mut self.room));
    }
}

/// The pages of a reader that hands them out packed, unpacked.
pub(super) struct Unpacked<P> {
    pub(super) pages: P,
    pub(super) unpacker: Arc<Unpacker>,
    /// What is needed of each of the data pages that are to come; of those beyond all.
    pub(super) needed: VecDeque<Beginning>,
}

impl<P: PageReader> PageReader for Unpacked<P> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some(page) = self.pages.get_next_page()? else { return Ok(None) };
        let needed = if page.is_data_page() { self.needed.pop_front() } else { None };
        self.unpacker.page(page, needed).map(Some)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        if self.pages.peek_next_page()?.is_some_and(|page| !page.is_dict) {
            self.needed.pop_front();
        }
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

impl<P: PageReader> Iterator for Unpacked<P> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn external(error: impl error::Error + Send + Sync + 'static) -> ParquetError {
    ParquetError::External(Box::new(error))
}

fn early() -> ParquetError {
    ParquetError::EOF("a page ends early".to_owned())
}

fn refused(code: zstd_safe::ErrorCode) -> ParquetError {
    ParquetError::General(format!("a page cannot be unpacked: {}", zstd_safe::get_error_name(code)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn text() -> Vec<u8> {
        (0..40_000u64)
            .flat_map(|number| format!("潮汐表 {:x}\n", number.wrapping_mul(0x9E37_79B9)).into_bytes())
            .collect()
    }

    /// As a program packs who does not know how much will come.
    fn streamed(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 3).unwrap();
        bytes.chunks(1_000).for_each(|chunk| encoder.write_all(chunk).unwrap());
        encoder.finish().unwrap()
    }

    fn unpacked(unpacker: &Arc<Unpacker>, packed: Vec<u8>) -> Result<Bytes> {
        unpacker.bytes(&packed.into(), 0, None)
    }

    #[test]
    fn frames_of_any_making_are_unpacked() {
        let (text, unpacker) = (text(), Arc::new(Unpacker::new()));
        let (front, back) = text.split_at(123_456);
        let packed = |bytes| zstd::bulk::compress(bytes, 3).unwrap();
        for _ in 0..2 {
            assert_eq!(unpacked(&unpacker, packed(&text)).unwrap(), text);
            assert_eq!(unpacked(&unpacker, streamed(&text)).unwrap(), text);
            assert_eq!(unpacked(&unpacker, [packed(front), packed(back)].concat()).unwrap(), text);
            assert_eq!(unpacked(&unpacker, packed(b"")).unwrap(), b"".as_slice());
            assert_eq!(unpacked(&unpacker, vec![]).unwrap(), b"".as_slice());
        }
    }

    #[test]
    fn what_precedes_the_packed_bytes_stays() {
        let unpacker = Arc::new(Unpacker::new());
        let packed = [b"levels".to_vec(), zstd::bulk::compress(b"texts", 3).unwrap()].concat();
        assert_eq!(unpacker.bytes(&packed.clone().into(), 6, None).unwrap(), b"levelstexts".as_slice());
        assert!(unpacker.bytes(&packed.into(), 600, None).is_err());
    }

    #[test]
    fn memory_is_used_again() {
        let unpacker = Arc::new(Unpacker::new());
        let packed = zstd::bulk::compress(&text(), 3).unwrap();
        let first = unpacked(&unpacker, packed.clone()).unwrap();
        let place = first.as_ptr();
        drop(first);
        let spare: Vec<_> = unpacker.lock().spare.iter().map(Vec::as_ptr).collect();
        assert_eq!(spare, [place], "it came back");
        let (again, beside) = (unpacked(&unpacker, packed.clone()).unwrap(), unpacked(&unpacker, packed).unwrap());
        assert_eq!(again.as_ptr(), place);
        assert_eq!(again, beside);
    }

    /// And the next page is unpacked all the same.
    #[test]
    fn damage_is_an_error() {
        let (text, unpacker) = (text(), Arc::new(Unpacker::new()));
        let whole = zstd::bulk::compress(&text, 3).unwrap();
        for cut in [1, 4, 5, 1_000, whole.len() - 1] {
            assert!(unpacked(&unpacker, whole[..cut].to_vec()).is_err(), "cut at {cut}");
            let needed = Some(Beginning { rows: 10, is_nullable: false });
            assert!(unpacker.bytes(&whole[..cut].to_vec().into(), 0, needed).is_err(), "cut at {cut}");
            assert_eq!(unpacked(&unpacker, whole.clone()).unwrap(), text);
        }
    }
}

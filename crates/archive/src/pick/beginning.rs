//! How far a page of texts need be unpacked for its first rows.
//!
//! DELTA_LENGTH_BYTE_ARRAY has the lengths of all texts of a page first, and the texts after them, so that the beginning
//! says where each ends: <https://parquet.apache.org/docs/file-format/data-pages/encodings/>.

/// The first rows of a page of one column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Beginning {
    /// How many.
    pub(super) rows: usize,
    /// Whether texts may be null, so that the page has a level for each row.
    pub(super) is_nullable: bool,
}

impl Beginning {
    /// The bytes of a page of DELTA_LENGTH_BYTE_ARRAY that these rows take, if `head`, which it begins with, is enough to
    /// say so.
    pub(super) fn bytes(self, head: &[u8]) -> Option<usize> {
        let mut page = Bytes(head);
        let texts = if self.is_nullable { texts_among(self.rows, page.levels()?)? } else { self.rows };
        let length = length_of(texts, &mut page)?;
        length.checked_add(head.len() - page.0.len())
    }
}

/// How many of the first rows have a text, of levels of one bit each: RLE and bit-packed runs.
fn texts_among(rows: usize, levels: &[u8]) -> Option<usize> {
    let mut levels = Bytes(levels);
    let (mut before, mut texts) = (0, 0);
    while before < rows {
        let header = levels.varint()?;
        let (count, is_packed) = (usize::try_from(header >> 1).ok()?, header & 1 == 1);
        let count = if is_packed {
            let run = levels.take(count)?;
            let is_text = |row: &usize| run[row / 8] >> (row % 8) & 1 == 1;
            texts += (0..(rows - before).min(run.len() * 8)).filter(is_text).count();
            run.len() * 8
        } else {
            texts += usize::from(levels.take(1)?[0] & 1) * (rows - before).min(count);
            count
        };
        before = before.checked_add(count)?;
    }
    Some(texts)
}

/// How long the first so many texts are together. Reads the lengths of all: DELTA_BINARY_PACKED.
fn length_of(texts: usize, page: &mut Bytes<'_>) -> Option<usize> {
    let (block, miniblocks, all) = (page.count()?, page.count()?, page.count()?);
    let mut length = low_half(page.zigzag()?);
    let of_miniblock = block.checked_div(miniblocks).filter(|count| *count > 0 && count % 8 == 0)?;
    let mut sum = if texts > 0 { u64::from(length) } else { 0 };
    let mut read = all.min(1);
    while read < all {
        let least = low_half(page.zigzag()?);
        for width in page.take(miniblocks)? {
            if read >= all {
                break;
            }
            let width = usize::from(*width);
            let packed = page.take(of_miniblock.checked_mul(width)? / 8)?;
            for index in 0..texts.saturating_sub(read).min(of_miniblock) {
                length = length.wrapping_add(least).wrapping_add(number(packed, index * width, width)?);
                sum += u64::from(length);
            }
            read += of_miniblock;
        }
    }
    usize::try_from(sum).ok().filter(|_| texts <= all)
}

/// The number that the `width` bits from bit `start` on hold, the lowest first.
fn number(packed: &[u8], start: usize, width: usize) -> Option<u32> {
    let mut bytes = [0; 8];
    let from = packed.get(start / 8..)?;
    let near = &from[..from.len().min(8)];
    bytes[..near.len()].copy_from_slice(near);
    let mask = 1u64.checked_shl(u32::try_from(width).ok().filter(|width| *width <= 32)?)? - 1;
    u32::try_from(u64::from_le_bytes(bytes) >> (start % 8) & mask).ok()
}

/// Lengths are numbers of 32 bits, and so are the differences between them, which may wrap around.
fn low_half(number: u64) -> u32 {
    let [a, b, c, d, ..] = number.to_le_bytes();
    u32::from_le_bytes([a, b, c, d])
}

/// The bytes that are still to be read.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, left) = self.0.split_at_checked(count)?;
        self.0 = left;
        Some(taken)
    }

    /// The levels of a page, which their length precedes.
    fn levels(&mut self) -> Option<&'a [u8]> {
        let length = u32::from_le_bytes(self.take(4)?.try_into().ok()?);
        self.take(usize::try_from(length).ok()?)
    }

    /// A number in groups of seven bits, the lowest first.
    fn varint(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn count(&mut self) -> Option<usize> {
        usize::try_from(self.varint()?).ok()
    }

    /// A number with its sign in the lowest bit, in two's complement.
    fn zigzag(&mut self) -> Option<u64> {
        let number = self.varint()?;
        Some(number >> 1 ^ (number & 1).wrapping_neg())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::basic::Encoding;
    use parquet::column::page::Page;
    use parquet::file::properties::WriterProperties;
    use parquet::file::reader::{FileReader as _, SerializedFileReader};
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::*;

    /// A page of texts of these lengths, as the library writes it.
    fn page_of(lengths: &[Option<usize>], is_nullable: bool) -> Vec<u8> {
        let array: ArrayRef =
            Arc::new(lengths.iter().map(|length| length.map(|length| "x".repeat(length))).collect::<StringArray>());
        let batch = RecordBatch::try_from_iter_with_nullable([("text", array, is_nullable)]).unwrap();
        let properties = WriterProperties::builder()
            .set_dictionary_enabled(false)
            .set_encoding(Encoding::DELTA_LENGTH_BYTE_ARRAY)
            .set_write_batch_size(1 << 16)
            .set_data_page_size_limit(1 << 30)
            .build();
        let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        let file = SerializedFileReader::new(bytes::Bytes::from(writer.into_inner().unwrap())).unwrap();
        let mut pages = file.get_row_group(0).unwrap().get_column_page_reader(0).unwrap();
        let page = pages.get_next_page().unwrap().unwrap();
        assert!(matches!(page, Page::DataPage { encoding: Encoding::DELTA_LENGTH_BYTE_ARRAY, .. }));
        assert!(pages.get_next_page().unwrap().is_none(), "one page");
        page.buffer().to_vec()
    }

    fn sum(lengths: &[Option<usize>]) -> usize {
        lengths.iter().flatten().sum()
    }

    /// The texts behind the first rows are all that a page has behind them.
    fn check(lengths: &[Option<usize>], is_nullable: bool) {
        let page = page_of(lengths, is_nullable);
        let lengths_end = page.len() - sum(lengths);
        for rows in 0..=lengths.len() {
            let end = lengths_end + sum(&lengths[..rows]);
            let beginning = Beginning { rows, is_nullable };
            assert_eq!(beginning.bytes(&page), Some(end), "{rows} of {} rows", lengths.len());
            assert_eq!(beginning.bytes(&page[..lengths_end]), Some(end), "{rows} rows, by the lengths alone");
            assert_eq!(beginning.bytes(&page[..lengths_end - 1]), None, "{rows} rows, a byte too few");
        }
    }

    fn length() -> impl Strategy<Value = usize> {
        prop_oneof![4 => 0usize..40, 1 => 0usize..70_000]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn texts_end_where_the_lengths_say(lengths in vec(length(), 1..400)) {
            check(&lengths.into_iter().map(Some).collect::<Vec<_>>(), false);
        }

        #[test]
        fn texts_that_may_be_null_do_too(runs in vec((option::of(length()), 1usize..40), 1..40)) {
            let lengths = runs.into_iter().flat_map(|(length, count)| vec![length; count]);
            check(&lengths.collect::<Vec<_>>(), true);
        }

        #[test]
        fn bytes_of_no_page_do_no_harm(bytes in vec(any::<u8>(), 0..200), rows in 0usize..10_000, is_nullable: bool) {
            Beginning { rows, is_nullable }.bytes(&bytes);
        }
    }

    #[test]
    fn more_rows_than_a_page_has_are_not_known() {
        let texts = [Some(7), None];
        assert_eq!(Beginning { rows: 3_000, is_nullable: true }.bytes(&page_of(&texts, true)), None);
        assert_eq!(Beginning { rows: 2, is_nullable: false }.bytes(&page_of(&texts[..1], false)), None);
    }
}

//! Which cells of a column are there.
//!
//! A stride of rows at a time, which Arrow's own builder of such bits does not take.

use arrow::buffer::{BooleanBuffer, Buffer, NullBuffer};

/// A bit for each row, while rows come.
#[derive(Default)]
pub(super) struct Nulls {
    /// Set where the cell is there, the first row lowest.
    words: Vec<u64>,
    /// The word that is not full; of its higher bits none is set.
    last: u64,
    rows: usize,
    /// Whether any cell is null.
    has_any: bool,
}

impl Nulls {
    /// Adds so many rows, at most 32, with a bit for each that is there, the first one lowest.
    pub(super) fn append(&mut self, present: u32, rows: usize) {
        debug_assert!(rows <= 32 && u64::from(present) >> rows == 0, "a bit for each row");
        let at = self.rows % 64;
        self.last |= u64::from(present) << at;
        self.rows += rows;
        self.has_any |= present.count_ones() as usize != rows;
        if at + rows >= 64 {
            self.words.push(self.last);
            self.last = u64::from(present) >> (64 - at);
        }
    }

    /// The bits so far, if any cell is null. What comes next are the rows of another column.
    pub(super) fn finish(&mut self) -> Option<NullBuffer> {
        let Self { mut words, last, rows, has_any } = std::mem::take(self);
        if rows % 64 > 0 {
            words.push(last);
        }
        has_any.then(|| NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(words), 0, rows)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_of_any_length_are_put_together() {
        let is_there = |row: usize| row % 3 != 1 && row % 64 != 63;
        let mut nulls = Nulls::default();
        let mut rows = 0;
        for length in (0..=32).chain([16; 40]).chain([1, 31, 32, 7]) {
            let bits = (0..length).fold(0, |bits, row| bits | u32::from(is_there(rows + row)) << row);
            nulls.append(bits, length);
            rows += length;
        }
        let found = nulls.finish().unwrap();
        assert_eq!(found.iter().collect::<Vec<_>>(), (0..rows).map(is_there).collect::<Vec<_>>());
        assert_eq!(found.null_count(), (0..rows).filter(|row| !is_there(*row)).count());
        nulls.append(0b11, 2);
        assert_eq!(nulls.finish(), None, "every cell is there, of the rows that came since");
    }
}

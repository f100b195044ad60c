//! The cells of one column, while rows come.

use std::ops::Deref;

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray as _, BinaryArray, PrimitiveArray};
use arrow::buffer::{Buffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::ArrowNativeType;

use super::nulls::Nulls;

/// Texts, or bytes.
pub(crate) struct Texts {
    bytes: Vec<u8>,
    /// Where each text ends, behind a 0 for the first to begin at.
    ends: Vec<i32>,
    nulls: Nulls,
}

/// Numbers, or instants.
pub(crate) struct Numbers<P: ArrowPrimitiveType> {
    numbers: Vec<P::Native>,
    nulls: Nulls,
}

impl Texts {
    pub(crate) fn new() -> Self {
        Self { bytes: Vec::new(), ends: vec![0], nulls: Nulls::default() }
    }

    /// Adds the cells of a stride of rows. The answer is the length of the longest.
    pub(crate) fn append<C: Deref<Target: AsRef<[u8]>>>(&mut self, cells: &[Option<C>]) -> usize {
        let present = bits(cells.iter().map(Option::is_some));
        self.nulls.append(present, cells.len());
        // Columns that belong to some types of body alone are nearly always null in all rows of a stride.
        if present == 0 {
            self.ends.resize(self.ends.len() + cells.len(), self.end());
            return 0;
        }
        let mut longest = 0;
        for cell in cells {
            let bytes = cell.as_ref().map(bytes_of).unwrap_or_default();
            longest = longest.max(bytes.len());
            self.bytes.extend_from_slice(bytes);
            self.ends.push(self.end());
        }
        longest
    }

    /// Bytes of the cells so far.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The column so far. The next begins in the memory of another one, if there is any.
    pub(crate) fn finish(&mut self, used: Option<ArrayRef>) -> BinaryArray {
        let rows = self.ends.len() - 1;
        let (bytes, mut ends) = used.and_then(memory_of_texts).unwrap_or_else(|| {
            // The next chunk will be about as long: it begins with the space for it, and need not grow into it.
            let bytes = self.bytes.len() + self.bytes.len() / 16;
            (Vec::with_capacity(bytes), Vec::with_capacity(rows + 1))
        });
        ends.push(0);
        let next = Self { bytes, ends, nulls: Nulls::default() };
        let Self { bytes, ends, mut nulls } = std::mem::replace(self, next);
        let ends = OffsetBuffer::new(ScalarBuffer::from(fitted(ends)));
        BinaryArray::new(ends, Buffer::from_vec(fitted(bytes)), nulls.finish())
    }

    fn end(&self) -> i32 {
        // Beyond it there will be no column, but an error of the cell that is too long.
        i32::try_from(self.bytes.len()).unwrap_or(i32::MAX)
    }
}

impl<P: ArrowPrimitiveType> Numbers<P> {
    pub(crate) fn new() -> Self {
        Self { numbers: Vec::new(), nulls: Nulls::default() }
    }

    /// Adds the cells of a stride of rows.
    pub(crate) fn append(&mut self, cells: impl ExactSizeIterator<Item = Option<P::Native>> + Clone) {
        self.nulls.append(bits(cells.clone().map(|cell| cell.is_some())), cells.len());
        self.numbers.extend(cells.map(Option::unwrap_or_default));
    }

    /// Bytes of the cells so far.
    pub(crate) fn size(&self) -> usize {
        size_of_val(self.numbers.as_slice())
    }

    /// As [`Texts::finish`].
    pub(crate) fn finish(&mut self, used: Option<ArrayRef>) -> PrimitiveArray<P> {
        let rows = self.numbers.len();
        let numbers = used.and_then(memory_of_numbers::<P>).unwrap_or_else(|| Vec::with_capacity(rows));
        let next = Self { numbers, nulls: Nulls::default() };
        let Self { numbers, mut nulls } = std::mem::replace(self, next);
        PrimitiveArray::new(ScalarBuffer::from(fitted(numbers)), nulls.finish())
    }
}

/// A bit for each that is true, the first one lowest.
fn bits(flags: impl Iterator<Item = bool>) -> u32 {
    flags.enumerate().fold(0, |bits, (place, flag)| bits | u32::from(flag) << place)
}

fn bytes_of<C: Deref<Target: AsRef<[u8]>>>(cell: &C) -> &[u8] {
    cell.deref().as_ref()
}

/// Space doubles as it grows; what is held until it is sorted must not be half empty.
fn fitted<T>(mut cells: Vec<T>) -> Vec<T> {
    if cells.capacity() > cells.len() + cells.len() / 4 {
        cells.shrink_to_fit();
    }
    cells
}

fn memory_of_texts(used: ArrayRef) -> Option<(Vec<u8>, Vec<i32>)> {
    let texts = used.as_binary_opt::<i32>()?.clone();
    drop(used);
    let (ends, bytes, _) = texts.into_parts();
    Some((emptied(bytes)?, emptied(ends.into_inner().into_inner())?))
}

fn memory_of_numbers<P: ArrowPrimitiveType>(used: ArrayRef) -> Option<Vec<P::Native>> {
    let numbers = used.as_primitive_opt::<P>()?.clone();
    drop(used);
    emptied(numbers.into_parts().1.into_inner())
}

/// The memory of a buffer, unless somebody else has it too.
fn emptied<T: ArrowNativeType>(buffer: Buffer) -> Option<Vec<T>> {
    let mut cells = buffer.into_vec().ok()?;
    cells.clear();
    Some(cells)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::datatypes::Int64Type;

    use super::*;

    #[test]
    fn a_column_begins_in_the_memory_of_a_used_one_and_has_nothing_of_it() {
        let (mut texts, mut numbers) = (Texts::new(), Numbers::<Int64Type>::new());
        let mut column = |text, number, used: Option<(ArrayRef, ArrayRef)>| -> (ArrayRef, ArrayRef) {
            texts.append(&[Some(text), None]);
            numbers.append([Some(number), None].into_iter());
            let (used, other) = used.unzip();
            (Arc::new(texts.finish(used)), Arc::new(numbers.finish(other)))
        };
        let first = column("ahoy", 7, None);
        let places =
            (first.0.as_binary::<i32>().values().as_ptr(), first.1.as_primitive::<Int64Type>().values().as_ptr());
        column("tide", 8, Some(first));
        let third = column("sea", 9, None);
        let (texts, numbers) = (third.0.as_binary::<i32>(), third.1.as_primitive::<Int64Type>());
        assert_eq!((texts.values().as_ptr(), numbers.values().as_ptr()), places);
        assert_eq!(texts.iter().collect::<Vec<_>>(), [Some(&b"sea"[..]), None]);
        assert_eq!(numbers.iter().collect::<Vec<_>>(), [Some(9), None]);
    }

    #[test]
    fn what_somebody_else_has_too_is_let_be() {
        let mut texts = Texts::new();
        texts.append(&[Some("ahoy")]);
        let used: ArrayRef = Arc::new(texts.finish(None));
        texts.append(&[Some("tide")]);
        texts.finish(Some(ArrayRef::clone(&used)));
        texts.append(&[Some("sea")]);
        texts.finish(None);
        assert_eq!(used.as_binary::<i32>().value(0), b"ahoy");
    }
}

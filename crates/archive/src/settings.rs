//! How files are laid out, and how much memory that may take.

/// How a [`crate::Writer`] lays out its file. The defaults are measured, see each constant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of rows held before the oldest go into row groups. The rows of one row group are held besides.
    pub memory: usize,
    /// The level of zstd, `1..=22`; others are taken to the nearest bound.
    pub compression: i32,
    /// Rows of a row group at most.
    pub row_group_rows: usize,
    /// Bytes of the texts of a row group, before encoding, at which it ends; at most 512 MiB.
    pub row_group_bytes: usize,
    /// Rows of a page at most: what is read to show one message.
    pub page_rows: usize,
}

impl Settings {
    /// 8 MiB hold some 21,000 ordinary messages: what comes later than so many others makes the writer encode a row group
    /// anew, and what comes in no order is sorted in runs of so many.
    pub const MEMORY: usize = 8 << 20;
    /// zstd 3 makes files 11 % smaller than zstd 1, for half as much CPU again in writing them.
    pub const COMPRESSION: i32 = 3;
    /// The rows of a row group are held until there are so many, some 26 MiB of ordinary ones, and then encoded column by
    /// column. Four times as many make files 1 % smaller (`benches/README.md`).
    pub const ROW_GROUP_ROWS: usize = 65_536;
    /// A row group of ordinary messages has 15 MiB; this bounds those of long ones.
    pub const ROW_GROUP_BYTES: usize = 64 << 20;
    /// With the 16 rows of 64 MiB that the last batch may bring, a row group stays under the 2 GiB that one Arrow array of
    /// strings holds: whatever part of it is read at once fits.
    pub(crate) const MOST_ROW_GROUP_BYTES: usize = 512 << 20;
    /// To show one message takes a page of every column. With 2,048 rows the texts of 36,000 reviews are 15 % larger,
    /// with 20,000 rows 11 % smaller; the example `layout` measures what is read.
    pub const PAGE_ROWS: usize = 8_192;
    /// What a page of long texts has at most, before compression.
    pub(crate) const PAGE_BYTES: usize = 1 << 20;
    /// A dictionary is read whole to show one message of its row group, so it stays small.
    pub(crate) const DICTIONARY_BYTES: usize = 256 << 10;
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            memory: Self::MEMORY,
            compression: Self::COMPRESSION,
            row_group_rows: Self::ROW_GROUP_ROWS,
            row_group_bytes: Self::ROW_GROUP_BYTES,
            page_rows: Self::PAGE_ROWS,
        }
    }
}

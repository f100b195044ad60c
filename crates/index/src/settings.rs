//! The bounds of an index.

/// What an index may use while it takes hours in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of memory of one hour's segment builder before what it holds is written out as a segment,
    /// `15_000_000 <= heap <= 2 << 30`. Other values are taken to the nearest of these. The last document may exceed it.
    ///
    /// The default is 64 MiB: measured, it costs no more CPU than 1 GiB, while 15 MB costs two and a half times as much,
    /// because the small segments have to be merged again. Every hour that is being taken in has a builder of its own.
    pub heap: usize,
    /// Segments of about the same size that are put together into one, `2 <= merge_at`; of other values 2 is taken.
    ///
    /// Each row is written anew once for every power of it in the number of segments, which takes a sixth of the time of
    /// indexing it; a search asks every segment. With the default those of a busy day are left apart.
    pub merge_at: usize,
    /// Threads that merge segments in the background, `1 <= merge_threads`.
    ///
    /// The default is 1: merging is never urgent, and the cores belong to decoding.
    pub merge_threads: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { heap: 64 << 20, merge_at: 32, merge_threads: 1 }
    }
}

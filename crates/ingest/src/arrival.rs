//! What the client downloads, on its way into the archive.

use std::io::{self, Write};

use api::Target;
use store::Stage;

/// Lets the client write into a stage of the archive.
pub(crate) struct Arrival<S>(pub(crate) S);

impl<S: Stage> Write for Arrival<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl<S: Stage> Target for Arrival<S> {
    fn restart(&mut self) -> io::Result<()> {
        self.0.restart()
    }
}

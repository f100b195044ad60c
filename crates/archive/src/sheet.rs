//! Rows of whatever shape to files for other programs.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;

use crate::error::Error;
use crate::extract::Form;
use crate::foreign::{File, properties_of_any};

/// Writes batches of a query's answer. Little more is held than two row groups.
pub struct Sheet<W: Write + Send> {
    file: File<W>,
}

impl<W: Write + Send> Sheet<W> {
    /// A writer into `out` of batches with this schema.
    ///
    /// # Errors
    ///
    /// When the output fails, or the form knows no such type.
    pub fn new(out: W, form: Form, schema: &SchemaRef) -> Result<Self, Error> {
        Ok(Self { file: File::new(out, form, schema, properties_of_any()?)? })
    }

    /// Takes a batch.
    ///
    /// # Errors
    ///
    /// As [`Sheet::new`].
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        self.file.write(batch)
    }

    /// Completes the file.
    ///
    /// # Errors
    ///
    /// When the output fails.
    pub fn finish(self) -> Result<W, Error> {
        self.file.finish()
    }
}

//! Rows to Arrow batches and back, column by column.
//!
//! While they wait to be sorted and encoded, texts are held as bytes: they are UTF-8, and Arrow would look whether they are in each
//! batch. A file has the same pages either way.

mod build;
mod cells;
mod nulls;
mod rows;
mod spare;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray as _, BinaryArray, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};

pub(crate) use build::Builder;
pub(crate) use rows::Columns;
pub use spare::Spare;

use crate::error::Error;

/// The same columns, with texts held as bytes.
pub(crate) fn held(schema: &Schema) -> SchemaRef {
    let field = |field: &Arc<Field>| match field.data_type() {
        DataType::Utf8 => Arc::new(field.as_ref().clone().with_data_type(DataType::Binary)),
        _ => Arc::clone(field),
    };
    Arc::new(Schema::new(schema.fields().iter().map(field).collect::<Vec<_>>()))
}

/// A column of texts, however it is held.
pub(crate) fn as_texts(column: &ArrayRef) -> Result<StringArray, Error> {
    match column.as_binary_opt::<i32>() {
        Some(bytes) => Ok(StringArray::try_from_binary(bytes.clone())?),
        None => Ok(column.as_string().clone()),
    }
}

/// The bytes of a column of texts, however it is held.
pub(crate) fn bytes(column: &dyn Array) -> BinaryArray {
    column.as_binary_opt::<i32>().cloned().unwrap_or_else(|| column.as_string().clone().into())
}

/// The same rows in the columns of this schema, which may hold texts as bytes or not.
pub(crate) fn typed(batch: &RecordBatch, schema: SchemaRef) -> Result<RecordBatch, Error> {
    let column = |(column, field): (&ArrayRef, &Arc<Field>)| match (column.data_type(), field.data_type()) {
        (DataType::Binary, DataType::Utf8) => Ok(Arc::new(as_texts(column)?) as ArrayRef),
        (DataType::Utf8, DataType::Binary) => Ok(Arc::new(bytes(column)) as ArrayRef),
        _ => Ok(Arc::clone(column)),
    };
    let columns = batch.columns().iter().zip(schema.fields()).map(column).collect::<Result<_, Error>>()?;
    Ok(RecordBatch::try_new(schema, columns)?)
}

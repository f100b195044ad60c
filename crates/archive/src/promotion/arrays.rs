//! The promoted columns of a batch, out of its columns `ext` and `rest`.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch, StringArray, StringBuilder,
    TimestampMicrosecondBuilder,
};
use arrow::datatypes::SchemaRef;

use super::fit::{Fit, PromotedValue};
use super::{PromotedType, Promotion, with_promoted};
use crate::batch::as_texts;
use crate::error::Error;

/// Adds promoted columns to batches of messages.
pub(crate) struct Promoted {
    promotions: Vec<Promotion>,
}

impl Promoted {
    pub(crate) fn new(promotions: &[Promotion]) -> Self {
        Self { promotions: promotions.to_vec() }
    }

    pub(crate) fn promotions(&self) -> &[Promotion] {
        &self.promotions
    }

    /// The schema with these columns behind its own.
    pub(crate) fn schema(&self, own: SchemaRef) -> SchemaRef {
        if self.promotions.is_empty() { own } else { with_promoted(&own, &self.promotions) }
    }

    /// The batch with these columns behind its own.
    pub(crate) fn of(&self, batch: &RecordBatch) -> Result<RecordBatch, Error> {
        if self.promotions.is_empty() {
            return Ok(batch.clone());
        }
        let column = |name| as_texts(batch.column_by_name(name).ok_or(Error::MissingColumn(name))?);
        let (ext, rest) = (column("ext")?, column("rest")?);
        let promoted = self.promotions.iter().map(|promotion| array(promotion, &ext, &rest));
        let columns = batch.columns().iter().cloned().chain(promoted).collect();
        Ok(RecordBatch::try_new(self.schema(batch.schema()), columns)?)
    }
}

fn array(promotion: &Promotion, ext: &StringArray, rest: &StringArray) -> ArrayRef {
    let values = ext.iter().zip(rest).map(|(ext, rest)| match promotion.fit(ext, rest) {
        Fit::Value(value) => Some(value),
        Fit::Absent | Fit::Unfit => None,
    });
    let mut cells = Cells::of(promotion.kind);
    values.for_each(|value| cells.append(value));
    cells.finish()
}

/// The cells of one column so far.
enum Cells {
    Int(Int64Builder),
    Real(Float64Builder),
    Text(StringBuilder),
    Time(TimestampMicrosecondBuilder),
    Truth(BooleanBuilder),
}

impl Cells {
    fn of(kind: PromotedType) -> Self {
        match kind {
            PromotedType::Bool => Self::Truth(BooleanBuilder::new()),
            PromotedType::Float64 => Self::Real(Float64Builder::new()),
            PromotedType::Int64 => Self::Int(Int64Builder::new()),
            PromotedType::Json | PromotedType::String => Self::Text(StringBuilder::new()),
            PromotedType::Timestamp => Self::Time(TimestampMicrosecondBuilder::new().with_data_type(kind.data_type())),
        }
    }

    fn append(&mut self, value: Option<PromotedValue>) {
        match (self, value) {
            (Self::Int(cells), Some(PromotedValue::Int(number))) => cells.append_value(number),
            (Self::Real(cells), Some(PromotedValue::Real(number))) => cells.append_value(number),
            (Self::Text(cells), Some(PromotedValue::Text(text))) => cells.append_value(text),
            (Self::Time(cells), Some(PromotedValue::Time(time))) => cells.append_value(time.timestamp_micros()),
            (Self::Truth(cells), Some(PromotedValue::Truth(truth))) => cells.append_value(truth),
            (cells, _) => cells.append_null(),
        }
    }

    fn append_null(&mut self) {
        match self {
            Self::Int(cells) => cells.append_null(),
            Self::Real(cells) => cells.append_null(),
            Self::Text(cells) => cells.append_null(),
            Self::Time(cells) => cells.append_null(),
            Self::Truth(cells) => cells.append_null(),
        }
    }

    fn finish(mut self) -> ArrayRef {
        match &mut self {
            Self::Int(cells) => Arc::new(cells.finish()),
            Self::Real(cells) => Arc::new(cells.finish()),
            Self::Text(cells) => Arc::new(cells.finish()),
            Self::Time(cells) => Arc::new(cells.finish()),
            Self::Truth(cells) => Arc::new(cells.finish()),
        }
    }
}

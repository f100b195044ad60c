//! One value of a list.

use std::ops::Range;

use chat::{Timestamp, show_time};
use serde_json::Value;

/// One value of a list.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    /// No value: null.
    Nothing,
    /// Text from outside or from us; it may hold anything.
    Text(String),
    /// A text of which ranges of bytes are marked in a table; `0 <= start <= end <= text.len()`, sorted, apart, and on
    /// the borders of characters.
    Marked {
        /// The whole text.
        text: String,
        /// What to mark.
        marks: Vec<Range<usize>>,
    },
    /// A count.
    Number(i64),
    /// A measure. Infinities and NaN are printed as null.
    Measure(f64),
    /// Whether something is so.
    Truth(bool),
    /// An instant: RFC 3339 in UTC.
    Time(Timestamp),
}

impl Cell {
    /// The value as JSON.
    #[must_use]
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Nothing => Value::Null,
            Self::Text(text) | Self::Marked { text, .. } => text.as_str().into(),
            Self::Number(number) => (*number).into(),
            Self::Measure(measure) => (*measure).into(),
            Self::Truth(truth) => (*truth).into(),
            Self::Time(time) => show_time(*time).into(),
        }
    }

    /// The value as text, whole; `None` for null.
    #[must_use]
    pub(crate) fn to_text(&self) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Text(text) | Self::Marked { text, .. } => Some(text.clone()),
            Self::Number(number) => Some(number.to_string()),
            Self::Measure(measure) => measure.is_finite().then(|| measure.to_string()),
            Self::Truth(truth) => Some(truth.to_string()),
            Self::Time(time) => Some(show_time(*time)),
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Timestamp> for Cell {
    fn from(time: Timestamp) -> Self {
        Self::Time(time)
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u64> for Cell {
    /// Counts above `i64::MAX` do not occur; they would be shown as that.
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<f64> for Cell {
    fn from(measure: f64) -> Self {
        Self::Measure(measure)
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Nothing, Into::into)
    }
}

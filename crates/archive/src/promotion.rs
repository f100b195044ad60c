//! Columns that an archive has beside those of the program: members of `ext` and of `rest`, each in a column of its own.
//!
//! A [`Promotion`] says which member becomes which column of which type. The column repeats what `ext` or `rest` says and
//! holds nothing of its own: it is filled when a file is written, whatever the file is written from, and can be filled
//! anew at any time. So a row goes back to what was served as it did before, and what does not fit into the column is null
//! there and whole where it was.

mod arrays;
mod fit;
mod name;
mod place;

use std::fmt;
use std::str::FromStr;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};

pub(crate) use arrays::Promoted;
pub use fit::{Fit, PromotedValue};
pub use place::{MemberPlace, Root};

/// Columns that can be promoted in one archive: each file is read once more for each when it is written.
pub const MOST_PROMOTED: usize = 64;

/// A member of `ext` or of `rest` that has a column of its own in `messages`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promotion {
    /// The name of the column.
    pub column: String,
    /// The member.
    pub place: MemberPlace,
    /// What the column holds.
    pub kind: PromotedType,
}

/// What a promoted column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromotedType {
    /// `true` and `false`.
    Bool,
    /// Numbers, and texts that are one.
    Float64,
    /// Whole numbers, and texts that are one.
    Int64,
    /// Whatever it is, as JSON text.
    Json,
    /// Texts.
    String,
    /// Texts as in RFC 3339, and whole numbers of milliseconds since 1970, as the service writes times.
    Timestamp,
}

/// Why something cannot be promoted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromotionError {
    /// The column has a name that is not to be.
    #[error("the column `{column}` {why}")]
    Name {
        /// The column.
        column: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// What is to be promoted is not said as it should be.
    #[error("`{text}` does not say what to promote: {why}")]
    Place {
        /// What was said.
        text: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is no such type.
    #[error("`{0}` is no type of a column: string, int64, float64, bool, timestamp and json are")]
    Type(String),
    /// The archive has the column, of something else.
    #[error("the column `{column}` holds {place} as {kind} already")]
    Taken {
        /// The column.
        column: String,
        /// The member that it holds.
        place: MemberPlace,
        /// Its type.
        kind: PromotedType,
    },
    /// There is no room for more.
    #[error("an archive has at most {MOST_PROMOTED} promoted columns")]
    TooMany,
}

impl Promotion {
    /// What `PLACE:TYPE` says, in a column of this name, or else in one that is named after the place.
    ///
    /// # Errors
    ///
    /// [`PromotionError`] when there is no such type, the place is none, or the name is not to be.
    pub fn new(text: &str, column: Option<&str>) -> Result<Self, PromotionError> {
        let wrong = |why| PromotionError::Place { text: text.to_owned(), why };
        let (place, kind) =
            text.rsplit_once(':').ok_or_else(|| wrong("write PLACE:TYPE, as in ext.order_id:string"))?;
        let kind: PromotedType = kind.parse()?;
        let place: MemberPlace = place.parse().map_err(wrong)?;
        let column = column.map_or_else(|| name::of(&place), str::to_owned);
        name::check(&column).map_err(|why| PromotionError::Name { column: column.clone(), why })?;
        Ok(Self { column, place, kind })
    }

    /// Adds a column to those of an archive; one that it has stays as it is.
    ///
    /// # Errors
    ///
    /// [`PromotionError::Taken`] and [`PromotionError::TooMany`].
    pub fn join(self, promotions: &mut Vec<Self>) -> Result<(), PromotionError> {
        match promotions.iter().find(|known| known.column == self.column) {
            Some(known) if *known == self => Ok(()),
            Some(Self { column, place, kind }) => {
                Err(PromotionError::Taken { column: column.clone(), place: place.clone(), kind: *kind })
            }
            None if promotions.len() >= MOST_PROMOTED => Err(PromotionError::TooMany),
            None => {
                promotions.push(self);
                Ok(())
            }
        }
    }

    /// The column as files have it.
    #[must_use]
    pub fn field(&self) -> Field {
        Field::new(&self.column, self.kind.data_type(), true)
    }
}

/// The columns of files with promoted ones, which come last.
#[must_use]
pub fn with_promoted(schema: &Schema, promotions: &[Promotion]) -> SchemaRef {
    let promoted = promotions.iter().map(|promotion| promotion.field().into());
    Schema::new(schema.fields().iter().cloned().chain(promoted).collect::<Vec<_>>()).into()
}

impl PromotedType {
    /// Every type, with its word.
    const WORDS: [(Self, &'static str); 6] = [
        (Self::Bool, "bool"),
        (Self::Float64, "float64"),
        (Self::Int64, "int64"),
        (Self::Json, "json"),
        (Self::String, "string"),
        (Self::Timestamp, "timestamp"),
    ];

    fn data_type(self) -> DataType {
        match self {
            Self::Bool => DataType::Boolean,
            Self::Float64 => DataType::Float64,
            Self::Int64 => DataType::Int64,
            Self::Json | Self::String => DataType::Utf8,
            Self::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        }
    }

    /// Its name in the words of SQL, as [`crate::Column::type_word`] has it.
    #[must_use]
    pub fn type_word(self) -> &'static str {
        match self {
            Self::Bool => "boolean",
            Self::Float64 => "double",
            Self::Int64 => "bigint",
            Self::Json | Self::String => "string",
            Self::Timestamp => "timestamp",
        }
    }
}

impl fmt::Display for PromotedType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Self::WORDS.iter().find(|(kind, _)| kind == self).map_or("", |(_, word)| word);
        f.write_str(word)
    }
}

impl FromStr for PromotedType {
    type Err = PromotionError;

    fn from_str(word: &str) -> Result<Self, PromotionError> {
        let known = Self::WORDS.iter().find(|(_, known)| *known == word);
        known.map(|(kind, _)| *kind).ok_or_else(|| PromotionError::Type(word.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(text: &str) -> String {
        Promotion::new(text, None).unwrap().column
    }

    #[test]
    fn a_column_is_named_after_its_place() {
        for (text, expected) in [
            ("ext.order_id:string", "ext_order_id"),
            ("ext.order.id:int64", "ext_order_id"),
            ("ext.orderID:int64", "ext_order_id"),
            ("ext.\"a.b:c\".D:json", "ext_a_b_c_d"),
            ("payload.operation:string", "payload_operation"),
            ("body.combineLevel:int64", "body_combine_level"),
            ("record.7:bool", "record_7"),
            ("ext.HTTPStatus:int64", "ext_http_status"),
        ] {
            assert_eq!(column(text), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_promoted_is_refused_in_words() {
        let long = format!("ext.{}:string", "a".repeat(60));
        for (text, name, expected) in [
            ("ext.order_id", None, "write PLACE:TYPE"),
            ("ext.order_id:text", None, "`text` is no type"),
            ("ext:json", None, "name a member"),
            ("text.x:string", None, "begins with ext., record., payload. or body."),
            ("ext..x:string", None, "has no letters"),
            ("ext.\"x:string", None, "quote"),
            ("ext.港:string", None, "give it a name of its own"),
            ("body.type:string", None, "is one of the table's own"),
            ("body.secret:string", None, "share secret"),
            ("ext.x:string", Some("text"), "is one of the table's own"),
            ("ext.x:string", Some("date"), "is one of the table's own"),
            ("ext.x:string", Some("select"), "is a word of SQL"),
            ("ext.x:string", Some("Order"), "lower case"),
            ("ext.x:string", Some("9lives"), "begins with a digit"),
            ("ext.x:string", Some("_table_x"), "BigQuery or Delta"),
            (&long, None, "63"),
        ] {
            let refused = Promotion::new(text, name).unwrap_err().to_string();
            assert!(refused.contains(expected), "{text} as {name:?}: {refused}");
        }
    }

    #[test]
    fn a_column_holds_one_thing_for_ever() {
        let of = |text: &str| Promotion::new(text, Some("x")).unwrap();
        let mut promotions = Vec::new();
        of("ext.a:string").join(&mut promotions).unwrap();
        of("ext.a:string").join(&mut promotions).unwrap();
        assert_eq!(promotions.len(), 1);
        let refused = of("ext.a:int64").join(&mut promotions).unwrap_err();
        assert_eq!(refused.to_string(), "the column `x` holds ext.a as string already");
        for number in 1..MOST_PROMOTED {
            Promotion::new(&format!("ext.a{number}:json"), None).unwrap().join(&mut promotions).unwrap();
        }
        assert_eq!(Promotion::new("ext.more:json", None).unwrap().join(&mut promotions), Err(PromotionError::TooMany));
    }
}

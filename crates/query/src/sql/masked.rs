//! The columns of `messages` for eyes that are not to see who said what, as docs/export.md has them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{AsArray as _, StringViewArray};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, col, lit,
};

use super::files::PARTITION;
use crate::export::{Mask, MaskText};

/// A column as it may be seen.
pub(super) fn masked(field: &Field, mask: &Mask) -> Result<Expr> {
    let name = field.name().as_str();
    let shown = match name {
        PARTITION | "msg_id" | "sent_at" | "source_hour" | "part" | "line" | "body_type" | "file_length"
        | "duration_s" | "width" | "height" | "retained_at" | "about" => return Ok(col(name)),
        "sender" | "recipient" => Shown::Id,
        "conversation" => Shown::Conversation,
        "chat_type" => Shown::ChatType,
        "direction" => Shown::Direction,
        "text" | "filename" | "action" | "custom_event" if mask.text == MaskText::Redact => Shown::Redacted,
        // All else could hold anything, columns that are added later too.
        _ => return Ok(lit(ScalarValue::try_from(field.data_type())?).alias(name)),
    };
    let signature = Signature::exact(vec![DataType::Utf8View], Volatility::Immutable);
    let function = ScalarUDF::new_from_impl(Masked { mask: mask.clone(), shown, signature });
    Ok(function.call(vec![col(name)]).alias(name))
}

/// What becomes of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Shown {
    Id,
    Conversation,
    ChatType,
    Direction,
    Redacted,
}

/// A text behind a mask.
struct Masked {
    mask: Mask,
    shown: Shown,
    signature: Signature,
}

impl Masked {
    fn value(&self, text: &str) -> Option<String> {
        match self.shown {
            Shown::Id => Some(self.mask.hash(text)),
            Shown::Conversation => Some(self.mask.conversation(text)),
            Shown::ChatType => Some(Mask::chat_type(text.to_owned().into()).into_owned()),
            Shown::Direction => Mask::direction(text.to_owned().into()).map(std::borrow::Cow::into_owned),
            Shown::Redacted => self.mask.said(Some(text.to_owned().into())).map(std::borrow::Cow::into_owned),
        }
    }
}

impl ScalarUDFImpl for Masked {
    fn name(&self) -> &str {
        "masked"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let texts = arguments.args[0].to_array(arguments.number_rows)?;
        let values = texts.as_string_view().iter().map(|text| self.value(text?));
        Ok(ColumnarValue::Array(Arc::new(values.collect::<StringViewArray>())))
    }
}

impl fmt::Debug for Masked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Masked").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// There is one mask in a query.
impl PartialEq for Masked {
    fn eq(&self, other: &Self) -> bool {
        self.shown == other.shown
    }
}

impl Eq for Masked {}

impl Hash for Masked {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.shown.hash(state);
    }
}

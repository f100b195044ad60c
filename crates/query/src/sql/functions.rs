//! Functions for what is in the columns: JSON by path, the keys of conversations.

mod conversation;
mod json;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray as _, StringViewArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility};

/// Those that no query should name.
pub(super) const INNER: [&str; 2] = [WITHOUT_SECRETS, WITHOUT_SECRETS_IN_URLS];

const WITHOUT_SECRETS: &str = "rest_without_secrets";

const WITHOUT_SECRETS_IN_URLS: &str = "urls_without_secrets";

/// All of them.
pub(super) fn all() -> Vec<ScalarUDF> {
    [json::functions(), conversation::functions(), vec![without_secrets(), without_secrets_in_urls()]].concat()
}

/// A text without the share secrets in its members and URLs; what is no JSON is not handed out at all.
pub(super) fn without_secrets() -> ScalarUDF {
    function(WITHOUT_SECRETS, 1, DataType::Utf8View, |texts| {
        let shown = |rest: Option<&str>| decode::rest_without_secrets(rest?).ok().map(std::borrow::Cow::into_owned);
        Ok(Arc::new(texts[0].iter().map(shown).collect::<StringViewArray>()))
    })
}

/// A URL, or a text with some, without the share secrets in it.
pub(super) fn without_secrets_in_urls() -> ScalarUDF {
    function(WITHOUT_SECRETS_IN_URLS, 1, DataType::Utf8View, |texts| {
        let shown = |text: Option<&str>| text.map(|text| chat::without_share_secrets(text).into_owned());
        Ok(Arc::new(texts[0].iter().map(shown).collect::<StringViewArray>()))
    })
}

/// What a function makes of its arguments, which are texts, all of one length.
type Work = fn(&[StringViewArray]) -> Result<ArrayRef>;

fn function(name: &'static str, arguments: usize, gives: DataType, work: Work) -> ScalarUDF {
    let signature = Signature::exact(vec![DataType::Utf8View; arguments], Volatility::Immutable);
    ScalarUDF::new_from_impl(OfTexts { name, signature, gives, work })
}

/// A function of texts.
struct OfTexts {
    name: &'static str,
    signature: Signature,
    gives: DataType,
    work: Work,
}

impl ScalarUDFImpl for OfTexts {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(self.gives.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let text = |value: &ColumnarValue| Ok(value.to_array(rows)?.as_string_view().clone());
        let texts = arguments.args.iter().map(text).collect::<Result<Vec<_>>>()?;
        Ok(ColumnarValue::Array((self.work)(&texts)?))
    }
}

impl fmt::Debug for OfTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OfTexts").field("name", &self.name).finish_non_exhaustive()
    }
}

impl PartialEq for OfTexts {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for OfTexts {}

impl Hash for OfTexts {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

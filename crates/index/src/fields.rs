//! The fields of a document: the one place that knows them.
//!
//! | field | of | indexed | column | what |
//! | --- | --- | --- | --- | --- |
//! | `text` | message | tokens with positions | | every searchable text, in order |
//! | `from`, `to` | message | whole, without case | yes | sender, recipient |
//! | `in` | message | whole, without case | yes | the conversation's key; of a group, room or thread its bare id too |
//! | `type` | message | whole | yes | the type of the first body |
//! | `facts` | message | whole | | what else is known, as `name=value`, see [`crate::facts`] |
//! | `file` | message | tokens with positions | | the name of the attached file, which is in `text` too |
//! | `spelled` | message | whole | | words with accents as they were written, see [`crate::spellings`] |
//! | `message` | message | | yes | fingerprint of the message id |
//! | `message_half` | message | yes | | the upper half of that, by which it is found: of the service's ids, the second |
//! | `recalls`, `edits` | message | yes | | fingerprint of the id of the message that it recalls or edits |
//! | `sent_at` | message | | yes | microseconds since 1970 |
//! | `part`, `line` | message | | yes | where the message stood |
//! | `hour` | both | | yes | source hour, hours since 1970 |
//! | `build` | both | yes | yes | which taking-in of the hour this belongs to |
//! | `marker` | marker | yes | | there is one marker for each hour held |
//! | `version` | marker | | yes | the caller's version of the hour |
//!
//! Nothing is stored. An hour that is taken in again gets another `build`; the documents of the old one are deleted by
//! it, in the same commit. They could not be deleted by their hour: the engine would delete the new ones too, because a
//! segment that is added whole sees the deletions of the commit it is part of.

use std::borrow::Cow;

use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, Schema, SchemaBuilder, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{TextAnalyzer, TokenizerManager};

use crate::columns::Column;
use crate::tokens::EngineTokenizer;

/// The name under which the engine knows our tokeniser.
const TOKENIZER: &str = "annals";

/// Names of the columns that a search reads.
pub(crate) mod column {
    pub(crate) const BUILD: &str = "build";
    /// The first value is the conversation's key.
    pub(crate) const CONVERSATION: &str = "in";
    pub(crate) const FROM: &str = "from";
    pub(crate) const HOUR: &str = "hour";
    pub(crate) const LINE: &str = "line";
    pub(crate) const MESSAGE: &str = "message";
    pub(crate) const PART: &str = "part";
    pub(crate) const SENT_AT: &str = "sent_at";
    pub(crate) const TO: &str = "to";
    pub(crate) const TYPE: &str = "type";
    pub(crate) const VERSION: &str = "version";
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields {
    pub(crate) text: Field,
    pub(crate) from: Field,
    pub(crate) to: Field,
    pub(crate) conversation: Field,
    pub(crate) body_type: Field,
    pub(crate) facts: Field,
    pub(crate) file: Field,
    pub(crate) spelled: Field,
    pub(crate) message: Field,
    pub(crate) message_half: Field,
    pub(crate) recalls: Field,
    pub(crate) edits: Field,
    pub(crate) sent_at: Field,
    pub(crate) part: Field,
    pub(crate) line: Field,
    pub(crate) hour: Field,
    pub(crate) build: Field,
    pub(crate) marker: Field,
    pub(crate) version: Field,
}

impl Fields {
    pub(crate) fn with_schema() -> (Self, Schema) {
        let mut builder = SchemaBuilder::new();
        let named = || TextOptions::default().set_indexing_options(whole());
        let counted = || named().set_fast("raw");
        let fields = Self {
            text: builder.add_text_field("text", TextOptions::default().set_indexing_options(tokens())),
            from: builder.add_text_field(column::FROM, counted()),
            to: builder.add_text_field(column::TO, counted()),
            conversation: builder.add_text_field(column::CONVERSATION, counted()),
            body_type: builder.add_text_field(column::TYPE, counted()),
            facts: builder.add_text_field("facts", named()),
            file: builder.add_text_field("file", TextOptions::default().set_indexing_options(tokens())),
            spelled: builder.add_text_field("spelled", named()),
            message: builder.add_u64_field(column::MESSAGE, FAST),
            message_half: builder.add_u64_field("message_half", INDEXED),
            recalls: builder.add_u64_field("recalls", INDEXED),
            edits: builder.add_u64_field("edits", INDEXED),
            sent_at: builder.add_i64_field(column::SENT_AT, FAST),
            part: builder.add_u64_field(column::PART, FAST),
            line: builder.add_u64_field(column::LINE, FAST),
            hour: builder.add_i64_field(column::HOUR, FAST),
            build: builder.add_u64_field(column::BUILD, FAST | INDEXED),
            marker: builder.add_u64_field("marker", INDEXED),
            version: builder.add_text_field(column::VERSION, TextOptions::default().set_fast("raw")),
        };
        (fields, builder.build())
    }

    pub(crate) fn of(&self, column: Column) -> Field {
        match column {
            Column::From => self.from,
            Column::To => self.to,
            Column::In => self.conversation,
            Column::Type => self.body_type,
            Column::Facts => self.facts,
        }
    }
}

/// The tokenisers that the engine needs for these fields.
pub(crate) fn tokenizers() -> TokenizerManager {
    let manager = TokenizerManager::default();
    manager.register(TOKENIZER, TextAnalyzer::from(EngineTokenizer::default()));
    manager
}

fn tokens() -> TextFieldIndexing {
    TextFieldIndexing::default()
        .set_tokenizer(TOKENIZER)
        .set_index_option(IndexRecordOption::WithFreqsAndPositions)
        .set_fieldnorms(true)
}

fn whole() -> TextFieldIndexing {
    TextFieldIndexing::default().set_tokenizer("raw").set_index_option(IndexRecordOption::Basic).set_fieldnorms(false)
}

/// The longest name or key, in bytes, that is indexed as it is. The engine drops terms of more than 65,530 bytes.
const LONGEST_NAME: usize = 1 << 10;

/// A name or key as a term. A longer one is cut and told from others by its fingerprint, so that nothing is lost.
pub(crate) fn name_term(name: &str) -> Cow<'_, str> {
    if name.len() <= LONGEST_NAME {
        return name.into();
    }
    let kept = name.get(..name.floor_char_boundary(LONGEST_NAME)).unwrap_or("");
    format!("{kept}…{:016x}", hash(name)).into()
}

/// The fingerprint of a message id, which is not 0.
///
/// Ids of the service are numbers below 2^63 and have a fingerprint each; other ids share the upper half of the numbers,
/// where two of a billion meet by accident in one of twenty archives.
pub(crate) fn fingerprint(msg_id: &str) -> u64 {
    let is_number = msg_id.bytes().all(|byte| byte.is_ascii_digit()) && (msg_id == "0" || !msg_id.starts_with('0'));
    let number = is_number.then(|| msg_id.parse::<u64>().ok()).flatten().filter(|number| *number < UPPER_HALF - 1);
    number.map_or_else(|| hash(msg_id) | UPPER_HALF, |number| number + 1)
}

const UPPER_HALF: u64 = 1 << 63;

/// The half of a fingerprint that is indexed. A term for each message would be the tenth part of an index; the messages of a
/// second have one, and which of them is meant is told by the column.
pub(crate) fn half(fingerprint: u64) -> u64 {
    fingerprint >> 32
}

/// FNV-1a, spread over all bits: it is stored, so it may never change, as those of libraries may.
fn hash(text: &str) -> u64 {
    let folded = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let half = (folded ^ (folded >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    half ^ (half >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_number_where_there_is_one() {
        assert_eq!(fingerprint("0"), 1);
        assert_eq!(fingerprint("1412077346056423435"), 1_412_077_346_056_423_436);
        for text in ["", "00", "5K07Q-3f-9b21c", "9223372036854775807", "99999999999999999999", "+5"] {
            assert!(fingerprint(text) >= UPPER_HALF, "{text}");
        }
        assert_ne!(fingerprint("00"), fingerprint("0"));
    }

    #[test]
    fn a_stored_fingerprint_never_changes() {
        assert_eq!(fingerprint("1F4MXq0dT7kLFnZ3Hm8vrcb5Uwe"), 11_442_061_049_740_601_935);
    }

    #[test]
    fn long_names_stay_apart() {
        let (one, other) = ("x".repeat(5000), format!("{}y", "x".repeat(4999)));
        assert_ne!(name_term(&one), name_term(&other));
        assert!(name_term(&one).len() < LONGEST_NAME + 32);
    }
}

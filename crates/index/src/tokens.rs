//! Text to tokens, the same for documents, queries and scans.
//!
//! Each token has the position after the one before; positions are therefore not kept, a token's place in the list is
//! its position. In what follows `·` stands between tokens.
//!
//! - A run of a dense script, of `n` characters, gives `n` tokens: each character with the one after it, and the last
//!   one alone. `潮汐表` is `潮汐·汐表·表`. A substring of two characters is a token, a longer one a phrase, a single
//!   character the beginning of a token.
//! - A run of letters, marks and digits of another script is one token. What joins words (`.`, `_`, `-`, `/`, `@`, `:`,
//!   `'`) separates them like any other sign, so that `teo-77` is `teo·77`: found whole, as a phrase, and by its parts. A
//!   run of more than [`LONGEST_WORD`] characters is cut there, in text and query alike, and so still found whole.
//! - An `@` in front of such a run is a token of its own, unless a letter stands before it: `@teo` is `@·teo`, found as a
//!   mention and by the name alone. In an address like `a@b.c` it separates.
//! - A picture is one token, with all that a joiner ties to it; two regional indicators are one flag.
//!
//! This is UAX #29 with more breaks: what its tables would hold together (apostrophes, points between digits,
//! underscores) is split here on purpose, so the tables are not needed.
//!
//! Tokens hold no separator but that `@`. Changing what a text gives is a new [`crate::format`].

use std::ops::Range;

use tantivy::tokenizer::{Token, TokenStream, Tokenizer};

use crate::characters::class;
use crate::fold::{Take, fold};
use crate::script::{Class, JOINER, is_regional_indicator, is_symbol, is_tag};

/// The longest token in characters; four bytes each stay far below the engine's limit of 65,530.
pub(crate) const LONGEST_WORD: usize = 255;

/// What stands before the name of somebody who is spoken to.
const MENTION: char = '@';

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Two neighbours in a dense run.
    Pair,
    /// The last character of a dense run that is longer.
    Last,
    /// A dense run of a single character.
    Lone,
    /// A word, or a picture.
    Whole,
}

/// Bytes of the folded text, and what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) bytes: Range<usize>,
    pub(crate) kind: Kind,
}

/// A folded text and its tokens.
#[derive(Debug)]
pub(crate) struct Tokens {
    folded: Folded,
    spans: Vec<Span>,
}

#[derive(Debug, Clone, Default)]
struct Folded {
    text: String,
    /// Of each folded character, where it begins in `text` and which bytes of the original it stands for; in order.
    /// Empty unless asked for.
    origins: Vec<(usize, Range<usize>)>,
    keep_origins: bool,
}

impl Take for Folded {
    fn take(&mut self, folded: char, from: Range<usize>) {
        if self.keep_origins {
            self.origins.push((self.text.len(), from));
        }
        self.text.push(folded);
    }

    fn take_ascii(&mut self, ascii: &str, at: usize) {
        if self.keep_origins {
            let begins = self.text.len();
            self.origins.extend((0..ascii.len()).map(|place| (begins + place, at + place..at + place + 1)));
        }
        self.text.take_ascii(ascii, at);
    }
}

impl Folded {
    fn read(&mut self, text: &str) {
        self.text.clear();
        self.text.reserve(text.len());
        self.origins.clear();
        fold(text, self);
    }

    /// The original bytes of the folded character that the byte `at` belongs to.
    fn origin_at(&self, at: usize) -> Option<Range<usize>> {
        let after = self.origins.partition_point(|(start, _)| *start <= at);
        self.origins.get(after.checked_sub(1)?).map(|(_, origin)| origin.clone())
    }
}

impl Tokens {
    /// The tokens of a text.
    pub(crate) fn of(text: &str) -> Self {
        Self::read(text, Folded::default())
    }

    /// The tokens of a text, which know where they come from.
    pub(crate) fn with_origins(text: &str) -> Self {
        Self::read(text, Folded { keep_origins: true, ..Folded::default() })
    }

    fn read(text: &str, mut folded: Folded) -> Self {
        folded.read(text);
        let mut splitter = Splitter::default();
        let spans = std::iter::from_fn(|| splitter.next(&folded.text)).collect();
        Self { folded, spans }
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The token at a position.
    pub(crate) fn get(&self, position: usize) -> Option<(&str, Kind)> {
        let span = self.spans.get(position)?;
        Some((self.folded.text.get(span.bytes.clone())?, span.kind))
    }

    /// Whether the last token ends where the text ends.
    pub(crate) fn reach_the_end(&self) -> bool {
        self.spans.last().is_some_and(|span| span.bytes.end == self.folded.text.len())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, Kind)> {
        (0..self.len()).filter_map(|position| self.get(position))
    }

    /// The bytes of the original that a token stands for, or only its first character.
    pub(crate) fn origin(&self, position: usize, first_only: bool) -> Option<Range<usize>> {
        let bytes = &self.spans.get(position)?.bytes;
        let first = self.folded.origin_at(bytes.start)?;
        let last = if first_only { first.clone() } else { self.folded.origin_at(bytes.end.checked_sub(1)?)? };
        Some(first.start..last.end)
    }
}

/// Splits a folded text, a token at a time, in constant memory.
#[derive(Debug, Clone, Default)]
struct Splitter {
    /// `run.start <= at <= run.end`; what lies before `at` is split.
    at: usize,
    run: Range<usize>,
    class: Option<Class>,
}

impl Splitter {
    fn next(&mut self, text: &str) -> Option<Span> {
        if self.at == self.run.end {
            self.find_run(text)?;
        }
        let run = text.get(self.at..self.run.end)?;
        let (length, step, kind) = match self.class {
            Some(Class::Dense) => self.dense(run)?,
            Some(Class::Word) => (word_length(run), word_length(run), Kind::Whole),
            _ => (run.len(), run.len(), Kind::Whole),
        };
        let bytes = self.at..self.at + length;
        self.at += step;
        Some(Span { bytes, kind })
    }

    /// The first token of what is left of a dense run, and how far it is to the one after it.
    fn dense(&self, run: &str) -> Option<(usize, usize, Kind)> {
        let mut lengths = run.chars().map(char::len_utf8);
        let first = lengths.next()?;
        Some(match lengths.next() {
            Some(second) => (first + second, first, Kind::Pair),
            None if self.at == self.run.start => (first, first, Kind::Lone),
            None => (first, first, Kind::Last),
        })
    }

    /// Moves to the next run of one class.
    fn find_run(&mut self, text: &str) -> Option<()> {
        let rest = text.get(self.at..)?;
        let begins = |&(at, c): &(usize, char)| class(c) != Class::Separator || is_mention(text, self.at + at, c);
        let (skipped, first) = rest.char_indices().find(begins)?;
        let rest = rest.get(skipped..)?;
        let kind = class(first);
        let length = match kind {
            Class::Symbol => picture_length(rest),
            Class::Separator => first.len_utf8(),
            Class::Dense | Class::Word => run_length(rest, kind),
        };
        self.at += skipped;
        self.run = self.at..self.at + length;
        self.class = Some(kind);
        Some(())
    }
}

/// Whether an `@` at a byte of a folded text names somebody.
fn is_mention(text: &str, at: usize, c: char) -> bool {
    c == MENTION && {
        let before = text.get(..at).and_then(|text| text.chars().next_back());
        let after = text.get(at + c.len_utf8()..).and_then(|text| text.chars().next());
        before.is_none_or(|c| class(c) != Class::Word)
            && after.is_some_and(|c| matches!(class(c), Class::Word | Class::Dense))
    }
}

fn run_length(rest: &str, kind: Class) -> usize {
    rest.chars().take_while(|&c| class(c) == kind).map(char::len_utf8).sum()
}

fn picture_length(rest: &str) -> usize {
    let mut before = ' ';
    let mut count = 0;
    let goes_on = |c: &char| {
        let c = *c;
        count += 1;
        let flag = count == 2 && is_regional_indicator(before) && is_regional_indicator(c);
        let tied = c == JOINER || is_tag(c) || (is_symbol(c) && (count == 1 || before == JOINER || flag));
        before = c;
        tied
    };
    rest.chars().take_while(goes_on).map(char::len_utf8).sum()
}

/// The length of a word, or of the piece of it that one token may hold.
fn word_length(run: &str) -> usize {
    if run.len() <= LONGEST_WORD {
        return run.len();
    }
    run.char_indices().nth(LONGEST_WORD).map_or(run.len(), |(end, _)| end)
}

/// The same tokens, for the engine.
#[derive(Debug, Clone, Default)]
pub(crate) struct EngineTokenizer {
    folded: Folded,
    token: Token,
}

pub(crate) struct EngineTokens<'a> {
    source: &'a mut EngineTokenizer,
    splitter: Splitter,
}

impl Tokenizer for EngineTokenizer {
    type TokenStream<'a> = EngineTokens<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> EngineTokens<'a> {
        self.folded.read(text);
        self.token.reset();
        EngineTokens { source: self, splitter: Splitter::default() }
    }
}

impl TokenStream for EngineTokens<'_> {
    fn advance(&mut self) -> bool {
        let EngineTokenizer { folded, token } = &mut *self.source;
        let Some(span) = self.splitter.next(&folded.text) else { return false };
        token.text.clear();
        token.text.push_str(folded.text.get(span.bytes).unwrap_or(""));
        // Begins at the greatest number, so that the first token has position 0.
        token.position = token.position.wrapping_add(1);
        true
    }

    fn token(&self) -> &Token {
        &self.source.token
    }

    fn token_mut(&mut self) -> &mut Token {
        &mut self.source.token
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let tokens = Tokens::of(text);
        let texts: Vec<_> = tokens.iter().map(|(text, _)| text).collect();
        texts.join("·")
    }

    /// The tokens of format 5. A row that has to change is a new format.
    #[test]
    fn the_tokens_of_format_5() {
        for (text, expected) in [
            ("", ""),
            ("... — !", ""),
            ("Morning. Slipway three is free", "morning·slipway·three·is·free"),
            ("潮汐表", "潮汐·汐表·表"),
            ("第3号泊位", "第·3·号泊·泊位·位"),
            ("码头，请", "码头·头·请"),
            ("東京タワー", "东京·京タ·タワ·ワー·ー"),
            ("한국어 사람", "한국·국어·어·사람·람"),
            ("감사ㄳ ㅋㅠ", "감사·사ㄳ·ㄳ·ㅋㅠ·ㅠ"),
            ("ภาษา", "ภา·าษ·ษา·า"),
            ("teo-77 lin.qiao user_id a@b.c http://x/y 10:30", "teo·77·lin·qiao·user·id·a·b·c·http·x·y·10·30"),
            ("don't don’t l'eau", "don·t·don·t·l·eau"),
            ("हिन्दी में", "हिन्दी·में"),
            ("👍👍🏽 👩🏽\u{200D}🔧⛵️ 🇳🇴🇸🇪ok", "👍·👍·👩\u{200D}🔧·⛵·🇳🇴·🇸🇪·ok"),
            ("a👍b", "a·👍·b"),
            ("wow‼\u{FE0F} ⁉ #\u{FE0F}\u{20E3} ©\u{FE0F}!!", "wow·‼·⁉"),
            ("@teo-77 hi", "@·teo·77·hi"),
            ("请@小明看，＠Mara @ x a@b @@c @", "请·@·小明·明看·看·@·mara·x·a·b·@·c"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn a_word_beyond_the_limit_is_cut_and_nothing_is_lost() {
        let long = "é".repeat(LONGEST_WORD * 2 + 3);
        let tokens = Tokens::of(&long);
        let lengths: Vec<_> = tokens.iter().map(|(text, _)| text.chars().count()).collect();
        assert_eq!(lengths, [LONGEST_WORD, LONGEST_WORD, 3]);
    }

    #[test]
    fn a_token_knows_its_bytes() {
        let text = "Ｃａｆé，漢字ﾎﾟｯﾄ";
        let tokens = Tokens::with_origins(text);
        let origin = |position, first| text.get(tokens.origin(position, first).unwrap()).unwrap();
        assert_eq!(origin(0, false), "Ｃａｆé");
        assert_eq!(origin(1, false), "漢字");
        assert_eq!(origin(1, true), "漢");
        assert_eq!(origin(2, false), "字ﾎﾟ");
        assert_eq!(origin(tokens.len() - 1, false), "ﾄ");
    }
}

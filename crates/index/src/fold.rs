//! Folding: what a search does not tell apart is made the same, in text and query alike.
//!
//! NFKC (but for letters of Hangul that stand alone, see [`crate::jamo`]), case, accents, full and half width, Traditional and Simplified Han, Arabic vowel points and letter variants, skin
//! tones and variation selectors. A text is folded cluster by cluster, a cluster being a character with the marks that
//! belong to it; every folded character knows the bytes of the cluster it came from, and so a match can be shown in the
//! original. Folding a folded text changes nothing.

use std::iter::once;
use std::ops::Range;

use unicode_normalization::char::is_combining_mark;
use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfkc_quick};

use crate::characters::{Character, class};
use crate::jamo;
use crate::script::{Class, JOINER, is_accent, is_invisible, is_regional_indicator, is_skin_tone, is_symbol, is_tag};
use crate::simplified::simplified;

pub(crate) const ZERO_WIDTH_SPACE: char = '\u{200B}';

/// Takes folded characters, each with the bytes of the original that it stands for.
pub(crate) trait Take {
    fn take(&mut self, folded: char, from: Range<usize>);

    /// Takes ASCII that is not folded yet, which begins at a byte of the text.
    fn take_ascii(&mut self, ascii: &str, at: usize) {
        for (at, letter) in (at..).zip(ascii.bytes()) {
            self.take(letter.to_ascii_lowercase().into(), at..at + 1);
        }
    }
}

/// Folds a text.
pub(crate) fn fold(text: &str, into: &mut impl Take) {
    let mut folding = Folding { into, last: ' ', scratch: String::new() };
    let mut at = 0;
    while at < text.len() {
        at += folding.ascii(text.get(at..).unwrap_or(""), at);
        at += folding.plain(text.get(at..).unwrap_or(""), at);
        if let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            at += folding.cluster(rest, at);
        }
    }
}

/// Folds a name: only case is not told apart.
pub(crate) fn fold_case(name: &str) -> String {
    let mut into = String::with_capacity(name.len());
    fold_case_into(name, &mut into);
    into
}

/// The same behind what is there.
pub(crate) fn fold_case_into(name: &str, into: &mut String) {
    if name.is_ascii() {
        into.take_ascii(name, 0);
    } else {
        into.extend(name.chars().flat_map(lower));
    }
}

struct Folding<'t, T> {
    into: &'t mut T,
    /// The last character given away.
    last: char,
    scratch: String,
}

impl<T: Take> Folding<'_, T> {
    /// Folds what is ASCII at the beginning of `rest`, but for the last character before others, which may be marks of it.
    /// Returns how long that is.
    fn ascii(&mut self, rest: &str, at: usize) -> usize {
        let end = rest.bytes().position(|byte| !byte.is_ascii()).map_or(rest.len(), |end| end.saturating_sub(1));
        let ascii = rest.get(..end).unwrap_or("");
        if let Some(last) = ascii.bytes().next_back() {
            self.last = last.to_ascii_lowercase().into();
            self.into.take_ascii(ascii, at);
        }
        end
    }

    /// Folds the characters at the beginning of `rest` that are each alone in their cluster and fold to one. Returns how long
    /// they are.
    fn plain(&mut self, rest: &str, at: usize) -> usize {
        let mut characters = rest.char_indices().map(|(start, c)| (start, Character::of(c)));
        let mut next = characters.next();
        while let Some((start, known)) = next {
            next = characters.next();
            let end = next.map_or(rest.len(), |(start, _)| start);
            let is_alone = next.is_none_or(|(_, next)| !next.joins());
            let Some(folded) = known.plain().filter(|_| is_alone) else { return start };
            self.give(folded, at + start..at + end);
        }
        rest.len()
    }

    /// Folds the first cluster of `rest`, which lies at byte `at` of the text. Returns its length, which is not 0.
    fn cluster(&mut self, rest: &str, at: usize) -> usize {
        let mut characters = rest.chars();
        let Some(first) = characters.next() else { return rest.len().max(1) };
        let known = Character::of(first);
        if known.class() == Class::Symbol {
            return self.picture(rest, at);
        }
        let length = first.len_utf8() + tail_length(characters.as_str());
        let bytes = at..at + length;
        let is_alone = length == first.len_utf8();
        match known.folded() {
            _ if first == ZERO_WIDTH_SPACE => self.zero_width_space(bytes),
            Some(folded) if is_alone => self.give(folded, bytes),
            _ => self.several(rest.get(..length).unwrap_or(rest), bytes),
        }
        length
    }

    /// A sequence of pictures that is seen as one.
    fn picture(&mut self, rest: &str, at: usize) -> usize {
        self.scratch.clear();
        let length = read_picture(rest, &mut self.scratch);
        self.give_scratch(at..at + length);
        length
    }

    /// Between words it separates. Within a dense script it marks where a line may break, and people do not type it.
    fn zero_width_space(&mut self, bytes: Range<usize>) {
        if class(self.last) != Class::Dense {
            self.give(' ', bytes);
        }
    }

    fn several(&mut self, cluster: &str, bytes: Range<usize>) {
        self.scratch.clear();
        let is_folded = cluster.chars().all(|c| Character::of(c).is_inert());
        if is_folded && is_nfkc_quick(cluster.chars()) == IsNormalized::Yes {
            self.scratch.push_str(cluster);
        } else {
            compose(cluster, &mut self.scratch);
        }
        self.give_scratch(bytes);
    }

    fn give_scratch(&mut self, bytes: Range<usize>) {
        let folded = std::mem::take(&mut self.scratch);
        for c in folded.chars() {
            self.give(c, bytes.clone());
        }
        self.scratch = folded;
    }

    fn give(&mut self, folded: char, bytes: Range<usize>) {
        self.last = folded;
        self.into.take(folded, bytes);
    }
}

/// Folds a cluster that is no picture, by all the rules.
pub(crate) fn compose(cluster: &str, into: &mut String) {
    let visible = cluster.chars().filter(|&c| !is_invisible(c)).map(without_mark_of_trade);
    let bare = visible.flat_map(jamo::decomposed).nfd().filter(|&c| !is_accent(c) && !is_invisible(c));
    let folded = bare.flat_map(lower).flat_map(variant).nfc().map(jamo::apart).map(simplified);
    if cluster.contains(is_nikhahit) { into.extend(tones_first(folded.collect())) } else { into.extend(folded) }
}

/// The ring of Thai and Lao that is half of the vowel am, and a mark of its own where the vowel is typed in two.
pub(crate) fn is_nikhahit(c: char) -> bool {
    matches!(c, '\u{E4D}' | '\u{ECD}')
}

/// Puts the ring behind the tone, where that vowel has it. Typed in two it stands before, looks the same, and no normalisation
/// moves it.
fn tones_first(mut cluster: Vec<char>) -> Vec<char> {
    for at in 1..cluster.len() {
        if let [.., ring, tone] = &mut cluster[..=at]
            && is_nikhahit(*ring)
            && matches!(tone, '\u{E48}'..='\u{E4B}' | '\u{EC8}'..='\u{ECB}')
        {
            std::mem::swap(ring, tone);
        }
    }
    cluster
}

/// Folds a word like [`compose`] but leaves its accents and its letters as they were written.
pub(crate) fn spelling(word: &str) -> String {
    word.chars().map(|c| Character::of(c).spelled()).collect::<Option<_>>().unwrap_or_else(|| composed_spelling(word))
}

/// The same, by all the rules.
pub(crate) fn composed_spelling(word: &str) -> String {
    let visible = word.chars().filter(|&c| !is_invisible(c)).map(without_mark_of_trade);
    let decomposed = visible.flat_map(jamo::decomposed).nfd().filter(|&c| !is_invisible(c));
    decomposed.flat_map(lower).nfc().map(jamo::apart).map(simplified).collect()
}

/// Folds a text that nobody needs to be shown in.
pub(crate) fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let mut into = String::with_capacity(text.len());
    fold(text, &mut into);
    into
}

impl Take for String {
    fn take(&mut self, folded: char, _from: Range<usize>) {
        self.push(folded);
    }

    fn take_ascii(&mut self, ascii: &str, _at: usize) {
        let begins = self.len();
        self.push_str(ascii);
        if let Some(taken) = self.get_mut(begins..) {
            taken.make_ascii_lowercase();
        }
    }
}

impl Take for Vec<(char, Range<usize>)> {
    fn take(&mut self, folded: char, from: Range<usize>) {
        self.push((folded, from));
    }
}

/// NFKC makes the letters TM of a sign and so another word of the name before it.
fn without_mark_of_trade(c: char) -> char {
    if matches!(c, '\u{2120}' | '\u{2122}') { ' ' } else { c }
}

/// The bytes at the beginning that belong to the character before.
fn tail_length(rest: &str) -> usize {
    rest.chars().take_while(|&c| Character::of(c).joins()).map(char::len_utf8).sum()
}

/// Whether a character is of the cluster of the one before: marks, and what has no look of its own.
pub(crate) fn belongs_to_the_one_before(c: char) -> bool {
    !c.is_ascii() && (is_combining_mark(c) || is_invisible(c) || composes_backwards(c))
}

/// Half-width voice marks, and vowels and final consonants that make syllables of Hangul: composition joins them to what
/// is before.
fn composes_backwards(c: char) -> bool {
    matches!(c, '\u{1161}'..='\u{1175}' | '\u{11A8}'..='\u{11C2}' | '\u{FF9E}' | '\u{FF9F}')
}

/// Reads pictures held together by joiners, without their variations; returns how many bytes they take.
fn read_picture(rest: &str, into: &mut String) -> usize {
    let mut characters = rest.char_indices().peekable();
    let mut last = None;
    while let Some(&(at, c)) = characters.peek() {
        let joined = last == Some(JOINER);
        let goes_on = match last {
            None => true,
            Some(before) if is_regional_indicator(before) && is_regional_indicator(c) => into.chars().count() == 1,
            Some(_) => !is_symbol(c) || joined,
        };
        if !goes_on {
            return at;
        }
        if is_symbol(c) {
            into.extend(joined.then_some(JOINER));
            into.push(c);
            last = Some(c);
        } else if c == JOINER {
            last = Some(JOINER);
        } else if is_tag(c) {
            into.push(c);
        } else if !(is_invisible(c) || is_skin_tone(c) || is_accent(c)) {
            return at;
        }
        characters.next();
    }
    rest.len()
}

/// Full case folding: upper case, so that `ß` and `SS` meet, between two times lower case.
fn lower(c: char) -> impl Iterator<Item = char> {
    let (ascii, other) = if c.is_ascii() { (Some(c.to_ascii_lowercase()), None) } else { (None, Some(c)) };
    let folded =
        other.into_iter().flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    ascii.into_iter().chain(folded)
}

/// Letters that no decomposition leads to their plain form, and the Arabic letters that keyboards confuse.
fn variant(c: char) -> impl Iterator<Item = char> {
    let (first, second) = match c {
        'æ' => ('a', Some('e')),
        'œ' => ('o', Some('e')),
        'þ' => ('t', Some('h')),
        'đ' | 'ð' => ('d', None),
        'ħ' => ('h', None),
        'ł' => ('l', None),
        'ø' => ('o', None),
        'ŧ' => ('t', None),
        'ى' | 'ی' => ('ي', None),
        'ک' => ('ك', None),
        'ٱ' => ('ا', None),
        other => (other, None),
    };
    once(first).chain(second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_ascii_only_the_case_is_folded() {
        for pair in (0..=127_u8).flat_map(|one| (0..=127_u8).map(move |other| [one, other])) {
            let text = str::from_utf8(&pair).unwrap();
            let mut into = String::new();
            fold(text, &mut into);
            assert_eq!(into, text.to_ascii_lowercase());
            let by_character: String = text.chars().flat_map(lower).collect();
            assert_eq!(by_character, text.to_ascii_lowercase());
        }
    }

    #[test]
    fn what_people_do_not_tell_apart_is_the_same() {
        for (text, expected) in [
            ("Straße STRASSE ẞ", "strasse strasse ss"),
            ("İstanbul ISTANBUL ıi", "istanbul istanbul ii"),
            ("ΟΔΥΣΣΕΎΣ Οδυσσεύς", "οδυσσευσ οδυσσευσ"),
            ("café cafe\u{301} CAFÉ naïve", "cafe cafe cafe naive"),
            ("Đường đường DUONG", "duong duong duong"),
            ("Ёлка ёлка", "елка елка"),
            ("Ørsted Łódź œuvre Æsir", "orsted lodz oeuvre aesir"),
            ("ＡＢＣ１２３", "abc123"),
            ("ｶﾞｷﾞﾊﾟ ガギパ ｻｰﾋﾞｽ", "ガギパ ガギパ サービス"),
            ("漢字 汉字 臺灣", "汉字 汉字 台湾"),
            ("شُكْراً شكرا مـــرحبا", "شكرا شكرا مرحبا"),
            ("کتابی كتابي", "كتابي كتابي"),
            ("שָׁלוֹם שלום", "שלום שלום"),
            ("हिन्दी क़लम", "हिन्दी क\u{93C}लम"),
            ("น้ำ", "น้\u{E4D}า"),
            ("น\u{E4D}\u{E49}า ນ້ຳ ນ\u{ECD}\u{EC9}າ", "น้\u{E4D}า ນ້\u{ECD}າ ນ້\u{ECD}າ"),
            ("ٱلسلام السلام", "السلام السلام"),
            ("한글 \u{1112}\u{1161}\u{11AB}글 ㅋㅋ", "한글 한글 ㅋㅋ"),
            ("감사ㄳ합니다 ㅋㅋㅠㅠ ﾡﾢㅏￂ", "감사ㄳ합니다 ㅋㅋㅠㅠ ㄱㄲㅏㅏ"),
            ("\u{110F}\u{110F}\u{1172}\u{1172}\u{11AA} ㉠ ㈎", "ㅋ큐ㅠㄳ ㄱ (가)"),
            ("ﬁn ½ ㎏", "fin 1⁄2 kg"),
            ("Annals™H₂O x²", "annals h2o x2"),
            ("soft\u{AD}hyphen no\u{200C}join x\u{FEFF}y", "softhyphen nojoin xy"),
            ("zero\u{200B}width ภาษา\u{200B}ไทย", "zero width ภาษาไทย"),
            ("❤️ ❤ 👍🏽 👩🏽\u{200D}🔧 🇳🇴🇸🇪 1️⃣", "❤ ❤ 👍 👩\u{200D}🔧 🇳🇴🇸🇪 1"),
        ] {
            assert_eq!(folded(text), expected, "{text}");
            assert_eq!(folded(expected), expected, "again: {expected}");
        }
    }

    #[test]
    fn every_folded_character_knows_its_bytes() {
        let text = "e\u{301}ﬁ👨\u{200D}👩\u{200D}👧ｶﾞ漢";
        let mut into = Vec::new();
        fold(text, &mut into);
        let shown: Vec<_> = into.into_iter().map(|(c, bytes)| (c, text.get(bytes).unwrap())).collect();
        let family = "👨\u{200D}👩\u{200D}👧";
        let expected = [('e', "e\u{301}"), ('f', "ﬁ"), ('i', "ﬁ"), ('👨', family), (JOINER, family), ('👩', family)];
        assert_eq!(shown.get(..6).unwrap(), expected);
        assert_eq!(shown.get(8..).unwrap(), [('ガ', "ｶﾞ"), ('汉', "漢")]);
    }

    #[test]
    fn a_spelling_keeps_what_folding_takes_away() {
        for (word, spelled) in [
            ("CAFÉ", "café"),
            ("cafe\u{301}", "café"),
            ("Łódź", "łódź"),
            ("شُكْراً", "شُكْراً"),
            ("plain", "plain"),
            ("ＡＢＣ", "abc"),
            ("漢字", "汉字"),
        ] {
            assert_eq!(spelling(word), spelled, "{word}");
            assert_eq!(
                folded(word) == spelled,
                !"CAFÉ cafe\u{301} Łódź شُكْراً".split(' ').any(|accented| accented == word)
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn a_spelling_is_the_one_by_all_the_rules(word in "[a-zÀ-ỹΆ-ώА-ӿא-ת\u{5b0}-\u{5c7}ؠ-ٟअ-ॿァ-ヾｦ-ﾟ가-힣ㄱ-ㅣ\u{1100}-\u{11FF}ก-๎漢-瀚\u{F900}-\u{FAD9}\u{300}-\u{36F}\u{3099}\u{200B}-\u{200D}ﬀ-ﬆ]{0,8}") {
            proptest::prop_assert_eq!(spelling(&word), composed_spelling(&word));
        }

        #[test]
        fn the_short_ways_fold_as_the_long_one(text in "[a-zA-Z0-9 #.@À-ỹא-ת\u{5b0}-\u{5c7}अ-ॿァ-ヾｦ-ﾟ가-힣\u{1100}-\u{11FF}ก-๎漢-瀚\u{300}-\u{36F}\u{200B}-\u{200D}\u{FE0F}\u{20E3}👍👩🔧🏽🇳🇴™]{0,12}") {
            let mut expected = Vec::new();
            let mut folding = Folding { into: &mut expected, last: ' ', scratch: String::new() };
            let mut at = 0;
            while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
                at += folding.cluster(rest, at);
            }
            let mut found = Vec::new();
            fold(&text, &mut found);
            proptest::prop_assert_eq!(found, expected);
        }

        #[test]
        fn folding_a_folded_text_changes_nothing(text: String) {
            let once = folded(&text);
            proptest::prop_assert_eq!(folded(&once), once);
        }

        #[test]
        fn every_normalisation_folds_to_the_same(text in "[a-zà-ÿА-ёא-תァ-ヾｦ-ﾟ가-힣\u{1100}-\u{11FF}ก-๎अ-्ঀ-৾က-၏ក-៓漢-瀚\u{300}-\u{36F}\u{3099} ]{0,12}") {
            let compatible: String = text.nfkc().collect();
            proptest::prop_assert_eq!(folded(&compatible), folded(&text));
        }

        /// So that any piece of it is found.
        #[test]
        fn korean_as_it_is_typed_folds_piece_by_piece(one in "[가-힣ㄱ-ㆎﾡ-ￜ a]{0,6}", other in "[가-힣ㄱ-ㆎﾡ-ￜ a]{0,6}") {
            proptest::prop_assert_eq!(folded(&format!("{one}{other}")), folded(&one) + &folded(&other));
        }

        /// NFKC itself would make syllables of letters that stand alone.
        #[test]
        fn every_canonical_normalisation_folds_to_the_same(text in "[a-zà-ÿА-ёא-תァ-ヾｦ-ﾟ가-힣ㄱ-ㆎ\u{FFA0}-\u{FFDC}\u{1100}-\u{11FF}ก-๎अ-्漢-瀚\u{300}-\u{36F}\u{3099} ]{0,12}") {
            let composed: String = text.nfc().collect();
            let decomposed: String = text.nfd().collect();
            let expected = folded(&text);
            proptest::prop_assert_eq!(folded(&composed), &*expected);
            proptest::prop_assert_eq!(folded(&decomposed), expected);
        }
    }
}

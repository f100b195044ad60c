//! What a folded character is to the tokeniser.

use unicode_normalization::char::is_combining_mark;

/// The part a folded character plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Of a script that writes no spaces between words, or (Hangul) none that a search could rely on: indexed by pairs.
    Dense,
    /// A letter, mark or digit of any other script: indexed by words.
    Word,
    /// A picture: a token of its own.
    Symbol,
    /// All else.
    Separator,
}

/// Zero width joiner, which holds a family of pictures together.
pub(crate) const JOINER: char = '\u{200D}';

/// Works the class of a character out; [`crate::characters::class`] looks it up.
pub(crate) fn class_of(c: char) -> Class {
    if is_symbol(c) {
        return Class::Symbol;
    }
    if !(c.is_alphanumeric() || is_combining_mark(c)) {
        return Class::Separator;
    }
    if is_dense_block(c) { Class::Dense } else { Class::Word }
}

/// Han, Kana, Bopomofo, Hangul, Yi, and the scripts of South East Asia that run words together.
fn is_dense_block(c: char) -> bool {
    matches!(c,
        '\u{0E00}'..='\u{0EFF}'       // Thai, Lao
        | '\u{1000}'..='\u{109F}'     // Myanmar
        | '\u{1100}'..='\u{11FF}'     // Hangul Jamo
        | '\u{1780}'..='\u{17FF}'     // Khmer
        | '\u{1950}'..='\u{19FF}'     // Tai Le, New Tai Lue, Khmer symbols
        | '\u{1A20}'..='\u{1AAF}'     // Tai Tham
        | '\u{2E80}'..='\u{2FDF}'     // Han radicals
        | '\u{3005}'..='\u{3007}'     // iteration mark, closing mark, zero
        | '\u{3021}'..='\u{302F}'     // Hangzhou numerals, tone marks
        | '\u{3031}'..='\u{303C}'     // Kana repeat marks, more numerals
        | '\u{3040}'..='\u{31BF}'     // Hiragana, Katakana, Bopomofo, Hangul compatibility jamo
        | '\u{31F0}'..='\u{31FF}'     // Katakana extensions
        | '\u{3400}'..='\u{4DBF}'     // Han extension A
        | '\u{4E00}'..='\u{A4CF}'     // Han, Yi
        | '\u{A960}'..='\u{A97F}'     // Hangul Jamo extended A
        | '\u{A980}'..='\u{A9FF}'     // Javanese, Myanmar extended B
        | '\u{AA60}'..='\u{AADF}'     // Myanmar extended A, Tai Viet
        | '\u{AC00}'..='\u{D7FF}'     // Hangul, Jamo extended B
        | '\u{F900}'..='\u{FAFF}'     // Han compatibility forms
        | '\u{1AFF0}'..='\u{1B16F}'   // Kana supplement and extensions
        | '\u{20000}'..='\u{3FFFF}') // Han extensions B and up
}

/// Pictures: emoji and the signs that people use as such. Enclosed letters and mathematics are left to NFKC and to the
/// separators, and so are `©`, `®`, `™`, `#` and `*`, which stand in names and between words more often than they are seen as
/// emoji: a phrase goes through them.
pub(crate) fn is_symbol(c: char) -> bool {
    matches!(c,
        '\u{203C}' | '\u{2049}'       // double marks
        | '\u{2190}'..='\u{21FF}'     // arrows
        | '\u{2300}'..='\u{2328}'
        | '\u{232B}'..='\u{23FF}'     // technical, without the angle brackets, which are punctuation
        | '\u{25A0}'..='\u{27BF}'     // geometric shapes, miscellaneous symbols, dingbats
        | '\u{2934}'..='\u{2935}'
        | '\u{2B00}'..='\u{2BFF}'
        | '\u{3030}' | '\u{303D}'
        | '\u{1F000}'..='\u{1F0FF}'   // tiles and cards
        | '\u{1F170}'..='\u{1F18F}'
        | '\u{1F191}'..='\u{1F1FF}'   // squared letters, regional indicators
        | '\u{1F300}'..='\u{1FAFF}')
        && !is_skin_tone(c)
}

pub(crate) fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1F3FB}'..='\u{1F3FF}')
}

/// Half a flag.
pub(crate) fn is_regional_indicator(c: char) -> bool {
    matches!(c, '\u{1F1E6}'..='\u{1F1FF}')
}

/// What spells the name of a region behind a black flag.
pub(crate) fn is_tag(c: char) -> bool {
    matches!(c, '\u{E0020}'..='\u{E007F}')
}

/// Characters without a look of their own: default ignorable code points, and the tatweel, which only stretches a word.
/// The zero width space is not among them: it says where a word ends.
pub(crate) fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{0640}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}'
        | '\u{200C}'..='\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
        | '\u{E0000}'..='\u{E0FFF}')
        || is_skin_tone(c)
}

/// Marks that a search looks past: accents of Latin, Greek and Cyrillic, vowel points of Hebrew, Arabic and Syriac.
/// The marks of Indic and South East Asian scripts and of Kana are letters in all but name and stay.
pub(crate) fn is_accent(c: char) -> bool {
    matches!(c,
        '\u{0300}'..='\u{036F}'
        | '\u{0483}'..='\u{0489}'
        | '\u{0591}'..='\u{05BD}' | '\u{05BF}' | '\u{05C1}' | '\u{05C2}' | '\u{05C4}' | '\u{05C5}' | '\u{05C7}'
        | '\u{0610}'..='\u{061A}'
        | '\u{064B}'..='\u{065F}'
        | '\u{0670}'
        | '\u{06D6}'..='\u{06DC}' | '\u{06DF}'..='\u{06E4}' | '\u{06E7}' | '\u{06E8}' | '\u{06EA}'..='\u{06ED}'
        | '\u{0711}' | '\u{0730}'..='\u{074A}'
        | '\u{0897}'..='\u{089F}' | '\u{08CA}'..='\u{08E1}' | '\u{08E3}'..='\u{08FF}'
        | '\u{1AB0}'..='\u{1AFF}'
        | '\u{1DC0}'..='\u{1DFF}'
        | '\u{20D0}'..='\u{20FF}'
        | '\u{2DE0}'..='\u{2DFF}'
        | '\u{A66F}'..='\u{A672}' | '\u{A674}'..='\u{A67D}' | '\u{A69E}' | '\u{A69F}'
        | '\u{FB1E}' | '\u{FE20}'..='\u{FE2F}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_has_its_class() {
        for (text, expected) in [
            ("aZ9éßжλאبहქ߀", Class::Word),
            ("東か゛カー한ㅋไก່ក្ខမ့㌔々〇ꀀㄅ", Class::Dense),
            ("👍→⛵✨🇳♀🅰‼⁉", Class::Symbol),
            (" .,!?_-/@:;'\"、。・「」\u{200B}។၊๛€+=|™©®#*", Class::Separator),
        ] {
            for c in text.chars().filter(|&c| c != '゛' && c != '㌔') {
                assert_eq!(class_of(c), expected, "{c:?}");
            }
        }
    }
}

//! What is shown as found, letter for letter: `[` and `]` stand around it.

use index::Query;

fn shown(query: &str, text: &str) -> String {
    let mut shown = text.to_owned();
    for range in Query::parse(query).unwrap().highlight(text).into_iter().rev() {
        shown.insert(range.end, ']');
        shown.insert(range.start, '[');
    }
    shown
}

#[test]
fn marks_fall_on_the_characters_that_were_found() {
    for (query, text, expected) in [
        // Chinese, in both kinds of characters, through punctuation and next to other scripts.
        ("潮汐", "码头的潮汐表：潮汐、潮水", "码头的[潮汐]表：[潮汐]、潮水"),
        ("碼頭", "新码头和舊碼頭", "新[码头]和舊[碼頭]"),
        ("潮", "潮汐潮水", "[潮]汐[潮]水"),
        ("\"更新，请\"", "已更新，请看", "已[更新]，[请]看"),
        ("第3号 -泊位", "去第3号泊位", "去[第3号]泊位"),
        // Japanese, half width with its voice marks.
        ("ガギ", "ｶﾞｷﾞとガギ", "[ｶﾞｷﾞ]と[ガギ]"),
        ("東京 タワー", "東京のﾀﾜｰ", "[東京]の[ﾀﾜｰ]"),
        // Korean: letters that stand alone are of no syllable.
        ("감사", "감사ㄳ합니다", "[감사]ㄳ합니다"),
        ("\"요.\"", "봐요ㅠㅠ 네요.", "봐[요]ㅠㅠ 네[요]."),
        ("ㅋㅋ", "ㅋㅋㅠㅠ \u{110F}\u{110F}", "[ㅋㅋ]ㅠㅠ [\u{110F}\u{110F}]"),
        // Thai: marks above and below belong to their letters.
        ("น้ำ", "น้ำขึ้น", "[น้ำ]ขึ้น"),
        ("ท่าเรือ", "ไปท่าเรือแล้ว", "ไป[ท่าเรือ]แล้ว"),
        // Arabic: points, stretching, marks of direction.
        ("مرحبا", "قال مَرْحَبًا ثم مـــرحبا", "قال [مَرْحَبًا] ثم [مـــرحبا]"),
        ("شكرا", "‏شُكْراً‏ لك", "‏[شُكْراً‏] لك"),
        // Hindi: vowel signs and the dot below.
        ("हिन्दी", "यह हिन्दी है", "यह [हिन्दी] है"),
        ("क़लम", "मेरी क़लम", "मेरी [क़लम]"),
        // Pictures: whole sequences, variation and skin with them.
        ("👩‍🔧", "ok👩🏽‍🔧ok", "ok[👩🏽‍🔧]ok"),
        ("👩", "👩‍👧 👩🏿 👨", "[👩‍👧] [👩🏿] 👨"),
        ("🇳🇴", "🇸🇪🇳🇴🇳🇴", "🇸🇪[🇳🇴🇳🇴]"),
        ("❤", "a❤️b", "a[❤️]b"),
        // Full width and compatibility forms.
        ("abc12", "ＡＢＣ１２ abc12", "[ＡＢＣ１２] [abc12]"),
        ("kg", "５㎏の米", "５㎏の米"),
        ("final", "the ﬁnal", "the [ﬁnal]"),
        // Combining marks, before and after composition.
        ("cafe", "cafe\u{301} café CAFÉ", "[cafe\u{301}] [café] [CAFÉ]"),
        ("strasse", "Straße", "[Straße]"),
        // Mentions and addresses.
        ("@mara", "hi @mara, mara", "hi [@mara], mara"),
        ("mara", "hi @mara", "hi @[mara]"),
        ("a_b", "x/a_b/a b", "x/[a]_[b]/[a] [b]"),
        // What may go on, is near, or is described.
        ("slip*", "slipway slip islip", "[slipway] [slip] islip"),
        ("slipwy~1", "Slipway slip", "[Slipway] slip"),
        ("/sl?ip.*/", "sipping slipway ship", "[sipping] [slipway] ship"),
        // Either is shown; what must not be there is not.
        ("slip OR way -ship", "slip way ship", "[slip] [way] ship"),
        ("from:slip type:txt", "slip", "slip"),
    ] {
        assert_eq!(shown(query, text), expected, "{query}");
    }
}

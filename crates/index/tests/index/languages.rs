//! Every script is found by whole words or by any substring, by index and scan alike, and shown at the right place.

use index::Query;

use crate::{ask, message, nine, open, rows, take_in};

/// A query, and the parts of the text that are to be shown as found; none when it must not find the text.
type Asked = (&'static str, &'static [&'static str]);

/// Texts, each with what is asked of it.
const TABLE: &[(&str, &[Asked])] = &[
    // English, with ids and addresses.
    (
        "Morning. Slipway three is free until noon, says teo-77.",
        &[
            ("slipway", &["Slipway"]),
            ("SLIPWAY noon", &["Slipway", "noon"]),
            ("\"three is free\"", &["three", "is", "free"]),
            ("\"free is three\"", &[]),
            ("slip", &[]),
            ("teo-77", &["teo", "77"]),
            ("77", &["77"]),
            ("\"morning slipway\"", &["Morning", "Slipway"]),
        ],
    ),
    (
        "see https://example.com/a_b?q=1 at 10:30",
        &[
            ("https://example.com/a_b", &["https", "example", "com", "a", "b"]),
            ("a_b", &["a", "b"]),
            ("10:30", &["10", "30"]),
            ("10:31", &[]),
        ],
    ),
    // Chinese: one, two and many characters; punctuation ends a run.
    (
        "码头的潮汐表已经更新，请在下午三点之前确认泊位。",
        &[
            ("潮", &["潮"]),
            ("位", &["位"]),
            ("潮汐", &["潮汐"]),
            ("潮汐表已经更新", &["潮汐表已经更新"]),
            ("更新请", &[]),
            ("\"更新，请\"", &["更新", "请"]),
            ("潮表", &[]),
            ("碼頭", &["码头"]),
            ("確認 下午", &["下午", "确认"]),
        ],
    ),
    (
        "第3号泊位的缆绳需要更换。If channel 4 is busy",
        &[
            ("第3号", &["第3号"]),
            ("3号", &["3号"]),
            ("\"更换 if\"", &["更换", "If"]),
            ("\"换 if\"", &["换", "If"]),
            ("\"更 if\"", &[]),
            ("\"需要更换 if channel\"", &["需要更换", "If", "channel"]),
        ],
    ),
    // Traditional Chinese.
    ("臺灣的碼頭開放參觀", &[("台湾", &["臺灣"]), ("開", &["開"]), ("开放参观", &["開放參觀"])]),
    // Japanese: Kanji, Kana, half-width Kana.
    (
        "東京タワーへ行きました。ﾎﾟｹｯﾄにｶﾞｷﾞ",
        &[
            ("東京", &["東京"]),
            ("タワー", &["タワー"]),
            ("へ行き", &["へ行き"]),
            ("ポケット", &["ﾎﾟｹｯﾄ"]),
            ("ガ", &["ｶﾞ"]),
            ("カ", &[]),
            ("ー", &["ー"]),
        ],
    ),
    // Korean: stems inside of words, conjoining jamo.
    (
        "부두에 배가 도착했습니다 ㅋㅋㅋ",
        &[
            ("부두", &["부두"]),
            ("도착", &["도착"]),
            ("배가", &["배가"]),
            ("\"배가 도착\"", &["배가", "도착"]),
            ("배도", &[]),
            ("\u{1107}\u{116E}\u{1103}\u{116E}", &["부두"]),
            ("ㅋㅋ", &["ㅋㅋㅋ"]),
        ],
    ),
    // Thai, Lao, Khmer, Burmese: no spaces between words.
    ("เรือมาถึงท่าแล้ว น้ำขึ้น", &[("เรือ", &["เรือ"]), ("ท่า", &["ท่า"]), ("น้ำ", &["น้ำ"]), ("ถึงท่า", &["ถึงท่า"])]),
    ("ເຮືອມາຮອດທ່າແລ້ວ", &[("ທ່າ", &["ທ່າ"]), ("ມາຮອດ", &["ມາຮອດ"])]),
    (
        "កប៉ាល់\u{200B}មកដល់\u{200B}កំពង់ផែ",
        &[("កប៉ាល់", &["កប៉ាល់"]), ("កំពង់ផែ", &["កំពង់ផែ"]), ("មកដល់កំពង់ផែ", &["មកដល់\u{200B}កំពង់ផែ"])],
    ),
    ("သင်္ဘောဆိပ်ကမ်းသို့ရောက်ပြီ", &[("သင်္ဘော", &["သင်္ဘော"]), ("ဆိပ်ကမ်း", &["ဆိပ်ကမ်း"])]),
    // Arabic and Persian: vowel points, tatweel, letters of other keyboards.
    (
        "مَرْحَبًا، وصلت السفينة إلى الرصيف ‏شُكْراً‏ مـــرحبا",
        &[("مرحبا", &["مَرْحَبًا", "مـــرحبا"]), ("شكرا", &["شُكْراً‏"]), ("السفينة الي", &["السفينة", "إلى"])],
    ),
    ("کتاب‌های دریایی", &[("كتابهاي", &["کتاب‌های"]), ("دریایی", &["دریایی"])]),
    // Hebrew with points.
    ("הַסְפִינָה Kestrel-05 עוגנת", &[("הספינה", &["הַסְפִינָה"]), ("kestrel", &["Kestrel"]), ("עוגנת", &["עוגנת"])]),
    // Hindi and Tamil: vowel signs are letters.
    ("जहाज़ बंदरगाह पर है", &[("बंदरगाह", &["बंदरगाह"]), ("बदरगह", &[]), ("जहाज\u{93C}", &["जहाज़"])]),
    ("கப்பல் வந்தது", &[("கப்பல்", &["கப்பல்"]), ("கபபல", &[])]),
    // Greek, German, Turkish, French, Polish, Vietnamese: case and accents.
    ("Το ΠΛΟΊΟ του Οδυσσέως έφτασε ΟΔΥΣΣΕΎΣ", &[("πλοιο", &["ΠΛΟΊΟ"]), ("οδυσσεύς", &["ΟΔΥΣΣΕΎΣ"])]),
    (
        "Die STRASSE zum Fluß ist gesperrt, größer",
        &[("straße", &["STRASSE"]), ("fluss", &["Fluß"]), ("grosser", &["größer"])],
    ),
    ("İSTANBUL'da ıslak", &[("istanbul", &["İSTANBUL"]), ("ISTANBUL", &["İSTANBUL"]), ("ISLAK", &["ıslak"])]),
    ("L’été à l'œuvre, naïve cafe\u{301}", &[("été", &["été"]), ("oeuvre", &["œuvre"]), ("CAFÉ", &["cafe\u{301}"])]),
    ("Żółw w Łodzi", &[("zolw lodzi", &["Żółw", "Łodzi"])]),
    ("Tàu đã cập bến số Mười", &[("tau", &["Tàu"]), ("ĐÃ", &["đã"]), ("muoi", &["Mười"])]),
    // Russian, Georgian, Armenian, Amharic.
    ("Ёлка у причала", &[("елка", &["Ёлка"]), ("ПРИЧАЛА", &["причала"])]),
    ("გემი ნავსადგურშია Նավը մերկայացավ መርከቡ ደረሰ", &[("გემი", &["გემი"]), ("ՆԱՎԸ", &["Նավը"]), ("ደረሰ", &["ደረሰ"])]),
    // Full width, ligatures.
    (
        "full-width ＡＢＣ１２３, ﬁnal",
        &[("abc123", &["ＡＢＣ１２３"]), ("final", &["ﬁnal"]), ("ａｂｃ１２３", &["ＡＢＣ１２３"])],
    ),
    // Pictures: families whole, skin and variation folded, flags whole, next to letters.
    (
        "Crew is back 👩🏽‍🔧👨‍👩‍👧‍👦🇳🇴 — 10/10 ⛵️✨ok",
        &[
            ("👩‍🔧", &["👩🏽‍🔧"]),
            ("👨‍👩‍👧‍👦", &["👨‍👩‍👧‍👦"]),
            ("👩", &["👩🏽‍🔧"]),
            ("👧", &[]),
            ("🇳🇴", &["🇳🇴"]),
            ("⛵", &["⛵️"]),
            ("\"⛵✨ok\"", &["⛵️✨ok"]),
            ("ok", &["ok"]),
        ],
    ),
];

#[test]
fn every_language_is_found_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let messages: Vec<_> = (1..).zip(TABLE).map(|(line, (text, _))| message(nine(), line, text)).collect();
    take_in(&catalogue, nine(), "v", &messages);
    for (message, (text, queries)) in messages.iter().zip(TABLE) {
        for (text_of_query, shown) in *queries {
            let query = Query::parse(text_of_query).unwrap();
            let found = rows(&catalogue.search(&ask(text_of_query)).unwrap());
            let is_found = found.contains(&format!("09/{}", message.position.line));
            assert_eq!(is_found, !shown.is_empty(), "index: {text_of_query} in {text}");
            assert_eq!(query.matches(message), !shown.is_empty(), "scan: {text_of_query} in {text}");
            let highlighted: Vec<_> = query.highlight(text).into_iter().map(|range| text.get(range).unwrap()).collect();
            // Of a query that does not match as a whole, words that occur are shown all the same.
            if !shown.is_empty() {
                assert_eq!(highlighted, *shown, "shown: {text_of_query} in {text}");
            }
        }
    }
}

#[test]
fn a_blob_longer_than_the_engine_takes_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let blob = "x1y2".repeat(40_000);
    take_in(&catalogue, nine(), "v", &[message(nine(), 1, &format!("before {blob} after"))]);
    assert_eq!(catalogue.search(&ask("after before")).unwrap().total, 1);
    let beginning = blob.get(..255).unwrap();
    assert_eq!(catalogue.search(&ask(beginning)).unwrap().total, 1);
}

//! Queries and what they are read as, mistakes and what is said of them.

use chat::parse_time;

use super::super::{Phrase, Span, Whole};
use super::*;
use crate::columns::Column;

fn is(column: Column, value: &str) -> Node {
    Node::Is(column, Whole::Exact(value.to_owned()))
}

fn starts(column: Column, value: &str) -> Node {
    Node::Is(column, Whole::Starts(value.to_owned()))
}

fn phrase(text: &str) -> Node {
    Node::Words(Place::Text, Phrase::of(text).unwrap())
}

fn prefix(text: &str) -> Node {
    Node::Words(Place::Text, Phrase::starting(text).unwrap())
}

fn file(text: &str) -> Node {
    Node::Words(Place::File, Phrase::of(text).unwrap())
}

fn not(node: Node) -> Node {
    Node::Not(Box::new(node))
}

fn like(text: &str) -> Node {
    Node::Like(Pattern::regex(text.to_owned()).unwrap())
}

fn near(word: &str, distance: u8) -> Node {
    Node::Like(Pattern::fuzzy(word, distance).unwrap())
}

fn sent(since: Option<&str>, until: Option<&str>) -> Node {
    let at = |text: &str| parse_time(text).unwrap().timestamp_micros();
    Node::Sent(Span { since: since.map(at), until: until.map(at) })
}

fn all(nodes: &[Node]) -> Node {
    Node::All(nodes.to_vec())
}

fn any(nodes: &[Node]) -> Node {
    Node::Any(nodes.to_vec())
}

#[track_caller]
fn check(rows: &[(&str, Node)]) {
    let now = parse_time("2026-03-14T09:30").ok();
    for (text, node) in rows {
        assert_eq!(parse(text, now).as_ref(), Ok(node), "{text}");
    }
}

#[test]
fn words_and_phrases_must_all_be_there() {
    check(&[
        ("", all(&[])),
        (" \t ", all(&[])),
        ("tide gauge", all(&[phrase("tide"), phrase("gauge")])),
        ("\"tide gauge\"", phrase("tide gauge")),
        ("“tide gauge”  x", all(&[phrase("tide gauge"), phrase("x")])),
        (r#""say \"hi\"""#, phrase("say hi")),
        (
            "http://x 10:30 note: re:x a:b",
            all(&[phrase("http x"), phrase("10 30"), phrase("note"), phrase("re x"), phrase("a b")]),
        ),
        ("tide — !", phrase("tide")),
        ("5\" 你好。\"好 的\"", all(&[phrase("5"), phrase("你好 好"), phrase("的")])),
        ("tide AND gauge", all(&[phrase("tide"), phrase("gauge")])),
        ("what:x even:y file://z", all(&[phrase("what x"), phrase("even y"), phrase("file z")])),
        ("alter:x events:y since: z", all(&[phrase("alter x"), phrase("events y"), phrase("since"), phrase("z")])),
        ("会议：下午 form：x", all(&[phrase("会议 下午"), phrase("form x")])),
    ]);
}

#[test]
fn or_binds_less_than_and_and_not_most() {
    let [a, b, c] = ["a", "b", "c"].map(|word| move || phrase(word));
    check(&[
        ("a OR b", any(&[a(), b()])),
        ("a b OR c", any(&[all(&[a(), b()]), c()])),
        ("a (b OR c)", all(&[a(), any(&[b(), c()])])),
        ("a AND b OR NOT c", any(&[all(&[a(), b()]), not(c())])),
        ("-a", not(a())),
        ("a -b", all(&[a(), not(b())])),
        ("a NOT b", all(&[a(), not(b())])),
        ("-(a OR b) c", all(&[not(any(&[a(), b()])), c()])),
        ("NOT(a b)", not(all(&[a(), b()]))),
        ("NOT -a", not(not(a()))),
        ("-\"a b\"", not(phrase("a b"))),
        ("((a))", a()),
        ("a(b OR c)", all(&[a(), any(&[b(), c()])])),
        ("a(b AND(c)) b", all(&[a(), all(&[b(), c()]), b()])),
        ("a(b(NOT c))", all(&[a(), all(&[b(), not(c())])])),
        ("a(b(type:(txt)))", all(&[a(), all(&[b(), is(Column::Type, "txt")])])),
        ("a(type:txt)", all(&[a(), is(Column::Type, "txt")])),
        ("a(b -from:x)", all(&[a(), all(&[b(), not(is(Column::From, "x"))])])),
        ("from:a(b OR c)", all(&[is(Column::From, "a"), any(&[b(), c()])])),
        ("(a OR b)c", all(&[any(&[a(), b()]), c()])),
        ("(a)(b)", all(&[a(), b()])),
        (":(a OR b)", any(&[a(), b()])),
        ("a () b", all(&[a(), b()])),
    ]);
}

/// What was a word before there were operators still is one, where no operator can stand.
#[test]
fn what_can_only_be_a_word_is_one() {
    check(&[
        ("OR", phrase("or")),
        ("tide OR", all(&[phrase("tide"), phrase("or")])),
        ("AND tide", all(&[phrase("and"), phrase("tide")])),
        ("(tide NOT)", all(&[phrase("tide"), phrase("not")])),
        ("or tide", all(&[phrase("or"), phrase("tide")])),
        ("tide - gauge", all(&[phrase("tide"), phrase("gauge")])),
        ("--limit", phrase("limit")),
        ("-> x", phrase("x")),
        ("hi :) ;-)", phrase("hi")),
        ("hi :(", phrase("hi")),
        ("1) x", all(&[phrase("1"), phrase("x")])),
        ("f(x y)", all(&[phrase("f x"), phrase("y")])),
        ("tide(s)", phrase("tide s")),
        ("10~20 好的~ 5~", all(&[phrase("10 20"), phrase("好的"), phrase("5")])),
        ("好的~ ok~ 哈哈~* 3月1~5 98~102 ~5 a~b ~", {
            let texts = ["好的", "ok", "哈哈", "3月1 5", "98 102", "5", "a b"];
            all(&texts.map(phrase))
        }),
        (
            "max(a,b) f(x) (x)y hi:( x",
            all(&[phrase("max a b"), phrase("f x"), phrase("x"), phrase("y"), phrase("hi"), phrase("x")]),
        ),
        (
            "see(fig. 2) note:(tide) f(to: x)",
            all(&[phrase("see fig"), phrase("2"), phrase("note tide"), phrase("f to"), phrase("x")]),
        ),
        ("15\" 5'10\" 15” =\"", all(&[phrase("15"), phrase("5 10"), phrase("15")])),
        ("say\"a b\" x note:“a b”", all(&[phrase("say a"), phrase("b"), phrase("x"), phrase("note a"), phrase("b")])),
        ("/usr/bin/ /usr", all(&[phrase("usr bin"), phrase("usr")])),
        ("*.pdf", phrase("pdf")),
        ("a*b", phrase("a b")),
    ]);
}

#[test]
fn words_may_go_on_or_be_near_or_be_described() {
    check(&[
        ("har*", prefix("har")),
        ("\"tide ga\"*", prefix("tide ga")),
        ("(har*)", prefix("har")),
        ("潮汐*", phrase("潮汐")),
        ("harbour~1", near("harbour", 1)),
        ("Harbour~2", near("harbour", 2)),
        ("harbour~", near("harbour", 1)),
        ("\"Harbour\"~1 x", all(&[near("harbour", 1), phrase("x")])),
        ("(\"harbour\"~)", near("harbour", 1)),
        ("192~1 a7~2", all(&[near("192", 1), near("a7", 2)])),
        ("\"好的\"~ x", all(&[phrase("好的"), phrase("x")])),
        ("/colou?r/", like("colou?r")),
        ("(/a(b|C)/ x)", all(&[like("a(b|c)"), phrase("x")])),
    ]);
}

#[test]
fn fields_have_values() {
    use Column::{Facts, From, In, To, Type};
    check(&[
        ("from:Mara_Voss", is(From, "mara_voss")),
        ("FROM:\"odd name\" tide", all(&[is(From, "odd name"), phrase("tide")])),
        ("to:a:b", is(To, "a:b")),
        ("in:231904417783810", is(In, "231904417783810")),
        ("in:chat:b:a type:IMG", all(&[is(In, "chat:a:b"), is(Type, "img")])),
        ("with:mara", any(&[is(From, "mara"), is(To, "mara")])),
        ("from:m*", starts(From, "m")),
        ("from:\"m*\"", is(From, "m*")),
        ("from:(mara OR teo)", any(&[is(From, "mara"), is(From, "teo")])),
        ("from:(mara -te*)", all(&[is(From, "mara"), not(starts(From, "te"))])),
        ("-type:img", not(is(Type, "img"))),
        ("type:voice type:location", all(&[is(Type, "audio"), is(Type, "loc")])),
        ("chat:group chat:chatroom", all(&[is(Facts, "chat=groupchat"), is(Facts, "chat=chatroom")])),
        ("has:attachment", is(Facts, "has=attachment")),
        ("event:Recall", is(Facts, "event=recall")),
        ("ext.Order.State:Paid", is(Facts, "ext.order.state=paid")),
        ("ext.kind:\"é x\"", is(Facts, "ext.kind=e x")),
        ("ext.kind:*", starts(Facts, "ext.kind=")),
        ("custom:gift_1 custom.size:16", all(&[is(Facts, "custom=gift_1"), is(Facts, "custom.size=16")])),
        ("file:Report", file("report")),
        ("file:\"*.pdf\"", file("pdf")),
        ("file:rep*", starts(Facts, "file=rep")),
        ("file:*.PDF", Node::Is(Facts, Whole::Like(Pattern::wildcards("file=", "*.pdf").unwrap()))),
        ("file:?.pdf", Node::Is(Facts, Whole::Like(Pattern::wildcards("file=", "?.pdf").unwrap()))),
    ]);
}

/// A keyboard for Chinese types them.
#[test]
fn signs_of_full_width_mean_the_same() {
    use Column::From;
    check(&[
        ("from：mara_voss", is(From, "mara_voss")),
        ("from：(mara OR teo)", any(&[is(From, "mara"), is(From, "teo")])),
        ("tide －the", all(&[phrase("tide"), not(phrase("the"))])),
        ("－from：＂odd name＂", not(is(From, "odd name"))),
        ("＂the server＂", phrase("the server")),
        ("＂the ser＂*", prefix("the ser")),
        ("tide － gauge －－limit", all(&[phrase("tide"), phrase("gauge"), phrase("limit")])),
        ("（tide OR ebb） gauge", all(&[any(&[phrase("tide"), phrase("ebb")]), phrase("gauge")])),
        ("－（tide OR ebb)", not(any(&[phrase("tide"), phrase("ebb")]))),
        ("from：（mara OR teo）", any(&[is(From, "mara"), is(From, "teo")])),
        ("tide（ebb OR gauge）", all(&[phrase("tide"), any(&[phrase("ebb"), phrase("gauge")])])),
        ("（NOT（tide））", not(phrase("tide"))),
        ("通知（重要）", phrase("通知（重要）")),
        ("har＊", prefix("har")),
        ("＂the ser＂＊", prefix("the ser")),
    ]);
    for (typed, same) in [
        ("slipwy～1", "slipwy~1"),
        ("“slipwy”～1", "“slipwy”~1"),
        ("from:m＊", "from:m*"),
        ("file:note？.amr", "file:note?.amr"),
        ("好的～", "好的~"),
    ] {
        assert_eq!(parse(typed, None).unwrap().to_string(), parse(same, None).unwrap().to_string(), "{typed}");
    }
}

#[test]
fn names_of_attributes_may_stand_in_quotes() {
    for (typed, same) in [
        (r#"ext."seq":17"#, "ext.seq:17"),
        (r#"ext."a.b":x"#, "ext.a.b:x"),
        (r#"ext.order."state":（paid OR open）"#, "ext.order.state:(paid OR open)"),
    ] {
        assert_eq!(parse(typed, None).unwrap().to_string(), parse(same, None).unwrap().to_string(), "{typed}");
    }
    for (typed, understood) in [
        (r#"ext."order id":7"#, r#"fact:"ext.order id=7""#),
        (r#"custom."a:b"."c (d)":"e f""#, r#"fact:"custom.a:b.c (d)=e f""#),
        (r#"ext."the \"id\" \ of":7"#, r#"fact:"ext.the \"id\" \\ of=7""#),
        (r#"ext."seq"#, r#""ext seq""#),
        (r#"ext. "seq:7""#, r#""ext" AND "seq 7""#),
    ] {
        assert_eq!(parse(typed, None).unwrap().to_string(), understood, "{typed}");
    }
}

#[test]
fn a_mistake_at_a_sign_of_full_width_is_shown_whole() {
    for query in ["（tide", "tide）ebb", "潮）", &"－（".repeat(70), "from：", "－－（"] {
        let Err(error) = parse(query, None) else { continue };
        assert!(query.get(error.at.clone()).is_some_and(|shown| !shown.is_empty()), "{query}: {error:?}");
    }
}

#[test]
fn times_are_half_open() {
    check(&[
        ("after:2026-03-14", sent(Some("2026-03-14"), None)),
        ("before:2026-03", sent(None, Some("2026-03-01"))),
        ("on:2026-03-14T09", sent(Some("2026-03-14T09"), Some("2026-03-14T10"))),
        ("after:36h", sent(Some("2026-03-12T21:30"), None)),
        ("on:7d", sent(Some("2026-03-07"), Some("2026-03-08"))),
        ("on:2026-03-14T09:30:03.212Z", sent(Some("2026-03-14T09:30:03.212Z"), Some("2026-03-14T09:30:03.213Z"))),
        ("on:2026-03-14T17:30:03.212345+08:00", {
            sent(Some("2026-03-14T09:30:03.212345Z"), Some("2026-03-14T09:30:03.212346Z"))
        }),
        ("on:yesterday", sent(Some("2026-03-13"), Some("2026-03-14"))),
        ("before:\"2026-03-14 09:30\"", sent(None, Some("2026-03-14T09:30"))),
    ]);
}

#[test]
fn a_mistake_is_shown_and_what_was_meant_is_offered() {
    let types = "txt, img, audio, video, file, loc, cmd, custom, combine, event, unknown";
    let forms = "write 2026-03-14, 2026-03, 2026-03-14T09, 2026-03-14T09:30:05+08:00, 36h, 7d, 2w, today or yesterday";
    let text = |text: &str| text.to_owned();
    let one_word = |slips, helps| format!("`{slips}` is for a single word of letters, as in `harbour{slips}`: {helps}");
    for (query, at, message, suggestion) in [
        (
            "gauge /tide ebb/",
            "/tide ebb/",
            text(
                "`/tide ebb/` describes no word, for no word has a space in it: describe one word, or put quotes around the text",
            ),
            None,
        ),
        (
            "from:mara_vos~1",
            "mara_vos~1",
            text("`mara_vos~1`: `~` is for words, not for the value of a field, where `*` stands for anything"),
            None,
        ),
        (
            "to:/mara.*/",
            "/mara.*/",
            text(
                "`/mara.*/`: a regular expression is for words, not for the value of a field, where `*` stands for anything",
            ),
            None,
        ),
        ("tide frm:mara", "frm:", text("there is no field `frm:`, did you mean `from:`?"), Some("from:")),
        ("form:mara", "form:", text("there is no field `form:`, did you mean `from:`?"), Some("from:")),
        ("sender:x", "sender:", text("there is no field `sender:`, did you mean `from:`?"), Some("from:")),
        ("body_type:x", "body_type:", text("there is no field `body_type:`, did you mean `type:`?"), Some("type:")),
        ("since:2026", "since:", text("there is no field `since:`, did you mean `after:`?"), Some("after:")),
        ("until:2026", "until:", text("there is no field `until:`, did you mean `before:`?"), Some("before:")),
        ("befor:2026", "befor:", text("there is no field `befor:`, did you mean `before:`?"), Some("before:")),
        ("afer:2026", "afer:", text("there is no field `afer:`, did you mean `after:`?"), Some("after:")),
        ("evnt:recall", "evnt:", text("there is no field `evnt:`, did you mean `event:`?"), Some("event:")),
        ("filename:x", "filename:", text("there is no field `filename:`, did you mean `file:`?"), Some("file:")),
        ("on:yesteday", "yesteday", text("`yesteday` is no time, did you mean `yesterday`?"), Some("yesterday")),
        ("from： mara", "from：", text("`from:` needs a value right after the colon"), None),
        ("＂tide", "＂tide", text("the quote is not closed: `＂` is missing"), Some("＂tide＂")),
        ("from: mara", "from:", text("`from:` needs a value right after the colon"), None),
        ("in:", "in:", text("`in:` needs a value right after the colon"), None),
        ("to:\"\"", "to:\"\"", text("`to:` needs a value right after the colon"), None),
        ("(from:)", "from:", text("`from:` needs a value right after the colon"), None),
        ("ext.key: x", "ext.key:", text("`ext.key:` needs a value right after the colon"), None),
        ("from:()", "from:()", text("`from:` needs a value right after the colon"), None),
        (
            "type:voce",
            "voce",
            format!("there is no type `voce`, did you mean `voice`? The types are {types}"),
            Some("voice"),
        ),
        ("type:sticker", "sticker", format!("there is no type `sticker`; the types are {types}"), None),
        (
            "chat:grup",
            "grup",
            text("there is no `chat:grup`, did you mean `group`? The kinds are chat, group, room, thread"),
            Some("group"),
        ),
        ("has:link", "link", text("there is no `has:link`; the words are attachment, location, thumbnail"), None),
        ("after:2026-3-4", "2026-3-4", text("`2026-3-4` is no time, did you mean `2026-03-04`?"), Some("2026-03-04")),
        ("on:noon", "noon", format!("`noon` is no time: {forms}"), None),
        (
            "你好 \"tide gauge ",
            "\"tide gauge ",
            text("the quote is not closed: `\"` is missing"),
            Some("\"tide gauge\""),
        ),
        ("x (a OR b ", "(", text("the parenthesis is not closed: `)` is missing"), Some("(a OR b)")),
        ("a(b OR c", "(", text("the parenthesis is not closed: `)` is missing"), Some("(b OR c)")),
        (
            "x note:(a OR b)",
            "note:",
            text("there is no field `note:`: put a space before the parenthesis, or the text in quotes"),
            None,
        ),
        ("slip way\"", "\"", text("the quote was not opened: `\"` is missing"), None),
        ("(slip way”)", "”", text("the quote was not opened: `“` is missing"), None),
        ("\"slip\" way\"*", "\"", text("the quote was not opened: `\"` is missing"), None),
        ("wth:mara", "wth:", text("there is no field `wth:`, did you mean `with:`?"), Some("with:")),
        ("too:mara", "too:", text("there is no field `too:`, did you mean `to:`?"), Some("to:")),
        ("chat_type:x", "chat_type:", text("there is no field `chat_type:`, did you mean `chat:`?"), Some("chat:")),
        ("exts.seq:1", "exts.seq:", text("there is no field `exts.seq:`, did you mean `ext.seq:`?"), Some("ext.seq:")),
        (
            "cutom.名:x",
            "cutom.名:",
            text("there is no field `cutom.名:`, did you mean `custom.名:`?"),
            Some("custom.名:"),
        ),
        (
            "chat:grp",
            "grp",
            text("there is no `chat:grp`, did you mean `group`? The kinds are chat, group, room, thread"),
            Some("group"),
        ),
        ("x 火锅~1", "~1", one_word("~1", "of a script without spaces any piece is found as it stands"), None),
        ("👍~1", "~1", one_word("~1", "leave it out, or put quotes around all"), None),
        ("@bob~2", "~2", one_word("~2", "leave it out, or put quotes around all"), None),
        ("foo_bar~1", "~1", one_word("~1", "leave it out, or put quotes around all"), None),
        ("teo-77~1", "~1", one_word("~1", "leave it out, or put quotes around all"), None),
        ("(\"the quick\"~1)", "~1", one_word("~1", "leave it out, or put quotes around all"), None),
        ("fo*~1", "~1", one_word("~1", "leave it out, or put quotes around all"), None),
        ("fox~1*", "~1*", text("a word is near or goes on, not both: write `fox~1` or `fox*`"), None),
        ("\"fox\"~1*", "~1*", text("a word is near or goes on, not both: write `fox~1` or `fox*`"), None),
        ("192~3", "~3", text("a word may be 2 slips away at the most, did you mean `192~2`?"), Some("~2")),
        (
            "/火锅/",
            "/火锅/",
            text(
                "`/火锅/` describes no word: of a script without spaces any piece is found as it stands, did you mean `火锅`?",
            ),
            Some("火锅"),
        ),
        (
            "/火.*/",
            "/火.*/",
            text("`/火.*/` describes no word: of a script without spaces any piece is found as it stands"),
            None,
        ),
        ("a OR b)", ")", text("the parenthesis was not opened: `(` is missing, or put the text in quotes"), None),
        ("harbour~3", "~3", text("a word may be 2 slips away at the most, did you mean `harbour~2`?"), Some("~2")),
        ("harbour~999", "~999", text("a word may be 2 slips away at the most, did you mean `harbour~2`?"), Some("~2")),
        ("/a(/", "/a(/", text("`/a(/` is no regular expression of a word: unclosed group"), None),
        ("file:—", "—", text("`—` has no letter, digit or picture to look for"), None),
        ("—", "—", text("`—` has no letter, digit or picture to look for"), None),
        ("\"\"", "\"\"", text("`\"\"` has no letter, digit or picture to look for"), None),
    ] {
        let error = parse(query, parse_time("2026-03-14").ok()).expect_err(query);
        assert_eq!(query.get(error.at.clone()), Some(at), "{query}");
        assert_eq!(error.message, message, "{query}");
        assert_eq!(error.suggestion.as_deref(), suggestion, "{query}");
    }
}

#[test]
fn a_query_has_a_length_and_a_depth() {
    let error = parse(&"é".repeat(LONGEST_QUERY), None).unwrap_err();
    assert_eq!(error.at, 0..2 * LONGEST_QUERY);
    for deep in ["(".repeat(LONGEST_QUERY), "NOT ".repeat(LONGEST_QUERY / 8) + "x", "-(".repeat(DEEPEST)] {
        assert!(parse(&deep, None).unwrap_err().message.contains("within one another"));
    }
    let deepest = format!("{}x{}", "(".repeat(DEEPEST), ")".repeat(DEEPEST));
    assert_eq!(parse(&deepest, None), Ok(phrase("x")));
}

proptest::proptest! {
    #[test]
    fn whatever_is_typed_is_read_or_the_place_of_the_mistake_is_on_characters(
        pieces in proptest::collection::vec(proptest::sample::select(&[
            "a", "潮", "é", "(", ")", "\"", "“", "”", "-", "NOT", "OR", "AND", " ", " ", "from:", "ext.k:", "on:", "/", "*", "~", "1",
            "\\", "file:", "?", "7d", "👩", "@", "type:", "img", "[",
            "：", "－", "＂", "since", "after：", "f(", "~1*", "exts.",
        ][..]), 0..16)
    ) {
        let text = pieces.concat();
        if let Err(error) = parse(&text, parse_time("2026-03-14").ok()) {
            proptest::prop_assert!(text.get(error.at.clone()).is_some_and(|at| !at.is_empty()), "{:?} in {:?}", error, text);
        }
    }
}

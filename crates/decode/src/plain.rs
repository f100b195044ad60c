//! The short way for plain messages.
//!
//! Nearly every line is an ordinary message: one body, nothing unknown, nothing written twice, every value in the form in
//! which its column would write it. Such a line is read here in one pass, without a tape, and its `rest` is null. The
//! order of keys and white space are free.
//!
//! It is here for speed alone. On the corpus of the benches, decoding a million messages took 1.45 CPU seconds before there
//! was a short way and 0.89 with it (commit 3b8c285, unpacked text; machine and method in `benches/README.md`).
//!
//! [`scan`] gives nothing for any other line, which then goes the general way: `json`, `record`, `meaning`, `rest`. What is
//! read here must be what would be read there, column for column; the property tests in `both_ways` compare the two. So
//! whatever needs a thought is left to the general way.

use std::borrow::Cow;

use chat::{BodyType, Message, Position, Timestamp, conversation_key};

use crate::json::{Scanner, Span, after_space, number, plain_end, string};
use crate::template::is_float;
use crate::text;

/// The objects of a plain message: the record, its payload, the array of bodies, the body, its size.
const DEPTH: usize = 5;
/// In milliseconds; below this a time counts seconds, above it no warehouse holds it.
const TIMES: std::ops::RangeInclusive<i64> = 100_000_000_000..=253_402_300_799_999;

/// A plain message by where its values lie.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Plain {
    texts: [Span; TEXTS],
    floats: [f64; FLOATS],
    sent_at: i64,
    file_length: i64,
    /// Which of them there are, as bits in the order of [`Place`].
    seen: u32,
    chat_type: &'static str,
    body_type: Option<BodyType>,
    /// Whether the text has escapes.
    escaped: bool,
}

/// A value of a plain message. Of JSON the text as written is kept, of strings what is between the quotes.
#[derive(Debug, Clone, Copy)]
enum Place {
    MsgId,
    From,
    To,
    Direction,
    Ext,
    PayloadFrom,
    PayloadTo,
    Msg,
    Url,
    Secret,
    Filename,
    Thumb,
    ThumbSecret,
    Addr,
    Action,
    CustomEvent,
    CustomExts,
    // Numbers.
    Length,
    Width,
    Height,
    Lat,
    Lng,
    FileLength,
    SentAt,
    // Words, and the objects that hold all this.
    ChatType,
    Type,
    Payload,
    Bodies,
    Size,
}

const TEXTS: usize = Place::CustomExts as usize + 1;
const FLOATS: usize = Place::Lng as usize + 1 - TEXTS;
const _: () = assert!((Place::Size as u32) < u32::BITS);

const fn bits(places: &[Place]) -> u32 {
    let mut bits = 0;
    let mut index = 0;
    while index < places.len() {
        bits |= 1 << places[index] as u32;
        index += 1;
    }
    bits
}

/// What every ordinary message has.
const NEEDED: u32 = bits(&[
    Place::MsgId,
    Place::SentAt,
    Place::ChatType,
    Place::From,
    Place::To,
    Place::Payload,
    Place::PayloadFrom,
    Place::PayloadTo,
    Place::Bodies,
    Place::Type,
]);
const ALLOWED: u32 = NEEDED | bits(&[Place::Direction, Place::Ext]);
const FILE: u32 = bits(&[Place::Url, Place::Secret, Place::Filename, Place::FileLength]);
const THUMB: u32 = bits(&[Place::Thumb, Place::ThumbSecret, Place::Size, Place::Width, Place::Height]);

/// What a body of this type may have; of others nothing.
const fn of_body(body_type: BodyType) -> u32 {
    match body_type {
        BodyType::Audio => FILE | bits(&[Place::Length]),
        BodyType::Cmd => bits(&[Place::Action]),
        BodyType::Custom => bits(&[Place::CustomEvent, Place::CustomExts]),
        BodyType::File => FILE,
        BodyType::Img => FILE | THUMB,
        BodyType::Loc => bits(&[Place::Addr, Place::Lat, Place::Lng]),
        BodyType::Txt => bits(&[Place::Msg]),
        BodyType::Video => FILE | THUMB | bits(&[Place::Length]),
        BodyType::Combine | BodyType::Event | BodyType::Unknown => 0,
    }
}

/// Reads the plain message that `text` begins with and says where it ends; nothing when it is not plain.
///
/// `text.len() <= u32::MAX`; it need not be UTF-8.
pub(crate) fn scan(text: &[u8], scanner: &mut Scanner) -> Option<(Plain, usize)> {
    if scanner.depth() < DEPTH {
        return None;
    }
    let mut reader = Reader { text, at: 0, scanner, plain: Plain::default() };
    reader.record()?;
    reader.plain.is_whole(text).then_some((reader.plain, reader.at))
}

/// Reads from left to right; `None` is for what is not plain, or not JSON, or not all there. What reads a member, be it a
/// leaf or an object, says which it was: [`Reader::object`] takes none twice.
struct Reader<'r> {
    text: &'r [u8],
    at: usize,
    scanner: &'r mut Scanner,
    plain: Plain,
}

impl<'r> Reader<'r> {
    fn record(&mut self) -> Option<()> {
        self.object(|reader, key| match key {
            b"msg_id" => reader.take(Place::MsgId),
            b"timestamp" => reader.time(),
            b"from" => reader.take(Place::From),
            b"to" => reader.take(Place::To),
            b"chat_type" => reader.chat_type(),
            b"direction" => reader.take(Place::Direction),
            b"payload" => reader.payload(),
            _ => None,
        })
    }

    fn payload(&mut self) -> Option<Place> {
        self.object(|reader, key| match key {
            b"bodies" => reader.bodies(),
            b"from" => reader.take(Place::PayloadFrom),
            b"to" => reader.take(Place::PayloadTo),
            b"ext" => reader.json(Place::Ext, 2),
            _ => None,
        })?;
        Some(Place::Payload)
    }

    /// An array of one body.
    fn bodies(&mut self) -> Option<Place> {
        self.byte(b'[')?;
        self.body()?;
        self.byte(b']')?;
        Some(Place::Bodies)
    }

    fn body(&mut self) -> Option<()> {
        self.object(|reader, key| match key {
            b"type" => reader.body_type(),
            b"msg" => reader.msg(),
            b"url" => reader.take(Place::Url),
            b"secret" => reader.take(Place::Secret),
            b"filename" => reader.take(Place::Filename),
            b"file_length" => reader.file_length(),
            b"length" => reader.number(Place::Length),
            b"size" => reader.size(),
            b"thumb" => reader.take(Place::Thumb),
            b"thumb_secret" => reader.take(Place::ThumbSecret),
            b"lat" => reader.number(Place::Lat),
            b"lng" => reader.number(Place::Lng),
            b"addr" => reader.take(Place::Addr),
            b"action" => reader.take(Place::Action),
            b"customEvent" => reader.take(Place::CustomEvent),
            b"customExts" => reader.json(Place::CustomExts, 4),
            _ => None,
        })
    }

    fn size(&mut self) -> Option<Place> {
        self.object(|reader, key| match key {
            b"height" => reader.number(Place::Height),
            b"width" => reader.number(Place::Width),
            _ => None,
        })?;
        Some(Place::Size)
    }

    /// An object with at least one member, each read by `member`, none of which was read before: here, or in another
    /// object of the same key.
    fn object(&mut self, member: impl Fn(&mut Self, &'r [u8]) -> Option<Place>) -> Option<()> {
        self.byte(b'{')?;
        loop {
            let key = self.string()?;
            let key = self.text.get(key.range())?;
            self.byte(b':')?;
            self.space();
            let place = member(self, key)?;
            self.see(place)?;
            self.space();
            match self.next()? {
                b',' => self.space(),
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// A string without escapes.
    fn take(&mut self, place: Place) -> Option<Place> {
        self.plain.texts[place as usize] = self.string()?;
        Some(place)
    }

    /// Notes that there is such a value; there must be no second one.
    fn see(&mut self, place: Place) -> Option<()> {
        let before = self.plain.seen;
        self.plain.seen |= bits(&[place]);
        (self.plain.seen != before).then_some(())
    }

    /// What was said, if need be with escapes, but none that a column cannot hold.
    fn msg(&mut self) -> Option<Place> {
        if self.text.get(self.at) != Some(&b'"') {
            return None;
        }
        let (end, escaped) = string(self.text, self.at).ok()?;
        let span = Span::new(self.at + 1, end - 1);
        self.at = end;
        self.plain.escaped = escaped;
        self.plain.texts[Place::Msg as usize] = span;
        let is_holdable = !escaped || !self.text.get(span.range())?.windows(6).any(is_unholdable);
        is_holdable.then_some(Place::Msg)
    }

    /// An object of which nothing but its end is of interest, so many levels down.
    fn json(&mut self, place: Place, level: usize) -> Option<Place> {
        if self.text.get(self.at) != Some(&b'{') {
            return None;
        }
        let start = self.at;
        self.at += match self.text.get(start + 1) {
            Some(b'}') => 2,
            _ => self.scanner.skip(self.text.get(start..)?, level)?,
        };
        self.plain.texts[place as usize] = Span::new(start, self.at);
        Some(place)
    }

    fn chat_type(&mut self) -> Option<Place> {
        let span = self.string()?;
        self.plain.chat_type = match self.text.get(span.range())? {
            b"chat" => "chat",
            b"groupchat" => "groupchat",
            b"chatroom" => "chatroom",
            _ => return None,
        };
        Some(Place::ChatType)
    }

    fn body_type(&mut self) -> Option<Place> {
        let span = self.string()?;
        self.plain.body_type = Some(match self.text.get(span.range())? {
            b"txt" => BodyType::Txt,
            b"img" => BodyType::Img,
            b"audio" => BodyType::Audio,
            b"video" => BodyType::Video,
            b"file" => BodyType::File,
            b"loc" => BodyType::Loc,
            b"cmd" => BodyType::Cmd,
            b"custom" => BodyType::Custom,
            _ => return None,
        });
        Some(Place::Type)
    }

    fn time(&mut self) -> Option<Place> {
        self.plain.sent_at = self.integer().filter(|time| TIMES.contains(time))?;
        Some(Place::SentAt)
    }

    fn file_length(&mut self) -> Option<Place> {
        self.plain.file_length = self.integer()?;
        Some(Place::FileLength)
    }

    /// A whole number that is not negative and has few digits.
    fn integer(&mut self) -> Option<i64> {
        let start = self.at;
        let mut number = 0;
        while let Some(digit @ b'0'..=b'9') = self.text.get(self.at) {
            number = number * 10 + i64::from(digit - b'0');
            self.at += 1;
            if self.at - start > 15 {
                return None;
            }
        }
        let is_canonical = self.at > start && (self.at == start + 1 || self.text[start] != b'0');
        // What follows a value is looked at by the caller: a fraction or an exponent is not plain.
        is_canonical.then_some(number)
    }

    /// A number that its column would write like this.
    fn number(&mut self, place: Place) -> Option<Place> {
        let digits = self.digits()?;
        let number = digits.parse().ok().filter(|number: &f64| number.is_finite() && is_float(digits, *number))?;
        self.plain.floats[place as usize - TEXTS] = number;
        Some(place)
    }

    fn digits(&mut self) -> Option<&'r str> {
        let end = matches!(self.text.get(self.at)?, b'-' | b'0'..=b'9').then(|| number(self.text, self.at).ok())??;
        let digits = self.text.get(self.at..end)?;
        self.at = end;
        std::str::from_utf8(digits).ok()
    }

    /// What is between the quotes of a string without escapes.
    #[inline]
    fn string(&mut self) -> Option<Span> {
        if self.text.get(self.at) != Some(&b'"') {
            return None;
        }
        let start = self.at + 1;
        let end = plain_end(self.text, start);
        self.at = end + 1;
        (self.text.get(end) == Some(&b'"')).then(|| Span::new(start, end))
    }

    /// This byte, with white space about it.
    fn byte(&mut self, expected: u8) -> Option<()> {
        self.space();
        let is_next = self.next()? == expected;
        self.space();
        is_next.then_some(())
    }

    fn next(&mut self) -> Option<u8> {
        let byte = *self.text.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn space(&mut self) {
        self.at = after_space(self.text, self.at);
    }
}

/// Whether an escape begins here that may stand for U+0000 or for half of a pair.
fn is_unholdable(window: &[u8]) -> bool {
    window == b"\\u0000" || matches!(window, [b'\\', b'u', b'd' | b'D', ..])
}

impl Plain {
    /// Whether all is there that an ordinary message has, nothing that another type of body has, and both addresses stand
    /// in both places without decoration.
    fn is_whole(&self, text: &[u8]) -> bool {
        let bytes = |place: Place| text.get(self.texts[place as usize].range()).unwrap_or_default();
        let has = |place: Place| self.seen & bits(&[place]) != 0;
        let is_address = |outer, inner| {
            let name = bytes(outer);
            !name.is_empty() && name == bytes(inner) && !name.iter().any(|byte| matches!(byte, b'@' | b'#'))
        };
        let Some(body_type) = self.body_type else { return false };
        self.seen & NEEDED == NEEDED
            && self.seen & !(ALLOWED | of_body(body_type)) == 0
            && !bytes(Place::MsgId).is_empty()
            && is_address(Place::From, Place::PayloadFrom)
            && is_address(Place::To, Place::PayloadTo)
            && [Place::Secret, Place::ThumbSecret].iter().all(|place| !has(*place) || !bytes(*place).is_empty())
    }

    /// The message whose record is `text`.
    pub(crate) fn message<'a>(&self, text: &'a str, position: Position) -> Message<'a> {
        let has = |place: Place| self.seen & bits(&[place]) != 0;
        let span = |place: Place| self.texts[place as usize].of(text);
        let column = |place: Place| has(place).then(|| Cow::Borrowed(span(place)));
        let number = |place: Place| has(place).then(|| self.floats[place as usize - TEXTS]);
        let (sender, recipient) = (span(Place::From), span(Place::To));
        Message {
            msg_id: column(Place::MsgId),
            sent_at: Timestamp::from_timestamp_millis(self.sent_at),
            chat_type: Some(Cow::Borrowed(self.chat_type)),
            sender: Some(Cow::Borrowed(sender)),
            recipient: Some(Cow::Borrowed(recipient)),
            conversation: conversation_key(self.chat_type, Some(sender), Some(recipient), false).map(Cow::Owned),
            direction: column(Place::Direction),
            body_type: self.body_type,
            text: if self.escaped { Some(text::unescaped(span(Place::Msg)).value) } else { column(Place::Msg) },
            filename: column(Place::Filename),
            file_length: has(Place::FileLength).then_some(self.file_length),
            duration_s: number(Place::Length),
            width: number(Place::Width),
            height: number(Place::Height),
            url: column(Place::Url),
            secret: column(Place::Secret),
            thumb_url: column(Place::Thumb),
            thumb_secret: column(Place::ThumbSecret),
            lat: number(Place::Lat),
            lng: number(Place::Lng),
            addr: column(Place::Addr),
            action: column(Place::Action),
            custom_event: column(Place::CustomEvent),
            custom_exts: column(Place::CustomExts),
            ext: column(Place::Ext),
            ..Message::at(position)
        }
    }
}

#[cfg(test)]
mod both_ways;

#[cfg(test)]
mod tests {
    use crate::fuzzing::both_ways;

    /// Reads a record both ways; whether it is plain.
    pub(super) fn check(record: &str) -> bool {
        both_ways(record.as_bytes())
    }

    fn envelope(body: &str) -> String {
        format!(
            r#"{{"msg_id":"7","timestamp":1773478800000,"direction":"outgoing","to":"teo","from":"mara","chat_type":"chat","payload":{{"bodies":[{{{body}}}],"ext":{{}},"from":"mara","to":"teo"}}}}"#
        )
    }

    pub(super) const PLAIN: [&str; 12] = [
        r#""type":"txt","msg":"hello""#,
        r#" "msg" : "a\n\"b\" \u4f60 \u0001" , "type" : "txt" "#,
        r#""type":"txt""#,
        r#""type":"img","file_length":5120,"filename":"a.png","secret":"s","size":{"height":480,"width":64.5},"url":"u""#,
        r#""type":"img","url":"u","thumb":"t","thumb_secret":"s","size":{"width":1}"#,
        r#""type":"audio","file_length":0,"filename":"a.amr","length":4,"secret":"s","url":"u""#,
        r#""type":"video","length":0.5,"size":{"height":1,"width":2},"thumb":"t","url":"u""#,
        r#""type":"file","file_length":999999999999999,"filename":"码头.zip","url":"""#,
        r#""type":"loc","addr":"","lat":-59.25,"lng":0"#,
        r#""type":"cmd","action":"run""#,
        r#""type":"custom","customEvent":"gift","customExts":{"a":{"b":[1,2]}}"#,
        r#""type":"custom""#,
    ];

    #[test]
    fn ordinary_messages_are_plain() {
        for body in PLAIN {
            assert!(check(&envelope(body)), "{body}");
            assert!(check(&format!("{}{{}}", envelope(body))), "what follows is of no interest: {body}");
        }
        let deep = format!(r#""type":"custom","customExts":{{"a":{}{}}}"#, "[".repeat(123), "]".repeat(123));
        assert!(check(&envelope(&deep)));
        assert!(!check(&envelope(&deep.replace("[]", "[[]]"))), "a level more is too deep");
    }

    #[test]
    fn whatever_needs_a_thought_is_not_plain() {
        for body in [
            r#""type":"txt","msg":"a\u0000""#,
            r#""type":"txt","msg":"\ud83d\udea2""#,
            r#""type":"txt","msg":5"#,
            r#""type":"txt","msg":"a","msg":"a""#,
            r#""type":"txt","msg":"a","x":1"#,
            r#""type":"txt","m\u0073g":"a""#,
            r#""type":"txt","url":"u""#,
            r#""msg":"a""#,
            r#""type":"voice""#,
            r#""type":"unknown""#,
            r#""type":"txt","subType":"sub_combine""#,
            r#""type":"img","secret":"""#,
            r#""type":"img","secret":null"#,
            r#""type":"img","size":{}"#,
            r#""type":"img","size":{"width":1.0}"#,
            r#""type":"img","size":null"#,
            r#""type":"img","size":[]"#,
            r#""type":"img","size":{"width":1,"width":1}"#,
            r#""type":"img","size":{"width":1},"size":{"width":1}"#,
            r#""type":"img","size":{"width":1},"size":{"height":2}"#,
            r#""type":"img","size":{"width":1},"url":"u","size":{}"#,
            r#""type":"img","size":{"width":1},"s\u0069ze":{"height":2}"#,
            r#""type":"img","size":{"width":1,"size":{"height":2}}"#,
            r#""type":"img","file_length":1.5"#,
            r#""type":"img","file_length":007"#,
            r#""type":"img","file_length":1e3"#,
            r#""type":"img","file_length":-1"#,
            r#""type":"img","file_length":9999999999999999"#,
            r#""type":"loc","lat":-0.0"#,
            r#""type":"loc","lat":1e2"#,
            r#""type":"custom","customExts":[]"#,
            r#""type":"custom","customExts":null"#,
            r#""type":"custom","customExts":{},"customExts":{}"#,
            r#""type":"custom","customExts":{"a":[}"#,
            r#""type":"txt","type":"txt""#,
            r#""type":"txt"},{"type":"txt""#,
            r#""type":"txt"},{"msg":"a""#,
            r#""type":"txt"},{"#,
            r#""type":"txt"},null,{"#,
            r#""type":"txt"}],"bodies":[{"type":"txt""#,
            r#""type":"txt"}],"bodies":[{"msg":"a""#,
            r#""type":"txt"}],"bodies":[{"#,
            r#""type":"txt"}],"b\u006fdies":[{"msg":"a""#,
        ] {
            assert!(!check(&envelope(body)), "{body}");
        }
        let plain = envelope(PLAIN[0]);
        for (from, to) in [
            (r#""from":"mara","to":"teo"}}"#, r#""from":"mara"}}"#),
            (r#""from":"mara","chat"#, r#""from":"mara_v","chat"#),
            (r#""mara""#, r#""mara@easemob.com""#),
            (r#""mara""#, r#""harbor-org#lantern_mara""#),
            (r#""mara""#, r#""""#),
            (r#""chat","#, r#""Chat","#),
            (r#""chat","#, r#""recall","#),
            (r#""7""#, r#""""#),
            (r#""7""#, "7"),
            ("1773478800000", "1773478800"),
            ("1773478800000", "1773478800000.0"),
            ("1773478800000", r#""1773478800000""#),
            (r#""ext":{}"#, r#""ext":null"#),
            (r#""ext":{}"#, r#""type":"chat""#),
            (r#""msg_id""#, r#""id""#),
            (r#""direction""#, r#""msg_id""#),
            (r#""bodies":[{"#, r#""bodies":[],"bodies":[{"#),
            (r#""bodies":[{"#, r#""bodies":[[{"#),
            (r#""bodies":[{"#, r#""bodies":null,"bodies":[{"#),
            (r#""ext":{},"#, r#""ext":{},"ext":{},"#),
            (r#","ext":{},"#, r#"},"payload":{"#),
            (r#""ext":{},"#, r#""ext":{}},"payload":{"#),
            (r#""ext":{},"#, r#""ext":{}},"payl\u006fad":{"#),
            (r#""payload":{"#, r#""payload":{},"payload":{"#),
            (r#""payload":{"#, r#""payload":null,"payload":{"#),
            (r#""payload":{"#, r#""payload":{"payload":{},"#),
            (r#""chat","#, r#""chat","chat_type":"chat","#),
            ("1773478800000,", r#"1773478800000,"timestamp":1773478800000,"#),
        ] {
            assert!(plain.contains(from) && !check(&plain.replace(from, to)), "{to}");
        }
    }
}

//! JSON values that keep every digit and every half of a pair, with a parser that has nothing in common with the
//! decoder's.

use std::fmt::Write as _;
use std::iter::Peekable;
use std::str::Chars;

/// A value. Equal are objects with the same members in any order; only members of one and the same key keep theirs.
#[derive(Debug, Clone)]
pub(crate) enum Json {
    Array(Vec<Self>),
    /// `true`, `false`, `null` or a number, as written.
    Bare(String),
    Object(Vec<(Vec<u16>, Self)>),
    /// UTF-16, which holds lone surrogates too.
    Text(Vec<u16>),
}

impl Json {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.encode_utf16().collect())
    }

    pub(crate) fn bare(text: &str) -> Self {
        Self::Bare(text.to_owned())
    }

    pub(crate) fn parse(text: &str) -> Self {
        let mut chars = text.chars().peekable();
        let value = value(&mut chars);
        space(&mut chars);
        assert_eq!(chars.next(), None, "one value only: {text}");
        value
    }

    /// Writes the value, spelling strings and placing white space as the numbers say.
    pub(crate) fn write(&self, out: &mut String, spelling: &mut dyn FnMut() -> u8) {
        pad(out, spelling);
        match self {
            Self::Array(elements) => {
                out.push('[');
                for (index, element) in elements.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    element.write(out, spelling);
                }
                out.push(']');
            }
            Self::Bare(text) => out.push_str(text),
            Self::Object(members) => {
                out.push('{');
                for (index, (key, value)) in members.iter().enumerate() {
                    out.push_str(if index > 0 { "," } else { "" });
                    pad(out, spelling);
                    write_text(out, key, spelling);
                    pad(out, spelling);
                    out.push(':');
                    value.write(out, spelling);
                }
                out.push('}');
            }
            Self::Text(units) => write_text(out, units, spelling),
        }
        pad(out, spelling);
    }

    /// A text that is equal for equal values.
    fn canonical(&self) -> String {
        match self {
            Self::Array(elements) => {
                format!("[{}]", elements.iter().map(Self::canonical).collect::<Vec<_>>().join(","))
            }
            Self::Bare(text) => text.clone(),
            Self::Object(members) => {
                // The sort is stable: the order of members of one key is kept.
                let mut all: Vec<_> = members.iter().map(|(key, value)| (key, value.canonical())).collect();
                all.sort_by_key(|(key, _)| *key);
                let all: Vec<_> = all.into_iter().map(|(key, value)| format!("{key:?}:{value}")).collect();
                format!("{{{}}}", all.join(","))
            }
            // Not `[]`, which is what the empty array says.
            Self::Text(units) => format!("\"{units:?}\""),
        }
    }

    pub(crate) fn has_repeated_keys(&self) -> bool {
        match self {
            Self::Array(elements) => elements.iter().any(Self::has_repeated_keys),
            Self::Object(members) => {
                let mut keys: Vec<_> = members.iter().map(|(key, _)| key).collect();
                keys.sort();
                keys.windows(2).any(|pair| pair[0] == pair[1])
                    || members.iter().any(|(_, value)| value.has_repeated_keys())
            }
            Self::Bare(_) | Self::Text(_) => false,
        }
    }

    /// How deep arrays and objects are nested in it; 0 for a value that is neither.
    pub(crate) fn depth(&self) -> usize {
        match self {
            Self::Array(elements) => 1 + elements.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(members) => 1 + members.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            Self::Bare(_) | Self::Text(_) => 0,
        }
    }

    /// The same value with the members of all objects turned round.
    pub(crate) fn reversed(&self) -> Self {
        match self {
            Self::Array(elements) => Self::Array(elements.iter().map(Self::reversed).collect()),
            Self::Object(members) => {
                Self::Object(members.iter().rev().map(|(key, value)| (key.clone(), value.reversed())).collect())
            }
            other => other.clone(),
        }
    }
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

fn pad(out: &mut String, spelling: &mut dyn FnMut() -> u8) {
    out.push_str(match spelling() % 32 {
        0 => " ",
        1 => "\t",
        2 => "\r",
        3 => "\n",
        4 => " \r\n\t ",
        _ => "",
    });
}

fn write_text(out: &mut String, units: &[u16], spelling: &mut dyn FnMut() -> u8) {
    out.push('"');
    for read in char::decode_utf16(units.iter().copied()) {
        match read {
            Ok(char) if char >= ' ' && char != '"' && char != '\\' && !spelling().is_multiple_of(4) => out.push(char),
            Ok(char @ ('/' | '"' | '\\')) if spelling().is_multiple_of(2) => out.extend(['\\', char]),
            Ok('\n') => out.push_str("\\n"),
            Ok('\r') => out.push_str("\\r"),
            Ok('\t') => out.push_str("\\t"),
            Ok('\u{8}') => out.push_str("\\b"),
            Ok('\u{c}') => out.push_str("\\f"),
            Ok(char) => {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    let upper = spelling().is_multiple_of(2);
                    let written = if upper { write!(out, "\\u{unit:04X}") } else { write!(out, "\\u{unit:04x}") };
                    written.unwrap();
                }
            }
            Err(lone) => write!(out, "\\u{:04x}", lone.unpaired_surrogate()).unwrap(),
        }
    }
    out.push('"');
}

type Input<'a> = Peekable<Chars<'a>>;

fn space(chars: &mut Input<'_>) {
    while chars.next_if(|char| matches!(char, ' ' | '\t' | '\n' | '\r')).is_some() {}
}

fn value(chars: &mut Input<'_>) -> Json {
    space(chars);
    match chars.peek() {
        Some('[') => Json::Array(list(chars, ']', value)),
        Some('{') => Json::Object(list(chars, '}', |chars| {
            space(chars);
            let key = string(chars);
            space(chars);
            assert_eq!(chars.next(), Some(':'));
            (key, value(chars))
        })),
        Some('"') => Json::Text(string(chars)),
        _ => {
            let mut bare = String::new();
            while let Some(char) = chars.next_if(|char| char.is_ascii_alphanumeric() || "+-.".contains(*char)) {
                bare.push(char);
            }
            assert!(!bare.is_empty(), "a value is expected before {:?}", chars.next());
            Json::Bare(bare)
        }
    }
}

fn list<T>(chars: &mut Input<'_>, close: char, item: impl Fn(&mut Input<'_>) -> T) -> Vec<T> {
    chars.next();
    let mut items = Vec::new();
    space(chars);
    if chars.next_if_eq(&close).is_some() {
        return items;
    }
    loop {
        items.push(item(chars));
        space(chars);
        match chars.next() {
            Some(',') => {}
            Some(char) if char == close => return items,
            other => panic!("unexpected {other:?}"),
        }
    }
}

fn string(chars: &mut Input<'_>) -> Vec<u16> {
    assert_eq!(chars.next(), Some('"'));
    let mut units = Vec::new();
    loop {
        match chars.next().expect("the string ends") {
            '"' => return units,
            '\\' => match chars.next().expect("the escape ends") {
                'u' => {
                    let digits: String = chars.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).unwrap());
                }
                'b' => units.push(8),
                'f' => units.push(12),
                'n' => units.push(10),
                'r' => units.push(13),
                't' => units.push(9),
                other => units.extend(other.encode_utf16(&mut [0; 2]).iter()),
            },
            char => {
                assert!(char >= ' ', "no bare control characters");
                units.extend(char.encode_utf16(&mut [0; 2]).iter());
            }
        }
    }
}

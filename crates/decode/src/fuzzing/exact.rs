//! JSON values that keep every digit and every half of a pair, with a parser that has nothing in common with the
//! decoder's.

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
    pub(crate) fn parse(text: &str) -> Self {
        let mut chars = text.chars().peekable();
        let value = value(&mut chars);
        space(&mut chars);
        assert_eq!(chars.next(), None, "one value only: {text}");
        value
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
}

impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
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

//! Making values, writing them in one of many spellings, and asking what is in them.

use std::fmt::Write as _;

use crate::exact::Json;

impl Json {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.encode_utf16().collect())
    }

    pub(crate) fn bare(text: &str) -> Self {
        Self::Bare(text.to_owned())
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

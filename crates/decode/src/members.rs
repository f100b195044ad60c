//! The members of an object that the decoder knows by name.

use crate::json::{Kind, Value};
use crate::text::{self, Text};

/// An object's values by the place of their names in a list.
#[derive(Debug)]
pub(crate) struct Members<'t, 'a, const N: usize> {
    names: &'static [&'static str; N],
    values: [Option<Value<'t, 'a>>; N],
    object: Option<Value<'t, 'a>>,
    /// Whether there are members that are not on the list.
    unknown: bool,
    /// Whether a name on the list occurs twice; the last value counts.
    repeated: bool,
}

impl<'t, 'a, const N: usize> Members<'t, 'a, N> {
    /// The members of an object; none when there is no object.
    pub(crate) fn of(object: Option<Value<'t, 'a>>, names: &'static [&'static str; N]) -> Self {
        let mut members = Self { names, values: [None; N], object, unknown: false, repeated: false };
        for (key, value) in object.into_iter().flat_map(Value::children) {
            match members.place(key) {
                Some(place) => members.repeated |= members.values[place].replace(value).is_some(),
                None => members.unknown = true,
            }
        }
        members
    }

    /// The value by this name.
    pub(crate) fn get(&self, name: &str) -> Option<Value<'t, 'a>> {
        self.values[self.names.iter().position(|known| *known == name)?]
    }

    /// The string by this name.
    pub(crate) fn string(&self, name: &str) -> Option<Text<'a>> {
        self.get(name)?.only(Kind::String).map(|value| text::read(value.raw()))
    }

    /// The place on the list of a key as written.
    pub(crate) fn place(&self, key: &str) -> Option<usize> {
        let name = text::read(key);
        self.names.iter().position(|known| *known == name.value)
    }

    /// The object that they are members of.
    pub(crate) fn object(&self) -> Option<Value<'t, 'a>> {
        self.object
    }

    /// The list of names, each with its value.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&'static str, Option<Value<'t, 'a>>)> {
        self.names.iter().copied().zip(self.values)
    }

    /// Whether all members are on the list.
    pub(crate) fn are_known(&self) -> bool {
        !self.unknown
    }

    /// Whether some key of the object occurs twice.
    pub(crate) fn has_repeated_keys(&self) -> bool {
        self.repeated || self.unknown && self.object.is_some_and(has_repeated_keys)
    }
}

/// Sorting, because an object may have a million keys, and they are chosen by whoever sent it.
fn has_repeated_keys(object: Value<'_, '_>) -> bool {
    let mut keys: Vec<_> = object.children().map(|(key, _)| text::exact_bytes(key)).collect();
    keys.sort_unstable();
    keys.windows(2).any(|pair| pair[0] == pair[1])
}

//! The members of a small object, by name.

use crate::json::Value;
use crate::record::has_repeated_keys;
use crate::text;

/// An object's values in the order of a list of names. Of a name that occurs twice the last value counts.
#[derive(Debug)]
pub(crate) struct Members<'t, 'a, const N: usize> {
    object: Value<'t, 'a>,
    pub(crate) values: [Option<Value<'t, 'a>>; N],
    has_unknown: bool,
}

impl<'t, 'a, const N: usize> Members<'t, 'a, N> {
    pub(crate) fn of(object: Value<'t, 'a>, names: &[&str; N]) -> Self {
        let mut members = Self { object, values: [None; N], has_unknown: false };
        for (key, value) in object.children() {
            let name = text::read(key);
            match names.iter().position(|known| *known == name.value) {
                Some(place) => members.values[place] = Some(value),
                None => members.has_unknown = true,
            }
        }
        members
    }

    /// Whether each member is on the list, and none occurs twice.
    pub(crate) fn are_plain(&self) -> bool {
        !self.has_unknown && !has_repeated_keys(self.object)
    }
}

//! The signs that mean something, as every keyboard types them: those for Chinese have them in full width.

/// What opens a group.
pub(super) const OPENINGS: [char; 2] = ['(', '（'];

/// What closes one.
pub(super) const CLOSINGS: [char; 2] = [')', '）'];

/// Opening quotes, each with the one that closes it. Telephones type the curly ones.
pub(super) const QUOTES: [(char, char); 3] = [('"', '"'), ('“', '”'), ('＂', '＂')];

/// What negates what stands right behind it.
pub(super) const DASHES: [char; 2] = ['-', '－'];

/// What ends the name of a field.
pub(super) const COLONS: [char; 2] = [':', '：'];

/// What stands for anything.
pub(super) const STARS: [char; 2] = ['*', '＊'];

/// What stands behind a word that may be another.
pub(super) const TILDES: [char; 2] = ['~', '～'];

/// A value that is not quoted, with wildcards of the usual width.
pub(super) fn plain(text: String) -> String {
    if text.contains(['＊', '？']) { text.replace('＊', "*").replace('？', "?") } else { text }
}

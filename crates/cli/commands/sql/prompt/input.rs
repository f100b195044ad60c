//! What is typed at the prompt: statements in SQL, each up to its `;`, or a command of the prompt.

/// Something that is to be done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request<'a> {
    /// A query, without its `;`.
    Statement(&'a str),
    /// A command of the prompt with what follows it: `.schema`, `messages`.
    Command(&'a str, &'a str),
}

/// What a text asks for, in order.
pub(super) fn requests(text: &str) -> Vec<Request<'_>> {
    let text = text.trim();
    if text.starts_with('.') {
        let text = text.trim_end_matches(';');
        let (command, argument) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        return vec![Request::Command(command, argument.trim())];
    }
    scan(text).statements.into_iter().map(Request::Statement).collect()
}

/// Whether a text is whole: nothing, a command, or statements of which the last has its `;`.
pub(super) fn is_whole(text: &str) -> bool {
    let text = text.trim();
    let Scan { has_rest, end, .. } = scan(text);
    text.starts_with('.') || (!has_rest && matches!(end, Place::Code | Place::Remark))
}

/// Whether a text ends within quotes or a remark, where no name can stand.
pub(super) fn ends_in_text(text: &str) -> bool {
    !matches!(scan(text).end, Place::Code | Place::Quoted(b'"'))
}

/// Where in SQL a byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Code,
    /// Between two of these.
    Quoted(u8),
    /// Behind `--`.
    Remark,
    /// Within so many `/*`.
    Remarks(u32),
}

struct Scan<'a> {
    /// Those that have their `;`.
    statements: Vec<&'a str>,
    /// Whether there is anything behind the last `;` but remarks.
    has_rest: bool,
    end: Place,
}

fn scan(text: &str) -> Scan<'_> {
    let mut scan = Scan { statements: Vec::new(), has_rest: false, end: Place::Code };
    let (mut begin, mut at) = (0, 0);
    while let Some(rest @ [byte, ..]) = text.as_bytes().get(at..) {
        let (place, length) = step(scan.end, rest);
        let was_code = std::mem::replace(&mut scan.end, place) == Place::Code;
        if was_code && *byte == b';' {
            scan.statements.extend(text.get(begin..at).filter(|_| scan.has_rest).map(str::trim));
            (begin, scan.has_rest) = (at + 1, false);
        } else if was_code && matches!(place, Place::Code | Place::Quoted(_)) {
            scan.has_rest |= !byte.is_ascii_whitespace();
        }
        at += length;
    }
    scan
}

/// The place behind the mark or byte with which the rest begins, and how long that is.
fn step(place: Place, rest: &[u8]) -> (Place, usize) {
    match (place, rest) {
        (Place::Code, [mark @ (b'\'' | b'"' | b'`'), ..]) => (Place::Quoted(*mark), 1),
        (Place::Quoted(mark), [byte, ..]) if mark == *byte => (Place::Code, 1),
        (Place::Code, [b'-', b'-', ..]) => (Place::Remark, 2),
        (Place::Remark, [b'\n', ..]) => (Place::Code, 1),
        (Place::Code, [b'/', b'*', ..]) => (Place::Remarks(1), 2),
        (Place::Remarks(depth), [b'/', b'*', ..]) => (Place::Remarks(depth + 1), 2),
        (Place::Remarks(1), [b'*', b'/', ..]) => (Place::Code, 2),
        (Place::Remarks(depth), [b'*', b'/', ..]) => (Place::Remarks(depth - 1), 2),
        (place, _) => (place, 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_ends_a_statement_unless_it_is_part_of_a_text() {
        let statements = |text: &str| scan(text).statements.into_iter().map(str::to_owned).collect::<Vec<_>>();
        for (text, expected) in [
            ("SELECT 1", &[][..]),
            (" SELECT 1 ; SELECT 2;", &["SELECT 1", "SELECT 2"]),
            ("SELECT ';', 'it''s;' ;", &["SELECT ';', 'it''s;'"]),
            ("SELECT \"a;b\" -- one; two\n FROM t;", &["SELECT \"a;b\" -- one; two\n FROM t"]),
            ("/* ; /* ; */ ; */ SELECT '潮;';", &["/* ; /* ; */ ; */ SELECT '潮;'"]),
            (";; -- nothing\n;", &[]),
            ("SELECT 1 - -1, 6 / 2;", &["SELECT 1 - -1, 6 / 2"]),
        ] {
            assert_eq!(statements(text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_is_whole_when_nothing_is_left_open() {
        for whole in
            ["", "  ", ".tables", ".schema messages", "SELECT 1;", "SELECT 1; -- that is it", "-- nothing", ";"]
        {
            assert!(is_whole(whole), "{whole}");
        }
        for open in ["SELECT 1", "SELECT 1; SELECT", "SELECT ';", "/* SELECT 1;", "SELECT 1; /* "] {
            assert!(!is_whole(open), "{open}");
        }
    }

    #[test]
    fn a_command_is_told_from_sql() {
        assert_eq!(requests(" .schema  messages ;"), [Request::Command(".schema", "messages")]);
        assert_eq!(requests(".quit"), [Request::Command(".quit", "")]);
        assert_eq!(requests("SELECT .5;"), [Request::Statement("SELECT .5")]);
    }

    #[test]
    fn no_name_stands_in_a_text_or_a_remark() {
        for text in ["SELECT 'har", "SELECT 1 -- mess", "/* mess"] {
            assert!(ends_in_text(text), "{text}");
        }
        for code in ["SELECT mess", "SELECT \"mess", "SELECT 'x' FROM mess", "-- one\nmess"] {
            assert!(!ends_in_text(code), "{code}");
        }
    }
}

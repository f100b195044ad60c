//! Files of names: who is called otherwise in the app.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use api::Unfit;
use csv::{Position, ReaderBuilder, StringRecord, Trim};
use restore::Renaming;

use crate::error::CommandError;

/// A larger file is none of names, in bytes: they are held.
const LONGEST_MAP: u64 = 64 << 20;

/// The users of a file.
///
/// # Errors
///
/// When it cannot be read, or a line is not in form.
pub(super) fn users(path: Option<&Path>) -> Result<Renaming, CommandError> {
    read(path, api::user_name)
}

/// The groups of a file.
///
/// # Errors
///
/// As [`users`].
pub(super) fn groups(path: Option<&Path>) -> Result<Renaming, CommandError> {
    read(path, api::group_id)
}

fn read(path: Option<&Path>, fits: fn(&str) -> Result<(), Unfit>) -> Result<Renaming, CommandError> {
    let Some(path) = path else { return Ok(Renaming::default()) };
    of_file(path, fits).map_err(|error| {
        let error = error.while_doing(format!("could not read the names in {}", path.display()));
        error.hint(
            "it is a CSV file: the line `from,to` first, then a name of the archive and one of the app on each line",
        )
    })
}

fn of_file(path: &Path, fits: fn(&str) -> Result<(), Unfit>) -> Result<Renaming, CommandError> {
    let file = File::open(path).map_err(CommandError::usage)?;
    if file.metadata().map_err(CommandError::usage)?.is_dir() {
        return Err(CommandError::usage("it is a folder"));
    }
    let mut bytes = Vec::new();
    let read = file.take(LONGEST_MAP + 1).read_to_end(&mut bytes).map_err(CommandError::usage)?;
    if read as u64 > LONGEST_MAP {
        return Err(CommandError::usage(format!("it has more than {LONGEST_MAP} bytes")));
    }
    let mut reader = ReaderBuilder::new().has_headers(false).trim(Trim::All).from_reader(&bytes[..]);
    let (mut renaming, mut is_headed) = (Renaming::default(), false);
    for record in reader.records() {
        let record = record.map_err(|error| unread(&error, &bytes))?;
        if is_headed {
            let line = line_at(record.position(), &bytes);
            add(&mut renaming, &record, fits).map_err(|what| CommandError::usage(format!("line {line}: {what}")))?;
        } else if record.iter().eq(["from", "to"]) {
            is_headed = true;
        } else {
            return Err(CommandError::usage("its first line is not `from,to`"));
        }
    }
    if is_headed { Ok(renaming) } else { Err(CommandError::usage("it is empty")) }
}

fn add(renaming: &mut Renaming, record: &StringRecord, fits: fn(&str) -> Result<(), Unfit>) -> Result<(), String> {
    let [from, to] = [record.get(0).unwrap_or_default(), record.get(1).unwrap_or_default()];
    renaming.add(from, to).map_err(|error| error.to_string())?;
    fits(to).map_err(|unfit| unfit.to_string())
}

/// The library's words without the byte and the number of the record, which say nothing to a person.
fn unread(error: &csv::Error, bytes: &[u8]) -> CommandError {
    let line = line_at(error.position(), bytes);
    let what = match error.kind() {
        csv::ErrorKind::UnequalLengths { len, .. } => format!("it has {len} cells, not two"),
        csv::ErrorKind::Utf8 { .. } => "it is no UTF-8".to_owned(),
        _ => error.to_string(),
    };
    CommandError::usage(format!("line {line}: {what}"))
}

/// The line of a record; the library counts from before the blank lines above it.
fn line_at(position: Option<&Position>, bytes: &[u8]) -> u64 {
    let Some(position) = position else { return 0 };
    let from_there = usize::try_from(position.byte()).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
    let blank = from_there.iter().take_while(|byte| b"\r\n".contains(byte)).filter(|byte| **byte == b'\n').count();
    position.line() + blank as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8]) -> Result<Renaming, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        users(Some(file.path())).map_err(|error| error.in_one_line())
    }

    #[test]
    fn a_file_of_names_is_a_table() {
        let mut expected = Renaming::default();
        expected.add("mara", "mara.voss").unwrap();
        expected.add("odd \"name\", with a comma", "teo-77").unwrap();
        let odd = "\"odd \"\"name\"\", with a comma\",teo-77";
        for text in
            [format!("from,to\nmara,mara.voss\n{odd}\n"), format!("\u{feff}from,to\r\nmara , mara.voss\r\n\r\n{odd}")]
        {
            assert_eq!(check(text.as_bytes()), Ok(expected.clone()));
        }
        assert_eq!(check(b"from,to\n"), Ok(Renaming::default()));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, expected) in [
            (&b""[..], "it is empty"),
            (b"a,b\n", "its first line is not `from,to`"),
            (b"from,to,more\na,b,c\n", "its first line is not `from,to`"),
            (b"from,to\na,b\nc\n", "line 3: it has 1 cells, not two"),
            (b"from,to\na,b,c\n", "line 2: it has 3 cells, not two"),
            (b"from,to\na,b\n,c\n", "line 3: a name is empty"),
            (b"from,to\na,\n", "line 2: a name is empty"),
            (b"from,to\na,b\na,c\n", "line 3: `a` is renamed twice"),
            (b"from,to\na,b\nc,b\n", "line 3: two are renamed to `b`"),
            (b"from,to\n\na,b c\n", "line 3: `b c` is no user name"),
            (b"from,to\na,\xff\n", "line 2: it is no UTF-8"),
        ] {
            let error = check(text).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        assert!(users(Some(Path::new("/"))).unwrap_err().in_one_line().contains("it is a folder"));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "from,to\n1,a\n").unwrap();
        assert!(groups(Some(file.path())).unwrap_err().in_one_line().contains("line 2: `a` is no id of a group"));
    }
}

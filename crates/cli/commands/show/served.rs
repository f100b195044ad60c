//! The very line of a message, from the bytes as they were served.

use chat::{Message, Position, RETAINED_PARTS};
use decode::{Decoder, Limits, Origin};
use store::{Archive, RawHour};

use crate::context::Context;
use crate::error::CommandError;

/// Reads the served file of a message up to its line; with a line end.
///
/// # Errors
///
/// When the served bytes are no longer there, or are no longer those that the row came from.
pub(super) fn line(message: &Message<'_>, archive: &Archive, context: &Context) -> Result<Vec<u8>, CommandError> {
    let position = message.position;
    let Position { source_hour, part, line } = position;
    if part >= RETAINED_PARTS {
        return Err(gone(format!("the service no longer serves line {line} of {source_hour}: only the row is kept")));
    }
    let parts = match archive.raw_hour(source_hour).map_err(CommandError::from)? {
        RawHour::Whole(parts) => parts,
        RawHour::Absent => return Err(gone(format!("the served bytes of {source_hour} are no longer kept"))),
        RawHour::Broken { path, reason } => {
            return Err(gone(format!("the served bytes of {source_hour} are damaged: {}: {reason}", path.display())));
        }
    };
    let is_not_there = || gone(format!("part {part} of {source_hour} is not among the served bytes that are kept"));
    let raw = parts.into_iter().find(|raw| raw.part == part).ok_or_else(is_not_there)?;
    let failed = |error: CommandError| {
        error.while_doing(format!("could not read line {line} of {}", raw.path.display())).hint(REBUILT)
    };
    let file = raw.open_proved().map_err(|error| failed(CommandError::usage(error)))?;
    let limits = Limits { line: context.settings.decode.line_limit, ..Limits::default() };
    let mut decoder = Decoder::new(file, Origin { hour: source_hour, part, app: None }, limits);
    while let Some(records) = decoder.next_records().map_err(|error| failed(CommandError::usage(error)))? {
        if let Some((_, record)) = records.records.iter().find(|(at, _)| *at == position) {
            return Ok([record.as_bytes(), b"\n"].concat());
        }
    }
    Err(gone(format!("line {line} of {} is no message", raw.path.display())))
}

const REBUILT: &str =
    "`annals show MSG_ID --rebuilt` puts the record together from the row: the same members and values";

fn gone(what: String) -> CommandError {
    CommandError::usage(what).hint(REBUILT)
}

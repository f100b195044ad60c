//! What is told of a restore.

use std::collections::BTreeMap;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use restore::{LeftOut, Played, PlayedCounts, Reason, Survey, SurveyCounts};
use serde_json::{Map, Value, json};
use tempfile::NamedTempFile;

use super::Place;
use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::{Cell, Format, bytes};

/// The messages that are not played back, a JSON object a line. It has its name when it is whole.
pub(super) struct LeftOutFile {
    path: PathBuf,
    file: BufWriter<NamedTempFile>,
}

impl LeftOutFile {
    pub(super) fn create(path: &Path) -> Result<Self, CommandError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file =
            if path.is_dir() { Err(std::io::ErrorKind::IsADirectory.into()) } else { NamedTempFile::new_in(folder) };
        let file = file.map_err(|error| unwritten(error, path))?;
        Ok(Self { path: path.to_owned(), file: BufWriter::new(file) })
    }

    pub(super) fn push(&mut self, row: &LeftOut) -> Result<(), CommandError> {
        let line = json!({
            "msg_id": row.msg_id,
            "source_hour": row.position.source_hour.key(),
            "part": row.position.part,
            "line": row.position.line,
            "reason": row.reason.word(),
            "detail": row.detail,
        });
        writeln!(self.file, "{line}").map_err(|error| unwritten(error, &self.path))
    }

    pub(super) fn finish(self) -> Result<(), CommandError> {
        let Self { path, file } = self;
        let file = file.into_inner().map_err(|error| unwritten(error.into_error(), &path))?;
        file.as_file().sync_all().map_err(|error| unwritten(error, &path))?;
        file.persist(&path).map_err(|error| unwritten(error.error, &path))?;
        Ok(())
    }
}

fn unwritten(error: std::io::Error, path: &Path) -> CommandError {
    let error = CommandError::usage(error).while_doing(format!("could not write {}", path.display()));
    error.hint("name a file in a folder that can be written to with --left-out")
}

/// What was found, and what came of it.
pub(super) struct Report {
    name: String,
    app: String,
    is_dry: bool,
    found: SurveyCounts,
    played: PlayedCounts,
    error: Option<restore::Error>,
    is_interrupted: bool,
}

impl Report {
    pub(super) fn new(place: &Place, survey: &Survey, is_dry: bool) -> Self {
        Self {
            name: place.name.to_string(),
            app: place.app.to_string(),
            is_dry,
            found: survey.counts.clone(),
            played: PlayedCounts::default(),
            error: None,
            is_interrupted: false,
        }
    }

    /// What is about to be done.
    pub(super) fn question(&self) -> String {
        let SurveyCounts { files, bytes: size, .. } = self.found;
        let files = if files == 0 { String::new() } else { format!(", upload {files} files ({})", bytes(size)) };
        format!("import {} messages into {}{files}", self.to_play(), self.app)
    }

    pub(super) fn played(&mut self, played: Played, is_interrupted: bool) {
        (self.played, self.error, self.is_interrupted) = (played.counts, played.error, is_interrupted);
    }

    /// Tells all, and how the program ends.
    pub(super) fn finish(self, as_json: bool, context: &Context) -> Result<Exit, CommandError> {
        if as_json {
            context.output.json(&self.json())?;
        } else if self.is_dry {
            self.show(context)?;
        }
        if !self.is_dry {
            context.output.note(self.sum());
        }
        let exit = self.exit();
        match self.error {
            Some(error) => {
                let error = CommandError::from(error).while_doing("the restore came to an end before all was played");
                let worse = Exit::worst([error.exit(), exit]);
                Err(error.ending_with(worse).hint("the same command goes on behind what was imported"))
            }
            None => Ok(exit),
        }
    }

    fn exit(&self) -> Exit {
        let is_open = self.in_doubt() + self.played.moved > 0 && !self.is_dry;
        let told = [
            (is_open, Exit::HoursFailed),
            (self.played.declined > 0, Exit::Refused),
            (self.is_interrupted, Exit::Interrupted),
        ];
        Exit::worst(told.into_iter().filter(|(is_so, _)| *is_so).map(|(_, exit)| exit))
    }

    fn to_play(&self) -> u64 {
        self.found.to_play.values().sum()
    }

    fn in_doubt(&self) -> u64 {
        self.found.in_doubt + self.played.in_doubt
    }

    fn left_out(&self) -> BTreeMap<Reason, u64> {
        let mut left_out = self.found.left_out.clone();
        for (reason, count) in &self.played.left_out {
            *left_out.entry(*reason).or_default() += count;
        }
        left_out
    }

    fn sum(&self) -> String {
        let PlayedCounts { imported, declined, moved, files, bytes: size, .. } = self.played;
        let (earlier, in_doubt) = (self.found.earlier, self.in_doubt());
        let reasons: Vec<_> =
            self.left_out().iter().map(|(reason, count)| format!("{} {count}", reason.word())).collect();
        let left_out: u64 = self.left_out().values().sum();
        let reasons = if reasons.is_empty() { String::new() } else { format!(" ({})", reasons.join(", ")) };
        let moved = if moved == 0 { String::new() } else { format!(", published anew meanwhile {moved}") };
        let files = if files == 0 { String::new() } else { format!("; {files} files uploaded ({})", bytes(size)) };
        format!(
            "imported {imported}, earlier {earlier}, declined {declined}, in doubt {in_doubt}, left out {left_out}{reasons}{moved}{files}"
        )
    }

    fn show(&self, context: &Context) -> Result<(), CommandError> {
        let mut rows = context.output.rows(Format::Table, &["what", "conversation", "type", "messages"]);
        let mut push = |what: &str, conversation: Option<&str>, kind: Option<&str>, count: u64| {
            let cell = |text: Option<&str>| Cell::from(text.map(str::to_owned));
            let count = Cell::Number(i64::try_from(count).unwrap_or(i64::MAX));
            rows.push(&[cell(Some(what)), cell(conversation), cell(kind), count])
        };
        for ((conversation, kind), count) in &self.found.to_play {
            push("to import", Some(conversation), Some(kind), *count)?;
        }
        for (reason, count) in self.left_out() {
            push(&format!("left out: {}", reason.word()), None, None, count)?;
        }
        for (what, count) in [("earlier", self.found.earlier), ("in doubt", self.found.in_doubt)] {
            if count > 0 {
                push(what, None, None, count)?;
            }
        }
        rows.finish()?;
        context.output.note(format_args!("nothing was sent: this would {}", self.question()));
        Ok(())
    }

    fn json(&self) -> Value {
        let mut to_play: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
        for ((conversation, kind), count) in &self.found.to_play {
            to_play.entry(conversation).or_default().insert(kind, *count);
        }
        let left_out: Map<String, Value> =
            self.left_out().into_iter().map(|(reason, count)| (reason.word().to_owned(), count.into())).collect();
        json!({
            "version": 1,
            "dry_run": self.is_dry,
            "app": self.app,
            "name": self.name,
            "chosen": self.found.chosen,
            "to_import": to_play,
            "imported": self.played.imported,
            "earlier": self.found.earlier,
            "declined": self.played.declined,
            "in_doubt": self.in_doubt(),
            "moved": self.played.moved,
            "left_out": left_out,
            "to_upload": { "files": self.found.files, "bytes": self.found.bytes },
            "uploaded": { "files": self.played.files, "bytes": self.played.bytes },
            "interrupted": self.is_interrupted,
            "error": self.error.as_ref().map(ToString::to_string),
        })
    }
}

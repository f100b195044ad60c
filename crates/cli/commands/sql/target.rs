//! Where an answer goes, and in which form.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};

use query::sql::{Answer, Form, SqlError};

use super::Form as GivenForm;
use crate::context::Context;
use crate::error::CommandError;

pub(super) enum Target {
    File(PathBuf, Form),
    Stdout(Form),
    /// On stdout, for a person.
    Table,
    /// The same at the prompt: a line for each row.
    Screen,
}

impl Target {
    pub(super) fn of(
        form: Option<GivenForm>,
        output: Option<PathBuf>,
        context: &Context,
    ) -> Result<Self, CommandError> {
        let is_terminal = context.output.is_terminal();
        Ok(match (form, output) {
            (Some(GivenForm::Table), Some(_)) => {
                return Err(CommandError::usage("a table is for a person, and is printed on stdout")
                    .hint("give --format csv, jsonl, parquet or arrow with --output"));
            }
            (Some(GivenForm::Parquet | GivenForm::Arrow), None) if is_terminal => {
                return Err(CommandError::usage("a terminal shows no such file").hint("give --output FILE, or a pipe"));
            }
            (form, Some(path)) => {
                let form = form.map_or_else(|| form_of(&path), Ok)?;
                Self::File(path, form_of_file(form))
            }
            (Some(GivenForm::Table), None) => Self::Table,
            (None, None) if is_terminal => Self::Table,
            (form, None) => Self::Stdout(form_of_file(form.unwrap_or(GivenForm::Jsonl))),
        })
    }
}

/// The form that the ending of a file names.
fn form_of(path: &Path) -> Result<GivenForm, CommandError> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("arrow") => Ok(GivenForm::Arrow),
        Some("csv") => Ok(GivenForm::Csv),
        Some("jsonl" | "ndjson") => Ok(GivenForm::Jsonl),
        Some("parquet") => Ok(GivenForm::Parquet),
        _ => Err(CommandError::usage(format!("the name {} does not say in which form", path.display()))
            .hint("end it in .csv, .jsonl, .parquet or .arrow, or give --format")),
    }
}

fn form_of_file(form: GivenForm) -> Form {
    match form {
        GivenForm::Arrow => Form::Arrow,
        GivenForm::Csv => Form::Csv,
        GivenForm::Jsonl | GivenForm::Table => Form::Jsonl,
        GivenForm::Parquet => Form::Parquet,
    }
}

/// Writes a file that is there whole or not at all, for its owner alone. A pipe or a device is written to as it is.
pub(super) async fn write_whole(path: &Path, answer: Answer, form: Form) -> Result<u64, SqlError> {
    let unwritten = |source: io::Error| SqlError::Target { path: path.to_owned(), source };
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => {
            let out = OpenOptions::new().write(true).open(path).map_err(unwritten)?;
            answer.write(form, BufWriter::new(out)).await
        }
        _ => {
            let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
            let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            let file =
                tempfile::Builder::new().prefix(".annals-").suffix(".tmp").tempfile_in(folder).map_err(unwritten)?;
            let rows = answer.write(form, BufWriter::new(file.as_file())).await?;
            file.as_file().sync_all().map_err(unwritten)?;
            file.persist(&path).map_err(|error| unwritten(error.error))?;
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(unwritten)?;
            Ok(rows)
        }
    }
}

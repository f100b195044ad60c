//! The only printer: data goes to stdout, everything else to stderr.

mod amount;
mod cell;
mod csv;
mod format;
mod log;
mod progress;
mod rows;
mod table;
mod text;

use std::fmt;
use std::io::{self, BufRead as _, BufWriter, IsTerminal as _, Read as _, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::{MultiProgress, ProgressDrawTarget};
use serde::Serialize;

pub(crate) use amount::{bytes, duration};
pub(crate) use cell::Cell;
pub(crate) use format::{Format, FormatArgs};
pub(crate) use log::LogFormat;
pub(crate) use progress::{LogWriter, Progress};
pub(crate) use rows::Rows;
pub(crate) use text::{beginning, visible, without_controls};

use crate::environment::Environment;
use crate::error::CommandError;
use rows::Style;

/// What is read of an answer at the most, in bytes: more than a terminal lets anybody type.
const LONGEST_ANSWER: u64 = 16 << 10;

/// How much the program says besides its data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Talk {
    /// Warnings and errors.
    Quiet,
    /// Notes and progress, too.
    Normal,
}

/// Prints. Cheap to clone; all clones share the terminal.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    talk: Talk,
    stdout: Face,
    stderr: Face,
    bars: MultiProgress,
    /// Whether stderr carries JSON alone.
    is_json: AtomicBool,
}

/// What is at the other end of a stream. Colours need a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Face {
    File,
    Terminal,
    ColourTerminal,
}

impl Face {
    fn of(is_terminal: bool, environment: &Environment) -> Self {
        match (is_terminal, environment.is_colourless()) {
            (false, _) => Self::File,
            (true, true) => Self::Terminal,
            (true, false) => Self::ColourTerminal,
        }
    }
}

impl Output {
    /// Prints to the streams of this process.
    #[must_use]
    pub(crate) fn of_this_process(talk: Talk, environment: &Environment) -> Self {
        let stdout = Face::of(io::stdout().is_terminal(), environment);
        let stderr = Face::of(io::stderr().is_terminal(), environment);
        Self::with(talk, stdout, stderr)
    }

    /// Prints no notes and no bars.
    #[cfg(test)]
    pub(crate) fn silent() -> Self {
        Self::with(Talk::Quiet, Face::File, Face::File)
    }

    fn with(talk: Talk, stdout: Face, stderr: Face) -> Self {
        let (bars, is_json) = (progress::bars(talk, stderr), AtomicBool::new(false));
        Self { shared: Arc::new(Shared { talk, stdout, stderr, bars, is_json }) }
    }

    /// From now on stderr is written like this. JSON stands alone: no bars, no colours, an object for whatever is said.
    pub(crate) fn write_stderr_as(&self, format: LogFormat) {
        if format == LogFormat::Json {
            self.shared.is_json.store(true, Ordering::Relaxed);
            self.shared.bars.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    /// How stderr is written.
    #[must_use]
    pub(crate) fn log_format(&self) -> LogFormat {
        if self.shared.is_json.load(Ordering::Relaxed) { LogFormat::Json } else { LogFormat::Text }
    }

    /// How much is said besides data.
    #[must_use]
    pub(crate) fn talk(&self) -> Talk {
        self.shared.talk
    }

    /// Writes a line of data.
    ///
    /// # Errors
    ///
    /// When stdout takes nothing, see [`WriteError`].
    pub(crate) fn line(&self, text: impl fmt::Display) -> Result<(), WriteError> {
        self.on_stdout(|stdout| writeln!(stdout, "{text}"))
    }

    /// Writes text as it is: a page, or bytes that were archived.
    ///
    /// # Errors
    ///
    /// When stdout takes nothing, see [`WriteError`].
    pub(crate) fn raw(&self, bytes: &[u8]) -> Result<(), WriteError> {
        self.on_stdout(|stdout| stdout.write_all(bytes))
    }

    /// Writes a value as one line of JSON.
    ///
    /// # Errors
    ///
    /// When stdout takes nothing, see [`WriteError`].
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), WriteError> {
        let text = serde_json::to_string(value).map_err(io::Error::from)?;
        self.line(text)
    }

    /// Begins a list with these columns on stdout.
    #[must_use]
    pub(crate) fn rows(&self, format: Format, columns: &[&str]) -> Rows {
        let style = match self.shared.stdout {
            Face::File => Style::Plain,
            Face::Terminal => Style::Fitted,
            Face::ColourTerminal => Style::Coloured,
        };
        Rows::new(Box::new(BufWriter::new(io::stdout())), format, columns, style)
    }

    /// The characters that the last column of a table has room for on the terminal, beside columns of these widths. `None` where
    /// a table is not fitted to a terminal.
    #[must_use]
    pub(crate) fn room_beside(&self, columns: &[usize]) -> Option<usize> {
        self.is_terminal().then(table::terminal_width).flatten().map(|width| table::room_beside(columns, width.into()))
    }

    /// All of stdout, for data that comes as it is made.
    #[must_use]
    pub(crate) fn stream(&self) -> Box<dyn Write + Send> {
        Box::new(BufWriter::new(io::stdout()))
    }

    /// Whether a person reads stdout as it appears.
    #[must_use]
    pub(crate) fn is_terminal(&self) -> bool {
        self.shared.stdout != Face::File
    }

    /// Whether a person is there to be asked: at both ends of the conversation, and not told to be left alone.
    #[must_use]
    pub(crate) fn can_ask(&self) -> bool {
        let is_person = io::stdin().is_terminal() && self.shared.stderr != Face::File;
        is_person && self.shared.talk == Talk::Normal && self.log_format() == LogFormat::Text
    }

    /// Shows a text on stderr and reads the line that is typed; `None` at the end of the input.
    ///
    /// # Errors
    ///
    /// When stdin cannot be read.
    pub(crate) fn ask(&self, prompt: &str) -> io::Result<Option<String>> {
        self.on_stderr(prompt);
        let mut line = String::new();
        let read = io::stdin().lock().take(LONGEST_ANSWER).read_line(&mut line)?;
        Ok((read > 0).then_some(line))
    }

    /// Says something to the person who waits; not with `--quiet`.
    pub(crate) fn note(&self, text: impl fmt::Display) {
        if self.shared.talk == Talk::Normal {
            match self.log_format() {
                LogFormat::Text => self.on_stderr(&format!("{text}\n")),
                LogFormat::Json => self.on_stderr(&log::line("INFO", &text.to_string())),
            }
        }
    }

    /// Says that something is not as it should be although the command goes on.
    pub(crate) fn warn(&self, text: impl fmt::Display) {
        let text = visible(&text.to_string());
        match self.log_format() {
            LogFormat::Text => self.on_stderr(&self.painted(&format!("warning: {text}\n"), "warning:", "33;1")),
            LogFormat::Json => self.on_stderr(&log::line("WARN", &text)),
        }
    }

    /// Says why the command failed.
    pub(crate) fn error(&self, error: &CommandError) {
        match self.log_format() {
            LogFormat::Text => self.on_stderr(&self.painted(&error.render(), "error:", "31;1")),
            LogFormat::Json => self.on_stderr(&log::error_line(error)),
        }
    }

    /// A bar over `total` steps on stderr, where a person sees it; removed when dropped.
    #[must_use]
    pub(crate) fn progress(&self, total: u64, label: &'static str) -> Progress {
        Progress::new(&self.shared.bars, total, label)
    }

    /// Where log lines go: to stderr, between the bars.
    #[must_use]
    pub(crate) fn log_writer(&self) -> LogWriter {
        LogWriter::new(self.shared.bars.clone())
    }

    /// Whether log lines may have colours.
    #[must_use]
    pub(crate) fn colours_on_stderr(&self) -> bool {
        self.shared.stderr == Face::ColourTerminal && self.log_format() == LogFormat::Text
    }

    /// Whether data may have colours.
    #[must_use]
    pub(crate) fn colours_on_stdout(&self) -> bool {
        self.shared.stdout == Face::ColourTerminal
    }

    fn on_stdout(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), WriteError> {
        let mut result = Ok(());
        self.shared.bars.suspend(|| {
            let mut stdout = io::stdout().lock();
            result = write(&mut stdout).and_then(|()| stdout.flush());
        });
        Ok(result?)
    }

    /// Nobody can be told that stderr is gone.
    fn on_stderr(&self, text: &str) {
        self.shared.bars.suspend(|| io::stderr().lock().write_all(text.as_bytes()).ok());
    }

    /// The text with the word it begins with in the given colour, where there are colours.
    fn painted(&self, text: &str, word: &str, colour: &str) -> String {
        if self.colours_on_stderr() {
            text.replacen(word, &format!("\u{1b}[{colour}m{word}\u{1b}[0m"), 1)
        } else {
            text.to_owned()
        }
    }
}

/// Our own stdout could not be written to. When its reader went away, the program ends with code 0.
#[derive(Debug, thiserror::Error)]
#[error("could not write to the standard output")]
pub(crate) struct WriteError(#[from] io::Error);

impl WriteError {
    /// What kind of failure it was.
    #[must_use]
    pub(crate) fn kind(&self) -> io::ErrorKind {
        self.0.kind()
    }
}

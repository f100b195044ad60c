//! Progress bars on stderr, and log lines between them.

use std::io::{self, Write};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::output::{Face, Talk};

/// `15/24 hours ━━━━━━━  2m  2026-03-14T09Z`.
const TEMPLATE: &str = "{pos:>7}/{len} {prefix} {bar:30} {eta:>5}  {wide_msg}";

/// Where bars are drawn: nowhere unless a person is watching.
pub(super) fn bars(talk: Talk, stderr: Face) -> MultiProgress {
    let is_watched = talk == Talk::Normal && stderr != Face::File;
    MultiProgress::with_draw_target(if is_watched {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    })
}

/// A bar that shows how far a command is; it disappears when dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    pub(super) fn new(bars: &MultiProgress, total: u64, label: &'static str) -> Self {
        let style = ProgressStyle::with_template(TEMPLATE).expect("a test makes a bar with this template");
        let bar = bars.add(ProgressBar::new(total).with_prefix(label).with_style(style.progress_chars("━╸ ")));
        Self { bar }
    }

    /// So many steps more are done.
    pub(crate) fn advance(&self, steps: u64) {
        self.bar.inc(steps);
    }

    /// What is being done now.
    pub(crate) fn at(&self, what: impl ToString) {
        self.bar.set_message(what.to_string());
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Writes log lines to stderr without tearing the bars.
#[derive(Debug, Clone)]
pub(crate) struct LogWriter {
    bars: MultiProgress,
}

impl LogWriter {
    pub(super) fn new(bars: MultiProgress) -> Self {
        Self { bars }
    }
}

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bars.suspend(|| io::stderr().lock().write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_counts_and_says_where_it_is() {
        let progress = Progress::new(&bars(Talk::Quiet, Face::File), 24, "hours");
        progress.at("2026-03-14T09Z");
        progress.advance(12);
        progress.advance(1);
        assert_eq!((progress.bar.position(), progress.bar.length()), (13, Some(24)));
        assert_eq!((progress.bar.prefix().as_str(), progress.bar.message().as_str()), ("hours", "2026-03-14T09Z"));
    }

    #[test]
    fn nothing_is_drawn_into_a_file() {
        assert!(bars(Talk::Normal, Face::File).is_hidden());
        assert!(bars(Talk::Quiet, Face::Terminal).is_hidden());
    }
}

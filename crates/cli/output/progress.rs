//! Progress bars on stderr where a person watches, log lines at intervals, and log lines between the bars.

use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::output::{Face, Talk, duration};

/// `15/24 hours ━━━━━━━  1 min 30 s left  2026-03-14T09Z`.
const TEMPLATE: &str = "{pos:>7}/{len} {prefix} {bar:30} {left:>15} left  {wide_msg}";

/// How often a log line says how far a run is.
const TOLD_EVERY: Duration = Duration::from_secs(60);

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
    label: &'static str,
    pace: Duration,
    told: Mutex<Instant>,
}

impl Progress {
    pub(super) fn new(bars: &MultiProgress, total: u64, label: &'static str) -> Self {
        let bar = bars.add(ProgressBar::new(total).with_prefix(label).with_style(style(Duration::ZERO)));
        Self { bar, label, pace: Duration::ZERO, told: Mutex::new(Instant::now()) }
    }

    /// Does not promise to take less than this for each step.
    #[must_use]
    pub(crate) fn no_faster_than(mut self, pace: Duration) -> Self {
        self.bar.set_style(style(pace));
        self.pace = pace;
        self
    }

    /// So many steps more are done.
    pub(crate) fn advance(&self, steps: u64) {
        self.bar.inc(steps);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.elapsed() >= TOLD_EVERY {
            *told = Instant::now();
            self.tell();
        }
    }

    /// Says how far it is, for who reads a log.
    fn tell(&self) {
        let (done, total) = (self.bar.position(), self.bar.length().unwrap_or(0));
        let left = time_left(self.bar.eta(), total.saturating_sub(done), self.pace);
        tracing::info!(done, total, seconds_left = left.as_secs(), "{} under way", self.label);
    }

    /// What is being done now.
    pub(crate) fn at(&self, what: impl ToString) {
        self.bar.set_message(what.to_string());
    }
}

fn style(pace: Duration) -> ProgressStyle {
    let left = move |state: &ProgressState, out: &mut dyn fmt::Write| {
        let remaining = state.len().unwrap_or(0).saturating_sub(state.pos());
        // There is nobody to tell that the terminal takes nothing.
        write!(out, "{}", duration(time_left(state.eta(), remaining, pace))).ok();
    };
    let style = ProgressStyle::with_template(TEMPLATE).expect("a test makes a bar with this template");
    style.with_key("left", left).progress_chars("━╸ ")
}

/// As long as the steps so far let expect, but not less than the pace allows.
fn time_left(expected: Duration, remaining: u64, pace: Duration) -> Duration {
    expected.max(pace.saturating_mul(u32::try_from(remaining).unwrap_or(u32::MAX)))
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
    fn no_more_is_promised_than_the_quota_allows() {
        let (second, six) = (Duration::from_secs(1), Duration::from_secs(6));
        assert_eq!(time_left(second, 10, six), Duration::from_secs(60), "the first hours were quick");
        assert_eq!(time_left(Duration::from_secs(600), 10, six), Duration::from_secs(600), "the hours are large");
        assert_eq!(time_left(second, 0, six), second);
        assert_eq!(time_left(second, u64::MAX, Duration::MAX), Duration::MAX);
    }

    #[test]
    fn nothing_is_drawn_into_a_file() {
        assert!(bars(Talk::Normal, Face::File).is_hidden());
        assert!(bars(Talk::Quiet, Face::Terminal).is_hidden());
    }
}

//! Metrics in the text format of Prometheus (0.0.4), which the textfile collector of node_exporter reads.
//!
//! There are two groups: how the archive stands, and how its last run went. A file is written with both: what cannot be
//! told now is taken over from the file that is replaced, so that an alarm does not end because nothing could be read.

use std::collections::BTreeMap;
use std::path::Path;

use chat::{State, Timestamp};
use ingest::Coverage;
use prometheus::{GaugeVec, Opts, Registry, TextEncoder};

use crate::monitoring::findings::Numbers;

/// A metric; all of them are gauges.
pub(super) struct Metric {
    pub(super) name: &'static str,
    help: &'static str,
    group: Group,
}

/// What is told anew, or taken over, together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Group {
    Archive,
    Run,
    /// Only ever replaced by a run that succeeded.
    Success,
}

const fn metric(group: Group, name: &'static str, help: &'static str) -> Metric {
    Metric { name, help, group }
}

/// Every metric. Names are an interface: `docs/monitoring.md` lists them.
pub(super) const METRICS: [Metric; 27] = [
    metric(Group::Archive, "annals_hours", "Hours from the first that the service was asked for up to now, by state."),
    metric(Group::Archive, "annals_hours_at_risk", "Hours that are not archived and that the service deletes soon."),
    metric(Group::Archive, "annals_hours_lost", "Hours that the service deleted before they were archived."),
    metric(
        Group::Archive,
        "annals_next_loss_seconds",
        "Time until the service deletes the next hour that is not archived, when the archive was looked at.",
    ),
    metric(
        Group::Archive,
        "annals_next_loss_timestamp_seconds",
        "When the service deletes the next hour that is not archived.",
    ),
    metric(Group::Archive, "annals_newest_hour_timestamp_seconds", "The end of the newest archived hour."),
    metric(Group::Archive, "annals_lines", "Lines of the archived hours, as served."),
    metric(Group::Archive, "annals_messages", "Messages of the archived hours."),
    metric(Group::Archive, "annals_duplicates", "Lines dropped because the same message was in the hour already."),
    metric(Group::Archive, "annals_dead_letters", "Lines set aside because they cannot be read."),
    metric(Group::Archive, "annals_conflicts", "Messages whose id is also that of another message of the hour."),
    metric(Group::Archive, "annals_strays", "Messages whose time lies outside their hour."),
    metric(Group::Archive, "annals_retained", "Messages kept although the service no longer serves them."),
    metric(Group::Archive, "annals_bytes", "Bytes of the archived hours, as served."),
    metric(
        Group::Archive,
        "annals_archive_read_timestamp_seconds",
        "When the archive was looked at for these metrics.",
    ),
    metric(Group::Run, "annals_run_exit_code", "The exit code of the last run."),
    metric(Group::Run, "annals_run_duration_seconds", "How long the last run took."),
    metric(Group::Run, "annals_run_calls", "How often the last run asked the service for an hour."),
    metric(Group::Run, "annals_run_hours_published", "Hours that the last run published."),
    metric(Group::Run, "annals_run_hours_grown", "Hours among them that were archived before and had changed."),
    metric(Group::Run, "annals_run_hours_failed", "Hours that the last run could not archive."),
    metric(Group::Run, "annals_run_hours_newly_lost", "Hours of which the last run learned that they are lost."),
    metric(Group::Run, "annals_run_messages", "Messages that the last run published."),
    metric(Group::Run, "annals_run_bytes", "Bytes that the last run downloaded or read."),
    metric(Group::Run, "annals_run_version", "The version of the program that made the last run; always 1."),
    metric(Group::Run, "annals_last_run_timestamp_seconds", "When the last run ended."),
    metric(Group::Success, "annals_last_success_timestamp_seconds", "When the last run that ended with code 0 did."),
];

/// The value of a metric, told apart by at most one label besides the archive.
#[derive(Debug, Clone, PartialEq)]
struct Sample {
    label: Option<(String, String)>,
    value: f64,
}

/// Values under the names of their metrics.
type Samples = BTreeMap<&'static str, Vec<Sample>>;

/// How a run ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended {
    pub(super) at: Timestamp,
    pub(super) exit_code: u8,
    pub(super) seconds: f64,
    pub(super) numbers: Numbers,
}

/// The metrics of one archive.
#[derive(Debug, Default)]
pub(super) struct Metrics(Samples);

impl Metrics {
    /// How the archive stands.
    pub(super) fn add_coverage(&mut self, coverage: &Coverage) {
        for state in State::ALL {
            let label = Some(("state".to_owned(), state.word().to_owned()));
            let value = coverage.hours(state).count() as f64;
            self.0.entry("annals_hours").or_default().push(Sample { label, value });
        }
        self.set("annals_hours_at_risk", coverage.at_risk().count() as f64);
        self.set("annals_hours_lost", coverage.hours(State::Lost).count() as f64);
        if let Some((_, gone)) = coverage.next_loss() {
            self.set("annals_next_loss_seconds", seconds(gone) - seconds(coverage.now));
            self.set("annals_next_loss_timestamp_seconds", seconds(gone));
        }
        if let Some(hour) = coverage.hours(State::Done).max() {
            self.set("annals_newest_hour_timestamp_seconds", seconds(hour.end()));
        }
        let tally = &coverage.tally;
        self.set("annals_lines", tally.lines as f64);
        self.set("annals_messages", tally.messages as f64);
        self.set("annals_duplicates", tally.duplicates as f64);
        self.set("annals_dead_letters", tally.dead_letters as f64);
        self.set("annals_conflicts", tally.conflicts as f64);
        self.set("annals_strays", tally.strays as f64);
        self.set("annals_retained", tally.retained as f64);
        self.set("annals_bytes", coverage.bytes as f64);
        self.set("annals_archive_read_timestamp_seconds", seconds(coverage.now));
    }

    /// How a run went.
    pub(super) fn add_run(&mut self, ended: &Ended) {
        let (at, numbers) = (seconds(ended.at), &ended.numbers);
        self.set("annals_run_exit_code", ended.exit_code.into());
        self.set("annals_run_duration_seconds", ended.seconds);
        self.set("annals_run_calls", numbers.calls as f64);
        self.set("annals_run_hours_published", numbers.hours_published as f64);
        self.set("annals_run_hours_grown", numbers.hours_grown as f64);
        self.set("annals_run_hours_failed", numbers.hours_failed as f64);
        self.set("annals_run_hours_newly_lost", numbers.hours_newly_lost as f64);
        self.set("annals_run_messages", numbers.lines.messages as f64);
        self.set("annals_run_bytes", numbers.bytes as f64);
        let version = Some(("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()));
        self.0.insert("annals_run_version", vec![Sample { label: version, value: 1.0 }]);
        self.set("annals_last_run_timestamp_seconds", at);
        if ended.exit_code == 0 {
            self.set("annals_last_success_timestamp_seconds", at);
        }
    }

    /// Takes over from an earlier file of the same archive the groups of which nothing is known now.
    pub(super) fn take_over(&mut self, earlier: &str, archive: &Path) {
        for group in [Group::Archive, Group::Run, Group::Success] {
            let of_group = || METRICS.iter().filter(move |metric| metric.group == group);
            if of_group().any(|metric| self.0.contains_key(metric.name)) {
                continue;
            }
            for metric in of_group() {
                let samples = samples_of(metric.name, earlier, archive);
                if !samples.is_empty() {
                    self.0.insert(metric.name, samples);
                }
            }
        }
    }

    /// The text of the file. Each value carries the path of the archive as a label, because the collector refuses two files
    /// that have the same metric with the same labels.
    pub(super) fn text(&self, archive: &Path) -> Result<String, prometheus::Error> {
        let registry = Registry::new();
        let archive = archive.display().to_string();
        for metric in &METRICS {
            let Some(samples) = self.0.get(metric.name) else { continue };
            let more = samples.first().and_then(|sample| sample.label.as_ref()).map(|(name, _)| name.as_str());
            let labels: Vec<&str> = ["archive"].into_iter().chain(more).collect();
            let gauges = GaugeVec::new(Opts::new(metric.name, metric.help), &labels)?;
            for sample in samples {
                let more = sample.label.as_ref().map(|(_, value)| value.as_str());
                let values: Vec<&str> = [archive.as_str()].into_iter().chain(more).collect();
                gauges.get_metric_with_label_values(&values)?.set(sample.value);
            }
            registry.register(Box::new(gauges))?;
        }
        TextEncoder::new().encode_to_string(&registry.gather())
    }

    fn set(&mut self, name: &'static str, value: f64) {
        debug_assert!(METRICS.iter().any(|metric| metric.name == name), "{name} is in the list");
        self.0.insert(name, vec![Sample { label: None, value }]);
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.timestamp_millis() as f64 / 1000.0
}

/// The values that a file written by [`Metrics::text`] has for a metric of this archive. Labels stand in alphabetical order,
/// so that of the archive is the first.
fn samples_of(name: &str, text: &str, archive: &Path) -> Vec<Sample> {
    let beginning = format!("{name}{{archive=\"{}\"", escaped(&archive.display().to_string()));
    let of_line = |line: &str| {
        let (labels, value) = line.strip_prefix(&beginning)?.rsplit_once("} ")?;
        let value = value.parse().ok()?;
        if labels.is_empty() {
            return Some(Sample { label: None, value });
        }
        let (name, text) = labels.strip_prefix(',')?.split_once("=\"")?;
        Some(Sample { label: Some((name.to_owned(), text.strip_suffix('"')?.to_owned())), value })
    };
    text.lines().filter_map(of_line).collect()
}

/// A label's value as the format writes it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chat::{Entry, Hour, Hours, Tally};
    use ingest::Habits;

    use super::*;

    const ARCHIVE: &str = "/srv/a \"b\"\\c";

    fn coverage(hours: i64) -> Coverage {
        let first = Hour::from_key("2026031409").unwrap();
        let tally = Tally { lines: 8, messages: 7, dead_letters: 1, ..Tally::default() };
        let source = "fetch".to_owned();
        let entry = Entry { bytes: 100, tally, source, ..Entry::new(first, first.end(), State::Done) };
        let range = Hours::between(first, first.plus(hours));
        let entries = [(first, entry)].into_iter().collect();
        let warning = Duration::from_secs(24 * 3600);
        Coverage::of(&entries, range, &Habits::default(), first.plus(60).start(), warning)
    }

    fn ended(exit_code: u8) -> Ended {
        let at = Hour::from_key("2026031609").unwrap().start();
        Ended { at, exit_code, seconds: 1.5, numbers: Numbers { calls: 3, ..Numbers::default() } }
    }

    fn text(metrics: &Metrics) -> String {
        metrics.text(Path::new(ARCHIVE)).unwrap()
    }

    /// The value of a metric without labels of its own.
    fn value(text: &str, name: &str) -> Option<f64> {
        samples_of(name, text, Path::new(ARCHIVE)).first().map(|sample| sample.value)
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut metrics = Metrics::default();
        metrics.add_coverage(&coverage(3));
        metrics.add_run(&ended(0));
        let text = text(&metrics);
        for (name, expected) in [
            ("annals_hours_at_risk", 2.0),
            ("annals_hours_lost", 0.0),
            ("annals_next_loss_seconds", 14.0 * 3600.0),
            ("annals_messages", 7.0),
            ("annals_bytes", 100.0),
            ("annals_run_duration_seconds", 1.5),
            ("annals_run_calls", 3.0),
            ("annals_last_success_timestamp_seconds", 1_773_651_600.0),
        ] {
            assert_eq!(value(&text, name), Some(expected), "{name} in\n{text}");
        }
        assert!(text.contains("\n# TYPE annals_hours gauge\n"), "{text}");
        assert!(text.contains(r#"annals_hours{archive="/srv/a \"b\"\\c",state="pending"} 2"#), "{text}");
        let mut again = Metrics::default();
        again.take_over(&text, Path::new(ARCHIVE));
        assert_eq!(again.0, metrics.0);
    }

    #[test]
    fn a_run_that_fails_takes_the_last_success_over() {
        let mut good = Metrics::default();
        good.add_run(&ended(0));
        let mut bad = Metrics::default();
        bad.add_run(&Ended { at: ended(3).at + Duration::from_secs(86_400), ..ended(3) });
        bad.take_over(&text(&good), Path::new(ARCHIVE));
        let text = text(&bad);
        assert_eq!(value(&text, "annals_run_exit_code"), Some(3.0));
        assert_eq!(value(&text, "annals_last_success_timestamp_seconds"), Some(1_773_651_600.0));
        assert_eq!(value(&text, "annals_last_run_timestamp_seconds"), Some(1_773_738_000.0));
    }

    #[test]
    fn a_group_is_taken_over_whole_or_not_at_all() {
        let mut earlier = Metrics::default();
        earlier.add_coverage(&coverage(3));
        earlier.add_run(&ended(0));
        let mut now = Metrics::default();
        now.add_coverage(&coverage(1));
        now.take_over(&text(&earlier), Path::new(ARCHIVE));
        assert_eq!(value(&text(&now), "annals_next_loss_seconds"), None, "nothing is to be lost any more");
        assert_eq!(value(&text(&now), "annals_run_calls"), Some(3.0));
    }

    #[test]
    fn another_archives_file_and_nonsense_are_left_aside() {
        let mut earlier = Metrics::default();
        earlier.add_run(&ended(0));
        for (text, archive) in [(text(&earlier), "/srv/other"), ("annals_run_calls{archive=\"".to_owned(), ARCHIVE)] {
            let mut now = Metrics::default();
            now.take_over(&text, Path::new(archive));
            assert!(now.0.is_empty(), "{:?}", now.0);
        }
    }

    #[test]
    fn names_have_our_prefix_and_end_in_their_unit() {
        for metric in &METRICS {
            assert!(metric.name.starts_with("annals_") && metric.help.ends_with('.'), "{}", metric.name);
            let is_time = ["loss", "timestamp", "duration"].iter().any(|word| metric.name.contains(word));
            assert!(!is_time || metric.name.ends_with("_seconds"), "{}", metric.name);
        }
    }
}

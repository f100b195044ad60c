//! Log lines on stderr.

use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry};

use crate::environment::{self, Environment};
use crate::output::{LogFormat, Output, Talk};
#[cfg(feature = "otel")]
use crate::traces::Traces;

/// The crates of this program, as they name themselves in log lines.
const OURS: [&str; 11] =
    ["annals", "api", "archive", "chat", "decode", "emulator", "index", "ingest", "query", "restore", "store"];

/// The events of the run and of each hour, which machines are told without being asked.
const EVENTS: &str = "annals::run=info,annals::hour=info";

/// What takes events and spans in.
type BoxedLayer = Box<dyn Layer<Registry> + Send + Sync>;

/// Events and spans go where they are wanted for as long as this is kept. Dropped, it sends what is still to be sent.
#[derive(Debug)]
pub(crate) struct Logging {
    #[cfg(feature = "otel")]
    _traces: Option<Traces>,
}

/// Starts logging. `verbosity` counts `-v`, which is the strongest; then comes `RUST_LOG`, and then the setting `log.filter`.
///
/// # Panics
///
/// When it is called twice.
pub(crate) fn start(setting: &str, verbosity: u8, environment: &Environment, output: &Output) -> Logging {
    #[cfg(feature = "otel")]
    {
        let traces = Traces::asked_for(environment, output);
        let spans = traces.iter().map(Traces::layer);
        let layers: Vec<BoxedLayer> = spans.chain([lines(setting, verbosity, environment, output)]).collect();
        tracing_subscriber::registry().with(layers).init();
        Logging { _traces: traces }
    }
    #[cfg(not(feature = "otel"))]
    {
        tracing_subscriber::registry().with(lines(setting, verbosity, environment, output)).init();
        Logging {}
    }
}

/// The lines on stderr.
fn lines(setting: &str, verbosity: u8, environment: &Environment, output: &Output) -> BoxedLayer {
    let variable = environment.log();
    let variable = variable.filter(|filter| match EnvFilter::try_new(filter) {
        Ok(_) => true,
        Err(error) => {
            output.warn(format_args!("{} is left out of account: {error}", environment::LOG));
            false
        }
    });
    let wants_events = output.log_format() == LogFormat::Json && output.talk() == Talk::Normal;
    let filter = EnvFilter::new(chosen(setting, variable, verbosity, wants_events));
    let bars = output.clone();
    let lines = tracing_subscriber::fmt::layer().with_span_events(FmtSpan::NONE).with_writer(move || bars.log_writer());
    match output.log_format() {
        LogFormat::Text => lines.with_ansi(output.colours_on_stderr()).with_filter(filter).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_filter(filter).boxed(),
    }
}

fn chosen(setting: &str, variable: Option<&str>, verbosity: u8, wants_events: bool) -> String {
    match (verbosity, variable) {
        (0, Some(variable)) => variable.to_owned(),
        // In front: what the setting says of the same targets is stronger.
        (0, None) if wants_events => format!("{EVENTS},{setting}"),
        (0, None) => setting.to_owned(),
        _ => in_detail(verbosity),
    }
}

/// Our own crates in more and more detail. Those of others stay at `info`, because they would log what they send.
fn in_detail(verbosity: u8) -> String {
    let (level, others) = match verbosity {
        0 | 1 => ("info", "warn"),
        2 => ("debug", "warn"),
        _ => ("trace", "info"),
    };
    // Its errors are questions that we ask of a log, such as whether there is one.
    let others = format!("{others},buoyant_kernel=off");
    OURS.iter().fold(others, |filter, name| format!("{filter},{name}={level}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_v_says_more() {
        let chosen = |verbosity| chosen("warn", Some("error"), verbosity, true);
        assert!(chosen(1).starts_with("warn,buoyant_kernel=off,annals=info,api=info,"));
        assert!(chosen(2).ends_with(",store=debug"));
        assert_eq!(chosen(3), chosen(9));
        for verbosity in 0..4 {
            assert!(EnvFilter::try_new(chosen(verbosity)).is_ok());
        }
    }

    #[test]
    fn the_variable_is_stronger_than_the_setting_and_weaker_than_a_v() {
        assert_eq!(chosen("warn,api=off", None, 0, false), "warn,api=off");
        assert_eq!(chosen("warn", Some("debug"), 0, false), "debug");
        assert_eq!(chosen("warn", Some("debug"), 0, true), "debug");
        assert_eq!(chosen("warn", Some("debug"), 1, false), chosen("warn", None, 1, true));
    }

    #[test]
    fn the_events_can_be_taken_out_of_the_json_by_name() {
        let filter = EnvFilter::new(chosen("warn,annals::hour=off", None, 0, true)).to_string();
        assert!(filter.contains("annals::hour=off") && filter.contains("annals::run=info"), "{filter}");
        assert!(!filter.contains("annals::hour=info"), "{filter}");
    }

    #[test]
    fn no_crate_is_forgotten() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/crates");
        let Ok(folders) = std::fs::read_dir(root) else { panic!("{root} is the folder of the crates") };
        for folder in folders {
            let name = folder.unwrap().file_name().into_string().unwrap();
            assert!(name == "cli" || OURS.contains(&name.as_str()), "{name} is to be in the list");
        }
    }
}

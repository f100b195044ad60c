//! Log lines on stderr.

use tracing_subscriber::EnvFilter;

use crate::output::Output;

/// The crates of this program, as they name themselves in log lines.
const OURS: [&str; 10] =
    ["annals", "api", "archive", "chat", "decode", "emulator", "index", "ingest", "query", "store"];

/// Starts logging. `verbosity` counts `-v`; without any the setting `log.filter` holds.
///
/// # Panics
///
/// When it is called twice.
pub(crate) fn start(filter: &str, verbosity: u8, output: &Output) {
    let bars = output.clone();
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(chosen(filter, verbosity)))
        .with_ansi(output.colours_on_stderr())
        .with_writer(move || bars.log_writer())
        .init();
}

/// Our own crates in more and more detail. Those of others stay at `info`, because they would log what they send.
fn chosen(filter: &str, verbosity: u8) -> String {
    let (level, others) = match verbosity {
        0 => return filter.to_owned(),
        1 => ("info", "warn"),
        2 => ("debug", "warn"),
        _ => ("trace", "info"),
    };
    OURS.iter().fold(others.to_owned(), |filter, name| format!("{filter},{name}={level}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_v_says_more() {
        assert_eq!(chosen("warn,api=off", 0), "warn,api=off");
        assert!(chosen("warn", 1).starts_with("warn,annals=info,api=info,"));
        assert!(chosen("warn", 2).ends_with(",store=debug"));
        assert_eq!(chosen("warn", 3), chosen("warn", 9));
        for verbosity in 0..4 {
            assert!(EnvFilter::try_new(chosen("warn", verbosity)).is_ok());
        }
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

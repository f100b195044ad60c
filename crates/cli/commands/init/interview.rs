//! The questions that `init` asks on a terminal.

use std::io;
use std::path::Path;

use crate::environment::variable_of;
use crate::error::CommandError;
use crate::settings::{Settings, SettingsError};

/// A conversation with a person: each answer is tried at once, and the question repeated until it fits.
pub(super) struct Interview<A> {
    /// Shows a text and gives back the line that was typed; `None` at the end of the input.
    ask: A,
    settings: Settings,
    /// The answers so far, in the form of `--set`.
    answers: Vec<String>,
    /// What was wrong with the last answer, to be said before the question is repeated.
    complaint: String,
}

/// How the program proves to the service who asks.
#[derive(Debug, Clone, Copy)]
struct Way {
    word: &'static str,
    /// The setting that goes with the secret, and what it is.
    id: Option<(&'static str, &'static str)>,
    secret: &'static str,
    what: &'static str,
}

const WAYS: [Way; 3] = [
    Way {
        word: "client",
        id: Some(("api.client_id", "The client id of the app, as the console shows it.")),
        secret: "api.client_secret",
        what: "client secret",
    },
    Way {
        word: "certificate",
        id: Some(("api.app_id", "The Agora app id, as the console shows it.")),
        secret: "api.app_certificate",
        what: "app certificate",
    },
    Way { word: "token", id: None, secret: "api.token", what: "token" },
];

impl<A: FnMut(&str) -> io::Result<Option<String>>> Interview<A> {
    /// A conversation that starts from these settings: what they say is offered in brackets.
    pub(super) fn new(settings: &Settings, ask: A) -> Self {
        Self { ask, settings: settings.clone(), answers: Vec::new(), complaint: String::new() }
    }

    /// Asks everything that an archive needs, and gives the settings back with the answers in them.
    ///
    /// # Errors
    ///
    /// When the input ends or cannot be read.
    pub(super) fn hold(mut self, archive: &Path) -> Result<Settings, CommandError> {
        self.setting(
            "api.base_url",
            "Where is the Chat service? Everything before /chatmessages, such as\n\
             https://a1.easemob.com/my-org/my-app or https://{host}/app-id/{app id}.",
        )?;
        self.setting(
            "api.zone",
            "In which zone does the service name its hours? UTC overseas, +08:00 in mainland China. With the wrong\n\
             zone every hour is filed under a wrong name; `annals doctor` checks it against the messages.",
        )?;
        self.setting(
            "hours.retention",
            "How long does the service keep an hour? 3d, unless your plan says longer. What is not fetched within\n\
             this time is lost.",
        )?;
        let way = self.way()?;
        if let Some((id, question)) = way.id {
            self.setting(id, question)?;
        }
        self.place_of_secret(way, archive)?;
        Ok(self.settings)
    }

    fn way(&mut self) -> Result<Way, CommandError> {
        let question = "How does annals prove who it is? With the `client` id and secret of the app, with the Agora app id\n\
                        and `certificate`, or with a ready `token`, which runs out some day.";
        loop {
            let word = self.answer(question, Some("client"))?;
            match WAYS.iter().find(|way| way.word == word) {
                Some(way) => return Ok(*way),
                None => self.complain(&format!("`{word}` is none of client, certificate and token")),
            }
        }
    }

    /// The secret itself is never asked for: what is typed on a terminal is seen, and stays in its memory.
    fn place_of_secret(&mut self, way: Way, archive: &Path) -> Result<(), CommandError> {
        let key = way.secret.trim_start_matches("api.");
        let beside = format!("{}.{key}", archive.display());
        let question = format!(
            "Where is the {} kept? The path of a file that holds it and nothing else, or `environment`: then it is to\n\
             be in {} of whoever runs annals, cron too.",
            way.what,
            variable_of(way.secret)
        );
        loop {
            let place = self.answer(&question, Some(&beside))?;
            if place == "environment" || self.takes(&format!("{}_file={place}", way.secret)) {
                return Ok(());
            }
        }
    }

    /// Asks for a setting until the answer is one that it can have.
    fn setting(&mut self, name: &'static str, question: &str) -> Result<(), CommandError> {
        loop {
            let standing = self.settings.text(name).map(String::from);
            let answer = self.answer(question, standing.as_deref())?;
            if self.takes(&format!("{name}={answer}")) {
                return Ok(());
            }
        }
    }

    /// Takes an answer, in the form of `--set`, if it fits; says what is wrong with it if not.
    fn takes(&mut self, answer: &str) -> bool {
        self.answers.push(answer.to_owned());
        match self.settings.with(&self.answers) {
            Ok(settings) => {
                self.settings = settings;
                true
            }
            Err(error) => {
                self.answers.pop();
                let reason = if let SettingsError::Invalid { reason, .. } = error { reason } else { error.to_string() };
                self.complain(&reason);
                false
            }
        }
    }

    /// A line that is not empty, or what stands in brackets.
    fn answer(&mut self, question: &str, standing: Option<&str>) -> Result<String, CommandError> {
        let brackets = standing.map_or_else(String::new, |standing| format!("[{standing}] "));
        let complaint = std::mem::take(&mut self.complaint);
        let mut prompt = format!("{complaint}\n{question}\n{brackets}> ");
        loop {
            let Some(line) = (self.ask)(&prompt).map_err(unreadable)? else { return Err(broken_off()) };
            match (line.trim(), standing) {
                ("", Some(standing)) => return Ok(standing.to_owned()),
                ("", None) => prompt = NOTHING_TO_TAKE.to_owned(),
                (line, _) => return Ok(line.to_owned()),
            }
        }
    }

    fn complain(&mut self, reason: &str) {
        self.complaint = format!("  {reason}\n");
    }
}

/// Said to who presses Enter where nothing stands in brackets.
const NOTHING_TO_TAKE: &str = "  there is nothing to take in its place: write it, or stop with Ctrl-C\n> ";

fn unreadable(error: io::Error) -> CommandError {
    CommandError::usage(error).while_doing("could not read the answer")
}

fn broken_off() -> CommandError {
    CommandError::usage("the answers end before the questions do").hint(
        "nothing was written; run it again, or give the answers as flags: \
         annals init --base-url https://a1.easemob.com/my-org/my-app",
    )
}

#[cfg(test)]
mod tests {
    use crate::environment::Environment;

    use super::*;

    /// The settings file after these answers, and everything that was shown.
    fn held(variables: &[(&str, &str)], answers: &[&str]) -> (Result<String, CommandError>, String) {
        let variables = variables.iter().map(|(name, value)| (name.into(), value.into()));
        let environment = Environment::from_variables(variables).unwrap();
        let settings = Settings::load(Path::new("/nonexistent"), &environment, &[]).unwrap();
        let (mut answers, mut shown) = (answers.iter(), String::new());
        let ask = |prompt: &str| {
            shown.push_str(prompt);
            Ok(answers.next().map(|answer| format!("{answer}\n")))
        };
        let settings = Interview::new(&settings, ask).hold(Path::new("/srv/chat"));
        assert!(settings.is_err() || answers.next().is_none(), "an answer was not asked for: {shown}");
        (settings.map(|settings| settings.to_file()), shown)
    }

    const URL: &str = "https://a1.easemob.com/harbor-org/lantern";

    #[track_caller]
    fn has(file: &str, lines: &[&str]) {
        for line in lines {
            assert!(file.lines().any(|found| found == *line), "{line} in\n{file}");
        }
    }

    #[test]
    fn enter_takes_what_is_in_brackets() {
        let (file, shown) = held(&[], &[URL, "", "", "", "YXA6id", ""]);
        let secret = "client_secret_file = \"/srv/chat.client_secret\"";
        has(&file.unwrap(), &["zone = \"UTC\"", "retention = \"3d\"", "client_id = \"YXA6id\"", secret]);
        for brackets in ["[UTC] > ", "[3d] > ", "[client] > ", "[/srv/chat.client_secret] > "] {
            assert!(shown.contains(brackets), "{brackets} in {shown}");
        }
    }

    #[test]
    fn what_is_known_is_offered() {
        let known = [("ANNALS_API_BASE_URL", URL), ("ANNALS_API_ZONE", "+08:00"), ("ANNALS_API_APP_ID", "970CA")];
        let (file, _) = held(&known, &["", "", "7d", "certificate", "", "environment"]);
        let file = file.unwrap();
        has(&file, &["zone = \"+08:00\"", "retention = \"7d\"", "app_id = \"970CA\""]);
        has(&file, &["#app_certificate_file = \"/etc/annals/app_certificate\""]);
    }

    #[test]
    fn an_answer_that_does_not_fit_is_asked_for_again() {
        let answers = [
            "",
            "a1.easemob.com",
            URL, // nothing, and no URL
            "Asia/Shanghai",
            "+08:00", // no whole-hour offset
            "3",
            "1h",
            "3d", // no unit, and less than the time until a file is there
            "password",
            "token",
            "~/token",
            "/run/token",
        ];
        let (file, shown) = held(&[], &answers);
        has(&file.unwrap(), &["zone = \"+08:00\"", "retention = \"3d\"", "token_file = \"/run/token\""]);
        for complaint in [
            "  there is nothing to take in its place",
            "  it is no URL: write https://{host}/{org}/{app}\n",
            "  `Asia/Shanghai` is no zone",
            "  `3` is no length of time",
            "  it is shorter than `hours.readiness`: set that, too",
            "  `password` is none of client, certificate and token",
            "  `~/token` does not begin at the root",
        ] {
            assert!(shown.contains(complaint), "{complaint} in {shown}");
        }
    }

    #[test]
    fn answers_that_break_off_are_an_error() {
        let (settings, _) = held(&[], &[URL]);
        assert!(settings.unwrap_err().render().contains("hint: nothing was written"));
    }
}

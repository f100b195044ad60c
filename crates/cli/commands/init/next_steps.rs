//! What is to be done once an archive has its settings: up to the line for cron, ready to be pasted.

use std::path::Path;

use crate::environment::variable_of;
use crate::settings::Settings;

/// The steps, numbered. `program` and `archive` begin at the root: cron runs in another folder and knows no `PATH` of yours.
pub(super) fn next_steps(settings: &Settings, program: &Path, archive: &str, file: &Path) -> String {
    let annals =
        |command: &str| format!("{} {command} --archive {}", quoted(&program.to_string_lossy()), quoted(archive));
    let mut steps = Vec::new();
    if settings.text("api.base_url").is_none() {
        steps.push(format!("write `base_url`, and who asks, into {}", file.display()));
    }
    steps.push(secret(settings));
    steps.push(format!("check everything:\n{}", annals("doctor")));
    steps.push(format!("archive what the service still keeps:\n{}", annals("fetch --due")));
    let line = for_cron(&annals("fetch --due --quiet"));
    steps.push(format!("do so every six hours: put this line into `crontab -e`\n23 */6 * * * {line}"));
    let numbered = (1..).zip(steps).map(|(number, step)| format!("{number}. {}\n", step.replace('\n', "\n       ")));
    format!("\nnext:\n{}cron mails what it prints: nothing when all is well", numbered.collect::<String>())
}

/// Where the secret goes.
fn secret(settings: &Settings) -> String {
    let ways = ["api.token", "api.client_secret", "api.app_certificate"];
    let file = ways.iter().find_map(|name| settings.text(&format!("{name}_file")));
    if let Some(file) = file {
        return format!(
            "put the secret into its file: paste it, press Enter and Ctrl-D\n(umask 077; cat > {})",
            quoted(file)
        );
    }
    let way = match (settings.text("api.client_id"), settings.text("api.app_id")) {
        (Some(_), _) => "api.client_secret",
        (None, Some(_)) => "api.app_certificate",
        (None, None) => "api.token",
    };
    let variable = variable_of(way);
    format!(
        "set {variable} in the environment, for cron as a line `{variable}=…` above the one below; or name a file that\n\
         holds it, as `{}_file` in the settings",
        way.trim_start_matches("api.")
    )
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "-_./+:@,=".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A command as cron reads it: a bare percent sign ends it.
fn for_cron(command: &str) -> String {
    command.replace('%', r"\%")
}

#[cfg(test)]
mod tests {
    use crate::environment::Environment;

    use super::*;

    fn steps(flags: &[&str], archive: &str) -> String {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let settings = Settings::load(Path::new("/nonexistent"), &Environment::default(), &flags).unwrap();
        next_steps(
            &settings,
            Path::new("/usr/local/bin/annals"),
            archive,
            &Path::new(archive).join(crate::settings::FILE),
        )
    }

    #[test]
    fn the_steps_lead_to_a_line_for_cron() {
        let url = "api.base_url=https://a1.easemob.com/harbor-org/lantern";
        assert_eq!(
            steps(&[url, "api.client_id=c", "api.client_secret_file=/srv/chat.secret"], "/srv/chat"),
            "\nnext:\n\
             1. put the secret into its file: paste it, press Enter and Ctrl-D\n       \
             (umask 077; cat > /srv/chat.secret)\n\
             2. check everything:\n       \
             /usr/local/bin/annals doctor --archive /srv/chat\n\
             3. archive what the service still keeps:\n       \
             /usr/local/bin/annals fetch --due --archive /srv/chat\n\
             4. do so every six hours: put this line into `crontab -e`\n       \
             23 */6 * * * /usr/local/bin/annals fetch --due --quiet --archive /srv/chat\n\
             cron mails what it prints: nothing when all is well"
        );
    }

    #[test]
    fn a_secret_without_a_file_is_named_by_its_variable() {
        assert!(steps(&["api.app_id=970CA"], "/a").contains("set ANNALS_API_APP_CERTIFICATE in the environment"));
        let bare = steps(&[], "/a");
        assert!(bare.contains("1. write `base_url`, and who asks, into /a/annals.toml"), "{bare}");
        assert!(bare.contains("2. set ANNALS_API_TOKEN in the environment"), "{bare}");
    }

    #[test]
    fn shells_and_cron_read_a_path_as_it_is() {
        let told = steps(&[], "/srv/50% of mara's chats");
        assert!(told.contains(r"annals doctor --archive '/srv/50% of mara'\''s chats'"), "{told}");
        assert!(told.contains(r"--quiet --archive '/srv/50\% of mara'\''s chats'"), "{told}");
        assert_eq!(quoted(""), "''");
    }
}

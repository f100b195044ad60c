//! Reads commands, variables, settings and secrets out of unit files and pages.

use std::collections::BTreeSet;

/// Words behind which `annals` is the name of a user, a group or an image.
const NAMING: [&str; 5] = ["-u", "-g", "-o", "-t", "--user"];
/// Settings whose value nobody may see, as the ends of their variables.
const SECRET: [&str; 4] = ["API_TOKEN", "API_CLIENT_SECRET", "API_APP_CERTIFICATE", "PING_URL"];

/// The calls of the program in a text, each without the program's name. In a page they stand in code.
pub(super) fn commands(text: &str, is_page: bool) -> Vec<Vec<String>> {
    let text = text.replace("\\\n", " ");
    let inline = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2)).filter(|piece| !piece.contains('…'));
    let lines: Vec<String> = if is_page {
        code(&text, "sh").flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    } else {
        text.lines().map(str::to_owned).collect()
    };
    let pieces = lines.iter().map(String::as_str).chain(inline.filter(|piece| !piece.is_empty()));
    pieces.filter_map(command).collect()
}

/// The call of the program in a line, if there is one.
fn command(line: &str) -> Option<Vec<String>> {
    let words = words(line);
    let is_program = |index: &usize| {
        let is_named = words[*index] == "annals" || words[*index].ends_with("/annals");
        let is_a_name = *index > 0 && NAMING.contains(&words[*index - 1].as_str());
        let is_called = words.get(index + 1).is_some_and(|next| next.chars().all(|letter| letter.is_ascii_lowercase()));
        is_named && !is_a_name && is_called
    };
    let program = (0..words.len()).find(is_program)?;
    let arguments = words.into_iter().skip(program + 1);
    let is_end =
        |word: &String| word.starts_with('#') || word.contains('>') || ["|", "&&", "||", ";"].contains(&&**word);
    Some(arguments.take_while(|word| !is_end(word)).collect())
}

/// The words of a line as a shell has them; quotes are taken away.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), _) if open == letter => quote = None,
            (None, '\'' | '"') => quote = Some(letter),
            (None, ' ' | '\t') => words.push(String::new()),
            _ => words.last_mut().expect("there is always a word").push(letter),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// The blocks of code in this language of a page.
pub(super) fn code<'a>(page: &'a str, language: &'a str) -> impl Iterator<Item = String> + 'a {
    let blocks = page.split("```").skip(1).step_by(2);
    blocks.filter_map(move |block| block.strip_prefix(language)?.strip_prefix('\n').map(str::to_owned))
}

/// The names of variables of ours.
pub(super) fn variables(text: &str) -> BTreeSet<String> {
    let is_part = |letter: char| letter.is_ascii_uppercase() || letter.is_ascii_digit() || letter == '_';
    let names = text.split(|letter| !is_part(letter)).filter(|name| name.starts_with("ANNALS_"));
    names.map(str::to_owned).collect()
}

/// What has the form of a setting, `section.key`; the sections are those of the page of settings.
pub(super) fn settings(text: &str, known: &str) -> BTreeSet<String> {
    let sections: Vec<&str> = known.lines().filter_map(|line| line.strip_prefix("## `[")?.strip_suffix("]`")).collect();
    assert!(sections.contains(&"api"), "{sections:?}");
    let is_part = |letter: char| letter.is_ascii_lowercase() || letter == '_' || letter == '.';
    // A path, a host and a word of another program are no settings.
    let words = text.split(|letter: char| letter.is_whitespace() || "`(),;:=\"".contains(letter));
    let words = words.map(|word| word.trim_end_matches('.')).filter(|word| word.chars().all(is_part));
    let is_setting = |word: &&str| {
        word.split_once('.').is_some_and(|(section, key)| sections.contains(&section) && !key.contains('.'))
    };
    words.filter(is_setting).map(str::to_owned).collect()
}

/// Values that look like secrets: of a variable that holds one, or in the shape of one.
pub(super) fn secrets(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for end in SECRET {
        let name = format!("ANNALS_{end}");
        // `NAME=value`, and what Kubernetes has: `name: NAME`, then `value: …`. The variable `NAME_FILE` holds a path.
        found.extend(text.split(&name).skip(1).filter_map(|rest| {
            let rest = rest.trim_start_matches(['"', '\'']);
            let value = rest.strip_prefix('=').or_else(|| rest.trim_start().strip_prefix("value:"))?;
            let value = value.trim_start_matches(' ').split_whitespace().next().unwrap_or_default();
            (!value.is_empty() && !value.starts_with('…')).then(|| format!("{name} has the value {value}"))
        }));
    }
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '+' || letter == '=';
    for word in text.split(|letter| !is_part(letter)) {
        // Tokens, keys and hashes are long and have digits all over; words have not.
        if word.len() >= 24 && word.chars().filter(char::is_ascii_digit).count() >= 4 {
            found.push(format!("{word} looks like a secret"));
        }
    }
    let is_manifest = |line: &&str| ["data:", "stringData:"].contains(&line.trim());
    found.extend(text.lines().filter(is_manifest).map(|line| format!("`{line}` is where Kubernetes keeps secrets")));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_wherever_they_stand() {
        let found = |line: &str| command(line).map(|words| words.join(" "));
        for line in [
            "23 */6 * * * /usr/local/bin/annals fetch --due",
            "ExecStart=/usr/local/bin/annals fetch --due",
            "sudo -u annals annals fetch --due    # every night",
            "docker run --rm -t annals fetch --due | tee log",
        ] {
            let expected = if line.contains("-t annals") { None } else { Some("fetch --due".to_owned()) };
            assert_eq!(found(line), expected, "{line}");
        }
        assert_eq!(
            found("annals query '\"see you\" from:mara' > hits").as_deref(),
            Some("query \"see you\" from:mara")
        );
        for line in
            ["u annals - \"Annals\" /var/lib/annals", "crontab -u annals file", "image: a/annals:0.1.0", "annals"]
        {
            assert_eq!(found(line), None, "{line}");
        }
        let page = "`annals status` and annals load\n```sh\nannals plan \\\n  --due\n```\n`annals query …`\n";
        assert_eq!(commands(page, true), [vec!["plan", "--due"], vec!["status"]]);
    }

    #[test]
    fn names_are_found() {
        let text =
            "ANNALS_ARCHIVE=%S/x `ANNALS_API_TOKEN_FILE` with `hours.retention = \"7d\"`, api.zone. fetch.rs hours.a.b";
        assert_eq!(variables(text).into_iter().collect::<Vec<_>>(), ["ANNALS_API_TOKEN_FILE", "ANNALS_ARCHIVE"]);
        let known = "## `[api]`\n## `[hours]`\n";
        assert_eq!(settings(text, known).into_iter().collect::<Vec<_>>(), ["api.zone", "hours.retention"]);
    }

    #[test]
    fn secrets_are_seen() {
        for text in [
            "ANNALS_API_TOKEN=abc",
            "- name: ANNALS_PING_URL\n  value: https://example.com",
            "Environment=\"ANNALS_API_CLIENT_SECRET=abc\"",
            "token YWMtN2E4ZTk5ZTAxMjM0NTY3ODlhYmNkZWY",
            "5CFd2fd1755d40ecb72977518be15d3b",
            "kind: Secret\nstringData:\n  token: x",
        ] {
            assert_eq!(secrets(text).len(), 1, "{text}: {:?}", secrets(text));
        }
        for text in [
            "ANNALS_API_TOKEN_FILE=/run/secrets/token",
            "export ANNALS_API_TOKEN=…",
            "set `ANNALS_PING_URL`: a watchdog",
            "fetch-a-very-long-name-of-a-file-0001.md",
        ] {
            assert_eq!(secrets(text), Vec::<String>::new(), "{text}");
        }
    }
}

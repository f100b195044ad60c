//! What the pages say about the code and about each other.

use std::collections::BTreeSet;

use crate::tree::{self, File};

/// The sections of a decision page, in order.
const SECTIONS: [&str; 4] = ["## Context", "## Decision", "## What lost, and why", "## What would change it"];

/// Relative links whose file or heading is not there.
pub(crate) fn dead_links(page: &File) -> Vec<String> {
    dead_links_with(page, tree::exists, tree::try_read)
}

fn dead_links_with(page: &File, exists: impl Fn(&str) -> bool, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut offences = Vec::new();
    for target in links(&page.text) {
        if ["http://", "https://", "mailto:"].iter().any(|scheme| target.starts_with(scheme)) {
            continue;
        }
        let (path, heading) = target.split_once('#').unwrap_or((&target, ""));
        let path = if path.is_empty() { page.path.clone() } else { joined(page.folder(), path) };
        if !exists(&path) {
            offences.push(format!("{}: {target}", page.path));
        } else if !heading.is_empty() && !read(&path).is_some_and(|text| headings(&text).contains(heading)) {
            offences.push(format!("{}: {target} (no such heading)", page.path));
        }
    }
    offences
}

/// The targets of `[text](target)` outside code.
fn links(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in prose(text) {
        // Every second piece lies between backticks.
        let outside: String = line.split('`').step_by(2).collect::<Vec<_>>().join("`");
        for piece in outside.split("](").skip(1) {
            if let Some((target, _rest)) = piece.split_once(')') {
                found.push(target.split(' ').next().unwrap_or(target).to_owned());
            }
        }
    }
    found
}

/// The anchors of a page, as GitHub makes them.
fn headings(text: &str) -> BTreeSet<String> {
    let titles = prose(text).filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    let kept = |character: &char| character.is_alphanumeric() || ['-', '_', ' '].contains(character);
    titles.map(|title| title.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

/// Lines outside fences.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    fenced(text).filter(|(inside, _line)| !inside).map(|(_inside, line)| line)
}

/// Lines inside fences, as they would be typed.
fn commands(text: &str) -> impl Iterator<Item = &str> {
    let typed = fenced(text).filter(|(inside, _line)| *inside);
    typed.map(|(_inside, line)| line.trim().trim_start_matches("$ ").split("  #").next().unwrap_or("").trim())
}

/// Every line, and whether a fence encloses it. The fences themselves are left out.
fn fenced(text: &str) -> impl Iterator<Item = (bool, &str)> {
    let mut inside = false;
    text.lines().filter_map(move |line| {
        let is_fence = line.trim_start().starts_with("```");
        inside ^= is_fence;
        (!is_fence).then_some((inside, line))
    })
}

/// `docs/decisions` and `../x.md` give `docs/x.md`.
fn joined(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            name => parts.push(name),
        }
    }
    parts.join("/")
}

/// The test commands of the README and of CI, unless they are one and the same.
pub(crate) fn test_commands_differ(readme: &str, ci: &str) -> Vec<String> {
    let shown: BTreeSet<&str> = commands(readme).filter(|line| line.starts_with("cargo test")).collect();
    let run: BTreeSet<&str> = steps(ci).filter(|step| step.starts_with("cargo test")).collect();
    if shown.len() == 1 && shown == run {
        return Vec::new();
    }
    vec![format!("README.md shows {shown:?}, .ci/run runs {run:?}")]
}

/// A command that the README does not show in a code block.
pub(crate) fn missing_command(readme: &str, command: &str) -> Vec<String> {
    if commands(readme).any(|line| line == command) { Vec::new() } else { vec![command.to_owned()] }
}

/// Steps of CI that the justfile does not hold as they are. Functions of the script are no steps.
pub(crate) fn without_recipe(ci: &str, justfile: &str) -> Vec<String> {
    let recipes: BTreeSet<&str> = justfile.lines().filter(|line| line.starts_with(' ')).map(str::trim).collect();
    let commands: Vec<&str> = steps(ci).filter(|step| step.contains(' ')).collect();
    if commands.is_empty() {
        return vec![".ci/run has no line that starts with `run`".to_owned()];
    }
    commands.into_iter().filter(|step| !recipes.contains(step)).map(str::to_owned).collect()
}

/// What `.ci/run` runs.
fn steps(ci: &str) -> impl Iterator<Item = &str> {
    ci.lines().filter_map(|line| line.trim().strip_prefix("run ")).map(str::trim)
}

pub(crate) fn not_pinned(requirements: &str) -> Vec<String> {
    let lines = requirements.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.filter(|line| !line.contains("==")).map(str::to_owned).collect()
}

/// Decision pages that are out of order, incomplete or not listed.
pub(crate) fn decisions(pages: &[File], architecture: &str) -> Vec<String> {
    let mut offences = Vec::new();
    let pages = pages.iter().filter(|page| page.folder() == "docs/decisions");
    for (number, page) in (1..).zip(pages) {
        if !page.stem().starts_with(&format!("{number:04}-")) {
            offences.push(format!("{}: the next number is {number:04}", page.path));
        }
        let sections: Vec<&str> = prose(&page.text).filter(|line| line.starts_with("## ")).collect();
        if sections != SECTIONS {
            offences.push(format!("{}: its sections are {sections:?}", page.path));
        }
        if !links(architecture).contains(&page.path) {
            offences.push(format!("{}: not in ARCHITECTURE.md", page.path));
        }
    }
    offences
}

/// Rows of the table of bounds that the code does not bear out.
///
/// A row is `| what | [`NAME`](path) | `value` | why |`: a line of the file at `path` holds both name and value.
pub(crate) fn bounds(architecture: &str, read: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let section = architecture.split_once("\n## Bounds\n").map_or("", |(_before, after)| after);
    let section = section.split_once("\n## ").map_or(section, |(section, _after)| section);
    let rows: Vec<&str> = section.lines().filter(|line| line.starts_with("| ") && line.contains("](")).collect();
    if rows.is_empty() {
        return vec!["ARCHITECTURE.md has no table of bounds".to_owned()];
    }
    rows.into_iter().filter(|row| !holds(row, &read)).map(str::to_owned).collect()
}

fn holds(row: &str, read: impl Fn(&str) -> Option<String>) -> bool {
    let cells: Vec<&str> = row.split('|').map(str::trim).collect();
    let [_edge, _what, constant, value, _why, _end] = cells[..] else { return false };
    let Some((name, path)) = constant.split_once("](") else { return false };
    let name = name.trim_matches(['[', '`']);
    let value = value.trim_matches('`');
    let text = read(path.trim_end_matches(')')).unwrap_or_default();
    text.lines().any(|line| line.contains(name) && line.contains(value))
}

/// Sections of the protocol that a source cites and the page does not have.
pub(crate) fn unknown_sections(source: &File, protocol: &str) -> Vec<String> {
    let numbers = |line: &str| {
        line.trim_start_matches('#').split_whitespace().next().map(|word| word.trim_end_matches('.').to_owned())
    };
    let known: BTreeSet<String> = prose(protocol).filter(|line| line.starts_with('#')).filter_map(numbers).collect();
    let mut offences = Vec::new();
    for (number, line) in (1..).zip(source.text.lines()) {
        for rest in line.split("section ").skip(1).chain(line.split("sections ").skip(1)) {
            let cited: String =
                rest.chars().take_while(|character| character.is_ascii_digit() || *character == '.').collect();
            let cited = cited.trim_end_matches('.');
            if !cited.is_empty() && !known.contains(cited) {
                offences.push(format!("{}:{number}: section {cited}", source.path));
            }
        }
    }
    offences
}

/// Exit codes that the page and the enum do not both have: `Name = 3,` and a row `| 3 | `Name` | …`.
pub(crate) fn exit_codes(page: &str, code: &str) -> Vec<String> {
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let is_row = cells.get(1)?.parse::<u8>().is_ok();
        is_row.then(|| format!("{} = {}", cells[2].trim_matches('`'), cells[1]))
    });
    let variants = code.lines().filter_map(|line| {
        let (name, number) = line.trim().strip_suffix(',')?.split_once(" = ")?;
        number.parse::<u8>().is_ok().then(|| format!("{name} = {number}"))
    });
    let (rows, variants): (BTreeSet<String>, BTreeSet<String>) = (rows.collect(), variants.collect());
    if variants.is_empty() {
        return vec!["crates/cli/exit.rs has no exit codes".to_owned()];
    }
    rows.symmetric_difference(&variants).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str, text: &str) -> File {
        File::new(path, text)
    }

    #[test]
    fn dead_links_are_seen() {
        let exists = |path: &str| ["README.md", "docs/settings.md", "docs/decisions/0001-hour.md"].contains(&path);
        let read = |path: &str| {
            (path == "docs/settings.md").then(|| "# All `settings`, here\n```\n# no heading\n```".to_owned())
        };
        let dead = |text: &str| dead_links_with(&page("docs/decisions/0001-hour.md", text), exists, read);
        for text in [
            "[a](../settings.md) [b](https://example.com/x) [c](../../README.md)",
            "[a](../settings.md#all-settings-here)",
            "`[a](nowhere.md)`",
            "```\n[a](nowhere.md)\n```",
        ] {
            assert!(dead(text).is_empty(), "{text}");
        }
        for text in
            ["[a](settings.md)", "[a](../settings.md#no-heading)", "[b](x) is `code`", "[a](../nowhere.md \"title\")"]
        {
            assert_eq!(dead(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn other_test_commands_are_seen() {
        let ci = "run cargo fmt\nrun cargo test --workspace\n";
        assert!(test_commands_differ("```sh\n$ cargo test --workspace\n```", ci).is_empty());
        for readme in
            ["cargo test --workspace", "```\ncargo test\n```", "```\ncargo test --workspace\ncargo test\n```", ""]
        {
            assert_eq!(test_commands_differ(readme, ci).len(), 1, "{readme}");
        }
        assert_eq!(missing_command("`cargo run`", "cargo run"), ["cargo run"]);
        assert!(missing_command("```\ncargo run\n```", "cargo run").is_empty());
    }

    #[test]
    fn steps_without_recipe_are_seen() {
        let justfile = "# Tests.\ntest:\n    cargo test --workspace\n";
        assert!(without_recipe("run install\n    run cargo test --workspace", justfile).is_empty());
        assert_eq!(without_recipe("run cargo test\nrun cargo doc", justfile), ["cargo test", "cargo doc"]);
        assert_eq!(without_recipe("cargo test", justfile).len(), 1);
        assert_eq!(not_pinned("# a\nduckdb==1.5.5\ndeltalake>=1\npytz\n"), ["deltalake>=1", "pytz"]);
    }

    #[test]
    fn loose_decisions_are_seen() {
        let whole = format!("# 1. The hour\n\n{}\n", SECTIONS.join("\n\n"));
        let listed = "[hour](docs/decisions/0001-hour.md)";
        let check = |path: &str, text: &str, list: &str| decisions(&[page(path, text)], list).len();
        assert_eq!(check("docs/decisions/0001-hour.md", &whole, listed), 0);
        assert_eq!(check("docs/decisions/0001-hour.md", &whole, ""), 1);
        assert_eq!(check("docs/decisions/0001-hour.md", "# 1. The hour\n## Context", listed), 1);
        assert_eq!(check("docs/decisions/0002-hour.md", &whole, "[hour](docs/decisions/0002-hour.md)"), 1);
    }

    #[test]
    fn bounds_that_differ_are_seen() {
        let table = |row: &str| {
            format!("# A\n\n## Bounds\n\n| what | where | value | why |\n| --- | --- | --- | --- |\n{row}\n\n## B\n")
        };
        let read = |path: &str| (path == "a.rs").then(|| "/// Doc.\nconst LINE: usize = 16 * 1024 * 1024;".to_owned());
        assert!(bounds(&table("| a line | [`LINE`](a.rs) | `16 * 1024 * 1024` | reason |"), read).is_empty());
        for row in [
            "| a line | [`LINE`](a.rs) | `8 * 1024 * 1024` | reason |",
            "| a line | [`LENGTH`](a.rs) | `16 * 1024 * 1024` | reason |",
            "| a line | [`LINE`](b.rs) | `16 * 1024 * 1024` | reason |",
            "| a line | [`LINE`](a.rs) | `16 * 1024 * 1024` |",
            "",
        ] {
            assert_eq!(bounds(&table(row), read).len(), 1, "{row}");
        }
    }

    #[test]
    fn exit_codes_that_differ_are_seen() {
        let code = "enum Exit {\n    /// Done.\n    Done = 0,\n    Usage = 2,\n}";
        assert!(exit_codes("| code |\n| --- |\n| 0 | `Done` | x |\n| 2 | `Usage` | y |", code).is_empty());
        assert_eq!(exit_codes("| 0 | `Done` | x |\n| 3 | `Usage` | y |", code), ["Usage = 2", "Usage = 3"]);
        assert_eq!(exit_codes("| 0 | `Done` | x |", "").len(), 1);
    }

    #[test]
    fn sections_that_are_not_there_are_seen() {
        let protocol = "# The protocol\n## 3. Files\n### 3.4 Errors\n```\n# 9. no heading\n```";
        let check = |text: &str| unknown_sections(&page("crates/api/src/lib.rs", text), protocol);
        assert!(check("//! Sections are numbered (section 3.4). See sections 3 and 3.4.\nlet section = 9;").is_empty());
        assert_eq!(check("//\n/// See section 3.5."), ["crates/api/src/lib.rs:2: section 3.5"]);
        assert_eq!(check("/// See sections 9 and 3.").len(), 1);
    }
}

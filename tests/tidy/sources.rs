//! What Rust sources may say.

use std::collections::BTreeSet;

use crate::rules::{HOLLOW_NAMES, HOLLOW_TYPES, LONGEST_FILE, TECHNOLOGIES};
use crate::tree::{File, rust_files};

/// The only file that reads the environment.
const ENVIRONMENT: &str = "crates/cli/environment.rs";

/// Files and types with a name that refuses nothing.
pub(crate) fn hollow_names(file: &File) -> Vec<String> {
    let mut offences: Vec<String> = file
        .path
        .split(['/', '.'])
        .filter(|part| HOLLOW_NAMES.contains(part))
        .map(|part| format!("{}: `{part}`", file.path))
        .collect();
    for (number, line) in numbered(file.code()) {
        let words: Vec<&str> = words(line).collect();
        for pair in words.windows(2) {
            let hollow_module = pair[0] == "mod" && HOLLOW_NAMES.contains(&pair[1]);
            let hollow_type = ["enum", "struct", "trait", "type"].contains(&pair[0])
                && HOLLOW_TYPES.iter().any(|ending| pair[1].ends_with(ending));
            let hollow_function = line.trim_start().starts_with("pub")
                && pair[0] == "fn"
                && ["do_", "get_"].iter().any(|start| pair[1].starts_with(start));
            if hollow_module || hollow_type || hollow_function {
                offences.push(format!("{}:{number}: `{} {}`", file.path, pair[0], pair[1]));
            }
        }
    }
    offences
}

/// A file that is too long without its tests.
pub(crate) fn too_long(file: &File) -> Option<String> {
    let lines = without_tests(&file.text).lines().count();
    (!file.is_test() && lines > LONGEST_FILE)
        .then(|| format!("{}: {lines} lines without its tests, {LONGEST_FILE} are allowed", file.path))
}

pub(crate) fn mod_rs(file: &File) -> Option<String> {
    (file.stem() == "mod").then(|| file.path.clone())
}

/// Files that no `mod` line leads to.
pub(crate) fn forgotten(files: &[File]) -> Vec<String> {
    let reached: BTreeSet<String> = files.iter().flat_map(declared).collect();
    let lost = files.iter().filter(|file| !is_root(file) && !reached.contains(&file.path));
    lost.map(|file| file.path.clone()).collect()
}

/// Whether cargo finds the file by itself.
fn is_root(file: &File) -> bool {
    let parts: Vec<&str> = file.path.split('/').collect();
    let place = if parts.first() == Some(&"crates") { &parts[2.min(parts.len())..] } else { &parts[..] };
    match place {
        ["src", "lib.rs" | "main.rs"] | ["main.rs" | "build.rs"] => true,
        ["benches" | "examples" | "tests", _name] | ["src", "bin", _name] => true,
        ["benches" | "examples" | "tests", _folder, "main.rs"] | ["src", "bin", _folder, "main.rs"] => true,
        // A package of its own inside a crate, such as fuzz targets, is not the workspace's.
        ["fuzz", ..] => true,
        _ => false,
    }
}

/// The files that the `mod` lines of a file lead to, whether they are there or not.
fn declared(file: &File) -> Vec<String> {
    let code: Vec<&str> = file.code().lines().collect();
    let text: Vec<&str> = file.text.lines().collect();
    let beside = if is_root(file) { file.folder().to_owned() } else { format!("{}/{}", file.folder(), file.stem()) };
    let mut found = Vec::new();
    for (place, line) in code.iter().enumerate() {
        let Some(name) = declaration(line) else { continue };
        let above = place.checked_sub(1).and_then(|place| text.get(place)).copied().unwrap_or("");
        found.push(match above.trim().strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            Some(path) => format!("{}/{path}", file.folder()),
            None => format!("{beside}/{name}.rs"),
        });
    }
    found
}

/// The name in `mod name;`, with or without a visibility.
fn declaration(line: &str) -> Option<&str> {
    let declaration = line.trim().strip_suffix(';')?;
    let (visibility, name) = match declaration.strip_prefix("mod ") {
        Some(name) => ("", name),
        None => declaration.split_once(" mod ")?,
    };
    (visibility.is_empty() || visibility.starts_with("pub")).then(|| name.trim())
}

/// Items in a `lib.rs` that belong into a module. A type alias of the vocabulary may stand there.
pub(crate) fn logic_in_lib(file: &File) -> Vec<String> {
    if file.stem() != "lib" || !file.is_library() {
        return Vec::new();
    }
    let items = ["const", "enum", "fn", "impl", "static", "struct", "trait"];
    let code = without_tests(file.code());
    let starts = numbered(code).filter(|(_number, line)| words(line).any(|word| items.contains(&word)));
    starts.map(|(number, line)| format!("{}:{number}: {}", file.path, line.trim())).collect()
}

/// Re-exports of somebody else's technology.
pub(crate) fn re_exports(file: &File) -> Vec<String> {
    let is_foreign = |name: &str| TECHNOLOGIES.iter().any(|technology| technology.package.replace('-', "_") == name);
    let mut offences = Vec::new();
    for (number, line) in numbered(file.code()) {
        let line = line.trim();
        let Some(path) = line.strip_prefix("pub use ").or_else(|| line.strip_prefix("pub extern crate ")) else {
            continue;
        };
        if words(path.trim_start_matches("::")).next().is_some_and(is_foreign) {
            offences.push(format!("{}:{number}: {line}", file.path));
        }
    }
    offences
}

/// Reads of the environment outside its one reader. Tests are given theirs.
pub(crate) fn environment(file: &File) -> Vec<String> {
    if file.path == ENVIRONMENT || file.is_test() {
        return Vec::new();
    }
    let edges = ["env::var", "env::set_var", "env::remove_var", "env::home_dir"];
    // What the program may ask and a library may not.
    let of_the_program = ["env::args", "env::current_dir", "env::current_exe", "env::temp_dir"];
    let code = without_tests(file.code());
    let asks = |line: &str| {
        edges.iter().any(|edge| line.contains(edge))
            || file.is_library() && of_the_program.iter().any(|edge| line.contains(edge))
            || line.contains("#[arg(") && words(line).any(|word| word == "env")
    };
    let found = numbered(code).filter(|(_number, line)| asks(line));
    found.map(|(number, line)| format!("{}:{number}: {}", file.path, line.trim())).collect()
}

pub(crate) fn unsafe_code(file: &File) -> Vec<String> {
    let code = file.code();
    let found = numbered(code).filter(|(_number, line)| has_word(line, "unsafe"));
    found.map(|(number, line)| format!("{}:{number}: {}", file.path, line.trim())).collect()
}

/// `allow` in place of `expect`, and `expect` without a reason.
pub(crate) fn suppressions(file: &File) -> Vec<String> {
    let code = file.code();
    let mut offences = Vec::new();
    for (start, number) in attributes(code) {
        let body = code.get(start..).and_then(|rest| rest.split_once(']')).map_or("", |(body, _rest)| body);
        let names: Vec<&str> = words(body).collect();
        let allows = names.contains(&"allow");
        let expects_without_reason = names.first() == Some(&"expect") && !names.contains(&"reason");
        if allows || expects_without_reason {
            offences.push(format!("{}:{number}: {}", file.path, body.trim()));
        }
    }
    offences
}

/// Where attributes that suppress lints start, and on which line.
fn attributes(code: &str) -> impl Iterator<Item = (usize, usize)> {
    let openings = code.match_indices("#[").chain(code.match_indices("#!["));
    openings.filter_map(|(place, opening)| {
        let body = code.get(place + opening.len()..)?;
        let first = words(body).next()?;
        let line = code.get(..place)?.matches('\n').count() + 1;
        ["allow", "expect", "cfg_attr"].contains(&first).then_some((place + opening.len(), line))
    })
}

pub(crate) fn ignored(file: &File) -> Vec<String> {
    let code = file.code();
    let found = numbered(code).filter(|(_number, line)| line.trim().starts_with("#[ignore"));
    found.map(|(number, _line)| format!("{}:{number}: #[ignore]", file.path)).collect()
}

/// The code of every file under a folder.
pub(crate) fn code_under(folder: &str) -> String {
    let inside = format!("{folder}/");
    rust_files().iter().filter(|file| file.path.starts_with(&inside)).map(File::code).collect()
}

/// The text before the tests at the foot of a file.
fn without_tests(text: &str) -> &str {
    text.split_once("\n#[cfg(test)]\nmod tests {").map_or(text, |(body, _tests)| body)
}

pub(crate) fn has_word(code: &str, word: &str) -> bool {
    words(code).any(|found| found == word)
}

fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|character| !is_word_character(character)).filter(|word| !word.is_empty())
}

fn is_word_character(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn numbered(code: &str) -> impl Iterator<Item = (usize, &str)> {
    code.lines().enumerate().map(|(place, line)| (place + 1, line))
}

/// The source with comments and the insides of literals blanked; lines keep their numbers.
pub(crate) fn code(source: &str) -> String {
    let mut rest = source;
    let mut code = String::with_capacity(source.len());
    while let Some(first) = rest.chars().next() {
        let after_word = code.chars().next_back().is_some_and(is_word_character);
        let length = literal_or_comment(rest, after_word);
        let (taken, left) = rest.split_at(length.unwrap_or(first.len_utf8()));
        if length.is_some() {
            code.extend(taken.chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
        } else {
            code.push(first);
        }
        rest = left;
    }
    code
}

/// How many bytes at the start of `rest` are a comment, string or character. `after_word` tells `r"` from `for"`.
fn literal_or_comment(rest: &str, after_word: bool) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment(rest));
    }
    let prefix =
        if after_word { "" } else { ["br", "cr", "r"].into_iter().find(|word| rest.starts_with(word)).unwrap_or("") };
    let raw = rest.strip_prefix(prefix).filter(|_rest| !prefix.is_empty());
    if let Some(length) = raw.and_then(raw_string) {
        return Some(prefix.len() + length);
    }
    if rest.starts_with('"') {
        return Some(quoted(rest, '"').unwrap_or(rest.len()));
    }
    rest.starts_with('\'').then(|| character(rest)).flatten()
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut place = 0;
    while let Some(left) = rest.get(place..).filter(|left| !left.is_empty()) {
        depth = if left.starts_with("/*") {
            depth + 1
        } else if left.starts_with("*/") {
            depth - 1
        } else {
            place += left.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        place += 2;
        if depth == 0 {
            break;
        }
    }
    place
}

/// `##"…"##`
fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let inside = rest.get(hashes..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(hashes + 1 + inside.find(&end)? + end.len())
}

/// `"…"` or `'…'` with escapes.
fn quoted(rest: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (place, character) in rest.char_indices().skip(1) {
        if !escaped && character == quote {
            return Some(place + 1);
        }
        escaped = !escaped && character == '\\';
    }
    None
}

/// `'x'` and `'\n'`, but not the lifetime `'x`.
fn character(rest: &str) -> Option<usize> {
    let mut characters = rest.chars().skip(1);
    match (characters.next()?, characters.next()?) {
        ('\\', _escaped) => quoted(rest, '\''),
        (_character, '\'') => quoted(rest, '\''),
        _lifetime => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File::new(path, text)
    }

    #[test]
    fn comments_and_literals_are_no_code() {
        for (source, expected) in [
            ("a // unsafe\nb", "a          \nb"),
            ("a /* x /* y */ z */ b", "a                   b"),
            ("f(\"un\\\"safe\") + g", "f(          ) + g"),
            ("r#\"a\"b\"# + c", "         + c"),
            ("br\"a\\\" + c", "       + c"),
            ("for\"a\"", "for   "),
            ("'a' + '\\'' + 'b", "    +      + 'b"),
            ("x<'a>('\"')", "x<'a>(   )"),
            ("/// é\nfn a() {}", "     \nfn a() {}"),
        ] {
            assert_eq!(code(source), expected, "{source}");
        }
    }

    #[test]
    fn hollow_names_are_seen() {
        assert_eq!(hollow_names(&file("crates/decode/src/utils.rs", "")).len(), 1);
        assert_eq!(hollow_names(&file("crates/common/src/lib.rs", "")).len(), 1);
        for text in [
            "pub(crate) mod helpers;",
            "struct HourManager;",
            "enum LineInfo {}",
            "pub fn get_hour() {}",
            "pub(crate) fn do_it() {}",
        ] {
            assert_eq!(hollow_names(&file("crates/decode/src/line.rs", text)).len(), 1, "{text}");
        }
        for text in ["// mod utils;", "fn get_opts() {}", "struct Informant;", "let kind = \"struct HourInfo\";"] {
            assert!(hollow_names(&file("crates/decode/src/line.rs", text)).is_empty(), "{text}");
        }
    }

    #[test]
    fn the_lines_of_tests_do_not_count() {
        let body = "fn a() {}\n".repeat(LONGEST_FILE);
        let tests = format!("\n#[cfg(test)]\nmod tests {{\n{body}}}\n");
        assert!(too_long(&file("crates/decode/src/line.rs", &(body.clone() + &tests))).is_none());
        assert!(too_long(&file("crates/decode/src/line.rs", &(body.clone() + "fn b() {}\n" + &tests))).is_some());
        assert!(too_long(&file("crates/decode/src/line/tests.rs", &(body + "fn b() {}\n"))).is_none());
    }

    #[test]
    fn a_file_without_mod_is_seen() {
        let lost = forgotten(&[
            file("crates/decode/src/lib.rs", "mod line;\npub mod gzip;\n// mod lost;"),
            file("crates/decode/src/line.rs", "pub(crate) mod blank;"),
            file("crates/decode/src/line/blank.rs", ""),
            file("crates/decode/src/line/lost.rs", ""),
            file("crates/decode/src/gzip.rs", "mod tests {}"),
            file("crates/decode/src/lost.rs", ""),
            file("crates/decode/tests/golden.rs", ""),
            file("crates/cli/main.rs", "mod commands;"),
            file("crates/cli/commands.rs", ""),
            file("tests/it/main.rs", "mod fetch;"),
            file("tests/it/fetch.rs", ""),
            file("tests/it/lost.rs", ""),
            file("tests/house.rs", "#[path = \"house/walls.rs\"]\nmod walls;"),
            file("tests/house/walls.rs", ""),
        ]);
        assert_eq!(lost, ["crates/decode/src/line/lost.rs", "crates/decode/src/lost.rs", "tests/it/lost.rs"]);
        assert!(mod_rs(&file("crates/decode/src/line/mod.rs", "")).is_some());
    }

    #[test]
    fn logic_in_lib_is_seen() {
        let text = "//! Docs with fn.\nmod line;\npub use line::Line;\npub type Part = u32;\npub fn parse() {}";
        assert_eq!(
            logic_in_lib(&file("crates/decode/src/lib.rs", text)),
            ["crates/decode/src/lib.rs:5: pub fn parse() {}"]
        );
        assert!(logic_in_lib(&file("crates/decode/src/line.rs", text)).is_empty());
    }

    #[test]
    fn a_re_export_of_technology_is_seen() {
        for text in ["pub use arrow::array::RecordBatch;", "pub use ::tantivy;", "pub extern crate reqwest;"] {
            assert_eq!(re_exports(&file("crates/archive/src/lib.rs", text)).len(), 1, "{text}");
        }
        assert!(re_exports(&file("crates/archive/src/lib.rs", "pub use arrows::Arrow;\nuse arrow::array;")).is_empty());
    }

    #[test]
    fn readers_of_the_environment_are_seen() {
        for text in ["std::env::var(\"HOME\")", "env::vars_os()", "#[arg(long, env = \"X\")]", "env::temp_dir()"] {
            assert_eq!(environment(&file("crates/store/src/path.rs", text)).len(), 1, "{text}");
        }
        assert_eq!(environment(&file("crates/cli/settings.rs", "env::var_os(NAME)")).len(), 1);
        assert!(environment(&file("crates/cli/settings.rs", "env::args_os()")).is_empty());
        assert!(environment(&file("crates/cli/environment.rs", "env::var_os(NAME)")).is_empty());
        assert!(environment(&file("crates/store/src/path.rs", "env!(\"CARGO_PKG_VERSION\")")).is_empty());
        assert!(
            environment(&file("crates/store/src/path.rs", "\n#[cfg(test)]\nmod tests {\nenv::temp_dir()")).is_empty()
        );
    }

    #[test]
    fn unsafe_ignored_and_suppressed_code_is_seen() {
        assert_eq!(unsafe_code(&file("x.rs", "fn a() {\n    unsafe { b() }")), ["x.rs:2: unsafe { b() }"]);
        assert!(unsafe_code(&file("x.rs", "#![forbid(unsafe_code)] // unsafe")).is_empty());
        assert_eq!(ignored(&file("x.rs", "#[test]\n#[ignore = \"slow\"]\nfn a() {}")), ["x.rs:2: #[ignore]"]);
        for text in [
            "#[allow(dead_code)]",
            "#![allow(missing_docs)]",
            "#[cfg_attr(test, allow(dead_code))]",
            "#[expect(dead_code)]",
        ] {
            assert_eq!(suppressions(&file("x.rs", text)).len(), 1, "{text}");
        }
        for text in [
            "#[expect(dead_code, reason = \"x\")]",
            "#[expect(\n    dead_code,\n    reason = \"x\"\n)]",
            "a.expect(\"x\")",
        ] {
            assert!(suppressions(&file("x.rs", text)).is_empty(), "{text}");
        }
    }
}

//! The files of the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, OnceLock};

use crate::manifests::{Manifest, Workspace};
use crate::sources;

/// Folders that hold sources and pages; what is built or downloaded lies elsewhere.
const FOLDERS: [&str; 6] = ["benches", "crates", "data", "docs", "examples", "tests"];

/// A text file, by its path from the root of the repository.
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
    code: OnceLock<String>,
}

impl File {
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into(), code: OnceLock::new() }
    }

    /// The Rust source with comments and the insides of literals blanked.
    pub(crate) fn code(&self) -> &str {
        self.code.get_or_init(|| sources::code(&self.text))
    }

    /// The file's name without its extension.
    pub(crate) fn stem(&self) -> &str {
        Path::new(&self.path).file_stem().and_then(|stem| stem.to_str()).expect("a file of ours has a name in UTF-8")
    }

    /// The folder the file lies in.
    pub(crate) fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _name)| folder)
    }

    /// Whether the file is part of a library: `crates/x/src`.
    pub(crate) fn is_library(&self) -> bool {
        self.path.starts_with("crates/") && self.path.split('/').nth(2) == Some("src")
    }

    /// Whether the file holds tests or benches and nothing else.
    pub(crate) fn is_test(&self) -> bool {
        self.stem() == "tests" || self.path.split('/').any(|part| ["tests", "benches", "examples"].contains(&part))
    }
}

/// The root package and every crate. A package inside a crate, such as its fuzz targets, is none.
pub(crate) fn crates() -> Vec<Manifest> {
    let mut manifests = vec![Manifest::parse("Cargo.toml", "crates/cli", &read("Cargo.toml"))];
    for path in paths().filter(|path| matches!(path.split('/').collect::<Vec<_>>()[..], ["crates", _, "Cargo.toml"])) {
        let folder = path.trim_end_matches("/Cargo.toml").to_owned();
        manifests.push(Manifest::parse(&path, &folder, &read(&path)));
    }
    manifests
}

pub(crate) fn workspace() -> Workspace {
    Workspace::parse(&read("Cargo.toml"))
}

pub(crate) fn rust_files() -> &'static [File] {
    static FILES: LazyLock<Vec<File>> = LazyLock::new(|| with_extension("rs"));
    &FILES
}

pub(crate) fn markdown() -> Vec<File> {
    with_extension("md")
}

#[track_caller]
pub(crate) fn read(path: &str) -> String {
    try_read(path).unwrap_or_else(|| panic!("{path} is missing or no text"))
}

pub(crate) fn try_read(path: &str) -> Option<String> {
    fs::read_to_string(root().join(path)).ok()
}

/// Whether a file or folder is there.
pub(crate) fn exists(path: &str) -> bool {
    root().join(path).exists()
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn with_extension(extension: &str) -> Vec<File> {
    let of_interest = |path: &String| Path::new(path).extension().is_some_and(|found| found == extension);
    paths().filter(of_interest).map(|path| File::new(path.as_str(), read(&path))).collect()
}

/// Every file of interest, sorted, with `/` on every platform.
fn paths() -> impl Iterator<Item = String> {
    let mut found = Vec::new();
    visit("", false, &mut found);
    for folder in FOLDERS.into_iter().filter(|folder| exists(folder)) {
        visit(folder, true, &mut found);
    }
    found.sort();
    found.into_iter()
}

fn visit(folder: &str, deep: bool, found: &mut Vec<String>) {
    for entry in fs::read_dir(root().join(folder)).expect("a folder of the repository can be read") {
        let entry = entry.expect("a folder of the repository can be read");
        let name = entry.file_name().into_string().expect("file names are UTF-8");
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if entry.file_type().expect("a file has a type").is_file() {
            found.push(path);
        } else if deep && name != "target" && !name.starts_with('.') {
            visit(&path, deep, found);
        }
    }
}

//! The rules of the house that a compiler does not check: arrows between crates, walls, names, sizes, pages that agree with
//! the code. Every failure says where and what to do.
//!
//! The checkers in `tests/tidy/` take text and give offences, so that each is itself tested on text that offends.

#[path = "tidy/manifests.rs"]
mod manifests;
#[path = "tidy/pages.rs"]
mod pages;
#[path = "tidy/rules.rs"]
mod rules;
#[path = "tidy/sources.rs"]
mod sources;
#[path = "tidy/tree.rs"]
mod tree;

use manifests::Manifest;
use tree::{crates, markdown, read, rust_files, workspace};

/// Fails with every offence on a line of its own.
#[track_caller]
fn none(rule: &str, offences: Vec<String>) {
    assert!(offences.is_empty(), "{rule}\n  {}\n", offences.join("\n  "));
}

// Crates and their walls.

#[test]
fn arrows_point_down() {
    none(
        "A crate uses only the crates that the table in tests/tidy/rules.rs allows. A new arrow is a decision page.",
        crates().iter().flat_map(Manifest::forbidden_arrows).collect(),
    );
}

#[test]
fn every_crate_has_a_row() {
    let names: Vec<String> = crates().into_iter().map(|manifest| manifest.name).collect();
    none("Every crate has a row in `CRATES` of tests/tidy/rules.rs, and every row a crate.", rules::rows_for(&names));
}

#[test]
fn every_technology_has_an_owner() {
    none(
        "A technology is used by its owners only: see `TECHNOLOGIES` in tests/tidy/rules.rs. Tests are free.",
        crates().iter().flat_map(Manifest::foreign_technology).collect(),
    );
}

#[test]
fn no_technology_leaves_by_a_re_export() {
    none(
        "A wall that re-exports what it keeps out is no wall: wrap the type.",
        rust_files().iter().filter(|file| file.is_library()).flat_map(sources::re_exports).collect(),
    );
}

#[test]
fn dependencies_come_from_the_workspace() {
    none(
        "Write `x.workspace = true`; the version stands once, in the workspace's Cargo.toml.",
        crates().iter().flat_map(Manifest::versions_of_its_own).collect(),
    );
}

#[test]
fn every_dependency_is_used() {
    none(
        "Take it out of the manifest: nothing names it.",
        crates().iter().flat_map(|manifest| manifest.unused(&sources::code_under(&manifest.folder))).collect(),
    );
    none("Take it out of [workspace.dependencies]: no crate asks for it.", workspace().unclaimed(&crates()));
}

#[test]
fn every_crate_inherits_what_all_share() {
    none(
        "Inherit it from the workspace: edition, version, licence and lints are said once.",
        crates().iter().flat_map(Manifest::not_inherited).collect(),
    );
    none("The workspace sets it for all.", workspace().not_set_for_all());
}

#[test]
fn one_copy_of_what_crosses_walls() {
    none(
        "Two versions of a crate whose types cross our walls do not fit together: align the versions.",
        manifests::second_copies(&read("Cargo.lock")),
    );
}

#[test]
fn what_is_fuzzed_is_what_is_shipped() {
    none(
        "Write `cargo update --manifest-path crates/decode/fuzz/Cargo.toml -p NAME --precise VERSION`.",
        manifests::other_versions(&read("Cargo.lock"), &read("crates/decode/fuzz/Cargo.lock")),
    );
}

// Files.

#[test]
fn names_refuse_something() {
    none(
        "Name it after what it is; a name that refuses nothing attracts everything.",
        rust_files().iter().flat_map(sources::hollow_names).collect(),
    );
}

#[test]
fn files_are_short() {
    none(
        "Split it along a seam; tests at its foot are not counted.",
        rust_files().iter().filter_map(sources::too_long).collect(),
    );
}

#[test]
fn no_file_is_forgotten() {
    none(
        "Declare it with `mod` in the file above it, or delete it: it is never compiled.",
        sources::forgotten(rust_files()),
    );
}

#[test]
fn modules_are_files_beside_their_folder() {
    none("Write x.rs + x/, not x/mod.rs.", rust_files().iter().filter_map(sources::mod_rs).collect());
}

#[test]
fn lib_files_only_introduce() {
    none(
        "lib.rs holds docs, `mod` and `pub use`; give the item a module.",
        rust_files().iter().flat_map(sources::logic_in_lib).collect(),
    );
}

// Code.

#[test]
fn the_environment_has_one_reader() {
    none(
        "Read it in crates/cli/environment.rs and hand it on; libraries are told.",
        rust_files().iter().flat_map(sources::environment).collect(),
    );
}

#[test]
fn there_is_no_unsafe_code() {
    none(
        "Unsafe code needs a measurement and a decision page first.",
        rust_files().iter().flat_map(sources::unsafe_code).collect(),
    );
}

#[test]
fn suppressions_expire_and_say_why() {
    none(
        "Write #[expect(lint, reason = \"…\")]: it warns when it is no longer needed.",
        rust_files().iter().flat_map(sources::suppressions).collect(),
    );
}

#[test]
fn tests_run() {
    none("Assert what is wrong today and say so.", rust_files().iter().flat_map(sources::ignored).collect());
}

// Pages.

#[test]
fn links_lead_somewhere() {
    none("The link leads nowhere.", markdown().iter().flat_map(pages::dead_links).collect());
}

#[test]
fn the_readme_and_ci_run_the_same_tests() {
    none(
        "README.md shows one test command, and .ci/run runs that very command.",
        pages::test_commands_differ(&read("README.md"), &read(".ci/run")),
    );
    none(
        "README.md shows it in a code block.",
        pages::missing_command(&read("README.md"), "cargo run --release -- demo"),
    );
}

#[test]
fn all_that_ci_runs_is_a_recipe() {
    none("Add it to the justfile as it stands in .ci/run.", pages::without_recipe(&read(".ci/run"), &read("justfile")));
}

#[test]
fn requirements_are_pinned() {
    none("Pin it with ==.", pages::not_pinned(&read("tests/requirements.txt")));
}

#[test]
fn decisions_are_numbered_whole_and_listed() {
    none(
        "See docs/decisions/0001-the-hour-is-the-unit.md for the form; ARCHITECTURE.md lists every decision.",
        pages::decisions(&markdown(), &read("ARCHITECTURE.md")),
    );
}

#[test]
fn bounds_are_what_the_page_says() {
    none(
        "The table of bounds in ARCHITECTURE.md names a constant and its value as the code writes them.",
        pages::bounds(&read("ARCHITECTURE.md"), tree::try_read),
    );
}

#[test]
fn sections_of_the_protocol_are_there() {
    let protocol = read("docs/protocol.md");
    none(
        "docs/protocol.md has no such section.",
        rust_files()
            .iter()
            .filter(|file| !file.path.starts_with("tests/tidy"))
            .flat_map(|file| pages::unknown_sections(file, &protocol))
            .collect(),
    );
}

#[test]
fn exit_codes_are_what_the_page_says() {
    none(
        "docs/exit-codes.md and the enum `Exit` list the same codes.",
        pages::exit_codes(&read("docs/exit-codes.md"), &read("crates/cli/exit.rs")),
    );
}

#[test]
fn the_changelog_has_a_place_for_news() {
    assert!(read("CHANGELOG.md").contains("\n## Unreleased\n"), "CHANGELOG.md opens with `## Unreleased`");
}

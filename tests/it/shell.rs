//! What the program gives to shells and to `man`.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::scene::{Scene, run};

/// Whether a program that a test asks is on this machine.
#[expect(clippy::print_stderr, reason = "whoever runs the tests is told what was left out")]
fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("skipped: there is no {program} here");
    }
    found
}

#[test]
fn bash_completes_commands_flags_and_values() {
    if !is_there("bash") {
        return;
    }
    let scene = Scene::new();
    let script = run(&mut scene.annals(&["completions", "bash"])).leaves(0).stdout;
    fs::write(scene.path("annals.bash"), script).unwrap();
    // The words of the line, the last of which is to be completed.
    for (line, expected) in [
        (&["annals", "fet"][..], "fetch"),
        (&["annals", "fetch", "--du"], "--due"),
        (&["annals", "plan", "--unt"], "--until"),
        (&["annals", "completions", "zs"], "zsh"),
        (&["annals", "query", "--format", "cs"], "csv"),
    ] {
        let complete = "source annals.bash; COMP_WORDS=(\"$@\"); COMP_CWORD=$(($# - 1)); \
                        _annals annals \"${@: -1}\" \"${@: -2:1}\"; echo \"${COMPREPLY[@]}\"";
        let output = Command::new("bash")
            .current_dir(scene.path(""))
            .args(["-c", complete, "bash"])
            .args(line)
            .output()
            .unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), expected, "{line:?}");
    }
}

#[test]
fn every_command_has_a_page_that_everybody_can_read() {
    let scene = Scene::new();
    let folder = scene.path("share/man1");
    run(&mut scene.annals(&["man", "--out", folder.to_str().unwrap()])).leaves(0);
    let help = run(&mut scene.annals(&["--help"])).leaves(0).stdout;
    let commands = help.split_once("\nCommands:\n").unwrap().1.split_once("\n\n").unwrap().0;
    // A line that is indented further goes on with what the command does.
    let first = commands.lines().filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let mut names: Vec<&str> = first.filter_map(|line| line.split_whitespace().next()).collect();
    names.retain(|name| *name != "help");
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        let path = folder.join(format!("annals-{name}.1"));
        let page = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(run(&mut scene.annals(&["man", name])).leaves(0).stdout, page);
        is_sound(&path);
    }
    is_sound(&folder.join("annals.1"));
    run(&mut scene.annals(&["man", "fetsch"])).leaves(2);
}

fn is_sound(page: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(page.metadata().unwrap().permissions().mode() & 0o777, 0o644, "{}", page.display());
    }
    if is_there("groff") {
        let output = Command::new("groff").args(["-man", "-ww", "-z", "-Tutf8"]).arg(page).output().unwrap();
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{}", page.display());
    }
}

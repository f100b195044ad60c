//! `annals sql` on a terminal, which a Python stands in for.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::json;

use crate::interop::python;
use crate::scene::{ANNALS, Run, Scene, run};
use crate::sql::archive;

/// Types texts into a terminal of 80 columns, each when what was awaited of the one before is shown, and prints all that is
/// shown. A text that begins with `!` is a command that is run meanwhile; one that begins with `?` is typed when nobody reads
/// it as a line, and again until it is heard.
const TYPIST: &str = r#"
import fcntl, json, os, pty, re, select, struct, subprocess, sys, termios, time

steps, program = json.loads(sys.argv[1]), sys.argv[2:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(program[0], program)
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
shown, seen = "", 0


def read(patience=60):
    """What is shown next, without what moves the cursor; None when the program has ended, or shows nothing for these seconds."""
    try:
        piece = os.read(terminal, 1 << 16) if select.select([terminal], [], [], patience)[0] else b""
    except OSError:
        piece = b""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", piece.decode(errors="replace")) if piece else None


def shows(awaited, patience=60):
    """Whether this is shown before nothing is for these seconds."""
    global shown
    while awaited not in shown[seen:]:
        piece = read(patience)
        if piece is None:
            return False
        shown += piece
    return True


for text, awaited in [["", "annals> "], *steps]:
    if text.startswith("!"):
        subprocess.run(text[1:], shell=True, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    elif text.startswith("?"):
        while not termios.tcgetattr(terminal)[3] & termios.ISIG:
            time.sleep(0.01)
        # Struck in the moment before its query begins, it ends nothing.
        for _ in range(6):
            os.write(terminal, text[1:].encode())
            if shows(awaited, patience=10):
                break
    else:
        os.write(terminal, text.encode())
    if not shows(awaited):
        sys.exit(f"no {awaited!r} in:\n{shown}")
    seen = shown.index(awaited, seen) + len(awaited)
while (piece := read()) is not None:
    shown += piece
print(shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;

const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";

/// Types these texts at the prompt of a scene, and waits for what belongs to each.
fn typed(python: &str, scene: &Scene, options: &[&str], steps: &[(&str, &str)]) -> Run {
    let mut command = Command::new(python);
    for (name, value) in scene.annals(&[]).get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.env("TERM", "xterm").args(["-c", TYPIST, &json!(steps).to_string(), ANNALS, "sql"]).args(options);
    run(&mut command)
}

#[test]
fn queries_are_typed_one_after_the_other() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    archive(&scene);
    let line = r#"{"msg_id":"9","timestamp":1773536400009,"from":"zoe","to":"teo","chat_type":"chat","payload":{"bodies":[]}}"#;
    fs::write(scene.path("2026031501.ndjson"), line).unwrap();
    let load =
        format!("!{ANNALS} load --archive {} {}", scene.archive().display(), scene.path("2026031501.ndjson").display());
    let endless = "SELECT count(*) FROM generate_series(1, 1000000) AS a, generate_series(1, 1000000) AS b WHERE a.value < b.value;\r";
    let told = typed(
        &python,
        &scene,
        &[],
        &[
            (".tables\r", "attachments"),
            (".schema hours\r", "source_hour"),
            // On two lines.
            ("SELECT count(*) AS n\r", "AS n"),
            ("FROM messages;\r", "n\r\n5\r\n"),
            ("", "1 row in "),
            ("SELECT sendr FROM messages;\r", "did you mean `sender`?"),
            // What is typed before the prompt is there, Ctrl-C takes away.
            ("", "annals> "),
            (endless, "b.value;"),
            (&format!("?{CTRL_C}"), "the query was ended"),
            ("", "annals> "),
            // Given up before it was whole.
            ("SELECT nothing", "nothing"),
            (CTRL_C, "annals> "),
            // Completed.
            ("SELECT min(line) AS first FROM mess\t", "FROM messages"),
            (";\r", "first\r\n1\r\n"),
            // Another process publishes an hour meanwhile.
            (&load, ""),
            ("SELECT count(*) AS n FROM messages;\r", "n\r\n6\r\n"),
            // More columns than fit.
            ("SELECT * FROM messages;\r", "more columns do not fit"),
            ("", "annals> "),
            (CTRL_D, ""),
        ],
    )
    .leaves(0);
    let rows = told.stdout.split("SELECT * FROM messages;").last().unwrap();
    let rows: Vec<&str> = rows.lines().filter(|line| line.contains("2026031")).collect();
    assert!(rows.len() == 6 && rows.iter().all(|line| line.trim_end().chars().count() <= 80), "{told:?}");

    let history = scene.path("state/annals/sql_history");
    assert_eq!(fs::metadata(&history).unwrap().permissions().mode() & 0o777, 0o600);
    let kept = fs::read_to_string(&history).unwrap();
    assert!(kept.contains("FROM messages;") && !kept.contains("nothing"), "{kept}");
    // The last query is the first that is offered.
    let again =
        typed(&python, &scene, &[], &[("\u{1b}[A\r", "more columns do not fit"), ("", "annals> "), (".quit\r", "")])
            .leaves(0);
    assert!(again.stdout.contains("SELECT * FROM messages;"), "{again:?}");
}

#[test]
fn what_is_typed_is_kept_only_if_wanted() {
    let Some(python) = python() else { return };
    let scene = Scene::new();
    archive(&scene);
    let steps = [(" SELECT 1 AS one;\r", "1 row in"), ("", "annals> "), (CTRL_D, "")];
    typed(&python, &scene, &["--no-history"], &[("SELECT 2 AS two;\r", "1 row in"), ("", "annals> "), (CTRL_D, "")])
        .leaves(0);
    typed(&python, &scene, &["--format", "csv"], &steps).leaves(0);
    let kept = fs::read_to_string(scene.path("state/annals/sql_history")).unwrap_or_default();
    assert!(!kept.contains("SELECT"), "{kept}");
}

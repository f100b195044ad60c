//! Tokens, signatures and share secrets never reach an output.

use std::process::Command;

use emulator::{Clock, Options};

use crate::scene::{Scene, run};

const NOW: &str = "2026-03-16T06:00:00Z";
const TOKEN: &str = "a-token-that-must-not-be-seen";
const CLIENT_SECRET: &str = "a-client-secret-that-must-not-be-seen";

fn fetch(command: &mut Command) -> &mut Command {
    command.env("ANNALS_CLOCK", NOW)
}

#[test]
fn no_output_shows_a_secret() {
    let scene = Scene::new();
    let service = scene.service(Options {
        clock: Clock::running_from(NOW.parse().unwrap()),
        rate_per_minute: None,
        faults: "random:0.3:1:503,429=0,expired-link,cut-body,truncated-gzip,file-503".parse().unwrap(),
        ..Options::default()
    });
    let range = ["fetch", "-vvv", "--since", "2026-03-14T09", "--until", "2026-03-14T12"];
    let mut outputs = Vec::new();
    let mut wrong = scene.annals_at(&service, &range);
    outputs.push(run(fetch(wrong.env("ANNALS_API_TOKEN", TOKEN))).leaves(4));
    let mut wrong = scene.annals_at(&service, &range);
    let wrong = wrong.env_remove("ANNALS_API_TOKEN").env("ANNALS_API_CLIENT_ID", "id");
    outputs.push(run(fetch(wrong.env("ANNALS_API_CLIENT_SECRET", CLIENT_SECRET))).leaves(4));
    outputs.push(run(fetch(scene.annals_at(&service, &range).env("ANNALS_API_ATTEMPTS", "12"))).leaves(0));
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/data/2026031409.gz");
    outputs.push(run(&mut scene.annals(&["load", "-vvv", "--again", samples])).leaves(0));
    outputs.push(run(&mut scene.annals(&["query", "type:img", "--format", "jsonl", "--limit", "1000"])).leaves(0));
    outputs.push(run(&mut scene.annals(&["query", "type:video", "--format", "csv", "--limit", "1000"])).leaves(0));
    outputs.push(run(&mut scene.annals(&["show", "1412077348694640838"])).leaves(0));
    outputs.push(run(&mut scene.annals(&["verify", "-vvv"])).leaves(0));
    outputs.push(run(scene.annals_at(&service, &["config"]).env("ANNALS_API_TOKEN", TOKEN)).leaves(0));
    outputs.push(run(scene.annals_at(&service, &["doctor"]).env("ANNALS_CLOCK", NOW)));

    let token = service.token();
    let secrets = [TOKEN, CLIENT_SECRET, &token, "Signature=", "OSSAccessKeyId=", "FAKE-harbor-share-secret"];
    for output in outputs {
        for secret in secrets {
            assert!(!output.stdout.contains(secret), "`{secret}` in stdout:\n{}", output.stdout);
            assert!(!output.stderr.contains(secret), "`{secret}` in stderr:\n{}", output.stderr);
        }
    }
}

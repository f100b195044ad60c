//! `annals export` into a bucket, against a real store that speaks S3.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::buckets::{SAMPLES, Shore, objects_by_others, write_dense_hour};
use crate::clouds::Cloud;
use crate::gate::Gate;
use crate::interop::python;
use crate::scene::{files_below, run};

/// An object of the bucket, as PyArrow reads it.
pub(crate) struct Object {
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
    /// Of Parquet.
    pub(crate) rows: u64,
    /// Of everything else.
    pub(crate) text: String,
}

/// What lies in the bucket below a prefix, by its name there.
pub(crate) fn objects(shore: &Shore, prefix: &str) -> BTreeMap<String, Object> {
    const SCRIPT: &str = "\
import hashlib, json, os, sys
from pyarrow import fs, parquet
scheme, host = os.environ['AWS_ENDPOINT_URL'].split('://')
store = fs.S3FileSystem(endpoint_override=host, scheme=scheme, region='us-east-1')
found = {}
for file in store.get_file_info(fs.FileSelector(sys.argv[1], recursive=True, allow_not_found=True)):
    if file.is_file:
        content = store.open_input_stream(file.path).read()
        is_table = file.path.endswith('.parquet')
        rows = parquet.read_table(file.path, filesystem=store).num_rows if is_table else 0
        text = '' if is_table else content.decode(errors='replace')[:65536]
        name = file.path.removeprefix(sys.argv[1] + '/')
        found[name] = [hashlib.sha256(content).hexdigest(), len(content), rows, text]
print(json.dumps(found))
sys.stdout.flush()
os._exit(0)";
    let mut python = Command::new(python().unwrap());
    let output = python.args(["-c", SCRIPT, &format!("harbor/{prefix}")]).envs(shore.credentials()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: BTreeMap<String, (String, u64, u64, String)> = serde_json::from_slice(&output.stdout).unwrap();
    let object = |(sha256, bytes, rows, text)| Object { sha256, bytes, rows, text };
    found.into_iter().map(|(name, facts)| (name, object(facts))).collect()
}

fn names(objects: &BTreeMap<String, Object>) -> Vec<&str> {
    objects.keys().map(String::as_str).collect()
}

/// Checks that the files of a folder are those of its manifest, and that there are no others; gives the rows that it tells.
#[track_caller]
pub(crate) fn assert_whole(objects: &BTreeMap<String, Object>) -> u64 {
    let manifest: Value = serde_json::from_str(&objects["manifest.json"].text).unwrap();
    let files = manifest["files"].as_array().unwrap();
    for file in files {
        let object = &objects[file["name"].as_str().unwrap()];
        assert_eq!((&file["sha256"], &file["bytes"]), (&object.sha256.as_str().into(), &object.bytes.into()));
    }
    assert_eq!(objects.len(), files.len() + 1, "{:?}", names(objects));
    manifest["rows"].as_u64().unwrap()
}

/// The program on the archive of the scene's folder, told how the store is reached.
pub(crate) fn export(shore: &Shore, arguments: &[&str]) -> Command {
    let mut command = shore.scene.annals(&[&["export"], arguments].concat());
    command.envs(shore.credentials());
    command
}

fn sha256(path: &Path) -> String {
    let output = Command::new("sha256sum").arg(path).output().unwrap();
    String::from_utf8(output.stdout).unwrap().split(' ').next().unwrap().to_owned()
}

#[test]
fn a_bucket_gets_what_a_folder_gets() {
    let Some(shore) = Shore::new() else { return };
    run(&mut shore.scene.annals(&["load", SAMPLES])).leaves(0);
    fs::write(shore.scene.path("key"), "a key of sixteen bytes").unwrap();
    let more: [&[&str]; 5] = [
        &["--format", "parquet"],
        &["--format", "csv", "--query", "type:txt", "--since", "2026-03-14"],
        &["--format", "ndjson", "--once"],
        &["--format", "arrow", "--with-secrets"],
        &["--format", "parquet", "--mask", "--mask-key", "key"],
    ];
    for (number, more) in more.into_iter().enumerate() {
        let (folder, address) = (format!("out-{number}"), format!("s3://harbor/out/{number}"));
        run(&mut export(&shore, &[&["--to", &folder], more].concat())).leaves(0);
        let told = run(&mut export(&shore, &[&["--to", &address], more].concat())).leaves(0);
        assert!(told.stdout.contains(&address), "{told:?}");
        let objects = objects(&shore, &format!("out/{number}"));
        let rows = assert_whole(&objects);
        let files = files_below(&shore.scene.path(&folder));
        assert_eq!(files.iter().map(|path| path.to_str().unwrap()).collect::<Vec<_>>(), names(&objects));
        for (name, object) in objects.iter().filter(|(name, _)| *name != "manifest.json") {
            assert_eq!(object.sha256, sha256(&shore.scene.path(&folder).join(name)), "{more:?}");
            assert!(!name.ends_with(".parquet") || object.rows == rows, "{more:?}: {} of {rows}", object.rows);
        }
        let taken = run(&mut export(&shore, &["--to", &address])).leaves(2);
        assert!(taken.stderr.contains(&format!("{address} is there already")), "{taken:?}");
        assert_eq!(assert_whole(&self::objects(&shore, &format!("out/{number}"))), rows);
    }
    assert_eq!(files_below(&shore.scene.archive().join("tmp")).len(), 0);
}

#[test]
fn an_object_is_replaced_with_its_manifest() {
    let Some(shore) = Shore::new() else { return };
    // Out of an archive in a bucket, too.
    shore.run(&["load", SAMPLES]).leaves(0);
    for query in ["type:txt", "type:img"] {
        shore.run(&["export", "--to", "s3://harbor/a/x.csv", "--query", query, "--columns", "body_type"]).leaves(0);
        let objects = objects(&shore, "a");
        assert_eq!(names(&objects), ["x.csv", "x.csv.manifest.json"]);
        let manifest: Value = serde_json::from_str(&objects["x.csv.manifest.json"].text).unwrap();
        let file = &manifest["files"][0];
        assert_eq!((&file["name"], &file["sha256"]), (&"x.csv".into(), &objects["x.csv"].sha256.as_str().into()));
        assert_eq!(manifest["options"]["query"], query);
    }
    let nothing = shore.run(&["export", "--to", "s3://harbor/a/x.csv", "--query", "nowhere"]).leaves(1);
    assert!(nothing.stderr.contains("no message matched"), "{nothing:?}");
    shore.run(&["export", "--to", "s3://harbor/b/x", "--query", "nowhere"]).leaves(1);
    let objects = objects(&shore, "a");
    assert!(objects["x.csv"].text.contains("img") && objects.len() == 2, "what was there stands");
    assert!(self::objects(&shore, "b").is_empty());
}

#[test]
fn every_cloud_takes_exports() {
    Cloud::ALL.into_iter().filter_map(Shore::of).for_each(|shore| assert_takes_exports(&shore));
}

fn assert_takes_exports(shore: &Shore) {
    shore.run(&["load", SAMPLES]).leaves(0);
    let (object, folder, below) = (shore.place("out/x.csv"), shore.place("out/week"), shore.place("out"));
    for to in [&object, &object, &folder] {
        shore.run(&["export", "--to", to]).leaves(0);
    }
    let taken = shore.run(&["export", "--to", &folder]).leaves(2);
    assert!(taken.stderr.contains("is there already"), "{taken:?}");
    for code in [0, 1] {
        shore.run(&["export", "--to", &below, "--since-last", "nightly"]).leaves(code);
    }
    let mut names = objects_by_others(shore);
    names.retain(|name| name.contains("/out/"));
    names.iter_mut().for_each(|name| *name = name.split_once("/out/").unwrap().1.to_owned());
    names.sort();
    let of_folder = |folder: &str| ["manifest.json", "messages-00001.parquet"].map(|name| format!("{folder}/{name}"));
    let expected = [of_folder("nightly-000001"), of_folder("week")].concat();
    assert_eq!(names, [&expected[..], &["x.csv".to_owned(), "x.csv.manifest.json".to_owned()]].concat());
}

/// What does not fit into one request is sent while it is written; it appears when all is there, and is taken back when not.
#[test]
fn a_file_in_parts_is_whole_or_not_there() {
    let Some(shore) = Shore::new() else { return };
    let hour = shore.scene.path("2026031405.ndjson");
    write_dense_hour(&hour, 6_000);
    run(&mut shore.scene.annals(&["load", "--no-index", hour.to_str().unwrap()])).leaves(0);
    let export = |address: &str| export(&shore, &["--to", address, "--format", "parquet"]);

    // The key may write, but not this part: the upload is taken back at the store.
    let gate = Gate::refusing(&shore.endpoint, "partNumber=2");
    let refused = run(export("s3://harbor/x.parquet").env("AWS_ENDPOINT_URL", &gate.endpoint)).leaves(2);
    assert!(refused.stderr.contains("could not write x.parquet"), "{refused:?}");
    assert!(refused.stderr.contains("hint: see that the bucket is there"), "{refused:?}");
    let passed = gate.passed();
    let begun = passed.iter().filter(|line| line.starts_with("POST ") && line.contains("?uploads")).count();
    let taken_back = passed.iter().filter(|line| line.starts_with("DELETE ") && line.contains("uploadId=")).count();
    assert_eq!((begun, taken_back), (1, 1), "{passed:#?}");
    assert_eq!(names(&objects(&shore, "x.parquet")), [] as [&str; 0]);

    // Begun, two parts, the note, the file, the manifest.
    for changes in [2, 4, 5, 6] {
        let address = format!("s3://harbor/dense/{changes}");
        assert!(Gate::before(&shore.endpoint, changes).kill(&mut export(&address)));
        let left = objects(&shore, &format!("dense/{changes}"));
        let is_whole = left.contains_key("manifest.json");
        assert_eq!(is_whole, changes == 6, "killed before change {changes}: {:?}", names(&left));
        assert!(changes > 3 || left.is_empty(), "killed before change {changes}: {:?}", names(&left));
        run(&mut export(&address)).leaves(if is_whole { 2 } else { 0 });
        assert_eq!(assert_whole(&objects(&shore, &format!("dense/{changes}"))), 6_000);
    }
}

/// An export that appeared and was not noted counts, one that did not is made again; archive and exports are in one bucket.
#[test]
fn each_publication_gets_into_a_bucket_once_whatever_request_was_the_last() {
    let Some(shore) = Shore::new() else { return };
    for changes in 0.. {
        let place = format!("s3://harbor/before-{changes}");
        let annals = |arguments: &[&str]| {
            let mut command = shore.annals(arguments);
            command.env("ANNALS_ARCHIVE", &place);
            command
        };
        let load = |key: &str| {
            let path = shore.scene.path(&format!("{key}.ndjson"));
            fs::write(&path, format!("{{\"msg_id\":\"{key}\"}}\n")).unwrap();
            run(&mut annals(&["load", "--no-index", path.to_str().unwrap()])).leaves(0);
        };
        let to = format!("s3://harbor/out/{changes}");
        let nightly = || annals(&["export", "--to", &to, "--since-last", "nightly", "--format", "csv"]);
        load("2026031409");
        let is_killed = Gate::before(&shore.endpoint, changes).kill(&mut nightly());
        load("2026031410");
        run(&mut nightly()).leaves(0);
        run(&mut nightly()).leaves(1);
        let mut exports: BTreeMap<String, BTreeMap<String, Object>> = BTreeMap::new();
        for (name, object) in objects(&shore, &format!("out/{changes}")) {
            let (folder, name) = name.split_once('/').unwrap();
            exports.entry(folder.to_owned()).or_default().insert(name.to_owned(), object);
        }
        let rows: u64 = exports.values().map(assert_whole).sum();
        let text: String = exports.values().map(|files| files["messages-00001.csv"].text.as_str()).collect();
        let count = |key: &str| text.lines().filter(|line| line.starts_with(&format!("{key},"))).count();
        assert_eq!((rows, count("2026031409"), count("2026031410")), (2, 1, 1), "before change {changes}: {text}");
        let numbers: Vec<_> = exports.keys().map(String::as_str).collect();
        assert!(["nightly-000001", "nightly-000002"].starts_with(&numbers), "before change {changes}: {numbers:?}");
        if !is_killed {
            // The watermark twice, the note, the file, the manifest, and the note again.
            assert_eq!(changes, 6);
            return;
        }
    }
}

#[test]
fn where_nothing_can_be_exported_to_is_said() {
    let Some(shore) = Shore::new() else { return };
    run(&mut shore.scene.annals(&["load", "--no-index", SAMPLES])).leaves(0);
    for (to, expected) in [
        ("s3://no-such-bucket/x", &["there is no bucket s3://no-such-bucket\n", "hint: make the bucket first"][..]),
        ("s3://no-such-bucket/x.csv", &["there is no bucket s3://no-such-bucket\n"]),
        ("s3://", &["s3:// names no bucket", "hint: give --to a folder"]),
        ("https://harbor/x.csv", &["nothing can be exported to https://", "hint: give --to a folder"]),
    ] {
        let refused = run(&mut export(&shore, &["--to", to])).leaves(2);
        assert!(expected.iter().all(|words| refused.stderr.contains(words)), "{to}: {refused:?}");
    }
    let refused = run(export(&shore, &["--to", "s3://harbor/x"]).env("AWS_SECRET_ACCESS_KEY", "wrong-one")).leaves(2);
    assert!(refused.stderr.contains("s3://harbor/x") && refused.stderr.contains("docs/buckets.md"), "{refused:?}");
    assert!(!refused.stderr.contains("wrong-one"), "{refused:?}");
    let file = run(&mut export(&shore, &["--to", "s3://harbor/x.csv", "--since-last", "nightly"])).leaves(2);
    assert!(file.stderr.contains("exports into a folder"), "{file:?}");
    assert!(objects(&shore, "x").is_empty() && !shore.scene.path("https:").exists());
}

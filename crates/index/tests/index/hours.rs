//! Hours come whole, are replaced whole, and go whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use chat::Sink;
use index::{Catalogue, Error, Settings};

use crate::{ask, message, nine, open, rows, take_in};

fn files(folder: &Path) -> usize {
    fs::read_dir(folder)
        .unwrap()
        .filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            !name.to_string_lossy().starts_with('.') && name != "meta.json" && name != "format"
        })
        .count()
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[test]
fn an_hour_is_replaced_whole_and_the_others_stay() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let (first, second) = (nine(), nine().next());
    take_in(&catalogue, first, "one", &[message(first, 1, "old words"), message(first, 2, "kept words")]);
    take_in(&catalogue, second, "one", &[message(second, 1, "other words")]);
    take_in(&catalogue, first, "two", &[message(first, 2, "kept words"), message(first, 3, "new words")]);
    assert_eq!(rows(&catalogue.search(&ask("words")).unwrap()), ["09/2", "09/3", "10/1"]);
    assert_eq!(catalogue.search(&ask("old")).unwrap().total, 0);
    assert_eq!(catalogue.search(&ask("")).unwrap().total, 3);
    let held = BTreeMap::from([(first, "two".to_owned()), (second, "one".to_owned())]);
    assert_eq!(catalogue.hours().unwrap(), held);
    assert_eq!((catalogue.documents().unwrap(), catalogue.documents_of(first).unwrap()), (3, 2));
}

#[test]
fn an_hour_replaced_again_and_again_with_others_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    for round in 0..40 {
        let hour = nine().plus(round % 5);
        take_in(
            &catalogue,
            hour,
            &round.to_string(),
            &[message(hour, 1, "again"), message(hour, 2, &format!("round {round}"))],
        );
    }
    catalogue.clone().close().unwrap();
    assert_eq!(catalogue.search(&ask("again")).unwrap().total, 5);
    assert_eq!(catalogue.search(&ask("round")).unwrap().total, 5);
    let versions: Vec<_> = catalogue.hours().unwrap().into_values().collect();
    assert_eq!(versions, ["35", "36", "37", "38", "39"]);
    assert_eq!(rows(&open(folder.path()).search(&ask("round 37")).unwrap()), ["11/2"]);
}

#[test]
fn an_empty_hour_is_held_too() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    take_in(&catalogue, nine(), "", &[]);
    assert_eq!(catalogue.hours().unwrap(), BTreeMap::from([(nine(), String::new())]));
    assert_eq!((catalogue.documents().unwrap(), catalogue.search(&ask("")).unwrap().total), (0, 0));
}

#[test]
fn dropped_hours_are_gone() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    for hour in [nine(), nine().next()] {
        take_in(&catalogue, hour, "v", &[message(hour, 1, "word")]);
    }
    catalogue.drop_hours(&[nine(), nine().plus(7)]).unwrap();
    assert_eq!(catalogue.hours().unwrap().into_keys().collect::<Vec<_>>(), [nine().next()]);
    assert_eq!(rows(&catalogue.search(&ask("word")).unwrap()), ["10/1"]);
    assert_eq!(catalogue.documents_of(nine()).unwrap(), 0);
}

#[test]
fn an_unfinished_hour_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    take_in(&catalogue, nine(), "v", &[message(nine(), 1, "kept")]);
    let before = files(folder.path());
    let mut writer = catalogue.take_in(nine(), "w").unwrap();
    writer.write(&[message(nine(), 1, "dropped")]).unwrap();
    assert!(files(folder.path()) > before);
    drop(writer);
    assert_eq!(files(folder.path()), before);
    assert_eq!(catalogue.search(&ask("kept")).unwrap().total, 1);
    assert_eq!(catalogue.search(&ask("dropped")).unwrap().total, 0);
    assert_eq!(catalogue.hours().unwrap(), BTreeMap::from([(nine(), "v".to_owned())]));
}

/// A commit that fails half way (here the engine cannot name its new list of segments) must not come out with the next.
#[test]
fn an_hour_that_could_not_be_published_stays_out_for_good() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    take_in(&catalogue, nine(), "v", &[message(nine(), 1, "kept")]);
    let mut writer = catalogue.take_in(nine(), "w").unwrap();
    writer.write(&[message(nine(), 1, "lost")]).unwrap();
    let (list, aside) = (folder.path().join("meta.json"), folder.path().join("aside"));
    fs::rename(&list, &aside).unwrap();
    fs::create_dir(&list).unwrap();
    writer.finish().unwrap_err();
    fs::remove_dir(&list).unwrap();
    fs::rename(&aside, &list).unwrap();

    take_in(&catalogue, nine().next(), "v", &[message(nine().next(), 1, "more")]);
    assert_eq!(rows(&catalogue.search(&ask("")).unwrap()), ["09/1", "10/1"]);
    assert_eq!(catalogue.search(&ask("lost")).unwrap().total, 0);
    assert_eq!(catalogue.hours().unwrap().into_values().collect::<Vec<_>>(), ["v", "v"]);
}

#[test]
fn a_killed_build_leaves_no_trace_once_another_begins() {
    let folder = tempfile::tempdir().unwrap();
    let killed = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    take_in(&catalogue, nine(), "v", &[message(nine(), 1, "kept")]);
    let before = files(folder.path());
    let mut writer = catalogue.take_in(nine().next(), "v").unwrap();
    writer.write(&[message(nine().next(), 1, "half")]).unwrap();
    // What the disk holds when the process dies here.
    copy(folder.path(), killed.path());
    assert!(files(killed.path()) > before);
    let reopened = open(killed.path());
    assert_eq!(reopened.hours().unwrap().len(), 1);
    assert_eq!(rows(&reopened.search(&ask("")).unwrap()), ["09/1"]);
    let unused = reopened.take_in(nine().next(), "v").unwrap();
    assert_eq!(files(killed.path()), before);
    drop(unused);
    writer.finish().unwrap();
    assert_eq!(catalogue.documents().unwrap(), 2);
}

#[test]
fn hours_are_taken_in_side_by_side() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    thread::scope(|scope| {
        for worker in 0..4 {
            let catalogue = &catalogue;
            scope.spawn(move || {
                for round in 0..6 {
                    let hour = nine().plus(worker * 6 + round);
                    let messages: Vec<_> =
                        (1..=20).map(|line| message(hour, line, &format!("worker{worker}"))).collect();
                    take_in(catalogue, hour, "v", &messages);
                }
            });
        }
    });
    assert_eq!(catalogue.hours().unwrap().len(), 24);
    assert_eq!(catalogue.documents().unwrap(), 480);
    for worker in 0..4 {
        assert_eq!(catalogue.search(&ask(&format!("worker{worker}"))).unwrap().total, 120);
    }
    catalogue.close().unwrap();
    assert_eq!(open(folder.path()).search(&ask("")).unwrap().total, 480);
}

#[test]
fn many_hours_become_few_segments() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let merge_at = Settings::default().merge_at;
    for round in (0..).take(2 * merge_at) {
        let hour = nine().plus(round);
        take_in(&catalogue, hour, "v", &[message(hour, 1, "word")]);
    }
    catalogue.close().unwrap();
    let metas = fs::read_to_string(folder.path().join("meta.json")).unwrap();
    let segments = metas.matches("segment_id").count();
    assert!(segments < merge_at, "{segments}");
    assert_eq!(open(folder.path()).hours().unwrap().len(), 2 * merge_at);
}

/// More than one heap of documents: the hour is cut into segments, and still comes at once.
#[test]
fn an_hour_larger_than_the_heap_is_cut_and_comes_whole() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = Catalogue::open(folder.path(), Settings { heap: 0, ..Settings::default() }).unwrap();
    let mut writer = catalogue.take_in(nine(), "v").unwrap();
    let mut line = 0;
    while files(folder.path()) < 20 {
        let batch: Vec<_> = (0..64)
            .map(|_| {
                line += 1;
                let words: Vec<_> = (0..100).map(|word| format!("w{}", line * 100 + word)).collect();
                message(nine(), line, &words.join(" "))
            })
            .collect();
        writer.write(&batch).unwrap();
        assert_eq!(catalogue.documents().unwrap(), 0);
    }
    assert_eq!(writer.finish().unwrap(), line);
    assert_eq!(catalogue.documents_of(nine()).unwrap(), line);
    assert_eq!(rows(&catalogue.search(&ask(&format!("w{}", line * 100))).unwrap()), [format!("09/{line}")]);
}

#[test]
fn one_process_writes_and_others_read() {
    let folder = tempfile::tempdir().unwrap();
    let writing = open(folder.path());
    assert!(Catalogue::open_existing(&folder.path().join("none")).unwrap().is_none());
    let reading = Catalogue::open_existing(folder.path()).unwrap().unwrap();
    take_in(&writing, nine(), "v", &[message(nine(), 1, "word")]);
    assert!(matches!(reading.take_in(nine(), "w"), Err(Error::Locked { .. })));
    assert_eq!(reading.search(&ask("word")).unwrap().total, 0);
    reading.refresh().unwrap();
    assert_eq!(reading.search(&ask("word")).unwrap().total, 1);
    writing.close().unwrap();
    take_in(&reading, nine(), "w", &[]);
    assert_eq!(reading.hours().unwrap(), BTreeMap::from([(nine(), "w".to_owned())]));
}

/// Whoever takes the lock knows the files of the one before, and deletes them when they are of no more use.
#[test]
fn writers_that_take_turns_leave_no_files_behind() {
    let folder = tempfile::tempdir().unwrap();
    let turns = [open(folder.path()), open(folder.path())];
    for (round, catalogue) in (0..12).zip(turns.iter().cycle()) {
        catalogue.refresh().unwrap();
        take_in(
            catalogue,
            nine().plus(round % 3),
            &round.to_string(),
            &[message(nine(), 1, &format!("round {round}"))],
        );
        catalogue.clone().close().unwrap();
    }
    let last = open(folder.path());
    assert_eq!(last.hours().unwrap().into_values().collect::<Vec<_>>(), ["9", "10", "11"]);
    assert_eq!(last.search(&ask("round")).unwrap().total, 3);
    last.verify().unwrap();
    let segments = fs::read_to_string(folder.path().join("meta.json")).unwrap().replace('-', "");
    for entry in fs::read_dir(folder.path()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let (stem, _) = name.split_once('.').unwrap_or((&name, ""));
        assert!(["", "meta", "format"].contains(&stem) || segments.contains(stem), "{name} is left behind");
    }
}

#[test]
fn closing_does_not_pull_the_rug_from_under_a_writer() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let mut writer = catalogue.take_in(nine(), "v").unwrap();
    writer.write(&[message(nine(), 1, "word")]).unwrap();
    catalogue.clone().close().unwrap();
    assert!(matches!(open(folder.path()).take_in(nine(), "w"), Err(Error::Locked { .. })));
    writer.finish().unwrap();
    assert_eq!(catalogue.search(&ask("word")).unwrap().total, 1);
    catalogue.close().unwrap();
    open(folder.path()).take_in(nine(), "w").unwrap();
}

/// One hour whose files are gone fails alone: the one beside it, and the one after it, go on.
#[test]
fn a_failed_hour_does_not_take_others_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let catalogue = open(folder.path());
    let mut failing = catalogue.take_in(nine(), "v").unwrap();
    failing.write(&[message(nine(), 1, "failing")]).unwrap();
    fs::remove_file(named(folder.path(), "*.term")).unwrap();
    let mut beside = catalogue.take_in(nine().next(), "v").unwrap();
    beside.write(&[message(nine().next(), 1, "beside")]).unwrap();
    failing.finish().unwrap_err();
    beside.finish().unwrap();
    take_in(&catalogue, nine().plus(2), "v", &[message(nine().plus(2), 1, "after")]);
    assert_eq!(rows(&catalogue.search(&ask("")).unwrap()), ["10/1", "11/1"]);
    catalogue.verify().unwrap();
}

#[test]
fn another_format_is_refused_and_damage_is_named() {
    let folder = tempfile::tempdir().unwrap();
    take_in(&open(folder.path()), nine(), "v", &[message(nine(), 1, "word")]);
    let again = || Catalogue::open(folder.path(), Settings::default()).map(|_| ()).unwrap_err();
    let format = folder.path().join("format");
    let ours = fs::read(&format).unwrap();

    fs::write(&format, "annals-index 999 tantivy 7\n").unwrap();
    assert!(matches!(again(), Error::OtherFormat { found, .. } if found == "annals-index 999 tantivy 7"));
    fs::remove_file(&format).unwrap();
    assert!(matches!(again(), Error::Damaged { .. }));
    fs::write(&format, ours).unwrap();
    let meta = folder.path().join("meta.json");
    fs::write(&meta, "{").unwrap();
    let error = again();
    assert!(error.rebuild_helps(), "{error:?}");
}

/// An index of an earlier format is taken for none by who reads, and begun anew by who writes.
#[test]
fn an_earlier_format_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    take_in(&open(folder.path()), nine(), "v", &[message(nine(), 1, "word")]);
    fs::write(folder.path().join("format"), "annals-index 1 tantivy 7\n").unwrap();
    assert!(Catalogue::open_existing(folder.path()).unwrap().is_none());
    let catalogue = open(folder.path());
    assert_eq!(catalogue.hours().unwrap().len(), 0);
    take_in(&catalogue, nine().next(), "v", &[message(nine().next(), 1, "word")]);
    assert_eq!(rows(&open(folder.path()).search(&ask("word")).unwrap()), ["10/1"]);
    catalogue.verify().unwrap();
}

#[test]
fn a_missing_file_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    take_in(&open(folder.path()), nine(), "v", &[message(nine(), 1, "word")]);
    for entry in fs::read_dir(folder.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "fast") {
            fs::remove_file(path).unwrap();
        }
    }
    let error = Catalogue::open(folder.path(), Settings::default()).map(|_| ()).unwrap_err();
    assert!(matches!(error, Error::Damaged { .. }), "{error:?}");
}

#[test]
fn a_new_index_whose_process_died_at_once_is_begun_again() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    fs::remove_file(folder.path().join("meta.json")).unwrap();
    assert!(Catalogue::open_existing(folder.path()).unwrap().is_none());
    take_in(&open(folder.path()), nine(), "v", &[message(nine(), 1, "word")]);
    let unfinished = folder.path().join(".tmpAbc123");
    fs::write(&unfinished, "{").unwrap();
    let catalogue = open(folder.path());
    assert_eq!(catalogue.documents().unwrap(), 1);
    drop(catalogue.take_in(nine(), "v").unwrap());
    assert!(!unfinished.exists());
}

/// Files that are cut, emptied or garbled as a whole are noticed when the index is opened.
#[test]
fn a_cut_or_garbled_file_is_damage() {
    let whole = tempfile::tempdir().unwrap();
    take_in(&open(whole.path()), nine(), "v", &[message(nine(), 1, "word 潮汐表")]);
    for name in ["meta.json", ".managed.json", "*.term", "*.idx", "*.pos", "*.fast", "*.fieldnorm", "*.store"] {
        let bytes = fs::read(named(whole.path(), name)).unwrap();
        let half = bytes.get(..bytes.len() / 2).unwrap().to_vec();
        for damaged in [Vec::new(), half, bytes.iter().map(|byte| byte ^ 0x55).collect()] {
            let folder = tempfile::tempdir().unwrap();
            copy(whole.path(), folder.path());
            fs::write(named(folder.path(), name), damaged).unwrap();
            let error = Catalogue::open(folder.path(), Settings::default()).map(|_| ()).unwrap_err();
            assert!(matches!(error, Error::Damaged { .. }), "{name}: {error:?}");
            let text = error.to_string();
            assert!(text.len() < 300 && !text.contains(['\n', '{']), "{text}");
        }
    }
}

/// Whatever byte of the dictionary is garbled, it is damage, or not noticed as long as nothing is read through.
#[test]
fn a_garbled_byte_of_the_dictionary_is_damage() {
    let folder = tempfile::tempdir().unwrap();
    take_in(&open(folder.path()), nine(), "v", &[message(nine(), 1, "word 潮汐表")]);
    let path = named(folder.path(), "*.term");
    let whole = fs::read(&path).unwrap();
    let mut reasons = String::new();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        fs::write(&path, bytes).unwrap();
        let catalogue = Catalogue::open(folder.path(), Settings::default());
        if let Err(error) = catalogue.and_then(|catalogue| catalogue.search(&ask("word"))) {
            assert!(error.rebuild_helps(), "byte {at}: {error:?}");
            reasons.push_str(&error.to_string());
        }
    }
    assert!(
        reasons.contains("Unsupported fst version") && reasons.contains("Unsupported dictionary type"),
        "{reasons}"
    );
}

/// Other damage is noticed by reading everything.
#[test]
fn a_flipped_bit_is_found_by_verifying() {
    let whole = tempfile::tempdir().unwrap();
    take_in(&open(whole.path()), nine(), "v", &[message(nine(), 1, "word 潮汐表")]);
    open(whole.path()).verify().unwrap();
    for name in ["*.term", "*.idx", "*.pos", "*.fast"] {
        let folder = tempfile::tempdir().unwrap();
        copy(whole.path(), folder.path());
        let path = named(folder.path(), name);
        let mut bytes = fs::read(&path).unwrap();
        bytes[3] ^= 1;
        fs::write(&path, bytes).unwrap();
        let error = open(folder.path()).verify().unwrap_err();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(matches!(&error, Error::Damaged { what, .. } if what.contains(&file)), "{error:?}");
    }
}

/// The only file of a pattern.
fn named(folder: &Path, pattern: &str) -> PathBuf {
    let ending = pattern.strip_prefix('*').unwrap_or(pattern);
    let mut paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.find(|path| path.to_string_lossy().ends_with(ending)).unwrap()
}

#[cfg(unix)]
#[test]
fn the_folder_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let index = folder.path().join("archive/index");
    drop(open(&index));
    assert_eq!(fs::metadata(index).unwrap().permissions().mode() & 0o777, 0o700);
}

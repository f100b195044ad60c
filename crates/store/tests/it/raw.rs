//! The served bytes.

use std::fs;
use std::io::{Read, Write};

use chat::Hours;
use store::{Archive, RawHour, SealedRaw, Stage as _};
use tempfile::TempDir;

use crate::support::{children, hour, open};

fn sealed(archive: &Archive, part: u32, bytes: &[u8]) -> SealedRaw {
    let mut stage = archive.stage_raw(hour(0), part).unwrap();
    stage.write_all(bytes).unwrap();
    stage.seal()
}

fn kept(archive: &Archive) -> Option<Vec<Vec<u8>>> {
    let parts = archive.raw_parts(hour(0)).unwrap()?;
    assert!(parts.iter().zip(0..).all(|(part, number)| part.part == number));
    Some(parts.iter().map(|part| fs::read(&part.path).unwrap()).collect())
}

#[tokio::test]
async fn an_hour_is_kept_whole() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    assert_eq!(kept(&archive), None);
    let parts = vec![sealed(&archive, 1, b"two"), sealed(&archive, 0, b"one")];
    assert_eq!(kept(&archive), None, "nothing is kept before it is said");
    archive.keep_raw(hour(0), parts).unwrap();
    assert_eq!(kept(&archive), Some(vec![b"one".to_vec(), b"two".to_vec()]));
    let first = &archive.raw_parts(hour(0)).unwrap().unwrap()[0];
    assert!(first.path.ends_with("raw/2026/03/14/2026031409-0.gz"), "{}", first.path.display());
    assert_eq!(first.length, 3);
    // echo -n one | sha256sum
    assert_eq!(first.sha256, "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed");
    assert_eq!(archive.raw_hours().unwrap(), [hour(0)]);
}

#[tokio::test]
async fn fewer_parts_replace_more() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    archive.keep_raw(hour(0), vec![sealed(&archive, 0, b"one"), sealed(&archive, 1, b"two")]).unwrap();
    archive.keep_raw(hour(0), vec![sealed(&archive, 0, b"all")]).unwrap();
    assert_eq!(kept(&archive), Some(vec![b"all".to_vec()]));
    assert_eq!(children(&folder.path().join("raw/2026/03/14")).len(), 2);
    assert_eq!(children(&folder.path().join("tmp")).len(), 0);
}

#[tokio::test]
async fn parts_are_numbered_without_a_gap() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    assert!(archive.keep_raw(hour(0), vec![sealed(&archive, 1, b"two")]).is_err());
    assert!(archive.keep_raw(hour(1), vec![sealed(&archive, 0, b"of another hour")]).is_err());
    assert_eq!(archive.raw_hours().unwrap(), []);
}

#[tokio::test]
async fn a_part_can_be_received_again() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    let mut stage = archive.stage_raw(hour(0), 0).unwrap();
    stage.write_all(b"cut sho").unwrap();
    stage.restart().unwrap();
    stage.write_all(b"one").unwrap();
    let part = stage.seal();
    assert_eq!((part.length(), part.part()), (3, 0));
    assert_eq!(part.sha256(), sealed(&archive, 0, b"one").sha256());
    let mut bytes = Vec::new();
    part.open().unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"one");
}

#[tokio::test]
async fn a_damaged_hour_is_broken_and_not_absent() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    let day = folder.path().join("raw/2026/03/14");
    assert_eq!(archive.raw_hour(hour(0)).unwrap(), RawHour::Absent);
    archive.keep_raw(hour(0), vec![sealed(&archive, 0, b"one"), sealed(&archive, 1, b"two")]).unwrap();
    let check = |file: &str, expected: &str| {
        let RawHour::Broken { path, reason } = archive.raw_hour(hour(0)).unwrap() else { panic!("{expected}") };
        assert!(path.ends_with(format!("raw/2026/03/14/{file}")), "{}", path.display());
        assert!(reason.starts_with(expected), "{reason}");
        assert_eq!(kept(&archive), None, "{reason}");
        assert_eq!(archive.raw_hours().unwrap(), [], "{reason}");
    };
    fs::write(day.join("2026031409-1.gz"), "tw").unwrap();
    check("2026031409-1.gz", "it has 2 bytes, and had 3");
    fs::remove_file(day.join("2026031409-1.gz")).unwrap();
    check("2026031409-1.gz", "it is missing");
    fs::write(day.join("2026031409-1.gz"), "two").unwrap();
    assert!(matches!(archive.raw_hour(hour(0)).unwrap(), RawHour::Whole(parts) if parts.len() == 2));
    fs::write(day.join("2026031409.json"), "{").unwrap();
    check("2026031409.json", "it is no list of parts: ");
    fs::remove_file(day.join("2026031409.json")).unwrap();
    assert_eq!(archive.raw_hour(hour(0)).unwrap(), RawHour::Absent);
}

#[tokio::test]
async fn the_list_that_counts_already_is_the_one_that_is_told() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    let listed = || archive.raw_lists(Hours::between(hour(0), hour(1))).unwrap().remove(&hour(0)).unwrap();
    let list = folder.path().join("raw/2026/03/14/2026031409.json");
    let next = list.with_extension("json.next");
    let keep = |bytes| archive.keep_raw(hour(0), vec![sealed(&archive, 0, bytes)]).unwrap();
    keep(b"one");
    let (one, first) = (fs::read(&list).unwrap(), listed());
    keep(b"two");
    let second = listed();
    assert_ne!(first, second);
    // A run died when the new list counted, with the old one there and without.
    fs::rename(&list, &next).unwrap();
    assert_eq!(listed(), second);
    fs::write(&list, &one).unwrap();
    assert_eq!(listed(), second);
    // It died before the new list was whole.
    fs::write(&next, "{").unwrap();
    assert_eq!(listed(), first);
}

#[tokio::test]
async fn keepers_of_one_hour_take_turns() {
    let folder = TempDir::new().unwrap();
    let archives = [open(folder.path()).await, open(folder.path()).await];
    std::thread::scope(|scope| {
        for (archive, bytes) in archives.iter().zip([b"a", b"b"]) {
            scope.spawn(move || {
                for _ in 0..40 {
                    let parts = (0..4).map(|part| sealed(archive, part, bytes)).collect();
                    archive.keep_raw(hour(0), parts).unwrap();
                    assert!(archive.raw_parts(hour(0)).unwrap().is_some(), "whole at any time");
                }
            });
        }
    });
    let kept = kept(&archives[0]).unwrap();
    assert!(kept.iter().all(|part| *part == kept[0]), "{kept:?}");
    let parts = archives[0].raw_parts(hour(0)).unwrap().unwrap();
    assert!(parts.iter().all(|part| part.sha256 == parts[0].sha256));
}

//! The served bytes.

use std::fs;
use std::io::{Read, Write};

use store::{Archive, SealedRaw};
use tempfile::TempDir;

use crate::support::{children, hour, open};

fn sealed(archive: &Archive, part: u32, bytes: &[u8]) -> SealedRaw {
    let mut stage = archive.stage_raw(hour(0), part).unwrap();
    stage.write_all(bytes).unwrap();
    stage.seal().unwrap()
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
    let part = stage.seal().unwrap();
    assert_eq!((part.length(), part.part()), (3, 0));
    assert_eq!(part.sha256(), sealed(&archive, 0, b"one").sha256());
    let mut bytes = Vec::new();
    part.open().unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"one");
}

#[tokio::test]
async fn a_damaged_hour_is_not_whole() {
    let folder = TempDir::new().unwrap();
    let archive = open(folder.path()).await;
    archive.keep_raw(hour(0), vec![sealed(&archive, 0, b"one"), sealed(&archive, 1, b"two")]).unwrap();
    let day = folder.path().join("raw/2026/03/14");
    fs::write(day.join("2026031409-1.gz"), "tw").unwrap();
    assert_eq!(kept(&archive), None, "cut");
    fs::remove_file(day.join("2026031409-1.gz")).unwrap();
    assert_eq!(kept(&archive), None, "missing");
    fs::write(day.join("2026031409-1.gz"), "two").unwrap();
    fs::write(day.join("2026031409.json"), "{").unwrap();
    assert_eq!(kept(&archive), None, "unlisted");
    assert_eq!(archive.raw_hours().unwrap(), []);
}

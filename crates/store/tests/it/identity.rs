//! What an archive is, and whose.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use chat::App;
use store::{Access, Advice, Archive, Error, Mode};
use tempfile::TempDir;

use crate::support::{children, clock, open, publication, rows, wanted};

#[tokio::test]
async fn the_first_claim_holds_for_ever() {
    let folder = TempDir::new().unwrap();
    let (ours, foreign): (App, App) = ("harbor-org#lantern".parse().unwrap(), "harbor-org#other".parse().unwrap());
    let (first, second) = (open(folder.path()).await, open(folder.path()).await);
    assert_eq!(first.app(), None);
    first.claim(&ours).await.unwrap();
    first.claim(&ours).await.unwrap();
    // The other handle has not seen it yet, and is refused all the same.
    let error = second.claim(&foreign).await.unwrap_err();
    assert_eq!(error.to_string(), "the archive belongs to the app harbor-org#lantern, not to harbor-org#other");
    assert_eq!(error.advice(), Advice::FixTheSettings);
    assert_eq!(open(folder.path()).await.app(), Some(ours));
}

#[tokio::test]
async fn a_folder_without_archive_is_refused_and_left_alone() {
    let folder = TempDir::new().unwrap();
    for path in [folder.path().to_owned(), folder.path().join("missing")] {
        let error = Archive::open(&path, Access::Existing, clock()).await.unwrap_err();
        assert!(matches!(error, Error::NoArchive { .. }), "{error:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn a_folder_with_something_in_it_is_refused_and_left_alone() {
    for foreign in ["letter.txt", ".git", "tmp/letter.txt"] {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join(foreign);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, "mine").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let error = Archive::open(folder.path(), Access::Create, clock()).await.unwrap_err();
        assert!(matches!(error, Error::NotEmpty { .. }), "{foreign}: {error:?}");
        assert_eq!(error.advice(), Advice::FixTheSettings);
        assert_eq!(children(folder.path()).len(), 1, "{foreign}");
        assert_eq!(mode(folder.path()), 0o755);
    }
}

#[tokio::test]
async fn an_archive_begins_beside_its_settings_or_where_a_creation_was_interrupted() {
    for present in [&["annals.toml"][..], &["annals.toml", ".lock", "tmp/.tmpAb12Cd"], &["lost+found/7"], &[]] {
        let folder = TempDir::new().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for name in present {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        drop(open(folder.path()).await);
        assert_eq!(mode(folder.path()), 0o700, "it is an archive now");
        assert_eq!(children(&folder.path().join("tmp")).len(), 0);
        // What lies in an archive is nobody's business.
        fs::write(folder.path().join("notes.txt"), "mine").unwrap();
        drop(open(folder.path()).await);
    }
}

#[tokio::test]
async fn a_file_is_no_folder() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("notes.txt");
    fs::write(&file, "mine").unwrap();
    for (access, said) in [(Access::Create, "could not create"), (Access::Existing, "is no archive")] {
        let error = Archive::open(&file, access, clock()).await.unwrap_err();
        assert!(error.to_string().contains(said) && error.to_string().contains("notes.txt"), "{error}");
        assert_eq!(error.advice(), Advice::FixTheSettings);
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), "mine");
}

#[tokio::test]
async fn a_newer_format_is_refused_in_words() {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("archive.json"), r#"{"format":2,"soul":"of another shape"}"#).unwrap();
    let error = Archive::open(folder.path(), Access::Create, clock()).await.unwrap_err();
    assert!(error.to_string().ends_with("has format 2, this program reads up to 1: use a newer version"), "{error}");
    assert!(!folder.path().join("messages").exists());
}

#[tokio::test]
async fn a_newer_table_is_refused_in_words() {
    for table in ["messages", "dead_letters", "hours"] {
        let folder = TempDir::new().unwrap();
        drop(open(folder.path()).await);
        let log = folder.path().join(table).join("_delta_log/00000000000000000000.json");
        let today = format!(r#""annals.format":"{}""#, archive::FORMAT);
        let newer = fs::read_to_string(&log).unwrap().replace(&today, r#""annals.format":"7""#);
        fs::write(&log, newer).unwrap();
        // Whoever is to fill the archive is refused at the door, and who reads it where that table is needed.
        let filled = Archive::open(folder.path(), Access::Create, clock()).await.map(drop);
        let read = async {
            let archive = Archive::open(folder.path(), Access::Existing, clock()).await?;
            assert_ne!(table, "messages", "every reader needs them");
            archive.dead_letters(None).await?;
            archive.entries().await.map(drop)
        };
        for refused in [filled, read.await] {
            let error = refused.unwrap_err();
            assert!(error.to_string().contains("format 7"), "{table}: {error}");
            assert_eq!(error.advice(), Advice::FixTheSettings, "{table}");
        }
    }
}

#[tokio::test]
async fn a_damaged_identity_is_named() {
    let folder = TempDir::new().unwrap();
    for content in ["{", "{}", "[]"] {
        fs::write(folder.path().join("archive.json"), content).unwrap();
        let error = Archive::open(folder.path(), Access::Existing, clock()).await.unwrap_err();
        assert!(error.to_string().contains("archive.json is damaged"), "{error}");
    }
}

#[tokio::test]
async fn everything_is_for_the_owner_alone() {
    let folder = TempDir::new().unwrap();
    let root = folder.path().join("new/archive");
    let archive = open(&root).await;
    archive.claim(&"a#b".parse().unwrap()).await.unwrap();
    for number in 0..12 {
        let hour = wanted(number, 2);
        let mut stage = archive.stage_raw(hour.hour, 0).unwrap();
        std::io::Write::write_all(&mut stage, b"served").unwrap();
        archive.keep_raw(hour.hour, vec![stage.seal()]).unwrap();
        archive.publish(publication(&archive, hour).unwrap(), Mode::New).await.unwrap();
    }
    assert!(root.join("messages/_delta_log/_last_checkpoint").exists());
    assert_private(&root);
}

#[tokio::test]
async fn an_archive_may_lie_in_any_folder_and_be_moved() {
    let folder = TempDir::new().unwrap();
    let (odd, moved) = (folder.path().join("ж 100%25 #1?=聊天"), folder.path().join("moved"));
    let archive = open(&odd).await;
    archive.publish(publication(&archive, wanted(0, 3)).unwrap(), Mode::New).await.unwrap();
    drop(archive);
    fs::rename(&odd, &moved).unwrap();
    assert_eq!(rows(&open(&moved).await).await.len(), 3);
}

#[test]
fn one_thread_is_enough() {
    let folder = TempDir::new().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let archive = open(folder.path()).await;
        for number in 0..11 {
            archive.publish(publication(&archive, wanted(number, 1)).unwrap(), Mode::New).await.unwrap();
        }
        assert_eq!(rows(&archive).await.len(), 11);
    });
}

/// Checks that everything below a folder is for its owner alone.
fn assert_private(path: &Path) {
    let mode = mode(path);
    assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}: {mode:o}", path.display());
    children(path).iter().for_each(|path| assert_private(path));
}

//! A folder of hour files.

use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use chat::{Hour, Part};
use flate2::read::MultiGzDecoder;

/// The files of an hour, in the order of their parts. Of two files for one part the first by name counts.
pub(crate) fn files(folder: &Path, hour: Hour) -> io::Result<Vec<PathBuf>> {
    let key = hour.key();
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if let Some(part) = part_of(&path, &key) {
            found.push((part, path));
        }
    }
    found.sort();
    found.dedup_by_key(|(part, _)| *part);
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

/// The part that a path names, if it names one of this hour.
fn part_of(path: &Path, key: &str) -> Option<Part> {
    let name = path.file_name()?.to_str()?;
    let stem = [".ndjson.gz", ".json.gz", ".gz", ".ndjson", ".json"].iter().find_map(|end| name.strip_suffix(end))?;
    match stem.strip_prefix(key)? {
        "" => Some(0),
        rest => rest.strip_prefix('-')?.parse().ok(),
    }
}

/// Whether the file is served as it lies there.
pub(crate) fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz")
}

/// Writes the lines of a file, unpacked.
pub(crate) fn unpack(path: &Path, mut out: impl Write) -> io::Result<()> {
    let file = BufReader::new(File::open(path)?);
    if is_packed(path) {
        io::copy(&mut MultiGzDecoder::new(file), &mut out)?;
    } else {
        io::copy(&mut { file }, &mut out)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_hour_and_part() {
        let key = "2026031409";
        for (name, part) in [
            ("2026031409.gz", Some(0)),
            ("2026031409-0.gz", Some(0)),
            ("2026031409-12.ndjson", Some(12)),
            ("2026031409.json", Some(0)),
            ("2026031409.ndjson.gz", Some(0)),
            ("2026031410.gz", None),
            ("2026031409.gz.tmp", None),
            ("2026031409x.gz", None),
            ("2026031409-.gz", None),
            ("20260314091.gz", None),
        ] {
            assert_eq!(part_of(Path::new(name), key), part, "{name}");
        }
    }

    #[test]
    fn parts_come_in_the_order_of_their_numbers() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["2026031409-10.gz", "2026031409-2.gz", "2026031409.gz", "2026031410.gz", "notes.txt"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = files(folder.path(), "2026031409".parse().unwrap()).unwrap();
        let names: Vec<_> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["2026031409.gz", "2026031409-2.gz", "2026031409-10.gz"]);
    }
}

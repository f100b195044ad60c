//! The file of metrics as an earlier run left it.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// A file of metrics that is longer was not written by this program.
const LONGEST: u64 = 1 << 20;

/// The text of the file; `None` when there is none, or it is nothing that this program wrote.
pub(super) fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    let read = File::open(path).ok()?.take(LONGEST + 1).read_to_string(&mut text).ok()?;
    u64::try_from(read).is_ok_and(|read| read <= LONGEST).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_text_is_left_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("annals.prom");
        assert_eq!(read(&path), None);
        std::fs::write(&path, "annals_hours_lost 0\n").unwrap();
        assert_eq!(read(&path).as_deref(), Some("annals_hours_lost 0\n"));
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(read(&path), None);
    }
}

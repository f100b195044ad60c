//! The engine reads files that may be damaged, and trusts them: where their lengths do not fit it panics. That must not
//! end the program, whose tables are sound: it is an error, like other damage.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::Error;

/// Runs what reads the index in `folder`; a panic of the engine is [`Error::Damaged`].
///
/// What was touched is not looked at again: a catalogue that broke keeps nothing but the files.
pub(crate) fn guarded<T>(folder: &Path, work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_panic| {
        Err(Error::Damaged { folder: folder.to_owned(), what: "the search engine broke on it".to_owned() })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_damage() {
        let folder = Path::new("index");
        let broken: Result<(), Error> = guarded(folder, || panic!("subtract with overflow"));
        assert!(broken.unwrap_err().rebuild_helps());
        assert_eq!(guarded(folder, || Ok(7)).unwrap(), 7);
    }
}

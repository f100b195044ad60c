//! Named steps of publishing, at which tests let the real program die.
//!
//! In a build with the feature `failpoints`, `FAILPOINTS="messages.placed=return"` in the environment ends the program at
//! that step as a kill would, `=pause` lets it wait there for one, and `=2*off->return` does it the third time. What the
//! program must call first is `fail::FailScenario::setup`. In any other build a step is nothing.

/// The steps in the order in which an hour comes to them. Those of `log` come with each commit to a table, those of
/// `merge` when the ledger has many files, those of `letters` when an hour has or had some, those of `rest` when an hour
/// of a compacted day is replaced, those of `compact` when a day is compacted. Those of `media` come when attachments are
/// fetched, those of `export` when rows are handed out, those of `restore` when they are played back.
pub const STEPS: &[&str] = &[
    // The served bytes are there under temporary names.
    "raw.keep",
    // All parts lie beside the old ones; the old ones count.
    "raw.parts-placed",
    // The list lies beside the old one; the new parts count.
    "raw.listed",
    // All parts have their names, the list has not.
    "raw.parts-named",
    "raw.kept",
    "letters.place",
    "letters.placed",
    "letters.committed",
    "letters.discarded",
    "messages.place",
    "messages.placed",
    "messages.committed",
    "messages.discarded",
    "hours.write",
    "hours.written",
    "hours.committed",
    "log.commit",
    "log.committed",
    // With its checkpoint, if it was time for one.
    "log.tidied",
    // The other hours of a file that held the hour, in a file of their own.
    "rest.placed",
    // The small files of a day, in one.
    "compact.placed",
    "compact.committed",
    "compact.discarded",
    "merge.written",
    "merge.committed",
    "merge.discarded",
    // The tables have the hour, the index has not.
    "index.commit",
    "index.committed",
    // The bytes of an attachment are there, no row says so.
    "media.kept",
    // Rows say what became of some attachments.
    "media.noted",
    // An export is whole under its temporary name.
    "export.written",
    // Its watermark says that it is about to appear.
    "export.pending",
    // It is there, the watermark does not know yet.
    "export.placed",
    "export.kept",
    // The journal says that a row is about to be sent.
    "restore.asked",
    // The service has answered, the journal does not know yet.
    "restore.answered",
    "restore.noted",
    // The service has a file, the journal does not know yet.
    "restore.uploaded",
];

/// The program has come to a step; `name` is one of [`STEPS`].
#[cfg(feature = "failpoints")]
pub fn step(name: &'static str) {
    debug_assert!(STEPS.contains(&name), "{name} is to be listed");
    tracing::debug!(name, "step");
    // As a kill would: nothing is unwound, nothing is put in order.
    fail::fail_point!(name, |_| std::process::abort());
}

/// The program has come to a step; `name` is one of [`STEPS`].
#[cfg(not(feature = "failpoints"))]
#[inline]
pub fn step(_name: &'static str) {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The names of the steps in the sources below a folder, and how often each is there.
    fn called(folder: &Path, found: &mut BTreeMap<String, usize>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                called(&path, found);
                continue;
            }
            let source = fs::read_to_string(&path).unwrap();
            for call in source.split("step(\"").skip(1) {
                *found.entry(call.split('"').next().unwrap().to_owned()).or_default() += 1;
            }
        }
    }

    #[test]
    fn every_listed_step_is_one_place_in_the_code() {
        let mut found = BTreeMap::new();
        let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        called(&crates.join("store/src"), &mut found);
        called(&crates.join("ingest/src"), &mut found);
        called(&crates.join("query/src"), &mut found);
        called(&crates.join("restore/src"), &mut found);
        // The one that this test looks with.
        found.remove(").skip(1) {");
        let mut listed: Vec<_> = STEPS.iter().map(|name| ((*name).to_owned(), 1)).collect();
        listed.sort();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), listed);
    }
}

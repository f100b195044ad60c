//! What a query sees of an archive: the ledger and the live files at one moment.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use archive::Promotion;
use chat::{Entry, Hour, State};
use store::{Archive, TableFile};

use super::error::SqlError;

/// Looks at hours that are just being published: their rows are there before the ledger says so.
const LOOKS: u32 = 6;
/// The wait after the first look; it doubles with each.
const PAUSE: Duration = Duration::from_millis(20);

/// An archive at one moment.
pub(crate) struct Seen {
    pub(super) is_in_a_bucket: bool,
    pub(super) entries: BTreeMap<Hour, Entry>,
    pub(super) promotions: Vec<Promotion>,
    pub(super) messages: Vec<TableFile>,
    pub(super) letters: Vec<TableFile>,
    pub(super) attachments: Vec<TableFile>,
}

/// Hours whose rows alone are asked for.
pub(crate) struct Chosen {
    /// Each with its publication, which is empty for one that is archived no more.
    pub(crate) publications: BTreeMap<Hour, String>,
    /// Those of which there are rows.
    pub(crate) with_rows: BTreeSet<Hour>,
}

impl Seen {
    pub(crate) async fn of(archive: &Archive) -> Result<Self, SqlError> {
        // First the ledger, so that what it says is published is in the tables.
        let entries = archive.entries().await?;
        let promotions = archive.promotions().await?;
        let mut seen = Self {
            is_in_a_bucket: archive.is_in_a_bucket(),
            entries,
            promotions,
            messages: Vec::new(),
            letters: Vec::new(),
            attachments: Vec::new(),
        };
        for file in archive.files().await? {
            match file.table {
                "messages" => seen.messages.push(file),
                "dead_letters" => seen.letters.push(file),
                "attachments" => seen.attachments.push(file),
                _ => {}
            }
        }
        Ok(seen)
    }

    /// The archive at a moment at which the files hold just the publications that the ledger has of the hours that are
    /// chosen, and these.
    pub(crate) async fn settled(
        archive: &Archive,
        choose: impl Fn(&BTreeMap<Hour, String>) -> Vec<Hour>,
    ) -> Result<(Self, Chosen), SqlError> {
        for look in 0..LOOKS {
            if look > 0 {
                tokio::time::sleep(PAUSE * 2_u32.pow(look - 1)).await;
            }
            let seen = Self::of(archive).await?;
            let hours = choose(&seen.publications());
            if seen.hold(&hours) {
                let chosen = seen.chosen(&hours);
                return Ok((seen, chosen));
            }
        }
        Err(SqlError::Moving { has_begun: false })
    }

    fn chosen(&self, hours: &[Hour]) -> Chosen {
        let published = |hour: &Hour| self.entries.get(hour).filter(|entry| entry.state == State::Done);
        let publication = |hour: &Hour| (*hour, published(hour).map(Entry::publication).unwrap_or_default());
        let has_rows = |hour: &&Hour| published(hour).is_some_and(|entry| !entry.files.is_empty());
        Chosen {
            publications: hours.iter().map(publication).collect(),
            with_rows: hours.iter().filter(has_rows).copied().collect(),
        }
    }

    /// The archived hours, each with its publication.
    fn publications(&self) -> BTreeMap<Hour, String> {
        let published = self.entries.values().filter(|entry| entry.state == State::Done);
        published.map(|entry| (entry.hour, entry.publication())).collect()
    }

    /// Whether the files have what the ledger says of these hours.
    fn hold(&self, hours: &[Hour]) -> bool {
        let mut holders = HashMap::<Hour, Vec<&TableFile>>::new();
        for file in &self.messages {
            file.hours.iter().for_each(|hour| holders.entry(*hour).or_default().push(file));
        }
        hours.iter().all(|hour| {
            let files = holders.get(hour).map_or(&[][..], Vec::as_slice);
            // What another program wrote anew is taken for what the ledger says.
            let is_untold = matches!(files, [file] if !file.tells(*hour));
            let is_there = |publication: &String| is_untold || files.iter().any(|file| file.holds(*hour, publication));
            let entry = self.entries.get(hour).filter(|entry| entry.state == State::Done);
            entry.is_none_or(|entry| entry.files.iter().all(is_there))
        })
    }
}

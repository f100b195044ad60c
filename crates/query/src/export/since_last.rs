//! What was published since an export of the same name was made before (decision D16).

use chat::Hour;
use std::collections::BTreeMap;
use store::{Archive, ExportName, ExportTurn, Pending, Watermark, step};

use super::error::ExportError;
use super::manifest::{Manifest, Options, SinceLast};
use super::place::{Destination, Place};
use super::tables::Tables;
use super::{Export, Exported, Format, IsStopped};

/// Exports the hours that were published since the last export of this name, each whole, into `below/NAME-000001` and on.
///
/// Every publication is in just one of these folders, whatever is killed when, as long as the folder of a killed export
/// stays where it is until the next one has been made.
///
/// # Errors
///
/// [`ExportError`]; then nothing was handed out.
pub async fn since_last(
    archive: &Archive,
    export: &Export,
    below: &Destination,
    name: &ExportName,
    is_stopped: IsStopped<'_>,
) -> Result<Exported, ExportError> {
    let next = Next::begin(archive, below, name, &export.wanted())?;
    let mut tables = Tables::open(archive).await?;
    let hours = next.changed(&tables.publications());
    let written = match export.write_folder(&mut tables, &hours, &next.place, is_stopped).await {
        Ok(written) => written,
        Err(error) => {
            next.place.leave()?;
            return Err(error);
        }
    };
    let handed_out = written.hours.iter().map(|(hour, publication, _)| (*hour, publication.clone())).collect();
    next.hand_out(export.manifest(archive, written), handed_out)
}

/// The export of a name that goes on from the last one.
pub(super) struct Next<'a> {
    archive: &'a Archive,
    name: &'a ExportName,
    watermark: Watermark,
    number: u64,
    folder: Destination,
    /// Where its files are written.
    pub(super) place: Place,
    /// Held, not read.
    _turn: ExportTurn,
}

impl<'a> Next<'a> {
    /// Takes the turn and the place of the next export, which is asked for what those before were.
    pub(super) fn begin(
        archive: &'a Archive,
        below: &Destination,
        name: &'a ExportName,
        wanted: &Wanted<'_>,
    ) -> Result<Self, ExportError> {
        let busy = || ExportError::Busy { at: format!("under the name `{name}`") };
        let turn = archive.export_turn(name)?.ok_or_else(busy)?;
        let mut watermark = settled(archive, below, name)?;
        watermark.options = wanted.same_as_before(name, &watermark)?;
        let number = watermark.number + 1;
        let folder = below.below(&format!("{name}-{number:06}"))?;
        let place = Place::of_folder(archive, &folder)?;
        Ok(Self { archive, name, watermark, number, folder, place, _turn: turn })
    }

    /// The hours of which another publication was handed out, or none, in order.
    pub(super) fn changed(&self, publications: &BTreeMap<Hour, String>) -> Vec<Hour> {
        changed(publications, &self.watermark.hours)
    }

    /// Lets the export appear and keeps what it handed out, in an order in which a kill leaves both or neither.
    pub(super) fn hand_out(
        mut self,
        mut manifest: Manifest,
        handed_out: BTreeMap<Hour, String>,
    ) -> Result<Exported, ExportError> {
        note_replaced(&mut manifest, &self.watermark.hours);
        manifest.since_last = Some(SinceLast { name: self.name.to_string(), number: self.number });
        if manifest.rows == 0 && !manifest.hours.iter().any(|hour| hour.replaces) {
            self.place.leave()?;
            // Hours without a row for this export need not be looked through again.
            self.watermark.hours.extend(handed_out);
            self.archive.keep_watermark(self.name, &self.watermark)?;
            return Ok(Exported { manifest, place: None });
        }
        self.place.write_manifest(&manifest)?;
        step("export.written");
        self.watermark.pending = Some(Pending { folder: self.folder.name(), hours: handed_out });
        self.archive.keep_watermark(self.name, &self.watermark)?;
        step("export.pending");
        let place = self.place.appear_as_folder()?;
        step("export.placed");
        self.watermark.settle();
        self.archive.keep_watermark(self.name, &self.watermark)?;
        step("export.kept");
        Ok(Exported { manifest, place: Some(place) })
    }
}

/// The watermark, in which an export counts that was about to appear, if it did.
fn settled(archive: &Archive, below: &Destination, name: &ExportName) -> Result<Watermark, ExportError> {
    let mut watermark = archive.watermark(name)?.unwrap_or_default();
    let Some(pending) = &watermark.pending else { return Ok(watermark) };
    let manifest = below.named(&pending.folder).manifest(archive)?;
    let wanted = SinceLast { name: name.to_string(), number: watermark.number + 1 };
    if manifest.is_some_and(|manifest| manifest.since_last == Some(wanted)) {
        watermark.settle();
        archive.keep_watermark(name, &watermark)?;
    }
    watermark.pending = None;
    Ok(watermark)
}

/// The version of the words in which it is kept what the exports of a name are asked for.
///
/// | version | the words |
/// | --- | --- |
/// | 1 | `[format, options]`; the columns are those that were handed out |
/// | 2 | `[2, format, options]`; the columns are those that were named, none for all |
///
/// By the first, a column that came later made of "all" something else.
const WORDS: u64 = 2;

/// What the exports of a name are asked for, each time.
pub(super) struct Wanted<'a> {
    pub(super) format: Format,
    /// The columns among them are those that are named.
    pub(super) options: Options,
    /// Every column that there is today.
    pub(super) all: Vec<&'a str>,
}

impl Export {
    fn wanted(&self) -> Wanted<'_> {
        let options = Options { columns: self.columns.clone(), ..self.options() };
        Wanted { format: self.format, options, all: self.all_columns() }
    }
}

impl Wanted<'_> {
    /// What is asked for, in words, unless the exports of before were asked for something else.
    fn same_as_before(&self, name: &ExportName, watermark: &Watermark) -> Result<String, ExportError> {
        let words = serde_json::to_string(&(WORDS, self.format.word(), &self.options));
        let words = words.expect("texts and numbers are always JSON");
        let before = &watermark.options;
        if before.is_empty() || *before == words || self.is_in_first_words(before) {
            return Ok(words);
        }
        Err(ExportError::OtherOptions { name: name.clone(), before: before.clone() })
    }

    fn is_in_first_words(&self, before: &str) -> bool {
        let Ok((format, options)) = serde_json::from_str::<(String, Options)>(before) else { return false };
        let is_all = self.options.columns.is_empty() && self.were_all(&options.columns);
        let columns = if is_all { Vec::new() } else { options.columns.clone() };
        format == self.format.word() && Options { columns, ..options } == self.options
    }

    /// Whether these were all columns once: those of today in their order, but for some that may have come since.
    fn were_all(&self, columns: &[String]) -> bool {
        let own = archive::columns();
        let is_there = |name: &str| columns.iter().any(|column| column == name);
        let is_old = |name: &str| own.iter().any(|column| column.name == name && column.since == 1);
        let known = self.all.iter().filter(|name| is_there(name));
        known.eq(columns) && self.all.iter().all(|name| is_there(name) || !is_old(name))
    }
}

/// The hours whose publication is another than the one that was handed out, or that are archived no more.
fn changed(publications: &BTreeMap<Hour, String>, handed_out: &BTreeMap<Hour, String>) -> Vec<Hour> {
    let published = publications.iter().filter(|(hour, publication)| handed_out.get(hour) != Some(publication));
    let withdrawn = handed_out.iter().filter(|(hour, known)| !known.is_empty() && !publications.contains_key(hour));
    let mut hours: Vec<Hour> = published.chain(withdrawn).map(|(hour, _)| *hour).collect();
    hours.sort();
    hours
}

fn note_replaced(manifest: &mut Manifest, handed_out: &BTreeMap<Hour, String>) {
    for hour in &mut manifest.hours {
        hour.replaces = Hour::from_key(&hour.hour).is_ok_and(|key| handed_out.contains_key(&key));
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::records_of_all;
    use super::super::{Secrets, is_secret};
    use super::*;

    #[test]
    fn hours_published_anew_or_withdrawn_have_changed() {
        let hours: Vec<Hour> = (0..5).map(|at| Hour::from_number(500_000).plus(at)).collect();
        let map = |pairs: &[(usize, &str)]| {
            pairs.iter().map(|(at, publication)| (hours[*at], (*publication).to_owned())).collect::<BTreeMap<_, _>>()
        };
        let handed_out = map(&[(0, "a"), (1, "b"), (2, "c"), (4, "")]);
        let published = map(&[(0, "a"), (1, "b2"), (3, "d")]);
        assert_eq!(changed(&published, &handed_out), [hours[1], hours[2], hours[3]]);
        assert!(changed(&published, &published).is_empty());
    }

    #[test]
    fn words_of_before_are_understood_though_columns_have_come_since() {
        let promotions = vec![archive::Promotion::new("ext.seq:int64", None).unwrap()];
        let of = |columns: &[&str], promotions: &[archive::Promotion]| Export {
            format: Format::Parquet,
            columns: columns.iter().map(|&column| column.to_owned()).collect(),
            promotions: promotions.to_vec(),
            ..records_of_all(Secrets::LeftOut)
        };
        // As they were kept: with the columns that were handed out.
        let words_of_before = |columns: &[&str]| {
            let options = of(columns, &[]).options();
            serde_json::to_string(&("parquet", &options)).unwrap()
        };
        let all = of(&[], &[]);
        let all = all.all_columns();
        let first: Vec<&str> = archive::columns()
            .iter()
            .filter(|column| column.since == 1 && !is_secret(column.name))
            .map(|c| c.name)
            .collect();
        assert!(first.len() < all.len(), "some came later");
        let name: ExportName = "nightly".parse().unwrap();
        for (before, asked, is_same) in [
            (&all[..], &[][..], true),
            (&first, &[], true),
            (&first, &first, true),
            (&["msg_id", "text"], &["msg_id", "text"], true),
            (&["msg_id", "text"], &["text", "msg_id"], false),
            (&["msg_id", "text"], &[], false),
            (&first[1..], &[], false),
            (&all, &["msg_id"], false),
        ] {
            let watermark = Watermark { options: words_of_before(before), ..Watermark::default() };
            let same = of(asked, &promotions).wanted().same_as_before(&name, &watermark);
            assert_eq!(same.is_ok(), is_same, "{before:?} and {asked:?}");
            // From then on the words are those of today, and hold whatever comes.
            let Ok(words) = same else { continue };
            let watermark = Watermark { options: words.clone(), ..Watermark::default() };
            assert_eq!(of(asked, &[]).wanted().same_as_before(&name, &watermark).unwrap(), words);
        }
        let named = of(&all, &[]).wanted().same_as_before(&name, &Watermark::default()).unwrap();
        let watermark = Watermark { options: named, ..Watermark::default() };
        assert!(of(&[], &[]).wanted().same_as_before(&name, &watermark).is_err(), "all by their names is no `all`");
    }
}

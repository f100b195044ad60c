//! What was published since an export of the same name was made before (decision D16).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use chat::Hour;
use store::{Archive, ExportName, Pending, Watermark, step};

use super::error::ExportError;
use super::manifest::{Manifest, SinceLast};
use super::place::{self, Place};
use super::tables::Tables;
use super::{Export, Exported, IsStopped};

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
    below: &Path,
    name: &ExportName,
    is_stopped: IsStopped<'_>,
) -> Result<Exported, ExportError> {
    let busy = || ExportError::Busy { at: format!("under the name `{name}`") };
    let _turn = archive.export_turn(name)?.ok_or_else(busy)?;
    let mut watermark = settled(archive, name)?;
    watermark.options = same_options(export, name, &watermark)?;

    let number = watermark.number + 1;
    let folder = absolute(&below.join(format!("{name}-{number:06}")))?;
    place::refuse_taken(&folder)?;
    let place = Place::take(&folder)?;
    let mut tables = Tables::open(archive).await?;
    let hours = changed(&tables.publications(), &watermark.hours);
    let written = match export.write_folder(&mut tables, &hours, &place, is_stopped).await {
        Ok(written) => written,
        Err(error) => {
            place.leave()?;
            return Err(error);
        }
    };
    let handed_out = written.hours.iter().map(|(hour, publication, _)| (*hour, publication.clone())).collect();
    let mut manifest = export.manifest(archive, written);
    note_replaced(&mut manifest, &watermark.hours);
    manifest.since_last = Some(SinceLast { name: name.to_string(), number });
    if manifest.rows == 0 && !manifest.hours.iter().any(|hour| hour.replaces) {
        place.leave()?;
        // Hours without a row for this export need not be looked through again.
        watermark.hours.extend(handed_out);
        archive.keep_watermark(name, &watermark)?;
        return Ok(Exported { manifest, place: None });
    }
    place.write_manifest(&manifest)?;
    step("export.written");
    watermark.pending = Some(Pending { folder, hours: handed_out });
    archive.keep_watermark(name, &watermark)?;
    step("export.pending");
    let place = place.appear_as_folder()?;
    step("export.placed");
    watermark.settle();
    archive.keep_watermark(name, &watermark)?;
    step("export.kept");
    Ok(Exported { manifest, place: Some(place) })
}

/// The watermark, in which an export counts that was about to appear, if it did.
fn settled(archive: &Archive, name: &ExportName) -> Result<Watermark, ExportError> {
    let mut watermark = archive.watermark(name)?.unwrap_or_default();
    let is_it = |manifest: &Manifest| {
        let wanted = SinceLast { name: name.to_string(), number: watermark.number + 1 };
        manifest.since_last.as_ref() == Some(&wanted)
    };
    let appeared = |pending: &Pending| place::manifest_in(&pending.folder).as_ref().is_some_and(is_it);
    if watermark.pending.as_ref().is_some_and(appeared) {
        watermark.settle();
        archive.keep_watermark(name, &watermark)?;
    }
    watermark.pending = None;
    Ok(watermark)
}

/// What is asked for, in words, unless the exports of before were asked for something else.
fn same_options(export: &Export, name: &ExportName, watermark: &Watermark) -> Result<String, ExportError> {
    let options = serde_json::to_string(&(export.format.word(), export.options()));
    let options = options.expect("texts and numbers are always JSON");
    if watermark.options.is_empty() || watermark.options == options {
        return Ok(options);
    }
    Err(ExportError::OtherOptions { name: name.clone(), before: watermark.options.clone() })
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

fn absolute(path: &Path) -> Result<PathBuf, ExportError> {
    std::path::absolute(path).map_err(ExportError::target("find", path))
}

#[cfg(test)]
mod tests {
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
}

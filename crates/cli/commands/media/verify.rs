//! `annals media verify`.

use std::collections::BTreeSet;
use std::path::Path;

use chat::Hour;
use serde_json::json;
use store::{Access, Archive};

use crate::context::Context;
use crate::error::CommandError;
use crate::exit::Exit;
use crate::output::bytes;

/// Prove that every stored attachment is there, byte for byte
///
/// Reads each file and holds it against the SHA-256 that it is named after. It names files that are damaged, files that are
/// missing although a row says that they are stored, and files that no row speaks of. With --json it prints one object: `files`,
/// `bytes`, `findings` (each with `kind`: `damaged`, `missing`, `orphan` or `foreign`, and `file`).
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Print what was found as one JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// Something that is wrong.
struct Finding {
    kind: &'static str,
    file: String,
    hint: &'static str,
}

pub(super) async fn run(args: Args, context: &Context) -> Result<Exit, CommandError> {
    let archive = context.open_archive(Access::Existing).await?;
    let all = Hour::from_number(i64::MIN)..Hour::from_number(i64::MAX);
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    archive.each_attachment(&all, |row| wanted.extend(row.sha256)).await.map_err(CommandError::from)?;
    let work = tokio::task::spawn_blocking(move || findings(&archive, &wanted));
    let (files, length, found) = work.await.map_err(CommandError::usage)?.map_err(CommandError::from)?;
    if args.json {
        let list: Vec<_> = found.iter().map(|finding| json!({ "kind": finding.kind, "file": finding.file })).collect();
        context.output.json(&json!({ "version": 1, "files": files, "bytes": length, "findings": list }))?;
    } else {
        for Finding { kind, file, hint } in &found {
            context.output.line(format_args!("{kind}: {file}: {hint}"))?;
        }
        context.output.line(format_args!("{files} files ({}), {} findings", bytes(length), found.len()))?;
    }
    Ok(if found.is_empty() { Exit::Done } else { Exit::HoursFailed })
}

/// How many files there are, their bytes, and what is wrong with them.
fn findings(archive: &Archive, wanted: &BTreeSet<String>) -> Result<(u64, u64, Vec<Finding>), store::Error> {
    let (mut files, mut length, mut found, mut met) = (0, 0, Vec::new(), BTreeSet::new());
    for blob in archive.blobs()? {
        files += 1;
        length += blob.length;
        let file = shown(archive.root(), &blob.path);
        let Some(sha256) = blob.sha256 else {
            found.push(Finding { kind: "foreign", file, hint: "it is no file of this program; move it away" });
            continue;
        };
        if archive.hash_blob(&sha256)?.is_none_or(|(is, _)| is != sha256) {
            let hint = "its bytes are not those that it is named after; remove it and run `annals media fetch`";
            found.push(Finding { kind: "damaged", file, hint });
        } else if !wanted.contains(&sha256) {
            let hint =
                "no row speaks of it: a run that was killed left it, and the next `annals media fetch` finds it again";
            found.push(Finding { kind: "orphan", file, hint });
        }
        met.insert(sha256);
    }
    for sha256 in wanted.difference(&met) {
        let file = format!("media/{}/{sha256}", sha256.get(..2).unwrap_or_default());
        found.push(Finding {
            kind: "missing",
            file,
            hint: "a row says that it is stored; the next `annals media fetch` asks for it again",
        });
    }
    Ok((files, length, found))
}

fn shown(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

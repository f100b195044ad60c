//! Promoted columns: which the archive has, and the files that were written before one came.
//!
//! Which they are stands in the log of `messages`, in its property `annals.promoted`: whoever writes into the archive, on
//! whatever machine, reads it there and fills them. One commit adds the columns to the table and names them; it touches no
//! file. A file says in its tags which of them it has. One that lacks some is written anew from itself, as when a day is
//! compacted: its hours stay the publications that they were, and who replaces one meanwhile has won. So filling can end
//! anywhere and go on later, by whoever comes.

use std::sync::Arc;

use archive::{Promotion, PromotionError, with_promoted};
use chat::Hour;
use deltalake::DeltaTableError;
use deltalake::kernel::engine::arrow_conversion::TryFromArrow as _;
use deltalake::kernel::{Action, MetadataExt as _, StructField, StructType};
use deltalake::protocol::DeltaOperation;
use deltalake::table::state::DeltaTableState;
use serde::{Deserialize, Serialize};

use crate::compact::{Compacted, Compaction, Compactor, is_ours};
use crate::error::{Error, is_gone};
use crate::live::{Live, LiveFile};
use crate::open::Archive;
use crate::snapshot::DataFile;
use crate::tags;

/// The property of the table that holds the promoted columns.
pub(crate) const PROPERTY: &str = "annals.promoted";

/// The files of `messages` that lack a promoted column.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Unfilled {
    /// Those that can be filled, in the order of their hours.
    pub files: Vec<DataFile>,
    /// Those that other programs wrote, of which nobody knows what publications they hold: they stay as they are.
    pub foreign: Vec<DataFile>,
}

impl Archive {
    /// The promoted columns, in their order.
    ///
    /// # Errors
    ///
    /// When the log of `messages` cannot be read.
    pub async fn promotions(&self) -> Result<Vec<Promotion>, Error> {
        self.message_table().promotions().await
    }

    /// Adds promoted columns, and gives all that there are now. Those that the archive has stay as they are. From here on
    /// each file that is written has them; those that are there are for [`Archive::fill`].
    ///
    /// # Errors
    ///
    /// [`Error::Promotion`] when a name is taken or there are too many, and nothing was changed; else when the log of
    /// `messages` cannot be written.
    pub async fn promote(&self, promotions: &[Promotion]) -> Result<Vec<Promotion>, Error> {
        let work = self.running().begin()?;
        let promotions = self.message_table().promote(promotions).await?;
        work.done();
        Ok(promotions)
    }

    /// The files of `messages` that lack one of the promoted columns.
    ///
    /// # Errors
    ///
    /// When the log of `messages` cannot be read.
    pub async fn unfilled(&self) -> Result<Unfilled, Error> {
        let table = self.message_table();
        let (promoted, live) = (names(&table.promotions().await?), table.live().await?);
        let lacking = live.files().filter(|file| !tags::has_promoted(file.add.tags.as_ref(), &promoted));
        let (mut files, mut foreign) = (Vec::new(), Vec::new());
        for file in lacking {
            let place = if can_be_filled(&live, file) { &mut files } else { &mut foreign };
            place.push(file.facts().clone());
        }
        files.sort_by(|one: &DataFile, other| one.hours.cmp(&other.hours));
        Ok(Unfilled { files, foreign })
    }

    /// Writes a file of `messages` anew, with all promoted columns, in its place. `None` when another writer has replaced
    /// it, or does meanwhile.
    ///
    /// # Errors
    ///
    /// As [`Archive::compact`].
    pub async fn fill(&self, file: &DataFile, compaction: Compaction) -> Result<Option<Compacted>, Error> {
        let table = self.message_table();
        let Some(file) = table.live().await?.file(&file.path).map(Arc::clone) else { return Ok(None) };
        let work = self.running().begin()?;
        let compactor = Compactor { site: self.site(), running: self.running(), compaction, now: self.now() };
        let filled = match compactor.replace(table, &[vec![file]]).await {
            Err(error) if is_gone(&error) => None,
            filled => filled?,
        };
        work.done();
        Ok(filled)
    }
}

fn can_be_filled(live: &Live, file: &LiveFile) -> bool {
    file.hours().first().is_some_and(|day: &Hour| is_ours(crate::table::Kind::Messages, live, file, *day))
}

/// The names of the columns.
pub(crate) fn names(promotions: &[Promotion]) -> Vec<String> {
    promotions.iter().map(|promotion| promotion.column.clone()).collect()
}

/// A promotion as it is written down.
#[derive(Serialize, Deserialize)]
struct Wire {
    column: String,
    place: String,
    #[serde(rename = "type")]
    kind: String,
}

impl From<&Promotion> for Wire {
    fn from(promotion: &Promotion) -> Self {
        let Promotion { column, place, kind } = promotion;
        Self { column: column.clone(), place: place.to_string(), kind: kind.to_string() }
    }
}

impl Wire {
    /// Not as a person's words are read: a name that was good once is good for ever.
    fn promotion(self) -> Option<Promotion> {
        Some(Promotion { column: self.column, place: self.place.parse().ok()?, kind: self.kind.parse().ok()? })
    }
}

/// The promoted columns of a version of a table.
pub(crate) fn of_table(delta: &DeltaTableState) -> Result<Vec<Promotion>, Error> {
    let Some(json) = delta.metadata().configuration().get(PROPERTY) else { return Ok(Vec::new()) };
    let wire: Option<Vec<Wire>> = serde_json::from_str(json).ok();
    let promotions = wire.and_then(|wire| wire.into_iter().map(Wire::promotion).collect());
    promotions.ok_or_else(|| Error::Damaged {
        path: "messages/_delta_log".into(),
        reason: format!("{PROPERTY} is no list of promoted columns: {json}"),
    })
}

/// The promoted columns of a version, and these; `None` when there are no others.
pub(crate) fn joined(delta: &DeltaTableState, wanted: &[Promotion]) -> Result<Option<Vec<Promotion>>, Error> {
    let before = of_table(delta)?;
    let mut promotions = before.clone();
    for promotion in wanted {
        promotion.clone().join(&mut promotions)?;
    }
    let schema = delta.schema();
    let is_foreign = |promotion: &&Promotion| schema.field(&promotion.column).is_some();
    if let Some(taken) = promotions[before.len()..].iter().find(is_foreign) {
        let why = "is in the table already, by another program: give it another name";
        return Err(PromotionError::Name { column: taken.column.clone(), why }.into());
    }
    Ok((promotions.len() > before.len()).then_some(promotions))
}

/// What gives a table these promoted columns, of which it has the first `known`.
pub(crate) fn change(
    delta: &DeltaTableState,
    promotions: &[Promotion],
    known: usize,
) -> Result<(Action, DeltaOperation), DeltaTableError> {
    let added = fields(&promotions[known..])?;
    let schema = StructType::try_new(delta.schema().fields().cloned().chain(added.iter().cloned()))?;
    let wire: Vec<_> = promotions.iter().map(Wire::from).collect();
    let json = serde_json::to_string(&wire).expect("texts are always JSON");
    let metadata = delta.metadata().clone().with_schema(&schema)?.add_config_key(PROPERTY.to_owned(), json)?;
    Ok((Action::Metadata(metadata), DeltaOperation::AddColumn { fields: added }))
}

fn fields(promotions: &[Promotion]) -> Result<Vec<StructField>, DeltaTableError> {
    let columns = with_promoted(&archive::message_schema().project(&[])?, promotions);
    Ok(StructType::try_from_arrow(columns.as_ref())?.fields().cloned().collect())
}

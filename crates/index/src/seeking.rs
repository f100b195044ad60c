//! Whether a list of documents has one.

use tantivy::{DocId, DocSet};

/// The document itself if the list has it, else the first one after it. Documents are asked for in order; a list that is there
/// already stays where it is.
pub(crate) fn at_or_after(docs: &mut (impl DocSet + ?Sized), doc: DocId) -> DocId {
    if docs.doc() < doc { docs.seek(doc) } else { docs.doc() }
}

/// Whether the list has the document.
pub(crate) fn has(docs: &mut (impl DocSet + ?Sized), doc: DocId) -> bool {
    at_or_after(docs, doc) == doc
}

//! Where messages are looked for, without words of the query language.

use index::Query;

use crate::error::CommandError;

/// The flags that name conversations.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Scope {
    /// Only messages between two users, in either direction
    #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with = "thread")]
    between: Option<Vec<String>>,

    /// Only messages of this thread, by its id
    #[arg(long, value_name = "ID")]
    thread: Option<String>,
}

impl Scope {
    /// What of a query is in the conversation that is named.
    ///
    /// # Errors
    ///
    /// When a name is empty.
    pub(crate) fn narrow(&self, query: Query) -> Result<Query, CommandError> {
        let Some(key) = self.key() else { return Ok(query) };
        let names = self.between.iter().flatten().chain(&self.thread);
        if names.into_iter().any(|name| name.trim().is_empty()) {
            return Err(CommandError::usage("a user or thread without a name is in no conversation")
                .hint("--between takes two users, as in `--between mara_voss teo-77`; --thread the id of a thread"));
        }
        Ok(query.and(Query::in_conversation(&key)))
    }

    /// The key of the conversation.
    fn key(&self) -> Option<String> {
        match self.between.as_deref() {
            Some([one, other]) => Some(format!("chat:{one}:{other}")),
            _ => self.thread.as_ref().map(|id| format!("thread:{id}")),
        }
    }
}

//! The flags of the commands that archive.

/// How a run that archives goes about it.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(crate) struct RunArgs {
    /// Leave the search index to a later run
    #[arg(long)]
    pub(crate) no_index: bool,

    /// End with code 3 when lines were set aside
    #[arg(long)]
    pub(crate) strict: bool,

    /// Print what was done as one JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

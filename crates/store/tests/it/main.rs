//! What an archive promises, on real files.

mod compact;
mod identity;
mod ledger;
mod log;
mod museum;
mod processes;
mod promotion;
mod publish;
mod raw;
mod support;

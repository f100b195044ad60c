//! Where bytes live and which hours exist: Delta tables, ledger, raw files.

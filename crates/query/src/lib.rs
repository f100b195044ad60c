//! Ask the archive.

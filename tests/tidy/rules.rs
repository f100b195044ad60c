//! Who may use what, as data.

/// A crate of the workspace.
pub(crate) struct Crate {
    pub(crate) name: &'static str,
    /// The crates it may use outside tests.
    pub(crate) may_use: &'static [&'static str],
}

/// The arrows, leaves first.
pub(crate) const CRATES: &[Crate] = &[
    // The words. Whoever needs more than the standard library here has found a type for another crate.
    Crate { name: "chat", may_use: &[] },
    // Leaves: the words and one outside technology each.
    Crate { name: "api", may_use: &["chat"] },
    Crate { name: "archive", may_use: &["chat"] },
    Crate { name: "decode", may_use: &["chat"] },
    Crate { name: "index", may_use: &["chat"] },
    // Decides where the files of `archive` live.
    Crate { name: "store", may_use: &["archive", "chat"] },
    // The write side and the read side; neither knows the other.
    Crate { name: "ingest", may_use: &["api", "archive", "chat", "decode", "index", "store"] },
    Crate { name: "query", may_use: &["archive", "chat", "decode", "index", "store"] },
    // From the read side into the service: the way back.
    Crate { name: "restore", may_use: &["api", "chat", "decode", "query", "store"] },
    // Stands in for the service; were it to share a type with `api` or `decode`, both could be wrong alike.
    Crate { name: "emulator", may_use: &["chat"] },
    // The program.
    Crate {
        name: "cli",
        may_use: &["api", "archive", "chat", "decode", "emulator", "index", "ingest", "query", "restore", "store"],
    },
];

/// An outside package and the only crates that may use it outside tests.
pub(crate) struct Technology {
    pub(crate) package: &'static str,
    pub(crate) owners: &'static [&'static str],
    pub(crate) why: &'static str,
}

const fn owned(package: &'static str, owners: &'static [&'static str], why: &'static str) -> Technology {
    Technology { package, owners, why }
}

/// What belongs to somebody.
pub(crate) const TECHNOLOGIES: &[Technology] = &[
    owned("arrow", &["archive"], "columns are built and read in one place"),
    owned("async-trait", &["query", "store"], "the traits of object_store, deltalake and datafusion ask for it"),
    owned("axum", &["emulator"], "one server, which stands in for the service"),
    owned("backon", &["api"], "only the service is asked again"),
    owned("base64", &["api", "emulator", "cli"], "tokens and signatures, on both ends of the wire; bytes in JSON"),
    owned("chrono", &["chat"], "everybody else speaks of chat::Timestamp"),
    owned("clap", &["cli"], "arguments belong to the program"),
    owned("clap_complete", &["cli"], "arguments belong to the program"),
    owned("clap_mangen", &["cli"], "arguments belong to the program"),
    owned("comfy-table", &["cli"], "libraries print nothing"),
    owned("csv", &["cli"], "tables of names are given to the program"),
    owned("datafusion", &["query"], "SQL is a way to ask"),
    owned("deltalake", &["store"], "the log is written by one crate"),
    owned("fail", &["cli", "store"], "the steps of publishing at which tests let the program die"),
    owned(
        "flate2",
        &["api", "decode", "emulator"],
        "hour files; api packs a token with zlib, the emulator writes hour files",
    ),
    owned("hmac", &["api", "emulator", "query"], "tokens and signatures, on both ends of the wire; masks"),
    owned("http-body", &["emulator"], "bodies that break off on purpose"),
    owned("httpdate", &["api"], "Retry-After may be a date"),
    owned("hyper", &["emulator"], "connections that break off on purpose"),
    owned("hyper-util", &["emulator"], "connections that break off on purpose"),
    owned("icu_segmenter", &["index"], "words are a matter of the index"),
    owned("image", &["emulator"], "thumbnails are made by the service that is stood in for"),
    owned("indicatif", &["cli"], "libraries print nothing"),
    owned("maud", &["cli"], "pages are made by the program"),
    owned("memchr", &["decode"], "where a line ends"),
    owned("object_store", &["store"], "where bytes live"),
    owned("opentelemetry", &["cli"], "traces are told by the program"),
    owned("opentelemetry-otlp", &["cli"], "traces are told by the program"),
    owned("opentelemetry_sdk", &["cli"], "traces are told by the program"),
    owned("parquet", &["archive", "store"], "written and read by archive; store hands it readers over objects"),
    owned(
        "percent-encoding",
        &["emulator"],
        "signed links, written by one side only: the other sends them as they came",
    ),
    owned("prometheus", &["cli"], "metrics are told by the program"),
    owned("rand", &["api", "emulator"], "jitter, and seeded histories"),
    owned("reqwest", &["api"], "the service is asked by one crate"),
    owned("rayon", &["archive", "ingest"], "the threads on which hours are decoded, and columns encoded and unpacked"),
    owned(
        "rustix",
        &["cli", "index", "query"],
        "how much room a disk has; an index in place of another in one step; exports that pass by the cache of pages",
    ),
    owned("rustyline", &["cli"], "where queries are typed"),
    owned(
        "serde",
        &["api", "archive", "cli", "decode", "emulator", "query", "restore", "store"],
        "a shape that is written down stays with its writer",
    ),
    owned(
        "serde_json",
        &["api", "archive", "cli", "decode", "emulator", "index", "query", "restore", "store"],
        "a shape that is written down stays with its writer; attributes are searched by name",
    ),
    owned("simdutf8", &["decode"], "served bytes become text in one place"),
    owned(
        "sha2",
        &["api", "cli", "emulator", "ingest", "query", "store"],
        "signatures; hashes of what was served, exported and imported",
    ),
    owned("strsim", &["cli"], "did you mean"),
    owned("tantivy", &["index"], "full text is kept by one crate"),
    owned("tantivy-fst", &["index"], "full text is kept by one crate"),
    owned("tantivy-tokenizer-api", &["index"], "full text is kept by one crate"),
    owned("tikv-jemallocator", &["cli"], "the program decides where memory comes from"),
    owned(
        "tokio",
        &["api", "cli", "emulator", "ingest", "query", "restore", "store"],
        "decoding, columns and full text wait for nothing",
    ),
    owned("tokio-util", &["api", "cli", "emulator", "ingest", "restore", "store"], "how a run is told to stop"),
    owned("toml", &["cli"], "settings belong to the program"),
    owned("tracing-opentelemetry", &["cli"], "traces are told by the program"),
    owned("tracing-subscriber", &["cli"], "the program decides what is logged"),
    owned("twox-hash", &["decode"], "fingerprints of messages are compared within one hour and never stored"),
    owned("unicode-segmentation", &["cli"], "libraries print nothing"),
    owned("unicode-width", &["cli"], "libraries print nothing"),
    owned("unicode-normalization", &["index"], "folding is a matter of the index"),
    owned("url", &["api", "cli", "store"], "addresses: of the service, as set and as asked, and of tables"),
    owned("uuid", &["store"], "names of files that nobody else has"),
    owned("zstd", &["archive"], "unpacks pages of Parquet where few rows are read"),
];

/// What every crate may use: it carries no wall with it.
pub(crate) const FREE: &[&str] = &["bytes", "futures", "rustc-hash", "tempfile", "thiserror", "tracing"];

/// What tests use and nothing else.
pub(crate) const TESTS_ONLY: &[&str] = &["boon", "proptest", "quick-xml"];

/// Packages of which the lock file holds one version: their types cross our walls.
pub(crate) const ONE_COPY: &[&str] = &[
    "arrow",
    "arrow-array",
    "arrow-schema",
    "axum",
    "chrono",
    "deltalake-core",
    "object_store",
    "parquet",
    "tantivy",
    "tokio",
];

/// Words that are no name for a crate, module or file.
pub(crate) const HOLLOW_NAMES: &[&str] = &["common", "helper", "helpers", "misc", "types", "util", "utils"];

/// Words that are no part of a type's name.
pub(crate) const HOLLOW_TYPES: &[&str] = &["Handler", "Helper", "Info", "Manager", "Processor"];

/// Lines that a file may have, tests at its foot not counted.
pub(crate) const LONGEST_FILE: usize = 500;

/// The row of a crate.
pub(crate) fn row(name: &str) -> Option<&'static Crate> {
    CRATES.iter().find(|row| row.name == name)
}

/// Crates without a row, rows without a crate.
pub(crate) fn rows_for(names: &[String]) -> Vec<String> {
    let without_row = names.iter().filter(|name| row(name).is_none()).map(|name| format!("crate `{name}` has no row"));
    let without_crate = CRATES.iter().filter(|row| !names.iter().any(|name| name == row.name));
    without_row.chain(without_crate.map(|row| format!("row `{}` has no crate", row.name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_crates_are_compared_both_ways() {
        let mut names: Vec<String> = CRATES.iter().map(|row| row.name.to_owned()).collect();
        assert!(rows_for(&names).is_empty());
        names[0] = "shared".to_owned();
        assert_eq!(rows_for(&names), ["crate `shared` has no row", "row `chat` has no crate"]);
    }

    /// An arrow leads to a row above, so there is no way back.
    #[test]
    fn the_table_has_no_circle() {
        for (place, row) in CRATES.iter().enumerate() {
            for used in row.may_use {
                let above = CRATES.iter().take(place).any(|other| other.name == *used);
                assert!(above, "`{}` uses `{used}`, which does not stand above it", row.name);
            }
        }
    }

    #[test]
    fn owners_are_crates_and_nothing_is_listed_twice() {
        for technology in TECHNOLOGIES {
            for owner in technology.owners {
                assert!(row(owner).is_some(), "{}: `{owner}` is no crate", technology.package);
            }
        }
        let mut packages: Vec<&str> = TECHNOLOGIES.iter().map(|technology| technology.package).collect();
        packages.extend(FREE.iter().chain(TESTS_ONLY));
        packages.sort_unstable();
        assert!(packages.windows(2).all(|pair| pair[0] != pair[1]), "{packages:?}");
    }
}

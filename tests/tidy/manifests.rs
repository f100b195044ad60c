//! What the manifests and the lock file may say.

use std::collections::{BTreeMap, BTreeSet};

use toml::{Table, Value};

use crate::rules::{FREE, ONE_COPY, TECHNOLOGIES, TESTS_ONLY, Technology, row};
use crate::sources::has_word;

/// The prefix of our packages.
const OURS: &str = "annals-";

/// What a crate says of itself.
pub(crate) struct Manifest {
    path: String,
    /// The folder of its sources.
    pub(crate) folder: String,
    /// The crate's name in the table of arrows: `chat`, `api`, and `cli` for the program.
    pub(crate) name: String,
    table: Table,
}

impl Manifest {
    pub(crate) fn parse(path: &str, folder: &str, text: &str) -> Self {
        let name = folder.rsplit('/').next().unwrap_or(folder).to_owned();
        Self { path: path.to_owned(), folder: folder.to_owned(), name, table: parsed(path, text) }
    }

    /// Crates of ours that it uses and may not.
    pub(crate) fn forbidden_arrows(&self) -> Vec<String> {
        let allowed = row(&self.name).map_or(&[][..], |row| row.may_use);
        let used = self.dependencies(&["dependencies", "build-dependencies"]);
        let ours = used.filter_map(|(package, _value)| package.strip_prefix(OURS));
        ours.filter(|name| !allowed.contains(name))
            .map(|name| format!("{}: {} -> {name}", self.path, self.name))
            .collect()
    }

    /// Technology that belongs to another crate, or to nobody yet.
    pub(crate) fn foreign_technology(&self) -> Vec<String> {
        let used = self.dependencies(&["dependencies", "build-dependencies"]);
        used.filter_map(|(package, _value)| self.objection(package)).collect()
    }

    fn objection(&self, package: &str) -> Option<String> {
        if package.starts_with(OURS) || FREE.contains(&package) {
            return None;
        }
        let path = &self.path;
        match TECHNOLOGIES.iter().find(|technology| technology.package == package) {
            Some(technology) if technology.owners.contains(&self.name.as_str()) => None,
            Some(Technology { owners, why, .. }) => {
                Some(format!("{path}: `{package}` belongs to {}: {why}", owners.join(", ")))
            }
            None if TESTS_ONLY.contains(&package) => Some(format!("{path}: `{package}` is for tests")),
            None if package == "anyhow" => {
                Some(format!("{path}: `anyhow` hides what a caller could act on; write an error type"))
            }
            None => Some(format!("{path}: `{package}` has no owner yet: give it a row, or add it to `FREE`")),
        }
    }

    /// Dependencies with a version or path of their own.
    pub(crate) fn versions_of_its_own(&self) -> Vec<String> {
        let all = self.dependencies(&["dependencies", "build-dependencies", "dev-dependencies"]);
        all.filter(|(_package, value)| !is_inherited(value))
            .map(|(package, _value)| format!("{}: `{package}`", self.path))
            .collect()
    }

    /// Dependencies that `code`, all of the crate's sources, never names.
    pub(crate) fn unused(&self, code: &str) -> Vec<String> {
        let used = self.dependencies(&["dependencies"]);
        let named = |package: &str| has_word(code, &package.trim_start_matches(OURS).replace('-', "_"));
        used.filter(|(package, _value)| !named(package))
            .map(|(package, _value)| format!("{}: `{package}`", self.path))
            .collect()
    }

    /// What it says for itself and should inherit, and where its names differ from its folder's.
    pub(crate) fn not_inherited(&self) -> Vec<String> {
        let path = &self.path;
        let mut offences = Vec::new();
        for key in ["edition", "license", "publish", "rust-version", "version"] {
            if !self.table.get("package").and_then(|package| package.get(key)).is_some_and(is_inherited) {
                offences.push(format!("{path}: package.{key}"));
            }
        }
        if !self.table.get("lints").is_some_and(is_inherited) {
            offences.push(format!("{path}: [lints] workspace = true"));
        }
        let text = |section: &str, key: &str| self.table.get(section)?.get(key)?.as_str();
        if self.name != "cli" && text("package", "name") != Some(&format!("{OURS}{}", self.name)) {
            offences.push(format!("{path}: the package is named {OURS}{}, like its folder", self.name));
        }
        if self.name != "cli" && text("lib", "name") != Some(&self.name) {
            offences.push(format!("{path}: the library is named {}, like its folder", self.name));
        }
        offences
    }

    /// The dependencies in the named sections, also of single platforms.
    fn dependencies(&self, sections: &'static [&'static str]) -> impl Iterator<Item = (&str, &Value)> {
        let platforms = self.table.get("target").and_then(Value::as_table).into_iter().flat_map(Table::values);
        let tables = platforms.filter_map(Value::as_table).chain([&self.table]);
        tables
            .flat_map(move |table| sections.iter().filter_map(|section| table.get(*section)?.as_table()))
            .flat_map(|section| section.iter().map(|(package, value)| (package.as_str(), value)))
    }
}

/// What the root manifest says for all.
pub(crate) struct Workspace {
    table: Table,
}

impl Workspace {
    pub(crate) fn parse(text: &str) -> Self {
        Self { table: parsed("Cargo.toml", text) }
    }

    /// Dependencies that no crate asks for.
    pub(crate) fn unclaimed(&self, crates: &[Manifest]) -> Vec<String> {
        let sections = &["dependencies", "build-dependencies", "dev-dependencies"];
        let claimed: BTreeSet<&str> = crates
            .iter()
            .flat_map(|manifest| manifest.dependencies(sections))
            .map(|(package, _value)| package)
            .collect();
        let offered = self.get(&["dependencies"]).and_then(Value::as_table).into_iter().flat_map(Table::keys);
        offered.filter(|package| !claimed.contains(package.as_str())).cloned().collect()
    }

    /// What every crate relies on and the workspace does not give.
    pub(crate) fn not_set_for_all(&self) -> Vec<String> {
        let expected = [
            (&["package", "edition"][..], "2024"),
            (&["package", "license"], "Apache-2.0"),
            (&["lints", "rust", "unsafe_code"], "forbid"),
            (&["lints", "rust", "missing_docs"], "warn"),
            (&["lints", "clippy", "print_stdout"], "warn"),
        ];
        let differs = |path: &[&str], value: &str| self.get(path).and_then(Value::as_str) != Some(value);
        expected
            .into_iter()
            .filter(|(path, value)| differs(path, value))
            .map(|(path, value)| format!("workspace.{} = {value:?}", path.join(".")))
            .collect()
    }

    fn get(&self, path: &[&str]) -> Option<&Value> {
        path.iter().try_fold(self.table.get("workspace")?, |value, key| value.get(key))
    }
}

/// Packages of [`ONE_COPY`] that the lock file holds in more than one version.
pub(crate) fn second_copies(lock: &str) -> Vec<String> {
    let table = parsed("Cargo.lock", lock);
    let several = versions(&table).into_iter().filter(|(name, versions)| ONE_COPY.contains(name) && versions.len() > 1);
    several.map(|(name, versions)| format!("{name}: {}", versions.join(", "))).collect()
}

/// Packages that a lock file inside a crate has in a version which the workspace's has not.
pub(crate) fn other_versions(lock: &str, inner_lock: &str) -> Vec<String> {
    let (table, inner) = (parsed("Cargo.lock", lock), parsed("the inner Cargo.lock", inner_lock));
    let ours = versions(&table);
    let differ = |(name, inner): (&str, Vec<&str>)| {
        let ours = ours.get(name)?;
        let other = inner.into_iter().find(|version| !ours.contains(version))?;
        Some(format!("{name} {other}, not {}", ours.join(", ")))
    };
    versions(&inner).into_iter().filter_map(differ).collect()
}

/// The versions of each package in a lock file.
fn versions(lock: &Table) -> BTreeMap<&str, Vec<&str>> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in lock.get("package").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(name), Some(version)) = (package.get("name"), package.get("version")) {
            versions.entry(name.as_str().unwrap_or("")).or_default().push(version.as_str().unwrap_or(""));
        }
    }
    versions
}

fn parsed(path: &str, text: &str) -> Table {
    text.parse().unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn is_inherited(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(text: &str) -> Manifest {
        Manifest::parse("crates/decode/Cargo.toml", "crates/decode", text)
    }

    #[test]
    fn an_arrow_upwards_is_seen() {
        let manifest = decode("[dependencies]\nannals-chat.workspace = true\nannals-store.workspace = true");
        assert_eq!(manifest.forbidden_arrows(), ["crates/decode/Cargo.toml: decode -> store"]);
        let for_one_platform = decode("[target.'cfg(unix)'.dependencies]\nannals-index.workspace = true");
        assert_eq!(for_one_platform.forbidden_arrows(), ["crates/decode/Cargo.toml: decode -> index"]);
        assert!(decode("[dev-dependencies]\nannals-emulator.workspace = true").forbidden_arrows().is_empty());
    }

    #[test]
    fn foreign_technology_is_seen() {
        for (package, objection) in [
            ("reqwest", "`reqwest` belongs to api: the service is asked by one crate"),
            ("anyhow", "`anyhow` hides what a caller could act on; write an error type"),
            ("ureq", "`ureq` has no owner yet: give it a row, or add it to `FREE`"),
            ("proptest", "`proptest` is for tests"),
        ] {
            let manifest = decode(&format!("[dependencies]\n{package}.workspace = true"));
            assert_eq!(manifest.foreign_technology(), [format!("crates/decode/Cargo.toml: {objection}")]);
        }
        assert!(
            decode("[dependencies]\nflate2.workspace = true\nbytes.workspace = true").foreign_technology().is_empty()
        );
        assert!(decode("[dev-dependencies]\nreqwest.workspace = true").foreign_technology().is_empty());
    }

    #[test]
    fn a_version_of_its_own_is_seen() {
        let manifest = decode(
            "[dependencies]\nmemchr = '2'\n[dev-dependencies]\nrand = { version = '0.9' }\nbytes.workspace = true",
        );
        assert_eq!(manifest.versions_of_its_own().len(), 2, "{:?}", manifest.versions_of_its_own());
    }

    #[test]
    fn an_idle_dependency_is_seen() {
        let manifest = decode("[dependencies]\nannals-chat.workspace = true\nrustc-hash.workspace = true");
        assert_eq!(manifest.unused("use chat::Hour;"), ["crates/decode/Cargo.toml: `rustc-hash`"]);
        assert!(manifest.unused("use chat::Hour; use rustc_hash::FxHashMap;").is_empty());
        let workspace = Workspace::parse("[workspace.dependencies]\nrustc-hash = '2'\nrayon = '1'");
        assert_eq!(workspace.unclaimed(&[manifest]), ["rayon"]);
    }

    #[test]
    fn what_is_not_inherited_is_seen() {
        let whole = "[package]\nname = 'annals-decode'\nedition.workspace = true\nlicense.workspace = true\n\
            publish.workspace = true\nrust-version.workspace = true\nversion.workspace = true\n\
            [lib]\nname = 'decode'\n[lints]\nworkspace = true";
        assert!(decode(whole).not_inherited().is_empty(), "{:?}", decode(whole).not_inherited());
        for (good, bad, offence) in [
            ("edition.workspace = true", "edition = '2021'", "package.edition"),
            ("[lints]\nworkspace = true", "[lints.rust]\nunsafe_code = 'allow'", "[lints] workspace = true"),
            ("name = 'decode'", "name = 'decoder'", "the library is named decode, like its folder"),
            ("'annals-decode'", "'decode'", "the package is named annals-decode, like its folder"),
        ] {
            let offences = decode(&whole.replace(good, bad)).not_inherited();
            assert_eq!(offences, [format!("crates/decode/Cargo.toml: {offence}")]);
        }
        let forgetful = "[workspace.package]\nedition = '2021'\nlicense = 'Apache-2.0'\n[workspace.lints.rust]\nunsafe_code = 'deny'\n\
            missing_docs = 'warn'\n[workspace.lints.clippy]\nprint_stdout = 'warn'";
        assert_eq!(
            Workspace::parse(forgetful).not_set_for_all(),
            ["workspace.package.edition = \"2024\"", "workspace.lints.rust.unsafe_code = \"forbid\""]
        );
    }

    #[test]
    fn a_second_arrow_is_seen() {
        let lock = "[[package]]\nname = 'arrow'\nversion = '59.3.2'\n[[package]]\nname = 'arrow'\nversion = '60.1.0'\n\
            [[package]]\nname = 'syn'\nversion = '2.0.0'\n[[package]]\nname = 'syn'\nversion = '3.0.0'";
        assert_eq!(second_copies(lock), ["arrow: 59.3.2, 60.1.0"]);
    }

    #[test]
    fn a_fuzzed_version_that_is_not_shipped_is_seen() {
        let lock = "[[package]]\nname = 'memchr'\nversion = '2.8.3'";
        let inner = "[[package]]\nname = 'arbitrary'\nversion = '1.4.2'\n[[package]]\nname = 'memchr'\nversion = ";
        assert_eq!(other_versions(lock, &format!("{inner}'2.8.2'")), ["memchr 2.8.2, not 2.8.3"]);
        assert!(other_versions(lock, &format!("{inner}'2.8.3'")).is_empty());
    }
}

//! What is carried into a Debian guest that has no network: package files of its architecture, and source packages.
//!
//! Both are fetched by apt, which checks signatures and hashes: package files with the apt state that the kit's own packages come
//! from; sources with a state of their own, because this machine's apt may have no `deb-src` line.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::suite_apt::{Kind, SuiteApt};
use crate::apt::ForeignApt;
use crate::cache::Cache;
use crate::{Error, Progress, Result, inputs, run};

/// Packages of this machine that unpack sources.
pub(super) const SOURCE_TOOLS: &[&str] = &["debian-archive-keyring", "dpkg-dev", "patch"];

/// The key of things that are wanted by name from a suite of an archive.
pub(super) fn key(names: &[&str], suite: &str, mirror: &str) -> String {
    let mut parts = vec!["carried 1", suite, mirror];
    parts.extend(names);
    inputs::hash(parts)
}

/// Fetches each of `packages`, without what it depends on, into `at`.
pub(super) fn fetch_packages(
    at: &Path,
    packages: &[&str],
    cache: &Cache,
    progress: &Progress,
) -> Result<()> {
    let log = at.join("build.log");
    let _lock = cache.lock("apt", progress)?;
    let apt = ForeignApt::open(&cache.root().join("apt"), &log, progress)?;
    for package in packages {
        let file = apt.fetch_alone(package, progress)?;
        // Its name without version and architecture, so that a script can name it.
        let target = at.join(format!("{package}.deb"));
        fs::copy(&file, &target).map_err(Error::io("write", &target))?;
    }
    apt.clean()
}

/// Fetches the source packages and unpacks each, with Debian's patches, into the directory of `at` with its name.
pub(super) fn fetch_sources(
    at: &Path,
    sources: &[&str],
    suite: &str,
    mirror: &str,
    progress: &Progress,
) -> Result<()> {
    let log = at.join("build.log");
    let state = at.join("apt");
    let apt = SuiteApt::open(&state, Kind::Sources, (suite, mirror), "", &log, progress)?;
    for source in sources {
        let step = format!("Fetching the source of {source}");
        progress.step(&step, 0);
        let downloads = state.join("downloads").join(source);
        fs::create_dir_all(&downloads).map_err(Error::io("create", &downloads))?;
        let mut fetch = apt.command();
        fetch
            .args(["source", "--download-only", source])
            .current_dir(&downloads);
        run::logged(&mut fetch, &step, &log, |line| progress.advance(line))?;
        unpack(at, source, &downloads, &log)?;
    }
    fs::remove_dir_all(&state).map_err(Error::io("delete", &state))
}

fn unpack(at: &Path, source: &str, downloads: &Path, log: &Path) -> Result<()> {
    let entries = fs::read_dir(downloads).map_err(Error::io("read", downloads))?;
    let is_description = |path: &Path| path.extension().is_some_and(|it| it == "dsc");
    let description = entries
        .flatten()
        .map(|entry| entry.path())
        .find(|path| is_description(path))
        .ok_or_else(|| Error::PackageLacks {
            package: source.to_owned(),
            wanted: "description (.dsc) of its source".into(),
        })?;
    let target = at.join(source);
    if target.exists() {
        fs::remove_dir_all(&target).map_err(Error::io("empty", &target))?;
    }
    let mut extract = Command::new("dpkg-source");
    // apt has checked the description's hash against the signed list.
    extract
        .args(["--no-check", "--extract"])
        .arg(&description)
        .arg(&target);
    let step = format!("Unpacking the source of {source}");
    run::logged(&mut extract, &step, log, |_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_names_another_suite_or_archive_make_another_key() {
        let first = key(&["zlib"], "bookworm", "http://one");
        assert_eq!(first, key(&["zlib"], "bookworm", "http://one"));
        assert_ne!(first, key(&["zlib", "lua5.4"], "bookworm", "http://one"));
        assert_ne!(first, key(&["zlib"], "sid", "http://one"));
        assert_ne!(first, key(&["zlib"], "bookworm", "http://two"));
    }

    #[test]
    fn a_source_without_a_description_is_named() {
        let directory = tempfile::tempdir().expect("directory");
        let at = directory.path();
        let error = unpack(at, "zlib", at, &at.join("log")).expect_err("nothing there");
        assert!(error.to_string().contains("package zlib"), "{error}");
    }
}

//! debootstrap's second stage, three times from the same first stage: the three systems have the
//! same files with the same content.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use guest_kit::{DebianSpec, Progress};
use paprika::debian;
use paprika::machine::HostOptions;

use crate::machine::Kind;
use crate::runner::say;
use crate::system::{System, take_out};

/// Its name for `--only`.
pub const NAME: &str = "debootstrap-second-stage";
/// What passes if it passes.
pub const CLAIM: &str =
    "three runs of debootstrap's second stage give the same system, file by file";
/// How often it is run.
const TIMES: usize = 3;

/// What holds a time or a random number, and so differs: files, and directories with all that is in
/// them.
const DIFFERS: [&str; 8] = [
    // Times are in every line.
    "/var/log",
    "/debootstrap",
    // Random on purpose.
    "/etc/machine-id",
    "/var/lib/systemd/random-seed",
    "/var/lib/systemd/catalog",
    // Caches with the times of the files that they are made from.
    "/var/cache/ldconfig/aux-cache",
    "/var/cache/debconf",
    // Day of the last change of a password, which is today.
    "/etc/shadow-",
];

/// A file of a system: what kind it is, its mode, and its content or where it leads.
#[derive(Debug, PartialEq, Eq)]
enum Entry {
    Directory(u32),
    File(u32, Vec<u8>),
    Link(PathBuf),
}

/// Makes the systems on the engine of `kind` and compares them; none: they are the same.
pub fn run(system: &System, kind: Kind) -> anyhow::Result<Option<String>> {
    let scratch = system.scratch()?;
    let host = HostOptions {
        engine: kind.engine,
        ..HostOptions::default()
    };
    let mut first: Option<BTreeMap<PathBuf, Entry>> = None;
    for time in 1..=TIMES {
        say(format!("{NAME}: the second stage, time {time} of {TIMES}"));
        let image = scratch.path().join(format!("{time}.img"));
        let progress = Progress::silent();
        debian::build(
            &DebianSpec::default(),
            &image,
            &system.kit,
            &host,
            &progress,
        )?;
        let tree = scratch.path().join("tree");
        fs::create_dir(&tree)?;
        for directory in ["/usr", "/etc", "/var", "/root", "/srv", "/opt"] {
            take_out(&image, directory, &tree).or_else(|error| {
                // A directory may be there and be empty.
                let empty = tree.join(&directory[1..]).is_dir();
                if empty { Ok(()) } else { Err(error) }
            })?;
        }
        let mut entries = BTreeMap::new();
        read(&tree, Path::new("/"), &mut entries)?;
        fs::remove_dir_all(&tree)?;
        fs::remove_file(&image)?;
        say(format!("{NAME}: {} files", entries.len()));
        match &first {
            None => first = Some(entries),
            Some(first) => {
                let differences = compare(first, &entries);
                if !differences.is_empty() {
                    return Ok(Some(differences.join("\n")));
                }
            }
        }
    }
    Ok(None)
}

fn read(tree: &Path, at: &Path, entries: &mut BTreeMap<PathBuf, Entry>) -> anyhow::Result<()> {
    let here = tree.join(at.strip_prefix("/")?);
    for entry in fs::read_dir(&here).with_context(|| here.display().to_string())? {
        let entry = entry?;
        let path = at.join(entry.file_name());
        if DIFFERS.iter().any(|it| path == Path::new(it)) {
            continue;
        }
        let metadata = entry.metadata()?;
        let mode = metadata.permissions().mode();
        let what = if metadata.is_dir() {
            read(tree, &path, entries)?;
            Entry::Directory(mode)
        } else if metadata.is_symlink() {
            Entry::Link(fs::read_link(entry.path())?)
        } else if metadata.is_file() {
            Entry::File(mode, settled(&path, fs::read(entry.path())?))
        } else {
            continue;
        };
        entries.insert(path, what);
    }
    Ok(())
}

/// The content of a file without the days in it.
fn settled(path: &Path, content: Vec<u8>) -> Vec<u8> {
    if path != Path::new("/etc/shadow") {
        return content;
    }
    let lines = content.split(|byte| *byte == b'\n').map(|line| {
        let fields = line.split(|byte| *byte == b':').enumerate();
        let kept = fields
            .filter(|(number, _)| *number != 2)
            .map(|(_, field)| field);
        kept.collect::<Vec<_>>().join(&b':')
    });
    lines.collect::<Vec<_>>().join(&b'\n')
}

/// What differs, one line for a file, and not more than anybody reads.
fn compare(one: &BTreeMap<PathBuf, Entry>, other: &BTreeMap<PathBuf, Entry>) -> Vec<String> {
    let mut differences = Vec::new();
    for (path, entry) in one {
        match other.get(path) {
            None => differences.push(format!("{} is missing in a later system", path.display())),
            Some(there) if there != entry => differences.push(describe(path, entry, there)),
            Some(_) => {}
        }
    }
    let added = other.keys().filter(|path| !one.contains_key(*path));
    differences.extend(added.map(|path| format!("{} is in a later system only", path.display())));
    differences.truncate(40);
    differences
}

fn describe(path: &Path, one: &Entry, other: &Entry) -> String {
    let name = String::from_utf8_lossy(path.as_os_str().as_bytes()).into_owned();
    match (one, other) {
        (Entry::File(mode, a), Entry::File(other_mode, b)) if mode == other_mode => {
            let at = a.iter().zip(b).take_while(|(a, b)| a == b).count();
            format!(
                "{name} differs from byte {at} of {} and {}",
                a.len(),
                b.len()
            )
        }
        (Entry::Link(a), Entry::Link(b)) => {
            format!("{name} leads to {} and to {}", a.display(), b.display())
        }
        _ => format!("{name} has another kind or mode"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_that_differ_in_a_file_are_told_apart_and_named_exceptions_are_left_out() {
        let directory = tempfile::tempdir().expect("directory");
        let tree = |name: &str, content: &str, seed: &str| {
            let at = directory.path().join(name);
            fs::create_dir_all(at.join("etc")).expect("directories");
            fs::create_dir_all(at.join("var/log")).expect("directories");
            fs::write(at.join("etc/passwd"), content).expect("file");
            fs::write(at.join("etc/machine-id"), seed).expect("file");
            fs::write(at.join("var/log/dpkg.log"), seed).expect("file");
            fs::write(at.join("etc/shadow"), format!("root:*:{seed}:0:\n")).expect("file");
            let mut entries = BTreeMap::new();
            read(&at, Path::new("/"), &mut entries).expect("read");
            entries
        };
        let (one, same, other) = (
            tree("1", "root", "7"),
            tree("2", "root", "8"),
            tree("3", "toor", "7"),
        );
        assert_eq!(compare(&one, &same), Vec::<String>::new());
        let said = compare(&one, &other);
        assert_eq!(said, ["/etc/passwd differs from byte 0 of 4 and 4"]);
    }

    #[test]
    fn missing_and_new_files_are_told() {
        let entry = |mode| Entry::File(mode, Vec::new());
        let one = BTreeMap::from([("/a".into(), entry(1)), ("/b".into(), entry(1))]);
        let other = BTreeMap::from([("/b".into(), entry(2)), ("/c".into(), entry(1))]);
        let said = compare(&one, &other);
        assert_eq!(said.len(), 3, "{said:?}");
        assert!(said[0].contains("/a is missing") && said[2].contains("/c is in"));
    }
}

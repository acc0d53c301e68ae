//! Files that this process was told to use by their paths: the kernel, the RAM disk, the log file,
//! the control socket. With the NVDIMMs' files, which the machine knows, they are what no command
//! may replace or delete, whatever directory it is given.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Device and inode: what a file is the same by, under whatever name.
pub type Identity = (u64, u64);

/// A file in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// What it is, for messages: "the log file".
    pub what: String,
    /// Its path, absolute.
    pub path: PathBuf,
    /// Which file it was when it was taken into use, as far as it was there.
    pub identity: Option<Identity>,
}

impl NamedFile {
    /// What is at a path now.
    pub fn new(what: impl Into<String>, path: &Path) -> Self {
        Self {
            what: what.into(),
            path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            identity: identity(path),
        }
    }

    /// Whether it is in `directory`, at any depth, by its own path or by where that leads.
    /// `directory` is a path without symbolic links (realpath(3)).
    pub fn lies_in(&self, directory: &Path) -> bool {
        // The name itself may be a link: both its place and what it leads to count.
        let place = self.path.parent().and_then(|at| at.canonicalize().ok());
        [place, self.path.canonicalize().ok()]
            .into_iter()
            .flatten()
            .any(|real| real.starts_with(directory))
    }
}

fn identity(path: &Path) -> Option<Identity> {
    let found = path.metadata().ok()?;
    Some((found.dev(), found.ino()))
}

/// By number of registration.
static NAMED: Mutex<BTreeMap<u64, NamedFile>> = Mutex::new(BTreeMap::new());

fn named() -> MutexGuard<'static, BTreeMap<u64, NamedFile>> {
    NAMED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file counts as in use while this lives.
#[derive(Debug)]
#[must_use = "dropped, the file is not in use any more"]
pub struct Registration(u64);

impl Registration {
    /// It is in use until the process ends.
    pub fn keep(self) {
        std::mem::forget(self);
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        named().remove(&self.0);
    }
}

/// Takes a file into use.
pub fn register(what: &'static str, path: &Path) -> Registration {
    let file = NamedFile::new(what, path);
    let mut named = named();
    let number = named.last_key_value().map_or(0, |(last, _)| last + 1);
    named.insert(number, file);
    Registration(number)
}

/// All that are in use now.
pub fn registered() -> Vec<NamedFile> {
    named().values().cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_lies_where_its_name_is_and_where_that_leads() {
        let place = tempfile::tempdir().expect("directory");
        let root = place.path().canonicalize().expect("directory");
        let [a, b] = ["a", "b"].map(|name| root.join(name));
        for directory in [&a, &b, &a.join("deep")] {
            std::fs::create_dir(directory).expect("directory");
        }
        let file = a.join("deep/file");
        std::fs::write(&file, "x").expect("file");
        let link = b.join("link");
        std::os::unix::fs::symlink(&file, &link).expect("link");
        let file = NamedFile::new("it", &file);
        assert!(file.lies_in(&a) && file.lies_in(&root) && !file.lies_in(&b));
        let link = NamedFile::new("it", &link);
        assert!(link.lies_in(&a) && link.lies_in(&b));
        assert_eq!(link.identity, file.identity);
        let missing = NamedFile::new("it", &a.join("missing"));
        assert!(missing.lies_in(&a) && missing.identity.is_none());
    }

    #[test]
    fn a_registered_file_is_in_use_until_it_is_dropped() {
        let path = Path::new("/no/such/file/of/this/test");
        let known = || registered().iter().any(|file| file.path == path);
        let registration = register("a file", path);
        let another = register("another", Path::new("/no/other"));
        assert!(known());
        drop(registration);
        assert!(!known());
        drop(another);
    }
}

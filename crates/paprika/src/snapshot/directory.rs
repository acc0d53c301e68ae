//! A directory that appears whole or not at all: it is written beside its place under another name, made durable, and renamed.
//!
//! A snapshot that is there under the same name is replaced in the same step (the two directories change names), so that whoever looks
//! finds the old one or the new one; a crash while saving leaves the old one. What a crash has left beside it goes with the next save.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::{STATE_FILE, format};

/// Why there can't be such a directory.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Nothing that could be a directory's name.
    #[error("{} is not the name of a directory; choose another path", .0.display())]
    NoName(PathBuf),
    /// Something else is there.
    #[error("{} exists and is not a snapshot; choose another path", .0.display())]
    Taken(PathBuf),
    /// The file system can't replace a directory in one step.
    #[error(
        "{} exists, and its file system can't replace a directory in one step; remove it first, or choose another path",
        .0.display()
    )]
    NoReplacement(PathBuf),
    /// The host refuses.
    #[error("{} can't be {what}: {error}", path.display())]
    Host {
        /// The path.
        path: PathBuf,
        /// What was attempted.
        what: &'static str,
        /// What the host said.
        error: io::Error,
    },
}

fn host(path: &Path, what: &'static str) -> impl FnOnce(io::Error) -> DirectoryError {
    let path = path.to_owned();
    move |error| DirectoryError::Host { path, what, error }
}

/// A directory under way. Dropped, it is gone, and its place is as it was.
#[derive(Debug)]
pub struct Directory {
    parent: PathBuf,
    target: PathBuf,
    temporary: PathBuf,
    /// Tells other processes that it is no leftover.
    _lock: File,
}

impl Directory {
    /// Makes a directory, readable by this user only, that will be at `target`.
    ///
    /// # Errors
    /// [`DirectoryError`]: also where `target` is something that must not be replaced.
    pub fn create(target: &Path) -> Result<Self, DirectoryError> {
        let no_name = || DirectoryError::NoName(target.to_owned());
        let target = match target.canonicalize() {
            Ok(there) => there,
            Err(_) => {
                let name = target.file_name().ok_or_else(no_name)?;
                let parent = match target.parent() {
                    Some(parent) if parent != Path::new("") => parent,
                    _ => Path::new("."),
                };
                let parent = parent.canonicalize().map_err(host(parent, "found"))?;
                parent.join(name)
            }
        };
        let parent = target.parent().ok_or_else(no_name)?.to_owned();
        let name = target.file_name().ok_or_else(no_name)?;
        if target.symlink_metadata().is_ok() && !may_replace(&target) {
            return Err(DirectoryError::Taken(target));
        }
        let mut prefix = OsString::from(".");
        prefix.push(name);
        prefix.push(".saving-");
        remove_leftovers(&parent, prefix.as_bytes());
        prefix.push(format!("{:08x}", fastrand::u32(..)));
        let temporary = parent.join(prefix);
        let make = || {
            DirBuilder::new().mode(0o700).create(&temporary)?;
            let lock = File::open(&temporary)?;
            lock.try_lock()?;
            Ok(lock)
        };
        let lock = make().map_err(host(&target, "made"))?;
        Ok(Self {
            parent,
            target,
            temporary,
            _lock: lock,
        })
    }

    /// Where to write to.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Puts it where it belongs, durably. Its files are durable already.
    ///
    /// # Errors
    /// [`DirectoryError`]; its place is as it was, unless it is the last step that failed, whose error says so.
    pub fn commit(self) -> Result<PathBuf, DirectoryError> {
        let Self {
            target, temporary, ..
        } = &self;
        let sync = |path: &Path| File::open(path).and_then(|directory| directory.sync_all());
        sync(temporary).map_err(host(target, "made durable"))?;
        let rename = |flags| renameat_with(CWD, temporary, CWD, target, flags);
        match rename(RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(rustix::io::Errno::EXIST) if may_replace(target) => {
                match rename(RenameFlags::EXCHANGE) {
                    Ok(()) => {}
                    Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                        return Err(DirectoryError::NoReplacement(target.clone()));
                    }
                    Err(error) => return Err(host(target, "replaced")(error.into())),
                }
            }
            Err(rustix::io::Errno::EXIST) => return Err(DirectoryError::Taken(target.clone())),
            // A file system without the flag: only an empty directory can be lost by the plain call.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => {
                if target.symlink_metadata().is_ok() {
                    return Err(DirectoryError::NoReplacement(target.clone()));
                }
                fs::rename(temporary, target).map_err(host(target, "put in its place"))?;
            }
            Err(error) => return Err(host(target, "put in its place")(error.into())),
        }
        sync(&self.parent).map_err(host(&self.parent, "made durable"))?;
        // Dropped here, and with it what was replaced.
        Ok(target.clone())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        remove(&self.temporary);
    }
}

/// Whether what is there may be replaced: a snapshot, or an empty directory.
fn may_replace(path: &Path) -> bool {
    if format::is_ours(&path.join(STATE_FILE)) {
        return true;
    }
    fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}

fn remove(path: &Path) {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), %error, "what is left of a save could not be removed");
        }
        _ => {}
    }
}

/// Removes what saves that did not come to their end have left.
fn remove_leftovers(parent: &Path, prefix: &[u8]) {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().as_bytes().starts_with(prefix)) {
        let path = entry.path();
        let nobodys = File::open(&path).is_ok_and(|directory| directory.try_lock().is_ok());
        if nobodys {
            remove(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).expect("directory");
        let mut names: Vec<String> = entries
            .map(|entry| {
                let name = entry.expect("entry").file_name();
                name.to_string_lossy().into_owned()
            })
            .collect();
        names.sort();
        names
    }

    fn state(content: &str) -> String {
        format!("paprika-snapshot 1 {content}")
    }

    fn save(target: &Path, content: &str) -> Result<PathBuf, DirectoryError> {
        let directory = Directory::create(target)?;
        fs::write(directory.path().join(STATE_FILE), state(content)).expect("written");
        directory.commit()
    }

    #[test]
    fn it_appears_whole_or_not_at_all_and_replaces_an_older_snapshot() {
        let place = tempfile::tempdir().expect("directory");
        let target = place.path().join("snap");
        let unfinished = Directory::create(&target).expect("room");
        assert!(!target.exists());
        drop(unfinished);
        assert!(names(place.path()).is_empty());
        for content in ["old", "new"] {
            save(&target, content).expect("saved");
            let read = fs::read_to_string(target.join(STATE_FILE)).expect("whole");
            assert_eq!(read, state(content));
            assert_eq!(names(place.path()), ["snap"]);
        }
        fs::create_dir(place.path().join("empty")).expect("directory");
        save(&place.path().join("empty"), "x").expect("an empty one is in nobody's way");
    }

    #[test]
    fn what_is_no_snapshot_is_left_alone() {
        let place = tempfile::tempdir().expect("directory");
        let (file, full) = (place.path().join("file"), place.path().join("full"));
        fs::write(&file, "precious").expect("file");
        fs::create_dir(&full).expect("directory");
        fs::write(full.join("thing"), "precious").expect("file");
        for target in [&file, &full] {
            let refused = Directory::create(target).expect_err("not ours");
            assert!(matches!(refused, DirectoryError::Taken(_)), "{refused}");
        }
        for target in ["/", "/..", ""] {
            assert!(Directory::create(Path::new(target)).is_err(), "{target:?}");
        }
        let nowhere = place.path().join("no/such");
        let refused = Directory::create(&nowhere)
            .expect_err("no parent")
            .to_string();
        assert!(refused.contains("/no can't be found"), "{refused}");
        assert_eq!(names(place.path()), ["file", "full"]);
    }

    #[test]
    fn what_a_crash_has_left_goes_with_the_next_save_and_what_runs_stays() {
        let place = tempfile::tempdir().expect("directory");
        let target = place.path().join("snap");
        let running = Directory::create(&target).expect("room");
        let crashed = Directory::create(&target).expect("room");
        let left = crashed.path().to_owned();
        fs::write(left.join("memory"), "half").expect("written");
        // A process that is killed runs no destructors, and its lock goes.
        let lock = crashed._lock.try_clone().expect("handle");
        lock.unlock().expect("its lock goes");
        std::mem::forget(crashed);
        save(&target, "x").expect("saved");
        assert!(!left.exists());
        assert!(running.path().exists());
        drop(running);
        assert_eq!(names(place.path()), ["snap"]);
    }
}

//! A directory that appears whole or not at all: it is written beside its place under another name, made durable, and renamed.
//!
//! A snapshot that is there under the same name is replaced in the same step (the two directories change names), so that whoever looks
//! finds the old one or the new one; a crash while saving leaves the old one. What a crash has left beside it goes with the next save.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use host_file::OpenError;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::contents::{self, Contents, Obstacle};
use super::format;
use crate::files::NamedFile;

/// Why there can't be such a directory.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Nothing that could be a directory's name.
    #[error("{} is not the name of a directory; choose another path", .0.display())]
    NoName(PathBuf),
    /// Something else is there.
    #[error("{} exists and is not a snapshot; choose another path", .0.display())]
    Taken(PathBuf),
    /// Something is in it that would be lost.
    #[error(
        "{} holds {entry:?}, which no snapshot has, and is not replaced; move that elsewhere, or choose another path",
        path.display()
    )]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// What is in it.
        entry: OsString,
    },
    /// A file in it is in use by this process.
    #[error(
        "{} contains {} ({}), which is in use, and is not replaced; choose another path",
        path.display(), file.what, file.path.display()
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The file.
        file: NamedFile,
    },
    /// A file in it is in use by somebody.
    #[error(
        "{} is in use by another program (its lock is held), and the snapshot is not replaced; choose another path",
        .0.display()
    )]
    Locked(PathBuf),
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
    /// The directory. Its lock tells other processes that it is no leftover.
    handle: File,
    /// Whether it is still under its temporary name, and is to be deleted.
    unfinished: bool,
}

impl Directory {
    /// Makes a directory, readable by this user only, that will be at `target`. A snapshot that is
    /// there may be replaced, unless one of the files `in_use` is in it.
    ///
    /// # Errors
    /// [`DirectoryError`]: also where `target` is something that must not be replaced.
    pub fn create(target: &Path, in_use: &[NamedFile]) -> Result<Self, DirectoryError> {
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
        if target.symlink_metadata().is_ok() {
            replaceable(&target, &target, in_use)?;
        }
        let mut prefix = OsString::from(".");
        prefix.push(name);
        prefix.push(".saving-");
        remove_leftovers(&parent, prefix.as_bytes(), in_use);
        prefix.push(format!("{:08x}", fastrand::u32(..)));
        let temporary = parent.join(prefix);
        let make = || {
            DirBuilder::new().mode(0o700).create(&temporary)?;
            let opened = host_file::directory(&temporary).map_err(io::Error::from);
            let locked = opened.and_then(|opened| {
                opened.try_lock()?;
                Ok(opened)
            });
            if locked.is_err() {
                // A process may have no descriptor left. Nothing is in it yet.
                let _ = fs::remove_dir(&temporary);
            }
            locked
        };
        let handle = make().map_err(host(&target, "made"))?;
        Ok(Self {
            parent,
            target,
            temporary,
            handle,
            unfinished: true,
        })
    }

    /// Where to write to.
    pub fn path(&self) -> &Path {
        &self.temporary
    }

    /// Puts it where it belongs, durably. Its files are durable already. `in_use` tells the files
    /// that are in use by then.
    ///
    /// # Errors
    /// [`DirectoryError`]; its place is as it was, unless it is the last step that failed, whose error says so.
    pub fn commit(
        mut self,
        in_use: impl Fn() -> Vec<NamedFile>,
    ) -> Result<PathBuf, DirectoryError> {
        let (target, temporary) = (self.target.clone(), self.temporary.clone());
        let durable = self.handle.sync_all();
        durable.map_err(host(&target, "made durable"))?;
        let mut old = None;
        match rename(&temporary, &target, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(Errno::EXIST) => old = Some(self.replace(&in_use)?),
            // A file system without the flag: only an empty directory can be lost by the plain call.
            Err(Errno::INVAL | Errno::NOSYS) => {
                if target.symlink_metadata().is_ok() {
                    return Err(DirectoryError::NoReplacement(target));
                }
                fs::rename(&temporary, &target).map_err(host(&target, "put in its place"))?;
            }
            Err(error) => return Err(host(&target, "put in its place")(error.into())),
        }
        self.unfinished = false;
        host_file::directory(&self.parent)
            .map_err(io::Error::from)
            .and_then(|parent| parent.sync_all())
            .map_err(host(&self.parent, "made durable"))?;
        // Only now: a host that fails before finds the old one.
        if let Some(Err(error)) = old.map(|old| old.remove(&temporary)) {
            tell_left(&temporary, &error);
        }
        Ok(target)
    }

    /// Changes names with what is at its place; answers that, which is to be removed. Whoever looks
    /// at the place finds the one or the other.
    fn replace(
        &mut self,
        in_use: &impl Fn() -> Vec<NamedFile>,
    ) -> Result<Contents, DirectoryError> {
        let (target, temporary) = (&self.target, &self.temporary);
        replaceable(target, target, &in_use())?;
        match rename(temporary, target, RenameFlags::EXCHANGE) {
            Ok(()) => {}
            Err(Errno::INVAL | Errno::NOSYS) => {
                return Err(DirectoryError::NoReplacement(target.clone()));
            }
            Err(error) => return Err(host(target, "replaced")(error.into())),
        }
        self.unfinished = false;
        // Something may have come into it between the look and the exchange. Nothing can by its
        // name from here on.
        match replaceable(temporary, target, &in_use()) {
            Ok(old) => Ok(old),
            Err(refused) => {
                rename(temporary, target, RenameFlags::EXCHANGE)
                    .map_err(|error| host(target, "put back in its place")(error.into()))?;
                self.unfinished = true;
                Err(refused)
            }
        }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.unfinished
            && let Err(error) = contents::remove(&self.handle, &self.temporary)
        {
            tell_left(&self.temporary, &error);
        }
    }
}

fn rename(from: &Path, to: &Path, flags: RenameFlags) -> rustix::io::Result<()> {
    renameat_with(CWD, from, CWD, to, flags)
}

/// Sees that the directory at `path` is a snapshot or empty, and may be deleted; `name` is what it
/// is called in messages, and where files may be in use.
fn replaceable(path: &Path, name: &Path, in_use: &[NamedFile]) -> Result<Contents, DirectoryError> {
    let directory = match host_file::directory(path) {
        Ok(directory) => directory,
        Err(OpenError::WrongKind { .. }) => return Err(DirectoryError::Taken(name.to_owned())),
        Err(OpenError::Host(error)) => return Err(host(name, "looked into")(error)),
    };
    let path = name.to_owned();
    if let Some(file) = in_use.iter().find(|file| file.lies_in(name)) {
        let file = file.clone();
        return Err(DirectoryError::InUse { path, file });
    }
    let ours = format::is_ours(&directory);
    match Contents::of(directory, in_use) {
        Ok(contents) if ours || contents.is_empty() => Ok(contents),
        Err(Obstacle::Host(error)) => Err(host(name, "looked into")(error)),
        Ok(_) => Err(DirectoryError::Taken(path)),
        Err(_) if !ours => Err(DirectoryError::Taken(path)),
        Err(Obstacle::Foreign(entry)) => Err(DirectoryError::Foreign { path, entry }),
        Err(Obstacle::InUse(file)) => Err(DirectoryError::InUse { path, file }),
        Err(Obstacle::Locked(entry)) => Err(DirectoryError::Locked(path.join(entry))),
    }
}

fn tell_left(path: &Path, why: &impl std::fmt::Display) {
    tracing::warn!(path = %path.display(), %why, "what is left of a save could not be removed");
}

/// Removes what saves that did not come to their end have left: directories of this user's, named
/// as a save names them, that nobody has locked, and in which nothing is but what a save writes.
fn remove_leftovers(parent: &Path, prefix: &[u8], in_use: &[NamedFile]) {
    let user = rustix::process::geteuid().as_raw();
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.as_bytes().strip_prefix(prefix);
        if !number.is_some_and(|it| it.len() == 8 && it.iter().all(u8::is_ascii_hexdigit)) {
            continue;
        }
        let path = entry.path();
        let Ok(directory) = host_file::directory_at(CWD, &path) else {
            continue;
        };
        let owned = directory.metadata().is_ok_and(|it| it.uid() == user);
        if !owned || directory.try_lock().is_err() {
            continue;
        }
        let removed = Contents::of(directory, in_use)
            .and_then(|contents| contents.remove(&path).map_err(Obstacle::Host));
        if let Err(obstacle) = removed {
            tell_left(&path, &obstacle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{MEMORY_FILE, STATE_FILE};
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

    fn create(target: &Path) -> Result<Directory, DirectoryError> {
        Directory::create(target, &[])
    }

    fn save(target: &Path, content: &str) -> Result<PathBuf, DirectoryError> {
        save_beside(target, content, &[])
    }

    fn save_beside(
        target: &Path,
        content: &str,
        in_use: &[NamedFile],
    ) -> Result<PathBuf, DirectoryError> {
        let directory = Directory::create(target, in_use)?;
        fs::write(directory.path().join(STATE_FILE), state(content)).expect("written");
        directory.commit(|| in_use.to_vec())
    }

    #[test]
    fn it_appears_whole_or_not_at_all_and_replaces_an_older_snapshot() {
        let place = tempfile::tempdir().expect("directory");
        let target = place.path().join("snap");
        let unfinished = create(&target).expect("room");
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
            let refused = create(target).expect_err("not ours");
            assert!(matches!(refused, DirectoryError::Taken(_)), "{refused}");
        }
        for target in ["/", "/..", ""] {
            assert!(create(Path::new(target)).is_err(), "{target:?}");
        }
        let nowhere = place.path().join("no/such");
        let refused = create(&nowhere).expect_err("no parent").to_string();
        assert!(refused.contains("/no can't be found"), "{refused}");
        assert_eq!(names(place.path()), ["file", "full"]);
    }

    #[test]
    fn what_a_crash_has_left_goes_with_the_next_save_and_what_runs_stays() {
        let place = tempfile::tempdir().expect("directory");
        let target = place.path().join("snap");
        let running = create(&target).expect("room");
        let crashed = create(&target).expect("room");
        let left = crashed.path().to_owned();
        fs::write(left.join("memory"), "half").expect("written");
        // A process that is killed runs no destructors, and its lock goes.
        let lock = crashed.handle.try_clone().expect("handle");
        lock.unlock().expect("its lock goes");
        std::mem::forget(crashed);
        save(&target, "x").expect("saved");
        assert!(!left.exists());
        assert!(running.path().exists());
        drop(running);
        assert_eq!(names(place.path()), ["snap"]);
    }

    #[test]
    fn a_snapshot_with_something_else_in_it_is_not_replaced() {
        let place = tempfile::tempdir().expect("directory");
        for thing in ["pmem.img", "deep", MEMORY_FILE, "link", "fifo"] {
            let target = place.path().join(format!("with-{thing}"));
            save(&target, "old").expect("saved");
            let path = target.join(thing);
            match thing {
                "pmem.img" => fs::write(&path, "precious").expect("file"),
                "link" => std::os::unix::fs::symlink("/etc/hostname", &path).expect("link"),
                "fifo" => drop(host_fixtures::fifo(&path)),
                _ => fs::create_dir(&path).expect("directory"),
            }
            let refused = save(&target, "new").expect_err("not all of it is ours");
            assert!(
                matches!(refused, DirectoryError::Foreign { .. }),
                "{refused}"
            );
            let said = refused.to_string();
            assert!(said.contains(&format!("{thing:?}")), "{said}");
            assert!(path.symlink_metadata().is_ok(), "{thing} is there still");
            let read = fs::read_to_string(target.join(STATE_FILE)).expect("whole");
            assert_eq!(read, state("old"));
        }
        assert_eq!(names(place.path()).len(), 5, "nothing is left beside them");
    }

    #[test]
    fn what_comes_into_a_directory_while_a_save_runs_is_not_lost() {
        let place = tempfile::tempdir().expect("directory");
        let target = place.path().join("snap");
        save(&target, "old").expect("saved");
        let running = create(&target).expect("room");
        fs::write(running.path().join(STATE_FILE), state("new")).expect("written");
        // The moment between the last look and the exchange: the first look sees nothing yet.
        let looks = std::cell::Cell::new(0);
        let refused = running.commit(|| {
            looks.set(looks.get() + 1);
            if looks.get() == 2 {
                let (old, _) = names(place.path())
                    .into_iter()
                    .map(|name| (place.path().join(&name), name))
                    .find(|(_, name)| name.starts_with(".snap"))
                    .expect("what was exchanged");
                fs::write(old.join("pmem.img"), "precious").expect("file");
            }
            Vec::new()
        });
        let refused = refused.expect_err("something came");
        assert!(
            matches!(refused, DirectoryError::Foreign { .. }),
            "{refused}"
        );
        let read = |name: &str| fs::read_to_string(target.join(name)).expect("file");
        assert_eq!(read("pmem.img"), "precious");
        assert_eq!(read(STATE_FILE), state("old"));
        assert_eq!(names(place.path()), ["snap"]);
    }

    #[test]
    fn a_snapshot_with_a_file_that_is_in_use_is_not_replaced() {
        let place = tempfile::tempdir().expect("directory");
        let target = place.path().join("snap");
        save(&target, "old").expect("saved");
        // By its place: an image that is about to be made, a link that leads there.
        let link = place.path().join("link");
        std::os::unix::fs::symlink(target.join(STATE_FILE), &link).expect("link");
        for path in [target.join("pmem.img"), link] {
            let file = NamedFile::new("the file of nvdimm pm", &path);
            let refused = save_beside(&target, "new", &[file]).expect_err("in use");
            assert!(matches!(refused, DirectoryError::InUse { .. }), "{refused}");
            assert!(refused.to_string().contains("the file of nvdimm pm"));
        }
        // By what it is: the same file under another name elsewhere.
        let other = place.path().join("other.img");
        fs::hard_link(target.join(STATE_FILE), &other).expect("a second name");
        let file = NamedFile::new("the log file", &other);
        let refused = save_beside(&target, "new", &[file]).expect_err("in use");
        assert!(matches!(refused, DirectoryError::InUse { .. }), "{refused}");
        // By its lock, whoever has it.
        let locked = File::open(&other).expect("file");
        locked.lock().expect("nobody else has it");
        let refused = save(&target, "new").expect_err("locked");
        assert!(matches!(refused, DirectoryError::Locked(_)), "{refused}");
        drop(locked);
        save(&target, "new").expect("nobody uses it any more");
    }

    #[test]
    fn a_leftover_with_something_else_in_it_is_left_alone() {
        let place = tempfile::tempdir().expect("directory");
        let at = |name: &str| place.path().join(name);
        // One that a save has left, one with a foreign file, one that is named by somebody else,
        // and one that is a link to a directory elsewhere.
        for name in [
            ".snap.saving-00000001",
            ".snap.saving-00000002",
            ".snap.saving-mine",
        ] {
            fs::create_dir(at(name)).expect("directory");
            fs::write(at(name).join(MEMORY_FILE), "half").expect("file");
        }
        fs::write(at(".snap.saving-00000002/pmem.img"), "precious").expect("file");
        fs::create_dir(at("elsewhere")).expect("directory");
        fs::write(at("elsewhere").join(MEMORY_FILE), "precious").expect("file");
        std::os::unix::fs::symlink(at("elsewhere"), at(".snap.saving-00000003")).expect("link");
        save(&at("snap"), "x").expect("saved");
        assert_eq!(
            names(place.path()),
            [
                ".snap.saving-00000002",
                ".snap.saving-00000003",
                ".snap.saving-mine",
                "elsewhere",
                "snap"
            ]
        );
        assert_eq!(
            names(&at(".snap.saving-00000002")),
            [MEMORY_FILE, "pmem.img"]
        );
        assert_eq!(names(&at("elsewhere")), [MEMORY_FILE]);
    }
}

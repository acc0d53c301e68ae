//! Where finished parts of the kit live, and how they get there: whole or not at all, one builder at a time.
//!
//! `<cache>/<part>-<key>/` is a finished part; it appears by a rename. `<cache>/<part>-<key>.partial/` is one being made, or left by
//! an interrupted build: the next builder finds it and may go on from it. `<cache>/<part>.lock` is locked while building; the
//! operating system drops the lock with its holder.

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::{Error, Progress, Result};

/// How many finished results of older inputs stay, for a user who switches between versions.
const KEPT: usize = 2;

/// `paprika` in the user's cache directory: `$XDG_CACHE_HOME`, or `.cache` in the home directory (XDG base directories).
///
/// # Errors
/// [`Error::NoCacheDir`] where the environment names neither.
pub fn user_cache() -> Result<PathBuf> {
    let absolute = |name: &str| {
        std::env::var_os(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    let base =
        absolute("XDG_CACHE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cache")));
    Ok(base.ok_or(Error::NoCacheDir)?.join("paprika"))
}

/// The kit's directory in the user's cache.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// `guest` in [`user_cache`].
    pub(crate) fn of_user() -> Result<Self> {
        Ok(Self::at(&user_cache()?.join("guest")))
    }

    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The directory of a finished part.
    pub(crate) fn find(&self, part: &str, key: &str) -> Option<PathBuf> {
        let directory = self.root.join(format!("{part}-{key}"));
        directory.is_dir().then_some(directory)
    }

    /// The directory of a finished part; made by `build` where it is not there. `build` gets a directory to fill, which holds what an
    /// interrupted build of the same inputs left in it.
    pub(crate) fn find_or_build(
        &self,
        part: &str,
        key: &str,
        progress: &Progress,
        build: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        if let Some(found) = self.find(part, key) {
            return Ok(found);
        }
        fs::create_dir_all(&self.root).map_err(Error::io("create", &self.root))?;
        let _lock = self.lock(part, progress)?;
        // Another builder may have finished it while this one waited.
        if let Some(found) = self.find(part, key) {
            return Ok(found);
        }
        self.prune(part, key);
        let finished = self.root.join(format!("{part}-{key}"));
        let partial = finished.with_extension("partial");
        fs::create_dir_all(&partial).map_err(Error::io("create", &partial))?;
        build(&partial)?;
        fs::rename(&partial, &finished).map_err(Error::io("create", &finished))?;
        Ok(finished)
    }

    /// Locks a name in this cache for as long as the file is held.
    pub(crate) fn lock(&self, name: &str, progress: &Progress) -> Result<File> {
        let path = self.root.join(format!("{name}.lock"));
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(Error::io("create", &path))?;
        if file.try_lock().is_err() {
            progress.step("Waiting for another Paprika that is building the guest", 0);
            file.lock().map_err(Error::io("lock", &path))?;
        }
        Ok(file)
    }

    /// Deletes what interrupted builds of other inputs left, and all but the newest results of other inputs. A failure here costs
    /// disk space only.
    fn prune(&self, part: &str, key: &str) {
        let Ok(entries) = fs::read_dir(&self.root) else {
            return;
        };
        let mut old: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let Some(rest) = name
                .strip_prefix(part)
                .and_then(|rest| rest.strip_prefix('-'))
            else {
                continue;
            };
            if rest.trim_end_matches(".partial") == key {
                continue;
            }
            if rest.ends_with(".partial") {
                let _ = fs::remove_dir_all(entry.path());
            } else {
                let made = entry
                    .metadata()
                    .and_then(|data| data.modified())
                    .unwrap_or(SystemTime::UNIX_EPOCH);
                old.push((made, entry.path()));
            }
        }
        old.sort_unstable_by_key(|(made, _)| std::cmp::Reverse(*made));
        for (_, path) in old.into_iter().skip(KEPT) {
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// Writes a file of the kit to the disk, so that a finished part is whole after a power cut too.
pub(crate) fn write_durably(path: &Path, content: &[u8]) -> Result<()> {
    fs::write(path, content).map_err(Error::io("write", path))?;
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(Error::io("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn cache() -> (tempfile::TempDir, Cache) {
        let directory = tempfile::tempdir().expect("directory");
        let cache = Cache::at(&directory.path().join("guest"));
        (directory, cache)
    }

    fn build(cache: &Cache, key: &str) -> PathBuf {
        cache
            .find_or_build("part", key, &Progress::silent(), |at| {
                write_durably(&at.join("file"), key.as_bytes())
            })
            .expect("build")
    }

    #[test]
    fn a_failed_build_leaves_nothing_finished_and_the_next_goes_on_from_it() {
        let (_directory, cache) = cache();
        let failed = cache.find_or_build("part", "1", &Progress::silent(), |at| {
            write_durably(&at.join("half"), b"x")?;
            Err(Error::NoCacheDir)
        });
        assert!(failed.is_err());
        assert_eq!(cache.find("part", "1"), None);
        let finished = cache
            .find_or_build("part", "1", &Progress::silent(), |at| {
                assert!(at.join("half").exists());
                Ok(())
            })
            .expect("second build");
        assert_eq!(cache.find("part", "1"), Some(finished));
    }

    #[test]
    fn what_is_finished_is_not_built_again() {
        let (_directory, cache) = cache();
        build(&cache, "1");
        let again =
            cache.find_or_build("part", "1", &Progress::silent(), |_| Err(Error::NoCacheDir));
        assert!(again.is_ok());
    }

    #[test]
    fn two_builders_at_once_build_once() {
        let (_directory, cache) = cache();
        let builds = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let built = cache.find_or_build("part", "1", &Progress::silent(), |_| {
                        builds.fetch_add(1, Ordering::SeqCst);
                        std::thread::sleep(std::time::Duration::from_millis(20));
                        Ok(())
                    });
                    assert!(built.is_ok());
                });
            }
        });
        assert_eq!(builds.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn old_results_are_pruned_but_those_of_other_parts_stay() {
        let (_directory, cache) = cache();
        fs::create_dir_all(cache.root().join("part-9.partial")).expect("leftover");
        fs::create_dir_all(cache.root().join("other-9.partial")).expect("other part");
        for (age, key) in ["1", "2", "3", "4"].iter().enumerate() {
            let made = build(&cache, key);
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000 + age as u64);
            File::open(made)
                .and_then(|file| file.set_modified(time))
                .expect("set time");
        }
        let finished: Vec<_> = ["1", "2", "3", "4"]
            .iter()
            .filter(|key| cache.find("part", key).is_some())
            .collect();
        assert_eq!(finished, [&"2", &"3", &"4"]);
        assert!(!cache.root().join("part-9.partial").exists());
        assert!(cache.root().join("other-9.partial").exists());
    }
}

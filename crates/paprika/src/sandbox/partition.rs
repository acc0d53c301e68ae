//! A code cache for each machine. Code from a cache is executed by whoever reads it, and a cache is
//! written by the process of a machine: a guest that escapes into its process can put any code
//! there. So machines that have nothing to do with each other share none.
//!
//! Which machine it is, is told by what the user's command names (its name, and the paths that it
//! boots from and stores to), and by nothing that a guest, a snapshot or a peer says: whoever could
//! choose would choose another's.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::machine::CodeOptions;

/// Where the caches of machines are, in that of the user.
const PARTITIONS: &str = "machines";
/// So many bytes are kept of machines that are not used, and caches of so many machines.
const KEPT_BYTES: u64 = 512 << 20;
const KEPT: usize = 64;
/// Letters of a cache's name.
const NAME: usize = 32;

/// Tells one machine's cache from another's.
#[derive(Debug)]
pub struct CodePartition(blake3::Hasher);

impl CodePartition {
    /// That of a command.
    pub fn of_command(command: &str) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"paprika code partition 1");
        Self(hasher).with(command.as_bytes())
    }

    /// With something that the user's command says.
    #[must_use]
    pub fn with(mut self, said: &[u8]) -> Self {
        self.0.update(&(said.len() as u64).to_le_bytes());
        self.0.update(said);
        self
    }

    /// With a path that the user's command names: where it leads to now.
    #[must_use]
    pub fn with_path(self, path: &Path) -> Self {
        let parent = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
        let real = path.canonicalize().ok().or_else(parent);
        let real = real.or_else(|| std::path::absolute(path).ok());
        self.with(real.as_deref().unwrap_or(path).as_os_str().as_bytes())
    }

    /// Has a machine use its own cache, where the user has not named one for it. Caches of machines
    /// that were not used for the longest time are removed, where they have become too many.
    pub fn choose(self, code: &mut CodeOptions, named: bool) {
        if let Some(cache) = code.cache.as_mut().filter(|_| !named) {
            let name = self.0.finalize().to_hex();
            let all = cache.join(PARTITIONS);
            *cache = all.join(&name[..NAME]);
            remove_old(&all, cache, KEPT_BYTES, KEPT);
        }
    }
}

/// A machine's cache, as far as removing it cares.
struct Cache {
    path: PathBuf,
    files: Vec<PathBuf>,
    bytes: u64,
    used: SystemTime,
}

impl Cache {
    /// What is at a path, where it is such a cache and nothing else.
    fn look(path: PathBuf) -> Option<Self> {
        let name = path.file_name()?.as_bytes();
        let is_ours = name.len() == NAME && name.iter().all(u8::is_ascii_hexdigit);
        let there = path.symlink_metadata().ok()?;
        if !is_ours || !there.is_dir() {
            return None;
        }
        let mut cache = Self {
            files: Vec::new(),
            bytes: 0,
            used: there.modified().ok()?,
            path,
        };
        for entry in fs::read_dir(&cache.path).ok()?.flatten() {
            let found = entry.metadata().ok()?;
            // Whatever else is in there, it was made by somebody else.
            let name = entry.file_name();
            let known = [&b".code"[..], b".partial"];
            let known = known.iter().any(|end| name.as_bytes().ends_with(end));
            if !found.is_file() || !(known || name == "lock") {
                return None;
            }
            cache.bytes += found.len();
            cache.used = cache.used.max(found.modified().ok()?);
            cache.files.push(entry.path());
        }
        Some(cache)
    }
}

/// Removes caches in `all` but `own`, the longest unused first, until no more are left than may be
/// kept.
fn remove_old(all: &Path, own: &Path, most_bytes: u64, most: usize) {
    let entries = fs::read_dir(all).into_iter().flatten().flatten();
    let others = entries.map(|entry| entry.path()).filter(|path| path != own);
    let mut caches: Vec<Cache> = others.filter_map(Cache::look).collect();
    caches.sort_by_key(|cache| std::cmp::Reverse(cache.used));
    let mut bytes = 0;
    for (number, cache) in caches.iter().enumerate() {
        bytes += cache.bytes;
        if number < most && bytes <= most_bytes {
            continue;
        }
        // Another process may be removing it too, or use it again: what is gone is compiled anew.
        cache
            .files
            .iter()
            .for_each(|file| drop(fs::remove_file(file)));
        let _ = fs::remove_dir(&cache.path);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn chosen(partition: CodePartition, base: &Path) -> PathBuf {
        let mut code = CodeOptions {
            cache: Some(base.to_owned()),
            ..CodeOptions::default()
        };
        partition.choose(&mut code, false);
        code.cache.expect("a cache")
    }

    #[test]
    fn a_machine_has_its_own_cache_and_only_its_user_says_which_it_is() {
        let directory = tempfile::tempdir().expect("directory");
        let base = directory.path();
        fs::write(base.join("image"), "").expect("file");
        std::os::unix::fs::symlink(base.join("image"), base.join("link")).expect("link");
        let of = |name: &str, image: &str| {
            let partition = CodePartition::of_command("run").with(name.as_bytes());
            chosen(partition.with_path(&base.join(image)), base)
        };
        assert_eq!(of("a", "image"), of("a", "image"));
        assert_eq!(of("a", "image"), of("a", "link"), "the same file");
        assert_ne!(of("a", "image"), of("b", "image"));
        assert_ne!(of("a", "image"), of("a", "new"));
        assert!(of("a", "image").starts_with(base.join(PARTITIONS)));
        let before = of("a", "new");
        fs::write(base.join("new"), "").expect("file");
        assert_eq!(of("a", "new"), before, "also when its image has been made");
    }

    #[test]
    fn a_cache_that_the_user_names_is_used_as_it_is() {
        let mut code = CodeOptions {
            cache: Some("/named".into()),
            ..CodeOptions::default()
        };
        CodePartition::of_command("run").choose(&mut code, true);
        assert_eq!(code.cache, Some("/named".into()));
        code.cache = None;
        CodePartition::of_command("run").choose(&mut code, false);
        assert_eq!(code.cache, None);
    }

    #[test]
    fn old_caches_go_and_nothing_else_does() {
        let directory = tempfile::tempdir().expect("directory");
        let all = directory.path();
        let make = |name: String, age: u64| {
            let path = all.join(name);
            fs::create_dir(&path).expect("directory");
            fs::write(path.join("x.code"), [0; 10]).expect("file");
            let used = SystemTime::now() - Duration::from_secs(age);
            for path in [path.join("x.code"), path.clone()] {
                fs::File::open(path)
                    .and_then(|it| it.set_modified(used))
                    .expect("a time");
            }
            path
        };
        let [new, old, foreign, own] =
            [("1", 10), ("2", 20), ("3", 30), ("4", 40)].map(|(n, age)| make(n.repeat(NAME), age));
        fs::write(foreign.join("letter"), "precious").expect("file");
        let other = make("other".into(), 50);
        remove_old(all, &own, 15, 10);
        assert!(new.exists() && !old.exists(), "what fits stays");
        assert!(foreign.exists() && other.exists() && own.exists());
        remove_old(all, &own, 1000, 0);
        assert!(!new.exists(), "too many");
    }
}

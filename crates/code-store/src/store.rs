//! The store: what is on disk by key, what is to be written, and the thread that writes it.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use thread_role::Role;

use crate::directory::{Directory, read_exactly};
use crate::error::StoreError;
use crate::format::{self, CONTENT_MAX, HEADER, Header, Record};
use crate::name::{BuildId, Key};

/// What files of code end with.
pub(crate) const SUFFIX: &str = ".code";

/// How much is kept, and when it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOptions {
    /// Bytes on disk, of all builds together; additions that wait to be written take no more than this either.
    pub max_bytes: u64,
    /// Additions are written when they have come to so many bytes...
    pub batch_bytes: u64,
    /// ...or when the first of them has waited for so long, and at the end.
    pub batch_delay: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
            batch_bytes: 4 << 20,
            batch_delay: Duration::from_secs(10),
        }
    }
}

/// What a store has done since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStatistics {
    /// Entries that were there when it was opened.
    pub found: u64,
    /// Look-ups that were answered.
    pub hits: u64,
    /// Look-ups of what is not there.
    pub misses: u64,
    /// Entries that were not what had been written.
    pub damaged: u64,
    /// Entries added.
    pub added: u64,
    /// Entries that were not added: too long, or too many waited.
    pub refused: u64,
    /// Times that a file was written.
    pub writes: u64,
}

/// Code of one build, from this run and earlier ones. All methods may be called on any thread. Dropping it writes what is left.
pub struct CodeStore {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the store's thread sees of it.
pub(crate) struct Shared {
    pub(crate) directory: Directory,
    pub(crate) build: BuildId,
    pub(crate) options: StoreOptions,
    /// The file's.
    pub(crate) name: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
pub(crate) struct State {
    /// The file as it was last read.
    pub(crate) image: Image,
    /// Keys that were asked for and found, since the last write.
    pub(crate) touched: HashSet<Key>,
    /// Additions.
    pub(crate) pending: HashMap<Key, Arc<[u8]>>,
    pending_bytes: u64,
    /// When the first of them came.
    since: Option<Instant>,
    closed: bool,
    pub(crate) statistics: StoreStatistics,
}

/// A file and its index. The file is never changed, only replaced by another.
#[derive(Default)]
pub(crate) struct Image {
    file: Option<Arc<File>>,
    pub(crate) session: u64,
    pub(crate) records: HashMap<Key, Record>,
}

impl Image {
    /// Reads the index of a build's file. What is missing or damaged is as good as empty.
    pub(crate) fn read(
        directory: &Directory,
        name: &str,
        build: BuildId,
    ) -> Result<Self, StoreError> {
        let Some(mut file) = directory.read(name)? else {
            return Ok(Self::default());
        };
        let io = |error| StoreError::io(directory.path().join(name), error);
        let size = file.metadata().map_err(io)?.len();
        let mut bytes = [0; HEADER];
        let header = if read_exactly(&mut file, &mut bytes).map_err(io)? {
            Header::read(&bytes).filter(|header| header.build == build)
        } else {
            None
        };
        // No memory for an index that the file is too short for.
        let header = header.filter(|h| (HEADER + h.index_bytes()) as u64 <= size);
        let mut records = None;
        if let Some(header) = header {
            let mut index = vec![0; header.index_bytes()];
            if read_exactly(&mut file, &mut index).map_err(io)? {
                records = header.records(&bytes, &index);
            }
        }
        let (Some(header), Some(records)) = (header, records) else {
            tracing::warn!(file = %directory.path().join(name).display(), "stored code is damaged, and not used");
            return Ok(Self::default());
        };
        // Used builds are evicted last. Where the host does not let us say so, this one goes a little earlier.
        let _ = file.set_modified(SystemTime::now());
        Ok(Self {
            file: Some(Arc::new(file)),
            session: header.session,
            records: records.into_iter().map(|r| (r.key, r)).collect(),
        })
    }

    /// The content of a record, where it is what was written.
    pub(crate) fn content(&self, build: BuildId, record: &Record) -> Option<Vec<u8>> {
        content(self.file.as_deref()?, build, record)
    }
}

fn content(file: &File, build: BuildId, record: &Record) -> Option<Vec<u8>> {
    // Bounded by what `format` lets through, and checked against the file before it is allocated.
    let end = record.offset.checked_add(record.length)?;
    if record.length > CONTENT_MAX || end > file.metadata().ok()?.len() {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(record.length).ok()?];
    file.read_exact_at(&mut bytes, record.offset).ok()?;
    (format::digest(build, record.key, &bytes) == record.digest).then_some(bytes)
}

impl Shared {
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over a file that has just been written, with these additions in it or left out for good.
    pub(crate) fn written(&self, image: Image, done: &HashMap<Key, Arc<[u8]>>) {
        let mut state = self.lock();
        state.pending.retain(|key, _| !done.contains_key(key));
        state.pending_bytes = state.pending.values().map(|c| c.len() as u64).sum();
        state.since = (!state.pending.is_empty()).then(Instant::now);
        state.image = image;
        state.touched.clear();
        state.statistics.writes += 1;
    }

    /// Waits until there is something to write; false: and after that never again.
    fn wait(&self) -> bool {
        let mut state = self.lock();
        loop {
            if state.closed {
                return false;
            }
            let delay = self.options.batch_delay;
            let left = state.since.map(|since| {
                if state.pending_bytes >= self.options.batch_bytes {
                    Duration::ZERO
                } else {
                    delay.saturating_sub(since.elapsed())
                }
            });
            state = match left {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => {
                    // Anew, should the write fail.
                    state.since = Some(Instant::now());
                    return true;
                }
                Some(left) => {
                    self.changed
                        .wait_timeout(state, left)
                        .unwrap_or_else(PoisonError::into_inner)
                        .0
                }
            };
        }
    }

    /// The body of the store's thread.
    fn write_in_batches(&self) {
        loop {
            let more = self.wait();
            if let Err(error) = self.write() {
                tracing::warn!(%error, "compiled code was not kept");
            }
            if !more {
                return;
            }
        }
    }
}

impl CodeStore {
    /// Opens the store of a build in a directory, which is made where it is missing. A file that is missing or damaged is an
    /// empty store.
    ///
    /// # Errors
    /// [`StoreError`] where somebody else could have written there, or the host refuses.
    pub fn open(
        directory: &Path,
        build: BuildId,
        options: StoreOptions,
    ) -> Result<Self, StoreError> {
        let path = directory;
        let directory = Directory::open(path)?;
        let name = format!("{build}{SUFFIX}");
        let image = Image::read(&directory, &name, build)?;
        let state = State {
            statistics: StoreStatistics {
                found: image.records.len() as u64,
                ..StoreStatistics::default()
            },
            image,
            ..State::default()
        };
        let shared = Arc::new(Shared {
            directory,
            build,
            options,
            name,
            state: Mutex::new(state),
            changed: Condvar::new(),
        });
        let for_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("code-store".into())
            .spawn(move || {
                thread_role::begin(Role::CodeStore);
                for_thread.write_in_batches();
            })
            .map_err(|error| StoreError::io(path, error))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Whether there is something under a key, damaged or not: it is not read.
    pub fn contains(&self, key: &Key) -> bool {
        let state = self.shared.lock();
        state.image.records.contains_key(key) || state.pending.contains_key(key)
    }

    /// What is in the file: keys, with the length of what is under them in bytes. What was used last comes first, and what was
    /// used in one session in the order of the file.
    pub fn keys(&self) -> Vec<(Key, u64)> {
        let state = self.shared.lock();
        let mut records: Vec<Record> = state.image.records.values().copied().collect();
        drop(state);
        records.sort_unstable_by_key(|record| (Reverse(record.used), record.offset));
        records
            .into_iter()
            .map(|record| (record.key, record.length))
            .collect()
    }

    /// The content under a key, where there is one that is what was written; it counts as used.
    pub fn get(&self, key: &Key) -> Option<Arc<[u8]>> {
        let content = self.peek(key)?;
        self.touch(key);
        Some(content)
    }

    /// What is in the file under a key counts as used.
    pub fn touch(&self, key: &Key) {
        let mut state = self.shared.lock();
        if state.image.records.contains_key(key) {
            state.touched.insert(*key);
        }
    }

    /// As [`CodeStore::get`], but it does not count as used.
    pub fn peek(&self, key: &Key) -> Option<Arc<[u8]>> {
        let mut state = self.shared.lock();
        if let Some(content) = state.pending.get(key) {
            let content = Arc::clone(content);
            state.statistics.hits += 1;
            return Some(content);
        }
        let found = state.image.records.get(key).copied();
        let (Some(record), Some(file)) = (found, state.image.file.clone()) else {
            state.statistics.misses += 1;
            return None;
        };
        drop(state);
        let bytes = content(&file, self.shared.build, &record);
        let mut state = self.shared.lock();
        match bytes {
            Some(bytes) => {
                state.statistics.hits += 1;
                Some(bytes.into())
            }
            None => {
                state.statistics.damaged += 1;
                state.image.records.remove(key);
                None
            }
        }
    }

    /// Adds an entry, for this run and later ones. What is there already stays as it is.
    pub fn insert(&self, key: Key, content: &[u8]) {
        let length = content.len() as u64;
        let mut state = self.shared.lock();
        if state.image.records.contains_key(&key) || state.pending.contains_key(&key) {
            return;
        }
        let waiting = state.pending_bytes + length;
        if length > CONTENT_MAX
            || waiting > self.shared.options.max_bytes
            || state.pending.len() >= format::records_max()
        {
            state.statistics.refused += 1;
            return;
        }
        state.pending.insert(key, content.into());
        state.pending_bytes = waiting;
        state.since.get_or_insert_with(Instant::now);
        state.statistics.added += 1;
        drop(state);
        self.shared.changed.notify_one();
    }

    /// Writes what waits now, and returns when it is in the file.
    ///
    /// # Errors
    /// [`StoreError`]; the additions wait on then.
    pub fn flush(&self) -> Result<(), StoreError> {
        self.shared.write()
    }

    /// What it has done so far.
    pub fn statistics(&self) -> StoreStatistics {
        self.shared.lock().statistics
    }
}

impl Drop for CodeStore {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // Had it panicked, this run's code would not be kept, and that is all.
            let _ = thread.join();
        }
    }
}

impl std::fmt::Debug for CodeStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CodeStore")
            .field("directory", &self.shared.directory.path())
            .field("build", &self.shared.build)
            .finish_non_exhaustive()
    }
}

//! What earlier runs have compiled, by page of code: on disk, so that the next run of a guest starts warm.
//!
//! An entry of the [`CodeStore`] is a *chunk*: the regions of one page that one run has added. Entries never change, so each run
//! appends chunks of its own, which are numbered. What code depends on beside the page, the mode and this build of the program is
//! not in it: it is position independent ([`crate::image`]).

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use code_store::{BuildId, CodeStore, Key, StoreError, StoreOptions};
use cranelift_codegen::isa::TargetIsa;
use serde::{Deserialize, Serialize};

use crate::region::RegionFacts;

/// Where compiled code is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersistentCachePlace {
    /// A directory of the user's own; made where it is missing.
    pub directory: PathBuf,
    /// Bytes that it may take.
    pub max_bytes: u64,
}

/// Chunks of a page that are looked for; a page that has so many gets no more.
const CHUNKS: u32 = 32;
/// The longest chunk that is made.
const CHUNK_BYTES: usize = 4 << 20;
/// Regions that wait to be saved; past it new ones are not kept.
const FRESH_BYTES: usize = 64 << 20;

/// A region without its place in memory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredRegion {
    /// The word of the page where it is entered.
    pub(crate) entry: u16,
    pub(crate) facts: RegionFacts,
    #[serde(with = "serde_bytes")]
    pub(crate) code: Vec<u8>,
}

/// An entry of the store.
#[derive(Serialize, Deserialize)]
struct Chunk {
    page: [u8; 32],
    regions: Vec<StoredRegion>,
}

impl Chunk {
    fn read(bytes: &[u8]) -> Option<Self> {
        match postcard::from_bytes(bytes) {
            Ok(chunk) => Some(chunk),
            Err(error) => {
                tracing::warn!(%error, "kept code can't be read, and is made anew");
                None
            }
        }
    }
}

/// Compiled code of earlier runs and of this one, by page.
pub(crate) struct PersistentCache {
    store: CodeStore,
    /// What has been compiled since the last save, by page.
    fresh: HashMap<Key, Vec<StoredRegion>>,
    fresh_bytes: usize,
    /// When the first of it came.
    fresh_since: Option<Instant>,
}

impl PersistentCache {
    /// Opens the persistent cache of this build for this host.
    ///
    /// # Errors
    /// [`StoreError`].
    pub(crate) fn open(
        place: &PersistentCachePlace,
        isa: &dyn TargetIsa,
    ) -> Result<Self, StoreError> {
        let program = BuildId::of_program(&[host(isa).as_bytes()])?;
        let options = StoreOptions {
            max_bytes: place.max_bytes,
            ..StoreOptions::default()
        };
        Ok(Self {
            store: CodeStore::open(&place.directory, program, options)?,
            fresh: HashMap::new(),
            fresh_bytes: 0,
            fresh_since: None,
        })
    }

    /// The regions of a page that are kept. What is damaged is left out.
    pub(crate) fn page(&self, page: &Key) -> Vec<StoredRegion> {
        self.chunks(page)
            .filter_map(|name| Chunk::read(&self.store.get(&name)?))
            .flat_map(|chunk| chunk.regions)
            .collect()
    }

    /// The names of the chunks of a page.
    fn chunks(&self, page: &Key) -> impl Iterator<Item = Key> {
        let names = (0..CHUNKS).map(|chunk| name(page, chunk));
        names.take_while(|name| self.store.contains(name))
    }

    /// What is kept, by page, up to so many bytes, those first that were used last; and whether it is all.
    pub(crate) fn most(&self, bytes: u64) -> (Vec<(Key, StoredRegion)>, bool) {
        let mut sum = 0;
        let keys = self.store.keys();
        let all = keys.len();
        let fitting: Vec<Key> = keys
            .into_iter()
            .take_while(|(_, length)| {
                sum += length;
                sum <= bytes
            })
            .map(|(key, _)| key)
            .collect();
        let is_all = fitting.len() == all;
        let chunks = fitting
            .iter()
            .filter_map(|key| Chunk::read(&self.store.peek(key)?));
        let regions = chunks.flat_map(|chunk| {
            let page = Key::from_digest(chunk.page);
            chunk.regions.into_iter().map(move |kept| (page, kept))
        });
        (regions.collect(), is_all)
    }

    /// What is kept of a page is in use.
    pub(crate) fn touch(&self, page: &Key) {
        self.chunks(page).for_each(|name| self.store.touch(&name));
    }

    /// Keeps a region of a page, with the next save.
    pub(crate) fn keep(&mut self, page: Key, kept: StoredRegion) {
        if self.fresh_bytes + kept.code.len() <= FRESH_BYTES {
            self.fresh_bytes += kept.code.len();
            self.fresh_since.get_or_insert_with(Instant::now);
            self.fresh.entry(page).or_default().push(kept);
        }
    }

    /// How long something waits to be saved; None: there is nothing.
    pub(crate) fn fresh_for(&self) -> Option<Duration> {
        Some(self.fresh_since?.elapsed())
    }

    /// Hands to the store what is new. It writes in batches, and when the persistent cache is
    /// closed.
    pub(crate) fn save(&mut self) {
        self.fresh_bytes = 0;
        self.fresh_since = None;
        for (page, mut regions) in self.fresh.drain() {
            let free = (0..CHUNKS).find(|&chunk| !self.store.contains(&name(&page, chunk)));
            let Some(number) = free else { continue };
            let mut bytes = 0;
            let fits = regions.iter().take_while(|kept| {
                bytes += kept.code.len();
                bytes <= CHUNK_BYTES
            });
            let fits = fits.count();
            regions.truncate(fits);
            let chunk = Chunk {
                page: *page.as_bytes(),
                regions,
            };
            match postcard::to_allocvec(&chunk) {
                Ok(content) => self.store.insert(name(&page, number), &content),
                Err(error) => tracing::warn!(%error, "compiled code can't be kept"),
            }
        }
    }
}

/// The key of a chunk.
fn name(page: &Key, chunk: u32) -> Key {
    Key::of(&[page.as_bytes(), &chunk.to_le_bytes()])
}

/// All that Cranelift's code depends on of the host and the settings.
fn host(isa: &dyn TargetIsa) -> String {
    let flags: Vec<String> = isa.isa_flags().iter().map(ToString::to_string).collect();
    format!("{} {} {}", isa.triple(), isa.flags(), flags.join(" "))
}

//! Writing: additions join what is on disk by now, the bound is kept, and a new file takes the old one's place.

use std::collections::{HashMap, HashSet};
use std::io::{self, Write};
use std::sync::Arc;

use crate::directory::{Directory, Locked};
use crate::error::StoreError;
use crate::format::{self, Record};
use crate::name::{BuildId, Key};
use crate::store::{Image, SUFFIX, Shared};

type Additions = HashMap<Key, Arc<[u8]>>;

impl Shared {
    /// Writes additions, where there are any, beside what other processes have written meanwhile.
    pub(crate) fn write(&self) -> Result<(), StoreError> {
        let (additions, touched) = {
            let state = self.lock();
            (state.pending.clone(), state.touched.clone())
        };
        if additions.is_empty() {
            return Ok(());
        }
        let lock = self.directory.lock()?;
        let there = Image::read(&self.directory, &self.name, self.build)?;
        let session = there.session.saturating_add(1);
        let mut records = self.survivors(&there, &additions, &touched, session);
        let head = format::encode(self.build, session, &mut records);
        // `records` say by now where contents will be; where old ones are, `there` says.
        self.directory.replace(&lock, &self.name, |file| {
            let mut out = io::BufWriter::with_capacity(1 << 20, file);
            out.write_all(&head)?;
            for record in &records {
                match additions.get(&record.key) {
                    Some(content) => out.write_all(content)?,
                    None => out.write_all(&old_content(&there, self.build, record)?)?,
                }
            }
            out.flush()
        })?;
        evict_builds(&self.directory, &lock, &self.name, self.options.max_bytes)?;
        let image = Image::read(&self.directory, &self.name, self.build)?;
        drop(lock);
        self.written(image, &additions);
        Ok(())
    }

    /// What the new file will hold: the most recently used entries that fit. Contents on disk are looked at, so that damage is
    /// not carried along.
    fn survivors(
        &self,
        there: &Image,
        additions: &Additions,
        touched: &HashSet<Key>,
        session: u64,
    ) -> Vec<Record> {
        let added = additions.iter().map(|(&key, content)| Record {
            key,
            digest: format::digest(self.build, key, content),
            offset: 0,
            length: content.len() as u64,
            used: session,
        });
        let kept = there
            .records
            .values()
            .filter(|r| !additions.contains_key(&r.key));
        let kept = kept.filter(|r| there.content(self.build, r).is_some());
        let kept = kept.map(|&record| Record {
            used: if touched.contains(&record.key) {
                session
            } else {
                record.used
            },
            ..record
        });
        let mut records: Vec<Record> = added.chain(kept).collect();
        // The key makes the order the same in every process.
        records.sort_unstable_by_key(|r| (std::cmp::Reverse(r.used), r.key));
        records.truncate(format::records_max());
        let (mut count, mut contents) = (0, 0);
        records.retain(|record| {
            let bytes = format::file_bytes(count + 1, contents + record.length);
            let fits = bytes <= self.options.max_bytes;
            if fits {
                count += 1;
                contents += record.length;
            }
            fits
        });
        records
    }
}

fn old_content(there: &Image, build: BuildId, record: &Record) -> io::Result<Vec<u8>> {
    let old = there.records.get(&record.key);
    let content = old.and_then(|old| there.content(build, old));
    // It was there a moment ago.
    content.ok_or_else(|| io::ErrorKind::InvalidData.into())
}

/// Removes files of other builds, the longest unused first, until all together keep the bound; and what writers left behind.
fn evict_builds(
    directory: &Directory,
    _lock: &Locked,
    own: &str,
    max_bytes: u64,
) -> Result<(), StoreError> {
    let (mut files, partial): (Vec<_>, Vec<_>) = directory
        .list(SUFFIX)?
        .into_iter()
        .partition(|file| file.name.ends_with(SUFFIX));
    for file in partial {
        directory.remove(&file.name);
    }
    let mut total: u64 = files.iter().map(|file| file.bytes).sum();
    files.retain(|file| file.name != own);
    files.sort_by_key(|file| file.modified);
    for file in files {
        if total <= max_bytes {
            break;
        }
        directory.remove(&file.name);
        total = total.saturating_sub(file.bytes);
    }
    Ok(())
}

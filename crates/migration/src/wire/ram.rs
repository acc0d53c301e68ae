//! Pages in a frame: their bytes first, then which pages they are, as runs, then the number of runs
//! (u32). A run is its first page (u64), its length in pages (u32), and whether its bytes are here
//! (1) or all zeros (0). Each run begins behind the one before it. Pages that were never sent are
//! zeros.

use super::frame::{HEADER, Header, Kind};

/// Bytes of pages that a frame is filled with, at least: few writes, and buffers that fit into a cache.
const DATA: usize = 1 << 20;
/// Runs in a frame.
const RUNS_MAX: usize = 4096;
/// Bytes of a run.
const RUN: usize = 13;
/// The most bytes of a payload: a page may come on top where pages are as large as `DATA`.
pub(super) const PAYLOAD_MAX: usize = DATA + RUNS_MAX * RUN + 4;

/// Pages that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) first: u64,
    pub(crate) count: u32,
    /// Whether their bytes are in the frame; else they are zeros.
    pub(crate) data: bool,
}

/// Fills a frame with pages.
#[derive(Debug)]
pub(crate) struct RamBuilder {
    /// Room for the header, and the bytes of pages; all of it is there, `used` of it counts.
    frame: Vec<u8>,
    used: usize,
    runs: Vec<Run>,
    page_size: usize,
    pages: u64,
}

impl RamBuilder {
    /// An empty frame, in a buffer that was in use before or not.
    pub(crate) fn new(mut buffer: Vec<u8>, page_size: u32) -> Self {
        buffer.resize(HEADER + DATA + RUNS_MAX * RUN + 4, 0);
        Self {
            frame: buffer,
            used: HEADER,
            runs: Vec::new(),
            page_size: page_size as usize,
            pages: 0,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        // One page may be as large as all.
        self.used + self.page_size > HEADER + DATA || self.runs.len() >= RUNS_MAX
    }

    /// Pages were looked at and need not be sent.
    pub(crate) fn skip(&mut self, pages: u64) {
        self.pages += pages;
    }

    /// Where the next page's bytes go. Not to be called on a full frame.
    pub(crate) fn slot(&mut self) -> &mut [u8] {
        &mut self.frame[self.used..self.used + self.page_size]
    }

    /// The slot holds this page; where that is all zeros, `zeros` says whether that is to be told.
    pub(crate) fn add(&mut self, page: u64, zeros: bool) {
        let data = !is_zero(self.slot());
        self.pages += 1;
        if data {
            self.used += self.page_size;
        } else if !zeros {
            return;
        }
        match self.runs.last_mut() {
            Some(run) if run.data == data && run.first + u64::from(run.count) == page => {
                run.count += 1
            }
            _ => self.runs.push(Run {
                first: page,
                count: 1,
                data,
            }),
        }
    }

    /// The frame, but its number, and how many pages were looked at for it.
    pub(crate) fn finish(mut self) -> (SealedFrame, u64) {
        let mut at = self.used;
        let mut put = |bytes: &[u8]| {
            self.frame[at..at + bytes.len()].copy_from_slice(bytes);
            at += bytes.len();
        };
        for run in &self.runs {
            put(&run.first.to_le_bytes());
            put(&run.count.to_le_bytes());
            put(&[u8::from(run.data)]);
        }
        put(&(self.runs.len() as u32).to_le_bytes());
        let header = Header::of(Kind::Ram, 0, &self.frame[HEADER..at]);
        let sealed = SealedFrame {
            buffer: self.frame,
            len: at,
            header,
        };
        (sealed, self.pages)
    }
}

/// A frame that is complete but for its number.
#[derive(Debug)]
pub(crate) struct SealedFrame {
    buffer: Vec<u8>,
    len: usize,
    header: Header,
}

impl SealedFrame {
    /// Its bytes, as the frame of this number.
    pub(super) fn numbered(&mut self, number: u32) -> &[u8] {
        let header = Header {
            number,
            ..self.header
        };
        self.buffer[..HEADER].copy_from_slice(&header.encode());
        &self.buffer[..self.len]
    }

    /// Its buffer, to be used again.
    pub(crate) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    // In strides that the compiler makes vectors of; most pages that are not zeros show it at once.
    let (strides, rest) = bytes.as_chunks::<128>();
    strides
        .iter()
        .all(|stride| stride.iter().fold(0, |sum, byte| sum | byte) == 0)
        && rest.iter().all(|&byte| byte == 0)
}

/// Pages that came in: the runs make sense among themselves; whether the machine has such pages is not known here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RamFrame<'a> {
    data: &'a [u8],
    runs: &'a [u8],
}

impl<'a> RamFrame<'a> {
    pub(super) fn decode(payload: &'a [u8]) -> Result<Self, &'static str> {
        let short = "a frame of pages is too short";
        let (rest, count) = payload.split_last_chunk().ok_or(short)?;
        let count = u32::from_le_bytes(*count) as usize;
        if count > RUNS_MAX {
            return Err("a frame of pages has too many runs");
        }
        let at = rest.len().checked_sub(count * RUN).ok_or(short)?;
        let (data, runs) = rest.split_at(at);
        Ok(Self { data, runs })
    }

    /// The runs with their bytes (none for zeros), all checked against a machine of such RAM.
    pub(crate) fn runs(
        &self,
        page_size: u32,
        pages: u64,
    ) -> Result<Vec<(Run, &'a [u8])>, &'static str> {
        let mut data = self.data;
        let (runs, _) = self.runs.as_chunks::<RUN>();
        let mut result = Vec::with_capacity(runs.len());
        let mut behind = 0;
        for bytes in runs {
            let run = Run::decode(bytes)?;
            let fits = run
                .first
                .checked_add(u64::from(run.count))
                .is_some_and(|end| end <= pages);
            if !fits || run.count == 0 {
                return Err("pages were sent that the machine does not have");
            }
            if run.first < behind {
                return Err("pages were sent twice, or not in their order");
            }
            behind = run.first + run.pages();
            let len = if run.data {
                u64::from(run.count) * u64::from(page_size)
            } else {
                0
            };
            let len = usize::try_from(len).unwrap_or(usize::MAX);
            let (own, rest) = data
                .split_at_checked(len)
                .ok_or("pages were sent without their bytes")?;
            data = rest;
            result.push((run, own));
        }
        if data.is_empty() {
            Ok(result)
        } else {
            Err("bytes were sent that belong to no page")
        }
    }
}

impl Run {
    /// How many pages.
    pub(crate) fn pages(&self) -> u64 {
        self.count.into()
    }

    fn decode(bytes: &[u8; RUN]) -> Result<Self, &'static str> {
        let [a, b, c, d, e, f, g, h, i, j, k, l, data] = *bytes;
        Ok(Self {
            first: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            count: u32::from_le_bytes([i, j, k, l]),
            data: match data {
                0 => false,
                1 => true,
                _ => return Err("a run of pages is neither bytes nor zeros"),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: u32 = 4096;

    fn payload(frame: &mut SealedFrame) -> Vec<u8> {
        frame.numbered(0)[HEADER..].to_vec()
    }

    proptest! {
        #[test]
        fn pages_arrive_as_they_were_sent(pages in proptest::collection::btree_map(0_u64..500, 0_u8..3, 0..40), zeros: bool) {
            let mut builder = RamBuilder::new(Vec::new(), PAGE);
            for (&page, &value) in &pages {
                builder.slot().fill(0);
                builder.slot()[PAGE as usize - 1] = value;
                builder.add(page, zeros);
            }
            let (mut frame, looked_at) = builder.finish();
            prop_assert_eq!(looked_at, pages.len() as u64);
            let payload = payload(&mut frame);
            let frame = RamFrame::decode(&payload).expect("a frame");
            let mut found = std::collections::BTreeMap::new();
            for (run, bytes) in frame.runs(PAGE, 500).expect("runs") {
                for index in 0..u64::from(run.count) {
                    let value = if run.data { bytes[(index as usize + 1) * PAGE as usize - 1] } else { 0 };
                    prop_assert!(found.insert(run.first + index, value).is_none());
                }
            }
            let expected: std::collections::BTreeMap<_, _> = pages.into_iter().filter(|&(_, value)| zeros || value != 0).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn no_payload_names_a_page_that_the_machine_has_not(data in 0_usize..3, runs in proptest::collection::vec((0_u64..6, 0_u32..4, 0_u8..3), 0..4), claimed in 0_u32..6) {
            let mut payload = vec![1; data * PAGE as usize];
            for (first, count, kind) in &runs {
                payload.extend(first.to_le_bytes());
                payload.extend(count.to_le_bytes());
                payload.push(*kind);
            }
            payload.extend(claimed.to_le_bytes());
            if let Ok(found) = RamFrame::decode(&payload).and_then(|frame| frame.runs(PAGE, 5)) {
                prop_assert!(found.iter().all(|(run, _)| run.count > 0 && run.first + u64::from(run.count) <= 5));
                prop_assert!(found.windows(2).all(|pair| pair[0].0.first + pair[0].0.pages() <= pair[1].0.first));
                let bytes: usize = found.iter().map(|(_, bytes)| bytes.len()).sum();
                let said: usize = found.iter().filter(|(run, _)| run.data).map(|(run, _)| run.count as usize * PAGE as usize).sum();
                prop_assert_eq!(bytes, said);
            }
        }
    }

    #[test]
    fn a_frame_is_full_before_it_is_longer_than_allowed() {
        for page_size in [1 << 12, 1 << 16, 1 << 20] {
            let mut builder = RamBuilder::new(Vec::new(), page_size);
            let mut page = 0;
            while !builder.is_full() {
                builder.slot().fill((page % 2) as u8);
                builder.add(page, true);
                page += 1;
            }
            let payload = payload(&mut builder.finish().0);
            assert!(payload.len() <= Kind::Ram.limit());
            assert!(
                RamFrame::decode(&payload)
                    .and_then(|frame| frame.runs(page_size, page))
                    .is_ok()
            );
        }
    }
}

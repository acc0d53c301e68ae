//! The second memory: made equal to the machine's, kept equal where the monitor writes, and compared where the guest does.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use power::memory::{DIRTY_PAGE, DirtyPages, GRANULE, HostMapping, MapError, OutOfMemory};

use crate::second_memory::SecondMemory;
use crate::sides::Sides;

/// Bytes of a line in a report.
const LINE: usize = 16;
/// Lines in a report.
const LINES_MAX: usize = 32;

/// Sixteen bytes of memory that the two sides disagree about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryMismatch {
    /// The real address of the first.
    pub address: u64,
    /// As the JIT left them.
    pub jit: [u8; LINE],
    /// As the interpreter did.
    pub interpreter: [u8; LINE],
}

/// Why there is no second memory.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MirrorError {
    #[error("the host has no memory for a second copy of the guest's: {0}")]
    Host(#[from] io::Error),
    #[error(transparent)]
    Map(#[from] MapError),
    #[error(transparent)]
    Outside(#[from] OutOfMemory),
}

struct Region {
    base: u64,
    mapping: Arc<dyn HostMapping>,
}

impl Region {
    fn range(&self) -> Range<u64> {
        self.base..self.base + self.mapping.len() as u64
    }

    fn is(&self, base: u64, mapping: &Arc<dyn HostMapping>) -> bool {
        self.base == base && Arc::ptr_eq(&self.mapping, mapping)
    }
}

/// What is known of the machine's memory, and where the sweep is.
pub(crate) struct Mirror {
    regions: Vec<Region>,
    /// What the dirty logs cover.
    ram: Option<Range<u64>>,
    sweep: Option<u64>,
    buffers: [Vec<u8>; 2],
    /// Pages compared.
    pub(crate) compared: u64,
}

impl Mirror {
    pub(crate) fn new() -> Self {
        Self {
            regions: Vec::new(),
            ram: None,
            sweep: None,
            buffers: [(); 2].map(|()| vec![0; GRANULE as usize]),
            compared: 0,
        }
    }

    /// Makes everything equal, whatever was there.
    pub(crate) fn rebuild(&mut self, sides: &Sides) -> Result<(), MirrorError> {
        while let Some(region) = self.regions.pop() {
            unmap(sides, region.base);
        }
        self.ram = None;
        self.follow_regions(sides)
    }

    /// Follows what was mapped and unmapped since.
    pub(crate) fn follow_regions(&mut self, sides: &Sides) -> Result<(), MirrorError> {
        let now = sides.machine.memory.regions();
        self.regions.retain(|region| {
            let stays = now.iter().any(|(base, mapping)| region.is(*base, mapping));
            if !stays {
                unmap(sides, region.base);
            }
            stays
        });
        for (base, mapping) in now {
            if !self.regions.iter().any(|region| region.is(base, &mapping)) {
                self.add(sides, base, mapping)?;
            }
        }
        // RAM is what starts at 0.
        let ram = self.regions.iter().find(|region| region.base == 0);
        let ram = ram.map(Region::range);
        if ram != self.ram {
            for partition in [&sides.machine, &sides.jit, &sides.interpreter] {
                match &ram {
                    Some(range) => partition.start_dirty_log(range.clone())?,
                    None => partition.stop_dirty_log(),
                }
            }
            self.ram = ram;
        }
        Ok(())
    }

    fn add(
        &mut self,
        sides: &Sides,
        base: u64,
        mapping: Arc<dyn HostMapping>,
    ) -> Result<(), MirrorError> {
        let second = Arc::new(SecondMemory::new(mapping.len())?);
        sides.jit.memory.map(base, Arc::clone(&mapping))?;
        sides
            .interpreter
            .memory
            .map(base, Arc::clone(&second) as _)?;
        let region = Region { base, mapping };
        let buffer = &mut self.buffers[0];
        for address in region.range().step_by(GRANULE as usize) {
            sides.machine.memory.read(address, buffer)?;
            // What is zero there is zero here, and takes no memory.
            if buffer.iter().any(|&byte| byte != 0) {
                sides.interpreter.memory.write(address, buffer)?;
            }
        }
        second.set_writable(region.mapping.writable());
        self.regions.push(region);
        Ok(())
    }

    /// Copies what the monitor has written since the last time.
    pub(crate) fn follow_monitor(&mut self, sides: &Sides) -> Result<(), MirrorError> {
        let Some(pages) = sides.machine.take_dirty_pages() else {
            return Ok(());
        };
        let page = &mut self.buffers[0][..DIRTY_PAGE as usize];
        for address in pages.addresses() {
            sides.machine.memory.read(address, page)?;
            sides.interpreter.memory.write(address, page)?;
        }
        Ok(())
    }

    /// Compares the pages that either side has stored to since the last time.
    pub(crate) fn compare_written(&mut self, sides: &Sides) -> Vec<MemoryMismatch> {
        let mut found = Vec::new();
        let [jit, interpreter] = sides.both().map(|side| side.take_dirty_pages());
        let (Some(mut pages), Some(others)) = (jit, interpreter) else {
            return found;
        };
        DirtyPages::merge(&mut pages, &others);
        for address in pages.addresses() {
            self.compare(sides, address, DIRTY_PAGE as usize, &mut found);
        }
        found
    }

    /// Compares the next granule of all memory, in turns: what no log covers is found as well, if later.
    pub(crate) fn sweep(&mut self, sides: &Sides) -> Vec<MemoryMismatch> {
        let mut found = Vec::new();
        let start = self.sweep.unwrap_or(0);
        let after = |region: &&Region| region.range().end > start;
        let next = self.regions.iter().filter(after).map(Region::range);
        let Some(range) = next.min_by_key(|range| range.start) else {
            self.sweep = None;
            return found;
        };
        let address = start.max(range.start);
        self.sweep = address.checked_add(GRANULE);
        self.compare(sides, address, GRANULE as usize, &mut found);
        found
    }

    /// Compares all memory.
    pub(crate) fn compare_all(&mut self, sides: &Sides) -> Vec<MemoryMismatch> {
        let mut found = Vec::new();
        let ranges: Vec<Range<u64>> = self.regions.iter().map(Region::range).collect();
        for address in ranges.into_iter().flat_map(|r| r.step_by(GRANULE as usize)) {
            self.compare(sides, address, GRANULE as usize, &mut found);
        }
        found
    }

    fn compare(
        &mut self,
        sides: &Sides,
        address: u64,
        bytes: usize,
        found: &mut Vec<MemoryMismatch>,
    ) {
        let [jit, interpreter] = self.buffers.each_mut().map(|buffer| &mut buffer[..bytes]);
        let read = [
            sides.jit.memory.read(address, jit),
            sides.interpreter.memory.read(address, interpreter),
        ];
        self.compared += bytes as u64 / DIRTY_PAGE;
        // Both sides have the same regions, and addresses are of these.
        if read.iter().any(Result::is_err) || jit == interpreter {
            return;
        }
        let lines = jit.as_chunks().0.iter().zip(interpreter.as_chunks().0);
        for (offset, (&jit, &interpreter)) in (0..).step_by(LINE).zip(lines) {
            if jit != interpreter && found.len() < LINES_MAX {
                found.push(MemoryMismatch {
                    address: address + offset,
                    jit,
                    interpreter,
                });
            }
        }
    }
}

/// Takes a region from both sides, which drop their translations before they run again.
fn unmap(sides: &Sides, base: u64) {
    for side in sides.both() {
        drop(side.memory.unmap(base));
        side.flush_translations();
    }
}

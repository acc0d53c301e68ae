//! Devices in lock step: the JIT's side reaches the machine's devices, and what it has seen there
//! is answered to the interpreter's. So a device sees each access once, and the two sides have to
//! ask for the same ones in the same order.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use power::memory::{IoRegion, MapError};
use vm_core::MmioDevice;

use crate::sides::Sides;

/// A load or store of a device's registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IoAccess {
    /// Its real address.
    pub address: u64,
    /// Whether it stored.
    pub store: bool,
    /// The bytes, in the order of their addresses; of a load, what was answered.
    pub data: Vec<u8>,
}

impl fmt::Display for IoAccess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.store { "store" } else { "load" };
        write!(f, "{kind} at {:#x} of {:02x?}", self.address, self.data)
    }
}

/// An access that only one side made, or that the sides made differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IoMismatch {
    /// What the JIT did.
    pub jit: Option<IoAccess>,
    /// What the interpreter did in its place.
    pub interpreter: Option<IoAccess>,
}

impl fmt::Display for IoMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |access: &Option<IoAccess>| match access {
            Some(access) => access.to_string(),
            None => "nothing".into(),
        };
        let (jit, interpreter) = (side(&self.jit), side(&self.interpreter));
        write!(f, "I/O: JIT {jit}, interpreter {interpreter}")
    }
}

/// What the JIT's side has done in this stretch and the interpreter's has not yet.
#[derive(Default)]
struct Log {
    pending: VecDeque<IoAccess>,
    mismatch: Option<IoMismatch>,
}

type SharedLog = Arc<Mutex<Log>>;

fn lock(log: &SharedLog) -> MutexGuard<'_, Log> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The machine's device, as the JIT's side reaches it.
struct Recorder {
    region: IoRegion,
    log: SharedLog,
}

impl Recorder {
    fn record(&self, offset: u64, store: bool, data: &[u8]) {
        lock(&self.log).pending.push_back(IoAccess {
            address: self.region.base + offset,
            store,
            data: data.to_vec(),
        });
    }
}

impl MmioDevice for Recorder {
    fn read(&self, offset: u64, data: &mut [u8]) {
        self.region.device.read(offset, data);
        self.record(offset, false, data);
    }

    fn write(&self, offset: u64, data: &[u8]) {
        self.region.device.write(offset, data);
        self.record(offset, true, data);
    }
}

/// What answers the interpreter's side in a device's place.
struct Replay {
    base: u64,
    log: SharedLog,
}

impl Replay {
    /// The access that the JIT's side made where this one is made now, if it is the same kind.
    fn replay(&self, made: IoAccess) -> Option<IoAccess> {
        let mut log = lock(&self.log);
        let jit = log.pending.pop_front();
        let alike = jit.as_ref().is_some_and(|jit| {
            let same_place = (jit.address, jit.store) == (made.address, made.store);
            let same_data = if made.store {
                jit.data == made.data
            } else {
                jit.data.len() == made.data.len()
            };
            same_place && same_data
        });
        if alike {
            return jit;
        }
        log.mismatch.get_or_insert(IoMismatch {
            jit,
            interpreter: Some(made),
        });
        None
    }
}

impl MmioDevice for Replay {
    fn read(&self, offset: u64, data: &mut [u8]) {
        data.fill(0xff);
        let seen = self.replay(IoAccess {
            address: self.base + offset,
            store: false,
            data: data.to_vec(),
        });
        if let Some(seen) = seen {
            data.copy_from_slice(&seen.data);
        }
    }

    fn write(&self, offset: u64, data: &[u8]) {
        self.replay(IoAccess {
            address: self.base + offset,
            store: true,
            data: data.to_vec(),
        });
    }
}

/// The devices of both sides.
#[derive(Default)]
pub(crate) struct IoMirror {
    regions: Vec<IoRegion>,
    log: SharedLog,
}

impl IoMirror {
    /// Follows what was mapped and unmapped in the machine since.
    pub(crate) fn follow_regions(&mut self, sides: &Sides) -> Result<(), MapError> {
        let now = sides.machine.memory.io_regions();
        let same = |a: &IoRegion, b: &IoRegion| {
            (a.base, a.len) == (b.base, b.len) && Arc::ptr_eq(&a.device, &b.device)
        };
        self.regions.retain(|region| {
            let stays = now.iter().any(|other| same(region, other));
            if !stays {
                for side in sides.both() {
                    side.memory.unmap_io(region.base);
                }
            }
            stays
        });
        for region in now {
            if self.regions.iter().any(|other| same(&region, other)) {
                continue;
            }
            let (base, len) = (region.base, region.len);
            let log = Arc::clone(&self.log);
            let replay = Replay { base, log };
            let recorder = Recorder {
                region: region.clone(),
                log: Arc::clone(&self.log),
            };
            sides.jit.memory.map_io(base, len, Arc::new(recorder))?;
            sides
                .interpreter
                .memory
                .map_io(base, len, Arc::new(replay))?;
            self.regions.push(region);
        }
        Ok(())
    }

    /// The first access of the stretch that the sides did not share; the log is empty after this.
    pub(crate) fn end_stretch(&self) -> Option<IoMismatch> {
        let mut log = lock(&self.log);
        let left = log.pending.pop_front();
        log.pending.clear();
        let mismatch = log.mismatch.take();
        mismatch.or(left.map(|jit| IoMismatch {
            jit: Some(jit),
            interpreter: None,
        }))
    }
}

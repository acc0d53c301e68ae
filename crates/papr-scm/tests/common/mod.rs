//! A guest without a CPU: what a kernel would do by hypercalls, done from Rust.
#![allow(dead_code)]

use std::fmt;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex};
use std::thread;

use papr_scm::abi::{BLOCK_SIZE, opcode, status};
use papr_scm::backing::{Backing, CrashBacking, Durability, HostRegion};
use papr_scm::flush::ExecutorChoice;
use papr_scm::nvdimm::{DeviceSpec, Nvdimm, NvdimmConfig};
use papr_scm::{Answer, Caller, GuestMemory, GuestMemoryError, Plug, Scm, ScmOptions};

pub const LABEL: u64 = 128 << 10;
pub const ADDRESS: u64 = 4 << 30;

/// Guest memory from address 0.
pub struct Memory(pub Mutex<Vec<u8>>);

impl Memory {
    pub fn new() -> Self {
        Memory(Mutex::new(vec![0; 64 << 10]))
    }
}

impl GuestMemory for Memory {
    fn read(&self, address: u64, buf: &mut [u8]) -> Result<(), GuestMemoryError> {
        let memory = self.0.lock().expect("no poison");
        let range = usize::try_from(address)
            .ok()
            .and_then(|start| memory.get(start..start.checked_add(buf.len())?));
        buf.copy_from_slice(range.ok_or(GuestMemoryError {
            address,
            length: buf.len(),
        })?);
        Ok(())
    }

    fn write(&self, address: u64, buf: &[u8]) -> Result<(), GuestMemoryError> {
        let mut memory = self.0.lock().expect("no poison");
        let start = usize::try_from(address).ok();
        let range = start.and_then(|start| memory.get_mut(start..start.checked_add(buf.len())?));
        range
            .ok_or(GuestMemoryError {
                address,
                length: buf.len(),
            })?
            .copy_from_slice(buf);
        Ok(())
    }
}

impl Caller for Memory {}

pub fn call(scm: &Scm, number: u64, args: &[u64]) -> Answer {
    let mut registers = [0; 9];
    registers[..args.len()].copy_from_slice(args);
    scm.hypercall(number, &registers, &Memory::new())
        .expect("an SCM hypercall")
}

/// A flush as Linux does it, with the sleeps.
pub fn flush(scm: &Scm, drc: u64) -> i64 {
    let mut token = 0;
    loop {
        let answer = call(scm, opcode::H_SCM_FLUSH, &[drc, token]);
        match status::retry_after(answer.status) {
            Some(pause) => thread::sleep(pause),
            None => return answer.status,
        }
        token = answer.outputs[0];
    }
}

/// Device number n: one block over a backing, in its own place.
pub fn spec(n: u64) -> DeviceSpec {
    let config = NvdimmConfig::new(format!("pmem{n}"), "");
    DeviceSpec {
        id: config.id,
        uuid: config.uuid,
        sync_dax: false,
        numa_node: 0,
        slot: Some(n as u32),
        guest_address: ADDRESS + n * 16 * BLOCK_SIZE,
    }
}

pub fn drc(n: u64) -> u64 {
    0x9000_0000 + n
}

pub fn crash() -> Arc<CrashBacking> {
    Arc::new(CrashBacking::new(BLOCK_SIZE, LABEL).expect("memory for two images"))
}

pub fn machine(executor: ExecutorChoice) -> Scm {
    Scm::new(ScmOptions {
        executor,
        ..ScmOptions::default()
    })
    .expect("an executor")
}

pub fn plug(scm: &Scm, n: u64, backing: &Arc<CrashBacking>) -> Arc<Nvdimm> {
    let backing: Arc<dyn Backing> = backing.clone();
    scm.plug(spec(n), backing, Plug::Cold)
        .expect("an empty slot")
}

/// Runs a test on threads, on the default, and on io_uring alone where this host has it.
pub fn on_each_executor(test: impl Fn(ExecutorChoice)) {
    test(ExecutorChoice::Threads);
    test(ExecutorChoice::Auto);
    if papr_scm::flush::UringExecutor::new().is_ok() {
        test(ExecutorChoice::Uring);
    }
}

/// A backing whose syncs are the test's.
pub struct WithSync<S> {
    pub inner: Arc<CrashBacking>,
    pub sync: S,
    pub file: Option<OwnedFd>,
}

impl<S> fmt::Debug for WithSync<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

impl<S> Backing for WithSync<S>
where
    S: Fn(&CrashBacking, usize) -> io::Result<()> + Send + Sync,
{
    fn region(&self) -> &Arc<HostRegion> {
        self.inner.region()
    }

    fn label_size(&self) -> u64 {
        self.inner.label_size()
    }

    fn read_label(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.inner.read_label(offset, buf)
    }

    fn write_label(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.inner.write_label(offset, data)
    }

    fn sync_slots(&self) -> usize {
        self.inner.sync_slots()
    }

    fn sync(&self, sync_slot: usize) -> io::Result<()> {
        (self.sync)(&self.inner, sync_slot)
    }

    fn sync_fd(&self, _lane: usize) -> Option<BorrowedFd<'_>> {
        self.file.as_ref().map(AsFd::as_fd)
    }

    fn durability(&self) -> Durability {
        self.inner.durability()
    }
}

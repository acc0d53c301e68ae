//! A machine for unit tests: one device of two blocks over a crash double, and a page of guest
//! memory.

use std::sync::Mutex;
use std::thread;
use std::time::Duration;

use crate::abi::{BLOCK_SIZE, opcode, status};
use crate::backing::{Backing, CrashBacking, FileBacking};
use crate::flush::ExecutorChoice;
use crate::guest::{Answer, Caller};
use crate::nvdimm::{DeviceSpec, Nvdimm, NvdimmConfig};
use crate::scm::{Plug, Scm, ScmOptions};
use crate::sync::{Arc, lock};
use papr_dr::{GuestMemory, GuestMemoryError};

pub(crate) const DRC: u64 = 0x9000_0000;
pub(crate) const ADDRESS: u64 = 8 << 30;
pub(crate) const BLOCKS: u64 = 2;
pub(crate) const LABEL: u64 = 128 << 10;

/// 64 KiB of guest memory at address 0.
pub(crate) struct Memory(Mutex<Vec<u8>>);

impl Memory {
    pub fn put(&self, address: u64, bytes: &[u8]) {
        self.write(address, bytes)
            .expect("within the test's memory");
    }

    pub fn get(&self, address: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.read(address, &mut bytes)
            .expect("within the test's memory");
        bytes
    }
}

impl GuestMemory for Memory {
    fn read(&self, address: u64, buf: &mut [u8]) -> Result<(), GuestMemoryError> {
        let memory = lock(&self.0);
        let length = buf.len();
        let end = address
            .checked_add(length as u64)
            .filter(|&end| end <= memory.len() as u64);
        let end = end.ok_or(GuestMemoryError { address, length })?;
        buf.copy_from_slice(&memory[address as usize..end as usize]);
        Ok(())
    }

    fn write(&self, address: u64, buf: &[u8]) -> Result<(), GuestMemoryError> {
        let mut memory = lock(&self.0);
        let length = buf.len();
        let end = address
            .checked_add(length as u64)
            .filter(|&end| end <= memory.len() as u64);
        let end = end.ok_or(GuestMemoryError { address, length })?;
        memory[address as usize..end as usize].copy_from_slice(buf);
        Ok(())
    }
}

impl Caller for Memory {}

pub(crate) struct Setup {
    pub sync_dax: bool,
    pub flush_hypercall: bool,
    pub outstanding_limit: usize,
}

pub(crate) struct Machine {
    pub scm: Scm,
    pub memory: Memory,
    backing: Option<Arc<CrashBacking>>,
}

pub(crate) fn spec() -> DeviceSpec {
    let config = NvdimmConfig::new("pmem0", "");
    DeviceSpec {
        id: config.id,
        uuid: config.uuid,
        sync_dax: false,
        numa_node: 0,
        slot: None,
        guest_address: ADDRESS,
    }
}

impl Machine {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    pub fn with(change: impl FnOnce(&mut Setup)) -> Self {
        let backing =
            Arc::new(CrashBacking::new(BLOCKS * BLOCK_SIZE, LABEL).expect("memory for two images"));
        Self::build(backing.clone(), Some(backing), change)
    }

    pub fn read_only() -> Self {
        let file = tempfile::tempfile().expect("a temporary file");
        file.set_len(BLOCKS * BLOCK_SIZE + LABEL)
            .expect("a sparse file");
        let backing = FileBacking::new(file, BLOCKS * BLOCK_SIZE, LABEL, false).expect("a backing");
        Self::build(Arc::new(backing), None, |_| {})
    }

    fn build(
        backing: Arc<dyn Backing>,
        crash: Option<Arc<CrashBacking>>,
        change: impl FnOnce(&mut Setup),
    ) -> Self {
        let mut setup = Setup {
            sync_dax: false,
            flush_hypercall: true,
            outstanding_limit: 64,
        };
        change(&mut setup);
        let options = ScmOptions {
            flush_hypercall: setup.flush_hypercall,
            outstanding_limit: setup.outstanding_limit,
            executor: ExecutorChoice::Threads,
            ..ScmOptions::default()
        };
        let scm = Scm::new(options).expect("an SCM");
        scm.plug(
            DeviceSpec {
                sync_dax: setup.sync_dax,
                ..spec()
            },
            backing,
            Plug::Cold,
        )
        .expect("an empty slot");
        Machine {
            scm,
            memory: Memory(Mutex::new(vec![0; 64 << 10])),
            backing: crash,
        }
    }

    pub fn try_call(&self, opcode: u64, args: &[u64]) -> Option<Answer> {
        let mut registers = [0; 9];
        registers[..args.len()].copy_from_slice(args);
        self.scm.hypercall(opcode, &registers, &self.memory)
    }

    pub fn call(&self, opcode: u64, args: &[u64]) -> Answer {
        self.try_call(opcode, args).expect("an SCM opcode")
    }

    /// A flush as Linux does it, without the sleeps.
    pub fn flush(&self) -> i64 {
        let mut token = 0;
        loop {
            let answer = self.call(opcode::H_SCM_FLUSH, &[DRC, token]);
            if status::retry_after(answer.status).is_none() {
                return answer.status;
            }
            token = answer.outputs()[0];
            thread::yield_now();
        }
    }

    pub fn backing(&self) -> &CrashBacking {
        self.backing
            .as_deref()
            .expect("a machine over a crash double")
    }

    pub fn device(&self) -> Arc<Nvdimm> {
        self.scm.devices().remove(0)
    }

    pub fn store(&self, offset: u64, bytes: &[u8]) {
        self.device()
            .region()
            .host
            .write(offset, bytes)
            .expect("within the region");
    }

    pub fn durable(&self, offset: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.backing()
            .read_durable(offset, &mut bytes)
            .expect("within the image");
        bytes
    }

    pub fn durable_label(&self, offset: u64) -> u8 {
        self.durable(BLOCKS * BLOCK_SIZE + offset, 1)[0]
    }

    /// Waits until no sync that was asked for in the background is left: one that began later has
    /// ended.
    pub fn settle(&self) {
        let counters = || self.device().counters().syncs;
        for _ in 0..5000 {
            if counters() > 0 {
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
        panic!("no sync ran in the background");
    }
}

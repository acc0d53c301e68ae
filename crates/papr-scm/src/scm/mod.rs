//! The persistent memory of one machine: its connectors, what is plugged into them, and what the
//! host may do with it.
//!
//! - here: the machine itself and its hypercall entry;
//! - `plug`: plugging, unplugging, and the device tree;
//! - `rtas`: the guest's side of the same (`set-indicator`, `get-sensor-state`,
//!   `ibm,configure-connector`);
//! - `lifecycle`: reset and shutdown;
//! - `snapshot`: what a snapshot carries.

pub(crate) mod lifecycle;
pub(crate) mod plug;
pub(crate) mod rtas;
pub(crate) mod snapshot;

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use lifecycle::{ShutdownReport, Undrained};
pub use plug::{Plug, PlugError, RegionListener, Unplug};
pub use snapshot::{DeviceState, PreparedImport, RestoreError, ScmState};

use crate::abi::{MAX_SLOTS, status};
use crate::flush::{Executor, ExecutorChoice, start_executor};
use crate::guest::{Answer, Caller};
use crate::hcall;
use crate::nvdimm::Nvdimm;
use crate::sync::{Arc, Mutex};
use papr_dr::{AsyncCalls, ConnectorState, DrcIndex, DrcType, TokenSource};

/// An asynchronous call of a persistent-memory connector: enough to ask for it again after a
/// restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScmCall {
    /// `H_SCM_FLUSH`.
    Flush,
}

/// What a monitor chooses for its machine.
#[derive(Clone)]
pub struct ScmOptions {
    /// Does this machine have `H_SCM_FLUSH`, and announce it where a device needs it? `pseries-1.0`
    /// does not: its guests never learn that they should flush.
    pub flush_hypercall: bool,
    /// How many connectors the guest sees, 1 to 256.
    pub slots: u32,
    /// What syncs run on.
    pub executor: ExecutorChoice,
    /// How many flushes of one device may be running or waiting to be fetched; at least 1.
    pub outstanding_limit: usize,
    /// How long a reset waits for what is outstanding before it abandons it.
    pub drain_limit: Duration,
    /// Who maps regions into the guest.
    pub listener: Option<Arc<dyn RegionListener>>,
}

impl Default for ScmOptions {
    fn default() -> Self {
        ScmOptions {
            flush_hypercall: true,
            slots: MAX_SLOTS,
            executor: ExecutorChoice::Auto,
            // One entry per guest thread that flushes at the same moment; far more than guests
            // have.
            outstanding_limit: 1024,
            drain_limit: Duration::from_secs(30),
            listener: None,
        }
    }
}

/// The persistent memory of a machine. Every method may be called from any thread, several at once.
pub struct Scm {
    options: ScmOptions,
    executor: Arc<dyn Executor>,
    slots: Vec<Slot>,
    /// Held while what is plugged changes, so that two plugs do not take one slot or address.
    plugging: Mutex<()>,
}

/// A connector with the device that is attached to it, and the device's flushes.
pub(crate) type Slot = papr_dr::Slot<Nvdimm, ScmCall, i64>;

impl Scm {
    /// A machine without devices.
    ///
    /// # Errors
    /// When the executor that was asked for is not to be had, or the host has no random numbers for
    /// tokens.
    pub fn new(options: ScmOptions) -> io::Result<Self> {
        let executor = start_executor(options.executor)?;
        Self::with_executor(options, executor)
    }

    /// The same with an executor of the monitor's own; `options.executor` is not looked at.
    ///
    /// # Errors
    /// When the host has no random numbers for tokens.
    pub fn with_executor(options: ScmOptions, executor: Arc<dyn Executor>) -> io::Result<Self> {
        let slot = |number| {
            let tokens = TokenSource::random()?;
            let limit = options.outstanding_limit.max(1);
            // A flush that gets lost was not done.
            let calls = AsyncCalls::new(tokens, limit, status::H_HARDWARE);
            Ok(Slot::new(drc_of_slot(number), calls))
        };
        let slots = (0..options.slots.clamp(1, MAX_SLOTS))
            .map(slot)
            .collect::<io::Result<_>>()?;
        Ok(Scm {
            executor,
            slots,
            plugging: Mutex::new(()),
            options,
        })
    }

    /// A hypercall of the guest: the opcode from r3, the arguments from r4 … r12.
    ///
    /// `None` where the opcode is none of ours (or this machine type does not have the call): the
    /// monitor answers as for any unknown hypercall. Called on the vCPU's thread; waits for two
    /// milliseconds at most, and for half of one once the vCPU is wanted elsewhere
    /// ([`Caller::is_wanted`]); it holds no lock meanwhile, so other vCPUs go on.
    pub fn hypercall(&self, opcode: u64, args: &[u64; 9], caller: &dyn Caller) -> Option<Answer> {
        hcall::dispatch(self, opcode, args, caller)
    }

    /// Every plugged device, in the order of slots.
    pub fn devices(&self) -> Vec<Arc<Nvdimm>> {
        self.slots.iter().filter_map(Slot::resource).collect()
    }

    /// The device of a connector.
    pub fn device(&self, drc: DrcIndex) -> Option<Arc<Nvdimm>> {
        self.slot(drc)?.resource()
    }

    /// Where the connector of a plugged device stands. For a host that waits for the guest to give
    /// a device back.
    pub fn connector(&self, drc: DrcIndex) -> Option<ConnectorState> {
        let slot = self.slot(drc)?;
        let state = slot.state();
        slot.resource().map(|_| state)
    }

    /// The device with an id.
    pub fn device_by_id(&self, id: &str) -> Option<Arc<Nvdimm>> {
        self.devices().into_iter().find(|device| device.id() == id)
    }

    /// What syncs run on.
    pub fn executor(&self) -> &'static str {
        self.executor.name()
    }

    /// Does this machine have `H_SCM_FLUSH`?
    pub fn has_flush(&self) -> bool {
        self.options.flush_hypercall
    }

    pub(crate) fn slot(&self, drc: DrcIndex) -> Option<&Slot> {
        self.slots.get(slot_of_drc(drc)? as usize)
    }

    pub(crate) fn slot_and_device(&self, drc: DrcIndex) -> Option<(&Slot, Arc<Nvdimm>)> {
        let slot = self.slot(drc)?;
        Some((slot, slot.resource()?))
    }
}

/// What the connector of a slot is called.
pub fn drc_of_slot(slot: u32) -> DrcIndex {
    DrcIndex::new(DrcType::PersistentMemory, slot)
}

/// The slot of a connector, if that is one of persistent memory.
pub fn slot_of_drc(drc: DrcIndex) -> Option<u32> {
    drc.id_of(DrcType::PersistentMemory)
}

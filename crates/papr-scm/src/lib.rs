//! PAPR storage-class memory for virtual machine monitors.
//!
//! A Linux guest on a pseries machine reaches persistent memory through a device-tree node, ten
//! hypercalls and three RTAS calls. This crate is the hypervisor's side of all of them. It knows no
//! CPU and no monitor: it is given argument registers and a way to reach guest memory, and gives
//! back registers.
//!
//! What it is for is durability. A guest that must flush calls `H_SCM_FLUSH`, and is answered
//! `H_SUCCESS` only after a sync of the backing that *began after* the flush was asked for has
//! *completed*. Any number of concurrent flushes costs at most two syncs. The first sync that fails
//! marks the device failed for good.
//!
//! # Embedding
//!
//! 1. Read what the user wants: [`nvdimm::NvdimmConfig`] parses
//!    `id=pmem0,path=pmem0.img,size=1G,sync-dax=off`.
//! 2. Check it: [`nvdimm::Plan::new`] opens and locks what exists, and changes nothing. When
//!    nothing else stands in the way, [`nvdimm::Plan::open`] creates what is missing and maps it.
//! 3. Make the machine's [`Scm`] and [`plug`](Scm::plug) each device at a guest address (above RAM,
//!    aligned to [`abi::BLOCK_SIZE`]). Map [`nvdimm::Region::host`] there, so that a guest's store
//!    is a store to the file.
//! 4. Put [`Scm::device_tree`] below the root of the guest's device tree.
//! 5. Hand hypercalls to [`Scm::hypercall`], from as many vCPU threads as there are, and the RTAS
//!    calls on its connectors to [`Scm`] as [`Connectors`].
//! 6. Call [`Scm::reset`] at a reset, [`Scm::shutdown`] at the end, [`Scm::export`] and
//!    [`Scm::import`] around a snapshot, and show [`nvdimm::Nvdimm::counters`] and
//!    [`nvdimm::Nvdimm::failure`] to whoever watches.
//!
//! `examples/embed.rs` does all of this in a page, without any CPU.
//!
//! # What is where
//!
//! [`abi`] numbers; [`nvdimm`] devices; [`flush`] the flush engine; [`backing`] what durable means.
//! Connectors and asynchronous hypercalls are a crate of their own, [`papr_dr`], that other
//! resources use as well. The crate's unsafe code is in `backing/mapping.rs` (mmap) and
//! `flush/executor/uring.rs` (io_uring), and nowhere else.
//!
//! # What is guaranteed about labels
//!
//! Bytes written by `H_SCM_WRITE_METADATA` are durable no later than the next flush that succeeds;
//! a sync for them is asked for at once, in the background, so they become durable without any
//! flush. Steps that follow one another without a gap make a run, and a run begins only after the
//! one before is durable: an index never overtakes the label that it names. A device that has
//! failed refuses label writes.

#![deny(unsafe_code)]

pub mod abi;
pub mod backing;
pub mod flush;
mod guest;
mod hcall;
pub mod nvdimm;
mod scm;
mod sync;

pub use device_tree::Node;
pub use guest::{Answer, Caller, MAX_OUTPUTS};
pub use papr_dr::{
    CallsState, ConnectorState, Connectors, DrcIndex, GuestMemory, GuestMemoryError, LogicalState,
};
pub use scm::{
    DeviceState, Plug, PlugError, PreparedImport, RegionListener, RestoreError, Scm, ScmCall,
    ScmOptions, ScmState, ShutdownReport, Undrained, Unplug, drc_of_slot, slot_of_drc,
};

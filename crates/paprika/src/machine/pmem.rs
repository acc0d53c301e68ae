//! Persistent memory in a machine: where regions go in guest real memory, and their coming and going.

use std::sync::Arc;

use papr::MachineVersion;
use papr_scm::nvdimm::{OpenNvdimm, Region};
use papr_scm::{Plug, PlugError, RegionListener, Scm, ScmOptions};
use power::Partition;
use tracing::error;

use crate::memory::PmemRegion;

/// Regions start on a boundary of this many bytes above RAM, so that the guest can map them with its largest pages.
const REGION_ALIGNMENT: u64 = 1 << 30;

/// Puts regions into guest memory and takes them out.
struct Mapper(Arc<Partition>);

impl RegionListener for Mapper {
    fn attached(&self, region: &Region) {
        let mapping = match PmemRegion::new(Arc::clone(&region.host)) {
            Ok(mapping) => Arc::new(mapping),
            Err(problem) => return error!(drc = ?region.drc, %problem, "an NVDIMM's region can't be watched"),
        };
        if let Err(problem) = self.0.memory.map(region.guest_address, mapping) {
            // The plug was checked against RAM and the other regions; the guest would get machine checks there.
            error!(drc = ?region.drc, %problem, "an NVDIMM's region can't be mapped");
        }
    }

    fn detached(&self, region: &Region) {
        let mapping = self.0.memory.unmap(region.guest_address);
        self.0.flush_translations();
        self.0.wait_for_flush();
        drop(mapping);
    }
}

/// Why a machine can't have its persistent memory.
#[derive(Debug, thiserror::Error)]
pub enum PmemError {
    /// The layer could not be set up.
    #[error("the persistent-memory layer can't start: {0}")]
    Start(#[from] std::io::Error),
    /// A device was refused.
    #[error(transparent)]
    Plug(#[from] PlugError),
    /// No addresses left.
    #[error("nvdimm {0}: there is no room for it in the guest's address space; use fewer or smaller devices")]
    NoRoom(String),
}

/// Makes the persistent memory of a machine and plugs the devices that it starts with.
pub(super) fn build(
    partition: &Arc<Partition>,
    machine: MachineVersion,
    ram: u64,
    nvdimms: &[OpenNvdimm],
) -> Result<Arc<Scm>, PmemError> {
    let options = ScmOptions {
        flush_hypercall: machine.has_scm_flush(),
        listener: Some(Arc::new(Mapper(Arc::clone(partition)))),
        ..ScmOptions::default()
    };
    let scm = Scm::new(options)?;
    let mut next = ram;
    for nvdimm in nvdimms {
        let no_room = || PmemError::NoRoom(nvdimm.config.id.clone());
        let address = next.checked_next_multiple_of(REGION_ALIGNMENT).ok_or_else(no_room)?;
        next = address.checked_add(nvdimm.backing.region().len()).ok_or_else(no_room)?;
        scm.plug(nvdimm.spec(address), Arc::clone(&nvdimm.backing), Plug::Cold)?;
    }
    Ok(Arc::new(scm))
}

//! Plugging and unplugging on the host's side, and the device tree that tells the guest what there
//! is.

use super::{Scm, Slot, drc_of_slot, slot_of_drc};
use crate::abi::{BLOCK_SIZE, MAX_SLOTS, property};
use crate::backing::Backing;
use crate::flush::FlushEngine;
use crate::nvdimm::{DeviceSpec, MAX_LABEL_SIZE, MIN_LABEL_SIZE, Nvdimm, Region};
use crate::sync::{Arc, lock};
use device_tree::Node;
use papr_dr::{DrcType, Resource, drc_properties};

/// Is told when a region must appear in, or vanish from, guest real memory.
///
/// Called on the thread that plugs, or on the vCPU's that gives a device back. No lock is held that
/// a hypercall needs, but plugging goes on meanwhile: an implementation must not plug or unplug.
pub trait RegionListener: Send + Sync {
    /// The region must be reachable for the guest from now on.
    fn attached(&self, region: &Region);

    /// The region must not be reachable when this returns.
    fn detached(&self, region: &Region);
}

/// When a device is plugged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Plug {
    /// Before the guest starts: the device tree shows it.
    Cold,
    /// While the guest runs: the monitor sends the hot-plug event and the guest takes it by RTAS.
    Hot,
}

/// What became of a request to unplug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unplug {
    /// The guest does not hold the device: it is gone already.
    Done,
    /// The guest was not asked yet: the monitor sends the event, and the device goes when the guest
    /// gives it back, or at the next reset.
    WaitsForGuest,
}

/// Why a device can't be plugged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlugError {
    /// No slot is free, or not that one.
    #[error("nvdimm {id}: {}", slot.map_or("no slot is free".into(), |s| format!("slot {s} is taken or does not exist")))]
    NoSlot {
        /// The device.
        id: String,
        /// The slot that was asked for.
        slot: Option<u32>,
    },
    /// Another device has the same id, uuid or part of the addresses.
    #[error("nvdimm {id}: {other} has the same {what}")]
    Conflict {
        /// The device.
        id: String,
        /// The device that is there.
        other: String,
        /// What they share.
        what: &'static str,
    },
    /// The region is not made of whole blocks, or not at the address of one.
    #[error("nvdimm {id}: {size} bytes at {address:#x} are not whole 256M blocks")]
    NotInBlocks {
        /// The device.
        id: String,
        /// Bytes of data.
        size: u64,
        /// Guest address.
        address: u64,
    },
    /// The label area is too small or too big.
    #[error("nvdimm {id}: a label area of {size} bytes is not between 128K and 16M")]
    LabelSize {
        /// The device.
        id: String,
        /// Bytes of label area.
        size: u64,
    },
    /// There is no device with that id.
    #[error("there is no nvdimm {0}")]
    NoSuchDevice(String),
}

impl Scm {
    /// Plugs a device.
    ///
    /// # Errors
    /// [`PlugError`]; nothing has changed then.
    pub fn plug(
        &self,
        spec: DeviceSpec,
        backing: Arc<dyn Backing>,
        how: Plug,
    ) -> Result<Arc<Nvdimm>, PlugError> {
        let _plugging = lock(&self.plugging);
        self.check(&spec, &*backing)?;
        let free = |slot: &&Slot| slot.resource().is_none();
        let slot = match spec.slot {
            Some(number) if number < MAX_SLOTS => self.slot(drc_of_slot(number)).filter(free),
            Some(_) => None,
            None => self.slots.iter().find(free),
        };
        let number = slot.and_then(|slot| slot_of_drc(slot.drc()));
        let (Some(slot), Some(number)) = (slot, number) else {
            return Err(PlugError::NoSlot {
                id: spec.id,
                slot: spec.slot,
            });
        };
        let announced = self.has_flush() && !spec.sync_dax;
        let engine = FlushEngine::new(spec.id.clone(), backing, Arc::clone(&self.executor));
        let device = Arc::new(Nvdimm::new(spec, number, announced, engine));
        self.attach(slot, &device, how);
        Ok(device)
    }

    pub(super) fn attach(&self, slot: &Slot, device: &Arc<Nvdimm>, how: Plug) {
        // The guest must be able to reach what it can bind.
        if let Some(listener) = &self.options.listener {
            listener.attached(device.region());
        }
        slot.attach(device, how == Plug::Cold);
    }

    fn check(&self, spec: &DeviceSpec, backing: &dyn Backing) -> Result<(), PlugError> {
        let id = || spec.id.clone();
        let (size, address) = (backing.region().len(), spec.guest_address);
        let whole =
            size > 0 && size.is_multiple_of(BLOCK_SIZE) && address.is_multiple_of(BLOCK_SIZE);
        let Some(end) = address.checked_add(size).filter(|_| whole) else {
            return Err(PlugError::NotInBlocks {
                id: id(),
                size,
                address,
            });
        };
        if !(MIN_LABEL_SIZE..=MAX_LABEL_SIZE).contains(&backing.label_size()) {
            return Err(PlugError::LabelSize {
                id: id(),
                size: backing.label_size(),
            });
        }
        for other in self.devices() {
            let begin = other.region().guest_address;
            let what = if other.id() == spec.id {
                "id"
            } else if other.uuid() == spec.uuid {
                "uuid"
            } else if address < begin + other.region().host.len() && begin < end {
                "guest addresses"
            } else {
                continue;
            };
            return Err(PlugError::Conflict {
                id: id(),
                other: other.id().into(),
                what,
            });
        }
        Ok(())
    }

    /// Asks for a device back.
    ///
    /// # Errors
    /// [`PlugError::NoSuchDevice`].
    pub fn request_unplug(&self, id: &str) -> Result<Unplug, PlugError> {
        let device = self
            .device_by_id(id)
            .ok_or_else(|| PlugError::NoSuchDevice(id.into()))?;
        let slot = self
            .slot(device.drc())
            .ok_or_else(|| PlugError::NoSuchDevice(id.into()))?;
        let at_once = slot.request_unplug();
        if !at_once {
            return Ok(Unplug::WaitsForGuest);
        }
        // The guest does not hold the device, so nobody needs these answers; the flushes themselves
        // are waited for.
        slot.calls().drain(self.options.drain_limit);
        self.detach(slot, &device);
        Ok(Unplug::Done)
    }

    /// Takes a device out, once nothing of it is outstanding. Its file is closed, and unlocked,
    /// when the last sync ends and the last `Arc` of it is dropped.
    ///
    /// Names the device, since two may have found that it can go, and another may be in its place
    /// by now.
    pub(super) fn detach(&self, slot: &Slot, device: &Arc<Nvdimm>) {
        let _plugging = lock(&self.plugging);
        if !slot.detach(device) {
            return;
        }
        if let Some(listener) = &self.options.listener {
            listener.detached(device.region());
        }
        // What the guest stored and did not flush is not lost by an orderly removal.
        if !device.read_only() {
            device.engine().flush_in_background();
        }
        tracing::info!(device = device.id(), "unplugged");
    }

    /// The node `ibm,persistent-memory` for the device tree's root, with a child for every device.
    pub fn device_tree(&self) -> Node {
        let connectors: Vec<_> = (0..self.slots.len() as u32)
            .map(|slot| (DrcType::PersistentMemory, slot))
            .collect();
        let mut node = Node::new(property::PERSISTENT_MEMORY)
            .u32("#address-cells", 1)
            .u32("#size-cells", 0)
            .string("device_type", property::PERSISTENT_MEMORY);
        node.properties.extend(drc_properties(&connectors));
        // Only what the guest holds, so that a device that is hot-plugged during a reboot is not
        // there twice.
        let held = self.slots.iter().filter(|slot| slot.is_held());
        node.children = held
            .filter_map(Slot::resource)
            .map(|device| device.node())
            .collect();
        node
    }
}

//! Devices of persistent memory: binding them, and making stores durable.

use payload_format::calls::H_SCM_FLUSH;
use payload_format::inventory::{Inventory, PmemDevice};

use crate::failure::Failure;
use crate::machine::{hypercall, ticks, Answer, Window};

const H_SCM_BIND_MEM: u64 = 0x3ec;
/// To bind wherever the hypervisor likes.
const ANY_ADDRESS: u64 = u64::MAX;

pub const H_SUCCESS: i64 = 0;
const H_BUSY: i64 = 1;
/// H_LONG_BUSY_ORDER_1_MSEC to H_LONG_BUSY_ORDER_100_SEC: come again after 10 to the power of 0 to 5 milliseconds.
const H_LONG_BUSY: core::ops::RangeInclusive<i64> = 9900..=9905;

/// Most devices that a machine can have.
pub const MAX_DEVICES: usize = 256;

/// The clock of waits.
#[derive(Clone, Copy)]
pub struct Clock {
    /// Ticks of the time base in a second.
    pub frequency: u64,
}

impl Clock {
    fn wait(self, milliseconds: u64) {
        let start = ticks();
        let wait = self.frequency / 1000 * milliseconds;
        while ticks().wrapping_sub(start) < wait {
            core::hint::spin_loop();
        }
    }
}

/// Repeats a hypercall until it is answered, as PAPR says: the continue token goes from its first output into its last argument, and a
/// long-busy answer says how long to wait. Returns the answer and how many hypercalls it took.
pub fn repeat(clock: Clock, opcode: u64, arguments: &mut [u64]) -> (Answer, u64) {
    let mut count = 0;
    loop {
        let answer = hypercall(opcode, arguments);
        count += 1;
        if H_LONG_BUSY.contains(&answer.status) {
            let order = (answer.status - H_LONG_BUSY.start()) as u32;
            clock.wait(10_u64.pow(order));
        } else if answer.status != H_BUSY {
            return (answer, count);
        }
        if let Some(token) = arguments.last_mut() {
            *token = answer.outputs[0];
        }
    }
}

/// A bound device.
pub struct Region {
    pub device: PmemDevice,
    pub window: Window,
    clock: Clock,
}

impl Region {
    fn bind(device: PmemDevice, clock: Clock) -> Result<Self, Failure<'static>> {
        let drc = device.drc_index;
        let (answer, _) = repeat(
            clock,
            H_SCM_BIND_MEM,
            &mut [drc.into(), 0, device.blocks, ANY_ADDRESS, 0],
        );
        let [_, address, blocks, ..] = answer.outputs;
        if answer.status != H_SUCCESS || blocks != device.blocks {
            return Err(Failure::Bind {
                drc,
                status: answer.status,
            });
        }
        Ok(Self {
            device,
            window: Window::new(address, device.length()),
            clock,
        })
    }

    /// Makes durable what was stored in a range: writes the cache back, and where the device asks for it, has the hypervisor flush.
    /// Returns how many flush hypercalls that took.
    pub fn make_durable(&self, offset: u64, length: u64) -> Result<u64, Failure<'static>> {
        self.window.write_back(offset, length);
        if !self.device.hcall_flush {
            return Ok(0);
        }
        let drc = self.device.drc_index;
        let (answer, hcalls) = repeat(self.clock, H_SCM_FLUSH, &mut [drc.into(), 0]);
        match answer.status {
            H_SUCCESS => Ok(hcalls),
            status => Err(Failure::Flush { drc, status }),
        }
    }
}

/// All devices, in the order of the device tree.
pub struct Regions {
    list: [Option<Region>; MAX_DEVICES],
    count: usize,
}

impl Regions {
    /// Binds every device that the tree has.
    pub fn bind_all(inventory: &Inventory<'_>, clock: Clock) -> Result<Self, Failure<'static>> {
        const NONE: Option<Region> = None;
        let mut regions = Self {
            list: [NONE; MAX_DEVICES],
            count: 0,
        };
        for device in inventory.pmem_devices() {
            let region = Region::bind(device.map_err(Failure::Inventory)?, clock)?;
            let place = regions
                .list
                .get_mut(regions.count)
                .ok_or(Failure::TooManyDevices)?;
            *place = Some(region);
            regions.count += 1;
        }
        Ok(regions)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Region> {
        self.list.iter().flatten()
    }

    pub fn get(&self, number: u64) -> Result<&Region, Failure<'static>> {
        let region = usize::try_from(number)
            .ok()
            .and_then(|at| self.list.get(at)?.as_ref());
        region.ok_or(Failure::NoDevice(number))
    }
}

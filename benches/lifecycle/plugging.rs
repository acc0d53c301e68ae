//! An NVDIMM is plugged into a guest that runs, until `ndctl` in the guest lists its region.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::figures::name;
use crate::readings::Readings;
use crate::script::{PLUGGED, READY};
use crate::vm::{Memory, Place};

/// What the boot left to do is done by then.
const SETTLE: Duration = Duration::from_secs(1);

/// Does it.
pub(crate) fn run(place: &Place<'_>, readings: &mut Readings) -> Result<()> {
    let image = place.image()?;
    let mut vm = place.boot(Memory::Pluggable)?;
    vm.process().wait_for_line(READY)?;
    thread::sleep(SETTLE);

    let asked = Instant::now();
    vm.plug(&image)?;
    let plugged = vm.process().wait_for_line(PLUGGED)?;
    let took = plugged.at.saturating_duration_since(asked);
    readings.add(name::HOT_PLUG, took.as_secs_f64() * 1e3);
    Ok(())
}

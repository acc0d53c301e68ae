//! Where assembly enters Rust, and how the payload dies.

use core::fmt::{self, Write};
use core::panic::PanicInfo;

use payload_format::inventory::Inventory;
use payload_format::report::FAILED;
use payload_format::{Command, Report};

use crate::console::print;
use crate::failure::Failure;
use crate::pmem::{Clock, Regions};
use crate::{commands, machine, rtas};

/// Called by `entry.S` with the address of the device tree.
#[allow(unsafe_code)] // No other function of this program has the name.
#[no_mangle]
extern "C" fn payload_main(device_tree: u64) -> ! {
    let inventory = machine::device_tree(device_tree).and_then(Inventory::new);
    let inventory = inventory.unwrap_or_else(|| {
        panic!("there is no device tree at {device_tree:#x}, which r3 held at entry")
    });
    rtas::learn(&inventory);
    match run(&inventory) {
        Ok(()) => print(Report::Done),
        Err(failure) => print(format_args!("{FAILED}{failure}")),
    }
    rtas::power_off()
}

fn run<'a>(inventory: &Inventory<'a>) -> Result<(), Failure<'a>> {
    let command = Command::parse(inventory.boot_arguments()).map_err(Failure::Command)?;
    let frequency = inventory
        .timebase_frequency()
        .ok_or(Failure::NoTimeBase)?
        .into();
    let clock = Clock { frequency };
    let regions = Regions::bind_all(inventory, clock)?;
    for region in regions.iter() {
        print(Report::Region {
            drc: region.device.drc_index.into(),
            address: region.window.address(),
            length: region.window.length(),
            hcall_flush: region.device.hcall_flush,
        });
    }
    commands::run(command, &regions, clock)
}

/// Called by `entry.S` for every interrupt: none is enabled or expected. A machine check (0x200) is what a broken page of persistent
/// memory gives.
#[allow(unsafe_code)] // No other function of this program has the name.
#[no_mangle]
extern "C" fn unexpected_interrupt(vector: u64, srr0: u64, srr1: u64, dar: u64, dsisr: u64) -> ! {
    panic!("interrupt {vector:#x} at {srr0:#x} (SRR1 {srr1:#x}, DAR {dar:#x}, DSISR {dsisr:#x})")
}

/// The last words, with a zero byte at their end.
struct LastWords {
    text: [u8; 256],
    used: usize,
}

impl Write for LastWords {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.text.len() - 1 - self.used;
        let part = &text.as_bytes()[..text.len().min(room)];
        self.text[self.used..][..part.len()].copy_from_slice(part);
        self.used += part.len();
        Ok(())
    }
}

#[panic_handler]
fn panicked(info: &PanicInfo<'_>) -> ! {
    let mut words = LastWords {
        text: [0; 256],
        used: 0,
    };
    // Nothing of it can fail but the formatting of what panicked, and then the words so far are the last.
    let _ = write!(words, "payload: {info}");
    print(core::str::from_utf8(&words.text[..words.used]).unwrap_or("payload: panicked"));
    rtas::os_term(&mut words.text)
}

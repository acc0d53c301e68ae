//! Why a command could not be done, as a sentence for the console.

use core::fmt;

use payload_format::inventory::InventoryError;
use payload_format::CommandError;

pub enum Failure<'a> {
    Command(CommandError<'a>),
    Inventory(InventoryError),
    TooManyDevices,
    NoDevice(u64),
    NoTimeBase,
    Bind { drc: u32, status: i64 },
    Flush { drc: u32, status: i64 },
    NoRoom { count: u64, length: u64 },
}

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(error) => error.fmt(f),
            Self::Inventory(error) => error.fmt(f),
            Self::TooManyDevices => {
                f.write_str("there are more devices of persistent memory than a machine can have")
            }
            Self::NoDevice(number) => write!(f, "there is no device {number} of persistent memory"),
            Self::NoTimeBase => {
                f.write_str("the device tree does not say how fast the time base ticks")
            }
            Self::Bind { drc, status } => write!(
                f,
                "device {drc:#x} can't be bound: the hypercall answered {status}"
            ),
            Self::Flush { drc, status } => write!(
                f,
                "device {drc:#x} can't be flushed: the hypercall answered {status}"
            ),
            Self::NoRoom { count, length } => write!(
                f,
                "a region of {length} bytes has no room for {count} such records"
            ),
        }
    }
}

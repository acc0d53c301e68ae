//! A vCPU as the monitor has it: a thread that runs it ([`thread`]), and the hold that others have on that thread ([`control`]).

mod control;
mod halt_poll;
mod thread;

pub(super) use control::VcpuControl;
pub(super) use thread::{VcpuEvent, run};

//! The platform that a pseries guest expects: hypercalls, RTAS, the device tree, console, XICS interrupts, events.
#![forbid(unsafe_code)]

pub mod host;
pub mod vcpu;

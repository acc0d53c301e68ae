//! The payload: a bare-metal ppc64le guest that is there at once, for tests of persistent memory and durability runs.
//!
//! A monitor enters it in real mode with the device tree's address in r3, in either byte order (`entry.S`). It binds every device of
//! persistent memory, does the one command that its boot arguments name (crate `payload-format`, `command`), reports on the console
//! (`report`), and powers off. What went wrong is reported too; a defect of the payload's own, or an interrupt, ends in `ibm,os-term`.
//!
//! It is compiled by the distribution's rustc, which is older than the workspace's: see guest-kit, `payload`. To try it on QEMU, which
//! enters firmware the same way: `qemu-system-ppc64 -M pseries -bios payload.bin -kernel payload.elf -append "spin"`.
#![no_std]
#![no_main]
#![deny(unsafe_code)]

mod commands;
mod console;
mod entry;
mod failure;
mod machine;
mod pmem;
mod rtas;

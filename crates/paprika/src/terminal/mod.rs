//! The user's terminal as the guest's console.
//!
//! While a guest runs, a terminal on standard input is in raw mode: every key goes to the guest, but for those behind Ctrl-a
//! ([`keys`]). The terminal is put back on every way out: normal end, error, panic, a signal. Standard input that is no terminal
//! is piped to the guest as it is.
//!
//! - `attach`: ties the other parts together for one machine;
//! - `output`: from the guest to standard output, without ever stopping a vCPU for a reader that is slow;
//! - `input`: from standard input to the guest, as fast as the guest reads;
//! - `raw`: the terminal's mode; `signals`: what ends the guest from outside.

mod attach;
mod doorbell;
mod input;
pub mod keys;
mod output;
mod raw;
mod signals;

pub use attach::{Attached, Terminal, TerminalConsole};
pub use raw::{restore_on_panic, restore_on_violation};
pub(crate) use signals::SignalWatch;

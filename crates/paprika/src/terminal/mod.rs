//! The user's terminal as the guest's console.

mod console;

pub use console::StdoutConsole;

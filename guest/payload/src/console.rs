//! Output: PAPR's virtual terminal, 16 bytes a hypercall. A line is out when printing it returns.

use core::fmt::{self, Write};

use crate::machine::hypercall;

const H_PUT_TERM_CHAR: u64 = 0x58;
const H_BUSY: i64 = 1;
/// The first terminal, whatever its unit address.
const TERMINAL: u64 = 0;
/// Bytes that one hypercall carries.
const CHUNK: usize = 16;

/// The terminal, with what is not yet sent.
struct Console {
    chunk: [u8; CHUNK],
    used: usize,
}

impl Console {
    fn send(&mut self) {
        let packed = u128::from_be_bytes(self.chunk);
        let arguments = [
            TERMINAL,
            self.used as u64,
            (packed >> 64) as u64,
            packed as u64,
        ];
        // Another failure than "not now" is one of the terminal: there is nobody to tell.
        while hypercall(H_PUT_TERM_CHAR, &arguments).status == H_BUSY {}
        self.used = 0;
    }
}

impl Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for &byte in text.as_bytes() {
            self.chunk[self.used] = byte;
            self.used += 1;
            if self.used == CHUNK {
                self.send();
            }
        }
        Ok(())
    }
}

/// Prints one line.
pub fn print(line: impl fmt::Display) {
    let mut console = Console {
        chunk: [0; CHUNK],
        used: 0,
    };
    // Only formatting itself could fail, and none of ours does.
    let _ = writeln!(console, "{line}");
    if console.used > 0 {
        console.send();
    }
}

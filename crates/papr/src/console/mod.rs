//! The guest's console: a virtual terminal of type `hvterm1` (H_PUT_TERM_CHAR, H_GET_TERM_CHAR), 16
//! bytes at a time.

mod part;

use std::collections::VecDeque;
use std::sync::Mutex;

use papr_dr::sync::lock;

use crate::xics::Irq;

/// Unit address of the terminal under `/vdevice`.
pub(crate) const VTY_UNIT: u32 = 0x7100_0000;

/// Its interrupt source.
pub(crate) const VTY_IRQ: Irq = Irq(0x1100);

/// How many bytes of input are kept for a guest that does not read.
pub const INPUT_LIMIT: usize = 4096;

/// Bytes that one hypercall carries.
pub(crate) const CHUNK: usize = 16;

/// Where console output goes. Called on a vCPU's thread, one call at a time.
pub trait ConsoleBackend: Send {
    /// Takes all of `bytes` (at most 16) and answers true, or takes none and answers false: the
    /// guest comes again.
    fn write(&mut self, bytes: &[u8]) -> bool;

    /// The guest has read input, so [`Platform::console_input`](crate::Platform::console_input) has
    /// room again.
    fn input_read(&mut self) {}
}

/// The terminal.
pub(crate) struct Console {
    backend: Mutex<Box<dyn ConsoleBackend>>,
    input: Mutex<VecDeque<u8>>,
}

impl Console {
    /// A terminal with nothing typed.
    pub(crate) fn new(backend: Box<dyn ConsoleBackend>) -> Self {
        Console {
            backend: Mutex::new(backend),
            input: Mutex::new(VecDeque::new()),
        }
    }

    /// Sends output. False where the backend can't take it now.
    pub(crate) fn put(&self, bytes: &[u8]) -> bool {
        lock(&self.backend).write(bytes)
    }

    /// Takes up to 16 bytes of input; answers how many.
    pub(crate) fn get(&self, chunk: &mut [u8; CHUNK]) -> usize {
        let count = {
            let mut input = lock(&self.input);
            let count = input.len().min(CHUNK);
            for (to, from) in chunk.iter_mut().zip(input.drain(..count)) {
                *to = from;
            }
            count
        };
        if count > 0 {
            lock(&self.backend).input_read();
        }
        count
    }

    /// Adds input as far as there is room; answers how many bytes were taken.
    pub(crate) fn type_in(&self, bytes: &[u8]) -> usize {
        let mut input = lock(&self.input);
        let count = bytes.len().min(INPUT_LIMIT - input.len());
        input.extend(&bytes[..count]);
        count
    }

    /// What was typed and not read, to be saved.
    pub(crate) fn export(&self) -> Vec<u8> {
        lock(&self.input).iter().copied().collect()
    }

    /// Puts saved input, at most [`INPUT_LIMIT`] bytes, in the place of what was typed.
    pub(crate) fn import(&self, input: Vec<u8>) {
        *lock(&self.input) = input.into();
    }

    /// Forgets what was typed and not read.
    pub(crate) fn reset(&self) {
        lock(&self.input).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Screen;

    #[test]
    fn input_comes_in_chunks_and_in_order() {
        let console = Console::new(Box::new(Screen::default()));
        assert_eq!(console.type_in(b"0123456789abcdefXYZ"), 19);
        let mut chunk = [0; CHUNK];
        assert_eq!(console.get(&mut chunk), 16);
        assert_eq!(&chunk, b"0123456789abcdef");
        assert_eq!(console.get(&mut chunk), 3);
        assert_eq!(&chunk[..3], b"XYZ");
        assert_eq!(console.get(&mut chunk), 0);
    }

    #[test]
    fn input_that_nobody_reads_is_bounded_and_the_typist_is_told_when_there_is_room() {
        let screen = Screen::default();
        let console = Console::new(Box::new(screen.clone()));
        assert_eq!(console.type_in(&[b'x'; 5000]), INPUT_LIMIT);
        assert_eq!(console.type_in(b"y"), 0);
        assert_eq!(screen.reads(), 0);
        console.get(&mut [0; CHUNK]);
        assert_eq!(screen.reads(), 1);
        assert_eq!(console.type_in(&[b'z'; 100]), CHUNK);
    }
}

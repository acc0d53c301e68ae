//! What happens at a system call that is not allowed: the kernel does not carry it out and sends
//! the thread SIGSYS, whose handler says which thread wanted which call and ends the process.
//!
//! The handler can't be replaced afterwards, as no filter of this crate lets a thread set one for
//! SIGSYS; where the signal is blocked, the kernel ends the process by it.
#![allow(unsafe_code)]

use std::io;
use std::sync::OnceLock;

use crate::calls;

/// The exit code of a process that was ended for a forbidden call.
pub const EXIT_CODE: u8 = 7;

/// What to do before the process ends, in a signal handler: only what is safe there.
static LAST: OnceLock<fn()> = OnceLock::new();

/// Has `last` called on the thread that wanted the forbidden call, before the message is written
/// and the process ends, for example to put a terminal back. It runs in a signal handler: it may
/// take no lock that it has to wait for, and no memory. The first call counts.
pub fn before_the_end(last: fn()) {
    // Set twice only where a program sets its sandbox up twice.
    let _ = LAST.set(last);
}

/// Sets the handler.
pub(crate) fn install() -> io::Result<()> {
    // SAFETY: an all-zero sigaction is a valid value to fill in.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction =
        on_sigsys as extern "C" fn(libc::c_int, *mut libc::siginfo_t, *mut libc::c_void) as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
    // SAFETY: the handler is async-signal-safe and lives as long as the program.
    let done = unsafe { libc::sigaction(libc::SIGSYS, &raw const action, std::ptr::null_mut()) };
    if done == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The start of Linux's `siginfo_t` for SIGSYS on 64-bit hosts
/// (include/uapi/asm-generic/siginfo.h).
#[repr(C)]
struct SigsysInfo {
    signal: i32,
    error: i32,
    code: i32,
    _padding: i32,
    address: usize,
    call: i32,
    architecture: u32,
}

extern "C" fn on_sigsys(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel hands a valid siginfo to an SA_SIGINFO handler, and that of SIGSYS is laid
    // out so.
    let call = unsafe { (*info.cast::<SigsysInfo>()).call };
    if let Some(last) = LAST.get() {
        last();
    }
    let mut thread = [0u8; 16];
    // SAFETY: PR_GET_NAME writes at most 16 bytes with a zero at the end.
    unsafe { libc::prctl(libc::PR_GET_NAME, thread.as_mut_ptr()) };
    let mut text = Text::default();
    text.add(b"error: the sandbox stopped the thread ");
    text.add(thread.split(|&byte| byte == 0).next().unwrap_or_default());
    text.add(b" at the system call ");
    match calls::name(call) {
        Some(name) => text.add(name.as_bytes()),
        None => text.number(call.unsigned_abs()),
    }
    text.add(
        b", which it has no reason to make. Either the guest tried to break out, or this is a defect: please report it. \
        With --sandbox log such calls are let through and noted in the kernel's log.\n",
    );
    // SAFETY: writes initialised bytes, and ends the process without running anything else in it.
    unsafe {
        libc::write(libc::STDERR_FILENO, text.bytes.as_ptr().cast(), text.length);
        libc::_exit(EXIT_CODE.into());
    }
}

/// A message that takes no memory.
struct Text {
    bytes: [u8; 512],
    length: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            bytes: [0; 512],
            length: 0,
        }
    }
}

impl Text {
    /// Adds what there is room for. What could not be shown becomes a question mark: a thread's
    /// name may be anything.
    fn add(&mut self, more: &[u8]) {
        for (place, &byte) in self.bytes[self.length..].iter_mut().zip(more) {
            let shown = byte == b'\n' || byte == b' ' || byte.is_ascii_graphic();
            *place = if shown { byte } else { b'?' };
            self.length += 1;
        }
    }

    fn number(&mut self, mut number: u32) {
        let mut digits = [0; 10];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return self.add(&digits[at..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_bounded_and_shows_what_can_be_shown() {
        let mut text = Text::default();
        text.add(b"a\x1b[2Jb ");
        text.number(0);
        text.add(b" ");
        text.number(4_294_967_295);
        assert_eq!(&text.bytes[..text.length], b"a?[2Jb 0 4294967295");
        text.add(&[b'x'; 1000]);
        assert_eq!(text.length, text.bytes.len());
    }
}

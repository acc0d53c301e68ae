//! A guest of a hundred instructions that is up at once: prints `ready`, then echoes what is typed, until a key ends it one way or
//! another. For what Linux is too slow for.

use std::fs;
use std::path::{Path, PathBuf};

use super::assembler::Assembler;

// The keys are no text, and no terminal acts on them: they work wherever they are in what is typed.

/// Powers off (RTAS power-off).
pub const POWER_OFF: u8 = 0xf1;
/// Reboots (RTAS system-reboot).
pub const REBOOT: u8 = 0xf2;
/// Dies with [`LAST_WORDS`] (RTAS ibm,os-term).
pub const PANIC: u8 = 0xf3;
/// Loads from where there is no memory, also in the machine check handler, when that can't be told any more.
pub const CHECKSTOP: u8 = 0xf4;

/// What the guest says when it is up.
pub const READY: &str = "ready\r\n";
/// What it says when it dies.
pub const LAST_WORDS: &str = "tiny guest gave up";

const H_GET_TERM_CHAR: i16 = 0x54;
const H_PUT_TERM_CHAR: i16 = 0x58;
/// The console has no room now.
const H_BUSY: i16 = 1;
const H_RTAS: u64 = 0xf000;
const POWER_OFF_TOKEN: i16 = 0x2003;
const REBOOT_TOKEN: i16 = 0x2004;
const OS_TERM_TOKEN: i16 = 0x201f;

/// Where the RTAS argument block is, in zero-initialised memory behind the image.
const BLOCK: i16 = 0x4000;
/// The vector of the machine check interrupt.
const MACHINE_CHECK: usize = 0x200;
/// Where the last words are.
const WORDS: usize = 0x1000;
/// Where the code is, behind the interrupt vectors.
const CODE: usize = 0x2000;
const IMAGE_SIZE: usize = 0x3000;
const MEMORY_SIZE: u64 = 0x1_0000;
const HEADERS: usize = 64 + 56;

/// Writes the guest's kernel into `directory`.
pub fn write(directory: &Path) -> PathBuf {
    let path = directory.join("tiny-guest");
    fs::write(&path, elf()).expect("kernel file");
    path
}

/// The guest as a kernel: a little-endian ELF, as Linux is, though its code is big-endian, as Linux's first instructions are.
pub fn elf() -> Vec<u8> {
    let image = image();
    let mut elf = b"\x7fELF\x02\x01\x01".to_vec();
    elf.resize(16, 0);
    let half = |elf: &mut Vec<u8>, value: u16| elf.extend(value.to_le_bytes());
    let word = |elf: &mut Vec<u8>, value: u32| elf.extend(value.to_le_bytes());
    let long = |elf: &mut Vec<u8>, value: u64| elf.extend(value.to_le_bytes());
    // An executable for PowerPC 64, version 1, with its entry; one program header behind this one; ABI version 2.
    half(&mut elf, 2);
    half(&mut elf, 21);
    word(&mut elf, 1);
    long(&mut elf, CODE as u64);
    long(&mut elf, 64);
    long(&mut elf, 0);
    word(&mut elf, 2);
    for value in [64, 56, 1, 64, 0, 0] {
        half(&mut elf, value);
    }
    // All of it is loaded at 0, readable, writable and executable.
    word(&mut elf, 1);
    word(&mut elf, 7);
    long(&mut elf, HEADERS as u64);
    long(&mut elf, 0);
    long(&mut elf, 0);
    long(&mut elf, image.len() as u64);
    long(&mut elf, MEMORY_SIZE);
    long(&mut elf, 0x1_0000);
    assert_eq!(elf.len(), HEADERS);
    elf.extend(image);
    elf
}

fn image() -> Vec<u8> {
    let mut ready = [0; 8];
    ready[..READY.len()].copy_from_slice(READY.as_bytes());
    let mut code = Assembler::default();
    code.li(3, H_PUT_TERM_CHAR)
        .li(4, 0)
        .li(5, READY.len() as i16)
        .constant(6, u64::from_be_bytes(ready))
        .hypercall();
    // Up to sixteen characters come in r5 and r6, how many in r4; those that are left are kept in r15, r16 and r14.
    code.label("next")
        .li(3, H_GET_TERM_CHAR)
        .li(4, 0)
        .hypercall()
        .mr(14, 4)
        .mr(15, 5)
        .mr(16, 6)
        .label("each")
        .cmpdi(14, 0)
        .beq("next")
        .first_byte(10, 15);
    for (key, label) in [
        (POWER_OFF, "power off"),
        (REBOOT, "reboot"),
        (PANIC, "panic"),
        (CHECKSTOP, "checkstop"),
    ] {
        code.cmpdi(10, key.into()).beq(label);
    }
    code.label("again")
        .li(3, H_PUT_TERM_CHAR)
        .li(4, 0)
        .li(5, 1)
        .mr(6, 15)
        .hypercall()
        .cmpdi(3, H_BUSY)
        .beq("again")
        .drop_byte(15)
        .first_byte(10, 16)
        .or(15, 15, 10)
        .drop_byte(16)
        .addi(14, -1)
        .b("each");
    rtas(code.label("power off"), POWER_OFF_TOKEN, &[0, 0]);
    rtas(code.label("reboot"), REBOOT_TOKEN, &[]);
    rtas(code.label("panic"), OS_TERM_TOKEN, &[WORDS as i16]);
    code.label("checkstop")
        .constant(10, 0x0008_0000_0000_0000)
        .ld(11, 10);
    let mut image = vec![0; IMAGE_SIZE];
    let mut place = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    place(MACHINE_CHECK, &Assembler::default().ld(11, 10).finish());
    place(WORDS, LAST_WORDS.as_bytes());
    place(CODE, &code.finish());
    image
}

/// Calls an RTAS service with one result.
fn rtas(code: &mut Assembler, token: i16, arguments: &[i16]) {
    let words = [&[token, arguments.len() as i16, 1], arguments].concat();
    for (at, word) in (BLOCK..).step_by(4).zip(words) {
        code.li(10, word).stw(10, at);
    }
    code.constant(3, H_RTAS).li(4, BLOCK).hypercall();
}

//! Where everything lies in the test's address space, and how cases and outcomes are encoded.
//!
//! These numbers are written once, here. The peer's C half receives them as a generated header ([`c_header`]); an engine
//! under test must map the same addresses. All of it is below 0x8000, so that
//! `d(0)` addressing reaches the memory window (which tests the RA=0 forms) and the harness's own data (which lets the
//! harness work without owning a register).
//!
//! ```text
//! 0x1000 .. 0x3000  landing pads (execute): a branch that leaves the code lands on one; the code begins at 0x2000
//! 0x4000 .. 0x6000  data region (read, write), zero but for the window 0x4f80 .. 0x5080, which crosses a 4 KB page
//! 0x6000 .. 0x8000  the harness's own code and data: no case may touch it
//! ```

/// First landing pad.
pub const PADS_BASE: u64 = 0x1000;
/// Size in bytes of the landing area, code included.
pub const PADS_SIZE: u64 = 0x2000;
/// Effective address of the first instruction of a case.
pub const CODE_BASE: u64 = 0x2000;
/// Most instruction words in a case.
pub const CODE_WORDS: usize = 8;
/// The mapped data region around the memory window.
pub const REGION_BASE: u64 = 0x4000;
/// Size in bytes of the data region.
pub const REGION_SIZE: u64 = 0x2000;
/// Effective address of the memory window, a multiple of 128.
pub const MEMORY_BASE: u64 = 0x4f80;
/// Size in bytes of the memory window: two 128-byte cache blocks.
pub const MEMORY_SIZE: usize = 256;
/// Bytes before and after the window that must still be zero after a case.
pub const GUARD_SIZE: u64 = 256;

/// Bytes of an encoded [`crate::State`].
pub(crate) const STATE_SIZE: usize = 0x550;
/// Bytes of an encoded [`crate::Case`].
pub(crate) const CASE_SIZE: usize = STATE_SIZE + MEMORY_SIZE + 4 * CODE_WORDS + 16;
/// Bytes of an encoded [`crate::Outcome`].
pub(crate) const OUTCOME_SIZE: usize = STATE_SIZE + MEMORY_SIZE + 32;
/// Most cases in a batch. A batch fits a pipe (64 KB), so that writing it never waits for the peer.
pub(crate) const BATCH_LIMIT: usize = 32;

/// Offsets of the fields of an encoded state, in the order of [`crate::State`].
pub(crate) mod offset {
    pub const GPR: usize = 0x000;
    pub const VSR: usize = 0x100;
    pub const VSCR: usize = 0x500;
    pub const FPSCR: usize = 0x510;
    pub const LR: usize = 0x518;
    pub const CTR: usize = 0x520;
    pub const XER: usize = 0x528;
    pub const TAR: usize = 0x530;
    pub const CR: usize = 0x538;
    pub const VRSAVE: usize = 0x540;
}

const EXIT_BASE: u64 = 0x6000;
const DATA_BASE: u64 = 0x7000;
const IN: u64 = DATA_BASE;
const OUT: u64 = DATA_BASE + 0x580;
const CONTEXT: u64 = DATA_BASE + 0xb00;

/// The header that the C half includes: the constants above under the names that it uses.
pub(crate) fn c_header() -> String {
    let mut header = String::from("/* Generated from src/layout.rs. */\n");
    let mut define =
        |name: &str, value: u64| header.push_str(&format!("#define {name} {value:#x}\n"));
    define("PADS_BASE", PADS_BASE);
    define("PADS_SIZE", PADS_SIZE);
    define("CODE_BASE", CODE_BASE);
    define("CODE_WORDS", CODE_WORDS as u64);
    define("REGION_BASE", REGION_BASE);
    define("REGION_SIZE", REGION_SIZE);
    define("MEMORY_BASE", MEMORY_BASE);
    define("MEMORY_SIZE", MEMORY_SIZE as u64);
    define("GUARD_SIZE", GUARD_SIZE);
    define("STATE_SIZE", STATE_SIZE as u64);
    define("CASE_SIZE", CASE_SIZE as u64);
    define("OUTCOME_SIZE", OUTCOME_SIZE as u64);
    define("BATCH_LIMIT", BATCH_LIMIT as u64);
    define("EXIT_BASE", EXIT_BASE);
    define("DATA_BASE", DATA_BASE);
    for (area, base) in [("IN", IN), ("OUT", OUT)] {
        for (field, at) in [
            ("GPR", offset::GPR),
            ("VSR", offset::VSR),
            ("VSCR", offset::VSCR),
            ("FPSCR", offset::FPSCR),
            ("LR", offset::LR),
            ("CTR", offset::CTR),
            ("XER", offset::XER),
            ("TAR", offset::TAR),
            ("CR", offset::CR),
            ("VRSAVE", offset::VRSAVE),
        ] {
            define(&format!("{area}_{field}"), base + at as u64);
        }
    }
    // The harness's own registers while a case runs, and its pointers.
    define("CONTEXT_GPR", CONTEXT);
    define("CONTEXT_LR", CONTEXT + 0x100);
    define("CONTEXT_CR", CONTEXT + 0x108);
    define("EXIT_POINTER", CONTEXT + 0x110);
    define("SIGNAL_POINTER", CONTEXT + 0x118);
    define("SCRATCH", CONTEXT + 0x120);
    define("ZERO", CONTEXT + 0x130);
    define("CONTEXT_FPR", CONTEXT + 0x140);
    define("CONTEXT_VR", CONTEXT + 0x260);
    header
}

// The harness's data stays within reach of a positive displacement, and its areas do not overlap.
const _: () = assert!(OUT >= IN + STATE_SIZE as u64 && CONTEXT >= OUT + STATE_SIZE as u64);
const _: () = assert!(CONTEXT + 0x260 + 12 * 16 <= 0x8000);
// A batch fits a pipe.
const _: () = assert!(4 + BATCH_LIMIT * CASE_SIZE <= 65536);
// The window starts a cache block, crosses a 4 KB page, and lies inside its guards.
const _: () = assert!(MEMORY_BASE.is_multiple_of(128));
const _: () = assert!(MEMORY_BASE >> 12 != (MEMORY_BASE + MEMORY_SIZE as u64 - 1) >> 12);
const _: () = assert!(MEMORY_BASE - GUARD_SIZE >= REGION_BASE);
const _: () = assert!(MEMORY_BASE + MEMORY_SIZE as u64 + GUARD_SIZE <= REGION_BASE + REGION_SIZE);

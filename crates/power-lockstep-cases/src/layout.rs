//! Where things are in the machine, and what registers are for.

/// Real addresses of the code pages.
pub(crate) const CODE: u64 = 0x1_0000;
pub(crate) const CODE_PAGES: u64 = 4;
/// Words of all of them.
pub(crate) const CODE_WORDS: usize = CODE_PAGES as usize * 1024;
/// Real addresses of data.
pub(crate) const DATA: u64 = 0x20_0000;
pub(crate) const DATA_BYTES: u64 = 0x4_0000;
/// Real addresses of the process table and the trees, and their end: memory of its own, far from RAM. Programs may change an entry
/// only where they drop the translations that were made of it: of one that is changed unawares the two engines may rightly know
/// different states. So nothing that programs compute comes near: no pointer, no mapping (two bits of a RAM address would have to
/// change), and no 32-bit address. [`WAY_IN`] is the exception.
pub(crate) const TABLES: u64 = 0x30_0000_0000;
pub(crate) const TABLES_END: u64 = TABLES + 0x10_0000;
/// An effective address of [`TABLES`]: in real mode, and in privileged state where the tree of process 0 is large enough.
pub(crate) const WAY_IN: u64 = LINEAR + TABLES;
/// Offsets in [`TABLES`] of what maps the window for the processes 0 and 1: where programs that are entered halfway through a change
/// find these offsets without [`WAY_IN`], there are no handlers.
pub(crate) const WINDOW_TABLES: [u64; 2] = [0x6000, 0x4000];
/// Bytes of each at most.
pub(crate) const WINDOW_TABLE_BYTES: u64 = 0x2000;
/// The offset in [`TABLES`] of what is no table and yet may be taken for one.
pub(crate) const GARBAGE: u64 = 0x8000;
pub(crate) const GARBAGE_BYTES: u64 = 0x1_0000;
/// Where the other tables begin.
pub(crate) const TREES: u64 = TABLES + GARBAGE + GARBAGE_BYTES;
/// The real address of code that drops all translations.
pub(crate) const DROP_ALL: u64 = 0x5000;
/// Effective addresses at which the trees map this and that, and how many pages there are.
pub(crate) const WINDOW: u64 = 0x1000_0000;
pub(crate) const WINDOW_PAGES: u64 = 32;
/// All of RAM in quadrant 3.
pub(crate) const LINEAR: u64 = 0xc000_0000_0000_0000;

/// Pointers are in r1 to r8.
pub(crate) const POINTERS: std::ops::RangeInclusive<u32> = 1..=8;
/// A small number to add to them.
pub(crate) const INDEX: u32 = 9;
/// Registers that instructions write to, mostly.
pub(crate) const FREE: [u32; 13] = [0, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21];
/// [`WAY_IN`] while an entry of a tree is being changed.
pub(crate) const ENTRY: u32 = 22;
/// What tlbie is to drop.
pub(crate) const PAGE: u32 = 23;
/// Values for MSR.
pub(crate) const MSR: [u32; 2] = [24, 25];
/// Addresses of code; the first is one that may be changed.
pub(crate) const TARGET: [u32; 2] = [26, 27];
/// An instruction to store into code.
pub(crate) const WORD: u32 = 28;
/// A small number: a process.
pub(crate) const NUMBER: u32 = 29;
/// What handlers use: to compute with, and to count.
pub(crate) const SCRATCH: u32 = 30;
pub(crate) const COUNT: u32 = 31;

//! Where things are in the machine, and what registers are for.

/// Real addresses of the code pages.
pub const CODE: u64 = 0x1_0000;
pub const CODE_PAGES: u64 = 4;
/// Words of all of them.
pub const CODE_WORDS: usize = CODE_PAGES as usize * 1024;
/// Real addresses of data.
pub const DATA: u64 = 0x20_0000;
pub const DATA_BYTES: u64 = 0x4_0000;
/// Real addresses of the process table and the trees, and their end.
pub const TABLES: u64 = 0x30_0000;
pub const TABLES_END: u64 = 0x40_0000;
/// Effective addresses at which the trees map this and that, and how many pages there are.
pub const WINDOW: u64 = 0x1000_0000;
pub const WINDOW_PAGES: u64 = 32;
/// All of RAM in quadrant 3.
pub const LINEAR: u64 = 0xc000_0000_0000_0000;

/// Pointers are in r1 to r8.
pub const POINTERS: std::ops::RangeInclusive<u32> = 1..=8;
/// A small number to add to them.
pub const INDEX: u32 = 9;
/// Registers that instructions write to, mostly.
pub const FREE: [u32; 13] = [0, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21];
/// The address of an entry of a tree, in [`LINEAR`].
pub const ENTRY: u32 = 22;
/// What tlbie is to drop.
pub const PAGE: u32 = 23;
/// Values for MSR.
pub const MSR: [u32; 2] = [24, 25];
/// Addresses of code; the first is one that may be changed.
pub const TARGET: [u32; 2] = [26, 27];
/// An instruction to store into code.
pub const WORD: u32 = 28;
/// A small number: a process.
pub const NUMBER: u32 = 29;
/// What handlers use: to compute with, and to count.
pub const SCRATCH: u32 = 30;
pub const COUNT: u32 = 31;

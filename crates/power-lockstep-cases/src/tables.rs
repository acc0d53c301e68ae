//! Random page tables: trees of several shapes that map the window to this and that, and garbage in them.

use power::Partition;

use crate::case::number;
use crate::layout::*;
use crate::memory;
use crate::random::Random;

/// log2 of the process table's bytes: processes 0 to 255.
const PROCESS_TABLE_BITS: u32 = 12;
const VALID: u64 = 1 << 63;
const LEAF: u64 = 1 << 62;
const REFERENCE: u64 = 0x100;
const CHANGE: u64 = 0x80;
const PRIVILEGED: u64 = 8;
const READ_WRITE_EXECUTE: u64 = 7;
const WRITE: u64 = 2;
/// Where the next table is.
const NEXT: u64 = 0x00ff_ffff_ffff_ff00;

/// Bits of an address that each level resolves; what is left is the page.
struct Shape {
    size: u32,
    levels: &'static [u32],
}

const SHAPES: [Shape; 5] = [
    Shape {
        size: 52,
        levels: &[13, 9, 9, 9],
    },
    Shape {
        size: 52,
        levels: &[13, 9, 9, 5],
    },
    Shape {
        size: 40,
        levels: &[10, 8, 10],
    },
    Shape {
        size: 31,
        levels: &[9, 10],
    },
    Shape {
        size: 31,
        levels: &[9, 6],
    },
];

/// Makes trees for the processes 0 and 1, and registers the process table.
pub(crate) fn build(partition: &Partition, random: &mut Random<'_>) {
    let mut tables = Tables {
        partition,
        next: TREES,
        leaves: Vec::new(),
    };
    tables.fill_garbage(&mut random.fork());
    for pid in 0..2 {
        let shape = &SHAPES[random.below(SHAPES.len() as u64) as usize];
        let window = TABLES + WINDOW_TABLES[pid as usize];
        let root = tables.tree(shape, window, random);
        let size = u64::from(shape.size - 31);
        let entry = (size >> 3) << 61 | root | (size & 7) << 5 | u64::from(shape.levels[0]);
        tables.write(TABLES + pid * 16, entry);
    }
    for pid in 2..8 {
        tables.write(TABLES + pid * 16, out_of_ram(random.bits() & random.bits()));
    }
    for _ in 0..random.below(6) {
        tables.spoil(random);
    }
    let table = random.percent(97).then_some((TABLES, PROCESS_TABLE_BITS));
    partition.set_process_table(table);
}

/// The trees under construction.
struct Tables<'a> {
    partition: &'a Partition,
    next: u64,
    /// Addresses of leaves of the window.
    leaves: Vec<u64>,
}

impl Tables<'_> {
    fn write(&self, address: u64, value: u64) {
        let bytes = value.to_be_bytes();
        self.partition
            .memory
            .write(address, &bytes)
            .expect("tables lie in memory");
    }

    fn read(&self, address: u64) -> u64 {
        let mut bytes = [0; 8];
        self.partition
            .memory
            .read(address, &mut bytes)
            .expect("tables lie in memory");
        u64::from_be_bytes(bytes)
    }

    fn allocate(&mut self, bits: u32) -> u64 {
        let bytes = 8u64 << bits;
        let at = self.next.next_multiple_of(bytes.max(256));
        assert!(at + bytes <= TABLES_END, "trees are small");
        self.next = at + bytes;
        at
    }

    fn fill_garbage(&self, random: &mut Random<'_>) {
        let bytes: Vec<u8> = (0..GARBAGE_BYTES / 8)
            .flat_map(|_| number(random).to_le_bytes())
            .collect();
        self.partition
            .memory
            .write(TABLES + GARBAGE, &bytes)
            .expect("tables lie in memory");
    }

    /// A tree, and its root. The last table on the way to the window is at `window`.
    fn tree(&mut self, shape: &Shape, window: u64, random: &mut Random<'_>) -> u64 {
        let root = self.allocate(shape.levels[0]);
        let above = self.entry(root, shape, shape.levels.len() - 1, WINDOW);
        let last = shape.levels[shape.levels.len() - 1];
        assert!(8 << last <= WINDOW_TABLE_BYTES, "tables have room");
        self.write(above, VALID | window | u64::from(last));
        let page_shift = shape.size - shape.levels.iter().sum::<u32>();
        for n in 0..WINDOW_PAGES {
            let real = target(n, page_shift, random);
            let mut flags = if random.percent(85) {
                READ_WRITE_EXECUTE
            } else {
                random.below(8)
            };
            flags |= if random.percent(25) { PRIVILEGED } else { 0 };
            flags |= random.pick(&[0, REFERENCE, REFERENCE | CHANGE]);
            if random.percent(93) {
                let address = WINDOW + (n << page_shift);
                let leaf = self.map(root, shape, shape.levels.len(), address, real | flags);
                self.leaves.push(leaf);
            }
        }
        // RAM, and the tables, as one or two large pages. Small trees do not reach the tables.
        let large = shape.size - shape.levels[..shape.levels.len() - 1].iter().sum::<u32>();
        let ram = (0..memory::RAM).step_by(1 << large);
        let tables = (shape.size >= 40).then_some(TABLES);
        for real in ram.chain(tables) {
            let flags = READ_WRITE_EXECUTE | PRIVILEGED | random.pick(&[0, REFERENCE | CHANGE]);
            self.map(root, shape, shape.levels.len() - 1, real, real | flags);
        }
        root
    }

    /// Puts a leaf at a depth; its address.
    fn map(&mut self, root: u64, shape: &Shape, depth: usize, address: u64, leaf: u64) -> u64 {
        let entry = self.entry(root, shape, depth, address);
        self.write(entry, VALID | LEAF | leaf);
        entry
    }

    /// The address of the entry for an effective address at a depth, with tables on the way to it.
    fn entry(&mut self, root: u64, shape: &Shape, depth: usize, address: u64) -> u64 {
        let (mut base, mut left) = (root, shape.size);
        let mut entry = root;
        for (n, &bits) in shape.levels[..depth].iter().enumerate() {
            left -= bits;
            entry = base + (address >> left & ((1 << bits) - 1)) * 8;
            if n + 1 == depth {
                break;
            }
            let there = self.read(entry);
            assert!(there & LEAF == 0, "large pages have no small ones in them");
            base = if there & VALID != 0 {
                there & NEXT
            } else {
                let next = shape.levels[n + 1];
                let table = self.allocate(next);
                self.write(entry, VALID | table | u64::from(next));
                table
            };
        }
        entry
    }

    /// Makes something of the trees into something else.
    fn spoil(&self, random: &mut Random<'_>) {
        let address = if random.percent(70) && !self.leaves.is_empty() {
            random.pick(&self.leaves)
        } else {
            TABLES + random.below((self.next - TABLES) / 8) * 8
        };
        let old = self.read(address);
        let new = match random.below(4) {
            0 => random.bits(),
            1 => old ^ 1 << random.below(64),
            2 => VALID | (TABLES + GARBAGE + random.below(16) * 0x1000) | random.below(32),
            _ => old & !LEAF,
        };
        // Something that was a table, as a page: no way in.
        let way_in = new & LEAF != 0 && old & LEAF == 0;
        let new = if way_in { new & !WRITE } else { new };
        let in_use = new & LEAF == 0 || address < TABLES + (1 << PROCESS_TABLE_BITS);
        self.write(address, if in_use { out_of_ram(new) } else { new });
    }
}

/// An entry that names a table, in memory that programs do not store to: what lies in RAM is taken from the garbage.
fn out_of_ram(entry: u64) -> u64 {
    if entry & NEXT < memory::RAM {
        entry & !NEXT | (TABLES + GARBAGE + entry % GARBAGE_BYTES) & NEXT
    } else {
        entry
    }
}

/// What page `n` of the window is: first the code in order, then data, and seldom what one would not map.
fn target(n: u64, page_shift: u32, random: &mut Random<'_>) -> u64 {
    let page = 1u64 << page_shift;
    let within = |start: u64, bytes: u64, random: &mut Random<'_>| {
        start + random.below((bytes / page).max(1)) * page
    };
    let real = match random.below(100) {
        _ if n < CODE_PAGES && page == 4096 => CODE + n * page,
        _ if n == 0 => CODE,
        0..=79 => within(DATA, DATA_BYTES, random),
        80..=91 => within(CODE, CODE_PAGES * 4096, random),
        92..=95 => within(0, 0x1_0000, random),
        96 | 97 => within(memory::RAM - 0x1_0000, 0x1_0000, random),
        _ => 1 << 40,
    };
    real & !(page - 1)
}

//! Random programs: loops and straight code, and between them what systems do: changing MSR, code, translations, processes.

use crate::encode::*;
use crate::instructions::instruction;
use crate::layout::*;
use crate::random::Random;

/// Special purpose registers that programs read and write.
const SPRS: [u32; 28] = [
    1, 3, 13, 17, 18, 19, 22, 26, 27, 136, 152, 153, 157, 256, 259, 268, 269, 272, 273, 287, 308,
    815, 849, 896, 898, 770, 786, 1023,
];

/// All code pages.
pub(crate) fn program(random: &mut Random<'_>) -> Vec<u32> {
    let mut code = Vec::with_capacity(CODE_WORDS + 64);
    while code.len() < CODE_WORDS {
        if random.percent(70) {
            counted_loop(random, &mut code);
        } else {
            straight(random, &mut code, 24);
        }
        end(random, &mut code);
    }
    code.truncate(CODE_WORDS);
    code
}

/// Words between two zones, and words of a zone: code that other code changes. Nothing in them changes code, so that none
/// overwrites its own isync, without which the two engines may see the change at different times.
const ZONE_EVERY: usize = 256;
const ZONE: usize = 32;

/// The offset of a zone, in bytes.
pub(crate) fn zone(random: &mut Random<'_>) -> u64 {
    random.below((CODE_WORDS / ZONE_EVERY) as u64) * (ZONE_EVERY * 4) as u64
}

fn counted_loop(random: &mut Random<'_>, code: &mut Vec<u32>) {
    let counter = random.pick(&FREE);
    code.push(li(counter, 2 + random.below(24) as u32));
    code.push(mtspr(CTR, counter));
    let start = code.len();
    straight(random, code, 20);
    code.push(bc(DECREMENT, 0, start as i64 - code.len() as i64));
}

fn straight(random: &mut Random<'_>, code: &mut Vec<u32>, length: u64) {
    let end = code.len() + 2 + random.below(length) as usize;
    while code.len() < end {
        match random.below(100) {
            0..=6 => special(random, code),
            7..=13 => {
                // Forwards, on any condition; seldom one that counts.
                let bo = if random.percent(90) {
                    random.pick(&[4, 12, 5, 15])
                } else {
                    random.below(32) as u32
                };
                let link = u32::from(random.percent(5));
                code.push(bc(bo, random.below(32) as u32, 1 + random.below(8) as i64) | link);
            }
            _ => code.push(instruction(random)),
        }
    }
}

/// Where control goes after a piece of code.
fn end(random: &mut Random<'_>, code: &mut Vec<u32>) {
    let here = code.len() as i64;
    let there = random.below(CODE_WORDS as u64) as i64;
    match random.below(100) {
        0..=29 => code.push(b(there - here) | u32::from(random.percent(30))),
        30..=49 => {
            let (number, xo) = random.pick(&[(CTR, BCCTR), (LR, BCLR), (TAR, BCTAR)]);
            code.push(mtspr(number, random.pick(&TARGET)));
            let (bo, bi) = if random.percent(70) {
                (ALWAYS, 0)
            } else {
                (12, random.below(32) as u32)
            };
            code.push(bc_register(bo, bi, xo, random.percent(40)));
        }
        50..=59 => code.push(bc_register(ALWAYS, 0, BCLR, false)),
        _ => {}
    }
}

fn special(random: &mut Random<'_>, code: &mut Vec<u32>) {
    let free = random.pick(&FREE);
    match random.below(16) {
        0 | 1 => code.push(mfspr(free, random.pick(&SPRS))),
        2 | 3 => {
            let number = random.pick(&SPRS);
            // Writing AMR through its user's number, UAMOR: as any other.
            code.push(mtspr(number, random.below(32) as u32));
        }
        4 => code.push(mtspr(random.pick(&[29, 61]), random.pick(&FREE))),
        5 => code.extend([mtspr(48, NUMBER), ISYNC]),
        6 => code.push(mtmsrd(random.pick(&MSR), u32::from(random.percent(30)))),
        7 => code.push(x(random.pick(&MSR), 0, 0, 146)),
        8 => code.extend([
            mtspr(SRR0, random.pick(&TARGET)),
            mtspr(SRR1, random.pick(&MSR)),
            RFID,
        ]),
        9 => {
            // Words of what follows.
            const LENGTH: usize = 6;
            let here = code.len() % ZONE_EVERY;
            if !(ZONE..ZONE_EVERY - LENGTH).contains(&here) {
                return;
            }
            // Another instruction somewhere in the code. Fetched code is stored code: an isync is enough, and icbi does no harm.
            let at = random.below(ZONE as u64) as u32 * 4;
            code.push(d(36, WORD, TARGET[0], at));
            if random.percent(30) {
                code.extend([addi(free, TARGET[0], at), dcbst(free), SYNC, icbi(free)]);
            }
            code.push(ISYNC);
        }
        10 => {
            let here = code.len() % ZONE_EVERY;
            if (ZONE..ZONE_EVERY - CHANGE_LENGTH).contains(&here) {
                change_right(random, code);
            }
        }
        11 => code.push(drop_page(random)),
        12 => {
            // A counter that others could count up as well.
            let pointer = 1 + random.below(8) as u32;
            let (load, store) =
                random.pick(&[(20, 150), (84, 214), (52, 694), (116, 726), (276, 182)]);
            let free = free & !1;
            code.push(x(free, 0, pointer, load));
            code.push(addi(free, free, 1));
            let same = if random.percent(90) { pointer } else { INDEX };
            code.push(x(free, 0, same, store) | 1);
        }
        13 => {
            let level = random.below(128) as u32;
            code.push(random.pick(&[SC, scv(0), scv(level)]));
        }
        14 => code.push(HYPERCALL),
        _ => code.extend([mtspr(LR, random.pick(&TARGET)), instruction(random)]),
    }
}

/// How a change of an entry begins, and how it ends.
pub(crate) const CHANGE_BEGINS: u32 = d(15, ENTRY, 0, (WAY_IN >> 48) as u32);
pub(crate) const CHANGE_ENDS: u32 = li(ENTRY, 0);
/// Words of it at most.
pub(crate) const CHANGE_LENGTH: usize = 18;

/// Another right, or none, for a page; all in one piece, with a tlbie of what may have been cached of it.
fn change_right(random: &mut Random<'_>, code: &mut Vec<u32>) {
    let bits = random.pick(&[1, 2, 4, 8, 0x80]);
    let (pid, n) = (random.below(2), random.below(WINDOW_PAGES));
    let entry = (WINDOW_TABLES[pid as usize] + n * 8) as u32;
    let first = random.below(FREE.len() as u64 - 1) as usize;
    let (free, process) = (FREE[first], FREE[first + 1]);
    // ENTRY becomes WAY_IN, `process` what tlbie wants in RS.
    code.extend([
        CHANGE_BEGINS,
        d(24, ENTRY, ENTRY, (WAY_IN >> 32) as u32),
        shift_left_32(ENTRY),
        d(34, free, ENTRY, entry + 7),
        d(26, free, free, bits),
        d(38, free, ENTRY, entry + 7),
        PTESYNC,
        li(process, pid as u32),
        shift_left_32(process),
    ]);
    let mut drop = |rb: u64, random: &mut Random<'_>| {
        let ric = random.pick(&[0, 2]);
        code.extend([
            d(15, free, 0, (rb >> 16) as u32),
            d(24, free, free, rb as u32),
            invalidate(random, free, process, ric),
        ]);
    };
    match random.below(5) {
        // IS: the process, and all.
        0 => drop(1 << 10, random),
        1 => drop(3 << 10, random),
        // AP: which size the page has is the tree's secret.
        _ => {
            drop(WINDOW + (n << 12), random);
            drop((WINDOW + (n << 16)) | (5 << 5), random);
        }
    }
    code.extend([TLBSYNC, PTESYNC, CHANGE_ENDS]);
}

/// What drops all translations, and goes where SRR0 and SRR1 say.
pub(crate) const DROP_ALL_CODE: [u32; 5] = [
    li(ENTRY, 3 << 10),
    tlbie(ENTRY, ENTRY, 2),
    PTESYNC,
    li(ENTRY, 0),
    RFID,
];

fn drop_page(random: &mut Random<'_>) -> u32 {
    let (rb, ric) = (random.pick(&[PAGE, PAGE, NUMBER]), random.below(3) as u32);
    invalidate(random, rb, NUMBER, ric)
}

fn invalidate(random: &mut Random<'_>, rb: u32, rs: u32, ric: u32) -> u32 {
    if random.percent(50) {
        tlbie(rb, rs, ric)
    } else {
        tlbiel(rb, rs, ric)
    }
}

/// Where handlers are.
pub(crate) const VECTORS: [u64; 17] = [
    0x100, 0x200, 0x300, 0x380, 0x400, 0x480, 0x500, 0x600, 0x700, 0x800, 0x900, 0xa00, 0xc00,
    0xd00, 0xf20, 0xf40, 0xf60,
];

/// What is at an interrupt vector: most handlers skip the instruction that interrupted.
pub(crate) fn handler(vector: u64, enable: bool) -> Vec<u32> {
    let go_on = |bits: u32, upper: u32| {
        vec![
            mfspr(SCRATCH, SRR1),
            d(24, SCRATCH, SCRATCH, bits),
            d(25, SCRATCH, SCRATCH, upper),
            mtspr(SRR1, SCRATCH),
            RFID,
        ]
    };
    match vector {
        // Fetches that fail would fail for a whole page. Somewhere else in the code, then: SPRG2 says where that is, SPRG3 in which
        // mode.
        0x200 | 0x400 | 0x480 => vec![
            d(7, COUNT, COUNT, 0x4e35),
            addi(COUNT, COUNT, 0x3039),
            // rlwinm: a multiple of 4 below 16 KiB.
            21 << 26 | COUNT << 21 | SCRATCH << 16 | 20 << 11 | 18 << 6 | 29 << 1,
            mtspr(DAR, COUNT),
            mfspr(COUNT, SPRG2),
            x(SCRATCH, SCRATCH, COUNT, 266),
            mtspr(SRR0, SCRATCH),
            mfspr(COUNT, SPRG3),
            mtspr(SRR1, COUNT),
            mfspr(COUNT, DAR),
            li(ENTRY, 0),
            RFID,
        ],
        0x900 => vec![d(15, SCRATCH, 0, 1), mtspr(DEC, SCRATCH), RFID],
        0x500 | 0xc00 | 0xd00 => vec![RFID],
        0x800 if enable => go_on(0x2000, 0),
        0xf20 if enable => go_on(0, 0x200),
        0xf40 if enable => go_on(0x2000, 0x280),
        _ => vec![
            mfspr(SCRATCH, SRR0),
            addi(SCRATCH, SCRATCH, 4),
            mtspr(SRR0, SCRATCH),
            RFID,
        ],
    }
}

//! A copy of the kernel that QEMU can run with persistent memory.
//!
//! Linux writes persistent memory back with `dcbf` L=4 and L=6 (`dcbfps`, `dcbstps` of ISA 3.1) and orders it with `sync` L=4
//! (`phwsync`). A POWER9 takes them as plain `dcbf` and `sync`: the bits that tell them apart are reserved there (ISA 3.0 B, Book II,
//! "dcbf" and "sync"). QEMU's TCG raises an illegal instruction instead. For a fair comparison the peer gets the same kernel with
//! these words in their plain forms.

use object::LittleEndian;
use object::elf::{SHF_EXECINSTR, SHT_PROGBITS};
use object::read::elf::{FileHeader, SectionHeader};

use crate::{Error, Result, elf};

/// `dcbf`: primary opcode 31, extended opcode 86, and the bits that each of its forms has zero (6-7 and 31).
const DCBF: u32 = 31 << 26 | 86 << 1;
const DCBF_MASK: u32 = 0xff00_07ff;
/// `sync`: primary opcode 31, extended opcode 598, and all bits but the L field (6-7 and 11-20 are zero in every form that Linux uses).
const SYNC: u32 = 31 << 26 | 598 << 1;
const SYNC_MASK: u32 = 0xff1f_ffff;
/// The L field of both, bits 8-10 (three wide since ISA 3.1).
const L_SHIFT: u32 = 21;
const L_MASK: u32 = 7 << L_SHIFT;

/// A copy of the ELF `vmlinux` in which the cache and ordering instructions for persistent memory have their plain forms, and how many
/// words that changed.
///
/// Looks at the aligned words of sections that hold instructions.
///
/// # Errors
/// [`Error::NotPpc64le`] where the file is not a ppc64le ELF with readable sections.
pub fn patch_for_peer(vmlinux: &[u8]) -> Result<(Vec<u8>, usize)> {
    let what = "the kernel to be patched";
    let header = elf::ppc64le_header(vmlinux, what)?;
    let fail = |e: object::Error| Error::NotPpc64le {
        what: what.to_owned(),
        why: e.to_string(),
    };
    let sections = header
        .section_headers(LittleEndian, vmlinux)
        .map_err(fail)?;
    let mut patched = vmlinux.to_vec();
    let mut count = 0;
    for section in sections {
        let executable = section.sh_flags(LittleEndian) & u64::from(SHF_EXECINSTR) != 0;
        if !executable || section.sh_type(LittleEndian) != SHT_PROGBITS {
            continue;
        }
        let code = section.data(LittleEndian, vmlinux).map_err(fail)?;
        let start = section.sh_offset(LittleEndian) as usize;
        for (index, word) in code.as_chunks::<4>().0.iter().enumerate() {
            if let Some(plain) = plain_form(u32::from_le_bytes(*word)) {
                let at = start + 4 * index;
                patched[at..at + 4].copy_from_slice(&plain.to_le_bytes());
                count += 1;
            }
        }
    }
    Ok((patched, count))
}

/// What an ISA 3.0 processor makes of an instruction for persistent memory; nothing for any other word.
fn plain_form(word: u32) -> Option<u32> {
    let is_dcbf = word & DCBF_MASK == DCBF;
    let is_sync = word & SYNC_MASK == SYNC;
    let plain_l = match (word & L_MASK) >> L_SHIFT {
        // dcbfps, dcbstps: dcbf.
        4 | 6 if is_dcbf => 0,
        // phwsync: hwsync. plwsync: lwsync.
        4 if is_sync => 0,
        5 if is_sync => 1,
        _ => return None,
    };
    Some(word & !L_MASK | plain_l << L_SHIFT)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `dcbf RA,RB,L` by the ISA's layout.
    fn dcbf(ra: u32, rb: u32, l: u32) -> u32 {
        DCBF | l << 21 | ra << 16 | rb << 11
    }

    #[test]
    fn of_dcbf_only_the_persistent_forms_change() {
        // As the assembler writes dcbfps 3,4 and dcbf 3,4.
        assert_eq!(dcbf(3, 4, 4), 0x7c83_20ac);
        assert_eq!(plain_form(0x7c83_20ac), Some(0x7c03_20ac));
        assert_eq!(plain_form(dcbf(0, 31, 6)), Some(dcbf(0, 31, 0)));
        for l in [0, 1, 2, 3, 5, 7] {
            assert_eq!(plain_form(dcbf(1, 2, l)), None, "L={l}");
        }
        assert_eq!(plain_form(dcbf(3, 4, 4) | 1), None, "bit 31 set");
        assert_eq!(plain_form(31 << 26 | 54 << 1 | 4 << 21), None, "dcbst");
    }

    #[test]
    fn persistent_syncs_become_those_that_order_as_much() {
        assert_eq!(
            plain_form(0x7c80_04ac),
            Some(0x7c00_04ac),
            "phwsync to hwsync"
        );
        assert_eq!(
            plain_form(0x7ca0_04ac),
            Some(0x7c20_04ac),
            "plwsync to lwsync"
        );
        for word in [0x7c00_04ac, 0x7c20_04ac, 0x7c40_04ac] {
            assert_eq!(plain_form(word), None, "{word:08x}");
        }
    }

    /// An ELF with one section of code and one of data, both holding a dcbfps.
    fn tiny_elf() -> Vec<u8> {
        let word = dcbf(3, 4, 4).to_le_bytes();
        let mut file = vec![0u8; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[6] = 1;
        file[16..18].copy_from_slice(&2u16.to_le_bytes());
        file[18..20].copy_from_slice(&21u16.to_le_bytes());
        file[20..24].copy_from_slice(&1u32.to_le_bytes());
        file[40..48].copy_from_slice(&72u64.to_le_bytes());
        file[52..54].copy_from_slice(&64u16.to_le_bytes());
        file[58..60].copy_from_slice(&64u16.to_le_bytes());
        file[60..62].copy_from_slice(&3u16.to_le_bytes());
        file.extend(word);
        file.extend(word);
        let mut section = |kind: u32, flags: u64, offset: u64| {
            let mut header = [0u8; 64];
            header[4..8].copy_from_slice(&kind.to_le_bytes());
            header[8..16].copy_from_slice(&flags.to_le_bytes());
            header[24..32].copy_from_slice(&offset.to_le_bytes());
            header[32..40].copy_from_slice(&4u64.to_le_bytes());
            file.extend(header);
        };
        section(0, 0, 0);
        section(SHT_PROGBITS, 2 | u64::from(SHF_EXECINSTR), 64);
        section(SHT_PROGBITS, 2, 68);
        file
    }

    #[test]
    fn data_that_looks_like_the_instruction_is_left_alone() {
        let file = tiny_elf();
        let (patched, count) = patch_for_peer(&file).expect("ELF");
        assert_eq!(count, 1);
        assert_eq!(patched[64..68], dcbf(3, 4, 0).to_le_bytes());
        assert_eq!(patched[68..72], dcbf(3, 4, 4).to_le_bytes());
        assert_eq!(patch_for_peer(&patched).expect("ELF").1, 0);
    }
}

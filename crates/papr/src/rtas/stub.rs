//! RTAS as the guest finds it in memory: a stub that passes the call on as a hypercall.
//!
//! Linux enters it at its first byte in 32-bit big-endian mode without translation, the argument
//! block's address in r3 and the way back in LR.

use crate::hcall::abi::H_RTAS;

/// `mr rA,rS`, written as `or rA,rS,rS`.
const fn move_register(to: u32, from: u32) -> u32 {
    31 << 26 | from << 21 | to << 16 | from << 11 | 444 << 1
}

/// `li rT,value`.
const fn load_immediate(to: u32, value: u16) -> u32 {
    14 << 26 | to << 21 | value as u32
}

/// `ori rA,rS,value`.
const fn or_immediate(to: u32, from: u32, value: u16) -> u32 {
    24 << 26 | from << 21 | to << 16 | value as u32
}

/// `sc 1`.
const HYPERCALL: u32 = 17 << 26 | 1 << 5 | 2;

/// `blr`.
const RETURN: u32 = 0x4E80_0020;

/// The stub's bytes.
pub(crate) fn stub() -> Vec<u8> {
    const { assert!(H_RTAS <= u16::MAX as u64) };
    // The number has bit 16 of the sign-extended immediate set, so it takes two instructions.
    let code = [
        move_register(4, 3),
        load_immediate(3, 0),
        or_immediate(3, 3, H_RTAS as u16),
        HYPERCALL,
        RETURN,
    ];
    code.iter().flat_map(|word| word.to_be_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtas::RTAS_SIZE;

    #[test]
    fn the_stub_is_what_an_assembler_makes_of_it() {
        // mr r4,r3; li r3,0; ori r3,r3,0xf000; sc 1; blr
        let expected = [
            0x7C64_1B78_u32,
            0x3860_0000,
            0x6063_F000,
            0x4400_0022,
            0x4E80_0020,
        ];
        let expected: Vec<u8> = expected
            .iter()
            .flat_map(|word| word.to_be_bytes())
            .collect();
        assert_eq!(stub(), expected);
        assert!(stub().len() <= RTAS_SIZE as usize);
    }
}

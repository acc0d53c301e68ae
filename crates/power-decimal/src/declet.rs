//! Densely packed decimal (IEEE 754-2008, 3.5.2; Book I, 5.5.1): three decimal digits in a declet
//! of ten bits.
//!
//! Each number from 0 to 999 has one canonical declet; 24 more patterns stand for numbers again
//! whose three digits are 8 or 9. Operands may have them, results never do.

const fn encode(number: u16) -> u16 {
    let (a, b, c) = (number / 100, number / 10 % 10, number % 10);
    // A digit of 8 or 9 needs its lowest bit only, and leaves two bits to tell which digits are so
    // large.
    let (low_a, low_b, low_c) = (a & 1, b & 1, c & 1);
    let (pqr, stu, v, wxy) = match (a >= 8, b >= 8, c >= 8) {
        (false, false, false) => (a, b, 0, c),
        (false, false, true) => (a, b, 1, low_c),
        (false, true, false) => (a, c & 6 | low_b, 1, 2 | low_c),
        (true, false, false) => (c & 6 | low_a, b, 1, 4 | low_c),
        (true, true, false) => (c & 6 | low_a, low_b, 1, 6 | low_c),
        (true, false, true) => (b & 6 | low_a, 2 | low_b, 1, 6 | low_c),
        (false, true, true) => (a, 4 | low_b, 1, 6 | low_c),
        (true, true, true) => (low_a, 6 | low_b, 1, 6 | low_c),
    };
    pqr << 7 | stu << 4 | v << 3 | wxy
}

const fn decode(declet: u16) -> u16 {
    let (pqr, stu, wxy) = (declet >> 7 & 7, declet >> 4 & 7, declet & 7);
    let (r, u, y) = (pqr & 1, stu & 1, wxy & 1);
    let (a, b, c) = if declet & 8 == 0 {
        (pqr, stu, wxy)
    } else {
        match (wxy >> 1, stu >> 1) {
            (0, _) => (pqr, stu, 8 | y),
            (1, _) => (pqr, 8 | u, stu & 6 | y),
            (2, _) => (8 | r, stu, pqr & 6 | y),
            (_, 0) => (8 | r, 8 | u, pqr & 6 | y),
            (_, 1) => (8 | r, pqr & 6 | u, 8 | y),
            (_, 2) => (pqr, 8 | u, 8 | y),
            _ => (8 | r, 8 | u, 8 | y),
        }
    };
    a * 100 + b * 10 + c
}

static ENCODED: [u16; 1000] = {
    let mut table = [0; 1000];
    let mut number = 0;
    while number < 1000 {
        table[number as usize] = encode(number);
        number += 1;
    }
    table
};

static DECODED: [u16; 1024] = {
    let mut table = [0; 1024];
    let mut declet = 0;
    while declet < 1024 {
        table[declet as usize] = decode(declet);
        declet += 1;
    }
    table
};

/// The number that the low `count` declets of `bits` stand for.
pub(crate) fn number(bits: u128, count: u32) -> u128 {
    (0..count).rev().fold(0, |number, index| {
        let declet = bits >> (10 * index) & 0x3FF;
        number * 1000 + u128::from(DECODED[declet as usize])
    })
}

/// The canonical declets of the low `3 * count` digits of `number`.
pub(crate) fn declets(mut number: u128, count: u32) -> u128 {
    (0..count).fold(0, |bits, index| {
        let declet = ENCODED[(number % 1000) as usize];
        number /= 1000;
        bits | u128::from(declet) << (10 * index)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives_and_24_declets_are_second_names() {
        for number in 0..1000 {
            assert_eq!(decode(encode(number)), number);
        }
        let redundant = (0..1024).filter(|&declet| encode(decode(declet)) != declet);
        assert_eq!(redundant.clone().count(), 24);
        for declet in redundant {
            let number = decode(declet);
            assert!(
                [number / 100, number / 10 % 10, number % 10]
                    .iter()
                    .all(|digit| *digit >= 8)
            );
        }
    }

    #[test]
    fn declets_are_those_of_the_standard_s_examples() {
        for (number, declet) in [
            (5, 0b00_0000_0101),
            (9, 0b00_0000_1001),
            (55, 0b00_0101_0101),
            (79, 0b00_0111_1001),
            (80, 0b00_0000_1010),
            (99, 0b00_0101_1111),
            (555, 0b10_1101_0101),
            (999, 0b00_1111_1111),
        ] {
            assert_eq!(encode(number), declet, "{number}");
        }
    }

    #[test]
    fn strings_of_declets_keep_their_order() {
        let value = 123_456_789_012_345;
        assert_eq!(number(declets(value, 5), 5), value);
        assert_eq!(number(declets(value, 2), 2), value % 1_000_000);
    }
}

//! The bitwise operations (Power ISA 3.0B, Book I, 6.9.5 and `vsel` of 6.8).

use crate::lanes::vector_ops;

vector_ops! {
    /// Vector Logical AND.
    vand(a, b) = a & b;
    /// Vector Logical AND with Complement: `a & !b`.
    vandc(a, b) = a & !b;
    /// Vector Logical Equivalence.
    veqv(a, b) = !(a ^ b);
    /// Vector Logical NAND.
    vnand(a, b) = !(a & b);
    /// Vector Logical NOR.
    vnor(a, b) = !(a | b);
    /// Vector Logical OR.
    vor(a, b) = a | b;
    /// Vector Logical OR with Complement: `a | !b`.
    vorc(a, b) = a | !b;
    /// Vector Logical XOR.
    vxor(a, b) = a ^ b;
    /// Vector Select: the bits of `b` where `c` has ones, those of `a` elsewhere.
    vsel(a, b, c) = (a & !c) | (b & c);
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: u128 = 0b1100;
    const B: u128 = 0b1010;

    #[test]
    fn truth_tables_hold() {
        assert_eq!(vand(A, B), 0b1000);
        assert_eq!(vandc(A, B), 0b0100);
        assert_eq!(vor(A, B), 0b1110);
        assert_eq!(vxor(A, B), 0b0110);
        assert_eq!(vorc(A, B), !0b0010);
        assert_eq!(vnor(A, B), !0b1110);
        assert_eq!(vnand(A, B), !0b1000);
        assert_eq!(veqv(A, B), !0b0110);
    }

    #[test]
    fn select_takes_the_second_operand_under_ones() {
        assert_eq!(vsel(0x1111, 0x2222, 0x00ff), 0x1122);
    }
}

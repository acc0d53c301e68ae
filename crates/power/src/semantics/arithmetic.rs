//! Add, subtract, negate (Book I, 3.3.9).

use super::util::{bit, ra_or_zero, record, record_always, set_overflow};
use crate::engine::{Done, Engine, XerBit};
use crate::insn::Insn;

/// What to add: RT = a + b + carry in.
struct Sum<W> {
    a: W,
    b: W,
    /// None: 0.
    carry_in: Option<W>,
}

/// a + b + carry in; sets CA and CA32 where `carry`, OV, OV32 and SO where OE, CR0 where Rc.
#[inline(always)]
fn sum<E: Engine>(e: &mut E, i: Insn, sum: Sum<E::Word>, carry: bool, oe: bool) -> E::Word {
    let Sum { a, b, carry_in } = sum;
    let mut result = e.add(a, b);
    if let Some(carry_in) = carry_in {
        result = e.add(result, carry_in);
    }
    if carry {
        let (ca, ca32) = carries(e, a, b, result);
        e.set_xer_bit(XerBit::Ca, ca);
        e.set_xer_bit(XerBit::Ca32, ca32);
    }
    if oe {
        // Signed overflow: the operands agree in sign and the result does not.
        let x = e.xor(a, result);
        let y = e.xor(b, result);
        let overflow = e.and(x, y);
        let ov = bit(e, overflow, 63);
        let ov32 = bit(e, overflow, 31);
        set_overflow(e, ov, ov32);
    }
    e.set_gpr(i.rt(), result);
    result
}

/// The carries out of both words of result = a + b (+ carry in): the carry out of a bit is the majority of a, b and "no sum bit".
#[inline(always)]
fn carries<E: Engine>(e: &mut E, a: E::Word, b: E::Word, result: E::Word) -> (E::Cond, E::Cond) {
    let generate = e.and(a, b);
    let propagate = e.or(a, b);
    let not_sum = e.not(result);
    let propagated = e.and(propagate, not_sum);
    let carries = e.or(generate, propagated);
    (bit(e, carries, 63), bit(e, carries, 31))
}

#[inline(always)]
fn carry_in<E: Engine>(e: &mut E) -> E::Word {
    let ca = e.xer_bit(XerBit::Ca);
    e.cond_word(ca)
}

pub(crate) fn addi<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let a = ra_or_zero(e, i);
    let b = e.imm(i.si() as u64);
    let result = e.add(a, b);
    e.set_gpr(i.rt(), result);
    Ok(())
}

pub(crate) fn addis<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let a = ra_or_zero(e, i);
    let b = e.imm((i.si() << 16) as u64);
    let result = e.add(a, b);
    e.set_gpr(i.rt(), result);
    Ok(())
}

pub(crate) fn addpcis<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let cia = e.cia();
    let offset = e.imm(((i.dx() << 16) + 4) as u64);
    let result = e.add(cia, offset);
    e.set_gpr(i.rt(), result);
    Ok(())
}

pub(crate) fn add<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    let result = sum(
        e,
        i,
        Sum {
            a,
            b,
            carry_in: None,
        },
        false,
        i.oe(),
    );
    record(e, i, result);
    Ok(())
}

pub(crate) fn subf<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    if i.oe() {
        let a = e.not(a);
        let one = e.imm(1);
        let result = sum(
            e,
            i,
            Sum {
                a,
                b,
                carry_in: Some(one),
            },
            false,
            true,
        );
        record(e, i, result);
    } else {
        let result = e.sub(b, a);
        e.set_gpr(i.rt(), result);
        record(e, i, result);
    }
    Ok(())
}

pub(crate) fn addic<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let a = e.gpr(i.ra());
    let b = e.imm(i.si() as u64);
    sum(
        e,
        i,
        Sum {
            a,
            b,
            carry_in: None,
        },
        true,
        false,
    );
    Ok(())
}

pub(crate) fn addic_<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let a = e.gpr(i.ra());
    let b = e.imm(i.si() as u64);
    let result = sum(
        e,
        i,
        Sum {
            a,
            b,
            carry_in: None,
        },
        true,
        false,
    );
    record_always(e, result);
    Ok(())
}

pub(crate) fn subfic<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let a = e.gpr(i.ra());
    let a = e.not(a);
    let b = e.imm(i.si() as u64);
    let one = e.imm(1);
    sum(
        e,
        i,
        Sum {
            a,
            b,
            carry_in: Some(one),
        },
        true,
        false,
    );
    Ok(())
}

pub(crate) fn addc<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    let result = sum(
        e,
        i,
        Sum {
            a,
            b,
            carry_in: None,
        },
        true,
        i.oe(),
    );
    record(e, i, result);
    Ok(())
}

pub(crate) fn subfc<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    let a = e.not(a);
    let one = e.imm(1);
    let result = sum(
        e,
        i,
        Sum {
            a,
            b,
            carry_in: Some(one),
        },
        true,
        i.oe(),
    );
    record(e, i, result);
    Ok(())
}

/// adde and its kin: the carry comes in, the carry goes out.
#[inline(always)]
fn extended<E: Engine>(e: &mut E, i: Insn, invert_a: bool, b: E::Word) -> Done<E> {
    let mut a = e.gpr(i.ra());
    if invert_a {
        a = e.not(a);
    }
    let carry_in = Some(carry_in(e));
    let result = sum(e, i, Sum { a, b, carry_in }, true, i.oe());
    record(e, i, result);
    Ok(())
}

pub(crate) fn adde<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let b = e.gpr(i.rb());
    extended(e, i, false, b)
}

pub(crate) fn subfe<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let b = e.gpr(i.rb());
    extended(e, i, true, b)
}

pub(crate) fn addme<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let b = e.imm(u64::MAX);
    extended(e, i, false, b)
}

pub(crate) fn subfme<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let b = e.imm(u64::MAX);
    extended(e, i, true, b)
}

pub(crate) fn addze<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let b = e.imm(0);
    extended(e, i, false, b)
}

pub(crate) fn subfze<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let b = e.imm(0);
    extended(e, i, true, b)
}

pub(crate) fn neg<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let a = e.gpr(i.ra());
    let a = e.not(a);
    let b = e.imm(0);
    let one = e.imm(1);
    let result = sum(
        e,
        i,
        Sum {
            a,
            b,
            carry_in: Some(one),
        },
        false,
        i.oe(),
    );
    record(e, i, result);
    Ok(())
}

/// addex with CY = 0: the carry goes in and out through OV and OV32; SO is left alone.
pub(crate) fn addex<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    let ov = e.xer_bit(XerBit::Ov);
    let carry_in = e.cond_word(ov);
    let partial = e.add(a, b);
    let result = e.add(partial, carry_in);
    let (carry, carry32) = carries(e, a, b, result);
    e.set_xer_bit(XerBit::Ov, carry);
    e.set_xer_bit(XerBit::Ov32, carry32);
    e.set_gpr(i.rt(), result);
    Ok(())
}

pub(crate) fn addg6s<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    let result = e.pure2(power_vector::addg6s, a, b);
    e.set_gpr(i.rt(), result);
    Ok(())
}

/// darn: a random number; conditioned 32 bits (L=0), conditioned 64 (1), raw 64 (2). L=3 is reserved: all ones, the error value.
pub(crate) fn darn<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.system(crate::cpu::system::darn, i)
}

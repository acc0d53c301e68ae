//! Logical instructions, extensions, counts (Book I, 3.3.13).

use super::util::{record, record_always};
use crate::cpu::system as concrete;
use crate::engine::{Done, Engine, Width, XerBit};
use crate::insn::Insn;

/// RA = f(RS, immediate), without record.
macro_rules! immediate {
    ($($name:ident $op:ident $shift:literal;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let a = e.gpr(i.rt());
            let b = e.imm(i.ui() << $shift);
            let result = e.$op(a, b);
            e.set_gpr(i.ra(), result);
            Ok(())
        }
    )* };
}
immediate! {
    ori or 0;
    oris or 16;
    xori xor 0;
    xoris xor 16;
}

#[inline(always)]
fn and_immediate<E: Engine>(e: &mut E, i: Insn, mask: u64) -> Done<E> {
    let a = e.gpr(i.rt());
    let b = e.imm(mask);
    let result = e.and(a, b);
    e.set_gpr(i.ra(), result);
    record_always(e, result);
    Ok(())
}

pub(crate) fn andi_<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    and_immediate(e, i, i.ui())
}

pub(crate) fn andis_<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    and_immediate(e, i, i.ui() << 16)
}

/// RA = f(RS, RB).
macro_rules! binary {
    ($($name:ident |$e:ident, $a:ident, $b:ident| $body:expr;)*) => { $(
        pub(crate) fn $name<E: Engine>($e: &mut E, i: Insn) -> Done<E> {
            let ($a, $b) = ($e.gpr(i.rt()), $e.gpr(i.rb()));
            let result = $body;
            $e.set_gpr(i.ra(), result);
            record($e, i, result);
            Ok(())
        }
    )* };
}
binary! {
    and |e, a, b| e.and(a, b);
    xor |e, a, b| e.xor(a, b);
    nand |e, a, b| { let r = e.and(a, b); e.not(r) };
    nor |e, a, b| { let r = e.or(a, b); e.not(r) };
    eqv |e, a, b| { let r = e.xor(a, b); e.not(r) };
    andc |e, a, b| { let n = e.not(b); e.and(a, n) };
    orc |e, a, b| { let n = e.not(b); e.or(a, n) };
}

/// RA = RS | RB. With the three the same, that of a priority that loops which wait set: a pause.
pub(crate) fn or<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    if waits(i) {
        return e.system(concrete::pause, i);
    }
    let (a, b) = (e.gpr(i.rt()), e.gpr(i.rb()));
    let result = e.or(a, b);
    e.set_gpr(i.ra(), result);
    record(e, i, result);
    Ok(())
}

/// or rx, rx, rx with the x of very low, low and medium low priority (Book II, 3.1; Linux's `HMT_very_low` and its like).
fn waits(i: Insn) -> bool {
    i.rt() == i.ra() && i.ra() == i.rb() && !i.rc() && matches!(i.ra(), 31 | 1 | 6)
}

/// RA = f(RS).
macro_rules! unary {
    ($($name:ident |$e:ident, $a:ident| $body:expr;)*) => { $(
        pub(crate) fn $name<E: Engine>($e: &mut E, i: Insn) -> Done<E> {
            let $a = $e.gpr(i.rt());
            let result = $body;
            $e.set_gpr(i.ra(), result);
            record($e, i, result);
            Ok(())
        }
    )* };
}
unary! {
    extsb |e, a| e.sign_extend(a, Width::Byte);
    extsh |e, a| e.sign_extend(a, Width::Half);
    extsw |e, a| e.sign_extend(a, Width::Word);
    cntlzd |e, a| e.clz(a);
    cnttzd |e, a| e.ctz(a);
    cntlzw |e, a| {
        // Ones below the word bound the count.
        let n = e.imm(32);
        let ones = e.imm(0xffff_ffff);
        let high = e.shl(a, n);
        let padded = e.or(high, ones);
        e.clz(padded)
    };
    cnttzw |e, a| {
        let stop = e.imm(1 << 32);
        let bounded = e.or(a, stop);
        e.ctz(bounded)
    };
}

/// RA = f(RS), a pure function; these have no record form.
macro_rules! pure_unary {
    ($($name:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let a = e.gpr(i.rt());
            let result = e.pure1(power_vector::$name, a);
            e.set_gpr(i.ra(), result);
            Ok(())
        }
    )* };
}
pure_unary! {
    popcntb;
    popcntw;
    popcntd;
    prtyd;
    prtyw;
    cdtbcd;
    cbcdtd;
}

/// RA = f(RS, RB), a pure function; these have no record form.
macro_rules! pure_binary {
    ($($name:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let (a, b) = (e.gpr(i.rt()), e.gpr(i.rb()));
            let result = e.pure2(power_vector::$name, a, b);
            e.set_gpr(i.ra(), result);
            Ok(())
        }
    )* };
}
pure_binary! {
    cmpb;
    bpermd;
}

/// CR field = OV, OV32, CA, CA32.
pub(crate) fn mcrxrx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    for (n, xer) in [XerBit::Ov, XerBit::Ov32, XerBit::Ca, XerBit::Ca32]
        .into_iter()
        .enumerate()
    {
        let value = e.xer_bit(xer);
        e.set_cr_bit(i.bf() * 4 + n as u32, value);
    }
    Ok(())
}

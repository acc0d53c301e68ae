//! Condition Register logic and moves (Book I, 2.5 and 3.3.17).

use crate::engine::{Done, Engine};
use crate::insn::Insn;

macro_rules! logic {
    ($($name:ident |$e:ident, $a:ident, $b:ident| $body:expr;)*) => { $(
        pub(crate) fn $name<E: Engine>($e: &mut E, i: Insn) -> Done<E> {
            let ($a, $b) = ($e.cr_bit(i.ra()), $e.cr_bit(i.rb()));
            let result = $body;
            $e.set_cr_bit(i.rt(), result);
            Ok(())
        }
    )* };
}

/// a xor b on conditions.
#[inline(always)]
fn differ<E: Engine>(e: &mut E, a: E::Cond, b: E::Cond) -> E::Cond {
    let (a, b) = (e.cond_word(a), e.cond_word(b));
    let same = e.eq(a, b);
    e.negate(same)
}

logic! {
    crand |e, a, b| e.both(a, b);
    crnand |e, a, b| { let r = e.both(a, b); e.negate(r) };
    cror |e, a, b| e.either(a, b);
    crxor |e, a, b| differ(e, a, b);
    crnor |e, a, b| { let r = e.either(a, b); e.negate(r) };
    creqv |e, a, b| { let r = differ(e, a, b); e.negate(r) };
    crandc |e, a, b| { let n = e.negate(b); e.both(a, n) };
    crorc |e, a, b| { let n = e.negate(b); e.either(a, n) };
}

pub(crate) fn mcrf<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let field = e.cr_field(i.bfa());
    e.set_cr_field(i.bf(), field);
    Ok(())
}

/// The fields that `fxm` selects, in their places; zeros elsewhere.
#[inline(always)]
fn gather<E: Engine>(e: &mut E, fxm: u32) -> E::Word {
    let mut value = e.imm(0);
    for n in (0..8).filter(|n| fxm & (0x80 >> n) != 0) {
        let field = e.cr_field(n);
        let by = e.imm(u64::from(28 - 4 * n));
        let placed = e.shl(field, by);
        value = e.or(value, placed);
    }
    value
}

pub(crate) fn mfcr<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let value = gather(e, 0xff);
    e.set_gpr(i.rt(), value);
    Ok(())
}

pub(crate) fn mfocrf<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let value = gather(e, i.fxm());
    e.set_gpr(i.rt(), value);
    Ok(())
}

pub(crate) fn mtcrf<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    let value = e.gpr(i.rt());
    let low = e.imm(15);
    for n in (0..8).filter(|n| i.fxm() & (0x80 >> n) != 0) {
        let by = e.imm(u64::from(28 - 4 * n));
        let shifted = e.shr(value, by);
        let field = e.and(shifted, low);
        e.set_cr_field(n, field);
    }
    Ok(())
}

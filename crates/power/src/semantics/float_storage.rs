//! Floating-point loads and stores (Book I, 4.6.2 to 4.6.4).

use super::util::{ea_displacement, ea_indexed};
use crate::engine::{Done, Engine, Facility, Order, Width};
use crate::insn::Insn;

#[inline(always)]
fn load<E: Engine>(e: &mut E, i: Insn, ea: E::Word, single: bool) -> Done<E> {
    let value = if single {
        let value = e.load(ea, Width::Word, Order::Mode)?;
        e.double_from_single(value)
    } else {
        e.load(ea, Width::Double, Order::Mode)?
    };
    e.set_vsr_high(i.rt(), value);
    Ok(())
}

#[inline(always)]
fn store<E: Engine>(e: &mut E, i: Insn, ea: E::Word, single: bool) -> Done<E> {
    let value = e.vsr_high(i.rt());
    if single {
        let value = e.single_from_double(value);
        e.store(ea, value, Width::Word, Order::Mode)
    } else {
        e.store(ea, value, Width::Double, Order::Mode)
    }
}

/// Four addressing forms of a transfer.
macro_rules! transfers {
    ($($plain:ident $update:ident $indexed:ident $indexed_update:ident $what:ident $single:literal;)*) => { $(
        pub(crate) fn $plain<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Float)?;
            let ea = ea_displacement(e, i, i.si());
            $what(e, i, ea, $single)
        }
        pub(crate) fn $update<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Float)?;
            let ea = ea_displacement(e, i, i.si());
            $what(e, i, ea, $single)?;
            e.set_gpr(i.ra(), ea);
            Ok(())
        }
        pub(crate) fn $indexed<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Float)?;
            let ea = ea_indexed(e, i);
            $what(e, i, ea, $single)
        }
        pub(crate) fn $indexed_update<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Float)?;
            let ea = ea_indexed(e, i);
            $what(e, i, ea, $single)?;
            e.set_gpr(i.ra(), ea);
            Ok(())
        }
    )* };
}
transfers! {
    lfs lfsu lfsx lfsux load true;
    lfd lfdu lfdx lfdux load false;
    stfs stfsu stfsx stfsux store true;
    stfd stfdu stfdx stfdux store false;
}

#[inline(always)]
fn load_integer_word<E: Engine>(e: &mut E, i: Insn, signed: bool) -> Done<E> {
    e.require(Facility::Float)?;
    let ea = ea_indexed(e, i);
    let mut value = e.load(ea, Width::Word, Order::Mode)?;
    if signed {
        value = e.sign_extend(value, Width::Word);
    }
    e.set_vsr_high(i.rt(), value);
    Ok(())
}

pub(crate) fn lfiwax<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    load_integer_word(e, i, true)
}

pub(crate) fn lfiwzx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    load_integer_word(e, i, false)
}

pub(crate) fn stfiwx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let ea = ea_indexed(e, i);
    let value = e.vsr_high(i.rt());
    e.store(ea, value, Width::Word, Order::Mode)
}

/// The pair FRTp, FRTp+1: the even register holds the doubleword at the lower address in big-endian mode, and the odd one in
/// little-endian mode, which is what one 16-byte access gives.
#[inline(always)]
fn load_pair<E: Engine>(e: &mut E, i: Insn, ea: E::Word) -> Done<E> {
    let value = e.load_vector(ea)?;
    let (high, low) = e.halves(value);
    let rt = i.rt() & !1;
    e.set_vsr_high(rt, high);
    e.set_vsr_high(rt + 1, low);
    Ok(())
}

#[inline(always)]
fn store_pair<E: Engine>(e: &mut E, i: Insn, ea: E::Word) -> Done<E> {
    let rs = i.rt() & !1;
    let (high, low) = (e.vsr_high(rs), e.vsr_high(rs + 1));
    let value = e.vector(high, low);
    e.store_vector(ea, value)
}

pub(crate) fn lfdp<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let ea = ea_displacement(e, i, i.ds());
    load_pair(e, i, ea)
}

pub(crate) fn lfdpx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let ea = ea_indexed(e, i);
    load_pair(e, i, ea)
}

pub(crate) fn stfdp<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let ea = ea_displacement(e, i, i.ds());
    store_pair(e, i, ea)
}

pub(crate) fn stfdpx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Float)?;
    let ea = ea_indexed(e, i);
    store_pair(e, i, ea)
}

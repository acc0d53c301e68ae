//! Fixed-point loads (Book I, 3.3.2 and 3.3.5).

use super::util::{ea_displacement, ea_indexed};
use crate::engine::{Done, Engine, Order, Width};
use crate::insn::Insn;

/// How the loaded value fills RT.
#[derive(Clone, Copy, PartialEq)]
enum Extend {
    Zero,
    Sign,
}

#[inline(always)]
fn load<E: Engine>(
    e: &mut E,
    i: Insn,
    ea: E::Word,
    width: Width,
    order: Order,
    extend: Extend,
) -> Done<E> {
    let mut value = e.load(ea, width, order)?;
    if extend == Extend::Sign {
        value = e.sign_extend(value, width);
    }
    e.set_gpr(i.rt(), value);
    Ok(())
}

/// Four addressing forms of one load: D (or DS), with update, X, X with update. An update form with RA = 0 or RA = RT is
/// invalid; RA wins here, as the ISA allows anything.
macro_rules! loads {
    ($($plain:ident $update:ident $indexed:ident $indexed_update:ident $width:ident $extend:ident $disp:ident;)*) => { $(
        pub(crate) fn $plain<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let ea = ea_displacement(e, i, i.$disp());
            load(e, i, ea, Width::$width, Order::Mode, Extend::$extend)
        }
        pub(crate) fn $indexed<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let ea = ea_indexed(e, i);
            load(e, i, ea, Width::$width, Order::Mode, Extend::$extend)
        }
        loads!(@update $update $width $extend $disp);
        pub(crate) fn $indexed_update<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let ea = ea_indexed(e, i);
            load(e, i, ea, Width::$width, Order::Mode, Extend::$extend)?;
            e.set_gpr(i.ra(), ea);
            Ok(())
        }
    )* };
    (@update none $width:ident $extend:ident $disp:ident) => {};
    (@update $update:ident $width:ident $extend:ident $disp:ident) => {
        pub(crate) fn $update<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let ea = ea_displacement(e, i, i.$disp());
            load(e, i, ea, Width::$width, Order::Mode, Extend::$extend)?;
            e.set_gpr(i.ra(), ea);
            Ok(())
        }
    };
}
loads! {
    lbz lbzu lbzx lbzux Byte Zero si;
    lhz lhzu lhzx lhzux Half Zero si;
    lha lhau lhax lhaux Half Sign si;
    lwz lwzu lwzx lwzux Word Zero si;
    lwa none lwax lwaux Word Sign ds;
    ld ldu ldx ldux Double Zero ds;
}

macro_rules! reversed {
    ($($name:ident $width:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let ea = ea_indexed(e, i);
            load(e, i, ea, Width::$width, Order::Reversed, Extend::Zero)
        }
    )* };
}
reversed! {
    lhbrx Half;
    lwbrx Word;
    ldbrx Double;
}

//! Fixed-point stores (Book I, 3.3.3 and 3.3.5).

use super::util::{ea_displacement, ea_indexed};
use crate::engine::{Done, Engine, Order, Width};
use crate::insn::Insn;

/// Four addressing forms of one store: D (or DS), with update, X, X with update.
macro_rules! stores {
    ($($plain:ident $update:ident $indexed:ident $indexed_update:ident $width:ident $disp:ident;)*) => { $(
        pub(crate) fn $plain<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let ea = ea_displacement(e, i, i.$disp());
            let value = e.gpr(i.rt());
            e.store(ea, value, Width::$width, Order::Mode)
        }
        pub(crate) fn $update<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let ea = ea_displacement(e, i, i.$disp());
            let value = e.gpr(i.rt());
            e.store(ea, value, Width::$width, Order::Mode)?;
            e.set_gpr(i.ra(), ea);
            Ok(())
        }
        pub(crate) fn $indexed<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let ea = ea_indexed(e, i);
            let value = e.gpr(i.rt());
            e.store(ea, value, Width::$width, Order::Mode)
        }
        pub(crate) fn $indexed_update<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let ea = ea_indexed(e, i);
            let value = e.gpr(i.rt());
            e.store(ea, value, Width::$width, Order::Mode)?;
            e.set_gpr(i.ra(), ea);
            Ok(())
        }
    )* };
}
stores! {
    stb stbu stbx stbux Byte si;
    sth sthu sthx sthux Half si;
    stw stwu stwx stwux Word si;
    std stdu stdx stdux Double ds;
}

macro_rules! reversed {
    ($($name:ident $width:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let ea = ea_indexed(e, i);
            let value = e.gpr(i.rt());
            e.store(ea, value, Width::$width, Order::Reversed)
        }
    )* };
}
reversed! {
    sthbrx Half;
    stwbrx Word;
    stdbrx Double;
}

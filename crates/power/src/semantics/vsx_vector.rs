//! VSX vector floating-point instructions (Book I, 7.6.3): two doubles or four singles at once.

use power_float::{Fpscr, vector as fv};

use crate::engine::{Done, Engine, Facility, Integral, Lower};
use crate::insn::Insn;

/// XT = f(XA, XB).
#[inline(always)]
fn binary<E: Engine>(
    e: &mut E,
    i: Insn,
    lower: Lower,
    f: fn(&mut Fpscr, u128, u128) -> Option<u128>,
) -> Done<E> {
    e.require(Facility::Vsx)?;
    let (a, b) = (e.vsr(i.xa()), e.vsr(i.xb()));
    e.vfloat2(lower, f, i.xt(), a, b)
}

/// XT = f(XA, factor, addend). The A forms have the factor in XB and the addend in XT, the M forms the other way round.
#[inline(always)]
fn multiply_add<E: Engine>(
    e: &mut E,
    i: Insn,
    (factor, addend): (u32, u32),
    lower: Lower,
    f: fn(&mut Fpscr, u128, u128, u128) -> Option<u128>,
) -> Done<E> {
    e.require(Facility::Vsx)?;
    let (a, c, b) = (e.vsr(i.xa()), e.vsr(factor), e.vsr(addend));
    e.vfloat3(lower, f, i.xt(), a, c, b)
}

macro_rules! binaries {
    ($($name:ident $lower:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            binary(e, i, Lower::$lower, fv::$name)
        }
    )* };
}
binaries! {
    xvadddp Add64;
    xvaddsp Add32;
    xvsubdp Sub64;
    xvsubsp Sub32;
    xvmuldp Mul64;
    xvmulsp Mul32;
    xvdivdp Div64;
    xvdivsp Div32;
    xvmaxdp Max64;
    xvmaxsp Max32;
    xvmindp Min64;
    xvminsp Min32;
}

macro_rules! multiply_adds {
    ($($a_form:ident $m_form:ident $function:ident $lower:ident;)*) => { $(
        pub(crate) fn $a_form<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            multiply_add(e, i, (i.xb(), i.xt()), Lower::$lower, fv::$function)
        }
        pub(crate) fn $m_form<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            multiply_add(e, i, (i.xt(), i.xb()), Lower::$lower, fv::$function)
        }
    )* };
}
multiply_adds! {
    xvmaddadp xvmaddmdp xvmadddp Madd64;
    xvmaddasp xvmaddmsp xvmaddsp Madd32;
    xvmsubadp xvmsubmdp xvmsubdp Msub64;
    xvmsubasp xvmsubmsp xvmsubsp Msub32;
    xvnmaddadp xvnmaddmdp xvnmadddp Nmadd64;
    xvnmaddasp xvnmaddmsp xvnmaddsp Nmadd32;
    xvnmsubadp xvnmsubmdp xvnmsubdp Nmsub64;
    xvnmsubasp xvnmsubmsp xvnmsubsp Nmsub32;
}

/// XT = f(XB).
macro_rules! unaries {
    ($lower:expr; $($name:ident),* $(,)?) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let b = e.vsr(i.xb());
            e.vfloat1($lower, fv::$name, i.xt(), b)
        }
    )* };
}
unaries! {
    Lower::Call; xvredp, xvresp, xvrsqrtedp, xvrsqrtesp,
    xvcvdpsp, xvcvspdp, xvcvhpsp, xvcvsphp,
    xvcvdpsxds, xvcvdpuxds, xvcvdpsxws, xvcvdpuxws, xvcvspsxds, xvcvspuxds, xvcvspsxws, xvcvspuxws,
    xvcvsxddp, xvcvuxddp, xvcvsxdsp, xvcvuxdsp, xvcvsxwdp, xvcvuxwdp, xvcvsxwsp, xvcvuxwsp,
}

unaries!(Lower::Root64; xvsqrtdp);
unaries!(Lower::Root32; xvsqrtsp);
unaries!(Lower::Integral64(Integral::NearestAway); xvrdpi);
unaries!(Lower::Integral64(Integral::Current); xvrdpic);
unaries!(Lower::Integral64(Integral::Down); xvrdpim);
unaries!(Lower::Integral64(Integral::Up); xvrdpip);
unaries!(Lower::Integral64(Integral::TowardZero); xvrdpiz);
unaries!(Lower::Integral32(Integral::NearestAway); xvrspi);
unaries!(Lower::Integral32(Integral::Current); xvrspic);
unaries!(Lower::Integral32(Integral::Down); xvrspim);
unaries!(Lower::Integral32(Integral::Up); xvrspip);
unaries!(Lower::Integral32(Integral::TowardZero); xvrspiz);

/// A mask to XT, and with Rc how many elements it has to CR field 6.
macro_rules! comparisons {
    ($($name:ident $lower:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let (a, b) = (e.vsr(i.xa()), e.vsr(i.xb()));
            if i.xx3rc() {
                e.vfloat2_cr6(Lower::$lower, fv::$name, i.xt(), a, b)
            } else {
                e.vfloat2(Lower::$lower, |f, a, b| fv::$name(f, a, b).map(|(mask, _)| mask), i.xt(), a, b)
            }
        }
    )* };
}
comparisons! {
    xvcmpeqdp Equal64;
    xvcmpeqsp Equal32;
    xvcmpgtdp Above64;
    xvcmpgtsp Above32;
    xvcmpgedp AtLeast64;
    xvcmpgesp AtLeast32;
}

/// CR field BF = f(XA, XB), FPSCR left alone.
macro_rules! divide_tests {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let (a, b) = (e.vsr(i.xa()), e.vsr(i.xb()));
            e.vfloat_compare(|_, a, b| fv::$name(a, b), i.bf(), a, b)
        }
    )* };
}
divide_tests!(xvtdivdp, xvtdivsp);

/// CR field BF = f(XB), FPSCR left alone.
macro_rules! root_tests {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let b = e.vsr(i.xb());
            e.vfloat_compare(|_, b, _| fv::$name(b), i.bf(), b, b)
        }
    )* };
}
root_tests!(xvtsqrtdp, xvtsqrtsp);

/// XT = the mask of the elements of XB that are in a class of DCMX (dc || dm || dx).
macro_rules! class_tests {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let b = e.vsr(i.xb());
            let classes = i.bits(25, 1) << 6 | i.bits(29, 1) << 5 | i.ra();
            let value = e.vec1_imm(|b, classes| fv::$name(b, classes as u8), b, classes);
            e.set_vsr(i.xt(), value);
            Ok(())
        }
    )* };
}
class_tests!(xvtstdcdp, xvtstdcsp);

//! VSX scalar arithmetic in doubleword 0 of VSRs (Book I, 7.6.1 and 7.6.3). FPRs are the low 32 of them, and most operations are
//! those of the FPRs.

use power_float::{Fpscr, scalar as fp};

use super::float_move::{Sign, copy_sign, with_sign};
use crate::engine::{Done, Engine, Facility, Lower};
use crate::insn::Insn;

/// XT = f(XB).
#[inline(always)]
fn unary<E: Engine>(e: &mut E, i: Insn, f: fn(&mut Fpscr, u64) -> Option<u64>) -> Done<E> {
    e.require(Facility::Vsx)?;
    let b = e.vsr_high(i.xb());
    e.float1(Lower::Call, f, i.xt(), b)
}

/// XT = f(XA, XB).
#[inline(always)]
fn binary<E: Engine>(
    e: &mut E,
    i: Insn,
    lower: Lower,
    f: fn(&mut Fpscr, u64, u64) -> Option<u64>,
) -> Done<E> {
    e.require(Facility::Vsx)?;
    let (a, b) = (e.vsr_high(i.xa()), e.vsr_high(i.xb()));
    e.float2(lower, f, i.xt(), a, b)
}

/// XT = f(XA, factor, addend). The A forms have the factor in XB and the addend in XT, the M forms the other way round.
#[inline(always)]
fn multiply_add<E: Engine>(
    e: &mut E,
    i: Insn,
    (factor, addend): (u32, u32),
    lower: Lower,
    f: fn(&mut Fpscr, u64, u64, u64) -> Option<u64>,
) -> Done<E> {
    e.require(Facility::Vsx)?;
    let (a, c, b) = (e.vsr_high(i.xa()), e.vsr_high(factor), e.vsr_high(addend));
    e.float3(lower, f, i.xt(), a, c, b)
}

macro_rules! binaries {
    ($($name:ident $function:ident $lower:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            binary(e, i, Lower::$lower, fp::$function)
        }
    )* };
}
binaries! {
    xsadddp fadd Add64;
    xsaddsp fadds Add32;
    xssubdp fsub Sub64;
    xssubsp fsubs Sub32;
    xsmuldp fmul Mul64;
    xsmulsp fmuls Mul32;
    xsdivdp fdiv Div64;
    xsdivsp fdivs Div32;
    xsmaxdp xsmaxdp Call;
    xsmindp xsmindp Call;
    xsmaxcdp xsmaxcdp Call;
    xsmincdp xsmincdp Call;
    xsmaxjdp xsmaxjdp Call;
    xsminjdp xsminjdp Call;
    xscmpeqdp xscmpeqdp Call;
    xscmpgtdp xscmpgtdp Call;
    xscmpgedp xscmpgedp Call;
}

macro_rules! multiply_adds {
    ($($a_form:ident $m_form:ident $function:ident $lower:ident;)*) => { $(
        pub(crate) fn $a_form<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            multiply_add(e, i, (i.xb(), i.xt()), Lower::$lower, fp::$function)
        }
        pub(crate) fn $m_form<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            multiply_add(e, i, (i.xt(), i.xb()), Lower::$lower, fp::$function)
        }
    )* };
}
multiply_adds! {
    xsmaddadp xsmaddmdp fmadd Madd64;
    xsmaddasp xsmaddmsp fmadds Madd32;
    xsmsubadp xsmsubmdp fmsub Msub64;
    xsmsubasp xsmsubmsp fmsubs Msub32;
    xsnmaddadp xsnmaddmdp fnmadd Nmadd64;
    xsnmaddasp xsnmaddmsp fnmadds Nmadd32;
    xsnmsubadp xsnmsubmdp fnmsub Nmsub64;
    xsnmsubasp xsnmsubmsp fnmsubs Nmsub32;
}

macro_rules! unaries {
    ($($name:ident $function:expr;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            unary(e, i, $function)
        }
    )* };
}
unaries! {
    xssqrtdp fp::fsqrt;
    xssqrtsp fp::fsqrts;
    xsredp fp::xsredp;
    xsresp fp::xsresp;
    xsrsqrtedp fp::xsrsqrtedp;
    xsrsqrtesp fp::xsrsqrtesp;
    xsrsp fp::xsrsp;
    xsrdpi fp::xsrdpi;
    xsrdpic fp::xsrdpic;
    xsrdpim fp::xsrdpim;
    xsrdpip fp::xsrdpip;
    xsrdpiz fp::xsrdpiz;
    xscvdpsxds fp::xscvdpsxds;
    xscvdpuxds fp::xscvdpuxds;
    xscvdpsxws |f, b| fp::xscvdpsxws(f, b).map(in_both_words);
    xscvdpuxws |f, b| fp::xscvdpuxws(f, b).map(in_both_words);
    xscvsxddp fp::xscvsxddp;
    xscvsxdsp fp::xscvsxdsp;
    xscvuxddp fp::xscvuxddp;
    xscvuxdsp fp::xscvuxdsp;
    xscvdpsp |f, b| fp::xscvdpsp(f, b).map(in_both_words);
    xscvspdp |f, b| fp::xscvspdp(f, (b >> 32) as u32);
    xscvdphp |f, b| fp::xscvdphp(f, b).map(u64::from);
    xscvhpdp |f, b| fp::xscvhpdp(f, b as u16);
}

/// A result of one word: the ISA defines one half of the doubleword, and the machine puts it into both.
#[inline(always)]
const fn in_both_words(word: u32) -> u64 {
    (word as u64) << 32 | word as u64
}

/// Conversions that raise nothing.
pub(crate) fn xscvdpspn<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vsx)?;
    let b = e.vsr_high(i.xb());
    let value = e.pure1(|b| in_both_words(fp::xscvdpspn(b)), b);
    e.set_vsr_high(i.xt(), value);
    Ok(())
}

pub(crate) fn xscvspdpn<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vsx)?;
    let b = e.vsr_high(i.xb());
    let value = e.pure1(|b| fp::xscvspdpn((b >> 32) as u32), b);
    e.set_vsr_high(i.xt(), value);
    Ok(())
}

macro_rules! signs {
    ($($name:ident $sign:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let b = e.vsr_high(i.xb());
            let value = with_sign(e, b, Sign::$sign);
            e.set_vsr_high(i.xt(), value);
            Ok(())
        }
    )* };
}
signs! {
    xsabsdp Clear;
    xsnabsdp Set;
    xsnegdp Invert;
}

pub(crate) fn xscpsgndp<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vsx)?;
    let (a, b) = (e.vsr_high(i.xa()), e.vsr_high(i.xb()));
    let value = copy_sign(e, a, b);
    e.set_vsr_high(i.xt(), value);
    Ok(())
}

/// CR field BF = f(XA, XB).
macro_rules! comparisons {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let (a, b) = (e.vsr_high(i.xa()), e.vsr_high(i.xb()));
            e.float_compare(fp::$name, i.bf(), a, b)
        }
    )* };
}
comparisons!(xscmpudp, xscmpodp, xscmpexpdp);

/// CR field BF = f(XB, DCMX).
macro_rules! class_tests {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let (b, classes) = (e.vsr_high(i.xb()), e.imm(i.bits(9, 7).into()));
            e.float_compare(|f, b, classes| fp::$name(f, b, classes as u8), i.bf(), b, classes)
        }
    )* };
}
class_tests!(xststdcdp, xststdcsp);

pub(crate) fn xstdivdp<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vsx)?;
    let (a, b) = (e.vsr_high(i.xa()), e.vsr_high(i.xb()));
    let field = e.pure2(|a, b| fp::xstdivdp(a, b).into(), a, b);
    e.set_cr_field(i.bf(), field);
    Ok(())
}

pub(crate) fn xstsqrtdp<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vsx)?;
    let b = e.vsr_high(i.xb());
    let field = e.pure1(|b| fp::xstsqrtdp(b).into(), b);
    e.set_cr_field(i.bf(), field);
    Ok(())
}

/// RT = f(XB).
macro_rules! fields_to_gpr {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let b = e.vsr_high(i.xb());
            let value = e.pure1(fp::$name, b);
            e.set_gpr(i.rt(), value);
            Ok(())
        }
    )* };
}
fields_to_gpr!(xsxexpdp, xsxsigdp);

/// xsiexpdp: both operands are GPRs.
pub(crate) fn xsiexpdp<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vsx)?;
    let (a, b) = (e.gpr(i.ra()), e.gpr(i.rb()));
    let value = e.pure2(fp::xsiexpdp, a, b);
    e.set_vsr_high(i.xt(), value);
    Ok(())
}

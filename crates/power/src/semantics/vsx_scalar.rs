//! VSX scalar arithmetic in doubleword 0 of VSRs (Book I, 7.6.1 and 7.6.3). FPRs are the low 32 of them, and most operations are
//! those of the FPRs.

use power_float::{Fpscr, scalar as fp};

use super::float_move::{Sign, copy_sign, with_sign};
use crate::engine::{Done, Engine, Facility, Integral, Lower, ToInteger};
use crate::insn::Insn;

/// XT = f(XB).
#[inline(always)]
fn unary<E: Engine>(
    e: &mut E,
    i: Insn,
    lower: Lower,
    f: fn(&mut Fpscr, u64) -> Option<u64>,
) -> Done<E> {
    e.require(Facility::Vsx)?;
    let b = e.vsr_high(i.xb());
    e.float1(lower, f, i.xt(), b)
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
    xsmaxdp xsmaxdp Max64;
    xsmindp xsmindp Min64;
    xsmaxcdp xsmaxcdp Greater64;
    xsmincdp xsmincdp Less64;
    xsmaxjdp xsmaxjdp Call;
    xsminjdp xsminjdp Call;
    xscmpeqdp xscmpeqdp Equal64;
    xscmpgtdp xscmpgtdp Above64;
    xscmpgedp xscmpgedp AtLeast64;
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
    ($($name:ident $lower:expr, $function:expr;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            unary(e, i, $lower, $function)
        }
    )* };
}
/// A truncation; words fill both halves of the doubleword.
const fn truncated(signed: bool, bits: u8) -> Lower {
    Lower::ToInteger(ToInteger {
        signed,
        bits,
        truncates: true,
        doubled: bits == 32,
    })
}

const fn from_integer(signed: bool, single: bool) -> Lower {
    Lower::FromInteger { signed, single }
}

unaries! {
    xssqrtdp Lower::Root64, fp::fsqrt;
    xssqrtsp Lower::Root32, fp::fsqrts;
    xsredp Lower::Call, fp::xsredp;
    xsresp Lower::Call, fp::xsresp;
    xsrsqrtedp Lower::Call, fp::xsrsqrtedp;
    xsrsqrtesp Lower::Call, fp::xsrsqrtesp;
    xsrsp Lower::RoundToSingle, fp::xsrsp;
    xsrdpi Lower::Integral64(Integral::NearestAway), fp::xsrdpi;
    xsrdpic Lower::Integral64(Integral::Current), fp::xsrdpic;
    xsrdpim Lower::Integral64(Integral::Down), fp::xsrdpim;
    xsrdpip Lower::Integral64(Integral::Up), fp::xsrdpip;
    xsrdpiz Lower::Integral64(Integral::TowardZero), fp::xsrdpiz;
    xscvdpsxds truncated(true, 64), fp::xscvdpsxds;
    xscvdpuxds truncated(false, 64), fp::xscvdpuxds;
    xscvdpsxws truncated(true, 32), |f, b| fp::xscvdpsxws(f, b).map(in_both_words);
    xscvdpuxws truncated(false, 32), |f, b| fp::xscvdpuxws(f, b).map(in_both_words);
    xscvsxddp from_integer(true, false), fp::xscvsxddp;
    xscvsxdsp from_integer(true, true), fp::xscvsxdsp;
    xscvuxddp from_integer(false, false), fp::xscvuxddp;
    xscvuxdsp from_integer(false, true), fp::xscvuxdsp;
    xscvdpsp Lower::Call, |f, b| fp::xscvdpsp(f, b).map(in_both_words);
    xscvspdp Lower::Call, |f, b| fp::xscvspdp(f, (b >> 32) as u32);
    xscvdphp Lower::Call, |f, b| fp::xscvdphp(f, b).map(u64::from);
    xscvhpdp Lower::Call, |f, b| fp::xscvhpdp(f, b as u16);
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
    let word = e.single_from_double(b);
    let half = e.imm(32);
    let high = e.shl(word, half);
    let value = e.or(high, word);
    e.set_vsr_high(i.xt(), value);
    Ok(())
}

pub(crate) fn xscvspdpn<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vsx)?;
    let b = e.vsr_high(i.xb());
    let half = e.imm(32);
    let word = e.shr(b, half);
    let value = e.double_from_single(word);
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
    ($($name:ident $lower:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let (a, b) = (e.vsr_high(i.xa()), e.vsr_high(i.xb()));
            e.float_compare(Lower::$lower, fp::$name, i.bf(), a, b)
        }
    )* };
}
comparisons!(xscmpudp Compare64, xscmpodp Compare64, xscmpexpdp Call);

/// CR field BF = f(XB, DCMX).
macro_rules! class_tests {
    ($($name:ident),*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let (b, classes) = (e.vsr_high(i.xb()), e.imm(i.bits(9, 7).into()));
            e.float_compare(Lower::Call, |f, b, classes| fp::$name(f, b, classes as u8), i.bf(), b, classes)
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

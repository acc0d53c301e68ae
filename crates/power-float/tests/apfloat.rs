//! The arithmetic agrees with `rustc_apfloat` (LLVM's APFloat) in value, and in the exceptions that both define.

use power_float::fpscr::bits;
use power_float::{Fpscr, quad, scalar, vector};
use proptest::prelude::*;
use rustc_apfloat::ieee::{Double, Half, Quad, Single};
use rustc_apfloat::{Float, FloatConvert, Round, Status, StatusAnd};

const MODES: [Round; 4] = [
    Round::NearestTiesToEven,
    Round::TowardZero,
    Round::TowardPositive,
    Round::TowardNegative,
];

fn double() -> impl Strategy<Value = u64> {
    let exponent = prop_oneof![3 => 990u64..1060, 2 => 0u64..2048, 1 => 870u64..905, 1 => 1140u64..1156, 1 => 0u64..4, 1 => 2040u64..2048];
    let significand = prop_oneof![
        any::<u64>(),
        any::<u32>().prop_map(|w| u64::from(w) << 26),
        (0u32..52).prop_map(|i| u64::MAX << i),
        Just(0)
    ];
    (any::<bool>(), exponent, significand)
        .prop_map(|(sign, e, s)| u64::from(sign) << 63 | e << 52 | s & ((1 << 52) - 1))
}

fn quad_bits() -> impl Strategy<Value = u128> {
    let exponent = prop_oneof![3 => 16300u128..16460, 1 => 0u128..32768, 1 => 0u128..120, 1 => 32600u128..32768, 1 => 15300u128..15380];
    let significand = prop_oneof![
        any::<u128>(),
        any::<u64>().prop_map(|w| u128::from(w) << 48),
        (0u32..112).prop_map(|i| u128::MAX << i),
        Just(0)
    ];
    (any::<bool>(), exponent, significand)
        .prop_map(|(sign, e, s)| u128::from(sign) << 127 | e << 112 | s & ((1 << 112) - 1))
}

/// A double's value in single precision and double format; not a NaN.
fn single() -> impl Strategy<Value = u64> {
    double().prop_map(|d| f64::from(f64::from_bits(d) as f32).to_bits())
}

fn is_nan(bits: u64) -> bool {
    f64::from_bits(bits).is_nan()
}

/// Value and exceptions; NaN results compare as NaNs (which NaN is the ISA's affair, tested elsewhere).
fn check(what: &str, f: Fpscr, got: Option<u64>, want: StatusAnd<Double>) {
    let got = got.expect("nothing is enabled");
    let value = want.value.to_bits() as u64;
    assert!(
        got == value || is_nan(got) && is_nan(value),
        "{what}: {got:#x}, not {value:#x}"
    );
    let s = want.status;
    // APFloat finds tininess after rounding, so a result that rounds up to the smallest normalised number may differ.
    let flags = [
        (s.contains(Status::INVALID_OP), f.vx()),
        (s.contains(Status::DIV_BY_ZERO), f.zx()),
        (s.contains(Status::INEXACT), f.xx()),
        (s.contains(Status::INEXACT), f.fi()),
    ];
    for (want, got) in flags {
        assert_eq!(want, got, "{what}: {s:?} against {:#x}", f.bits());
    }
    if s.contains(Status::UNDERFLOW) {
        assert!(f.ux(), "{what}");
    }
    // APFloat is silent about an overflow that is rounded to the largest number.
    if s.contains(Status::OVERFLOW) {
        assert!(f.ox(), "{what}");
    } else if f.ox() {
        assert!(
            [0x7FEF_FFFF_FFFF_FFFF, 0x47EF_FFFF_E000_0000].contains(&(got & !(1 << 63))),
            "{what}"
        );
    }
}

fn d(bits: u64) -> Double {
    Double::from_bits(bits.into())
}

fn s(bits: u64) -> Single {
    let mut loses = false;
    d(bits).convert(&mut loses).value
}

fn widen(r: StatusAnd<Single>) -> StatusAnd<Double> {
    let mut loses = false;
    StatusAnd {
        status: r.status,
        value: r.value.convert(&mut loses).value,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

    #[test]
    fn double_arithmetic(a in double(), b in double(), c in double(), rn in 0usize..4) {
        let mode = MODES[rn];
        let f0 = Fpscr::from_bits(rn as u64);
        macro_rules! op {
            ($f:ident($($x:expr),*), $want:expr) => {{
                let mut f = f0;
                let got = scalar::$f(&mut f, $($x),*);
                check(stringify!($f), f, got, $want);
            }};
        }
        op!(fadd(a, b), d(a).add_r(d(b), mode));
        op!(fsub(a, b), d(a).sub_r(d(b), mode));
        op!(fmul(a, b), d(a).mul_r(d(b), mode));
        op!(fdiv(a, b), d(a).div_r(d(b), mode));
        op!(fmadd(a, c, b), d(a).mul_add_r(d(c), d(b), mode));
        op!(fmsub(a, c, b), d(a).mul_add_r(d(c), -d(b), mode));
    }

    #[test]
    fn single_arithmetic(a in single(), b in single(), c in single(), rn in 0usize..4) {
        let mode = MODES[rn];
        let f0 = Fpscr::from_bits(rn as u64);
        macro_rules! op {
            ($f:ident($($x:expr),*), $want:expr) => {{
                let mut f = f0;
                let got = scalar::$f(&mut f, $($x),*);
                check(stringify!($f), f, got, widen($want));
            }};
        }
        op!(fadds(a, b), s(a).add_r(s(b), mode));
        op!(fsubs(a, b), s(a).sub_r(s(b), mode));
        op!(fmuls(a, b), s(a).mul_r(s(b), mode));
        op!(fdivs(a, b), s(a).div_r(s(b), mode));
        op!(fmadds(a, c, b), s(a).mul_add_r(s(c), s(b), mode));
        op!(fmsubs(a, c, b), s(a).mul_add_r(s(c), -s(b), mode));
    }

    #[test]
    fn conversions(a in double(), integer in any::<i64>(), shift in 0u32..64, rn in 0usize..4) {
        let mode = MODES[rn];
        let f0 = Fpscr::from_bits(rn as u64);
        let mut f = f0;
        let mut loses = false;
        let got = scalar::frsp(&mut f, a);
        if !d(a).is_nan() {
            check("frsp", f, got, widen(d(a).convert_r(mode, &mut loses)));
        }
        let integer = integer >> shift;
        let mut f = f0;
        let got = scalar::fcfid(&mut f, integer as u64);
        check("fcfid", f, got, Double::from_i128_r(integer.into(), mode));
        let mut f = f0;
        let got = scalar::fcfids(&mut f, integer as u64);
        check("fcfids", f, got, widen(Single::from_i128_r(integer.into(), mode)));
        let mut f = f0;
        let got = scalar::fcfidu(&mut f, integer as u64);
        check("fcfidu", f, got, Double::from_u128_r((integer as u64).into(), mode));

        let mut exact = false;
        for (width, signed) in [(64, true), (64, false), (32, true), (32, false)] {
            let mut f = f0;
            let got = match (width, signed) {
                (64, true) => scalar::fctid(&mut f, a),
                (64, false) => scalar::fctidu(&mut f, a),
                (_, true) => scalar::fctiw(&mut f, a),
                (_, false) => scalar::fctiwu(&mut f, a),
            };
            let (status, want) = if signed {
                let r = d(a).to_i128_r(width, mode, &mut exact);
                (r.status, r.value as u64)
            } else {
                let r = d(a).to_u128_r(width, mode, &mut exact);
                (r.status, r.value as u64)
            };
            if status.contains(Status::INVALID_OP) {
                assert!(f.vxcvi() && !f.fi() && !f.xx());
            } else {
                assert_eq!(got, Some(want));
                assert_eq!(f.bits() & bits::ALL_INVALID, 0);
                assert_eq!(f.xx(), status.contains(Status::INEXACT));
            }
        }
    }

    #[test]
    fn quad_arithmetic(a in quad_bits(), b in quad_bits(), c in quad_bits(), rn in 0usize..4) {
        let mode = MODES[rn];
        let f0 = Fpscr::from_bits(rn as u64);
        let q = Quad::from_bits;
        macro_rules! op {
            ($f:ident($($x:expr),*), $want:expr) => {{
                let mut f = f0;
                let got = quad::$f(&mut f, $($x),*).expect("nothing is enabled");
                let want = $want;
                let value: Quad = want.value;
                let same = got == value.to_bits() || value.is_nan() && q(got).is_nan();
                assert!(same, "{}: {got:#x}, not {:#x}", stringify!($f), value.to_bits());
                assert_eq!(f.xx(), want.status.contains(Status::INEXACT));
                assert_eq!(f.vx(), want.status.contains(Status::INVALID_OP));
            }};
        }
        op!(xsaddqp(a, b), q(a).add_r(q(b), mode));
        op!(xssubqp(a, b), q(a).sub_r(q(b), mode));
        op!(xsmulqp(a, b), q(a).mul_r(q(b), mode));
        op!(xsdivqp(a, b), q(a).div_r(q(b), mode));
        op!(xsmaddqp(a, c, b), q(a).mul_add_r(q(c), q(b), mode));
        let mut loses = false;
        let narrow: StatusAnd<Double> = q(a).convert_r(mode, &mut loses);
        let mut f = f0;
        let got = quad::xscvqpdp(&mut f, a);
        check("xscvqpdp", f, got, narrow);
    }

    /// Rounding to odd in quad precision and then to double is one rounding to double.
    #[test]
    fn rounding_to_odd_makes_a_second_rounding_harmless(a in double(), b in double(), c in double(), rn in 0u64..4) {
        let f0 = Fpscr::from_bits(rn);
        let wide = |x| quad::xscvdpqp(&mut Fpscr::default(), x).expect("nothing is enabled");
        let twice = |x: Option<u128>| quad::xscvqpdp(&mut { f0 }, x.expect("nothing is enabled"));
        let pairs = [
            (quad::xsaddqpo(&mut { f0 }, wide(a), wide(b)), scalar::fadd(&mut { f0 }, a, b)),
            (quad::xsdivqpo(&mut { f0 }, wide(a), wide(b)), scalar::fdiv(&mut { f0 }, a, b)),
            (quad::xssqrtqpo(&mut { f0 }, wide(a)), scalar::fsqrt(&mut { f0 }, a)),
            (quad::xsmaddqpo(&mut { f0 }, wide(a), wide(c), wide(b)), scalar::fmadd(&mut { f0 }, a, c, b)),
        ];
        for (odd, once) in pairs {
            if odd.is_some_and(|x| x << 1 != 0) {
                assert_eq!(twice(odd), once);
            }
        }
    }

    #[test]
    fn roots_are_the_host_s(a in double()) {
        let want = f64::from_bits(a).sqrt();
        let got = scalar::fsqrt(&mut Fpscr::default(), a).expect("nothing is enabled");
        assert!(got == want.to_bits() || is_nan(got) && want.is_nan());
        let single = f64::from_bits(a) as f32;
        let got = scalar::fsqrts(&mut Fpscr::default(), f64::from(single).to_bits()).expect("nothing is enabled");
        assert!(got == f64::from(single.sqrt()).to_bits() || is_nan(got) && single.sqrt().is_nan());
    }

    #[test]
    fn halves(a in double(), rn in 0usize..4) {
        let mut loses = false;
        let want: StatusAnd<Half> = d(a).convert_r(MODES[rn], &mut loses);
        let got = scalar::xscvdphp(&mut Fpscr::from_bits(rn as u64), a).expect("nothing is enabled");
        if !is_nan(a) {
            assert_eq!(u128::from(got), want.value.to_bits());
            let back = scalar::xscvhpdp(&mut Fpscr::default(), got).expect("nothing is enabled");
            let wide: StatusAnd<Double> = want.value.convert(&mut loses);
            assert_eq!(u128::from(back), wide.value.to_bits());
        }
    }

    /// An element of a vector is computed as the scalar is.
    #[test]
    fn vectors_are_scalars_side_by_side(a in double(), b in double(), c in double(), rn in 0u64..4) {
        let f0 = Fpscr::from_bits(rn);
        let both = |x: u64, y: u64| u128::from(x) << 64 | u128::from(y);
        macro_rules! same {
            ($v:ident, $s:ident($($x:ident, $y:ident);*)) => {{
                let (mut fv, mut fs) = (f0, f0);
                let got = vector::$v(&mut fv, $(both($x, $y)),*);
                let first = scalar::$s(&mut fs, $($x),*).expect("nothing is enabled");
                let second = scalar::$s(&mut fs, $($y),*).expect("nothing is enabled");
                assert_eq!(got, Some(both(first, second)));
                assert_eq!(fv.bits(), fs.bits() & !bits::RESULTS);
            }};
        }
        same!(xvadddp, fadd(a, b; b, c));
        same!(xvdivdp, fdiv(a, b; b, c));
        same!(xvsqrtdp, fsqrt(a, b));
        same!(xvnmsubdp, fnmsub(a, b; b, c; c, a));
        same!(xvmaxdp, xsmaxdp(a, b; b, c));
        same!(xvrdpic, xsrdpic(a, b));
        same!(xvcvdpsxds, fctidz(a, b));
        same!(xvcvuxddp, fcfidu(a, b));
    }
}

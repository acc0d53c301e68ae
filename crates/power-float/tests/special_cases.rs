//! The rows of the ISA's special-case tables: NaNs, infinities, zeros, and what FPSCR says of them.

use power_float::fpscr::bits as b;
use power_float::scalar::*;
use power_float::{Fpscr, quad, vector};

const INF: u64 = 0x7FF0_0000_0000_0000;
const NINF: u64 = INF | 1 << 63;
const QNAN: u64 = 0x7FF8_0000_0000_0000;
const NEG_ZERO: u64 = 1 << 63;
const QUIET: u64 = 1 << 51;

fn d(x: f64) -> u64 {
    x.to_bits()
}

fn q(payload: u64) -> u64 {
    QNAN | payload << 29
}

fn s(payload: u64) -> u64 {
    INF | payload << 29
}

/// Runs with nothing enabled; the result and the sticky exceptions.
fn run(operation: impl Fn(&mut Fpscr) -> Option<u64>) -> (u64, u64) {
    let mut f = Fpscr::default();
    let result = operation(&mut f).expect("nothing is enabled");
    assert_eq!(f.fx(), f.bits() & b::STICKY != 0);
    (result, f.bits() & b::STICKY)
}

#[test]
fn invalid_operations_deliver_the_default_nan() {
    let one = d(1.0);
    let cases: [(&str, (u64, u64), u64); 12] = [
        ("inf - inf", run(|f| fadd(f, INF, NINF)), b::VXISI),
        ("inf - inf", run(|f| fsub(f, INF, INF)), b::VXISI),
        ("inf * 0", run(|f| fmul(f, INF, 0)), b::VXIMZ),
        ("0 * inf", run(|f| fmuls(f, NEG_ZERO, NINF)), b::VXIMZ),
        ("inf / inf", run(|f| fdiv(f, INF, NINF)), b::VXIDI),
        ("0 / 0", run(|f| fdivs(f, 0, NEG_ZERO)), b::VXZDZ),
        ("sqrt -1", run(|f| fsqrt(f, d(-1.0))), b::VXSQRT),
        ("sqrt -inf", run(|f| fsqrts(f, NINF)), b::VXSQRT),
        ("inf * 1 - inf", run(|f| fmadd(f, INF, one, NINF)), b::VXISI),
        ("inf * 0 + 1", run(|f| fnmadds(f, INF, 0, one)), b::VXIMZ),
        ("1 / sqrt -1", run(|f| frsqrte(f, d(-1.0))), b::VXSQRT),
        ("1 / sqrt -inf", run(|f| frsqrtes(f, NINF)), b::VXSQRT),
    ];
    for (what, (result, sticky), want) in cases {
        assert_eq!((result, sticky), (QNAN, want), "{what}");
    }
}

#[test]
fn nans_propagate_in_the_order_a_b_c_and_signalling_ones_are_quieted() {
    assert_eq!(run(|f| fadd(f, q(1), s(2))), (q(1), b::VXSNAN));
    assert_eq!(run(|f| fadd(f, s(1), q(2))), (s(1) | QUIET, b::VXSNAN));
    assert_eq!(run(|f| fdiv(f, d(1.0), q(2))), (q(2), 0));
    // A, then the addend B, then the multiplier C.
    assert_eq!(run(|f| fmadd(f, q(1), q(3), q(2))), (q(1), 0));
    assert_eq!(run(|f| fmadd(f, d(1.0), q(3), q(2))), (q(2), 0));
    assert_eq!(
        run(|f| fmadd(f, d(1.0), s(3), d(2.0))),
        (s(3) | QUIET, b::VXSNAN)
    );
    // Infinity times zero is invalid even if the addend's NaN is delivered.
    assert_eq!(run(|f| fmadd(f, INF, 0, q(2))), (q(2), b::VXIMZ));
    assert_eq!(
        run(|f| fmsub(f, INF, 0, s(2))),
        (s(2) | QUIET, b::VXIMZ | b::VXSNAN)
    );
    // Neither subtraction nor negation changes a NaN's sign.
    assert_eq!(run(|f| fnmsub(f, d(1.0), d(1.0), q(2))), (q(2), 0));
    assert_eq!(run(|f| fsub(f, d(1.0), q(2))), (q(2), 0));
}

#[test]
fn rounding_to_single_cuts_a_nan() {
    assert_eq!(
        run(|f| frsp(f, QNAN | 0x3FFF_FFFF)),
        (QNAN | 0x2000_0000, 0)
    );
    assert_eq!(run(|f| frsp(f, INF | 1)), (QNAN, b::VXSNAN));
}

#[test]
fn division_by_zero_delivers_an_infinity_unless_it_traps() {
    assert_eq!(run(|f| fdiv(f, d(-1.0), 0)), (NINF, b::ZX));
    assert_eq!(run(|f| fre(f, NEG_ZERO)), (NINF, b::ZX));
    assert_eq!(run(|f| frsqrte(f, NEG_ZERO)), (NINF, b::ZX));
    assert_eq!(run(|f| fdiv(f, INF, 0)), (INF, 0));
    let mut f = Fpscr::from_bits(b::ZE | b::FI | b::FR | 8 << b::FPRF_SHIFT);
    assert_eq!(fdiv(&mut f, d(1.0), 0), None);
    assert_eq!(
        f.bits(),
        b::FX | b::FEX | b::ZX | b::ZE | 8 << b::FPRF_SHIFT
    );
}

#[test]
fn a_trapped_invalid_operation_leaves_target_and_fprf() {
    let f0 = Fpscr::from_bits(b::VE | b::FI | b::FR | 8 << b::FPRF_SHIFT);
    let mut f = f0;
    assert_eq!(fmadd(&mut f, INF, 0, s(1)), None);
    assert_eq!(
        f.bits(),
        b::FX | b::FEX | b::VX | b::VXSNAN | b::VXIMZ | b::VE | 8 << b::FPRF_SHIFT
    );
    // Of the comparisons, the target of which is CR, FR and FI stay too.
    let mut f = f0;
    assert_eq!(fcmpo(&mut f, s(1), 0), 1);
    assert_eq!(
        f.bits(),
        b::FX | b::FEX | b::VX | b::VXSNAN | b::VE | b::FI | b::FR | 1 << b::FPRF_SHIFT
    );
}

#[test]
fn exact_cancellation_is_plus_zero_but_for_rounding_down() {
    for rn in 0..4 {
        let want = if rn == 3 { NEG_ZERO } else { 0 };
        let f = &mut Fpscr::from_bits(rn);
        assert_eq!(fsub(f, d(1.5), d(1.5)), Some(want));
        assert_eq!(fmadd(f, d(2.0), d(3.0), d(-6.0)), Some(want));
        assert_eq!(fadd(f, 0, NEG_ZERO), Some(want));
        assert_eq!(fadd(f, NEG_ZERO, NEG_ZERO), Some(NEG_ZERO));
        assert_eq!(f.bits() & b::STICKY, 0);
    }
}

#[test]
fn fprf_names_each_class() {
    let fprf = |x: u64| {
        let mut f = Fpscr::default();
        fadd(&mut f, x, if x << 1 == 0 { x } else { 0 }).expect("nothing is enabled");
        f.fprf()
    };
    assert_eq!(fprf(q(1)), 0b10001);
    assert_eq!((fprf(NINF), fprf(INF)), (0b01001, 0b00101));
    assert_eq!((fprf(d(-1.0)), fprf(d(1.0))), (0b01000, 0b00100));
    assert_eq!((fprf(NEG_ZERO | 1), fprf(1)), (0b11000, 0b10100));
    assert_eq!((fprf(NEG_ZERO), fprf(0)), (0b10010, 0b00010));
    // A single-precision result is classified as a single.
    let mut f = Fpscr::default();
    frsp(&mut f, d(f64::from(f32::from_bits(1)))).expect("nothing is enabled");
    assert_eq!((f.fprf(), f.ux()), (0b10100, false));
    // The negated forms classify the negated result.
    fnmadd(&mut f, d(1.0), d(1.0), 0).expect("nothing is enabled");
    assert_eq!(f.fprf(), 0b01000);
    fnmadd(&mut f, 0, 0, 0).expect("nothing is enabled");
    assert_eq!(f.fprf(), 0b10010);
}

#[test]
fn fr_tells_whether_the_magnitude_grew() {
    let mut f = Fpscr::default();
    let mut fr_fi = |operation: &dyn Fn(&mut Fpscr) -> Option<u64>| {
        operation(&mut f).expect("nothing is enabled");
        (f.fr(), f.fi())
    };
    assert_eq!(fr_fi(&|f| fdiv(f, d(1.0), d(3.0))), (false, true));
    assert_eq!(fr_fi(&|f| fdiv(f, d(1.0), d(10.0))), (true, true));
    assert_eq!(fr_fi(&|f| fdiv(f, d(-1.0), d(10.0))), (true, true));
    assert_eq!(fr_fi(&|f| fdivs(f, d(1.0), d(3.0))), (true, true));
    assert_eq!(fr_fi(&|f| fdiv(f, d(1.0), d(4.0))), (false, false));
    assert_eq!(fr_fi(&|f| frin(f, d(0.7))), (false, false));
    assert_eq!(fr_fi(&|f| fctid(f, d(0.7))), (true, true));
    assert_eq!(fr_fi(&|f| xsrdpic(f, d(-2.5))), (false, true));
    assert_eq!(fr_fi(&|f| xsrdpic(f, d(-3.5))), (true, true));
}

#[test]
fn overflow_is_rounded_by_the_mode_or_delivered_with_a_smaller_exponent() {
    let max = d(f64::MAX);
    let want = [INF, max, INF, max];
    let negative = [NINF, max | NEG_ZERO, max | NEG_ZERO, NINF];
    for rn in 0..4 {
        let f = &mut Fpscr::from_bits(rn as u64);
        assert_eq!(fmul(f, max, d(2.0)), Some(want[rn]));
        assert_eq!(f.bits() & b::STICKY, b::OX | b::XX);
        assert!(f.fi());
        assert_eq!(fmul(f, max, d(-2.0)), Some(negative[rn]));
    }
    let mut f = Fpscr::from_bits(b::OE);
    assert_eq!(
        fmul(&mut f, d(2f64.powi(1000)), d(2f64.powi(100))),
        Some(d(2f64.powi(1100 - 1536)))
    );
    assert_eq!(
        (f.ox(), f.xx(), f.fi(), f.fex(), f.fprf()),
        (true, false, false, true, 0b00100)
    );
    let mut f = Fpscr::from_bits(b::OE);
    assert_eq!(
        fmuls(&mut f, d(2f64.powi(100)), d(2f64.powi(100))),
        Some(d(2f64.powi(200 - 192)))
    );
}

#[test]
fn underflow_is_tininess_with_loss_or_if_it_traps_tininess() {
    let tiny = d(f64::MIN_POSITIVE);
    // Exact and denormalised: an underflow only if that traps.
    let f = &mut Fpscr::default();
    assert_eq!(fmul(f, tiny, d(0.5)), Some(1 << 51));
    assert!(!f.ux() && !f.xx());
    let f = &mut Fpscr::from_bits(b::UE);
    assert_eq!(fmul(f, tiny, d(0.5)), Some(d(2f64.powi(-1023 + 1536))));
    assert!(f.ux() && !f.xx() && f.fex());
    // Tininess is found before rounding: this rounds up to the smallest normalised number.
    let f = &mut Fpscr::default();
    assert_eq!(fmul(f, tiny, d(1.0 - f64::EPSILON / 2.0)), Some(tiny));
    assert!(f.ux() && f.xx() && f.fr() && f.fi());
    assert_eq!(f.fprf(), 0b00100);
    let f = &mut Fpscr::from_bits(b::UE);
    assert_eq!(
        fmuls(f, d(2f64.powi(-126)), d(0.5)),
        Some(d(2f64.powi(-127 + 192)))
    );
}

#[test]
fn single_precision_sums_and_fused_products_are_rounded_once() {
    let f = &mut Fpscr::default();
    // 411849 * 20857 = 2^33 + 1, so this is 1 + 2^-24 + 2^-57: just above the middle of two singles. Rounded to
    // double precision first it would be that middle, and then go to the even neighbour, 1.
    let sum = fmadds(f, d(411849.0), d(20857.0 * 2f64.powi(-57)), d(1.0));
    assert_eq!(sum, Some(d(f64::from(1.0f32 + f32::EPSILON))));
    assert!(f.fr() && f.fi());
    let sum = fmadds(
        f,
        d(411849.0),
        d(20857.0 * 2f64.powi(-57)),
        d(-1.0 - 2f64.powi(-23)),
    );
    assert_eq!(sum, Some(d(-1.0)));
    let sum = fmadds(f, d(1.0 + 2f64.powi(-23)), d(2f64.powi(-24)), d(1.0));
    assert_eq!(sum, Some(d(f64::from(1.0f32 + f32::EPSILON))));
    assert_eq!(fmadds(f, d(1.0), d(2f64.powi(-24)), d(1.0)), Some(d(1.0)));
    assert_eq!(fmadds(f, d(2f64.powi(-70)), d(1.0), d(1.0)), Some(d(1.0)));
}

#[test]
fn conversions_to_integers_saturate() {
    let cases = [
        (INF, i64::MAX as u64, u64::MAX, 0x7FFF_FFFF, 0xFFFF_FFFF),
        (NINF, i64::MIN as u64, 0, 0xFFFF_FFFF_8000_0000, 0),
        (q(1), i64::MIN as u64, 0, 0xFFFF_FFFF_8000_0000, 0),
        (d(1e30), i64::MAX as u64, u64::MAX, 0x7FFF_FFFF, 0xFFFF_FFFF),
    ];
    for (x, sd, ud, sw, uw) in cases {
        assert_eq!(run(|f| fctidz(f, x)), (sd, b::VXCVI));
        assert_eq!(run(|f| fctiduz(f, x)), (ud, b::VXCVI));
        assert_eq!(run(|f| fctiwz(f, x)), (sw, b::VXCVI));
        assert_eq!(run(|f| fctiwuz(f, x)), (uw, b::VXCVI));
    }
    assert_eq!(run(|f| fctid(f, s(1))).1, b::VXCVI | b::VXSNAN);
    assert_eq!(run(|f| fctiduz(f, d(-0.9))), (0, b::XX));
    assert_eq!(run(|f| fctiduz(f, d(-1.0))), (0, b::VXCVI));
    assert_eq!(run(|f| fctiw(f, d(2147483647.5))), (0x7FFF_FFFF, b::VXCVI));
    assert_eq!(run(|f| fctiwz(f, d(2147483647.5))), (0x7FFF_FFFF, b::XX));
    let f = &mut Fpscr::from_bits(b::VE | 8 << b::FPRF_SHIFT);
    assert_eq!(fctid(f, INF), None);
    assert_eq!(f.fprf(), 8);
}

#[test]
fn comparisons_set_fpcc_and_tell_quiet_from_signalling() {
    let f = &mut Fpscr::default();
    assert_eq!((fcmpu(f, d(1.0), d(2.0)), f.fpcc()), (8, 8));
    assert_eq!((fcmpu(f, d(2.0), d(1.0)), f.fpcc()), (4, 4));
    assert_eq!((fcmpu(f, 0, NEG_ZERO), f.fpcc()), (2, 2));
    assert_eq!((fcmpu(f, q(1), 0), f.fpcc()), (1, 1));
    assert_eq!(f.bits() & b::STICKY, 0);
    fcmpo(f, q(1), 0);
    assert_eq!(f.bits() & b::STICKY, b::VXVC);
    let f = &mut Fpscr::default();
    fcmpu(f, 0, s(1));
    assert_eq!(f.bits() & b::STICKY, b::VXSNAN);
    fcmpo(f, 0, s(1));
    assert_eq!(f.bits() & b::STICKY, b::VXSNAN | b::VXVC);
    let f = &mut Fpscr::default();
    assert_eq!(xscmpeqdp(f, q(1), q(1)), Some(0));
    assert_eq!(f.bits() & b::STICKY, 0);
    assert_eq!(xscmpgedp(f, d(2.0), d(2.0)), Some(u64::MAX));
    assert_eq!(xscmpgtdp(f, q(1), 0), Some(0));
    assert!(f.vxvc());
    assert_eq!(xscmpgtdp(&mut Fpscr::from_bits(b::VE), q(1), 0), None);
}

#[test]
fn the_three_kinds_of_maximum_differ_in_nans_and_zeros() {
    assert_eq!(run(|f| xsmaxdp(f, q(1), d(1.0))), (d(1.0), 0));
    assert_eq!(run(|f| xsmaxdp(f, d(1.0), s(1))), (s(1) | QUIET, b::VXSNAN));
    assert_eq!(run(|f| xsmaxdp(f, q(1), s(2))), (q(1), b::VXSNAN));
    assert_eq!(run(|f| xsmaxdp(f, NEG_ZERO, 0)), (0, 0));
    assert_eq!(run(|f| xsmindp(f, 0, NEG_ZERO)), (NEG_ZERO, 0));
    assert_eq!(run(|f| xsmaxcdp(f, q(1), d(1.0))), (d(1.0), 0));
    assert_eq!(run(|f| xsmaxcdp(f, d(1.0), s(1))), (s(1), b::VXSNAN));
    assert_eq!(run(|f| xsmincdp(f, 0, NEG_ZERO)), (NEG_ZERO, 0));
    assert_eq!(run(|f| xsmincdp(f, NEG_ZERO, 0)), (0, 0));
    assert_eq!(run(|f| xsmaxjdp(f, d(1.0), s(1))), (s(1), b::VXSNAN));
    assert_eq!(run(|f| xsmaxjdp(f, NEG_ZERO, 0)), (0, 0));
    assert_eq!(run(|f| xsminjdp(f, 0, NEG_ZERO)), (NEG_ZERO, 0));
}

#[test]
fn class_tests_and_fields() {
    let f = &mut Fpscr::default();
    assert_eq!((xststdcdp(f, NINF, 0x10), f.fpcc()), (0b1010, 0b1010));
    assert_eq!(xststdcdp(f, d(1.0), 0x7F), 0);
    // 2^-130 is denormalised as a single; 1 + 2^-50 is no single at all.
    assert_eq!(xststdcsp(f, d(2f64.powi(-130)), 0x02), 0b0010);
    assert_eq!(xststdcsp(f, d(1.0 + 2f64.powi(-50)), 0x7F), 0b0001);
    assert_eq!(xscmpexpdp(f, d(1.5), d(1.25)), 2);
    assert_eq!(xscmpexpdp(f, q(1), d(1.25)), 1);
    assert_eq!(xsxexpdp(d(-2.0)), 1024);
    assert_eq!(xsxsigdp(d(1.5)), 3 << 51);
    assert_eq!(xsxsigdp(5), 5);
    assert_eq!(xsiexpdp(d(-1.5), 1025), d(-6.0));
}

#[test]
fn format_conversions_quiet_nans_or_leave_them_alone() {
    let f = &mut Fpscr::default();
    assert_eq!(xscvspdp(f, 0x7F80_0001), Some(0x7FF8_0000_2000_0000));
    assert!(f.vxsnan());
    assert_eq!(xscvspdpn(0x7F80_0001), 0x7FF0_0000_2000_0000);
    assert_eq!(xscvdpspn(0x7FF0_0000_2000_0000), 0x7F80_0001);
    assert_eq!(xscvdpsp(f, d(1.0 + 2f64.powi(-24))), Some(0x3F80_0000));
    assert_eq!(xscvdphp(f, d(65504.0)), Some(0x7BFF));
    assert_eq!(xscvdphp(f, d(65520.0)), Some(0x7C00));
    assert!(f.ox());
    assert_eq!(xscvhpdp(f, 0x0001), Some(d(2f64.powi(-24))));
}

#[test]
fn an_exception_enabled_for_one_element_suppresses_the_vector() {
    let elements = |a: f64, b: f64| u128::from(d(a)) << 64 | u128::from(d(b));
    let one = elements(1.0, 1.0);
    let f = &mut Fpscr::from_bits(b::XE | 0x1F << b::FPRF_SHIFT | b::FI);
    assert_eq!(
        vector::xvdivdp(f, one, elements(2.0, 4.0)),
        Some(elements(0.5, 0.25))
    );
    assert_eq!(vector::xvdivdp(f, one, elements(2.0, 3.0)), None);
    assert_eq!(
        f.bits(),
        b::XE | b::XX | b::FX | b::FEX | 0x1F << b::FPRF_SHIFT | b::FI
    );
    let f = &mut Fpscr::from_bits(b::ZE);
    assert_eq!(vector::xvdivdp(f, elements(1.0, 0.0), 0), None);
    assert_eq!(f.bits() & b::STICKY, b::ZX | b::VXZDZ);
    let f = &mut Fpscr::default();
    assert_eq!(
        vector::xvcmpgtdp(f, one, elements(0.0, 2.0)),
        Some((u128::MAX << 64, 0))
    );
    assert_eq!(vector::xvcmpeqdp(f, one, one), Some((u128::MAX, 0b1000)));
    assert_eq!(vector::xvcmpgedp(f, 0, one), Some((0, 0b0010)));
}

#[test]
fn vector_conversions_place_their_elements() {
    let f = &mut Fpscr::default();
    let two = u128::from(d(1.5)) << 64 | u128::from(d(-2.0));
    assert_eq!(
        vector::xvcvdpsp(f, two),
        Some(0x3FC0_0000_3FC0_0000_C000_0000_C000_0000)
    );
    assert_eq!(
        vector::xvcvspdp(f, 0x3FC0_0000_0000_0000_C000_0000_0000_0000),
        Some(two)
    );
    assert_eq!(
        vector::xvcvdpsxws(f, two),
        Some(0x0000_0001_0000_0001_FFFF_FFFE_FFFF_FFFE)
    );
    assert_eq!(vector::xvcvdpuxds(f, two), Some(1 << 64));
    assert!(f.vxcvi() && f.xx());
    assert_eq!(
        vector::xvcvsxwdp(f, 0x0000_0001_0000_0000_FFFF_FFFF_0000_0000),
        Some(u128::from(d(1.0)) << 64 | u128::from(d(-1.0)))
    );
    assert_eq!(vector::xvcvhpsp(f, 0x3C00), Some(0x3F80_0000));
    assert_eq!(vector::xvcvsphp(f, 0x3F80_0000), Some(0x3C00));
}

#[test]
fn quad_special_cases_follow_the_same_tables() {
    let inf = 0x7FFFu128 << 112;
    let default_nan = inf | 1 << 111;
    let one = 0x3FFFu128 << 112;
    let f = &mut Fpscr::default();
    assert_eq!(quad::xsaddqp(f, inf, inf | 1 << 127), Some(default_nan));
    assert!(f.vxisi());
    assert_eq!(quad::xsmaddqp(f, inf, 0, inf | 1), Some(inf | 1 | 1 << 111));
    assert!(f.vximz() && f.vxsnan());
    assert_eq!(quad::xsdivqp(f, one, 0), Some(inf));
    assert!(f.zx());
    // Round to odd: 1 + 2^-200 is inexact, and the even 1.0 becomes its odd neighbour.
    let small = (0x3FFFu128 - 200) << 112;
    assert_eq!(quad::xsaddqpo(f, one, small), Some(one | 1));
    assert_eq!(quad::xssubqpo(f, one, small), Some(one - 1));
    assert_eq!(quad::xsaddqp(f, one, small), Some(one));
    // An overflow that is rounded to odd delivers the largest number.
    let largest = inf - 1;
    assert_eq!(quad::xsmulqpo(f, largest, largest), Some(largest));
    assert_eq!(quad::xscvqpsdz(f, one | 1 << 127), Some(u64::MAX));
    assert_eq!(quad::xscvqpuwz(f, inf), Some(0xFFFF_FFFF));
    assert_eq!(quad::xscmpuqp(f, one, inf), 8);
    assert_eq!(quad::xsxexpqp(one), 0x3FFF << 64);
    assert_eq!(quad::xsiexpqp(1, 0x3FFF), one | 1);
    let mut f = Fpscr::from_bits(b::OE);
    assert_eq!(
        quad::xsmulqp(&mut f, 0x7000u128 << 112, 0x7000u128 << 112),
        Some((0x7000u128 + 0x7000 - 0x3FFF - 24576) << 112)
    );
}

#[test]
fn quad_roundings_take_their_mode_from_the_instruction() {
    let value = |x: f64| quad::xscvdpqp(&mut Fpscr::default(), d(x));
    let two_and_a_half = value(2.5).expect("nothing is enabled");
    let modes = [
        (false, 0, 0, 3.0),
        (true, 0, 0, 2.0),
        (true, 1, 2, 2.0),
        (true, 2, 0, 3.0),
        (true, 3, 0, 2.0),
        (false, 3, 2, 3.0),
    ];
    for (r, rmc, rn, want) in modes {
        let f = &mut Fpscr::from_bits(rn);
        assert_eq!(quad::xsrqpi(f, two_and_a_half, r, rmc), value(want));
        assert!(!f.xx());
        assert_eq!(quad::xsrqpix(f, two_and_a_half, r, rmc), value(want));
        assert!(f.xx() && f.fi());
    }
    // 64 bits of significand stay.
    let f = &mut Fpscr::default();
    let long = two_and_a_half | 0xFFFF_FFFF_FFFF;
    assert_eq!(quad::xsrqpxp(f, long, true, 1), Some(two_and_a_half));
    assert_eq!(
        quad::xsrqpxp(f, long, true, 2),
        Some(two_and_a_half | 1 << 49)
    );
}

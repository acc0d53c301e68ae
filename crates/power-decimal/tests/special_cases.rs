//! What the ISA says of exceptions, of their enables, and of FPSCR (Book I, 5.5.10), case by case.

mod numbers;

use numbers::{extended, long, status};
use power_decimal::*;
use power_float::fpscr::bits as b;

const INFINITY: u64 = 0x7800_0000_0000_0000;
const QUIET: u64 = 0x7C00_0000_0000_0000;
const SIGNALLING: u64 = 0x7E00_0000_0000_0000;
/// FPRF of a positive normal number.
const NORMAL: u8 = 0b00100;

/// The largest DFP long number.
fn largest() -> u64 {
    long(9_999_999_999_999_999, 369)
}

#[test]
fn an_exact_result_has_the_exponent_closest_to_the_ideal_one() {
    let mut f = Fpscr::default();
    assert_eq!(dadd(&mut f, long(5, -1), long(5, -1)), Some(long(10, -1)));
    assert_eq!(dmul(&mut f, long(20, -1), long(5, -1)), Some(long(100, -2)));
    assert_eq!(ddiv(&mut f, long(1, 0), long(4, 0)), Some(long(25, -2)));
    assert_eq!(ddiv(&mut f, long(24, 0), long(1, 1)), Some(long(24, -1)));
    // 5 * 10^20 + 0 * 10^-10: as far toward 10^-10 as 16 digits reach.
    assert_eq!(
        dadd(&mut f, long(5, 20), long(0, -10)),
        Some(long(5_000_000_000_000_000, 5))
    );
    assert_eq!(f.bits() & (b::STICKY | b::FI | b::FR), 0);
    assert_eq!(f.fprf(), NORMAL);
}

#[test]
fn every_rounding_mode_decides_a_tie_in_its_way() {
    // ...0.5 and ...1.5 after 16 digits, of both signs.
    for (drn, wanted) in [
        (0, [0, 2, 0, 2]),
        (1, [0, 1, 0, 1]),
        (2, [1, 2, 0, 1]),
        (3, [0, 1, 1, 2]),
        (4, [1, 2, 1, 2]),
        (5, [0, 1, 0, 1]),
        (6, [1, 2, 1, 2]),
        // A last digit of 0 is odd enough to go up; 1 is not.
        (7, [1, 1, 1, 1]),
    ] {
        let base = 1_000_000_000_000_000;
        let sums = [(0, 1), (1, 1), (0, -1), (1, -1)].map(|(last, sign)| {
            let mut f = status(drn, 0);
            let sum = dadd(&mut f, long(sign * (base + last), 0), long(sign * 5, -1));
            assert!(f.fi() && f.xx());
            let away = sum != Some(long(sign * (base + last), 0));
            assert_eq!(f.fr(), away, "DRN {drn}: FR tells that the magnitude grew");
            (last, sign, sum)
        });
        for ((_, sign, sum), last) in sums.into_iter().zip(wanted) {
            assert_eq!(sum, Some(long(sign * (base + last), 0)), "DRN {drn}");
        }
    }
}

#[test]
fn an_overflow_goes_where_the_rounding_mode_says() {
    for (drn, infinite) in [
        (0, [true, true]),
        (1, [false, false]),
        (2, [true, false]),
        (3, [false, true]),
        (4, [true, true]),
        (5, [true, true]),
        (6, [true, true]),
        (7, [false, false]),
    ] {
        for (sign, infinite) in [0, 1 << 63].into_iter().zip(infinite) {
            let mut f = status(drn, 0);
            let product = dmul(&mut f, largest() | sign, long(10, 0));
            let wanted = if infinite { INFINITY } else { largest() };
            assert_eq!(product, Some(wanted | sign), "DRN {drn}");
            assert!(f.ox() && f.xx() && f.fi() && !f.ux());
        }
    }
}

#[test]
fn an_enabled_overflow_delivers_the_exponent_less_576_or_9216() {
    let mut f = status(0, b::OE);
    let product = dmul(&mut f, long(2, 369), long(3, 369));
    assert_eq!(
        product,
        Some(long(6, 738 - 576)),
        "exact: of the wrapped ideal exponent"
    );
    assert_eq!(
        f.bits() & (b::STICKY | b::FX | b::FEX | b::FI),
        b::OX | b::FX | b::FEX
    );
    assert_eq!(f.fprf(), NORMAL);
    let product = dmul(&mut f, largest(), largest());
    // (10^16 - 1)^2 = 9999999999999998 0000000000000001
    assert_eq!(product, Some(long(9_999_999_999_999_998, 738 + 16 - 576)));
    assert!(f.xx() && f.fi() && !f.fr());

    let mut f = status(0, b::OE);
    let product = dmul(&mut f, extended(2, 6111), extended(-3, 6111));
    assert_eq!(product, Some(extended(-6, 12222 - 9216)));
}

#[test]
fn an_enabled_underflow_delivers_the_exponent_plus_576_or_9216() {
    let mut f = status(0, b::UE);
    let product = dmul(&mut f, long(2, -398), long(3, -398));
    assert_eq!(product, Some(long(6, -796 + 576)));
    assert_eq!(
        f.bits() & (b::STICKY | b::FEX | b::FI),
        b::UX | b::FEX,
        "an exact tiny result is one"
    );
    let mut f = status(0, b::UE);
    let quotient = ddiv(&mut f, extended(1, -6176), extended(3, 0));
    let digits = 33_333_333_333_333_333_333_333_333_333_333;
    // 32 digits fit packed decimal; the two that are missing follow.
    let number = quotient.expect("a result");
    assert_eq!(dxex(number), (-6176 - 34 + 9216 + 6176) as u64);
    assert_eq!(
        dscri(number, 2),
        dscri(extended(digits, -34 - 6176 + 9216), 0)
    );
    assert!(f.ux() && f.xx() && f.fi());
}

#[test]
fn underflow_that_is_not_enabled_wants_inexactness_too() {
    let mut f = Fpscr::default();
    assert_eq!(dmul(&mut f, long(2, -398), long(3, 0)), Some(long(6, -398)));
    assert_eq!((f.ux(), f.fprf()), (false, 0b10100), "exact, and subnormal");
    assert_eq!(
        dmul(&mut f, long(15, -398), long(1, -1)),
        Some(long(2, -398))
    );
    assert!(f.ux() && f.xx() && f.fr());
    // Tiny before rounding, the least normal number after.
    let mut f = Fpscr::default();
    let sum = dmul(
        &mut f,
        long(9_999_999_999_999_999, -398),
        long(9_999_999_999_999_999, -16),
    );
    assert_eq!(sum, Some(long(9_999_999_999_999_998, -398)));
    let mut f = status(6, 0);
    let sum = dmul(&mut f, long(9_999_999_999_999_999, -397), long(1, -1));
    assert_eq!(
        (sum, f.ux()),
        (Some(long(9_999_999_999_999_999, -398)), false)
    );
    let sum = dadd(&mut f, long(9_999_999_999_999_999, -398), long(1, -398));
    assert_eq!(sum, Some(long(1_000_000_000_000_000, -397)));
    assert!(!f.ux());
}

#[test]
fn invalid_operations_have_their_bit_and_deliver_the_default_nan() {
    let minus = INFINITY | 1 << 63;
    let zero = long(0, 0);
    type Operation = fn(&mut Fpscr, u64, u64) -> Option<u64>;
    let cases: [(Operation, u64, u64, u64); 6] = [
        (dadd, INFINITY, minus, b::VXISI),
        (dsub, INFINITY, INFINITY, b::VXISI),
        (dmul, zero, minus, b::VXIMZ),
        (ddiv, INFINITY, minus, b::VXIDI),
        (ddiv, zero, zero, b::VXZDZ),
        (
            |f, a, b| dqua(f, a, b, 0),
            long(1, -15),
            long(10, 0),
            b::VXCVI,
        ),
    ];
    for (operation, x, y, bit) in cases {
        let mut f = Fpscr::from_bits(b::FR | b::FI);
        assert_eq!(operation(&mut f, x, y), Some(QUIET));
        assert_eq!(f.bits(), bit | b::VX | b::FX | 0b10001 << b::FPRF_SHIFT);
        // Enabled: no result; FR and FI become 0, FPRF stays.
        let mut f = Fpscr::from_bits(b::VE | b::FR | b::FI | 0b01000 << b::FPRF_SHIFT);
        assert_eq!(operation(&mut f, x, y), None);
        assert_eq!(
            f.bits(),
            bit | b::VX | b::FX | b::FEX | b::VE | 0b01000 << b::FPRF_SHIFT
        );
    }
}

#[test]
fn division_by_zero_delivers_an_infinity_unless_it_is_enabled() {
    let mut f = Fpscr::default();
    assert_eq!(
        ddiv(&mut f, long(-5, 0), long(0, 9)),
        Some(INFINITY | 1 << 63)
    );
    assert_eq!(f.bits(), b::ZX | b::FX | 0b01001 << b::FPRF_SHIFT);
    assert_eq!(ddiv(&mut status(0, b::ZE), long(-5, 0), long(0, 9)), None);
    let mut f = Fpscr::default();
    assert_eq!(ddiv(&mut f, INFINITY, long(0, 0)), Some(INFINITY));
    assert!(!f.zx());
}

#[test]
fn a_sum_of_zero_is_negative_only_toward_minus_infinity() {
    for drn in 0..8 {
        let sum = dadd(&mut status(drn, 0), long(7, 3), long(-7, 3));
        assert_eq!(sum, Some(long(0, 3) | u64::from(drn == 3) << 63));
    }
    let minus_zero = long(0, 0) | 1 << 63;
    assert_eq!(
        dadd(&mut Fpscr::default(), minus_zero, minus_zero),
        Some(minus_zero)
    );
}

#[test]
fn nans_are_propagated_signalling_ones_first() {
    let mut f = Fpscr::default();
    let (quiet, signalling) = (QUIET | 0x11, SIGNALLING | 0x22 | 1 << 63);
    assert_eq!(dadd(&mut f, quiet, long(1, 0)), Some(quiet));
    assert!(!f.vx());
    assert_eq!(
        dadd(&mut f, quiet, signalling),
        Some(QUIET | 0x22 | 1 << 63)
    );
    assert!(f.vxsnan());
    // A subtraction does not change the sign of a NaN.
    assert_eq!(dsub(&mut f, long(1, 0), quiet), Some(quiet));
}

#[test]
fn dfp_short_keeps_signalling_nans_and_infinities_whole() {
    let mut f = Fpscr::default();
    let short = 0xFE00_0123;
    let long_nan = dctdp(&mut f, short).expect("a result");
    assert_eq!(long_nan, SIGNALLING | 1 << 63 | 0x123);
    assert_eq!(f.fprf(), 0b00001, "a signalling NaN as a result");
    assert_eq!(drsp(&mut f, long_nan), Some(short));
    assert_eq!(f.bits() & b::STICKY, 0);
    assert_eq!(
        dctqpq(&mut f, long_nan).map(|bits| (bits >> 121) as u8),
        Some(0x7E)
    );
    assert!(f.vxsnan());
}

#[test]
fn narrowing_wraps_in_the_format_of_the_source() {
    let mut f = Fpscr::default();
    assert_eq!(
        drsp(&mut f, long(12_345_675, 0)),
        Some(0x2664_D2E8),
        "to even, 1234568E+1"
    );
    assert!(f.xx() && f.fr());
    assert_eq!(drsp(&mut f, long(1, 200)), Some(0x7800_0000));
    assert!(f.ox());
    // 192 less, to the seven digits of short, as a long.
    let mut f = status(0, b::OE);
    assert_eq!(
        drsp(&mut f, long(12_345_675, 200)),
        Some(long(1_234_568, 201 - 192))
    );
    let mut f = status(0, b::UE);
    assert_eq!(drsp(&mut f, long(5, -200)), Some(long(5, -200 + 192)));
    assert!(f.ux() && !f.xx());

    let mut f = Fpscr::default();
    let one_and_more = extended(10_000_000_000_000_001, -16);
    assert_eq!(
        drdpq(&mut f, one_and_more),
        Some(u128::from(long(1_000_000_000_000_000, -15)) << 64)
    );
    let mut f = status(0, b::OE);
    assert_eq!(
        drdpq(&mut f, extended(7, 4000)),
        Some(extended(7, 4000 - 3072))
    );
}

#[test]
fn integers_out_of_range_saturate() {
    let mut f = Fpscr::default();
    assert_eq!(dctfix(&mut f, long(-25, -1)), Some(-2i64 as u64));
    assert!(f.xx() && f.fi() && !f.fr());
    for (number, wanted) in [
        (INFINITY, i64::MAX),
        (INFINITY | 1 << 63, i64::MIN),
        (long(1, 19), i64::MAX),
        (long(-1, 300), i64::MIN),
        (QUIET, i64::MIN),
    ] {
        let mut f = Fpscr::from_bits(b::FI);
        assert_eq!(dctfix(&mut f, number), Some(wanted as u64));
        assert!(f.vxcvi() && !f.fi());
    }
    let mut f = Fpscr::default();
    assert_eq!(
        dctfix(&mut f, extended(i64::MIN.into(), 0)),
        Some(i64::MIN as u64)
    );
    assert_eq!(
        dctfix(&mut f, extended(i64::MAX.into(), 0)),
        Some(i64::MAX as u64)
    );
    assert!(!f.vx() && !f.xx());
    // Half more than the largest: to even, out of range; toward zero, within.
    let half_more = extended(i128::from(i64::MAX) * 10 + 5, -1);
    assert_eq!(dctfix(&mut status(1, 0), half_more), Some(i64::MAX as u64));
    assert_eq!(dctfix(&mut f, half_more), Some(i64::MAX as u64));
    assert!(f.vxcvi());
    assert_eq!(
        dcffix(&mut Fpscr::default(), (-42i64) as u64),
        Some(long(-42, 0))
    );
    let mut f = Fpscr::default();
    let rounded: Option<u64> = dcffix(&mut f, i64::MAX as u64);
    assert_eq!(
        (rounded, f.xx()),
        (Some(long(9_223_372_036_854_776, 3)), true)
    );
}

#[test]
fn packed_decimal_has_signs_and_is_checked() {
    let mut f = Fpscr::default();
    assert_eq!(denbcd(&mut f, 0x123D_u64, true), Some(long(-123, 0)));
    assert_eq!(ddedpd(long(-123, 5), 2), 0x123D);
    assert_eq!(ddedpd(long(123, 5), 2), 0x123C);
    assert_eq!(ddedpd(long(123, 5), 3), 0x123F);
    assert_eq!(
        ddedpd(long(-9_123_456_789_012_345, 0), 0),
        0x9123_4567_8901_2345
    );
    assert_eq!(
        ddedpd(long(9_123_456_789_012_345, 0), 2),
        0x1234_5678_9012_345C
    );
    assert!(!f.vx());
    assert_eq!(
        denbcd(&mut f, 0x1239_u64, true),
        Some(QUIET),
        "9 is no sign"
    );
    assert!(f.vxcvi());
    assert_eq!(denbcd(&mut status(0, b::VE), 0xA_u64, false), None);
}

#[test]
fn exponents_are_taken_out_and_put_in() {
    assert_eq!(dxex(long(1, -398)), 0);
    assert_eq!(dxex(long(1, 369)), 767);
    let special = [INFINITY, QUIET, SIGNALLING].map(|bits| dxex(bits) as i64);
    assert_eq!(special, [-1, -2, -3]);
    for (exponent, wanted) in [
        (398, long(-55, 0)),
        (768, QUIET | 1 << 63 | 0x55),
        (-1i64 as u64, INFINITY | 1 << 63 | 0x55),
        (-2i64 as u64, QUIET | 1 << 63 | 0x55),
        (-3i64 as u64, SIGNALLING | 1 << 63 | 0x55),
        (-4i64 as u64, QUIET | 1 << 63 | 0x55),
    ] {
        assert_eq!(diex(exponent, long(-55, 77)), wanted, "{exponent:#x}");
    }
}

#[test]
fn data_groups_and_significance() {
    let group =
        |number: u64| (0..6).find(|n| dtstdg(&mut Fpscr::default(), number, 0x20 >> n) & 2 != 0);
    for (number, wanted) in [
        (long(0, 0), 0),
        (long(0, -398), 1),
        (long(0, 369), 1),
        (long(1, -390), 2),
        (long(1, 369), 2),
        (long(1, 0), 3),
        (largest() - (1 << 50), 4),
        (INFINITY, 5),
    ] {
        assert_eq!(group(number), Some(wanted), "{number:#x}");
    }
    let mut f = Fpscr::default();
    assert_eq!(dtstsf(&mut f, 3, long(1234, 0)), 8);
    assert_eq!(dtstsf(&mut f, 64 + 4, long(1234, 0)), 2, "six bits count");
    assert_eq!(
        dtstsfi(&mut f, 0, long(1234, 0)),
        4,
        "0 is greater than all"
    );
    assert_eq!(dtstsfi(&mut f, 1, long(0, 0)), 4, "zero has no digit");
    assert_eq!((dtstsfi(&mut f, 1, QUIET), f.fpcc()), (1, 1));
}

#[test]
fn rerounding_reduces_digits_and_refuses_what_has_no_exponent() {
    let mut f = Fpscr::default();
    assert_eq!(drrnd(&mut f, 3, long(99_951, 0), 0), Some(long(100, 3)));
    assert!(f.xx() && f.fr());
    assert_eq!(drrnd(&mut f, 0, long(99_951, 0), 0), Some(long(99_951, 0)));
    assert!(!f.fi());
    assert_eq!(
        drrnd(&mut f, 15, largest(), 1),
        Some(QUIET),
        "10^370 is no quantum"
    );
    assert!(f.vxcvi());
}

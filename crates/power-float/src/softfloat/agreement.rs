//! Property tests: wherever the fast paths answer, they agree with the exact path in every bit.

use proptest::prelude::*;

use super::element::{Double, Shape, Single, SingleInDouble, exact};
use super::{Control, fast};
use crate::fpscr::Rounding;
use crate::softfloat::convert;

/// Doubles of all magnitudes, with an accent on few significant bits, near exponents and the ends of the range.
fn double() -> impl Strategy<Value = u64> {
    let significand = prop_oneof![
        any::<u64>(),
        any::<u32>().prop_map(|w| u64::from(w) << 29),
        (0u32..52).prop_map(|i| 1 << i),
        (0u32..52).prop_map(|i| u64::MAX << i),
        Just(0),
    ];
    let exponent = prop_oneof![4 => 1000u64..1048, 2 => 0u64..2048, 1 => 870u64..905, 1 => 1140u64..1156, 1 => 0u64..4, 1 => 2040u64..2048];
    (any::<bool>(), exponent, significand)
        .prop_map(|(sign, e, s)| u64::from(sign) << 63 | e << 52 | s & ((1 << 52) - 1))
}

/// Singles in double format (and doubles with as few bits, but a larger exponent).
fn narrow() -> impl Strategy<Value = u64> {
    double().prop_map(|d| d & !0x1FFF_FFFF)
}

fn single() -> impl Strategy<Value = u32> {
    prop_oneof![
        any::<u32>(),
        (any::<u32>(), 100u32..150).prop_map(|(w, e)| w & 0x807F_FFFF | e << 23)
    ]
}

fn agree<S: Shape>(a: u128, b: u128, c: u128) {
    let control = Control::NEAREST;
    if let Some(o) = S::fast_add(a, b) {
        assert_eq!(o, exact::add::<S>(control, a, b), "{a:#x} + {b:#x}");
    }
    if let Some(o) = S::fast_multiply(a, b) {
        assert_eq!(o, exact::multiply::<S>(control, a, b), "{a:#x} * {b:#x}");
    }
    if let Some(o) = S::fast_divide(a, b) {
        assert_eq!(o, exact::divide::<S>(control, a, b), "{a:#x} / {b:#x}");
    }
    if let Some(o) = S::fast_root(a) {
        assert_eq!(o, exact::root::<S>(control, a), "sqrt {a:#x}");
    }
    if let Some(o) = S::fast_multiply_add(a, c, b) {
        assert_eq!(
            o,
            exact::multiply_add::<S>(false, control, a, c, b),
            "{a:#x} * {c:#x} + {b:#x}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40_000) })]

    #[test]
    fn doubles_agree(a in double(), b in double(), c in double()) {
        agree::<Double>(a.into(), b.into(), c.into());
    }

    #[test]
    fn singles_in_double_format_agree(a in narrow(), b in narrow(), c in narrow()) {
        agree::<SingleInDouble>(a.into(), b.into(), c.into());
    }

    #[test]
    fn singles_agree(a in single(), b in single(), c in single()) {
        agree::<Single>(a.into(), b.into(), c.into());
    }

    #[test]
    fn sums_that_nearly_cancel_agree(a in double(), c in double(), ulps in -3i64..4) {
        let product = f64::from_bits(a) * f64::from_bits(c);
        let near = (-product).to_bits().wrapping_add_signed(ulps);
        agree::<Double>(a.into(), near.into(), c.into());
        agree::<Double>(a.into(), (a ^ 1 << 63).wrapping_add_signed(ulps).into(), c.into());
    }

    #[test]
    fn roundings_and_conversions_agree(a in double()) {
        use crate::softfloat::convert::Integer;
        let unpacked = super::Unpacked::unpack(super::Format::DOUBLE, a.into());
        if let Some(o) = fast::single::round(a) {
            let exact = convert::quieted(unpacked).round_into(super::Format::SINGLE, super::Format::DOUBLE, Control::NEAREST);
            assert_eq!(o, exact);
        }
        for bits in [32, 64] {
            if let Some(o) = fast::integer::truncated(a, bits) {
                assert_eq!(o, convert::to_integer(unpacked, Rounding::TowardZero, Integer::Signed(bits)));
            }
        }
        let integer = (a as i64) >> (a & 63);
        let exact = convert::from_signed(integer);
        assert_eq!(fast::integer::to_double(integer), exact.round(super::Format::DOUBLE, Control::NEAREST));
        assert_eq!(
            fast::integer::to_single(integer),
            exact.round_into(super::Format::SINGLE, super::Format::DOUBLE, Control::NEAREST)
        );
    }
}

//! What holds for all operands: nothing panics, results are canonical, and the formats agree with each other.

use power_decimal::*;
use power_float::fpscr::bits as b;
use proptest::prelude::*;

/// FPSCR with a rounding mode.
fn status(drn: u64) -> Fpscr {
    Fpscr::from_bits(drn << b::DRN_SHIFT)
}

/// Bits of a number with exponents near each other, or of anything.
fn operand() -> impl Strategy<Value = u128> {
    prop_oneof![
        any::<u128>(),
        // Exponents within a few dozen of that of integers.
        (any::<u128>(), 0u128..64).prop_map(|(bits, near)| {
            let exponent = (0x2208_u128 << 112) + (near << 110);
            let sign_and_digits = 1 << 127 | ((1 << 110) - 1);
            exponent | bits & sign_and_digits
        }),
    ]
}

/// Of a result: its bits are those that its class and digits have.
fn canonical<F: Format + PartialEq + std::fmt::Debug>(result: Option<F>) {
    if let Some(bits) = result {
        assert_eq!(dscli(bits, 0), bits);
    }
}

fn everything<F: Format + PartialEq + std::fmt::Debug>(f: Fpscr, a: F, b: F, field: u8) {
    let (word, rmc) = (b.into() as u64, field & 3);
    canonical(dadd(&mut f.clone(), a, b));
    canonical(dsub(&mut f.clone(), a, b));
    canonical(dmul(&mut f.clone(), a, b));
    canonical(ddiv(&mut f.clone(), a, b));
    canonical(dqua(&mut f.clone(), a, b, rmc));
    assert_eq!(dcmpu(&mut f.clone(), a, b).count_ones(), 1);
    assert_eq!(dcmpo(&mut f.clone(), a, b).count_ones(), 1);
    assert_eq!(dtstex(&mut f.clone(), a, b).count_ones(), 1);
    canonical(dquai(&mut f.clone(), a, field as i8 >> 3, rmc));
    canonical(drrnd(&mut f.clone(), word, a, rmc));
    for r in [false, true] {
        canonical(drintx(&mut f.clone(), a, r, rmc));
        canonical(drintn(&mut f.clone(), a, r, rmc));
    }
    canonical::<F>(dcffix(&mut f.clone(), word));
    dctfix(&mut f.clone(), a);
    canonical(denbcd(&mut f.clone(), a, field & 1 != 0));
    ddedpd(a, rmc);
    canonical(Some(diex(word, a)));
    canonical(Some(dscli(a, field)));
    canonical(Some(dscri(a, field)));
    dtstdc(&mut f.clone(), a, field);
    dtstdg(&mut f.clone(), a, field);
    dtstsf(&mut f.clone(), word, a);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn no_operands_are_too_much(a in operand(), b in operand(), bits: u64, field: u8) {
        let f = Fpscr::from_bits(bits);
        everything(f, a, b, field);
        everything(f, (a >> 64) as u64, (b >> 64) as u64, field);
        canonical(dctdp(&mut f.clone(), a as u64));
        canonical(dctqpq(&mut f.clone(), a as u64));
        drsp(&mut f.clone(), a as u64);
        drdpq(&mut f.clone(), a);
    }

    /// Rounding to prepare for shorter precision, then to the shorter one, is as good as rounding once.
    #[test]
    fn long_arithmetic_is_extended_arithmetic_rounded_twice(a: u64, b: u64, drn in 0u64..8) {
        for (long, extended) in [
            (dadd::<u64> as fn(&mut Fpscr, u64, u64) -> Option<u64>, dadd::<u128> as fn(&mut Fpscr, u128, u128) -> Option<u128>),
            (dsub, dsub),
            (dmul, dmul),
            (ddiv, ddiv),
        ] {
            let mut f = status(drn);
            let once = long(&mut f, a, b);
            let mut wide = status(7);
            let [x, y] = [a, b].map(|bits| dctqpq(&mut wide, bits).expect("not enabled"));
            // The sign of a zero depends on the mode.
            let exact = extended(&mut status(drn), x, y).expect("not enabled");
            let between = extended(&mut wide, x, y).expect("not enabled");
            let between = if dtstdc(&mut wide.clone(), exact, 0x20) & 2 != 0 { exact } else { between };
            let mut last = status(drn);
            let twice = drdpq(&mut last, between).expect("not enabled");
            let once = once.expect("not enabled");
            // The digits are the same; an exact quotient or product may have had more room for its ideal exponent.
            prop_assert_eq!(dcmpu(&mut f.clone(), once, (twice >> 64) as u64) & 3 != 0, true, "{:x} {:x}", once, twice);
        }
    }

    #[test]
    fn a_sum_does_not_depend_on_the_order(a in operand(), b in operand(), drn in 0u64..8) {
        let (mut f, mut g) = (status(drn), status(drn));
        let (x, y) = (dadd(&mut f, a, b), dadd(&mut g, b, a));
        if dcmpu(&mut f.clone(), a, b) != 1 {
            prop_assert_eq!((x, f), (y, g));
        }
    }
}

//! What holds for all operands: nothing panics, results are canonical, and the formats agree with
//! each other.

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

/// An operation of two operands.
type Operation<F> = fn(&mut Fpscr, F, F) -> Option<F>;

/// The value of a sum, difference, product or quotient is the same by way of DFP extended.
fn rounded_twice(drn: u64, long: Operation<u64>, extended: Operation<u128>, a: u64, b: u64) {
    const ENABLED: &str = "nothing is enabled";
    let once = long(&mut status(drn), a, b).expect(ENABLED);
    let mut between = status(7);
    let [x, y] = [a, b].map(|bits| dctqpq(&mut between, bits).expect(ENABLED));
    // The sign of a zero depends on the mode.
    let exact = extended(&mut status(drn), x, y).expect(ENABLED);
    let prepared = extended(&mut between, x, y).expect(ENABLED);
    let zero = dtstdc(&mut status(0), exact, 0x20) & 2 != 0;
    let wide = if zero { exact } else { prepared };
    let twice = drdpq(&mut status(drn), wide).expect(ENABLED);
    let twice = (twice >> 64) as u64;
    // Equal or both NaNs; an exact result may have had more room for its ideal exponent.
    let order = dcmpu(&mut status(0), once, twice);
    assert!(order & 3 != 0, "{once:x} {twice:x}");
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

    /// Rounding to prepare for shorter precision, then to the shorter one, is as good as rounding
    /// once.
    #[test]
    fn long_arithmetic_is_extended_arithmetic_rounded_twice(a: u64, b: u64, drn in 0u64..8) {
        rounded_twice(drn, dadd, dadd, a, b);
        rounded_twice(drn, dsub, dsub, a, b);
        rounded_twice(drn, dmul, dmul, a, b);
        rounded_twice(drn, ddiv, ddiv, a, b);
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

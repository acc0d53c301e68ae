//! The General Decimal Arithmetic test vectors (`*.decTest`, by Mike Cowlishaw, as CPython's test
//! suite has them) on the instructions that do what they ask for.
//!
//! Their conditions are ours so: inexact is XX and FI, overflow OX, underflow UX, division by zero
//! ZX, an undefined division VXZDZ, an invalid operation any VX. Rounded, clamped and subnormal
//! tell of a result what FPSCR does not.

mod parse;

use guest_kit::{GuestKit, Progress};
use power_float::Fpscr;
use power_float::fpscr::bits as b;

use crate::format::{Format, Layout};
use crate::number::{Class, Number};
use parse::{Line, fits, folded, number};

/// What became of a file's lines.
#[derive(Debug, Default)]
struct Tally {
    passed: usize,
    left_out: usize,
    failed: Vec<String>,
}

/// What an instruction leaves of an operation: the result as the vectors write it, and FPSCR.
type Ran = Option<(Number, Fpscr)>;

fn file(name: &str) -> String {
    let directory = GuestKit::ensure_decimal_vectors(&Progress::auto())
        .expect("the vectors are fetched with the distribution's packages");
    std::fs::read_to_string(directory.join(name)).expect("a file of the vectors")
}

/// Runs the lines of a file that `run` knows, compares all they leave, and expects at least `least`
/// of them to be run.
fn check(name: &str, least: usize, run: impl Fn(&Line) -> Option<Ran>) {
    let mut tally = Tally::default();
    for line in parse::lines(&file(name)) {
        match run(&line) {
            None => tally.left_out += 1,
            Some(ran) => match wrong(&line, ran) {
                None => tally.passed += 1,
                Some(what) => tally.failed.push(format!("{line:?}\n  {what}")),
            },
        }
    }
    println!(
        "{name}: {} passed, {} left out",
        tally.passed, tally.left_out
    );
    let failed = tally.failed.len();
    assert!(
        failed == 0,
        "{name}: {failed} differ\n{}",
        tally.failed[..failed.min(12)].join("\n")
    );
    assert!(
        tally.passed >= least,
        "{name}: only {} were run",
        tally.passed
    );
}

/// What of an instruction's result and FPSCR differs from the line.
fn wrong(line: &Line, ran: Ran) -> Option<String> {
    let Some((found, f)) = ran else {
        return Some("nothing was delivered".to_owned());
    };
    let layout = layout_of(line);
    let wanted = number(&line.result, layout).expect("a result that is a number");
    if found != wanted {
        return Some(format!("delivered {found:?}, not {wanted:?}"));
    }
    let flags = [
        ("inexact", b::XX),
        ("inexact", b::FI),
        ("overflow", b::OX),
        ("underflow", b::UX),
        ("division_by_zero", b::ZX),
        ("division_undefined", b::VXZDZ),
    ];
    for (condition, bit) in flags {
        if line.has(condition) != (f.bits() & bit != 0) {
            return Some(format!("{condition}, but FPSCR is {:#x}", f.bits()));
        }
    }
    let invalid = line.has("invalid_operation") || line.has("division_undefined");
    if invalid != f.vx() {
        return Some(format!("VX is {}", f.vx()));
    }
    None
}

fn layout_of(line: &Line) -> Layout {
    match line.context.precision {
        7 => Layout::SHORT,
        16 => Layout::LONG,
        34 => Layout::EXTENDED,
        other => panic!("{}: no format has {other} digits", line.id),
    }
}

/// FPSCR that rounds as the line says.
fn status(line: &Line) -> Fpscr {
    Fpscr::from_bits(u64::from(line.context.drn) << b::DRN_SHIFT)
}

/// The line's operands, where they are numbers of the format.
fn operands<F: Format>(line: &Line) -> Option<Vec<F>> {
    line.operands
        .iter()
        .map(|text| {
            let number = folded(number(text, F::LAYOUT)?, F::LAYOUT);
            fits(number, F::LAYOUT).then(|| F::of(F::LAYOUT.pack(number)))
        })
        .collect()
}

fn delivered<F: Format>(result: Option<F>, f: Fpscr) -> Ran {
    result.map(|bits| (F::LAYOUT.unpack(bits.into()), f))
}

fn arithmetic<F: Format>(line: &Line) -> Option<Ran> {
    let [x, y] = operands::<F>(line)?.try_into().ok()?;
    let mut f = status(line);
    let result = match line.operation.as_str() {
        "add" => crate::dadd(&mut f, x, y),
        "subtract" => crate::dsub(&mut f, x, y),
        "multiply" => crate::dmul(&mut f, x, y),
        "divide" => crate::ddiv(&mut f, x, y),
        _ => return None,
    };
    Some(delivered(result, f))
}

#[test]
fn sums_differences_products_and_quotients_of_longs() {
    check("ddAdd.decTest", 1080, arithmetic::<u64>);
    check("ddSubtract.decTest", 510, arithmetic::<u64>);
    check("ddMultiply.decTest", 440, arithmetic::<u64>);
    check("ddDivide.decTest", 715, arithmetic::<u64>);
}

#[test]
fn sums_differences_products_and_quotients_of_extendeds() {
    check("dqAdd.decTest", 1000, arithmetic::<u128>);
    check("dqSubtract.decTest", 510, arithmetic::<u128>);
    check("dqMultiply.decTest", 466, arithmetic::<u128>);
    check("dqDivide.decTest", 686, arithmetic::<u128>);
}

/// -1, 0, 1 or a NaN, as comparisons of the vectors deliver it.
fn compared(field: u8, operands: &[Number], f: Fpscr) -> Ran {
    let of = |class| operands.iter().find(|number| number.class == class);
    let number = match field {
        8 => Number::finite(true, 1, 0),
        4 => Number::finite(false, 1, 0),
        2 => Number::finite(false, 0, 0),
        _ => of(Class::Signalling)
            .or_else(|| of(Class::Quiet))?
            .quieted(),
    };
    assert_eq!(f.fpcc(), field);
    Some((number, f))
}

fn comparison<F: Format>(line: &Line) -> Option<Ran> {
    let [x, y] = operands::<F>(line)?.try_into().ok()?;
    let mut f = status(line);
    let field = match line.operation.as_str() {
        "compare" => crate::dcmpu(&mut f, x, y),
        "comparesig" => crate::dcmpo(&mut f, x, y),
        "samequantum" => {
            let same = crate::dtstex(&mut f, x, y) == 2;
            return Some(Some((Number::finite(false, same.into(), 0), f)));
        }
        _ => return None,
    };
    Some(compared(
        field,
        &[x, y].map(|operand| F::LAYOUT.unpack(operand.into())),
        f,
    ))
}

#[test]
fn comparisons_and_same_quantum() {
    check("ddCompare.decTest", 600, comparison::<u64>);
    check("ddCompareSig.decTest", 500, comparison::<u64>);
    check("ddSameQuantum.decTest", 300, comparison::<u64>);
    check("dqCompare.decTest", 600, comparison::<u128>);
    check("dqCompareSig.decTest", 500, comparison::<u128>);
    check("dqSameQuantum.decTest", 300, comparison::<u128>);
}

fn adjustment<F: Format>(line: &Line) -> Option<Ran> {
    /// RMC that stands for FPSCR\[DRN\].
    const DRN: u8 = 3;
    let operands = operands::<F>(line)?;
    let mut f = status(line);
    let result = match (line.operation.as_str(), operands.as_slice()) {
        ("quantize", [x, y]) => {
            // Of two NaNs the vectors take the first, and FRA is the second.
            let nans = [x, y].map(|each| F::LAYOUT.unpack((*each).into()).is_nan());
            if nans == [true; 2] {
                return None;
            }
            crate::dqua(&mut f, *y, *x, DRN)
        }
        ("tointegralx", [x]) => crate::drintx(&mut f, *x, false, DRN),
        ("tointegral", [x]) => crate::drintn(&mut f, *x, false, DRN),
        _ => return None,
    };
    Some(delivered(result, f))
}

#[test]
fn quantize_and_rounding_to_an_integral_value() {
    check("ddQuantize.decTest", 600, adjustment::<u64>);
    check("ddToIntegral.decTest", 150, adjustment::<u64>);
    check("dqQuantize.decTest", 600, adjustment::<u128>);
    check("dqToIntegral.decTest", 150, adjustment::<u128>);
}

/// Shifts of significands; of NaNs and infinities the instructions shift what the vectors leave.
fn shift<F: Format>(line: &Line) -> Option<Ran> {
    let [x, _] = operands::<F>(line)?.try_into().ok()?;
    let places: i32 = line.operands[1].parse().ok()?;
    let shifts = line.operation == "shift" && F::LAYOUT.unpack(x.into()).is_finite();
    if !shifts || places.unsigned_abs() > F::LAYOUT.digits() {
        return None;
    }
    let count = places.unsigned_abs() as u8;
    let shifted = if places < 0 {
        crate::dscri(x, count)
    } else {
        crate::dscli(x, count)
    };
    Some(delivered(Some(shifted), status(line)))
}

#[test]
fn shifts_of_significands() {
    check("ddShift.decTest", 100, shift::<u64>);
    check("dqShift.decTest", 100, shift::<u128>);
}

/// Encodings as they are read and made.
fn encoding(line: &Line, layout: Layout) -> Option<Ran> {
    let [operand] = line.operands.as_slice() else {
        return None;
    };
    let known = matches!(line.operation.as_str(), "apply" | "canonical");
    let number = number(operand, layout).filter(|number| known && fits(*number, layout))?;
    // A result in hexadecimal digits is compared bit for bit.
    if let Some(digits) = line.result.strip_prefix('#') {
        let wanted = u128::from_str_radix(digits, 16).expect("hexadecimal digits");
        let made = match number.class {
            Class::Infinity => layout.pack(Number::infinity(number.sign)),
            _ => layout.pack(number),
        };
        assert_eq!(made, wanted, "{line:?} made {made:x}");
    }
    let result = match number.class {
        Class::Infinity => Number::infinity(number.sign),
        _ => number,
    };
    Some(Some((result, status(line))))
}

#[test]
fn encodings() {
    check("dsEncode.decTest", 250, |line| {
        encoding(line, Layout::SHORT)
    });
    check("ddEncode.decTest", 300, |line| encoding(line, Layout::LONG));
    check("dqEncode.decTest", 300, |line| {
        encoding(line, Layout::EXTENDED)
    });
    check("ddCanonical.decTest", 80, |line| {
        encoding(line, Layout::LONG)
    });
    check("dqCanonical.decTest", 80, |line| {
        encoding(line, Layout::EXTENDED)
    });
}

/// A number read into the next wider format and rounded from there.
fn narrowing(line: &Line) -> Option<Ran> {
    let reads = matches!(line.operation.as_str(), "apply" | "tosci");
    let [operand] = line.operands.as_slice() else {
        return None;
    };
    let narrow = layout_of(line);
    let wide = match narrow {
        Layout::SHORT => Layout::LONG,
        _ => Layout::EXTENDED,
    };
    if operand.starts_with('#') || line.result.starts_with('#') {
        return None;
    }
    let number = number(operand, wide).filter(|number| reads && fits(*number, wide))?;
    // Reading a NaN is no operation on one.
    if !number.is_finite() {
        return None;
    }
    let bits = wide.pack(number);
    let mut f = status(line);
    let result = match narrow {
        Layout::SHORT => crate::drsp(&mut f, bits as u64).map(u128::from),
        _ => crate::drdpq(&mut f, bits).map(|pair| pair >> 64),
    };
    Some(result.map(|bits| (narrow.unpack(bits), f)))
}

#[test]
fn rounding_to_short_and_to_long() {
    check("dsBase.decTest", 500, narrowing);
    check("ddBase.decTest", 550, narrowing);
}

#[test]
fn classes_are_told() {
    for (name, long) in [("ddClass.decTest", true), ("dqClass.decTest", false)] {
        let mut told = 0;
        for line in parse::lines(&file(name)) {
            let class = ["Zero", "Subnormal", "Normal", "Infinity", "NaN", "sNaN"]
                .iter()
                .position(|class| line.result.trim_start_matches(['+', '-']) == *class)
                .expect("a class");
            let mut f = Fpscr::default();
            let mask = 1 << (5 - class);
            let field = if long {
                crate::dtstdc(
                    &mut f,
                    operands::<u64>(&line).unwrap_or_else(|| panic!("{line:?}"))[0],
                    mask,
                )
            } else {
                crate::dtstdc(
                    &mut f,
                    operands::<u128>(&line).unwrap_or_else(|| panic!("{line:?}"))[0],
                    mask,
                )
            };
            assert_eq!(field & 2, 2, "{line:?}");
            told += 1;
        }
        assert!(told > 30, "{name}: {told}");
    }
}

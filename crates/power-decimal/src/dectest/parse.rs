//! The format of the test vectors: directives, and lines of an operation with operands, result and
//! conditions.

use crate::format::Layout;
use crate::number::{Class, Number};

/// The settings that directives make; they hold until changed.
#[derive(Clone, Debug, Default)]
pub(super) struct Context {
    /// Digits of results.
    pub precision: u32,
    /// How results are rounded, as FPSCR\[DRN\].
    pub drn: u8,
}

/// A line that says what an operation makes of operands.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub id: String,
    pub operation: String,
    pub operands: Vec<String>,
    pub result: String,
    pub conditions: Vec<String>,
    pub context: Context,
}

impl Line {
    /// Whether a condition is among those expected.
    pub fn has(&self, condition: &str) -> bool {
        self.conditions.iter().any(|each| each == condition)
    }
}

/// All lines of a file.
pub(super) fn lines(text: &str) -> Vec<Line> {
    let mut context = Context::default();
    let mut lines = Vec::new();
    for text in text.lines() {
        let words = words(text);
        match words.as_slice() {
            [directive, value] if directive.ends_with(':') => {
                match directive.to_lowercase().as_str() {
                    "precision:" => context.precision = value.parse().expect("a precision"),
                    "rounding:" => context.drn = drn(value),
                    _ => {}
                }
            }
            [id, operation, rest @ ..] if rest.len() >= 2 => {
                let Some(arrow) = rest.iter().position(|word| word == "->") else {
                    continue;
                };
                lines.push(Line {
                    id: id.clone(),
                    operation: operation.to_lowercase(),
                    operands: rest[..arrow].to_vec(),
                    result: rest[arrow + 1].clone(),
                    conditions: rest[arrow + 2..].iter().map(|c| c.to_lowercase()).collect(),
                    context: context.clone(),
                });
            }
            _ => {}
        }
    }
    lines
}

/// The words of a line, quoted ones without their quotes, up to a comment.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = line.trim_start();
    while let Some(first) = rest.chars().next() {
        if rest.starts_with("--") {
            break;
        }
        let (word, after) = if first == '\'' || first == '"' {
            rest[1..].split_once(first).unwrap_or((&rest[1..], ""))
        } else {
            rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()))
        };
        words.push(word.to_owned());
        rest = after.trim_start();
    }
    words
}

/// FPSCR\[DRN\] of a rounding mode.
fn drn(name: &str) -> u8 {
    match name {
        "half_even" => 0,
        "down" => 1,
        "ceiling" => 2,
        "floor" => 3,
        "half_up" => 4,
        "half_down" => 5,
        "up" => 6,
        "05up" => 7,
        other => panic!("there is no rounding mode {other}"),
    }
}

/// A number as written: "-1.23E+4", "sNaN12", "Inf", or "#" and the hexadecimal digits of its
/// encoding in `layout`. None where it is no number, or none that fits 34 digits.
pub(super) fn number(text: &str, layout: Layout) -> Option<Number> {
    if let Some(digits) = text.strip_prefix('#') {
        let bits = u128::from_str_radix(digits, 16).ok()?;
        return Some(layout.unpack(bits));
    }
    let lower = text.to_lowercase();
    let (sign, magnitude) = match lower.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, lower.strip_prefix('+').unwrap_or(&lower)),
    };
    if magnitude == "inf" || magnitude == "infinity" {
        return Some(Number::infinity(sign));
    }
    for (name, class) in [("snan", Class::Signalling), ("nan", Class::Quiet)] {
        if let Some(payload) = magnitude.strip_prefix(name) {
            let coefficient = match payload {
                "" => 0,
                digits => digits.parse().ok()?,
            };
            return Some(Number {
                class,
                sign,
                exponent: 0,
                coefficient,
            });
        }
    }
    let (mantissa, exponent) = match magnitude.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (magnitude, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    if significant.len() > 34 {
        return None;
    }
    let coefficient = if significant.is_empty() {
        0
    } else {
        significant.parse().ok()?
    };
    let exponent = exponent.checked_sub(fraction.len() as i32)?;
    Some(Number::finite(sign, coefficient, exponent))
}

/// Whether a number is one of the format as it is.
pub(super) fn fits(number: Number, layout: Layout) -> bool {
    let trailing = layout.largest_coefficient() / 10;
    match number.class {
        Class::Finite => {
            number.coefficient <= layout.largest_coefficient()
                && (layout.least_exponent()..=layout.largest_exponent()).contains(&number.exponent)
        }
        _ => number.coefficient <= trailing,
    }
}

/// A finite number with zeros appended until its exponent is one of the format's, if that can be:
/// how a large number with few digits is encoded.
pub(super) fn folded(mut number: Number, layout: Layout) -> Number {
    while number.is_finite()
        && number.exponent > layout.largest_exponent()
        && number.coefficient <= layout.largest_coefficient() / 10
    {
        number.coefficient *= 10;
        number.exponent -= 1;
        if number.coefficient == 0 {
            number.exponent = layout.largest_exponent();
        }
    }
    number
}

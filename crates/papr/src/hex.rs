//! Bytes that a text format carries as one string of hexadecimal digits, rather than as a list of
//! numbers.

use std::fmt::Write;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HexBytes(pub Vec<u8>);

impl Serialize for HexBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = String::with_capacity(self.0.len() * 2);
        for byte in &self.0 {
            // A string takes what is written to it.
            let _ = write!(text, "{byte:02x}");
        }
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digit = |digit: u8| char::from(digit).to_digit(16);
        text.as_bytes()
            .chunks(2)
            .map(|pair| match *pair {
                [high, low] => Some((digit(high)? << 4 | digit(low)?) as u8),
                _ => None,
            })
            .collect::<Option<_>>()
            .map(HexBytes)
            .ok_or_else(|| D::Error::custom("expected an even number of hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_pairs_of_digits() {
        let bytes = HexBytes(vec![0, 0x7F, 0xA5, 0xFF]);
        let text = serde_json::to_string(&bytes).expect("plain data");
        assert_eq!(text, r#""007fa5ff""#);
        assert_eq!(serde_json::from_str::<HexBytes>(&text).ok(), Some(bytes));
    }

    #[test]
    fn what_is_no_pairs_of_digits_is_refused() {
        for text in [r#""0""#, r#""0g""#, r#""+1""#, r#""\u00e9""#, "[1]", "7"] {
            assert!(serde_json::from_str::<HexBytes>(text).is_err(), "{text}");
        }
    }
}

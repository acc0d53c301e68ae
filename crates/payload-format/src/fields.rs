//! `key=value` words, as boot arguments and reports consist of them.

/// Splits `key=value`.
pub(crate) fn split(word: &str) -> Option<(&str, &str)> {
    let at = word.find('=')?;
    Some((&word[..at], &word[at + 1..]))
}

/// A number: decimal, or hexadecimal after `0x`.
pub(crate) fn number(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (text, 10),
    };
    // from_str_radix takes a sign, which is no number of ours.
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok()
}

/// The numbers of fields that come in exactly this order.
pub(crate) fn numbers<'a, const N: usize>(
    mut words: impl Iterator<Item = &'a str>,
    keys: [&str; N],
) -> Option<[u64; N]> {
    let mut values = [0; N];
    for (value, wanted) in values.iter_mut().zip(keys) {
        let (key, text) = split(words.next()?)?;
        if key != wanted {
            return None;
        }
        *value = number(text)?;
    }
    if words.next().is_some() {
        return None;
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_decimal_or_hexadecimal_and_nothing_else() {
        assert_eq!(number("12"), Some(12));
        assert_eq!(number("0x1f"), Some(31));
        assert_eq!(number("0xffffffffffffffff"), Some(u64::MAX));
        for text in [
            "",
            "0x",
            "+1",
            "-1",
            "1f",
            " 1",
            "18446744073709551616",
            "0x+1",
        ] {
            assert_eq!(number(text), None, "{text:?}");
        }
    }

    #[test]
    fn a_field_that_is_missing_misnamed_or_too_much_is_noticed() {
        let read = |text: &'static str| numbers(text.split(' '), ["a", "b"]);
        assert_eq!(read("a=1 b=2"), Some([1, 2]));
        for text in ["a=1", "b=1 a=2", "a=1 b=2 c=3", "a=1 b", "a=1 b=x"] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }
}

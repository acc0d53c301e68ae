//! A number of seconds as an option.

/// Reads one that a measurement may take.
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(seconds) if (0.01..=600.0).contains(&seconds) => Ok(seconds),
        _ => Err("a number of seconds from 0.01 to 600 is expected".into()),
    }
}

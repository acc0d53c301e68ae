//! What others have said, as text for the user: on the terminal and in the log.
//!
//! A peer of a migration, a client of the control socket, a guest's last words, a file's name: any
//! of them may hold escape sequences, which a terminal carries out, and newlines, behind which a
//! line can be forged. So nothing of the kind is written as it is. The one exception is the guest's
//! console, which is what the user has asked for.
//!
//! Everything that is written in Paprika's name goes through here: log lines (`cli/logging.rs`),
//! errors (`cli/mod.rs`), what `ctl` shows.

use std::borrow::Cow;
use std::fmt::Write;

/// What begins each further line of a text that has several.
const MARGIN: &str = "\n  | ";

/// Whether a character must not reach a terminal as it is: control characters, line and paragraph
/// separators, and what changes the direction of the text around it (Unicode TR 36, section 2.5).
fn is_active(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'
                | '\u{2029}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        )
}

fn replace(text: &str, with: impl Fn(&mut String, char)) -> Cow<'_, str> {
    if !text.contains(is_active) {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_active(c) {
            with(&mut plain, c);
        } else {
            plain.push(c);
        }
    }
    plain.into()
}

/// On one line, whatever is in it: `\n`, `\u{1b}`.
pub fn line(text: &str) -> Cow<'_, str> {
    replace(text, |plain, c| plain.extend(c.escape_default()))
}

/// On as many lines as it has, each but the first behind a margin, so that none can be taken for a
/// line of its own.
pub fn lines(text: &str) -> String {
    let lines: Vec<_> = text.trim_end().lines().map(line).collect();
    lines.join(MARGIN)
}

/// Text whose format needs its lines as they are: JSON, or counters. A newline in what it tells is
/// escaped by the format already. What else is active becomes an escape of JSON.
pub fn formatted(text: &str) -> Cow<'_, str> {
    replace(text, |plain, c| {
        // Writing to a string does not fail.
        let _ = match c {
            '\n' => plain.write_char(c),
            c => write!(plain, "\\u{:04x}", u32::from(c)),
        };
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clears the screen, changes the title, forges a line, turns the text round, and ends a C1
    /// sequence.
    const HOSTILE: &str =
        "a\x1b[2J\x1b]0;title\x07\r\nerror: forged\u{202e}txt\u{9b}31m\u{2028}b\0";

    #[test]
    fn nothing_of_it_is_carried_out_by_a_terminal() {
        for text in [
            line(HOSTILE).into_owned(),
            lines(HOSTILE),
            formatted(HOSTILE).into_owned(),
        ] {
            assert!(!text.chars().any(|c| is_active(c) && c != '\n'), "{text:?}");
        }
        assert_eq!(line("a\x1b[2J\nb"), "a\\u{1b}[2J\\nb");
    }

    #[test]
    fn a_forged_line_is_none() {
        assert_eq!(line(HOSTILE).lines().count(), 1);
        let lines = lines(HOSTILE);
        assert!(lines.lines().skip(1).all(|line| line.starts_with("  | ")));
        assert!(lines.contains("  | error: forged"), "{lines}");
    }

    #[test]
    fn what_is_harmless_stays_as_it_is() {
        let text = "nvdimm pmem0: \"größer\" — 4 GiB\\n";
        assert!(matches!(line(text), Cow::Borrowed(same) if same == text));
        assert_eq!(lines("one\ntwo\n"), "one\n  | two");
    }

    #[test]
    fn json_stays_json_and_says_the_same() {
        let json = serde_json::to_string_pretty(&vec![HOSTILE]).expect("JSON");
        let shown = formatted(&json);
        let back: Vec<String> = serde_json::from_str(&shown).expect("JSON");
        assert_eq!(back, [HOSTILE]);
    }
}

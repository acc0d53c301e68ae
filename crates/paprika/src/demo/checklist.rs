//! What a demonstration expects of its guest, shown as it is checked.

use std::io::Write;

use crate::text;

/// Claims, each shown as soon as it is known whether it holds.
#[derive(Debug)]
pub struct Checklist<W> {
    out: W,
    failed: usize,
}

impl<W: Write> Checklist<W> {
    /// An empty list, shown on `out`.
    pub fn new(out: W) -> Self {
        Self { out, failed: 0 }
    }

    /// Shows lines that claim nothing. They may be a guest's: what a terminal would carry out is
    /// escaped.
    pub fn say(&mut self, lines: &str) {
        let lines: Vec<_> = lines.split('\n').map(text::line).collect();
        // Whoever closes the output early still gets the exit code.
        let _ = writeln!(self.out, "{}", lines.join("\n")).and_then(|()| self.out.flush());
    }

    /// Shows whether a claim holds.
    pub fn check(&mut self, claim: &str, holds: bool) {
        let verdict = if holds { "ok    " } else { "FAILED" };
        self.say(&format!("  {verdict}  {}", text::lines(claim)));
        self.failed += usize::from(!holds);
    }

    /// Says how it went as a whole, and answers whether every claim held.
    pub fn conclude(mut self) -> bool {
        match self.failed {
            0 => self.say("Everything was as expected."),
            1 => self.say("1 check failed."),
            failed => self.say(&format!("{failed} checks failed.")),
        }
        self.failed == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_claim_that_does_not_hold_fails_the_whole() {
        let mut out = Vec::new();
        let mut list = Checklist::new(&mut out);
        list.check("grass is green", true);
        list.check("the sky is green", false);
        assert!(!list.conclude());
        let shown = String::from_utf8(out).expect("text");
        assert!(shown.contains("ok      grass"), "{shown}");
        assert!(shown.contains("FAILED  the sky"), "{shown}");
        assert!(shown.ends_with("1 check failed.\n"), "{shown}");
    }

    #[test]
    fn what_a_guest_has_printed_is_no_claim_and_no_command_of_a_terminal() {
        let mut out = Vec::new();
        let mut list = Checklist::new(&mut out);
        list.say("x\x1b[2J");
        list.check("said \u{9b}1m\n  ok      forged", false);
        let shown = String::from_utf8(out).expect("text");
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'));
        let forged = shown.lines().filter(|line| line.starts_with("  ok"));
        assert_eq!(forged.count(), 0, "{shown}");
    }

    #[test]
    fn claims_that_hold_make_a_success() {
        let mut list = Checklist::new(Vec::new());
        list.check("grass is green", true);
        assert!(list.conclude());
    }
}

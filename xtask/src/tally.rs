//! cargo's test summaries, added up: a workspace has one per test program, and the last of them is not the sum.

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::ops::AddAssign;

/// How many tests there were, by how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
}

impl Tally {
    /// How many were run.
    pub(crate) fn ran(&self) -> u64 {
        self.passed + self.failed
    }

    /// From a line like `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`.
    fn from_line(line: &str) -> Option<Self> {
        let counts = line.strip_prefix("test result: ")?;
        let count = |word: &str| {
            let before = counts.split_once(&format!(" {word};"))?.0;
            before.rsplit(' ').next()?.parse().ok()
        };
        Some(Self {
            passed: count("passed")?,
            failed: count("failed")?,
            ignored: count("ignored")?,
        })
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.ignored
        )
    }
}

/// Passes `output` on to standard output as it comes, and adds up the summaries in it.
pub(crate) fn pass_on(output: impl Read) -> io::Result<Tally> {
    add_up(output, &mut io::stdout())
}

fn add_up(output: impl Read, to: &mut impl Write) -> io::Result<Tally> {
    let mut reader = BufReader::new(output);
    let mut sum = Tally::default();
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        to.flush()?;
        if let Some(tally) = Tally::from_line(&String::from_utf8_lossy(&line)) {
            sum += tally;
        }
        line.clear();
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries_of_all_test_programs_are_added_up_and_every_line_is_passed_on() {
        let output = "running 3 tests\n\
            test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s\n\
            not utf-8: \u{fffd}\n\
            test result: FAILED. 4 passed; 2 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.00s";
        let mut passed_on = Vec::new();
        let tally =
            add_up(output.as_bytes(), &mut passed_on).expect("memory can be read and written");
        assert_eq!(
            tally,
            Tally {
                passed: 7,
                failed: 2,
                ignored: 1
            }
        );
        assert_eq!(tally.to_string(), "7 passed, 2 failed, 1 skipped");
        assert_eq!(String::from_utf8(passed_on).expect("as it was"), output);
    }

    #[test]
    fn a_test_that_prints_something_alike_does_not_count() {
        assert_eq!(Tally::from_line("test result: none"), None);
        assert_eq!(
            Tally::from_line("the test result: ok. 3 passed; 0 failed; 1 ignored;"),
            None
        );
    }
}

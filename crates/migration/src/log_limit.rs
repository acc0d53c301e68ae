//! Log lines that strangers can cause: only so many in a time, so that nobody fills a disk or hides
//! what matters; those that are left out are counted.

use std::time::{Duration, Instant};

/// Lines in [`PERIOD`], at most.
const LINES: u32 = 10;
/// After this time there are lines again.
const PERIOD: Duration = Duration::from_secs(60);

/// How many lines were written lately.
#[derive(Debug, Default)]
pub(crate) struct LogLimit {
    began: Option<Instant>,
    written: u32,
    left_out: u64,
}

impl LogLimit {
    /// Has `write` write a line, unless there were too many lately. It is told how many were left
    /// out since the last one.
    pub(crate) fn line(&mut self, write: impl FnOnce(u64)) {
        self.line_at(Instant::now(), write);
    }

    fn line_at(&mut self, now: Instant, write: impl FnOnce(u64)) {
        let over = |began: Instant| now.saturating_duration_since(began) >= PERIOD;
        if self.began.is_none_or(over) {
            (self.began, self.written) = (Some(now), 0);
        }
        if self.written == LINES {
            self.left_out = self.left_out.saturating_add(1);
            return;
        }
        self.written += 1;
        write(std::mem::take(&mut self.left_out));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_some_lines_and_a_number() {
        let mut limit = LogLimit::default();
        let mut lines = Vec::new();
        let now = Instant::now();
        for _ in 0..1000 {
            limit.line_at(now, |left_out| lines.push(left_out));
        }
        assert_eq!(lines, [0; LINES as usize]);
        limit.line_at(now + PERIOD, |left_out| lines.push(left_out));
        limit.line_at(now + PERIOD, |left_out| lines.push(left_out));
        assert_eq!(lines[LINES as usize..], [1000 - u64::from(LINES), 0]);
    }
}

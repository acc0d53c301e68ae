//! What the user sees while the kit is being made: the step in words and a bar on a terminal, a line per step elsewhere, or nothing.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Where progress is shown; clones show it in the same place. Always on standard error: standard output belongs to results.
#[derive(Debug, Clone)]
pub struct Progress {
    shown: Shown,
}

#[derive(Debug, Clone)]
enum Shown {
    Bar(ProgressBar),
    Lines,
    Nothing,
}

impl Progress {
    /// A bar where standard error is a terminal, else a line per step.
    pub fn auto() -> Self {
        let shown = if stderr().is_terminal() {
            let bar = ProgressBar::new_spinner();
            bar.enable_steady_tick(Duration::from_millis(120));
            Shown::Bar(bar)
        } else {
            Shown::Lines
        };
        Self { shown }
    }

    /// Shows nothing.
    pub fn silent() -> Self {
        Self {
            shown: Shown::Nothing,
        }
    }

    /// Begins a step. `total` is how many [`advance`](Self::advance) it is expected to take; 0 where that is not known.
    pub fn step(&self, words: &str, total: u64) {
        match &self.shown {
            Shown::Bar(bar) => {
                let template = if total == 0 {
                    "{spinner} {prefix}  {wide_msg}"
                } else {
                    "{spinner} {prefix} [{bar:32}] {percent:>3} %  {wide_msg}"
                };
                // A template that indicatif can't parse is a mistake of ours, and no reason to stop: its own style is shown then.
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style.progress_chars("=> "));
                }
                bar.set_length(total.max(1));
                bar.set_position(0);
                bar.set_message("");
                bar.set_prefix(words.to_owned());
            }
            // A standard error that is closed or full has nobody to tell.
            Shown::Lines => {
                let _ = writeln!(stderr().lock(), "guest kit: {words}");
            }
            Shown::Nothing => {}
        }
    }

    /// One more unit of the current step is done; `detail` says which.
    pub fn advance(&self, detail: &str) {
        if let Shown::Bar(bar) = &self.shown {
            // An estimate may be too low: the bar then waits just before its end.
            if bar.length().is_some_and(|all| bar.position() + 1 < all) {
                bar.inc(1);
            }
            bar.set_message(detail.to_owned());
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}

//! Commands in a guest, with what is claimed of each: run as one script, shown as a session at a shell would be.

use std::io::Write;

use super::Checklist;
use crate::session::{CommandOutput, CommandScript};

/// Lines of a command's output that are shown.
const SHOWN: usize = 8;

/// What must be so of a command's output.
type Holds = Box<dyn Fn(&str) -> bool>;

/// A command, and what is claimed of it.
pub struct Step {
    command: String,
    /// The exit status that it must have.
    status: i32,
    claim: Option<(String, Holds)>,
    shown: bool,
}

impl Step {
    /// A command that must succeed.
    pub fn new(command: impl Into<String>) -> Self {
        Self {
            command: command.into(),
            status: 0,
            claim: None,
            shown: true,
        }
    }

    /// A command that only the demonstration itself needs.
    pub fn hidden(command: impl Into<String>) -> Self {
        Self {
            shown: false,
            ..Self::new(command)
        }
    }

    /// The exit status is to be this one.
    #[must_use]
    pub fn status(self, status: i32) -> Self {
        Self { status, ..self }
    }

    /// Claims something of the output.
    #[must_use]
    pub fn claims(self, claim: impl Into<String>, holds: impl Fn(&str) -> bool + 'static) -> Self {
        Self {
            claim: Some((claim.into(), Box::new(holds))),
            ..self
        }
    }

    /// Shows what became of it, and checks it.
    fn judge(&self, list: &mut Checklist<impl Write>, found: Option<&CommandOutput>) {
        let output = found.map_or("", |found| found.output.as_str());
        let ran = found.is_some_and(|found| found.status == self.status);
        if self.shown {
            list.say(&format!("\n# {}", self.command));
            let lines: Vec<&str> = output.lines().collect();
            for line in lines.iter().take(SHOWN) {
                list.say(line);
            }
            if lines.len() > SHOWN {
                list.say(&format!("({} more lines)", lines.len() - SHOWN));
            }
        }
        match &self.claim {
            Some((claim, holds)) => list.check(claim, ran && holds(output)),
            // What goes as it should needs no words.
            None if ran => {}
            None => {
                let status = found.map_or("was not run".into(), |found| {
                    format!("has exit status {}", found.status)
                });
                list.check(&format!("{:?} {status}: {output}", self.command), false);
            }
        }
    }
}

/// The script that runs these commands.
pub fn script(steps: &[Step]) -> CommandScript {
    CommandScript::new(steps.iter().map(|step| step.command.as_str()))
}

/// Shows and checks what became of them; returns the outputs, in their order.
pub fn judge(
    list: &mut Checklist<impl Write>,
    steps: &[Step],
    console: &str,
) -> Vec<CommandOutput> {
    let outputs = script(steps).outputs(console);
    for (n, step) in steps.iter().enumerate() {
        step.judge(list, outputs.get(n));
    }
    outputs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(step: Step, console: &str) -> bool {
        let mut list = Checklist::new(Vec::new());
        judge(&mut list, &[step], console);
        list.conclude()
    }

    const TWO: &str = "@@paprika 0 runs\n2\n@@paprika 0 status 0\n";
    const FAILED: &str = "@@paprika 0 runs\nno\n@@paprika 0 status 2\n";

    #[test]
    fn a_claim_is_of_the_output_and_of_the_status() {
        let claim = || Step::new("nproc").claims("2 CPUs", |output| output.trim() == "2");
        assert!(verdict(claim(), TWO));
        assert!(!verdict(claim(), FAILED));
        assert!(!verdict(claim().status(2), TWO));
        assert!(verdict(Step::new("false").status(2), FAILED));
    }

    #[test]
    fn a_command_that_was_not_run_or_failed_unexpectedly_is_no_success() {
        assert!(!verdict(Step::new("nproc"), ""));
        assert!(!verdict(Step::hidden("nproc"), FAILED));
        assert!(verdict(Step::hidden("nproc"), TWO));
    }
}

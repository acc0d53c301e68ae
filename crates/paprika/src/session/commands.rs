//! A script of shell commands whose outputs and statuses can be told apart in what the console showed.

/// What the script prints around each command's output.
const MARK: &str = "@@paprika";

/// Shell commands, to be run one after the other whether they fail or not.
#[derive(Debug, Clone, Default)]
pub struct CommandScript {
    commands: Vec<String>,
}

/// What became of one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandOutput {
    /// The command as it was given.
    pub command: String,
    /// What it printed, standard error included.
    pub output: String,
    /// Its exit status.
    pub status: i32,
}

impl CommandScript {
    /// What the script prints before its first command: mark it, to know when the guest's userland was up.
    pub const BEGIN: &'static str = "@@paprika begins";

    /// A script of these commands.
    pub fn new(commands: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            commands: commands.into_iter().map(Into::into).collect(),
        }
    }

    /// The script's text. Its status is 0, whatever those of the commands are.
    pub fn text(&self) -> String {
        let mut text = format!("#!/bin/sh\necho '{}'\n", Self::BEGIN);
        for (n, command) in self.commands.iter().enumerate() {
            text += &format!(
                "echo '{MARK} {n} runs'\n{{ {command}\n}} 2>&1\necho \"{MARK} {n} status $?\"\n"
            );
        }
        text + "exit 0\n"
    }

    /// Finds the outputs in what the console showed, in the order of the commands; fewer than those, where the guest ended before.
    pub fn outputs(&self, console: &str) -> Vec<CommandOutput> {
        let find = |(n, command): (usize, &String)| {
            let (_, rest) = console.split_once(&format!("{MARK} {n} runs\n"))?;
            let (output, rest) = rest.split_once(&format!("{MARK} {n} status "))?;
            let status = rest.lines().next()?.trim().parse().ok()?;
            Some(CommandOutput {
                command: command.clone(),
                output: output.to_owned(),
                status,
            })
        };
        self.commands.iter().enumerate().map_while(find).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// What the host's shell makes of it.
    fn run(script: &CommandScript) -> String {
        let ran = Command::new("sh")
            .args(["-c", &script.text()])
            .output()
            .expect("sh");
        assert!(ran.status.success());
        String::from_utf8(ran.stdout).expect("text")
    }

    #[test]
    fn outputs_and_statuses_are_told_apart() {
        let script = CommandScript::new([
            "echo one; echo two >&2",
            "false",
            "(exit 7)",
            "printf 'no end of line'",
        ]);
        let outputs = script.outputs(&run(&script));
        let told: Vec<_> = outputs
            .iter()
            .map(|found| (found.output.as_str(), found.status))
            .collect();
        assert_eq!(
            told,
            [("one\ntwo\n", 0), ("", 1), ("", 7), ("no end of line", 0)]
        );
        assert_eq!(outputs[2].command, "(exit 7)");
    }

    #[test]
    fn commands_that_were_not_run_to_their_end_are_missing() {
        let script = CommandScript::new(["echo one", "echo two"]);
        let console = run(&script);
        let cut = console
            .split("@@paprika 1 status")
            .next()
            .expect("first part");
        assert_eq!(script.outputs(cut).len(), 1);
        assert_eq!(script.outputs(""), []);
    }
}

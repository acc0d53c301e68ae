//! What makes a case pass.

use std::collections::HashMap;
use std::path::Path;

use crate::case::{Case, Verdict};
use crate::peer::{self, Told};
use crate::session::{RunOutcome, Session};

/// Bytes of an output that a failure shows.
const SHOWN: usize = 3000;

/// Outputs that are to be the same on every machine: of the first that ran a case, and what it was
/// called.
#[derive(Debug, Default)]
pub struct Seen(HashMap<&'static str, (String, Vec<u8>)>);

/// Judges what the script of a case did; none: it passes as far as its output tells.
pub fn of_script(case: &Case, ran: &RunOutcome, who: &str, seen: &mut Seen) -> Option<String> {
    let output = &ran.output;
    let said = || {
        let errors = tail(&output.stderr);
        format!("{}{errors}", tail(&output.stdout))
    };
    if output.timed_out {
        return Some(format!("it hangs; so far:\n{}", said()));
    }
    if !ran.trouble.is_empty() {
        let lines = ran.trouble.join("\n");
        return Some(format!("the kernel notes:\n{lines}\n{}", said()));
    }
    if output.status != 0 {
        return Some(format!("exit status {}:\n{}", output.status, said()));
    }
    match case.verdict {
        Verdict::Succeeds | Verdict::AsPeer(_) => None,
        Verdict::Prints(right) => difference(right.as_bytes(), &output.stdout)
            .map(|what| format!("it prints something else: {what}")),
        Verdict::PrintsTheSame => {
            let (first, right) = seen
                .0
                .entry(case.name)
                .or_insert_with(|| (who.to_owned(), output.stdout.clone()));
            difference(right, &output.stdout)
                .map(|what| format!("it printed something else on {first}: {what}"))
        }
    }
}

/// Compares the commands of a case that has run in `session` with the peer's; none: they agree, or
/// there are none.
pub fn as_peer(case: &Case, session: &mut Session, tree: &Path) -> anyhow::Result<Option<String>> {
    let Verdict::AsPeer(commands) = case.verdict else {
        return Ok(None);
    };
    let out = tempfile::tempdir()?;
    // Before the commands run here, so that both begin with the same files.
    let at = session.bring_out(case, out.path())?;
    for command in commands {
        let words: Vec<_> = command.split_whitespace().collect();
        let ours = session.command(case, &words)?;
        if ours.timed_out {
            return Ok(Some(format!("`{command}` hangs: {}", tail(&ours.stdout))));
        }
        let ours = Told {
            status: ours.status,
            output: ours.stdout,
        };
        let theirs = peer::run(&words, &at, tree)?;
        if ours.status != theirs.status {
            return Ok(Some(format!(
                "`{command}` exits with {} here and {} under qemu-ppc64le:\n{}\nthere:\n{}",
                ours.status,
                theirs.status,
                tail(&ours.output),
                tail(&theirs.output)
            )));
        }
        if let Some(what) = difference(&theirs.output, &ours.output) {
            return Ok(Some(format!(
                "`{command}` prints something else under qemu-ppc64le: {what}"
            )));
        }
    }
    let trouble = session.trouble(case)?;
    Ok((!trouble.is_empty()).then(|| format!("the kernel notes:\n{}", trouble.join("\n"))))
}

/// Where two texts differ first, in words.
fn difference(right: &[u8], ours: &[u8]) -> Option<String> {
    if right == ours {
        return None;
    }
    let (right, ours) = (
        String::from_utf8_lossy(right),
        String::from_utf8_lossy(ours),
    );
    let (mut theirs, mut here) = (right.lines(), ours.lines());
    for number in 1.. {
        match (theirs.next(), here.next()) {
            (None, None) => break,
            (a, b) if a == b => {}
            (a, b) => {
                let line =
                    |line: Option<&str>| line.map_or("nothing".into(), |it| format!("{it:?}"));
                return Some(format!(
                    "line {number} is {} and should be {}",
                    line(b),
                    line(a)
                ));
            }
        }
    }
    Some("white space at the ends of lines".into())
}

/// The end of an output.
pub fn tail(bytes: &[u8]) -> String {
    let start = bytes.len().saturating_sub(SHOWN);
    String::from_utf8_lossy(&bytes[start..]).into_owned()
}

#[cfg(test)]
mod tests {
    use paprika::debian::CommandOutput;

    use super::*;

    fn ran(status: i32, stdout: &str, trouble: &[&str]) -> RunOutcome {
        RunOutcome {
            output: CommandOutput {
                status,
                stdout: stdout.into(),
                stderr: b"told".to_vec(),
                timed_out: false,
            },
            trouble: trouble.iter().map(|&line| line.into()).collect(),
        }
    }

    fn judged(verdict: Verdict, what: &[RunOutcome]) -> Vec<Option<String>> {
        let case = Case {
            name: "case",
            verdict,
            ..Case::USUAL
        };
        let mut seen = Seen::default();
        what.iter()
            .map(|ran| of_script(&case, ran, "this one", &mut seen))
            .collect()
    }

    #[test]
    fn a_status_a_note_of_the_kernel_or_another_text_fails() {
        let failed = |verdict, ran| judged(verdict, &[ran]).remove(0);
        assert_eq!(failed(Verdict::Succeeds, ran(0, "x", &[])), None);
        let said = failed(Verdict::Succeeds, ran(3, "x", &[])).expect("fails");
        assert!(
            said.contains("exit status 3") && said.contains("told"),
            "{said}"
        );
        let said = failed(Verdict::Succeeds, ran(0, "", &["BUG: here"])).expect("fails");
        assert!(said.contains("BUG: here"), "{said}");
        assert_eq!(failed(Verdict::Prints("a\n"), ran(0, "a\n", &[])), None);
        let said = failed(Verdict::Prints("a\nb\n"), ran(0, "a\nc\n", &[])).expect("fails");
        assert!(
            said.contains("line 2 is \"c\" and should be \"b\""),
            "{said}"
        );
    }

    #[test]
    fn machines_have_to_print_the_same_as_the_first() {
        let all = [ran(0, "1", &[]), ran(0, "1", &[]), ran(0, "2", &[])];
        let judged = judged(Verdict::PrintsTheSame, &all);
        assert_eq!(judged[..2], [None, None]);
        assert!(judged[2].as_ref().expect("fails").contains("on this one"));
    }

    #[test]
    fn one_that_hangs_is_told_from_one_that_fails() {
        let mut hung = ran(137, "so far", &[]);
        hung.output.timed_out = true;
        let said = judged(Verdict::Succeeds, &[hung]).remove(0).expect("fails");
        assert!(said.contains("hangs") && said.contains("so far"), "{said}");
    }
}

//! What a campaign has found: counts per instruction, the first differences in full, and a summary in words.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use crate::compare::Difference;
use crate::plan::{Plan, is_privileged};
use crate::state::Case;

#[derive(Default)]
struct Count {
    compared: u64,
    different: u64,
    kept: Vec<Difference>,
}

/// The counts of one engine.
pub struct Tally {
    engine: &'static str,
    /// Differences that are kept in full, per instruction.
    keep: usize,
    single: BTreeMap<&'static str, Count>,
    sequences: Count,
    not_comparable: u64,
    left_out: u64,
}

impl Tally {
    pub(super) fn new(engine: &'static str, keep: usize) -> Self {
        Tally {
            engine,
            keep,
            single: BTreeMap::new(),
            sequences: Count::default(),
            not_comparable: 0,
            left_out: 0,
        }
    }

    pub(super) fn compared(&mut self, case: &Case, difference: Option<Difference>) {
        let count = match case.code.as_slice() {
            [step] => self.single.entry(step.mnemonic).or_default(),
            _ => &mut self.sequences,
        };
        count.compared += 1;
        if let Some(difference) = difference {
            count.different += 1;
            if count.kept.len() < self.keep {
                count.kept.push(difference);
            }
        }
    }

    pub(super) fn keep(&mut self, differences: usize) {
        self.keep = differences;
    }

    /// The table of exceptions leaves nothing of this case.
    pub(super) fn not_comparable(&mut self) {
        self.not_comparable += 1;
    }

    /// The engine does not run such a case.
    pub(super) fn left_out(&mut self) {
        self.left_out += 1;
    }

    /// The engine's name.
    pub fn engine(&self) -> &'static str {
        self.engine
    }

    /// Instructions of which at least one case was compared.
    pub fn covered(&self) -> usize {
        self.single.len()
    }

    /// Whether a case of this instruction was compared.
    pub fn covers(&self, mnemonic: &str) -> bool {
        self.single.contains_key(mnemonic)
    }

    /// Cases compared.
    pub fn cases(&self) -> u64 {
        self.single
            .values()
            .map(|count| count.compared)
            .sum::<u64>()
            + self.sequences.compared
    }

    /// Sequences compared, a part of [`Self::cases`].
    pub fn sequences(&self) -> u64 {
        self.sequences.compared
    }

    /// Cases that differ.
    pub fn different(&self) -> u64 {
        self.single
            .values()
            .map(|count| count.different)
            .sum::<u64>()
            + self.sequences.different
    }
}

/// All counts of a campaign; its `Display` is the report.
pub struct Summary<'a> {
    pub(super) plan: &'a Plan,
    pub(super) tallies: &'a [Tally],
    pub(super) seed: u64,
}

impl Summary<'_> {
    /// Counts per engine.
    pub fn tallies(&self) -> &[Tally] {
        self.tallies
    }

    /// Planned instructions of which the engine has not compared a single case.
    pub fn missed(&self, tally: &Tally) -> Vec<&'static str> {
        self.plan
            .tested
            .iter()
            .map(|planned| planned.template.mnemonic)
            .filter(|mnemonic| !tally.covers(mnemonic))
            .collect()
    }
}

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for tally in self.tallies {
            for (mnemonic, count) in &tally.single {
                show(f, tally.engine, mnemonic, count)?;
            }
            show(f, tally.engine, "sequences", &tally.sequences)?;
        }
        for tally in self.tallies {
            let privileged = tally
                .single
                .keys()
                .filter(|mnemonic| is_privileged(mnemonic))
                .count();
            writeln!(
                f,
                "{}: covered {} of {} decoded instructions ({privileged} of them by their interrupt in problem state); {} cases \
                 compared, {} of them sequences; {} differ",
                tally.engine,
                tally.covered(),
                self.plan.decoded(),
                tally.cases(),
                tally.sequences(),
                tally.different(),
            )?;
            if tally.left_out > 0 {
                writeln!(
                    f,
                    "  {} cases have an instruction that this engine leaves to the interpreter",
                    tally.left_out
                )?;
            }
            if tally.not_comparable > 0 {
                writeln!(
                    f,
                    "  {} cases have no result that the peer defines (src/compare/)",
                    tally.not_comparable
                )?;
            }
        }
        writeln!(
            f,
            "not compared, of {} decoded instructions:",
            self.plan.decoded()
        )?;
        let mut reasons: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (mnemonic, reason) in &self.plan.excluded {
            reasons.entry(reason).or_default().push(mnemonic);
        }
        for (reason, mnemonics) in reasons {
            writeln!(f, "  {}: {reason}", mnemonics.join(" "))?;
        }
        write!(f, "seed {}", self.seed)
    }
}

fn show(f: &mut fmt::Formatter<'_>, engine: &str, what: &str, count: &Count) -> fmt::Result {
    if count.different > 0 {
        writeln!(
            f,
            "{engine}: {what}: {} of {} cases differ",
            count.different, count.compared
        )?;
        for difference in &count.kept {
            writeln!(f, "{difference}")?;
        }
    }
    Ok(())
}

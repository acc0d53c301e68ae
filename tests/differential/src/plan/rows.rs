//! Templates for the generator from the rows of the instruction table.

use power::decode::pattern::Suffix;
use power::decode::{Row, rows};

use super::exclusions::exclusion;
use crate::compare::exceptions;
use crate::generate::Template;
use crate::operands;

/// A row that is tested.
#[derive(Clone, Copy, Debug)]
pub struct Planned {
    /// What the generator makes cases of.
    pub template: Template,
    /// Whether it may stand in a sequence: all that it leaves behind is defined and no branch follows.
    pub in_sequences: bool,
}

/// The rows to test, and those that are not.
pub struct Plan {
    /// In the order of the table.
    pub tested: Vec<Planned>,
    /// Mnemonic and reason.
    pub excluded: Vec<(&'static str, &'static str)>,
}

impl Plan {
    /// A plan for every decoded instruction.
    pub fn new() -> Self {
        let mut plan = Plan {
            tested: Vec::new(),
            excluded: Vec::new(),
        };
        for row in rows() {
            match exclusion(row.mnemonic) {
                Some(reason) => plan.excluded.push((row.mnemonic, reason)),
                None => plan.tested.push(Planned {
                    template: template(row),
                    in_sequences: !exceptions::apply_to(row.mnemonic)
                        && !ends_a_sequence(row.mnemonic),
                }),
            }
        }
        plan
    }

    /// Only the rows whose mnemonic starts with `prefix`.
    pub fn restricted_to(mut self, prefix: &str) -> Self {
        self.tested
            .retain(|planned| planned.template.mnemonic.starts_with(prefix));
        self
    }

    /// How many instructions the CPU decodes.
    pub fn decoded(&self) -> usize {
        self.tested.len() + self.excluded.len()
    }
}

impl Default for Plan {
    fn default() -> Self {
        Self::new()
    }
}

/// Interrupts always (in problem state), so that nothing after it would run.
fn ends_a_sequence(mnemonic: &str) -> bool {
    mnemonic == "illegal" || is_privileged(mnemonic)
}

/// Whether problem state may not carry this instruction out: what is compared is the interrupt.
pub fn is_privileged(mnemonic: &str) -> bool {
    PRIVILEGED.contains(&mnemonic)
}

const PRIVILEGED: &[&str] = &[
    "mfmsr", "mtmsr", "mtmsrd", "rfid", "rfscv", "hrfid", "stop", "tlbie", "tlbiel", "tlbsync",
    "slbia", "slbie", "slbieg", "slbsync", "slbmte", "slbmfev", "slbmfee", "msgsndp", "msgclrp",
    "msgsnd", "msgclr", "msgsync", "lwzcix", "lhzcix", "lbzcix", "ldcix", "stwcix", "sthcix",
    "stbcix", "stdcix",
];

fn template(row: &Row) -> Template {
    let suffix = match row.pattern.suffix {
        Suffix::Plain => 0,
        Suffix::Record | Suffix::Link | Suffix::RoundOdd => 1,
        Suffix::OverflowRecord => 0x401,
        Suffix::VectorRecord => 0x400,
        Suffix::AbsoluteLink => 3,
    };
    let operands = operands::names(row.operands)
        .filter_map(operands::bits)
        .fold(suffix, |all, bits| all | bits);
    Template {
        mnemonic: row.mnemonic,
        mask: row.pattern.mask,
        value: row.pattern.value,
        reserved: !(row.pattern.mask | operands),
        operands: row.operands,
    }
}

#[cfg(test)]
mod tests {
    use super::super::exclusions::EXCLUSIONS;
    use super::*;

    #[test]
    fn every_operand_of_the_table_is_known() {
        for row in rows() {
            for name in operands::names(row.operands) {
                assert!(operands::bits(name).is_some(), "{}: {name}", row.mnemonic);
            }
        }
    }

    #[test]
    fn operands_and_fixed_bits_of_a_row_do_not_overlap() {
        for row in rows() {
            for name in operands::names(row.operands) {
                let bits = operands::bits(name).unwrap_or(0);
                assert_eq!(bits & row.pattern.mask, 0, "{}: {name}", row.mnemonic);
            }
        }
    }

    #[test]
    fn exclusions_and_privileged_instructions_are_rows_of_the_table() {
        let known = |mnemonic: &str| rows().iter().any(|row| row.mnemonic == mnemonic);
        for mnemonic in EXCLUSIONS
            .iter()
            .flat_map(|exclusion| exclusion.mnemonics)
            .chain(PRIVILEGED)
        {
            assert!(
                known(mnemonic),
                "{mnemonic} is not in the instruction table"
            );
        }
    }
}

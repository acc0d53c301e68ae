//! The table of a machine's hypercalls, made once from what its parts register.

use crate::action::Action;
use crate::config::ConfigError;
use crate::host::GuestMemory;
use crate::once::{OncePerNumber, ReportOnce};
use crate::vcpu::Vcpu;

use super::{Call, Hypercall, Reply, abi};

/// The hypercalls of a machine.
pub(crate) struct HypercallTable {
    /// Sorted by opcode.
    rows: Vec<Row>,
    pub(crate) unknown: OncePerNumber,
}

struct Row {
    part: &'static str,
    hypercall: Hypercall,
}

impl HypercallTable {
    /// A table of hypercalls, each with the name of the part that has it.
    ///
    /// # Errors
    /// [`ConfigError::DuplicateHypercall`].
    pub(crate) fn new(
        hypercalls: impl IntoIterator<Item = (&'static str, Hypercall)>,
    ) -> Result<Self, ConfigError> {
        let rows = hypercalls.into_iter();
        let mut rows: Vec<Row> = rows
            .map(|(part, hypercall)| Row { part, hypercall })
            .collect();
        rows.sort_by_key(|row| row.hypercall.opcode());
        for pair in rows.windows(2) {
            let opcode = pair[0].hypercall.opcode();
            if opcode == pair[1].hypercall.opcode() {
                return Err(ConfigError::DuplicateHypercall {
                    opcode,
                    parts: [pair[0].part, pair[1].part],
                });
            }
        }
        Ok(HypercallTable {
            rows,
            unknown: OncePerNumber::default(),
        })
    }

    /// Does the hypercall that `cpu` asks for: opcode in r3, arguments from r4. Sets r3 and the
    /// outputs.
    pub(crate) fn dispatch(&self, memory: &dyn GuestMemory, cpu: &mut dyn Vcpu) -> Action {
        let opcode = cpu.gpr(3);
        let reply = if cpu.problem_state() {
            Reply::status(abi::H_PRIVILEGE)
        } else if let Some(hypercall) = self.find(opcode) {
            hypercall.run(&mut Call { cpu, memory })
        } else {
            self.report_unknown(opcode);
            Reply::status(abi::H_FUNCTION)
        };
        cpu.set_gpr(3, reply.status as u64);
        reply.action
    }

    fn find(&self, opcode: u64) -> Option<&Hypercall> {
        let found = self
            .rows
            .binary_search_by_key(&opcode, |row| row.hypercall.opcode());
        found.ok().map(|at| &self.rows[at].hypercall)
    }

    fn report_unknown(&self, opcode: u64) {
        match self.unknown.note(opcode) {
            ReportOnce::New if abi::PROBES.contains(&opcode) => tracing::debug!(
                opcode = format_args!("{opcode:#x}"),
                "the guest looks for a hypercall that this platform does not have"
            ),
            ReportOnce::New => tracing::warn!(
                opcode = format_args!("{opcode:#x}"),
                "the guest made an unknown hypercall"
            ),
            ReportOnce::LimitReached => {
                tracing::warn!("further unknown hypercalls are not reported")
            }
            ReportOnce::Known => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Machine;

    #[test]
    fn an_unknown_hypercall_answers_h_function() {
        let m = Machine::new(1);
        for opcode in [0x4, 0x8, 0x28, 0x450, 0xF004, 3, u64::MAX] {
            assert_eq!(
                m.hcall(0, opcode, &[]),
                (abi::H_FUNCTION, Action::Resume),
                "{opcode:#x}"
            );
        }
    }

    #[test]
    fn a_hypercall_from_problem_state_is_refused_and_does_nothing() {
        let m = Machine::new(1);
        let mut cpu = m.cpu(0);
        cpu.problem_state = true;
        cpu.gprs[3] = abi::H_RANDOM;
        cpu.gprs[4] = 42;
        assert_eq!(m.platform.hypercall(&mut cpu), Action::Resume);
        assert_eq!((cpu.gprs[3] as i64, cpu.gprs[4]), (abi::H_PRIVILEGE, 42));
    }
}

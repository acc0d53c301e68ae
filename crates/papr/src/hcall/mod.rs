//! Hypercalls: which number goes where, and a file per family.
//!
//! A hypercall that is not in the table answers H_FUNCTION, among them those of the hashed page table (the platform
//! grants radix translation alone) and of virtual devices that do not exist.

pub(crate) mod abi;
mod call;
mod console;
mod cpu;
#[cfg(test)]
mod hostile;
mod info;
mod memory;
mod mode;
mod rtas;
mod scm;
mod vpa;
mod xics;

pub(crate) use call::{Call, Reply};
pub(crate) use vpa::SharedAreas;
pub use vpa::VcpuAreas;

use crate::action::Action;
use crate::once::Novelty;
use crate::platform::Platform;
use crate::vcpu::Vcpu;

/// Does one hypercall.
type Handler = fn(&Platform, &mut Call<'_>) -> Reply;

/// The table of hypercalls.
fn handler(opcode: u64) -> Option<Handler> {
    Some(match opcode {
        abi::H_GET_TERM_CHAR => console::get_term_char,
        abi::H_PUT_TERM_CHAR => console::put_term_char,
        abi::H_EOI => xics::end_of_interrupt,
        abi::H_CPPR => xics::set_cppr,
        abi::H_IPI => xics::inter_processor_interrupt,
        abi::H_IPOLL => xics::poll,
        abi::H_XIRR => xics::accept,
        abi::H_XIRR_X => xics::accept_with_time,
        abi::H_CEDE => cpu::cede,
        abi::H_CONFER => cpu::confer,
        abi::H_PROD => cpu::prod,
        abi::H_JOIN => cpu::join,
        abi::H_SIGNAL_SYS_RESET => cpu::signal_system_reset,
        abi::H_SET_SPRG0 => cpu::set_sprg0,
        abi::H_REGISTER_VPA => vpa::register,
        abi::H_PERFMON => mode::performance_monitor,
        abi::H_SET_MODE => mode::set_mode,
        abi::H_REGISTER_PROC_TBL => mode::register_process_table,
        abi::H_PAGE_INIT => memory::page_init,
        abi::H_LOGICAL_CI_LOAD => memory::logical_load,
        abi::H_LOGICAL_CI_STORE => memory::logical_store,
        abi::H_GET_PPP => info::performance_parameters,
        abi::H_PIC => info::pool_idle_count,
        abi::H_GET_CPU_CHARACTERISTICS => info::cpu_characteristics,
        abi::H_HOME_NODE_ASSOCIATIVITY => info::home_node_associativity,
        abi::H_RANDOM => info::random,
        abi::H_RTAS => rtas::call,
        _ => return None,
    })
}

/// Does the hypercall that `cpu` asks for: opcode in r3, arguments from r4. Sets r3 and the outputs.
pub(crate) fn dispatch(platform: &Platform, cpu: &mut dyn Vcpu) -> Action {
    let opcode = cpu.gpr(3);
    let reply = if cpu.problem_state() {
        Reply::status(abi::H_PRIVILEGE)
    } else if let Some(handler) = handler(opcode) {
        handler(platform, &mut Call { cpu })
    } else if let Some(reply) = scm::call(platform, opcode, &mut Call { cpu }) {
        reply
    } else {
        match platform.unknown_hypercalls.note(opcode) {
            Novelty::New if abi::PROBES.contains(&opcode) => tracing::debug!(
                opcode = format_args!("{opcode:#x}"),
                "the guest looks for a hypercall that this platform does not have"
            ),
            Novelty::New => tracing::warn!(
                opcode = format_args!("{opcode:#x}"),
                "the guest made an unknown hypercall"
            ),
            Novelty::LastStraw => tracing::warn!("further unknown hypercalls are not reported"),
            Novelty::Known => {}
        }
        Reply::status(abi::H_FUNCTION)
    };
    cpu.set_gpr(3, reply.status as u64);
    reply.action
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

//! What vCPUs do to themselves and to one another: H_CEDE, H_PROD, H_CONFER, H_JOIN,
//! H_SIGNAL_SYS_RESET, H_SET_SPRG0 (PAPR, "Processor Virtualization").

use super::Processors;
use crate::action::Action;
use crate::hcall::abi::{H_BAD_MODE, H_CONTINUE, H_PARAMETER};
use crate::hcall::{Call, Reply};
use crate::vcpu::{Special, VcpuId};
use papr_dr::sync::lock;

/// H_CONFER: the target that stands for all others.
const CONFER_TO_ALL: u64 = u64::MAX;

/// H_SIGNAL_SYS_RESET: all vCPUs.
const RESET_ALL: u64 = u64::MAX;
/// H_SIGNAL_SYS_RESET: all vCPUs but the caller.
const RESET_ALL_OTHERS: u64 = u64::MAX - 1;

/// The vCPU that an argument names, if there is one.
fn vcpu(processors: &Processors, argument: u64) -> Option<VcpuId> {
    u32::try_from(argument)
        .ok()
        .map(VcpuId)
        .filter(|id| processors.has_vcpu(*id))
}

/// H_CEDE: enables external interrupts and waits for something to do.
///
/// The dispatch count moves, which guests read as how often they were given a processor, and stays
/// even: a ceding vCPU runs again as soon as it is asked to, and Linux up to 6.6 sends no work to a
/// CPU whose count is odd, taking it for one that lost its processor.
pub(super) fn cede(processors: &Processors, call: &mut Call<'_>) -> Reply {
    call.cpu.enable_external_interrupts();
    processors.areas.note_cede(call.memory, call.caller());
    Reply::then(Action::Cede)
}

/// H_PROD: r4 a vCPU to wake.
pub(super) fn prod(processors: &Processors, call: &mut Call<'_>) -> Reply {
    let Some(target) = vcpu(processors, call.arg(0)) else {
        return Reply::status(H_PARAMETER);
    };
    processors.release_from_join(target);
    processors.host.prod(target);
    Reply::SUCCESS
}

/// H_CONFER: r4 a vCPU (or all ones: any) that should run, r5 its yield count when the caller
/// decided so.
///
/// To itself it means to wait for a prod. If the target runs, or was dispatched since, there is
/// nothing to give.
pub(super) fn confer(processors: &Processors, call: &mut Call<'_>) -> Reply {
    let target = call.arg(0);
    if target == CONFER_TO_ALL {
        return Reply::then(Action::Yield);
    }
    let Some(target) = vcpu(processors, target) else {
        return Reply::status(H_PARAMETER);
    };
    if target == call.caller() {
        processors.wait_begins(call.memory, target);
        return Reply::then(Action::WaitForProd);
    }
    let count = processors.areas.yield_count(call.memory, target);
    let stale = count.is_some_and(|count| u64::from(count) != call.arg(1) || count % 2 == 0);
    if stale {
        Reply::SUCCESS
    } else {
        Reply::then(Action::Yield)
    }
}

/// H_JOIN: waits for a prod, unless all others wait so or are stopped: then H_CONTINUE. Needs
/// MSR\[EE\] off.
pub(super) fn join(processors: &Processors, call: &mut Call<'_>) -> Reply {
    if call.cpu.external_interrupts_enabled() {
        return Reply::status(H_BAD_MODE);
    }
    let caller = call.caller();
    let mut joined = lock(&processors.joined);
    let alone = processors
        .vcpus()
        .filter(|id| *id != caller)
        .all(|id| joined.contains(&id) || processors.host.is_stopped(id));
    if alone {
        return Reply::status(H_CONTINUE);
    }
    joined.insert(caller);
    drop(joined);
    processors.wait_begins(call.memory, caller);
    Reply::then(Action::WaitForProd)
}

/// H_SIGNAL_SYS_RESET: r4 a vCPU, -1 (all) or -2 (all others).
pub(super) fn signal_system_reset(processors: &Processors, call: &mut Call<'_>) -> Reply {
    let caller = call.caller();
    match call.arg(0) {
        RESET_ALL => processors
            .running_vcpus()
            .for_each(|id| processors.host.system_reset(id)),
        RESET_ALL_OTHERS => {
            processors
                .running_vcpus()
                .filter(|id| *id != caller)
                .for_each(|id| processors.host.system_reset(id));
        }
        // A stopped vCPU is in RTAS's hands, where no interrupt reaches it.
        target => match vcpu(processors, target).filter(|id| !processors.host.is_stopped(*id)) {
            Some(id) => processors.host.system_reset(id),
            None => return Reply::status(H_PARAMETER),
        },
    }
    Reply::SUCCESS
}

/// H_SET_SPRG0: r4 the value.
pub(super) fn set_sprg0(_: &Processors, call: &mut Call<'_>) -> Reply {
    let value = call.arg(0);
    call.cpu.set_special(Special::Sprg0, value);
    Reply::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hcall::abi::{
        H_CEDE, H_CONFER, H_JOIN, H_PROD, H_SET_SPRG0, H_SIGNAL_SYS_RESET, H_SUCCESS,
    };
    use crate::testing::{Event, Machine};

    #[test]
    fn a_ceding_cpu_waits_with_interrupts_on() {
        let m = Machine::new(1);
        let mut cpu = m.cpu(0);
        cpu.gprs[3] = H_CEDE;
        assert_eq!(m.platform.hypercall(&mut cpu), Action::Cede);
        assert!(cpu.external_interrupts);
        assert_eq!(cpu.gprs[3] as i64, H_SUCCESS);
    }

    #[test]
    fn prod_reaches_the_cpu_that_it_names_and_no_other() {
        let m = Machine::new(2);
        assert_eq!(m.hcall(0, H_PROD, &[1]).0, H_SUCCESS);
        for nobody in [2, 1 << 32 | 1, u64::MAX] {
            assert_eq!(m.hcall(0, H_PROD, &[nobody]).0, H_PARAMETER);
        }
        assert_eq!(m.host.events(), [Event::Prod(1)]);
    }

    #[test]
    fn confer_waits_yields_or_goes_on() {
        let m = Machine::new(2);
        assert_eq!(
            m.hcall(0, H_CONFER, &[CONFER_TO_ALL, 0]),
            (H_SUCCESS, Action::Yield)
        );
        assert_eq!(
            m.hcall(0, H_CONFER, &[0, 0]),
            (H_SUCCESS, Action::WaitForProd)
        );
        assert_eq!(m.hcall(0, H_CONFER, &[2, 0]), (H_PARAMETER, Action::Resume));
        assert_eq!(
            m.hcall(0, H_CONFER, &[1, 7]),
            (H_SUCCESS, Action::Yield),
            "nothing is known of CPU 1"
        );
        m.register_vpa(1, 0x1_0000);
        assert_eq!(
            m.hcall(0, H_CONFER, &[1, 0]),
            (H_SUCCESS, Action::Resume),
            "CPU 1 runs"
        );
        let _ = m.hcall(1, H_CONFER, &[1, 0]);
        assert_eq!(
            m.hcall(0, H_CONFER, &[1, 1]),
            (H_SUCCESS, Action::Yield),
            "CPU 1 waits"
        );
        assert_eq!(
            m.hcall(0, H_CONFER, &[1, 3]),
            (H_SUCCESS, Action::Resume),
            "CPU 1 has run since"
        );
    }

    #[test]
    fn the_last_to_join_goes_on_and_a_prod_releases_the_others() {
        let m = Machine::new(3);
        m.host.stop(2);
        assert_eq!(m.hcall(0, H_JOIN, &[]), (H_SUCCESS, Action::WaitForProd));
        assert_eq!(m.hcall(1, H_JOIN, &[]), (H_CONTINUE, Action::Resume));
        assert_eq!(m.hcall(1, H_PROD, &[0]).0, H_SUCCESS);
        assert_eq!(
            m.hcall(1, H_JOIN, &[]),
            (H_SUCCESS, Action::WaitForProd),
            "CPU 0 runs again"
        );
        m.platform.wait_ended(VcpuId(1));
        assert_eq!(
            m.hcall(0, H_JOIN, &[]),
            (H_SUCCESS, Action::WaitForProd),
            "CPU 1 runs again"
        );
    }

    #[test]
    fn join_with_interrupts_on_is_refused() {
        let m = Machine::new(1);
        let mut cpu = m.cpu(0);
        cpu.external_interrupts = true;
        cpu.gprs[3] = H_JOIN;
        assert_eq!(m.platform.hypercall(&mut cpu), Action::Resume);
        assert_eq!(cpu.gprs[3] as i64, H_BAD_MODE);
    }

    #[test]
    fn system_reset_goes_to_one_all_or_all_others_that_run() {
        let m = Machine::new(3);
        m.host.stop(2);
        assert_eq!(m.hcall(0, H_SIGNAL_SYS_RESET, &[1]).0, H_SUCCESS);
        assert_eq!(m.hcall(0, H_SIGNAL_SYS_RESET, &[RESET_ALL]).0, H_SUCCESS);
        assert_eq!(
            m.hcall(0, H_SIGNAL_SYS_RESET, &[RESET_ALL_OTHERS]).0,
            H_SUCCESS
        );
        for nobody in [2, 3, u64::MAX - 2] {
            assert_eq!(m.hcall(0, H_SIGNAL_SYS_RESET, &[nobody]).0, H_PARAMETER);
        }
        assert_eq!(m.host.events(), [1, 0, 1, 1].map(Event::SystemReset));
    }

    #[test]
    fn sprg0_is_set_in_the_caller() {
        let m = Machine::new(1);
        let mut cpu = m.cpu(0);
        (cpu.gprs[3], cpu.gprs[4]) = (H_SET_SPRG0, 0x1234);
        assert_eq!(m.platform.hypercall(&mut cpu), Action::Resume);
        assert_eq!(cpu.specials, [(Special::Sprg0, 0x1234)]);
    }
}

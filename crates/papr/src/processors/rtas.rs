//! start-cpu, stop-self and query-cpu-stopped-state (PAPR, "SMP Support").

use super::Processors;
use crate::action::Action;
use crate::rtas::{Answer, Request, status};
use crate::vcpu::{StartState, VcpuId};

/// query-cpu-stopped-state: in the stopped state.
const STOPPED: u32 = 0;
/// query-cpu-stopped-state: not stopped.
const NOT_STOPPED: u32 = 2;

/// The vCPU that an argument names, if there is one.
fn vcpu(processors: &Processors, argument: u32) -> Option<VcpuId> {
    Some(VcpuId(argument)).filter(|id| processors.has_vcpu(*id))
}

/// start-cpu: vCPU, where to start, what to put in r3.
///
/// It starts big-endian, as the architecture leaves reset; kernels switch at their entry.
pub(super) fn start(processors: &Processors, request: &Request<'_>) -> Answer {
    let &[target, nia, r3] = request.args else {
        return Answer::status(status::PARAMETER);
    };
    let Some(target) = vcpu(processors, target) else {
        return Answer::status(status::PARAMETER);
    };
    if !processors.host.is_stopped(target) {
        return Answer::status(status::HARDWARE);
    }
    let state = StartState {
        nia: nia.into(),
        r3: r3.into(),
        r4: 0,
        r5: 0,
        little_endian: false,
    };
    processors.release_from_join(target);
    processors.host.start(target, state);
    Answer::SUCCESS
}

/// stop-self.
pub(super) fn stop_self(_: &Processors, _: &Request<'_>) -> Answer {
    Answer::then(Action::StopSelf)
}

/// query-cpu-stopped-state: vCPU.
pub(super) fn query_stopped(processors: &Processors, request: &Request<'_>) -> Answer {
    let Some(target) = request
        .args
        .first()
        .and_then(|target| vcpu(processors, *target))
    else {
        return Answer::status(status::PARAMETER);
    };
    Answer::values([if processors.host.is_stopped(target) {
        STOPPED
    } else {
        NOT_STOPPED
    }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Event, Machine};

    #[test]
    fn a_stopped_cpu_is_started_where_the_guest_says() {
        let m = Machine::new(2);
        m.host.stop(1);
        assert_eq!(m.rtas_named(0, "query-cpu-stopped-state", &[1], 2), [0, 0]);
        assert_eq!(m.rtas_named(0, "start-cpu", &[1, 0x60, 1], 1), [0]);
        let state = StartState {
            nia: 0x60,
            r3: 1,
            r4: 0,
            r5: 0,
            little_endian: false,
        };
        assert_eq!(m.host.events(), [Event::Start(1, state)]);
        assert_eq!(m.rtas_named(0, "query-cpu-stopped-state", &[1], 2), [0, 2]);
    }

    #[test]
    fn a_running_or_missing_cpu_is_not_started() {
        let m = Machine::new(2);
        assert_eq!(m.rtas_named(0, "start-cpu", &[1, 0x60, 1], 1), [-1]);
        assert_eq!(m.rtas_named(0, "start-cpu", &[2, 0x60, 1], 1), [-3]);
        assert_eq!(
            m.rtas_named(0, "query-cpu-stopped-state", &[u32::MAX], 2),
            [-3, 0]
        );
        assert_eq!(m.host.events(), []);
    }

    #[test]
    fn stop_self_stops_the_caller() {
        let m = Machine::new(1);
        assert_eq!(m.rtas_action(0, "stop-self", &[], 1), Action::StopSelf);
    }
}

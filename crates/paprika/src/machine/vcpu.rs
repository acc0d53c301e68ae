//! A vCPU's thread: waits to be started, runs the guest, hands hypercalls to the platform, waits when the guest does.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use papr::vcpu::{StartState, Vcpu, VcpuId};
use papr::{Action, MachineExit, Platform};
use power::signals::{EXTERNAL, KICK, PROD, SYSTEM_RESET, Signals};
use power::{Cpu, Exit, Partition};
use tracing::debug;

use super::processor::Processor;
use crate::memory;

/// What a vCPU's thread is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Stay stopped.
    Stop,
    /// Run from this state on.
    Start(StartState),
    /// Running: nothing new.
    Run,
    /// The machine is gone: the thread ends.
    Quit,
}

struct State {
    order: Order,
    /// The thread has acted on a stop: it runs no guest code.
    stopped: bool,
}

/// The monitor's hold on one vCPU's thread.
pub(super) struct VcpuControl {
    state: Mutex<State>,
    changed: Condvar,
    signals: Arc<Signals>,
}

impl VcpuControl {
    pub(super) fn new(signals: Arc<Signals>) -> Self {
        Self {
            state: Mutex::new(State { order: Order::Stop, stopped: true }),
            changed: Condvar::new(),
            signals,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self, order: Order) {
        let mut state = self.lock();
        if state.order != Order::Quit {
            state.order = order;
        }
        drop(state);
        self.changed.notify_all();
        self.signals.raise(KICK);
    }

    /// Starts it from `state`.
    pub(super) fn start(&self, start: StartState) {
        let mut state = self.lock();
        if state.order != Order::Quit {
            state.order = Order::Start(start);
            state.stopped = false;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Stops it, without waiting for it.
    pub(super) fn stop(&self) {
        self.order(Order::Stop);
    }

    /// Ends its thread.
    pub(super) fn quit(&self) {
        self.order(Order::Quit);
    }

    /// Waits until it runs no guest code.
    pub(super) fn wait_stopped(&self) {
        let mut state = self.lock();
        while !state.stopped {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether the guest sees it as stopped.
    pub(super) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// For the thread: waits for a start. None: the thread ends.
    fn wait_for_start(&self) -> Option<StartState> {
        let mut state = self.lock();
        loop {
            match state.order {
                Order::Start(start) => {
                    state.order = Order::Run;
                    state.stopped = false;
                    return Some(start);
                }
                Order::Quit => {
                    state.stopped = true;
                    self.changed.notify_all();
                    return None;
                }
                Order::Stop | Order::Run => {
                    state.order = Order::Stop;
                    state.stopped = true;
                    self.changed.notify_all();
                    state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// For the thread: whether it may go on.
    fn may_run(&self) -> bool {
        self.lock().order == Order::Run
    }
}

/// How a vCPU brought the machine to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum VcpuEvent {
    /// A hypercall or RTAS call ended it.
    Exit(MachineExit),
    /// A machine check that the guest could not take.
    Checkstop { vcpu: u32, ea: u64, nia: u64 },
    /// The host could not give a byte of an NVDIMM.
    BackingFailed,
}

/// The body of a vCPU's thread.
pub(super) fn run(
    partition: &Arc<Partition>,
    platform: &Platform,
    control: &VcpuControl,
    id: VcpuId,
    report: &dyn Fn(VcpuEvent),
) -> u64 {
    let Some(cpu) = Cpu::new(partition, id.0) else { return 0 };
    let mut processor = Processor(cpu);
    while let Some(start) = control.wait_for_start() {
        debug!(vcpu = id.0, ?start, "vCPU starts");
        processor.reset(&start);
        control.signals.clear(KICK | PROD | SYSTEM_RESET);
        while control.may_run() {
            let exit = processor.0.run();
            if memory::failure().is_some() {
                // What the guest has seen since is not to be believed: nothing is acknowledged any more.
                report(VcpuEvent::BackingFailed);
                break;
            }
            match exit {
                Exit::Kicked => {}
                Exit::Hypercall => match platform.hypercall(&mut processor) {
                    Action::Resume => {}
                    Action::Cede => {
                        wait(&processor.0, EXTERNAL | PROD, true);
                        platform.wait_ended(id);
                    }
                    Action::WaitForProd => {
                        wait(&processor.0, PROD, false);
                        platform.wait_ended(id);
                    }
                    Action::Yield => std::thread::yield_now(),
                    Action::StopSelf => break,
                    Action::Exit(exit) => {
                        report(VcpuEvent::Exit(exit));
                        break;
                    }
                },
                Exit::Checkstop { ea, nia } => {
                    report(VcpuEvent::Checkstop { vcpu: id.0, ea, nia });
                    break;
                }
            }
        }
        debug!(vcpu = id.0, "vCPU stops");
    }
    processor.0.instructions_executed()
}

/// The guest waits: until one of `flags`, the monitor, or (where it counts) the decrementer.
fn wait(cpu: &Cpu, flags: u32, decrementer: bool) {
    let deadline = decrementer.then(|| {
        let left = u64::try_from(cpu.decrementer()).unwrap_or(0);
        Instant::now() + power::time::duration_of(left)
    });
    cpu.signals().wait(flags | KICK | SYSTEM_RESET, deadline);
    cpu.signals().clear(PROD);
}

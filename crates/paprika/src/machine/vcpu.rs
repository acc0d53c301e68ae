//! A vCPU's thread: waits to be started, runs the guest, hands hypercalls to the platform, waits when the guest does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use papr::vcpu::{StartState, Vcpu, VcpuId};
use papr::{Action, MachineExit, Platform};
use power::signals::{EXTERNAL, KICK, PROD, SYSTEM_RESET, Signals};
use power::{Cpu, Exit, Partition};
use power_jit::JitService;
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
    /// It is to stand still where it is, whatever its order.
    paused: bool,
    /// The thread has acted on a pause: it stands between two instructions.
    parked: bool,
}

/// The monitor's hold on one vCPU's thread.
pub(super) struct VcpuControl {
    state: Mutex<State>,
    changed: Condvar,
    signals: Arc<Signals>,
    /// Guest instructions executed up to the last exit.
    instructions: AtomicU64,
    hypercalls: AtomicU64,
}

impl VcpuControl {
    pub(super) fn new(signals: Arc<Signals>) -> Self {
        Self {
            state: Mutex::new(State {
                order: Order::Stop,
                stopped: true,
                paused: false,
                parked: false,
            }),
            changed: Condvar::new(),
            signals,
            instructions: AtomicU64::new(0),
            hypercalls: AtomicU64::new(0),
        }
    }

    /// Guest instructions executed up to its last exit, and hypercalls made.
    pub(super) fn counts(&self) -> (u64, u64) {
        (
            self.instructions.load(Ordering::Relaxed),
            self.hypercalls.load(Ordering::Relaxed),
        )
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
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Makes it stand still at its next instruction boundary, without waiting for it. It stays startable and stoppable meanwhile.
    pub(super) fn pause(&self) {
        self.lock().paused = true;
        self.signals.raise(KICK);
    }

    /// Lets it go on where it stands.
    pub(super) fn resume(&self) {
        self.lock().paused = false;
        self.changed.notify_all();
    }

    /// Waits until it stands still (paused, or stopped); false where it does not by `deadline`.
    pub(super) fn wait_still(&self, deadline: Instant) -> bool {
        let mut state = self.lock();
        while !(state.stopped || state.parked) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
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
                    state = self
                        .changed
                        .wait(state)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }

    /// For the thread: whether it may go on. Stands still in here while it is paused.
    fn may_run(&self) -> bool {
        let mut state = self.lock();
        while state.order == Order::Run && state.paused {
            state.parked = true;
            self.changed.notify_all();
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.parked = false;
        state.order == Order::Run
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
    jit: Option<&JitService>,
    report: &dyn Fn(VcpuEvent),
) -> u64 {
    let Some(mut cpu) = Cpu::new(partition, id.0) else {
        return 0;
    };
    cpu.set_accelerator(jit.map(JitService::accelerator));
    let mut processor = Processor(cpu);
    while let Some(start) = control.wait_for_start() {
        debug!(vcpu = id.0, ?start, "vCPU starts");
        processor.reset(&start);
        control.signals.clear(KICK | PROD | SYSTEM_RESET);
        while control.may_run() {
            let exit = processor.0.run();
            control
                .instructions
                .store(processor.0.instructions_executed(), Ordering::Relaxed);
            if memory::failure().is_some() {
                // What the guest has seen since is not to be believed: nothing is acknowledged any more.
                report(VcpuEvent::BackingFailed);
                break;
            }
            match exit {
                Exit::Kicked => {}
                Exit::Hypercall => {
                    control.hypercalls.fetch_add(1, Ordering::Relaxed);
                    match platform.hypercall(&mut processor) {
                        Action::Resume => {}
                        Action::Cede => {
                            wait(&processor.0, control, EXTERNAL | PROD, true);
                            platform.wait_ended(id);
                        }
                        Action::WaitForProd => {
                            wait(&processor.0, control, PROD, false);
                            platform.wait_ended(id);
                        }
                        Action::Yield => std::thread::yield_now(),
                        Action::StopSelf => break,
                        Action::Exit(exit) => {
                            report(VcpuEvent::Exit(exit));
                            break;
                        }
                    }
                }
                Exit::Checkstop { ea, nia } => {
                    report(VcpuEvent::Checkstop {
                        vcpu: id.0,
                        ea,
                        nia,
                    });
                    break;
                }
            }
        }
        debug!(vcpu = id.0, "vCPU stops");
    }
    processor.0.instructions_executed()
}

/// The guest waits: until one of `flags`, a stop, or (where it counts) the decrementer. A pause does not end the wait.
fn wait(cpu: &Cpu, control: &VcpuControl, flags: u32, decrementer: bool) {
    let ending = flags | SYSTEM_RESET;
    loop {
        // Anew after a pause, in which the guest's time has stood still.
        let deadline = decrementer.then(|| {
            let left = u64::try_from(cpu.decrementer()).unwrap_or(0);
            Instant::now() + power::time::duration_of(left)
        });
        let up = cpu.signals().wait(ending | KICK, deadline);
        if up & ending != 0 || up & KICK == 0 {
            break;
        }
        cpu.signals().clear(KICK);
        if !control.may_run() {
            break;
        }
    }
    cpu.signals().clear(PROD);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn control() -> Arc<VcpuControl> {
        let partition = Partition::new(1);
        Arc::new(VcpuControl::new(Arc::clone(
            partition.signals(0).expect("vCPU 0"),
        )))
    }

    fn started() -> StartState {
        StartState {
            nia: 0,
            r3: 0,
            r4: 0,
            r5: 0,
            little_endian: false,
        }
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn a_paused_vcpu_stands_still_until_it_is_resumed_and_then_may_run() {
        let control = control();
        control.pause();
        control.start(started());
        let thread = Arc::clone(&control);
        let thread =
            std::thread::spawn(move || (thread.wait_for_start().is_some(), thread.may_run()));
        assert!(control.wait_still(soon()));
        assert!(!control.is_stopped(), "the guest does not see a pause");
        control.resume();
        assert_eq!(thread.join().expect("thread"), (true, true));
    }

    #[test]
    fn a_paused_vcpu_can_be_stopped_and_ended() {
        for end in [VcpuControl::stop, VcpuControl::quit] {
            let control = control();
            control.pause();
            control.start(started());
            let thread = Arc::clone(&control);
            let thread =
                std::thread::spawn(move || (thread.wait_for_start().is_some(), thread.may_run()));
            assert!(control.wait_still(soon()));
            end(&control);
            assert_eq!(thread.join().expect("thread"), (true, false));
        }
    }

    #[test]
    fn a_vcpu_that_does_not_come_to_stand_still_is_not_waited_for_longer_than_asked() {
        let control = control();
        control.start(started());
        control.pause();
        assert!(!control.wait_still(Instant::now()));
    }
}

//! A vCPU's thread: waits to be started, runs the guest, hands hypercalls to the platform, waits when the guest does.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use papr::vcpu::{StartState, Vcpu, VcpuId};
use papr::{Action, MachineExit, Platform};
use power::signals::{EXTERNAL, KICK, PROD, SYSTEM_RESET, Signals};
use power::{Cpu, CpuStatistics, Exit, Partition};
use tracing::{debug, error};

use super::processor::{Engine, Processor};
use super::state::{Phase, VcpuState};
use crate::memory;

/// What a vCPU's thread is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Stay stopped.
    Stop,
    /// Run from this state on.
    Start(StartState),
    /// Go on as [`State::saved`] says.
    GoOn,
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
    /// It has ended or rebooted the machine, which has not come round to it yet.
    final_word: bool,
    /// What it is to go on from.
    saved: Option<Box<VcpuState>>,
    /// Its state is wanted, while it stands still.
    wanted: bool,
    /// What was wanted.
    given: Option<Box<VcpuState>>,
}

/// How a vCPU's thread begins to run.
enum Begin {
    /// From its reset state.
    Start(StartState),
    /// Where a saved one was.
    GoOn(Box<VcpuState>),
}

/// The monitor's hold on one vCPU's thread.
pub(super) struct VcpuControl {
    state: Mutex<State>,
    changed: Condvar,
    signals: Arc<Signals>,
    /// Guest instructions executed up to the last exit.
    instructions: AtomicU64,
    hypercalls: AtomicU64,
    /// Its engines run in lock step, whose dirty log nobody else can have.
    lock_step: AtomicBool,
}

impl VcpuControl {
    pub(super) fn new(signals: Arc<Signals>) -> Self {
        Self {
            state: Mutex::new(State {
                order: Order::Stop,
                stopped: true,
                paused: false,
                parked: false,
                final_word: false,
                saved: None,
                wanted: false,
                given: None,
            }),
            changed: Condvar::new(),
            signals,
            instructions: AtomicU64::new(0),
            hypercalls: AtomicU64::new(0),
            lock_step: AtomicBool::new(false),
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

    /// Lets it go on where a saved one was, registers, signals and waits as they were. It must be stopped.
    pub(super) fn go_on(&self, saved: VcpuState) {
        if saved.phase == Phase::Stopped {
            return;
        }
        let mut state = self.lock();
        if state.order != Order::Quit {
            state.order = Order::GoOn;
            state.saved = Some(Box::new(saved));
            state.stopped = false;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Stops it, without waiting for it.
    pub(super) fn stop(&self) {
        self.lock().final_word = false;
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

    /// Its state, while it stands still ([`wait_still`](Self::wait_still)); none where its thread does not answer by `deadline`.
    pub(super) fn export(&self, deadline: Instant) -> Option<VcpuState> {
        let mut state = self.lock();
        state.wanted = true;
        state.given = None;
        self.changed.notify_all();
        loop {
            if let Some(given) = state.given.take() {
                return Some(*given);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                state.wanted = false;
                return None;
            }
            state = self
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Whether it runs in lock step.
    pub(super) fn in_lock_step(&self) -> bool {
        self.lock_step.load(Ordering::Relaxed)
    }

    /// Whether it has ended or rebooted the machine, which has not come round to it yet.
    pub(super) fn has_said_final_word(&self) -> bool {
        self.lock().final_word
    }

    /// For the thread: it is about to say that the machine ends or reboots.
    fn final_word(&self) {
        self.lock().final_word = true;
    }

    /// For the thread, which stands still: waits for news, and gives its state where that is wanted.
    fn stand<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        cpu: &Cpu,
        phase: Phase,
    ) -> MutexGuard<'a, State> {
        if state.wanted {
            state.wanted = false;
            state.given = Some(Box::new(VcpuState {
                phase,
                cpu: cpu.export(),
            }));
        }
        self.changed.notify_all();
        self.changed
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// For the thread: waits for a start. None: the thread ends.
    fn wait_for_start(&self, cpu: &Cpu) -> Option<Begin> {
        let mut state = self.lock();
        loop {
            let begin = match state.order {
                Order::Start(start) => Some(Begin::Start(start)),
                Order::GoOn => state.saved.take().map(Begin::GoOn),
                Order::Quit => {
                    state.stopped = true;
                    self.changed.notify_all();
                    return None;
                }
                Order::Stop | Order::Run => None,
            };
            if begin.is_some() {
                state.order = Order::Run;
                state.stopped = false;
                state.final_word = false;
                return begin;
            }
            state.order = Order::Stop;
            state.stopped = true;
            state = self.stand(state, cpu, Phase::Stopped);
        }
    }

    /// For the thread, which is in this phase: whether it may go on. Stands still in here while it is paused.
    fn may_run(&self, cpu: &Cpu, phase: Phase) -> bool {
        let mut state = self.lock();
        while state.order == Order::Run && state.paused {
            state.parked = true;
            state = self.stand(state, cpu, phase);
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
    /// The engines that ran in lock step differ, or could not go on: what there is to say.
    Parted(String),
}

/// The body of a vCPU's thread.
pub(super) fn run(
    partition: &Arc<Partition>,
    platform: &Platform,
    control: &VcpuControl,
    id: VcpuId,
    engine: &Engine,
    report: &dyn Fn(VcpuEvent),
) -> CpuStatistics {
    let mut processor = match Processor::new(partition, id, engine) {
        Ok(processor) => processor,
        Err(error) => {
            report(VcpuEvent::Parted(error.to_string()));
            return CpuStatistics::default();
        }
    };
    control
        .lock_step
        .store(processor.in_lock_step(), Ordering::Relaxed);
    while let Some(begin) = control.wait_for_start(&processor.cpu) {
        let phase = match begin {
            Begin::Start(start) => {
                debug!(vcpu = id.0, ?start, "vCPU starts");
                processor.reset(&start);
                control.signals.clear(KICK | PROD | SYSTEM_RESET);
                Phase::Running
            }
            Begin::GoOn(saved) => {
                debug!(vcpu = id.0, phase = ?saved.phase, "vCPU goes on");
                if let Err(problem) = processor.import(&saved.cpu) {
                    // It was tried before the machine was accepted.
                    error!(vcpu = id.0, %problem, "a vCPU can't go on");
                    continue;
                }
                saved.phase
            }
        };
        wait(&processor.cpu, platform, control, phase);
        while control.may_run(&processor.cpu, Phase::Running) {
            let ran = processor.run();
            control
                .instructions
                .store(processor.cpu.instructions_executed(), Ordering::Relaxed);
            let last = if memory::failure().is_some() {
                // What the guest has seen since is not to be believed: nothing is acknowledged any more.
                Some(VcpuEvent::BackingFailed)
            } else {
                match ran {
                    Err(error) => Some(VcpuEvent::Parted(error.to_string())),
                    Ok(Exit::Kicked) => None,
                    Ok(Exit::Hypercall) => {
                        control.hypercalls.fetch_add(1, Ordering::Relaxed);
                        match platform.hypercall(&mut processor) {
                            Action::Resume => None,
                            Action::Cede => {
                                wait(&processor.cpu, platform, control, Phase::Ceded);
                                None
                            }
                            Action::WaitForProd => {
                                wait(&processor.cpu, platform, control, Phase::WaitsForProd);
                                None
                            }
                            Action::Yield => {
                                std::thread::yield_now();
                                None
                            }
                            Action::StopSelf => break,
                            Action::Exit(exit) => Some(VcpuEvent::Exit(exit)),
                        }
                    }
                    Ok(Exit::Checkstop { ea, nia }) => Some(VcpuEvent::Checkstop {
                        vcpu: id.0,
                        ea,
                        nia,
                    }),
                }
            };
            if let Some(event) = last {
                control.final_word();
                report(event);
                break;
            }
        }
        debug!(vcpu = id.0, "vCPU stops");
    }
    processor.cpu.statistics()
}

/// The guest waits, where its phase is a wait: until a signal that ends it, a stop, or (where it counts) the decrementer. A pause does
/// not end the wait.
fn wait(cpu: &Cpu, platform: &Platform, control: &VcpuControl, phase: Phase) {
    let (flags, decrementer) = match phase {
        Phase::Running | Phase::Stopped => return,
        Phase::Ceded => (EXTERNAL | PROD, true),
        Phase::WaitsForProd => (PROD, false),
    };
    let ending = flags | SYSTEM_RESET;
    loop {
        // Anew after a pause, in which the guest's time has stood still.
        let deadline = decrementer.then(|| {
            let left = u64::try_from(cpu.decrementer()).unwrap_or(0);
            Instant::now() + power::time::duration_of(left)
        });
        let up = control.signals.wait(ending | KICK, deadline);
        if up & ending != 0 || up & KICK == 0 {
            break;
        }
        control.signals.clear(KICK);
        if !control.may_run(cpu, phase) {
            break;
        }
    }
    control.signals.clear(PROD);
    platform.wait_ended(VcpuId(cpu.id()));
}

#[cfg(test)]
mod tests {
    use std::thread::JoinHandle;
    use std::time::Duration;

    use super::*;

    /// A vCPU's control, and a thread that waits to be started and then to run; it answers whether each came.
    fn vcpu() -> (Arc<VcpuControl>, JoinHandle<(bool, bool)>) {
        let partition = Partition::new(1);
        let control = Arc::new(VcpuControl::new(Arc::clone(
            partition.signals(0).expect("vCPU 0"),
        )));
        let theirs = Arc::clone(&control);
        let thread = std::thread::spawn(move || {
            let mut cpu = Cpu::new(&partition, 0).expect("vCPU 0");
            let begin = theirs.wait_for_start(&cpu);
            let phase = match &begin {
                Some(Begin::GoOn(saved)) => {
                    cpu.import(&saved.cpu).expect("its own state");
                    saved.phase
                }
                _ => Phase::Running,
            };
            (begin.is_some(), theirs.may_run(&cpu, phase))
        });
        (control, thread)
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
        let (control, thread) = vcpu();
        control.pause();
        control.start(started());
        assert!(control.wait_still(soon()));
        assert!(!control.is_stopped(), "the guest does not see a pause");
        control.resume();
        assert_eq!(thread.join().expect("thread"), (true, true));
    }

    #[test]
    fn a_paused_vcpu_can_be_stopped_and_ended() {
        for end in [VcpuControl::stop, VcpuControl::quit] {
            let (control, thread) = vcpu();
            control.pause();
            control.start(started());
            assert!(control.wait_still(soon()));
            end(&control);
            assert_eq!(thread.join().expect("thread"), (true, false));
        }
    }

    #[test]
    fn a_vcpu_that_does_not_come_to_stand_still_is_not_waited_for_longer_than_asked() {
        let partition = Partition::new(1);
        let control = VcpuControl::new(Arc::clone(partition.signals(0).expect("vCPU 0")));
        control.start(started());
        control.pause();
        assert!(!control.wait_still(Instant::now()));
        assert_eq!(control.export(Instant::now()), None);
    }

    #[test]
    fn a_vcpu_goes_on_in_the_phase_and_with_the_registers_of_the_saved_one() {
        let (control, thread) = vcpu();
        let mut saved = control.export(soon()).expect("it stands");
        assert_eq!(saved.phase, Phase::Stopped);
        control.go_on(saved.clone());
        assert!(control.is_stopped(), "one that was stopped stays so");
        for phase in [Phase::Ceded, Phase::WaitsForProd, Phase::Running] {
            let (control, thread) = vcpu();
            control.pause();
            saved.phase = phase;
            saved.cpu.gpr[31] = 0x1234;
            saved.cpu.prodded = true;
            control.go_on(saved.clone());
            assert!(control.wait_still(soon()));
            let again = control.export(soon()).expect("it stands");
            assert_eq!((again.phase, again.cpu.gpr[31]), (phase, 0x1234));
            assert!(again.cpu.prodded, "what waits for it is still there");
            control.resume();
            assert_eq!(thread.join().expect("thread"), (true, true));
        }
        control.quit();
        assert_eq!(thread.join().expect("thread"), (false, false));
    }
}

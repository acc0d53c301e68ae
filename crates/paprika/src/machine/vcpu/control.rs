//! The monitor's hold on a vCPU's thread: starts, stops and pauses it, and gets its state while it stands still. And what the thread asks of
//! it: whether it may run, and a wait for news where it may not.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use papr::vcpu::StartState;
use power::Cpu;
use power::signals::{KICK, Signals};

use crate::machine::state::{Phase, VcpuState};

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
pub(super) enum Begin {
    /// From its reset state.
    Start(StartState),
    /// Where a saved one was.
    GoOn(Box<VcpuState>),
}

/// The monitor's hold on one vCPU's thread.
pub(in crate::machine) struct VcpuControl {
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
    pub(in crate::machine) fn new(signals: Arc<Signals>) -> Self {
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
    pub(in crate::machine) fn counts(&self) -> (u64, u64) {
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
    pub(in crate::machine) fn start(&self, start: StartState) {
        let mut state = self.lock();
        if state.order != Order::Quit {
            state.order = Order::Start(start);
            state.stopped = false;
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Lets it go on where a saved one was, registers, signals and waits as they were. It must be stopped.
    pub(in crate::machine) fn go_on(&self, saved: VcpuState) {
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
    pub(in crate::machine) fn stop(&self) {
        self.lock().final_word = false;
        self.order(Order::Stop);
    }

    /// Ends its thread.
    pub(in crate::machine) fn quit(&self) {
        self.order(Order::Quit);
    }

    /// Waits until it runs no guest code.
    pub(in crate::machine) fn wait_stopped(&self) {
        let mut state = self.lock();
        while !state.stopped {
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Makes it stand still at its next instruction boundary, without waiting for it. It stays startable and stoppable meanwhile.
    pub(in crate::machine) fn pause(&self) {
        self.lock().paused = true;
        self.signals.raise(KICK);
    }

    /// Lets it go on where it stands.
    pub(in crate::machine) fn resume(&self) {
        self.lock().paused = false;
        self.changed.notify_all();
    }

    /// Waits until it stands still (paused, or stopped); false where it does not by `deadline`.
    pub(in crate::machine) fn wait_still(&self, deadline: Instant) -> bool {
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
    pub(in crate::machine) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// Its state, while it stands still ([`wait_still`](Self::wait_still)); none where its thread does not answer by `deadline`.
    pub(in crate::machine) fn export(&self, deadline: Instant) -> Option<VcpuState> {
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
    pub(in crate::machine) fn in_lock_step(&self) -> bool {
        self.lock_step.load(Ordering::Relaxed)
    }

    /// Whether it has ended or rebooted the machine, which has not come round to it yet.
    pub(in crate::machine) fn has_said_final_word(&self) -> bool {
        self.lock().final_word
    }

    /// What wakes it while the guest waits.
    pub(super) fn signals(&self) -> &Signals {
        &self.signals
    }

    /// For the thread: whether its engines run in lock step.
    pub(super) fn set_lock_step(&self, lock_step: bool) {
        self.lock_step.store(lock_step, Ordering::Relaxed);
    }

    /// For the thread: it has executed so many guest instructions in all.
    pub(super) fn count_instructions(&self, executed: u64) {
        self.instructions.store(executed, Ordering::Relaxed);
    }

    /// For the thread: its guest has made one more hypercall.
    pub(super) fn count_hypercall(&self) {
        self.hypercalls.fetch_add(1, Ordering::Relaxed);
    }

    /// For the thread: it is about to say that the machine ends or reboots.
    pub(super) fn final_word(&self) {
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
    pub(super) fn wait_for_start(&self, cpu: &Cpu) -> Option<Begin> {
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
    pub(super) fn may_run(&self, cpu: &Cpu, phase: Phase) -> bool {
        let mut state = self.lock();
        while state.order == Order::Run && state.paused {
            state.parked = true;
            state = self.stand(state, cpu, phase);
        }
        state.parked = false;
        state.order == Order::Run
    }
}

#[cfg(test)]
mod tests {
    use std::thread::JoinHandle;
    use std::time::Duration;

    use power::Partition;

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

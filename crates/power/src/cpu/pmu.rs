//! The performance monitor (Book III, 9): registers, counters, freezing, and alerts.
//!
//! Two things are counted: instructions completed, which the run loop's budget tells exactly, and
//! cycles, which are the time base at the clock frequency that the device tree names. Counters are
//! brought up to date at polls, whenever what they depend on changes, and as they are accessed;
//! nothing is asked of instructions. An event that is none of the two reads 0, as the architecture
//! has no way to say that an event is not there; the log says so once per selector.

use std::collections::BTreeSet;

use tracing::info;

use super::Cpu;
use crate::msr;

/// Bits of MMCR0.
pub(super) mod mmcr0 {
    /// Freeze counters.
    pub(crate) const FC: u64 = 1 << 31;
    /// … in privileged state.
    pub(super) const FCS: u64 = 1 << 30;
    /// … in problem state.
    pub(super) const FCP: u64 = 1 << 29;
    /// … while MSR\[PMM\] is 1.
    pub(super) const FCM1: u64 = 1 << 28;
    /// … while MSR\[PMM\] is 0.
    pub(super) const FCM0: u64 = 1 << 27;
    /// Performance monitor alert enable.
    pub(crate) const PMAE: u64 = 1 << 26;
    /// Freeze counters on an enabled condition or event.
    pub(super) const FCECE: u64 = 1 << 25;
    /// PMC control: its two bits, which say what problem state may access.
    pub(crate) const PMCC: u64 = 3 << 18;
    /// A negative PMC1 is an enabled condition.
    pub(super) const PMC1CE: u64 = 1 << 15;
    /// So is any other negative counter.
    pub(super) const PMCJCE: u64 = 1 << 14;
    /// The others wait for PMC1 to become negative.
    pub(super) const TRIGGER: u64 = 1 << 13;
    /// PMC5 and PMC6 count whatever CTRL\[RUN\] is.
    pub(super) const CC56RUN: u64 = 1 << 8;
    /// Performance monitor alert occurred.
    pub(crate) const PMAO: u64 = 1 << 7;
    /// Freeze PMC5 and PMC6.
    pub(super) const FC56: u64 = 1 << 4;
    /// Freeze counters while CTRL\[RUN\] is 0.
    pub(super) const FCWAIT: u64 = 1 << 1;
    /// What problem state sees and changes.
    pub(crate) const PROBLEM: u64 = FC | PMAE | PMAO;
}

/// The nine bits of MMCR2 for each counter, from the most significant on.
mod mmcr2 {
    pub(super) const FIELD: u32 = 9;
    pub(super) const FCS: u64 = 1 << 63;
    pub(super) const FCP0: u64 = 1 << 62;
    pub(super) const FCM1: u64 = 1 << 60;
    pub(super) const FCM0: u64 = 1 << 59;
    pub(super) const FCWAIT: u64 = 1 << 58;
}

/// FC1P0 to FC6P0: what problem state sees and changes of MMCR2.
pub(super) const MMCR2_PROBLEM: u64 = 0x4020_1008_0402_0000;

/// Bits of SIER: the sampled instruction was in problem state; SIAR and SDAR are valid.
mod sier {
    pub(super) const SIPR: u64 = 1 << 25;
    pub(super) const SIAR_VALID: u64 = 1 << 22;
    pub(super) const SDAR_VALID: u64 = 1 << 21;
}

/// A counter with this bit set is negative.
const NEGATIVE: u32 = 1 << 31;
pub(super) const COUNTERS: usize = 6;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Event {
    Cycles,
    Instructions,
}

/// What each counter counts.
type Counting = [Option<Event>; COUNTERS];

/// What freezing depends on beside the monitor's own registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    problem: bool,
    marked: bool,
    run: bool,
}

/// The registers, and where counting is at.
#[derive(Debug, Clone)]
pub(crate) struct Pmu {
    pub(super) mmcr0: u64,
    pub(super) mmcr1: u64,
    pub(super) mmcr2: u64,
    pub(super) mmcra: u64,
    pub(super) pmc: [u32; COUNTERS],
    pub(super) sier: u64,
    pub(super) siar: u64,
    pub(super) sdar: u64,
    /// What has been counted since the counters were last up to date.
    counting: Counting,
    /// Whether anything is counted.
    counts: bool,
    /// MSR bits that decide what is counted.
    sensitive: u64,
    /// Instructions completed, and cycles, when the counters were last up to date.
    instructions: u64,
    cycles: u64,
    /// The instruction at this address is the first of its interval: the count of instructions is
    /// exact.
    exact_at: Option<u64>,
    /// What is counted was chosen in the middle of an interval, and counts from the next poll.
    anew: bool,
    /// An instruction is to be carried out once more, after a poll.
    repeat: bool,
    /// Selectors that were logged.
    unknown: BTreeSet<(usize, u8)>,
}

impl Default for Pmu {
    /// After reset the counters are frozen.
    fn default() -> Self {
        Self {
            mmcr0: mmcr0::FC,
            mmcr1: 0,
            mmcr2: 0,
            mmcra: 0,
            pmc: [0; COUNTERS],
            sier: 0,
            siar: 0,
            sdar: 0,
            counting: [None; COUNTERS],
            counts: false,
            sensitive: 0,
            instructions: 0,
            cycles: 0,
            exact_at: None,
            anew: false,
            repeat: false,
            unknown: BTreeSet::new(),
        }
    }
}

/// Cycles of the nominal clock of 1 GHz in so many ticks of 512 MHz.
const fn cycles(ticks: u64) -> u64 {
    (ticks / 64).wrapping_mul(125) + ticks % 64 * 125 / 64
}

impl Pmu {
    /// MMCR0\[PMCC\] gives problem state counters and branch history.
    pub(super) fn is_open_to_problem_state(&self) -> bool {
        self.mmcr0 & mmcr0::PMCC >= 2 << 18
    }

    /// Whether anything is counted now.
    #[inline]
    pub(crate) fn counts(&self) -> bool {
        self.counts
    }

    /// Whether polls have something to count or to choose.
    #[inline]
    pub(crate) fn is_on(&self) -> bool {
        self.counts || self.sensitive != 0
    }

    /// Whether other values of these bits of MSR change what is counted.
    #[inline]
    pub(crate) fn is_sensitive_to(&self, changed: u64) -> bool {
        self.sensitive & changed != 0
    }

    /// Whether there is a performance monitor exception.
    #[inline]
    pub(crate) fn has_exception(&self) -> bool {
        self.mmcr0 & mmcr0::PMAO != 0
    }

    /// The event that MMCR1 selects for a counter (0 is PMC1). PMC5 and PMC6 have one each.
    fn event(&self, counter: usize, run: bool) -> Option<Event> {
        let programmed = |counter: usize| (self.mmcr1 >> (24 - 8 * counter)) as u8;
        match counter {
            4 | 5 if !run && self.mmcr0 & mmcr0::CC56RUN == 0 => None,
            4 => Some(Event::Instructions),
            5 => Some(Event::Cycles),
            // PM_CYC and PM_INST_CMPL on any counter, and by the numbers that PMC1 has for them.
            _ => match (counter, programmed(counter)) {
                (_, 0x1e) | (0, 0xf0) => Some(Event::Cycles),
                (_, 0x02) | (0, 0xfe) => Some(Event::Instructions),
                // PM_RUN_CYC, PM_RUN_INST_CMPL.
                (1, 0xf4) => run.then_some(Event::Cycles),
                (3, 0xfa) => run.then_some(Event::Instructions),
                _ => None,
            },
        }
    }

    fn is_frozen(&self, counter: usize, state: State) -> bool {
        let common = [
            (mmcr0::FC, true),
            (mmcr0::FCS, !state.problem),
            (mmcr0::FCP, state.problem),
            (mmcr0::FCM1, state.marked),
            (mmcr0::FCM0, !state.marked),
            (mmcr0::FCWAIT, !state.run),
            (mmcr0::FC56, counter >= 4),
            (mmcr0::TRIGGER, counter > 0),
            // 0b11: PMC5 and PMC6 are not part of the monitor.
            (
                mmcr0::PMCC,
                counter >= 4 && self.mmcr0 & mmcr0::PMCC == mmcr0::PMCC,
            ),
        ];
        let own = self.mmcr2 << (mmcr2::FIELD * counter as u32);
        let single = [
            (mmcr2::FCS, !state.problem),
            (mmcr2::FCP0, state.problem),
            (mmcr2::FCM1, state.marked),
            (mmcr2::FCM0, !state.marked),
            (mmcr2::FCWAIT, !state.run),
        ];
        let holds = |bits: u64, (bit, applies): (u64, bool)| applies && bits & bit != 0;
        common.into_iter().any(|freeze| holds(self.mmcr0, freeze))
            || single.into_iter().any(|freeze| holds(own, freeze))
    }

    fn counting_in(&self, state: State) -> Counting {
        std::array::from_fn(|counter| {
            self.event(counter, state.run)
                .filter(|_| !self.is_frozen(counter, state))
        })
    }

    /// Chooses what is counted from now on.
    fn choose(&mut self, state: State) {
        self.counting = self.counting_in(state);
        self.counts = self.counting != [None; COUNTERS];
        let others = [
            (
                msr::PR,
                State {
                    problem: !state.problem,
                    ..state
                },
            ),
            (
                msr::PMM,
                State {
                    marked: !state.marked,
                    ..state
                },
            ),
        ];
        self.sensitive = others
            .into_iter()
            .filter(|(_, other)| self.counting_in(*other) != self.counting)
            .fold(0, |bits, (bit, _)| bits | bit);
    }

    /// Says which selected events are not counted, once each.
    fn report_unknown(&mut self) {
        const KNOWN_MAX: usize = 256;
        for counter in 0..4 {
            let selector = (self.mmcr1 >> (24 - 8 * counter)) as u8;
            if selector != 0
                && self.event(counter, true).is_none()
                && self.unknown.len() < KNOWN_MAX
                && self.unknown.insert((counter, selector))
            {
                info!(
                    counter = counter + 1,
                    selector = format_args!("{selector:#x}"),
                    "the guest counts an event that this processor does not have: it reads 0"
                );
            }
        }
    }

    /// Whether there is an enabled condition: a negative counter.
    fn has_condition(&self) -> bool {
        let included = if self.mmcr0 & mmcr0::PMCC == mmcr0::PMCC {
            4
        } else {
            COUNTERS
        };
        let negative = |pmc: &u32| pmc & NEGATIVE != 0;
        self.mmcr0 & mmcr0::PMC1CE != 0 && negative(&self.pmc[0])
            || self.mmcr0 & mmcr0::PMCJCE != 0 && self.pmc[1..included].iter().any(negative)
    }
}

impl Cpu {
    fn pmu_state(&self) -> State {
        State {
            problem: self.regs.msr & msr::PR != 0,
            marked: self.regs.msr & msr::PMM != 0,
            run: self.other_sprs.run_latch(),
        }
    }

    /// Adds what has been counted up to an instruction.
    fn count_up_to(&mut self, completed: u64) {
        if !self.pmu.counts || self.pmu.anew {
            return;
        }
        let cycles = cycles(self.partition.time_base.now());
        let pmu = &mut self.pmu;
        for (pmc, event) in pmu.pmc.iter_mut().zip(pmu.counting) {
            let more = match event {
                None => continue,
                Some(Event::Cycles) => cycles.wrapping_sub(pmu.cycles),
                Some(Event::Instructions) => completed.wrapping_sub(pmu.instructions),
            };
            // A host that was away for seconds must not take a counter round to where it is
            // positive again.
            *pmc = pmc.wrapping_add(more.min(u64::from(NEGATIVE - 1)) as u32);
        }
        (pmu.instructions, pmu.cycles) = (completed, cycles);
    }

    /// Counts on from here: this vCPU is given to the guest.
    pub(crate) fn resume_counting(&mut self) {
        self.pmu.anew = false;
        if self.pmu.counts {
            self.pmu.instructions = self.completed();
            self.pmu.cycles = cycles(self.partition.time_base.now());
        }
    }

    /// Counts up to here: the monitor takes this vCPU.
    pub(crate) fn pause_counting(&mut self) {
        self.count_up_to(self.completed());
    }

    /// Chooses what is counted, after all registers were set.
    pub(crate) fn choose_counting(&mut self) {
        self.pmu.choose(self.pmu_state());
    }

    /// Brings the counters up to date between two instructions, raises the alert that is due, and
    /// counts on as the registers say.
    pub(crate) fn update_counters(&mut self) {
        self.count_up_to(self.completed());
        self.alert();
        self.choose_counting();
        self.resume_counting();
    }

    /// For compiled code that has so many instructions left: whether a counter asks for a poll.
    pub(crate) fn counters_want_poll(&mut self, left: u32) -> bool {
        self.count_up_to(self.executed.wrapping_sub(left.into()));
        self.pmu.mmcr0 & mmcr0::PMAE != 0 && self.pmu.has_condition()
    }

    /// A performance monitor alert, where there is an enabled condition (Book III, 9.4.4 and 9.5).
    fn alert(&mut self) {
        if self.pmu.pmc[0] & NEGATIVE != 0 {
            self.pmu.mmcr0 &= !mmcr0::TRIGGER;
        }
        if !self.pmu.has_condition() {
            return;
        }
        if self.pmu.mmcr0 & mmcr0::PMAE != 0 {
            self.sample(self.regs.nia, None);
            self.pmu.mmcr0 = self.pmu.mmcr0 & !mmcr0::PMAE | mmcr0::PMAO;
        }
        if self.pmu.mmcr0 & mmcr0::FCECE != 0 {
            self.pmu.mmcr0 |= mmcr0::FC;
        }
    }

    /// Puts an instruction and its storage operand into SIAR and SDAR.
    fn sample(&mut self, address: u64, operand: Option<u64>) {
        self.pmu.siar = address;
        self.pmu.sdar = operand.unwrap_or(0);
        self.pmu.sier = sier::SIAR_VALID;
        if operand.is_some() {
            self.pmu.sier |= sier::SDAR_VALID;
        }
        if self.regs.msr & msr::PR != 0 {
            self.pmu.sier |= sier::SIPR;
        }
    }

    /// For the trace facility: SIAR and SDAR tell of an instruction, unless the performance monitor
    /// has them (MMCR0\[PMAE\]).
    pub(crate) fn sample_traced(&mut self, address: u64, operand: Option<u64>) {
        if self.pmu.mmcr0 & mmcr0::PMAE == 0 {
            self.sample(address, operand);
        }
    }

    /// Makes the count of instructions exact for the access that the current instruction makes.
    /// False: it is not, and the instruction does nothing; it is carried out once more, first after
    /// a poll.
    pub(super) fn reach_counters(&mut self) -> bool {
        let cia = self.regs.nia.wrapping_sub(4) & self.ea_mask;
        if !self.pmu.counts {
            return true;
        }
        if self.pmu.exact_at.take() == Some(cia) {
            self.count_up_to(self.completed());
            return true;
        }
        self.regs.nia = cia;
        // This attempt is no instruction.
        self.executed = self.executed.wrapping_sub(1);
        self.pmu.repeat = true;
        self.request_poll();
        false
    }

    /// After a register of the monitor was written: what that changes.
    pub(super) fn counters_written(&mut self) {
        self.pmu.report_unknown();
        self.alert();
        self.choose_counting();
        self.pmu.anew = self.pmu.counts;
        if self.pmu.anew || self.pmu.has_exception() && self.regs.msr & msr::EE != 0 {
            self.request_poll();
        }
    }

    /// CTRL\[RUN\] changes.
    pub(super) fn set_run_latch(&mut self, run: bool) {
        if self.other_sprs.run_latch() != run {
            self.count_up_to(self.completed());
            self.other_sprs.set_run_latch(run);
            if self.pmu.mmcr0 & mmcr0::FC == 0 {
                self.counters_written();
            }
        }
    }

    /// Whether the last instruction is to be carried out once more.
    pub(crate) fn take_repeat(&mut self) -> bool {
        std::mem::take(&mut self.pmu.repeat)
    }

    /// The next instruction is carried out alone, at this address.
    pub(crate) fn note_exact(&mut self, address: u64) {
        self.pmu.exact_at = Some(address);
    }
}

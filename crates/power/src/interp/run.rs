//! The run loop: fetch from decoded pages, carry out, take interrupts, look at signals and timers.

use std::rc::Rc;
use std::sync::LazyLock;
use std::sync::atomic::Ordering;

use super::code::{PAGE, Page, op_at};
use super::code_tier::{CodeTier, RunOutcome, Thresholds, Warmth};
use crate::cpu::Cpu;
use crate::decode;
use crate::engine::Handler;
use crate::insn::Insn;
use crate::interrupt::Interrupt;
use crate::mmu::Access;
use crate::msr;
use crate::signals::{EXTERNAL, FLUSH, KICK, SYSTEM_RESET};

/// Instructions between two looks at signals and timers: some microseconds.
const POLL_INTERVAL: u32 = 4096;

/// Why [`Cpu::run`] returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// `sc 1`: the next instruction is the one after it.
    Hypercall,
    /// [`KICK`] was raised.
    Kicked,
    /// A machine check with MSR\[ME\] = 0: this processor has stopped for good.
    Checkstop {
        /// The address whose access failed.
        ea: u64,
        /// The instruction that made it.
        nia: u64,
    },
}

static HANDLERS: LazyLock<Vec<Handler<Cpu>>> = LazyLock::new(decode::handlers::<Cpu>);

/// The interpreter's functions, by opcode.
pub(super) fn handlers() -> &'static [Handler<Cpu>] {
    &HANDLERS
}

impl Cpu {
    /// Runs the guest until something needs the monitor.
    pub fn run(&mut self) -> Exit {
        self.signals.in_guest.store(true, Ordering::SeqCst);
        // Somebody may have set the register itself.
        self.switch_process();
        self.resume_counting();
        self.forget_watchpoint();
        let mut code_tier = self.code_tier.take();
        // Code is compiled without a thought of breakpoints, and goes from page to page by itself.
        let watches = self.debug.has_breakpoint();
        let exit = self.run_inside(code_tier.as_deref_mut().filter(|_| !watches));
        self.code_tier = code_tier;
        self.pause_counting();
        self.signals.in_guest.store(false, Ordering::SeqCst);
        exit
    }

    fn run_inside(&mut self, mut code_tier: Option<&mut (dyn CodeTier + 'static)>) -> Exit {
        let handlers = handlers();
        let thresholds = Thresholds {
            warm: code_tier.as_ref().map_or(0, |a| a.warm_after()),
            hot: code_tier.as_ref().map_or(0, |a| a.threshold()),
        };
        self.end_interval();
        loop {
            if std::mem::take(&mut self.poll_now) {
                self.end_interval();
            }
            let mut arrived = true;
            if self.budget == 0 {
                let before = self.regs.nia;
                if let Some(exit) = self.poll() {
                    return exit;
                }
                if self.poll_now {
                    // The interrupt that it took has changed what the performance monitor counts.
                    continue;
                }
                // Where a poll finds the program is not where it enters a block of code.
                arrived = self.regs.nia != before;
                if let Some(code_tier) = &mut code_tier {
                    code_tier.collect();
                }
            }
            let cia = self.regs.nia;
            if self.is_traced() {
                if let Some(exit) = self.step() {
                    return exit;
                }
                continue;
            }
            let page = match self.fetch_page() {
                Ok(page) => page,
                Err(interrupt) => {
                    // A handler that can't be fetched either must not keep the guest from polls.
                    self.budget -= 1;
                    if let Some(exit) = self.take(interrupt, cia) {
                        return exit;
                    }
                    continue;
                }
            };
            let stopped = match &mut code_tier {
                None => self.run_page(handlers, &page),
                // Compiled code would not notice a change of it.
                Some(_) if !page.is_trusted() => self.run_page(handlers, &page),
                Some(code_tier) => {
                    if page.is_new() {
                        code_tier.decoded(self.entry(&page));
                    }
                    self.run_page_tiered(handlers, &page, *code_tier, thresholds, arrived)
                }
            };
            if let Some(cia) = stopped {
                let Some(interrupt) = self.pending.take() else {
                    continue;
                };
                if let Some(exit) = self.take(interrupt, cia) {
                    return exit;
                }
            }
        }
    }

    /// Runs instructions of one page until control leaves it, the budget is used up, or one stops: then its address. Where changes of
    /// the page would not be told, each word is compared with memory before it is carried out.
    #[inline]
    pub(super) fn run_page(&mut self, handlers: &[Handler<Self>], page: &Page) -> Option<u64> {
        if page.is_trusted() {
            return self.run_words(handlers, page, |_, _| false);
        }
        let Some(memory) = self.partition.memory.span(page.real(), PAGE as usize) else {
            page.note_difference();
            return None;
        };
        let differs = |index, insn: Insn| page.word_in(memory, index) != insn.0;
        self.run_words(handlers, page, differs)
    }

    /// As [`Cpu::run_page`], until the decoded word at an index `differs` from memory.
    #[inline(always)]
    fn run_words(
        &mut self,
        handlers: &[Handler<Self>],
        page: &Page,
        differs: impl Fn(usize, Insn) -> bool,
    ) -> Option<u64> {
        let base = self.regs.nia & !(PAGE - 1);
        let ops = page.ops();
        let mut left = self.budget;
        let stopped = loop {
            let cia = self.regs.nia;
            let index = (cia % PAGE) as usize / 4;
            let op = op_at(&ops[index]);
            if differs(index, op.insn) {
                page.note_difference();
                break None;
            }
            let next = cia.wrapping_add(4);
            self.regs.nia = next;
            let done = handlers[op.opcode.0 as usize](self, op.insn);
            left -= 1;
            if done.is_err() {
                break Some(cia);
            }
            if left == 0 || self.regs.nia & !(PAGE - 1) != base || self.code.is_stale() {
                break None;
            }
            if self.regs.nia != next && self.must_look() {
                break None;
            }
        };
        self.budget = left;
        stopped
    }

    /// As [`Cpu::run_page`], with compiled code where there is some. Entries are counted where a page is entered, at targets of
    /// branches taken, and after compiled code; the first only where it `arrived` there so.
    #[inline]
    fn run_page_tiered(
        &mut self,
        handlers: &[Handler<Self>],
        page: &Rc<Page>,
        code_tier: &mut dyn CodeTier,
        thresholds: Thresholds,
        mut arrived: bool,
    ) -> Option<u64> {
        let base = self.regs.nia & !(PAGE - 1);
        let (ops, heat) = (page.ops(), page.heat());
        loop {
            let index = (self.regs.nia % PAGE) as usize / 4;
            let warmth = if std::mem::replace(&mut arrived, true) {
                heat.note(index, thresholds)
            } else {
                heat.look(index)
            };
            match warmth {
                Warmth::Cold => {}
                Warmth::JustWarm => code_tier.compile_when_idle(self, self.entry(page)),
                Warmth::JustHot => code_tier.compile(self, self.entry(page)),
                Warmth::Compiled(code) => match code_tier.run(self, code) {
                    RunOutcome::Left => return None,
                    RunOutcome::Interrupted(cia, interrupt) => {
                        self.pending = Some(interrupt);
                        return Some(cia);
                    }
                    RunOutcome::Unsuitable => {}
                    RunOutcome::Unknown => heat.forget(index),
                },
            }
            let mut left = self.budget;
            let (stopped, leave) = loop {
                let cia = self.regs.nia;
                let op = op_at(&ops[(cia % PAGE) as usize / 4]);
                let next = cia.wrapping_add(4);
                self.regs.nia = next;
                let done = handlers[op.opcode.0 as usize](self, op.insn);
                left -= 1;
                if done.is_err() {
                    break (Some(cia), true);
                }
                if left == 0 || self.regs.nia & !(PAGE - 1) != base || self.code.is_stale() {
                    break (None, true);
                }
                if self.regs.nia != next {
                    break (None, self.must_look());
                }
            };
            self.budget = left;
            if leave || self.budget == 0 {
                return stopped;
            }
        }
    }

    /// Whether changes of code are to be looked at, at a taken branch.
    #[inline(always)]
    fn must_look(&self) -> bool {
        self.code.is_behind(self.partition.code_epoch())
    }

    /// The decoded page that holds the next instruction.
    #[inline]
    pub(super) fn fetch_page(&mut self) -> Result<Rc<Page>, Interrupt> {
        let ea = self.regs.nia & self.ea_mask;
        let epoch = self.partition.code_epoch();
        match self.code.find(ea, self.fetch_context, epoch) {
            Some(page) => Ok(page),
            None => self.fetch_slow(ea),
        }
    }

    #[cold]
    fn fetch_slow(&mut self, ea: u64) -> Result<Rc<Page>, Interrupt> {
        if self.code.must_catch_up() {
            self.code.catch_up(&self.partition);
            let epoch = self.partition.code_epoch();
            if let Some(page) = self.code.find(ea, self.fetch_context, epoch) {
                return Ok(page);
            }
        }
        let translation = self.translate(ea, Access::Fetch)?;
        let (context, big_endian) = (self.fetch_context, self.big_endian);
        let id = self.id();
        let page = self.code.enter(
            &self.partition,
            &mut self.tlb,
            id,
            ea,
            context,
            translation.real,
            big_endian,
        );
        page.ok_or(Interrupt::MachineCheck { ea, fetch: true })
    }

    /// Takes an interrupt of the instruction at `cia`, or leaves for the monitor.
    #[cold]
    pub(super) fn take(&mut self, interrupt: Interrupt, cia: u64) -> Option<Exit> {
        match interrupt {
            Interrupt::Hypercall => return Some(Exit::Hypercall),
            Interrupt::MachineCheck { ea, .. } if self.regs.msr & msr::ME == 0 => {
                self.regs.nia = cia;
                return Some(Exit::Checkstop { ea, nia: cia });
            }
            _ => {}
        }
        if !interrupt.completes_instruction() {
            // It was counted as it began.
            self.executed = self.executed.wrapping_sub(1);
        }
        self.deliver(interrupt, cia);
        None
    }

    /// Looks at signals and timers, and refills the budget.
    #[cold]
    fn poll(&mut self) -> Option<Exit> {
        self.catch_up_flush();
        if self.pmu.is_on() {
            self.update_counters();
        }
        let flags = self.signals.flags();
        if flags & KICK != 0 {
            self.signals.clear(KICK);
            return Some(Exit::Kicked);
        }
        self.begin_interval(POLL_INTERVAL);
        if flags & SYSTEM_RESET != 0 {
            self.signals.clear(SYSTEM_RESET);
            self.deliver(Interrupt::SystemReset, self.regs.nia);
        } else if self.regs.msr & msr::EE != 0 {
            if flags & EXTERNAL != 0 {
                self.deliver(Interrupt::External, self.regs.nia);
            } else if self.decrementer_exception() {
                self.deliver(Interrupt::Decrementer, self.regs.nia);
            } else if self.pmu.has_exception() {
                self.deliver(Interrupt::PerformanceMonitor, self.regs.nia);
            }
        } else {
            self.decrementer_exception();
        }
        // What follows is the first of its interval.
        self.note_exact(self.regs.nia);
        None
    }

    /// For compiled code whose budget is running out: where a poll would do nothing but give it another interval, that is added to
    /// the `left` instructions, so that polls come after as many instructions as they do under the interpreter. None: a poll
    /// has something to do, and comes when the budget is used up.
    #[cold]
    pub fn extend_budget(&mut self, left: u32) -> Option<u32> {
        let waiting = self.signals.flags() & (FLUSH | KICK | SYSTEM_RESET | EXTERNAL) != 0
            || self.signals.flushed.load(Ordering::Relaxed) != self.partition.flush_epoch()
            || self.code.is_behind(self.partition.code_epoch())
            || self.poll_now;
        let traced = self.is_traced();
        let timer = self.decrementer_exception() && self.regs.msr & msr::EE != 0;
        if waiting || traced || timer || left >= POLL_INTERVAL {
            return None;
        }
        if self.pmu.counts() && self.counters_want_poll(left) {
            return None;
        }
        self.executed += u64::from(POLL_INTERVAL);
        Some(left + POLL_INTERVAL)
    }
}

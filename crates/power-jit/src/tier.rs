//! The second tier of one vCPU: which code has been compiled, and running it from region to region.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Receiver;

use power::code_tier::{CodeId, CodeTier, Entry, PAGE_WORDS, RunOutcome};
use power::{Cpu, Insn};

use crate::block::ExitKind;
use crate::jump_cache::{ContextIds, JumpCache, LookupContext};
use crate::mode::Mode;
use crate::pages;
use crate::region::Region;
use crate::service::{
    Answer, CompileRequest, JitOptions, Job, JobKind, Outcome, Reply, Shared, WarmHint,
};
use crate::statistics::JitStatistics;
use crate::subscriptions::Subscriptions;

/// Compiled code, and the same for other modes.
struct Slot {
    region: Arc<Region>,
    entry: Entry,
    variants: Vec<(Mode, Variant)>,
}

/// Modes that one entry is compiled for beside the first.
const VARIANTS: usize = 8;

/// Pages that are remembered to have been learnt of; a power of two.
const LEARNT: usize = 1024;

impl Slot {
    /// The region for a mode.
    fn suiting(&self, mode: Mode) -> Option<&Arc<Region>> {
        if self.region.suits(mode) {
            return Some(&self.region);
        }
        self.variants.iter().find_map(|(_, variant)| match variant {
            Variant::Compiled(region) if region.suits(mode) => Some(region),
            _ => None,
        })
    }
}

/// Code for another mode than the first.
enum Variant {
    Counted(u32),
    Offered,
    Compiled(Arc<Region>),
}

/// What a job for one region was for.
enum Purpose {
    First(Entry),
    Variant(CodeId, Mode),
}

/// Compiled code as one vCPU sees and runs it.
pub(crate) struct JitTier {
    shared: Arc<Shared>,
    /// Number of the first slot.
    base: u32,
    slots: Vec<Slot>,
    /// The slots of each page ([`Entry::page`]).
    pages: HashMap<usize, Vec<u32>>,
    jumps: JumpCache,
    context_ids: ContextIds,
    /// Where in the address space pages were last learnt of, and under which context id.
    learnt: Box<[(u64, u64)]>,
    /// Jobs for regions, by request id.
    waiting: HashMap<u64, Purpose>,
    subscriptions: Subscriptions,
    replies: Receiver<Answer>,
    reply: Reply,
    generation: u64,
    statistics: JitStatistics,
}

impl JitTier {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let (reply, replies) = Reply::new();
        Self {
            generation: shared.generation.load(Ordering::Acquire),
            shared,
            base: 0,
            slots: Vec::new(),
            pages: HashMap::new(),
            jumps: JumpCache::new(),
            context_ids: ContextIds::default(),
            learnt: vec![(0, 0); LEARNT].into_boxed_slice(),
            waiting: HashMap::new(),
            subscriptions: Subscriptions::default(),
            replies,
            reply,
            statistics: JitStatistics::default(),
        }
    }

    fn slot(&self, code: CodeId) -> Option<usize> {
        let index = code.number().checked_sub(self.base)? as usize;
        (index < self.slots.len()).then_some(index)
    }

    fn request_id(&self) -> u64 {
        self.shared.request_ids.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn submit(&self, words: Box<[Insn; PAGE_WORDS]>, wanted: JobKind, request_id: u64) {
        self.shared.submit(Job {
            words,
            wanted,
            request_id,
            reply: self.reply.clone(),
        });
    }

    /// Waits for the answer to a job, where vCPUs do.
    fn wait_for(&mut self, request_id: u64) {
        while self.shared.options.wait
            && let Ok(answer) = self.replies.recv()
        {
            let found =
                answer.request_id == request_id && !matches!(answer.outcome, Outcome::More(..));
            self.take_over(answer);
            if found {
                break;
            }
        }
    }

    /// Asks for a region; whether it was asked for.
    fn request(&mut self, entry: &Entry, mode: Mode, purpose: Purpose) -> bool {
        let Some(words) = entry.words() else {
            return false;
        };
        let request_id = self.request_id();
        self.waiting.insert(request_id, purpose);
        self.submit(words, JobKind::Region(request(entry, mode)), request_id);
        self.wait_for(request_id);
        true
    }

    fn take_over(&mut self, answer: Answer) {
        let Answer {
            request_id,
            outcome,
        } = answer;
        match outcome {
            Outcome::All(regions) => {
                if let Some(page) = self.subscriptions.page(request_id) {
                    for (index, region) in regions {
                        self.add(page.at(index), region);
                    }
                }
            }
            Outcome::More(index, region) => {
                self.reply.unasked.fetch_sub(1, Ordering::Relaxed);
                if let Some(page) = self.subscriptions.page(request_id) {
                    self.add(page.at(index), region);
                }
            }
            outcome => match (outcome, self.waiting.remove(&request_id)) {
                (Outcome::Region(region), Some(Purpose::First(entry))) => self.add(entry, region),
                (Outcome::Region(region), Some(Purpose::Variant(code, mode))) => {
                    self.set_variant(code, mode, Variant::Compiled(region));
                }
                (Outcome::Dropped, Some(Purpose::First(entry))) => entry.forget(),
                (Outcome::Dropped, Some(Purpose::Variant(code, mode))) => {
                    self.set_variant(code, mode, Variant::Counted(0));
                }
                _ => {}
            },
        }
    }

    /// Has a region run where `entry` is reached.
    fn install(&mut self, entry: Entry, region: Arc<Region>) {
        let number = u32::try_from(self.slots.len())
            .ok()
            .and_then(|n| self.base.checked_add(n));
        let Some(code) = number.and_then(CodeId::new) else {
            return;
        };
        entry.install(code);
        let of_page = self.pages.entry(entry.page()).or_default();
        of_page.push(self.slots.len() as u32);
        self.slots.push(Slot {
            region,
            entry,
            variants: Vec::new(),
        });
    }

    /// As [`Self::install`], beside regions for other modes that there may be.
    fn add(&mut self, entry: Entry, region: Arc<Region>) {
        let Some(index) = entry.code().and_then(|code| self.slot(code)) else {
            return self.install(entry, region);
        };
        let slot = &mut self.slots[index];
        let mode = region.facts.mode;
        if slot.suiting(mode).is_some() {
            return;
        }
        let variant = Variant::Compiled(region);
        if let Some((_, known)) = slot.variants.iter_mut().find(|(of, _)| *of == mode) {
            *known = variant;
        } else if slot.variants.len() < VARIANTS {
            slot.variants.push((mode, variant));
        }
    }

    fn set_variant(&mut self, code: CodeId, mode: Mode, to: Variant) {
        let Some(index) = self.slot(code) else {
            return;
        };
        let variants = &mut self.slots[index].variants;
        if let Some((_, variant)) = variants.iter_mut().find(|(of, _)| *of == mode) {
            *variant = to;
        }
    }

    /// The region of a slot for a mode, where there is one; counts where not.
    fn region(&mut self, code: CodeId, index: usize, mode: Mode) -> Option<Arc<Region>> {
        let threshold = self.shared.threshold();
        let slot = &mut self.slots[index];
        if let Some(region) = slot.suiting(mode) {
            return Some(Arc::clone(region));
        }
        let known = slot.variants.iter_mut().find(|(of, _)| *of == mode);
        match known {
            Some((_, variant @ Variant::Counted(_))) => {
                let Variant::Counted(count) = variant else {
                    return None;
                };
                *count += 1;
                if *count >= threshold {
                    *variant = Variant::Offered;
                    let entry = slot.entry.clone();
                    self.request(&entry, mode, Purpose::Variant(code, mode));
                }
            }
            Some(_) => {}
            None => {
                if slot.variants.len() < VARIANTS {
                    slot.variants.push((mode, Variant::Counted(0)));
                }
            }
        }
        None
    }

    /// Jumps to an address of the guest may go to a region from now on.
    fn jump_to(&mut self, nia: u64, now: LookupContext, region: &Arc<Region>) {
        if let Some(map) = self.shared.perf_map.get() {
            map.name(region, nia);
        }
        self.jumps.insert(nia, now, region);
    }

    /// Where a page is come to for the first time under these context ids, at the address of a
    /// slot: jumps may go to all of its code.
    fn learn(&mut self, nia: u64, slot: usize, now: LookupContext) {
        const PAGE: u64 = 4 * PAGE_WORDS as u64;
        let base = nia & !(PAGE - 1);
        let context_id = now.context_id(nia);
        let learnt = &mut self.learnt[((base / PAGE) ^ context_id) as usize % LEARNT];
        if *learnt == (base, context_id) {
            return;
        }
        *learnt = (base, context_id);
        let Some(of_page) = self.pages.get(&self.slots[slot].entry.page()) else {
            return;
        };
        let suiting: Vec<_> = of_page
            .iter()
            .filter_map(|&slot| self.slots.get(slot as usize))
            .filter_map(|slot| Some((slot.entry.index(), Arc::clone(slot.suiting(now.mode)?))))
            .collect();
        for (index, region) in suiting {
            self.jump_to(base + 4 * index as u64, now, &region);
        }
    }

    /// Drops all code.
    fn drop_all(&mut self) {
        self.base = self.base.saturating_add(self.slots.len() as u32);
        self.slots.clear();
        self.pages.clear();
        self.jumps.clear();
        self.learnt.fill((0, 0));
    }

    /// Runs from region to region as long as the next is known.
    fn run_from(
        &mut self,
        cpu: &mut Cpu,
        first: &Arc<Region>,
        mut now: LookupContext,
    ) -> RunOutcome {
        let mut region = first;
        loop {
            if !cpu.open_code_gate(now.context_ids) {
                return RunOutcome::Left;
            }
            let before = carried_out(cpu);
            let returned = region.code.call_region(cpu, &self.jumps, now);
            self.statistics.entries += 1;
            self.statistics.executed += carried_out(cpu) - before;
            let cia = cpu.regs.nia;
            match returned.exit {
                ExitKind::Completed => {
                    self.statistics.unknown += 1;
                    return RunOutcome::Left;
                }
                ExitKind::OutOfBudget => {
                    self.statistics.polls += 1;
                    return RunOutcome::Left;
                }
                ExitKind::Interrupt(interrupt) => {
                    self.statistics.interrupts += 1;
                    return RunOutcome::Interrupted(cia, interrupt);
                }
                ExitKind::MemoryFault => {
                    let Some(interrupt) = returned.fault else {
                        // A store to code, which was announced only: it was counted, and is not carried out yet.
                        self.statistics.changes += 1;
                        cpu.set_budget(cpu.budget() + 1);
                        return RunOutcome::Left;
                    };
                    self.statistics.interrupts += 1;
                    return RunOutcome::Interrupted(cia, interrupt);
                }
                ExitKind::SystemFault => {
                    self.statistics.interrupts += 1;
                    return match returned.fault {
                        Some(interrupt) => RunOutcome::Interrupted(cia.wrapping_sub(4), interrupt),
                        None => RunOutcome::Left,
                    };
                }
                ExitKind::Changed => {
                    self.statistics.changes += 1;
                    if cpu.take_poll_request() {
                        return RunOutcome::Left;
                    }
                }
                ExitKind::Interpret(insn, opcode) => {
                    if cpu.budget() == 0 {
                        return RunOutcome::Left;
                    }
                    self.statistics.interpreted += 1;
                    if let Err(interrupt) = cpu.interpret(insn, opcode) {
                        return RunOutcome::Interrupted(cia, interrupt);
                    }
                    if cpu.take_poll_request() {
                        return RunOutcome::Left;
                    }
                }
            }
            now = self.context_ids.now(cpu);
            match self.jumps.find(cpu.regs.nia, now) {
                Some(next) if cpu.budget() >= next.facts.entry_charge => region = next,
                Some(_) => return RunOutcome::Left,
                None => {
                    self.statistics.unknown += 1;
                    return RunOutcome::Left;
                }
            }
        }
    }
}

/// The region at an entry, as it is best now.
fn request(entry: &Entry, mode: Mode) -> CompileRequest {
    CompileRequest {
        entry: entry.index(),
        mode,
        reached: entry.reached(),
    }
}

/// Instructions since power-on.
fn carried_out(cpu: &Cpu) -> u64 {
    cpu.instructions_executed() - u64::from(cpu.budget())
}

impl Drop for JitTier {
    fn drop(&mut self) {
        tracing::debug!(statistics = ?self.statistics, "what the second tier did");
        self.shared.add(&self.statistics);
    }
}

impl CodeTier for JitTier {
    fn threshold(&self) -> u32 {
        self.shared.threshold()
    }

    fn warm_after(&self) -> u32 {
        match self.shared.options {
            JitOptions { wait: true, .. } => 0,
            options => options.warm,
        }
    }

    fn decoded(&mut self, entry: Entry) {
        let Some(words) = entry.words() else {
            return;
        };
        let request_id = self.request_id();
        let key = pages::key(&words);
        let mut pages = self.shared.pages();
        let is_more = pages.subscribe(key, &words, request_id, &self.reply);
        let regions = pages.regions(&key);
        drop(pages);
        for (index, region) in regions {
            self.add(entry.at(index), region);
        }
        self.subscriptions.add(request_id, entry);
        if is_more {
            self.submit(words, JobKind::All, request_id);
            self.wait_for(request_id);
        }
    }

    fn compile_when_idle(&mut self, cpu: &Cpu, entry: Entry) {
        if let Some(request_id) = self.subscriptions.request_id(&entry) {
            let request = request(&entry, Mode::of(cpu));
            self.shared.hint(WarmHint {
                request_id,
                request,
            });
        }
    }

    fn compile(&mut self, cpu: &Cpu, entry: Entry) {
        if !self.request(&entry, Mode::of(cpu), Purpose::First(entry.clone())) {
            entry.forget();
        }
    }

    fn collect(&mut self) {
        let generation = self.shared.generation.load(Ordering::Acquire);
        if generation != self.generation {
            self.generation = generation;
            self.drop_all();
        }
        while let Ok(answer) = self.replies.try_recv() {
            self.take_over(answer);
        }
    }

    fn run(&mut self, cpu: &mut Cpu, code: CodeId) -> RunOutcome {
        let Some(index) = self.slot(code) else {
            return RunOutcome::Unknown;
        };
        let now = self.context_ids.now(cpu);
        let Some(region) = self.region(code, index, now.mode) else {
            return RunOutcome::Unsuitable;
        };
        if cpu.budget() < region.facts.entry_charge {
            return RunOutcome::Unsuitable;
        }
        self.learn(cpu.regs.nia, index, now);
        self.jump_to(cpu.regs.nia, now, &region);
        self.run_from(cpu, &region, now)
    }
}

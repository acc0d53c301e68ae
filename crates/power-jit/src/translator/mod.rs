//! The engine whose values are Cranelift's: semantic functions called on it write the host code of their instruction.
//!
//! A planned block is one path of control with exits at its side. Registers are loaded when first read, then kept in values, and
//! written back at exits and at the block's end only ([`registers`]); CR fields stay what they were computed from until somebody
//! looks ([`condition`]). An exit writes back what has changed *so far*, which is what an interpreter's registers hold at that
//! point: so every interrupt sees the exact architected state, and pays for it only when it comes.
//!
//! Blocks of a region branch to each other directly, and count instructions: each takes what it will carry out from the budget
//! before it starts, or leaves where there is not so much; an exit in its midst gives the rest back.
//!
//! Code is independent of the address it runs at: NIA at entry is a value, instruction addresses are offsets from it.

mod calls;
mod condition;
mod engine;
mod float;
mod linear;
mod loop_versioning;
mod registers;
mod reserve;
mod storage;
mod vector;

use std::collections::HashMap;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    self, Function, InstBuilder, MemFlagsData, StackSlot, StackSlotData, StackSlotKind, TrapCode,
    Value, types,
};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext, Variable};
use power::decode;
use power::engine::Handler;
use power::interrupt::{Interrupt, ProgramCause};
use power::{Insn, TlbLayout};

use crate::block::ExitKind;
use crate::context::Context;
use crate::exit_code;
use crate::flow::BlockFacts;
use crate::jump_cache::{self, JumpEntry};
use crate::mode::Mode;
use crate::plan::{Plan, PlannedBlock};
use crate::slot::SlotSet;
use crate::trampoline::{self, Shim};
use float::Deferred;
use loop_versioning::{FastLoop, RetryPoint};
use registers::{Cached, NIA, RegisterCache};
use storage::InlineCaches;

/// Bytes of an instruction.
const INSTRUCTION: i64 = 4;

/// An instruction stopped: its exit is written, or it is not for this engine.
#[derive(Debug)]
pub(crate) struct Stop;

/// Where a branch goes.
#[derive(Debug, Clone, Copy)]
enum Destination {
    /// So many bytes from the entry.
    Offset(i64),
    /// To an address.
    Address(Value),
}

/// What the current instruction does, where it is a branch.
#[derive(Debug, Clone, Copy)]
struct Branched {
    condition: Option<Value>,
    to: Destination,
}

/// What a region needs that straight code does not.
#[derive(Clone, Copy)]
struct Region {
    /// Where there are loops: homes on the stack of what nearly all code needs, but loops that run well need seldom, so that it
    /// takes no host register there.
    homes: Option<SpillSlots>,
    /// The table of the soft TLB that is in use.
    table: Value,
    /// Instructions left.
    budget: Variable,
    /// What was left when the current block started.
    budget_before: Value,
    /// What blocks that are in no loop take from the budget, all together.
    flat_charge: u32,
    /// Bytes that an entry of the soft TLB covers.
    granule: u64,
}

/// Stack memory that holds a value each, for the whole run.
#[derive(Clone, Copy)]
struct SpillSlots {
    registers: StackSlot,
    context: StackSlot,
    entry: StackSlot,
    table: StackSlot,
}

/// Writes the code of one plan.
pub(crate) struct Translator<'a> {
    builder: FunctionBuilder<'a>,
    isa: &'a dyn TargetIsa,
    mode: Mode,
    /// `*mut Registers`, as it came in.
    registers: Value,
    /// `*mut Context`, as it came in.
    context: Value,
    /// NIA at entry.
    entry: Value,
    /// The halves of vectors that were made of halves.
    halves: HashMap<Value, (Value, Value)>,
    region: Option<Region>,
    /// The planned blocks by offset.
    blocks: HashMap<i64, ir::Block>,
    /// Where loops that may have fast loops go on to their next round, by the offset of their first
    /// block.
    rounds: HashMap<i64, RetryPoint>,
    /// The plan's.
    planned: &'a [PlannedBlock],
    /// The offset of the current block.
    block: i64,
    /// What is known of them.
    facts: HashMap<i64, &'a BlockFacts>,
    /// The loop that the current block is in.
    in_loop: Option<usize>,
    /// Registers that the loop may have changed and not stored.
    unwritten: SlotSet,
    /// Pages that accesses in loops have found last.
    sites: InlineCaches,
    /// The fast loop that is being written.
    fast_loop: Option<FastLoop>,
    /// Changes with every change of the registers.
    state: u32,
    /// The exit of refused accesses that was written last, and the state that it is for.
    fault_exit: Option<(u32, ir::Block)>,
    /// The current instruction.
    insn: Insn,
    /// Registers that are kept across blocks.
    kept: RegisterCache,
    /// Register values at this point.
    cached: Cached,
    /// Where control leaves for an address that may be compiled as well, with that address and what is left of the budget.
    onward: Option<ir::Block>,
    /// Stack memory for quadwords on their way to and from shims, made when first needed: operands, and the result.
    quadwords: [Option<StackSlot>; calls::QUADWORDS],
    /// Offset of the current instruction from the entry, in bytes.
    offset: i64,
    /// Instructions of the current block before the current one.
    completed: u32,
    /// Where the program goes on, where the current instruction is a branch.
    branched: Option<Branched>,
    /// The scalar floating-point operation that FPSCR does not show yet.
    deferred: Option<Deferred>,
    /// Whether an enabled floating-point exception ends the current instruction, where it may.
    float_exception: Option<Value>,
    /// The current instruction acts on the processor as a whole.
    needs_interpreter: bool,
}

/// Writes the code of a plan into `function`, and says how many instructions it is of.
///
/// # Errors
/// The first instruction, where it is for an interpreter.
pub(crate) fn translate(
    function: &mut Function,
    builder_context: &mut FunctionBuilderContext,
    isa: &dyn TargetIsa,
    plan: &Plan,
    mode: Mode,
) -> Result<usize, Insn> {
    function.signature = trampoline::code_signature();
    let builder = FunctionBuilder::new(function, builder_context);
    let mut translator = Translator::begin(builder, isa, plan, mode);
    // Handlers of this very type: its lifetime keeps the table from being made once for all, and it is small beside the work of a
    // compilation.
    let handlers = decode::handlers::<Translator<'_>>();
    let instructions = plan
        .blocks
        .iter()
        .map(|block| translator.block(block, &handlers))
        .sum();
    translator.write_onward();
    let Translator { mut builder, .. } = translator;
    builder.seal_all_blocks();
    builder.finalize(isa.frontend_config());
    match (instructions, &plan.blocks[..]) {
        (0, [first, ..]) if !plan.region => Err(first.code[0]),
        _ => Ok(instructions),
    }
}

impl<'a> Translator<'a> {
    fn begin(
        mut builder: FunctionBuilder<'a>,
        isa: &'a dyn TargetIsa,
        plan: &'a Plan,
        mode: Mode,
    ) -> Self {
        let start = builder.create_block();
        builder.append_block_params_for_function_params(start);
        builder.switch_to_block(start);
        let &[registers, context, budget, entry] = builder.block_params(start) else {
            unreachable!("the signature of code has four parameters")
        };
        let blocks: HashMap<i64, ir::Block> = plan
            .blocks
            .iter()
            .map(|block| (block.offset, builder.create_block()))
            .collect();
        let with_facts = plan.blocks.iter().zip(&plan.facts);
        let rounds = with_facts
            .filter(|(_, facts)| plan.region && facts.chain.is_some())
            .map(|(block, _)| (block.offset, RetryPoint::begin(&mut builder)))
            .collect();
        let mut translator = Self {
            builder,
            isa,
            mode,
            registers,
            context,
            entry,
            halves: HashMap::new(),
            region: None,
            blocks,
            rounds,
            planned: &plan.blocks,
            block: 0,
            facts: plan
                .blocks
                .iter()
                .zip(&plan.facts)
                .map(|(block, facts)| (block.offset, facts))
                .collect(),
            in_loop: None,
            unwritten: SlotSet::default(),
            sites: InlineCaches::default(),
            fast_loop: None,
            state: 0,
            fault_exit: None,
            insn: Insn(0),
            kept: RegisterCache::default(),
            cached: Cached::default(),
            onward: None,
            quadwords: [None; calls::QUADWORDS],
            offset: 0,
            completed: 0,
            branched: None,
            deferred: None,
            float_exception: None,
            needs_interpreter: false,
        };
        if plan.region {
            translator.begin_region(plan, budget);
        }
        let first = translator.blocks[&plan.blocks[0].offset];
        translator.builder.ins().jump(first, &[]);
        translator
    }

    fn begin_region(&mut self, plan: &Plan, left: Value) {
        let table = self.of_context(self.context, Context::TABLE);
        let loops = plan.has_loops();
        let homes = loops.then(|| {
            let [registers, context, entry, table] =
                [self.registers, self.context, self.entry, table].map(|value| self.home(value));
            SpillSlots {
                registers,
                context,
                entry,
                table,
            }
        });
        let budget = self.builder.declare_var(types::I64);
        self.builder.def_var(budget, left);
        self.region = Some(Region {
            homes,
            table,
            budget,
            budget_before: left,
            flat_charge: plan.flat_charge(),
            granule: TlbLayout::granule(self.mode.small_granules()),
        });
        // Before anything else: nothing need be taken up where control leaves at once.
        self.require_budget(plan.flat_charge());
        self.keep(plan);
        if loops {
            self.begin_sites();
        }
        if plan.defers {
            self.begin_deferring();
        }
    }

    /// Translates what can be of a planned block, and ends it. How many instructions that were.
    fn block(&mut self, block: &PlannedBlock, handlers: &[Handler<Self>]) -> usize {
        let facts = self.facts[&block.offset];
        self.in_loop = facts.in_loop;
        let start = self.write_fast_loops(block, facts, handlers);
        self.builder.switch_to_block(start);
        self.begin_block(facts);
        (self.block, self.offset) = (block.offset, block.offset);
        self.charge(block.charge);
        self.instructions(block, handlers)
    }

    /// Translates what can be of a block's instructions, and ends it. How many instructions that were.
    fn instructions(&mut self, block: &PlannedBlock, handlers: &[Handler<Self>]) -> usize {
        for (index, &insn) in block.code.iter().enumerate() {
            self.offset = block.offset + index as i64 * INSTRUCTION;
            self.completed = index as u32;
            self.insn = insn;
            let before = self.cached.clone();
            let opcode = decode::decode(insn);
            match handlers[opcode.0 as usize](self, insn) {
                Ok(()) => {
                    if let Some(exception) = self.float_exception.take() {
                        self.exit_if(
                            exception,
                            ExitKind::Interrupt(Interrupt::Program(ProgramCause::FloatingPoint)),
                        );
                    }
                    if let Some(branched) = self.branched.take() {
                        self.completed += 1;
                        self.end_with_branch(branched);
                        return index + 1;
                    }
                }
                Err(Stop) if self.needs_interpreter => {
                    // What it did before it said so were computations, which come to nothing once nobody uses their values.
                    self.needs_interpreter = false;
                    self.restore(before);
                    let here = self.address(self.offset);
                    self.exit(ExitKind::Interpret(insn, opcode), here, self.completed);
                    return index;
                }
                Err(Stop) => {
                    // Its exit is written; nothing gets here.
                    self.float_exception = None;
                    self.branched = None;
                    self.builder.ins().trap(TrapCode::unwrap_user(1));
                    return index + 1;
                }
            }
        }
        self.completed = block.code.len() as u32;
        self.end_with_branch(Branched {
            condition: None,
            to: Destination::Offset(block.offset + block.code.len() as i64 * INSTRUCTION),
        });
        block.code.len()
    }

    /// Takes the instructions of a block from the budget. For those of blocks that are in no loop there is enough.
    fn charge(&mut self, instructions: u32) {
        let Some(region) = self.region else { return };
        if self.in_loop.is_some() {
            self.require_budget(instructions + region.flat_charge);
        }
        let before = self.builder.use_var(region.budget);
        self.region = Some(Region {
            budget_before: before,
            ..region
        });
        if instructions != 0 {
            let needed = self.word(instructions.into());
            let left = self.builder.ins().isub(before, needed);
            self.builder.def_var(region.budget, left);
        }
    }

    /// Makes sure that so many instructions are left of the budget. Where there are not, a poll that has nothing to do is over at
    /// once; else control leaves.
    fn require_budget(&mut self, instructions: u32) {
        let Some(region) = self.region else { return };
        if instructions == 0 {
            return;
        }
        let before = self.builder.use_var(region.budget);
        self.region = Some(Region {
            budget_before: before,
            ..region
        });
        let needed = self.word(instructions.into());
        let short = self.icmp(IntCC::UnsignedLessThan, before, needed);
        let [poll, leave, stay] = [(); 3].map(|()| self.builder.create_block());
        let before_or_more = self.builder.append_block_param(stay, types::I64);
        self.builder.set_cold_block(poll);
        self.builder.set_cold_block(leave);
        self.builder
            .ins()
            .brif(short, poll, &[], stay, &[before.into()]);
        self.builder.switch_to_block(poll);
        self.call_shim(Shim::Poll, &[before]);
        let more = self.shim_result();
        self.builder
            .ins()
            .brif(more, stay, &[more.into()], leave, &[]);
        self.builder.switch_to_block(leave);
        let here = self.address(self.offset);
        self.exit(ExitKind::OutOfBudget, here, 0);
        self.builder.switch_to_block(stay);
        self.builder.def_var(region.budget, before_or_more);
    }

    /// Ends a block that completes.
    fn end_with_branch(&mut self, branched: Branched) {
        let next = Destination::Offset(self.offset + INSTRUCTION);
        let destinations = match branched.condition {
            None => vec![branched.to],
            Some(_) => vec![branched.to, next],
        };
        let successors: Vec<&BlockFacts> = destinations
            .iter()
            .filter_map(|&to| self.planned_facts(to))
            .collect();
        self.settle(&successors);
        if self.fast_loop.is_some() {
            return self.end_block_of_fast_loop(branched);
        }
        match branched.condition {
            None => self.go_to(branched.to),
            Some(condition) => {
                let blocks = [branched.to, next].map(|to| match self.planned(to) {
                    Some(block) if !self.leaves_loop(to) => (block, None),
                    _ => (self.builder.create_block(), Some(to)),
                });
                let [(taken, _), (not_taken, _)] = blocks;
                self.builder
                    .ins()
                    .brif(condition, taken, &[], not_taken, &[]);
                for (block, to) in blocks {
                    if let Some(to) = to {
                        self.builder.switch_to_block(block);
                        self.go_to(to);
                    }
                }
            }
        }
    }

    /// Goes to another block, or leaves.
    fn go_to(&mut self, to: Destination) {
        match self.planned(to) {
            Some(block) => {
                if self.leaves_loop(to) {
                    self.write_loop();
                }
                self.builder.ins().jump(block, &[]);
            }
            None => self.leave_to(to),
        }
    }

    fn planned_facts(&self, to: Destination) -> Option<&'a BlockFacts> {
        match to {
            Destination::Offset(offset) if self.region.is_some() => {
                self.facts.get(&offset).copied()
            }
            _ => None,
        }
    }

    /// Whether a planned destination is outside the current block's loop, which has something to store before.
    fn leaves_loop(&self, to: Destination) -> bool {
        let inside = |facts: &BlockFacts| facts.in_loop == self.in_loop;
        self.is_unwritten() && self.planned_facts(to).is_some_and(|facts| !inside(facts))
    }

    /// The planned block at a destination: where it is the first of a loop, for those in it the next round.
    fn planned(&self, to: Destination) -> Option<ir::Block> {
        let Destination::Offset(offset) = to else {
            return None;
        };
        let chain = self.planned_facts(to)?.chain.as_ref();
        if chain.is_some_and(|chain| chain.round.contains(&self.block)) {
            return self.rounds.get(&offset).map(|again| again.block);
        }
        self.blocks.get(&offset).copied()
    }

    fn leave_to(&mut self, to: Destination) {
        let address = match to {
            Destination::Offset(offset) => {
                let address = self.address(offset);
                self.effective(address)
            }
            Destination::Address(address) => address,
        };
        self.write_back();
        let Some(region) = self.region else {
            self.store_nia(address);
            return self.leave(ExitKind::Completed, self.completed);
        };
        let onward = match self.onward {
            Some(block) => block,
            None => {
                let block = self.builder.create_block();
                for _ in 0..2 {
                    self.builder.append_block_param(block, types::I64);
                }
                *self.onward.insert(block)
            }
        };
        let left = self.builder.use_var(region.budget);
        self.builder
            .ins()
            .jump(onward, &[address.into(), left.into()]);
    }

    /// Where control leaves for an address: to the region that is known for it, or to the dispatcher.
    fn write_onward(&mut self) {
        let Some(block) = self.onward else { return };
        self.builder.switch_to_block(block);
        let &[nia, left] = self.builder.block_params(block) else {
            unreachable!("it was given two parameters")
        };
        let [look, known, unknown] = [(); 3].map(|()| self.builder.create_block());
        self.builder.set_cold_block(unknown);
        match self.deferred_operation() {
            // The next region knows nothing of what is deferred here.
            Some(due) => self.builder.ins().brif(due, unknown, &[], look, &[]),
            None => self.builder.ins().jump(look, &[]),
        };
        self.builder.switch_to_block(look);
        let (registers, context) = (self.registers(), self.context());
        let jumps = self.of_context(context, Context::JUMPS);
        let half = self.builder.ins().ushr_imm_u(nia, 63);
        let half = self.builder.ins().ishl_imm_u(half, 3);
        let gate = self.of_context(context, Context::GATE);
        let gate = self.builder.ins().iadd(gate, half);
        let context_id = self.of_context(gate, 0);
        // The same as `jump_cache` computes.
        let folded = self
            .builder
            .ins()
            .ushr_imm_u(nia, i64::from(jump_cache::FOLD));
        let mixed = self.builder.ins().bxor(nia, folded);
        let mixed = self.builder.ins().bxor(mixed, context_id);
        // Instructions have four bytes.
        let scale = i64::from(JumpEntry::BYTES.ilog2()) - 2;
        let scaled = self.builder.ins().ishl_imm_u(mixed, scale);
        let mask = ((1 << jump_cache::BITS) - 1) * JumpEntry::BYTES as i64;
        let distance = self.builder.ins().band_imm_u(scaled, mask);
        let entry = self.builder.ins().iadd(jumps, distance);
        let flags = MemFlagsData::trusted();
        let [its_nia, its_context_id, code] =
            [JumpEntry::NIA, JumpEntry::CONTEXT_ID, JumpEntry::CODE]
                .map(|offset| self.builder.ins().load(types::I64, flags, entry, offset));
        let [one, other] = [(nia, its_nia), (context_id, its_context_id)]
            .map(|(a, b)| self.builder.ins().bxor(a, b));
        let differs = self.builder.ins().bor(one, other);
        self.builder.ins().brif(differs, unknown, &[], known, &[]);
        self.builder.switch_to_block(known);
        let signature = self.builder.import_signature(trampoline::code_signature());
        self.builder
            .ins()
            .return_call_indirect(signature, code, &[registers, context, left, nia]);
        self.builder.switch_to_block(unknown);
        self.store_nia(nia);
        self.hand_over_float();
        self.end_run(ExitKind::Completed, left);
    }

    /// A word of the context.
    fn of_context(&mut self, context: Value, offset: usize) -> Value {
        let flags = MemFlagsData::trusted();
        self.builder
            .ins()
            .load(types::I64, flags, context, offset as i32)
    }

    /// Sets NIA.
    fn store_nia(&mut self, nia: Value) {
        let registers = self.registers();
        self.builder
            .ins()
            .store(MemFlagsData::trusted(), nia, registers, NIA);
    }

    /// The address `offset` bytes after the entry.
    fn address(&mut self, offset: i64) -> Value {
        let entry = self.entry();
        self.builder.ins().iadd_imm_s(entry, offset)
    }

    /// Stack memory that holds a value for the whole run.
    fn home(&mut self, value: Value) -> StackSlot {
        let data = StackSlotData::new(StackSlotKind::ExplicitSlot, 8, 3);
        let slot = self.builder.create_sized_stack_slot(data);
        self.builder.ins().stack_store(types::I64, value, slot, 0);
        slot
    }

    /// What a home holds, where there are homes; else the value itself.
    fn held(&mut self, home: impl FnOnce(&SpillSlots) -> StackSlot, value: Value) -> Value {
        match self.region.and_then(|region| region.homes) {
            Some(homes) => {
                let slot = home(&homes);
                self.builder
                    .ins()
                    .stack_load(types::I64, types::I64, slot, 0)
            }
            None => value,
        }
    }

    /// `*mut Registers`.
    fn registers(&mut self) -> Value {
        self.held(|homes| homes.registers, self.registers)
    }

    /// `*mut Context`.
    fn context(&mut self) -> Value {
        self.held(|homes| homes.context, self.context)
    }

    /// NIA at entry.
    fn entry(&mut self) -> Value {
        self.held(|homes| homes.entry, self.entry)
    }

    /// The table of the soft TLB that is in use.
    fn table(&mut self, region: Region) -> Value {
        self.held(|homes| homes.table, region.table)
    }

    /// An address as the processor's mode uses it.
    fn effective(&mut self, address: Value) -> Value {
        if self.mode.wide_addresses() {
            address
        } else {
            self.builder.ins().band_imm_u(address, 0xffff_ffff)
        }
    }

    /// Leaves: writes back what has changed, `nia`, and what is left of the budget when `done` instructions of the current block
    /// have been carried out, and says why.
    fn exit(&mut self, kind: ExitKind, nia: Value, done: u32) {
        self.write_back();
        self.store_nia(nia);
        self.leave(kind, done);
    }

    /// Leaves with all registers in memory already.
    fn leave(&mut self, kind: ExitKind, done: u32) {
        let done = self.word(done.into());
        self.leave_after(kind, done);
    }

    /// As [`Self::leave`], with the number of instructions as a value.
    fn leave_after(&mut self, kind: ExitKind, done: Value) {
        self.hand_over_float();
        let left = match self.budget_before() {
            Some(before) => self.builder.ins().isub(before, done),
            None => done,
        };
        self.end_run(kind, left);
    }

    /// Ends the run, with what is left of the budget.
    fn end_run(&mut self, kind: ExitKind, left: Value) {
        let offset = Context::BUDGET as i32;
        let context = self.context();
        self.builder
            .ins()
            .store(MemFlagsData::trusted(), left, context, offset);
        let code = kind.code().unwrap_or_default();
        let code = self.word(code);
        self.builder.ins().return_(&[code]);
    }

    /// Leaves with an interrupt of the current instruction. What may be written after it is never reached.
    fn exit_always(&mut self, interrupt: Interrupt) {
        let here = self.address(self.offset);
        if exit_code::has_code(interrupt) {
            self.exit(ExitKind::Interrupt(interrupt), here, self.completed + 1);
        } else {
            let opcode = decode::decode(self.insn);
            let kind = ExitKind::Interpret(self.insn, opcode);
            self.exit(kind, here, self.completed);
        }
        let unreachable = self.builder.create_block();
        self.builder.switch_to_block(unreachable);
    }

    /// Leaves with an interrupt of the current instruction where `condition` is not 0, and goes on elsewhere.
    fn exit_if(&mut self, condition: Value, kind: ExitKind) {
        let leave = self.builder.create_block();
        let stay = self.builder.create_block();
        self.builder.set_cold_block(leave);
        self.builder.ins().brif(condition, leave, &[], stay, &[]);
        self.builder.switch_to_block(leave);
        let here = self.address(self.offset);
        self.exit(kind, here, self.completed + 1);
        self.builder.switch_to_block(stay);
    }

    /// Leaves with the interrupt of a refused access where the last call for memory was refused, and goes on elsewhere. Accesses
    /// between which no register changes share their exit.
    fn exit_where_refused(&mut self) {
        let faulted = self.faulted();
        let stay = self.builder.create_block();
        let here = self.word(self.offset as u64);
        let done = self.word(u64::from(self.completed + 1));
        let arguments = [here.into(), done.into()];
        let known = self.fault_exit.filter(|(state, _)| *state == self.state);
        let (leave, new) = match known {
            Some((_, block)) => (block, false),
            None => (self.builder.create_block(), true),
        };
        self.builder
            .ins()
            .brif(faulted, leave, &arguments, stay, &[]);
        if new {
            self.builder.set_cold_block(leave);
            let offset = self.builder.append_block_param(leave, types::I64);
            let done = self.builder.append_block_param(leave, types::I64);
            self.builder.switch_to_block(leave);
            self.write_back();
            let entry = self.entry();
            let address = self.builder.ins().iadd(entry, offset);
            self.store_nia(address);
            self.leave_after(ExitKind::MemoryFault, done);
            self.fault_exit = Some((self.state, leave));
        }
        self.builder.switch_to_block(stay);
    }

    /// Notes that registers have other values than before.
    fn state_changed(&mut self) {
        self.state += 1;
    }

    /// Takes back what has been done to registers since they were `before`.
    fn restore(&mut self, before: Cached) {
        self.cached = before;
        self.state_changed();
    }

    fn word(&mut self, value: u64) -> Value {
        self.builder.ins().iconst(types::I64, value as i64)
    }

    fn icmp(&mut self, code: IntCC, a: Value, b: Value) -> Value {
        self.builder.ins().icmp(code, a, b)
    }
}

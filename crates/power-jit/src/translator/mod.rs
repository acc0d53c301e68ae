//! The engine whose values are Cranelift's: semantic functions called on it write the host code of their instruction.
//!
//! A block is one path of control with exits at its side. Registers are loaded when first read, then kept in values, and
//! written back at exits only ([`registers`]); CR fields stay what they were computed from until somebody looks ([`condition`]).
//! An exit writes back what has changed *so far*, which is what an interpreter's registers hold at that point: so every
//! interrupt sees the exact architected state, and pays for it only when it comes.
//!
//! Code is independent of the address it runs at: NIA at entry is a value, instruction addresses are offsets from it.

mod calls;
mod condition;
mod engine;
mod registers;
mod storage;
mod vector;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, Function, InstBuilder, MemFlagsData, Signature, StackSlot, TrapCode, Value, types,
};
use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use power::Insn;
use power::decode;
use power::interrupt::{Interrupt, ProgramCause};

use crate::block::ExitKind;
use crate::mode::Mode;
use registers::{Cached, NIA};

/// Bytes of an instruction.
const INSTRUCTION: u64 = 4;

/// What translation found out beside the code.
pub(crate) struct Translation {
    /// What the code's results mean.
    pub(crate) exits: Box<[ExitKind]>,
    /// Instructions translated.
    pub(crate) instructions: usize,
}

/// An instruction stopped: its exit is written, or it is not for this engine.
#[derive(Debug)]
pub(crate) struct Stop;

/// Writes the code of one block.
pub(crate) struct Translator<'a> {
    builder: FunctionBuilder<'a>,
    isa: &'a dyn TargetIsa,
    mode: Mode,
    /// `*mut Registers`.
    registers: Value,
    /// `*mut Context`.
    context: Value,
    /// NIA at entry.
    entry: Value,
    /// Register values at this point.
    cached: Cached,
    exits: Vec<ExitKind>,
    /// Stack memory for quadwords on their way to and from shims, made when first needed: operands, and the result.
    quadwords: [Option<StackSlot>; calls::QUADWORDS],
    /// Offset of the current instruction from the entry, in bytes.
    offset: u64,
    /// Where the program goes on, where the current instruction is a branch.
    branched_to: Option<Value>,
    /// Whether an enabled floating-point exception ends the current instruction, where it may.
    float_exception: Option<Value>,
    /// The current instruction acts on the processor as a whole.
    needs_interpreter: bool,
}

/// Writes the code of a block for `code` into `function`.
///
/// # Errors
/// The first instruction, where it is for an interpreter.
pub(crate) fn translate(
    function: &mut Function,
    builder_context: &mut FunctionBuilderContext,
    isa: &dyn TargetIsa,
    code: &[Insn],
    mode: Mode,
) -> Result<Translation, Insn> {
    let pointer = AbiParam::new(isa.pointer_type());
    let mut signature = Signature::new(isa.default_call_conv());
    signature.params.extend([pointer, pointer]);
    signature.returns.push(AbiParam::new(types::I64));
    function.signature = signature;
    let mut translator =
        Translator::begin(FunctionBuilder::new(function, builder_context), isa, mode);
    let instructions = translator.code(code);
    let Translator {
        mut builder, exits, ..
    } = translator;
    builder.seal_all_blocks();
    builder.finalize(isa.frontend_config());
    match (instructions, code.first()) {
        (0, Some(&first)) => Err(first),
        _ => Ok(Translation {
            exits: exits.into(),
            instructions,
        }),
    }
}

impl<'a> Translator<'a> {
    fn begin(mut builder: FunctionBuilder<'a>, isa: &'a dyn TargetIsa, mode: Mode) -> Self {
        let start = builder.create_block();
        builder.append_block_params_for_function_params(start);
        builder.switch_to_block(start);
        let (registers, context) = (
            builder.block_params(start)[0],
            builder.block_params(start)[1],
        );
        let entry = builder
            .ins()
            .load(types::I64, MemFlagsData::trusted(), registers, NIA);
        Self {
            builder,
            isa,
            mode,
            registers,
            context,
            entry,
            cached: Cached::default(),
            exits: Vec::new(),
            quadwords: [None; calls::QUADWORDS],
            offset: 0,
            branched_to: None,
            float_exception: None,
            needs_interpreter: false,
        }
    }

    /// Translates what can be of `code`, and ends the function. How many instructions that were.
    fn code(&mut self, code: &[Insn]) -> usize {
        // Handlers of this very type: its lifetime keeps the table from being made once for all, and it is small beside the
        // work of a compilation.
        let handlers = decode::handlers::<Self>();
        for (index, &insn) in code.iter().enumerate() {
            self.offset = index as u64 * INSTRUCTION;
            let before = self.cached.clone();
            let handler = handlers[decode::decode(insn).0 as usize];
            match handler(self, insn) {
                Ok(()) => {
                    if let Some(exception) = self.float_exception.take() {
                        self.exit_if(
                            exception,
                            ExitKind::Interrupt(Interrupt::Program(ProgramCause::FloatingPoint)),
                        );
                    }
                    if let Some(target) = self.branched_to {
                        self.exit(ExitKind::Completed, target);
                        return index + 1;
                    }
                }
                Err(Stop) if self.needs_interpreter => {
                    // What it did before it said so were computations, which come to nothing once nobody uses their values.
                    self.cached = before;
                    let here = self.address(self.offset);
                    self.exit(ExitKind::Interpret, here);
                    return index;
                }
                Err(Stop) => {
                    // Its exit is written; nothing gets here.
                    self.builder.ins().trap(TrapCode::unwrap_user(1));
                    return index + 1;
                }
            }
        }
        let next = self.address(code.len() as u64 * INSTRUCTION);
        self.exit(ExitKind::Completed, next);
        code.len()
    }

    /// The address `offset` bytes after the entry.
    fn address(&mut self, offset: u64) -> Value {
        self.builder.ins().iadd_imm_s(self.entry, offset as i64)
    }

    /// An address as the processor's mode uses it.
    fn effective(&mut self, address: Value) -> Value {
        if self.mode.wide_addresses() {
            address
        } else {
            self.builder.ins().band_imm_u(address, 0xffff_ffff)
        }
    }

    /// Leaves the block: writes back what has changed, and `nia`, and returns the exit's index.
    fn exit(&mut self, kind: ExitKind, nia: Value) {
        let index = self
            .exits
            .iter()
            .position(|&known| known == kind)
            .unwrap_or_else(|| {
                self.exits.push(kind);
                self.exits.len() - 1
            });
        self.write_back();
        self.builder
            .ins()
            .store(MemFlagsData::trusted(), nia, self.registers, NIA);
        let index = self.builder.ins().iconst(types::I64, index as i64);
        self.builder.ins().return_(&[index]);
    }

    /// Leaves the block with an interrupt of the current instruction. What may be written after it is never reached.
    fn exit_always(&mut self, interrupt: Interrupt) {
        let here = self.address(self.offset);
        self.exit(ExitKind::Interrupt(interrupt), here);
        let unreachable = self.builder.create_block();
        self.builder.switch_to_block(unreachable);
    }

    /// Leaves the block with an interrupt of the current instruction where `condition` is not 0, and goes on elsewhere.
    fn exit_if(&mut self, condition: Value, kind: ExitKind) {
        let leave = self.builder.create_block();
        let stay = self.builder.create_block();
        self.builder.set_cold_block(leave);
        self.builder.ins().brif(condition, leave, &[], stay, &[]);
        self.builder.switch_to_block(leave);
        let here = self.address(self.offset);
        self.exit(kind, here);
        self.builder.switch_to_block(stay);
    }

    fn word(&mut self, value: u64) -> Value {
        self.builder.ins().iconst(types::I64, value as i64)
    }

    fn icmp(&mut self, code: IntCC, a: Value, b: Value) -> Value {
        self.builder.ins().icmp(code, a, b)
    }
}

//! Making blocks: sets Cranelift up for the host, translates, compiles, and hands the code over.

use std::sync::Arc;

use power::Insn;

use crate::block::Block;
use crate::code_space::SpaceError;
use crate::compile::{CompileError, Compiler, PlanError};
use crate::host_code::{ArenaError, CodeArena};
use crate::mode::Mode;
use crate::plan::Plan;

/// Why there is no JIT on this host.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Cranelift generates no code for it, or not what this engine needs.
    #[error("this host's processor can't run translated code ({0}); use the interpreter")]
    Unsupported(String),
}

/// Why there is no block.
#[derive(Debug, thiserror::Error)]
pub enum TranslateError {
    /// The first instruction acts on the processor as a whole.
    #[error("{0:?} is left to the interpreter")]
    Interpret(Insn),
    /// There was no instruction, or there were more than [`Jit::INSTRUCTIONS_MAX`].
    #[error("a block has 1 to {max} instructions, not {0}", max = Jit::INSTRUCTIONS_MAX)]
    Length(usize),
    /// Cranelift refused.
    #[error("compiling a block failed: {0}")]
    Compile(#[from] CompileError),
    /// The host has no memory left for code.
    #[error("a block can't be kept: {0}")]
    Space(#[from] SpaceError),
}

impl From<PlanError> for TranslateError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Interpret(insn) => Self::Interpret(insn),
            PlanError::Compile(error) => Self::Compile(error),
        }
    }
}

impl From<ArenaError> for TranslateError {
    fn from(error: ArenaError) -> Self {
        match error {
            ArenaError::Space(error) => Self::Space(error),
            ArenaError::Compile(error) => Self::Compile(error),
        }
    }
}

/// A translator of straight code.
pub struct Jit {
    compiler: Compiler,
    /// Where code goes; made when first needed, and another when full.
    room: Option<Arc<CodeArena>>,
}

impl Jit {
    /// Most instructions that a block may have. Each memory access has an exit that writes all changed registers back, so code
    /// grows with the square of a block's length.
    pub const INSTRUCTIONS_MAX: usize = 256;

    /// Bytes of host code after which a new space for code is begun. A space is freed when the last code in it is.
    const ROOM_BYTES: usize = 16 << 20;

    /// For this host.
    ///
    /// # Errors
    /// [`HostError`] where the host's processor is not one that code can be generated for.
    pub fn new() -> Result<Self, HostError> {
        Ok(Self {
            compiler: Compiler::new()?,
            room: None,
        })
    }

    /// Translates `code`, which runs in `mode`, up to its end or to the first instruction that branches, always interrupts, or
    /// is not for this engine.
    ///
    /// # Errors
    /// [`TranslateError`]; the caller then interprets.
    pub fn translate(&mut self, code: &[Insn], mode: Mode) -> Result<Block, TranslateError> {
        if code.is_empty() || code.len() > Self::INSTRUCTIONS_MAX {
            return Err(TranslateError::Length(code.len()));
        }
        let compiled = self.compiler.plan(&Plan::straight(code), mode)?;
        let room = match &self.room {
            Some(room) if room.has_room(compiled.bytes.len()) => room,
            _ => {
                let room = CodeArena::new(self.compiler.isa(), Self::ROOM_BYTES)?;
                self.room.insert(room)
            }
        };
        let mut placed = room.place(&[&compiled.bytes])?;
        let code = placed.pop().ok_or(SpaceError::Full)?;
        Ok(Block::new(code, compiled.instructions, mode))
    }

    /// Cranelift's optimised intermediate code of the last block that was translated, as text, for logs and for study.
    pub fn last_ir(&self) -> String {
        self.compiler.last_ir()
    }
}

impl std::fmt::Debug for Jit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jit")
            .field("isa", &self.compiler.isa().name())
            .finish_non_exhaustive()
    }
}

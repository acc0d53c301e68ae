//! Making blocks: sets Cranelift up for the host, translates, compiles, and hands the code over.

use std::sync::Arc;

use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::FunctionBuilderContext;
use cranelift_module::ModuleError;
use power::Insn;

use crate::block::Block;
use crate::host_code::{CodeSpace, HostCode};
use crate::mode::Mode;
use crate::plan::Plan;
use crate::region::Region;
use crate::translator;

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
    /// Cranelift refused or the host has no memory left for code.
    #[error("compiling a block failed: {0}")]
    Compile(Box<ModuleError>),
}

/// A translator with what it can reuse from one block to the next.
pub struct Jit {
    isa: Arc<dyn TargetIsa>,
    context: cranelift_codegen::Context,
    builder_context: FunctionBuilderContext,
    /// Where code goes; made when first needed, and another when full.
    space: Option<Arc<CodeSpace>>,
    space_bytes: usize,
    /// Whether code is printed, for who works on the translator.
    print: bool,
}

impl Jit {
    /// Most instructions that a block may have. Each memory access has an exit that writes all changed registers back, so code
    /// grows with the square of a block's length.
    pub const INSTRUCTIONS_MAX: usize = 256;

    /// Bytes of host code after which a new space for code is begun. A space is freed when the last code in it is.
    const SPACE_BYTES: usize = 16 << 20;

    /// For this host.
    ///
    /// # Errors
    /// [`HostError`] where the host's processor is not one that code can be generated for.
    pub fn new() -> Result<Self, HostError> {
        // Registers are laid out, and quadwords built, for a little-endian host.
        if cfg!(target_endian = "big") {
            return Err(HostError::Unsupported("it is big-endian".into()));
        }
        let unsupported = |error: &dyn std::fmt::Display| HostError::Unsupported(error.to_string());
        let mut flags = settings::builder();
        let verify = if cfg!(debug_assertions) {
            "true"
        } else {
            "false"
        };
        for (name, value) in [
            ("opt_level", "speed"),
            ("enable_verifier", verify),
            // cranelift-jit asks for these two.
            ("is_pic", "false"),
            ("use_colocated_libcalls", "false"),
            // Shims abort on a panic: nothing ever unwinds through a block.
            ("unwind_info", "false"),
        ] {
            flags
                .set(name, value)
                .map_err(|error| unsupported(&error))?;
        }
        let isa = cranelift_native::builder()
            .map_err(|error| unsupported(&error))?
            .finish(settings::Flags::new(flags))
            .map_err(|error| unsupported(&error))?;
        Ok(Self {
            isa,
            context: cranelift_codegen::Context::new(),
            builder_context: FunctionBuilderContext::new(),
            space: None,
            space_bytes: Self::SPACE_BYTES,
            print: std::env::var_os("POWER_JIT_CODE").is_some(),
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
        let plan = Plan::straight(code);
        let (code, translation) = self.translate_plan(&plan, mode)?;
        Ok(Block::new(
            code,
            translation.exits,
            translation.instructions,
            mode,
        ))
    }

    /// Translates a region.
    ///
    /// # Errors
    /// [`TranslateError`]; the caller then interprets.
    pub(crate) fn region(
        &mut self,
        plan: &Plan,
        mode: Mode,
        depends: Mode,
    ) -> Result<Region, TranslateError> {
        let (code, translation) = self.translate_plan(plan, mode)?;
        Ok(Region {
            code,
            exits: translation.exits,
            mode,
            depends,
            first_charge: plan.blocks[0].charge,
            instructions: translation.instructions,
        })
    }

    fn translate_plan(
        &mut self,
        plan: &Plan,
        mode: Mode,
    ) -> Result<(HostCode, translator::Translation), TranslateError> {
        let space = match &self.space {
            Some(space) if space.has_room() => space,
            _ => {
                let space = CodeSpace::new(Arc::clone(&self.isa), self.space_bytes)
                    .map_err(TranslateError::Compile)?;
                self.space.insert(space)
            }
        };
        self.context.clear();
        self.context.set_disasm(self.print);
        let translation = translator::translate(
            &mut self.context.func,
            &mut self.builder_context,
            self.isa.as_ref(),
            plan,
            mode,
            space.trampolines(),
        )
        .map_err(TranslateError::Interpret)?;
        let code = space
            .compile(&mut self.context)
            .map_err(TranslateError::Compile)?;
        if self.print {
            self.print_code(plan);
        }
        Ok((code, translation))
    }

    fn print_code(&self, plan: &Plan) {
        for block in &plan.blocks {
            eprintln!("{:+#x}:", block.offset);
            for &insn in &block.code {
                eprintln!("    {}", power::decode::disassemble(insn, None));
            }
        }
        let compiled = self.context.compiled_code();
        if let Some(code) = compiled.and_then(|code| code.vcode.as_deref()) {
            eprintln!("{code}");
        }
    }

    /// Whether the next translation begins a new space for code.
    pub(crate) fn is_full(&self) -> bool {
        self.space.as_ref().is_some_and(|space| !space.has_room())
    }

    /// Begins a new space with the next translation, once `bytes` are used.
    pub(crate) fn set_space_bytes(&mut self, bytes: usize) {
        self.space_bytes = bytes;
    }

    /// Cranelift's optimised intermediate code of the last block that was translated, as text, for logs and for study.
    pub fn last_ir(&self) -> String {
        self.context.func.display().to_string()
    }
}

impl std::fmt::Debug for Jit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Jit")
            .field("isa", &self.isa.name())
            .finish_non_exhaustive()
    }
}

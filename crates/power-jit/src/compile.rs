//! From a plan to bytes of position-independent host code, with nothing in them that is true of this process alone.

use std::sync::Arc;

use cranelift_codegen::Context;
use cranelift_codegen::control::ControlPlane;
use cranelift_codegen::isa::TargetIsa;
use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::FunctionBuilderContext;

use crate::jit::HostError;
use crate::mode::Mode;
use crate::plan::Plan;
use crate::trampoline::{self, Shim};
use crate::translator;

/// Why code was not compiled.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// Cranelift refused it.
    #[error("{0}")]
    Refused(String),
    /// The host lacks an instruction, for which Cranelift wants to call a function that is not there.
    #[error("it needs a function for what this host has no instruction for")]
    Calls,
}

/// Code that is ready to be placed.
pub(crate) struct Compiled {
    pub(crate) bytes: Vec<u8>,
    /// Guest instructions in it.
    pub(crate) instructions: usize,
}

/// Why a plan was not compiled.
pub(crate) enum PlanError {
    /// The first instruction is for the interpreter.
    Interpret(power::Insn),
    Compile(CompileError),
}

/// Cranelift, with what it can reuse from one function to the next.
pub(crate) struct Compiler {
    isa: Arc<dyn TargetIsa>,
    context: Context,
    builder_context: FunctionBuilderContext,
    /// Whether code is printed, for who works on the translator.
    print: bool,
}

impl Compiler {
    /// For this host.
    ///
    /// # Errors
    /// [`HostError`] where the host's processor is not one that code can be generated for.
    pub(crate) fn new() -> Result<Self, HostError> {
        // Registers are laid out, and quadwords built, for a little-endian host.
        if cfg!(target_endian = "big") {
            return Err(HostError::Unsupported("it is big-endian".into()));
        }
        Ok(Self {
            isa: isa()?,
            context: Context::new(),
            builder_context: FunctionBuilderContext::new(),
            print: std::env::var_os("POWER_JIT_CODE").is_some(),
        })
    }

    /// The host's processor, with the settings.
    pub(crate) fn isa(&self) -> &dyn TargetIsa {
        self.isa.as_ref()
    }

    /// Compiles a plan for a mode.
    ///
    /// # Errors
    /// [`PlanError`].
    pub(crate) fn plan(&mut self, plan: &Plan, mode: Mode) -> Result<Compiled, PlanError> {
        self.context.clear();
        self.context.set_disasm(self.print);
        let instructions = translator::translate(
            &mut self.context.func,
            &mut self.builder_context,
            self.isa.as_ref(),
            plan,
            mode,
        )
        .map_err(PlanError::Interpret)?;
        let bytes = finish(&mut self.context, self.isa.as_ref()).map_err(PlanError::Compile)?;
        if self.print {
            self.print_code(plan);
        }
        Ok(Compiled {
            bytes,
            instructions,
        })
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

    /// Cranelift's optimised intermediate code of the last plan, as text.
    pub(crate) fn last_ir(&self) -> String {
        self.context.func.display().to_string()
    }
}

/// This host's processor, with the settings that code needs.
fn isa() -> Result<Arc<dyn TargetIsa>, HostError> {
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
        // What functions that jump to each other need.
        ("preserve_frame_pointers", "true"),
        // Shims abort on a panic: nothing ever unwinds through a block.
        ("unwind_info", "false"),
    ] {
        flags
            .set(name, value)
            .map_err(|error| unsupported(&error))?;
    }
    cranelift_native::builder()
        .map_err(|error| unsupported(&error))?
        .finish(settings::Flags::new(flags))
        .map_err(|error| unsupported(&error))
}

/// The way into compiled code, and those to the shims in the order of [`Shim::ALL`].
///
/// # Errors
/// [`CompileError`].
pub(crate) fn trampolines(isa: &dyn TargetIsa) -> Result<Vec<Vec<u8>>, CompileError> {
    let mut builder_context = FunctionBuilderContext::new();
    let mut context = Context::new();
    trampoline::write_entrance(&mut context.func, &mut builder_context, isa);
    let mut ways = vec![finish(&mut context, isa)?];
    for shim in Shim::ALL {
        context.clear();
        trampoline::write(&mut context.func, &mut builder_context, isa, shim);
        ways.push(finish(&mut context, isa)?);
    }
    Ok(ways)
}

/// Compiles the function in a context.
fn finish(context: &mut Context, isa: &dyn TargetIsa) -> Result<Vec<u8>, CompileError> {
    let code = context
        .compile(isa, &mut ControlPlane::default())
        .map_err(|error| CompileError::Refused(error.inner.to_string()))?;
    if !code.buffer.relocs().is_empty() {
        return Err(CompileError::Calls);
    }
    Ok(code.code_buffer().to_vec())
}

//! Owns host code and calls it: with [`crate::context`], the unsafe code of this crate.
//!
//! A [`CodeSpace`] reserves addresses, and code is put into it one function after the other. cranelift-jit makes the pages of a
//! function readable and writable, fills them, and makes them readable and executable in `finalize_definitions`; the next
//! function gets pages of its own. So no page is ever writable and executable at once, and [`HostCode`] is made only of finalised
//! code. The pages are freed when nobody has code in the space any more.

use std::mem::ManuallyDrop;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use cranelift_codegen::isa::TargetIsa;
use cranelift_frontend::FunctionBuilderContext;
use cranelift_jit::{ArenaMemoryProvider, JITBuilder, JITModule};
use cranelift_module::{Module, ModuleError, default_libcall_names};
use power::interrupt::Interrupt;
use power::{Cpu, Registers};

use crate::context::{self, Context};
use crate::memory::Memory;
use crate::trampoline::{self, Shim, Trampolines};

type Entry = unsafe extern "C" fn(*mut Registers, *mut Context<'_>) -> u64;

/// Host pages are at least this large.
const PAGE: usize = 4096;

/// Addresses for code.
pub(crate) struct CodeSpace {
    /// Taken only by `drop`.
    module: ManuallyDrop<Mutex<JITModule>>,
    capacity: usize,
    used: AtomicUsize,
    trampolines: Trampolines,
}

impl CodeSpace {
    /// Reserves `capacity` bytes.
    ///
    /// # Errors
    /// The host has none left.
    pub(crate) fn new(
        isa: Arc<dyn TargetIsa>,
        capacity: usize,
    ) -> Result<Arc<Self>, Box<ModuleError>> {
        let arena = ArenaMemoryProvider::new_with_size(capacity)
            .map_err(|error| ModuleError::Backend(error.into()))?;
        let mut builder = JITBuilder::with_isa(isa, default_libcall_names());
        builder.memory_provider(Box::new(arena));
        let mut module = JITModule::new(builder);
        let [load, store, poll] = [Shim::Load, Shim::Store, Shim::Poll].map(|shim| {
            let mut context = module.make_context();
            let mut builder_context = FunctionBuilderContext::new();
            let isa = module.isa();
            trampoline::write(&mut context.func, &mut builder_context, isa, shim);
            let function = module.declare_anonymous_function(&context.func.signature)?;
            module.define_function(function, &mut context)?;
            Ok::<_, Box<ModuleError>>(function)
        });
        let (load, store, poll) = (load?, store?, poll?);
        module.finalize_definitions()?;
        let address = |function| module.get_finalized_function(function) as u64;
        let trampolines = Trampolines {
            load: address(load),
            store: address(store),
            poll: address(poll),
        };
        Ok(Arc::new(Self {
            module: ManuallyDrop::new(Mutex::new(module)),
            capacity,
            used: AtomicUsize::new(PAGE),
            trampolines,
        }))
    }

    /// Where the ways to the memory shims are.
    pub(crate) fn trampolines(&self) -> Trampolines {
        self.trampolines
    }

    /// Whether a function of any size that the translator makes still fits.
    pub(crate) fn has_room(&self) -> bool {
        /// No function comes near it.
        const LARGEST: usize = 1 << 20;
        self.used.load(Ordering::Relaxed) + LARGEST <= self.capacity
    }

    /// Compiles a function that [`crate::translator`] has written, and puts it here.
    ///
    /// # Errors
    /// Cranelift refused it, or the host has no memory left.
    pub(crate) fn compile(
        self: &Arc<Self>,
        context: &mut cranelift_codegen::Context,
    ) -> Result<HostCode, Box<ModuleError>> {
        let mut module = self.module.lock().unwrap_or_else(PoisonError::into_inner);
        let function = module.declare_anonymous_function(&context.func.signature)?;
        module.define_function(function, context)?;
        let len = context
            .compiled_code()
            .map_or(0, |code| code.code_buffer().len());
        module.finalize_definitions()?;
        self.used
            .fetch_add(len.next_multiple_of(PAGE), Ordering::Relaxed);
        let address = module.get_finalized_function(function);
        // SAFETY: the translator declares every function with exactly this signature, in the host's C convention; the address is
        // that of finalised, executable code, which lives as long as the space.
        let entry = unsafe { std::mem::transmute::<*const u8, Entry>(address) };
        Ok(HostCode {
            entry,
            len,
            _space: Arc::clone(self),
        })
    }
}

impl Drop for CodeSpace {
    fn drop(&mut self) {
        // SAFETY: `module` is taken nowhere else, and not used after this.
        let module = unsafe { ManuallyDrop::take(&mut self.module) };
        let module = module.into_inner().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: all code here holds the space, so there is none left that could run.
        unsafe { module.free_memory() };
    }
}

/// Finalised host code. It may run on any thread, on several at once.
pub(crate) struct HostCode {
    entry: Entry,
    len: usize,
    _space: Arc<CodeSpace>,
}

/// What a run returned.
pub(crate) struct Returned {
    /// The index of the exit that the code took.
    pub(crate) exit: u64,
    /// The interrupt of the access that was refused, where that was the exit.
    pub(crate) fault: Option<Interrupt>,
}

impl HostCode {
    /// Bytes of code.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Runs the code of a straight plan.
    pub(crate) fn call(&self, registers: &mut Registers, memory: &mut dyn Memory) -> Returned {
        // SAFETY: `memory` is exclusively borrowed for the call, and is not what holds `registers`.
        let mut context = unsafe { Context::new(NonNull::from(memory)) };
        // SAFETY: generated code reads and writes `registers` only at the offsets of its fields (`offset_of!` in `slot` and
        // `translator::registers`), with values that are valid for them (flags are 0 or 1, CR fields 0 to 15), and `context` only
        // at the offsets of its fields; it hands both, or fields of them, to the functions in `shims` that expect them, one at a
        // time. Both are exclusively borrowed for the call. Guest values are never dereferenced.
        let exit = unsafe { (self.entry)(registers, &raw mut context) };
        let fault = context.take_fault();
        Returned { exit, fault }
    }

    /// Runs the code of a region, which counts the processor's budget down.
    pub(crate) fn call_region(&self, cpu: &mut Cpu) -> Returned {
        let mut cpu = NonNull::from(cpu);
        // SAFETY: a place in a valid object.
        let registers = unsafe { &raw mut (*cpu.as_ptr()).regs };
        // SAFETY: made of a reference. Nothing but generated code uses it, and not while a shim does.
        let mut context = unsafe { Context::for_region(cpu) };
        // SAFETY: as in `call`; the registers are those of a `Cpu`, so that the distances of `TlbLayout` lead to its soft TLB. Of
        // that only the entry of an address is read, and memory only where its tag allows: then the entry holds the host address
        // of a live mapping, which goes only after this vCPU has polled (`power::memory`).
        let exit = unsafe { (self.entry)(registers, &raw mut context) };
        let fault = context.take_fault();
        if let Some([function, count, a, b, c]) = context.deferred() {
            // SAFETY: as below.
            let fpscr = unsafe { &mut cpu.as_mut().regs.fpscr };
            // SAFETY: generated code leaves here what it would call the shim with.
            unsafe { context::settle_float(fpscr, function, count, a, b, c) };
        }
        // SAFETY: made of a reference that is exclusively ours; nobody else uses it any more.
        unsafe { cpu.as_mut() }.set_budget(context.budget as u32);
        Returned { exit, fault }
    }
}

//! Running what the compiler has made: the one place where generated code is entered.

use std::ptr::NonNull;
use std::sync::Arc;

use cranelift_codegen::isa::TargetIsa;
use power::interrupt::Interrupt;
use power::{Cpu, Registers};

use crate::block::ExitKind;
use crate::code_space::{CodeSpace, Placed, SpaceError};
use crate::compile::{self, CompileError};
use crate::context::{self, Context};
use crate::jump_cache::{JumpCache, LookupContext};
use crate::memory::Memory;
use crate::trampoline::Trampolines;

/// Into code, with its address, registers, context, budget and NIA; it returns an [`ExitKind`] as a number.
type Entrance = unsafe extern "C" fn(*const u8, *mut Registers, *mut Context<'_>, u64, u64) -> u64;

/// Room for code, with the ways into it and out.
pub(crate) struct CodeArena {
    space: Arc<CodeSpace>,
    entrance: Placed,
    trampolines: Trampolines,
    _trampoline_code: Vec<Placed>,
}

/// Why there is no room.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArenaError {
    /// The host has no memory.
    #[error(transparent)]
    Space(#[from] SpaceError),
    /// Cranelift refused a trampoline.
    #[error(transparent)]
    Compile(#[from] CompileError),
}

impl CodeArena {
    /// Room for `capacity` bytes.
    ///
    /// # Errors
    /// [`ArenaError`].
    pub(crate) fn new(isa: &dyn TargetIsa, capacity: usize) -> Result<Arc<Self>, ArenaError> {
        let space = CodeSpace::new(capacity).map_err(SpaceError::Host)?;
        let ways = compile::trampolines(isa)?;
        let pieces: Vec<&[u8]> = ways.iter().map(Vec::as_slice).collect();
        let mut placed = space.place(&pieces)?;
        let entrance = placed.remove(0);
        let trampolines = Trampolines(std::array::from_fn(|index| placed[index].address() as u64));
        Ok(Arc::new(Self {
            space,
            entrance,
            trampolines,
            _trampoline_code: placed,
        }))
    }

    /// Whether so many bytes still fit.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.space.has_room(bytes)
    }

    /// Finishes code that [`crate::compile`] has made, all of it together.
    ///
    /// # Errors
    /// [`SpaceError`].
    pub(crate) fn place(self: &Arc<Self>, pieces: &[&[u8]]) -> Result<Vec<HostCode>, SpaceError> {
        let placed = self.space.place(pieces)?;
        Ok(placed
            .into_iter()
            .map(|placed| HostCode {
                placed,
                room: Arc::clone(self),
            })
            .collect())
    }

    fn entrance(&self) -> Entrance {
        // SAFETY: what is there was compiled with this signature, in the host's C convention, and lives as long as the room.
        unsafe { std::mem::transmute::<*const u8, Entrance>(self.entrance.address()) }
    }
}

/// Finished host code. It may run on any thread, on several at once.
pub(crate) struct HostCode {
    placed: Placed,
    room: Arc<CodeArena>,
}

/// What a run returned.
pub(crate) struct Returned {
    /// How it ended.
    pub(crate) exit: ExitKind,
    /// The interrupt of the access that was refused, where that was the exit.
    pub(crate) fault: Option<Interrupt>,
}

impl HostCode {
    /// Bytes of code.
    pub(crate) fn len(&self) -> usize {
        self.placed.len()
    }

    /// Where it is, for generated code.
    pub(crate) fn address(&self) -> *const u8 {
        self.placed.address()
    }

    /// Runs the code of a straight plan.
    pub(crate) fn call(&self, registers: &mut Registers, memory: &mut dyn Memory) -> Returned {
        // SAFETY: `memory` is exclusively borrowed for the call, and is not what holds `registers`.
        let mut context = unsafe { Context::new(NonNull::from(memory), self.room.trampolines) };
        let nia = registers.nia;
        // SAFETY: generated code reads and writes `registers` only at the offsets of its fields (`offset_of!` in `slot` and
        // `translator::registers`), with values that are valid for them (flags are 0 or 1, CR fields 0 to 15), and `context` only
        // at the offsets of its fields; it hands both, or fields of them, to the functions in `shims` that expect them, one at a
        // time. Both are exclusively borrowed for the call. Guest values are never dereferenced.
        let exit =
            unsafe { (self.room.entrance())(self.address(), registers, &raw mut context, 0, nia) };
        let fault = context.take_fault();
        Returned {
            exit: ExitKind::of_code(exit),
            fault,
        }
    }

    /// Runs the code of a region, and of those that it finds in `jumps` for what is so `now`. Counts the processor's budget down.
    pub(crate) fn call_region(
        &self,
        cpu: &mut Cpu,
        jumps: &JumpCache,
        now: LookupContext,
    ) -> Returned {
        let (nia, budget) = (cpu.regs.nia, u64::from(cpu.budget()));
        let mut cpu = NonNull::from(cpu);
        // SAFETY: a place in a valid object.
        let registers = unsafe { &raw mut (*cpu.as_ptr()).regs };
        // SAFETY: made of a reference. Nothing but generated code uses it, and not while a shim does. The table is borrowed.
        let mut context =
            unsafe { Context::for_region(cpu, self.room.trampolines, jumps.table(), now) };
        // SAFETY: as in `call`. Of the soft TLB's table that was in use when the run began, which stays while the vCPU lives, only
        // the entry of an address is read, as `TlbLayout` says, and memory only where its tag allows: then the entry holds the host
        // address of a live mapping, which goes only after this vCPU has polled (`power::memory`). The reservation is the vCPU's own,
        // and any value in its fields is valid (`ReservationLayout`). Jumps lead to regions only that the borrowed table keeps alive.
        let exit = unsafe {
            (self.room.entrance())(self.address(), registers, &raw mut context, budget, nia)
        };
        let fault = context.take_fault();
        if let Some([function, how, a, b, c]) = context.deferred() {
            // SAFETY: as below.
            let fpscr = unsafe { &mut cpu.as_mut().regs.fpscr };
            // SAFETY: generated code leaves here what it would call the shim with.
            unsafe { context::materialise_fpscr(fpscr, function, how, a, b, c) };
        }
        // SAFETY: made of a reference that is exclusively ours; nobody else uses it any more.
        unsafe { cpu.as_mut() }.set_budget(context.budget as u32);
        Returned {
            exit: ExitKind::of_code(exit),
            fault,
        }
    }
}

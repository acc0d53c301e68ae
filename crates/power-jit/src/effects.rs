//! The engine that carries nothing out: it learns of an instruction which registers it reads, and where control goes after it.
//! Regions are planned by this, so that no instruction's effect on control is written a second time.

use power::Insn;
use power::decode::{self, Opcode};
use power::engine::{
    BranchKind, BranchReg, Done, Engine, Facility, Fence, Handler, Lower, Order, SystemFn, Target,
    Width, XerBit,
};
use power::interrupt::Interrupt;
use power_float::Fpscr;
use std::sync::LazyLock;

use crate::mode::Mode;
use crate::slot::{Slot, SlotSet};

/// Where control goes after an instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flow {
    /// To the next.
    Next,
    /// It branches.
    Branch {
        /// Whether it may go to the next instead.
        conditional: bool,
        /// Distance in bytes, where it is known.
        relative: Option<i64>,
    },
    /// It acts on the processor as a whole, in a way that code around it seldom depends on.
    System,
    /// It acts on the processor as a whole: the interpreter knows.
    Interpret,
    /// It always interrupts.
    Stops,
}

/// How a CR field was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldWrite {
    /// As the result of a comparison.
    Compare {
        /// Of signed numbers.
        signed: bool,
    },
    /// Otherwise.
    Number,
}

/// What the instructions that were looked at need and do.
#[derive(Debug)]
pub(crate) struct EffectAnalysis {
    mode: Mode,
    /// Registers read.
    pub(crate) reads: SlotSet,
    /// CR fields written, bit `n` for field `n`.
    pub(crate) fields_written: u8,
    /// Registers written.
    pub(crate) writes: SlotSet,
    /// How CR fields were last written.
    pub(crate) fields: [Option<FieldWrite>; 8],
    /// The parts of the mode that what they do depends on.
    pub(crate) depends: Mode,
    /// Whether there are plain accesses to memory.
    pub(crate) accesses: bool,
    /// Whether there is scalar floating-point arithmetic.
    pub(crate) scalar_float: bool,
    flow: Flow,
    opcode: Opcode,
}

/// An instruction ended early.
pub(crate) struct Ended;

/// Whether an instruction that acts on the processor as a whole is called from the midst of a region. The others nearly always
/// change what the region depends on.
pub(crate) fn called_in_line(opcode: Opcode) -> bool {
    opcode.row().called_in_line
}

static HANDLERS: LazyLock<Vec<Handler<EffectAnalysis>>> =
    LazyLock::new(decode::handlers::<EffectAnalysis>);

impl EffectAnalysis {
    pub(crate) fn new(mode: Mode) -> Self {
        Self {
            mode,
            reads: SlotSet::default(),
            fields_written: 0,
            writes: SlotSet::default(),
            fields: [None; 8],
            depends: Mode::ALWAYS,
            accesses: false,
            scalar_float: false,
            flow: Flow::Next,
            opcode: Opcode::ILLEGAL,
        }
    }

    /// Looks at an instruction.
    pub(crate) fn look(&mut self, insn: Insn) -> (Opcode, Flow) {
        self.flow = Flow::Next;
        let opcode = decode::decode(insn);
        self.opcode = opcode;
        let done = HANDLERS[opcode.0 as usize](self, insn);
        if done.is_err() && self.flow == Flow::Next {
            self.flow = Flow::Stops;
        }
        (opcode, self.flow)
    }

    fn read(&mut self, slot: Slot) {
        self.reads.insert(slot);
    }

    fn write(&mut self, slot: Slot) {
        self.writes.insert(slot);
    }

    fn write_field(&mut self, n: u32) {
        self.write_field_as(n, FieldWrite::Number);
    }

    fn write_field_as(&mut self, n: u32, how: FieldWrite) {
        self.fields_written |= 1 << (n & 7);
        self.fields[n as usize & 7] = Some(how);
    }

    fn float(&mut self, target: u32) -> Done<Self> {
        self.depends = self.depends.and_float_exceptions();
        self.read(Slot::Vsr(target));
        self.write(Slot::Vsr(target));
        Ok(())
    }
}

/// Primitives that need no word: they read and write no register.
macro_rules! nothing {
    ($($name:ident($($argument:ident: $type:ty),*) $(-> $result:ty)?;)*) => { $(
        fn $name(&mut self, $($argument: $type),*) $(-> $result)? {
            $(let _ = $argument;)*
        }
    )* };
}

impl Engine for EffectAnalysis {
    type Word = ();
    type Cond = ();
    type Vector = ();
    type Stop = Ended;

    nothing! {
        imm(value: u64);
        cond_imm(value: bool);
        add(a: (), b: ());
        sub(a: (), b: ());
        mul(a: (), b: ());
        mul_high_signed(a: (), b: ());
        mul_high_unsigned(a: (), b: ());
        div_signed(a: (), b: ());
        div_unsigned(a: (), b: ());
        rem_signed(a: (), b: ());
        rem_unsigned(a: (), b: ());
        and(a: (), b: ());
        or(a: (), b: ());
        xor(a: (), b: ());
        not(a: ());
        shl(a: (), n: ());
        shr(a: (), n: ());
        sar(a: (), n: ());
        rotl(a: (), n: ());
        clz(a: ());
        ctz(a: ());
        sign_extend(a: (), width: Width);
        zero_extend(a: (), width: Width);
        swap_bytes(a: ());
        pure1(f: fn(u64) -> u64, a: ());
        pure2(f: fn(u64, u64) -> u64, a: (), b: ());
        pure3(f: fn(u64, u64, u64) -> u64, a: (), b: (), c: ());
        eq(a: (), b: ());
        lt_signed(a: (), b: ());
        lt_unsigned(a: (), b: ());
        both(a: (), b: ());
        either(a: (), b: ());
        negate(a: ());
        cond_word(a: ());
        select(c: (), a: (), b: ());
        vector(high: (), low: ());
        fence(fence: Fence);
        cia();
        vec1(lower: Lower, f: fn(u128) -> u128, a: ());
        vec2(lower: Lower, f: fn(u128, u128) -> u128, a: (), b: ());
        vec3(lower: Lower, f: fn(u128, u128, u128) -> u128, a: (), b: (), c: ());
        vec1_imm(f: fn(u128, u32) -> u128, a: (), imm: u32);
        vec2_imm(f: fn(u128, u128, u32) -> u128, a: (), b: (), imm: u32);
        vec2_sat(f: fn(u128, u128) -> (u128, bool), a: (), b: ());
        vec3_sat(f: fn(u128, u128, u128) -> (u128, bool), a: (), b: (), c: ());
        vmx_float(f: fn(u128, u128, u128, bool) -> u128, a: (), b: (), c: ());
        vec_to_word(f: fn(u128, u64) -> u64, a: (), b: ());
    }

    fn halves(&mut self, (): ()) -> ((), ()) {
        ((), ())
    }
    fn gpr(&mut self, n: u32) {
        self.read(Slot::Gpr(n));
    }
    fn set_gpr(&mut self, n: u32, (): ()) {
        self.write(Slot::Gpr(n));
    }
    fn set_branch_reg(&mut self, r: BranchReg, (): ()) {
        self.write(Slot::Branch(r));
    }
    fn set_xer_bit(&mut self, bit: XerBit, (): ()) {
        self.write(Slot::Xer(bit));
    }
    fn set_vsr(&mut self, n: u32, (): ()) {
        self.write(Slot::Vsr(n));
    }
    fn set_vsr_high(&mut self, n: u32, (): ()) {
        self.write(Slot::Vsr(n));
    }
    fn branch_reg(&mut self, r: BranchReg) {
        self.read(Slot::Branch(r));
    }
    fn cr_bit(&mut self, _: u32) {}
    fn set_cr_bit(&mut self, n: u32, (): ()) {
        self.write_field(n / 4);
    }
    fn cr_field(&mut self, _: u32) {}
    fn set_cr_field(&mut self, n: u32, (): ()) {
        self.write_field(n);
    }
    fn compare(&mut self, n: u32, (): (), (): (), signed: bool) {
        self.read(Slot::Xer(XerBit::So));
        self.write_field_as(n, FieldWrite::Compare { signed });
    }
    fn xer_bit(&mut self, bit: XerBit) {
        self.read(Slot::Xer(bit));
    }
    fn vsr(&mut self, n: u32) {
        self.read(Slot::Vsr(n));
    }
    fn vsr_high(&mut self, n: u32) {
        self.read(Slot::Vsr(n));
    }
    fn load(&mut self, (): (), _: Width, _: Order) -> Result<(), Ended> {
        self.accesses = true;
        Ok(())
    }
    fn store(&mut self, (): (), (): (), _: Width, _: Order) -> Done<Self> {
        self.accesses = true;
        Ok(())
    }
    fn load_vector(&mut self, (): ()) -> Result<(), Ended> {
        self.accesses = true;
        Ok(())
    }
    fn store_vector(&mut self, (): (), (): ()) -> Done<Self> {
        self.accesses = true;
        Ok(())
    }
    fn load_reserve(&mut self, (): (), _: Width) -> Result<(), Ended> {
        Ok(())
    }
    fn store_conditional(&mut self, (): (), (): (), _: Width) -> Result<(), Ended> {
        Ok(())
    }
    fn zero_block(&mut self, (): ()) -> Done<Self> {
        Ok(())
    }
    fn touch_block(&mut self, (): ()) -> Done<Self> {
        Ok(())
    }
    fn big_endian(&mut self) -> bool {
        self.mode.big_endian()
    }
    fn branch(&mut self, condition: Option<()>, target: Target<()>, _: BranchKind) {
        self.flow = Flow::Branch {
            conditional: condition.is_some(),
            relative: match target {
                Target::Relative(distance) => Some(distance),
                Target::Absolute(_) | Target::Register(()) => None,
            },
        };
    }
    fn require(&mut self, facility: Facility) -> Done<Self> {
        self.depends = self.depends.and_facility(facility);
        if self.mode.has(facility) {
            Ok(())
        } else {
            Err(Ended)
        }
    }
    fn raise(&mut self, _: Interrupt) -> Ended {
        Ended
    }
    fn raise_if(&mut self, (): (), _: Interrupt) -> Done<Self> {
        Ok(())
    }
    fn system(&mut self, _: SystemFn, _: Insn) -> Done<Self> {
        if called_in_line(self.opcode) {
            self.flow = Flow::System;
            // All registers are loaded anew after it.
            self.fields = [Some(FieldWrite::Number); 8];
            return Ok(());
        }
        self.flow = Flow::Interpret;
        Err(Ended)
    }

    fn float1(
        &mut self,
        lower: Lower,
        _: fn(&mut Fpscr, u64) -> Option<u64>,
        target: u32,
        (): (),
    ) -> Done<Self> {
        self.scalar_float |= lower != Lower::Call;
        self.float(target)
    }
    fn float2(
        &mut self,
        _: Lower,
        _: fn(&mut Fpscr, u64, u64) -> Option<u64>,
        target: u32,
        (): (),
        (): (),
    ) -> Done<Self> {
        self.scalar_float = true;
        self.float(target)
    }
    fn float3(
        &mut self,
        _: Lower,
        _: fn(&mut Fpscr, u64, u64, u64) -> Option<u64>,
        target: u32,
        (): (),
        (): (),
        (): (),
    ) -> Done<Self> {
        self.scalar_float = true;
        self.float(target)
    }
    fn float_compare(
        &mut self,
        lower: Lower,
        _: fn(&mut Fpscr, u64, u64) -> u8,
        bf: u32,
        (): (),
        (): (),
    ) -> Done<Self> {
        self.scalar_float |= lower != Lower::Call;
        self.depends = self.depends.and_float_exceptions();
        self.write_field(bf);
        Ok(())
    }
    fn vfloat1(
        &mut self,
        _: Lower,
        _: fn(&mut Fpscr, u128) -> Option<u128>,
        target: u32,
        (): (),
    ) -> Done<Self> {
        self.float(target)
    }
    fn vfloat2(
        &mut self,
        _: Lower,
        _: fn(&mut Fpscr, u128, u128) -> Option<u128>,
        target: u32,
        (): (),
        (): (),
    ) -> Done<Self> {
        self.float(target)
    }
    fn vfloat3(
        &mut self,
        _: Lower,
        _: fn(&mut Fpscr, u128, u128, u128) -> Option<u128>,
        target: u32,
        (): (),
        (): (),
        (): (),
    ) -> Done<Self> {
        self.float(target)
    }
    fn vfloat2_cr6(
        &mut self,
        _: Lower,
        _: fn(&mut Fpscr, u128, u128) -> Option<(u128, u8)>,
        target: u32,
        (): (),
        (): (),
    ) -> Done<Self> {
        self.write_field(6);
        self.float(target)
    }
    fn float_pair(
        &mut self,
        _: fn(&mut Fpscr, u128, u128, u128) -> Option<u128>,
        target: u32,
        (): (),
        (): (),
        (): (),
    ) -> Done<Self> {
        self.float(target)?;
        self.float(target + 1)
    }
    fn vfloat_compare(
        &mut self,
        _: fn(&mut Fpscr, u128, u128) -> u8,
        bf: u32,
        (): (),
        (): (),
    ) -> Done<Self> {
        self.depends = self.depends.and_float_exceptions();
        self.write_field(bf);
        Ok(())
    }
    fn float_record(&mut self) {
        self.write_field(1);
    }
    fn vec2_cr6(&mut self, _: fn(u128, u128, u32) -> (u128, u8), (): (), (): (), _: u32) {
        self.write_field(6);
    }
}

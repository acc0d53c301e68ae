//! The contract between instruction semantics and what carries them out.
//!
//! Each instruction is one generic function over [`Engine`]. An interpreter instantiates it with plain numbers, so that rustc
//! inlines it into direct code; a translator instantiates it with values of its intermediate representation. So semantics may
//! branch in Rust only on the *instruction word*, never on a value of the guest: for that there are [`Engine::select`],
//! [`Engine::branch`] with a condition, and [`Engine::raise_if`].
//!
//! What engines rely on: `require` and `system` come before any effect of their instruction; after `raise`, a failed `require`, or a
//! refused access nothing more takes effect; the interrupt of an enabled floating-point exception is taken at the end of the
//! instruction, so that a record after the operation still takes effect.
//!
//! Three kinds of work are not spelled out in primitives: operations on floating-point and vector values (pure functions of the
//! crates `power-float`, `power-decimal` and `power-vector`, named to the engine together with a [`Lower`] hint), and instructions that act on the
//! processor as a whole ([`Engine::system`]).

use power_float::{Fpscr, memory};

use crate::cpu::Cpu;
use crate::insn::Insn;
use crate::interrupt::Interrupt;

/// What a semantic function returns: done, or stopped with the interrupt already recorded.
pub type Done<E> = Result<(), <E as Engine>::Stop>;

/// A semantic function, as an engine calls it.
pub type Handler<E> = fn(&mut E, Insn) -> Done<E>;

/// An instruction that acts on the processor as a whole, written over the concrete state.
pub type SystemFn = fn(&mut Cpu, Insn) -> Result<(), Interrupt>;

/// Size of a memory operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Width {
    /// 1 byte.
    Byte,
    /// 2 bytes.
    Half,
    /// 4 bytes.
    Word,
    /// 8 bytes.
    Double,
}

impl Width {
    /// In bytes.
    #[inline(always)]
    pub const fn bytes(self) -> u64 {
        match self {
            Self::Byte => 1,
            Self::Half => 2,
            Self::Word => 4,
            Self::Double => 8,
        }
    }
}

/// How bytes of a memory operand are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As MSR\[LE\] says.
    Mode,
    /// The other way round (lwbrx …).
    Reversed,
}

/// Branch-unit registers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BranchReg {
    /// Link Register.
    Lr,
    /// Count Register.
    Ctr,
    /// Target Address Register.
    Tar,
}

/// Fields of XER that instructions write apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum XerBit {
    /// Summary overflow.
    So,
    /// Overflow.
    Ov,
    /// Overflow of the low word.
    Ov32,
    /// Carry.
    Ca,
    /// Carry out of the low word.
    Ca32,
}

/// Where a branch goes.
#[derive(Debug, Clone, Copy)]
pub enum Target<W> {
    /// Relative to this instruction, in bytes.
    Relative(i64),
    /// An address known at translation.
    Absolute(u64),
    /// An address computed by the guest; the engine clears the low two bits.
    Register(W),
}

/// How a branch may be predicted: what it is in the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BranchKind {
    /// A jump.
    Jump,
    /// A call: LR is set.
    Call,
    /// A return: to LR, not setting it.
    Return,
}

/// Facilities that an MSR bit may make unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Facility {
    /// MSR\[FP\].
    Float,
    /// MSR\[VEC\].
    Vmx,
    /// MSR\[VSX\].
    Vsx,
    /// Privileged: MSR\[PR\] must be 0.
    Privileged,
}

/// Memory ordering asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fence {
    /// sync, ptesync: everything before against everything after.
    Full,
    /// lwsync: all but store against later load.
    Light,
    /// eieio: stores against stores, and caching-inhibited accesses.
    Io,
}

/// How a value is rounded to an integral one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Integral {
    /// To the nearest, ties away from zero; inexact is not reported.
    NearestAway,
    /// Toward zero; inexact is not reported.
    TowardZero,
    /// Toward plus infinity; inexact is not reported.
    Up,
    /// Toward minus infinity; inexact is not reported.
    Down,
    /// As FPSCR\[RN\] says; inexact is reported.
    Current,
}

/// A conversion of a double to an integer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToInteger {
    /// Whether the integer is signed.
    pub signed: bool,
    /// Its size: 64 or 32 bits. A word is extended to a doubleword, by its sign where it is signed.
    pub bits: u8,
    /// Whether it is truncated; else rounded as FPSCR\[RN\] says.
    pub truncates: bool,
    /// Whether a word fills both halves of the doubleword instead.
    pub doubled: bool,
}

/// Operations that a translating engine may know how to emit itself instead of calling the function that goes with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lower {
    /// Nothing known: call.
    Call,
    /// Double-precision add, subtract, multiply, divide.
    Add64,
    /// See [`Lower::Add64`].
    Sub64,
    /// See [`Lower::Add64`].
    Mul64,
    /// See [`Lower::Add64`].
    Div64,
    /// Results rounded to single precision.
    Add32,
    /// See [`Lower::Add32`].
    Sub32,
    /// See [`Lower::Add32`].
    Mul32,
    /// See [`Lower::Add32`].
    Div32,
    /// a*c+b, double; operands in this order.
    Madd64,
    /// a*c-b.
    Msub64,
    /// -(a*c+b).
    Nmadd64,
    /// -(a*c-b).
    Nmsub64,
    /// a*c+b, single.
    Madd32,
    /// See [`Lower::Msub64`].
    Msub32,
    /// See [`Lower::Nmadd64`].
    Nmadd32,
    /// See [`Lower::Nmsub64`].
    Nmsub32,
    /// Square root, double.
    Root64,
    /// Square root, rounded to single precision.
    Root32,
    /// A double rounded to single precision, held as a double.
    RoundToSingle,
    /// A double as an integer.
    ToInteger(ToInteger),
    /// A doubleword integer as a double.
    FromInteger {
        /// Whether it is signed.
        signed: bool,
        /// Whether the result is rounded to single precision.
        single: bool,
    },
    /// A double rounded to an integral value.
    Integral64(Integral),
    /// A single rounded to an integral value.
    Integral32(Integral),
    /// The larger double; +0 rather than -0.
    Max64,
    /// The smaller double; -0 rather than +0.
    Min64,
    /// See [`Lower::Max64`].
    Max32,
    /// See [`Lower::Min64`].
    Min32,
    /// `a > b ? a : b`, doubles.
    Greater64,
    /// `a < b ? a : b`, doubles.
    Less64,
    /// A comparison of doubles; FPCC receives the field too.
    Compare64,
    /// All ones where a = b, else 0; doubles.
    Equal64,
    /// See [`Lower::Equal64`]: a > b.
    Above64,
    /// See [`Lower::Equal64`]: a >= b.
    AtLeast64,
    /// See [`Lower::Equal64`]; singles.
    Equal32,
    /// See [`Lower::Above64`]; singles.
    Above32,
    /// See [`Lower::AtLeast64`]; singles.
    AtLeast32,
    /// Vector and, or, xor, andc, nor.
    VecAnd,
    /// See [`Lower::VecAnd`].
    VecOr,
    /// See [`Lower::VecAnd`].
    VecXor,
    /// See [`Lower::VecAnd`].
    VecAndc,
    /// See [`Lower::VecAnd`].
    VecNor,
    /// Vector integer add of lanes with this many bits.
    VecAdd(u8),
    /// Vector integer subtract of lanes with this many bits.
    VecSub(u8),
}

/// An execution engine: carries out primitives on values of its own.
#[allow(
    clippy::missing_errors_doc,
    reason = "Err is always Self::Stop: the instruction ends here"
)]
pub trait Engine: Sized {
    /// A 64-bit value.
    type Word: Copy;
    /// A truth value.
    type Cond: Copy;
    /// A 128-bit register value; ISA element 0 is the most significant.
    type Vector: Copy;
    /// Proof that the instruction ended early.
    type Stop;

    // Values.
    /// A constant.
    fn imm(&mut self, value: u64) -> Self::Word;
    /// A constant condition.
    fn cond_imm(&mut self, value: bool) -> Self::Cond;
    /// a + b.
    fn add(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// a - b.
    fn sub(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// Low 64 bits of the product.
    fn mul(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// High 64 bits of the signed product.
    fn mul_high_signed(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// High 64 bits of the unsigned product.
    fn mul_high_unsigned(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// Quotient; the caller makes sure that b is not 0 and that the quotient fits.
    fn div_signed(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// Quotient; the caller makes sure that b is not 0.
    fn div_unsigned(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// Remainder; as [`Engine::div_signed`].
    fn rem_signed(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// Remainder; as [`Engine::div_unsigned`].
    fn rem_unsigned(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// a & b.
    fn and(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// a | b.
    fn or(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// a ^ b.
    fn xor(&mut self, a: Self::Word, b: Self::Word) -> Self::Word;
    /// !a.
    fn not(&mut self, a: Self::Word) -> Self::Word;
    /// a << (n & 63).
    fn shl(&mut self, a: Self::Word, n: Self::Word) -> Self::Word;
    /// a >> (n & 63), zeros shifted in.
    fn shr(&mut self, a: Self::Word, n: Self::Word) -> Self::Word;
    /// a >> (n & 63), the sign shifted in.
    fn sar(&mut self, a: Self::Word, n: Self::Word) -> Self::Word;
    /// a rotated left by n & 63.
    fn rotl(&mut self, a: Self::Word, n: Self::Word) -> Self::Word;
    /// Leading zeros (64 for 0).
    fn clz(&mut self, a: Self::Word) -> Self::Word;
    /// Trailing zeros (64 for 0).
    fn ctz(&mut self, a: Self::Word) -> Self::Word;
    /// The low `width`, sign-extended.
    fn sign_extend(&mut self, a: Self::Word, width: Width) -> Self::Word;
    /// The low `width`, zero-extended.
    fn zero_extend(&mut self, a: Self::Word, width: Width) -> Self::Word;
    /// Bytes reversed.
    fn swap_bytes(&mut self, a: Self::Word) -> Self::Word;
    /// A pure function of one value (popcntb, cbcdtd …).
    fn pure1(&mut self, f: fn(u64) -> u64, a: Self::Word) -> Self::Word;
    /// A pure function of two values (bpermd, cmpb …).
    fn pure2(&mut self, f: fn(u64, u64) -> u64, a: Self::Word, b: Self::Word) -> Self::Word;
    /// A pure function of three values.
    fn pure3(
        &mut self,
        f: fn(u64, u64, u64) -> u64,
        a: Self::Word,
        b: Self::Word,
        c: Self::Word,
    ) -> Self::Word;

    /// A single, in the low word, as the double that a load makes of it ([`power_float::memory::double_from_single`]).
    fn double_from_single(&mut self, a: Self::Word) -> Self::Word {
        self.pure1(|a| memory::double_from_single(a as u32), a)
    }
    /// A double as the single that a store makes of it ([`power_float::memory::single_from_double`]), zero-extended.
    fn single_from_double(&mut self, a: Self::Word) -> Self::Word {
        self.pure1(|a| memory::single_from_double(a).into(), a)
    }
    /// `a >= 0 ? b : c` of doubles; c for a NaN.
    fn float_select(&mut self, a: Self::Word, b: Self::Word, c: Self::Word) -> Self::Word {
        self.pure3(
            |a, b, c| if f64::from_bits(a) >= 0.0 { b } else { c },
            a,
            b,
            c,
        )
    }

    // Conditions.
    /// a == b.
    fn eq(&mut self, a: Self::Word, b: Self::Word) -> Self::Cond;
    /// a < b, signed.
    fn lt_signed(&mut self, a: Self::Word, b: Self::Word) -> Self::Cond;
    /// a < b, unsigned.
    fn lt_unsigned(&mut self, a: Self::Word, b: Self::Word) -> Self::Cond;
    /// Both.
    fn both(&mut self, a: Self::Cond, b: Self::Cond) -> Self::Cond;
    /// Either.
    fn either(&mut self, a: Self::Cond, b: Self::Cond) -> Self::Cond;
    /// Not.
    fn negate(&mut self, a: Self::Cond) -> Self::Cond;
    /// 1 or 0.
    fn cond_word(&mut self, a: Self::Cond) -> Self::Word;
    /// `c ? a : b`.
    fn select(&mut self, c: Self::Cond, a: Self::Word, b: Self::Word) -> Self::Word;

    // Registers.
    /// GPR `n`.
    fn gpr(&mut self, n: u32) -> Self::Word;
    /// Sets GPR `n`.
    fn set_gpr(&mut self, n: u32, value: Self::Word);
    /// LR, CTR or TAR.
    fn branch_reg(&mut self, r: BranchReg) -> Self::Word;
    /// Sets LR, CTR or TAR.
    fn set_branch_reg(&mut self, r: BranchReg, value: Self::Word);
    /// CR bit `n` (0 to 31).
    fn cr_bit(&mut self, n: u32) -> Self::Cond;
    /// Sets CR bit `n`.
    fn set_cr_bit(&mut self, n: u32, value: Self::Cond);
    /// CR field `n` as a number 0 to 15.
    fn cr_field(&mut self, n: u32) -> Self::Word;
    /// Sets CR field `n` to the low four bits.
    fn set_cr_field(&mut self, n: u32, value: Self::Word);
    /// Sets CR field `n` to LT, GT, EQ of a against b, and XER\[SO\].
    fn compare(&mut self, n: u32, a: Self::Word, b: Self::Word, signed: bool);
    /// A bit of XER.
    fn xer_bit(&mut self, bit: XerBit) -> Self::Cond;
    /// Sets a bit of XER.
    fn set_xer_bit(&mut self, bit: XerBit, value: Self::Cond);
    /// VSR `n` (0 to 63; VMX registers are 32 to 63).
    fn vsr(&mut self, n: u32) -> Self::Vector;
    /// Sets VSR `n`.
    fn set_vsr(&mut self, n: u32, value: Self::Vector);
    /// Doubleword 0 of VSR `n`; for n < 32, FPR `n`.
    fn vsr_high(&mut self, n: u32) -> Self::Word;
    /// Sets doubleword 0 of VSR `n`; doubleword 1 becomes 0.
    fn set_vsr_high(&mut self, n: u32, value: Self::Word);
    /// A vector of two doublewords.
    fn vector(&mut self, high: Self::Word, low: Self::Word) -> Self::Vector;
    /// The doublewords 0 and 1 of a vector.
    fn halves(&mut self, v: Self::Vector) -> (Self::Word, Self::Word);

    // Memory. Addresses are effective; an access that the MMU refuses stops the instruction with nothing written.
    /// Loads, zero-extended.
    fn load(
        &mut self,
        ea: Self::Word,
        width: Width,
        order: Order,
    ) -> Result<Self::Word, Self::Stop>;
    /// Stores the low `width` of `value`.
    fn store(
        &mut self,
        ea: Self::Word,
        value: Self::Word,
        width: Width,
        order: Order,
    ) -> Done<Self>;
    /// Loads 16 bytes as a register value: in little-endian mode the byte at `ea` is the least significant.
    fn load_vector(&mut self, ea: Self::Word) -> Result<Self::Vector, Self::Stop>;
    /// Stores 16 bytes; the converse of [`Engine::load_vector`].
    fn store_vector(&mut self, ea: Self::Word, value: Self::Vector) -> Done<Self>;
    /// Loads and sets the reservation; an unaligned address raises an alignment interrupt.
    fn load_reserve(&mut self, ea: Self::Word, width: Width) -> Result<Self::Word, Self::Stop>;
    /// Stores where the reservation holds, and says whether it did; the reservation is gone after it.
    fn store_conditional(
        &mut self,
        ea: Self::Word,
        value: Self::Word,
        width: Width,
    ) -> Result<Self::Cond, Self::Stop>;
    /// Zeroes the cache block of 128 bytes that `ea` is in.
    fn zero_block(&mut self, ea: Self::Word) -> Done<Self>;
    /// Cleans or flushes the cache block that `ea` is in: to the MMU a load.
    fn touch_block(&mut self, ea: Self::Word) -> Done<Self>;
    /// Orders memory accesses.
    fn fence(&mut self, fence: Fence);
    /// Whether MSR\[LE\] is 0. Code is decoded, and translated, for one byte order, so semantics may branch on this.
    fn big_endian(&mut self) -> bool;

    // Control.
    /// The address of this instruction.
    fn cia(&mut self) -> Self::Word;
    /// Goes to `target` where `condition` holds (always, where there is none).
    fn branch(
        &mut self,
        condition: Option<Self::Cond>,
        target: Target<Self::Word>,
        kind: BranchKind,
    );
    /// Stops with the interrupt that an unavailable facility raises.
    fn require(&mut self, facility: Facility) -> Done<Self>;
    /// Ends this instruction with an interrupt.
    fn raise(&mut self, interrupt: Interrupt) -> Self::Stop;
    /// Ends this instruction with an interrupt where `condition` holds.
    fn raise_if(&mut self, condition: Self::Cond, interrupt: Interrupt) -> Done<Self>;
    /// Runs an instruction that acts on the processor as a whole.
    fn system(&mut self, f: SystemFn, insn: Insn) -> Done<Self>;

    // Floating point under FPSCR. A result of None leaves the target alone; an enabled exception stops the instruction after that.
    /// One operand; result to doubleword 0 of VSR `target`, doubleword 1 becomes 0.
    fn float1(
        &mut self,
        lower: Lower,
        f: fn(&mut Fpscr, u64) -> Option<u64>,
        target: u32,
        a: Self::Word,
    ) -> Done<Self>;
    /// Two operands; as [`Engine::float1`].
    fn float2(
        &mut self,
        lower: Lower,
        f: fn(&mut Fpscr, u64, u64) -> Option<u64>,
        target: u32,
        a: Self::Word,
        b: Self::Word,
    ) -> Done<Self>;
    /// Three operands; as [`Engine::float1`].
    fn float3(
        &mut self,
        lower: Lower,
        f: fn(&mut Fpscr, u64, u64, u64) -> Option<u64>,
        target: u32,
        a: Self::Word,
        b: Self::Word,
        c: Self::Word,
    ) -> Done<Self>;
    /// A comparison; its four bits go to CR field `bf`.
    fn float_compare(
        &mut self,
        lower: Lower,
        f: fn(&mut Fpscr, u64, u64) -> u8,
        bf: u32,
        a: Self::Word,
        b: Self::Word,
    ) -> Done<Self>;
    /// One vector operand; result to VSR `target`.
    fn vfloat1(
        &mut self,
        lower: Lower,
        f: fn(&mut Fpscr, u128) -> Option<u128>,
        target: u32,
        a: Self::Vector,
    ) -> Done<Self>;
    /// Two vector operands.
    fn vfloat2(
        &mut self,
        lower: Lower,
        f: fn(&mut Fpscr, u128, u128) -> Option<u128>,
        target: u32,
        a: Self::Vector,
        b: Self::Vector,
    ) -> Done<Self>;
    /// Three vector operands.
    fn vfloat3(
        &mut self,
        lower: Lower,
        f: fn(&mut Fpscr, u128, u128, u128) -> Option<u128>,
        target: u32,
        a: Self::Vector,
        b: Self::Vector,
        c: Self::Vector,
    ) -> Done<Self>;
    /// Two vector operands; the mask goes to VSR `target`, the four bits to CR field 6 (recording comparisons).
    fn vfloat2_cr6(
        &mut self,
        lower: Lower,
        f: fn(&mut Fpscr, u128, u128) -> Option<(u128, u8)>,
        target: u32,
        a: Self::Vector,
        b: Self::Vector,
    ) -> Done<Self>;
    /// Three operands of 128 bits (fewer are given twice); the result's halves go to FPRs `target` and `target + 1`, as a number of
    /// DFP extended lies in registers.
    fn float_pair(
        &mut self,
        f: fn(&mut Fpscr, u128, u128, u128) -> Option<u128>,
        target: u32,
        a: Self::Vector,
        b: Self::Vector,
        c: Self::Vector,
    ) -> Done<Self>;
    /// A comparison or test of vector operands; its four bits go to CR field `bf`.
    fn vfloat_compare(
        &mut self,
        f: fn(&mut Fpscr, u128, u128) -> u8,
        bf: u32,
        a: Self::Vector,
        b: Self::Vector,
    ) -> Done<Self>;
    /// Copies FX, FEX, VX and OX to CR field 1 (Rc of floating-point instructions).
    fn float_record(&mut self);

    // Vectors: pure functions.
    /// One operand.
    fn vec1(&mut self, lower: Lower, f: fn(u128) -> u128, a: Self::Vector) -> Self::Vector;
    /// Two operands.
    fn vec2(
        &mut self,
        lower: Lower,
        f: fn(u128, u128) -> u128,
        a: Self::Vector,
        b: Self::Vector,
    ) -> Self::Vector;
    /// Three operands.
    fn vec3(
        &mut self,
        lower: Lower,
        f: fn(u128, u128, u128) -> u128,
        a: Self::Vector,
        b: Self::Vector,
        c: Self::Vector,
    ) -> Self::Vector;
    /// One operand and an immediate of the instruction.
    fn vec1_imm(&mut self, f: fn(u128, u32) -> u128, a: Self::Vector, imm: u32) -> Self::Vector;
    /// Two operands and an immediate of the instruction.
    fn vec2_imm(
        &mut self,
        f: fn(u128, u128, u32) -> u128,
        a: Self::Vector,
        b: Self::Vector,
        imm: u32,
    ) -> Self::Vector;
    /// Two operands; VSCR\[SAT\] is set where the function says that it saturated.
    fn vec2_sat(
        &mut self,
        f: fn(u128, u128) -> (u128, bool),
        a: Self::Vector,
        b: Self::Vector,
    ) -> Self::Vector;
    /// Three operands; as [`Engine::vec2_sat`].
    fn vec3_sat(
        &mut self,
        f: fn(u128, u128, u128) -> (u128, bool),
        a: Self::Vector,
        b: Self::Vector,
        c: Self::Vector,
    ) -> Self::Vector;
    /// Two operands and an immediate; the four bits go to CR field 6 (decimal operations and recording compares).
    fn vec2_cr6(
        &mut self,
        f: fn(u128, u128, u32) -> (u128, u8),
        a: Self::Vector,
        b: Self::Vector,
        imm: u32,
    ) -> Self::Vector;
    /// A VMX floating-point operation: three operands (fewer are given twice) and VSCR\[NJ\].
    fn vmx_float(
        &mut self,
        f: fn(u128, u128, u128, bool) -> u128,
        a: Self::Vector,
        b: Self::Vector,
        c: Self::Vector,
    ) -> Self::Vector;
    /// A value made of a vector.
    fn vec_to_word(
        &mut self,
        f: fn(u128, u64) -> u64,
        a: Self::Vector,
        b: Self::Word,
    ) -> Self::Word;
}

//! Atomic memory operations: lwat, ldat, stwat, stdat (Book II, 4.6.2), as compare-and-swap loops on host memory.

use super::Cpu;
use super::access::Bytes;
use crate::insn::Insn;
use crate::interrupt::Interrupt;
use crate::mmu::Access;

type Outcome = Result<(), Interrupt>;

/// Words and doublewords, with the arithmetic that the function codes ask for.
pub(super) trait Operand: Bytes + Into<u64> + PartialEq {
    fn of(register: u64) -> Self;
    fn reorder(self, big_endian: bool) -> Self;
    fn wrapping_sum(self, other: Self) -> Self;
    fn signed_less(self, other: Self) -> bool;
    fn unsigned_less(self, other: Self) -> bool;
    fn bitwise(self, other: Self, f: fn(u64, u64) -> u64) -> Self;
}

macro_rules! operand {
    ($type:ty, $signed:ty) => {
        impl Operand for $type {
            fn of(register: u64) -> Self {
                register as Self
            }
            fn reorder(self, big_endian: bool) -> Self {
                if big_endian {
                    Self::from_be(self)
                } else {
                    Self::from_le(self)
                }
            }
            fn wrapping_sum(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            fn signed_less(self, other: Self) -> bool {
                (self as $signed) < other as $signed
            }
            fn unsigned_less(self, other: Self) -> bool {
                self < other
            }
            fn bitwise(self, other: Self, f: fn(u64, u64) -> u64) -> Self {
                f(self.into(), other.into()) as Self
            }
        }
    };
}
operand!(u32, i32);
operand!(u64, i64);

/// The access: base address RA, aligned to its size and, with a neighbour, within a 32-byte block.
fn address<T>(cpu: &Cpu, i: Insn, bytes: u64) -> Result<u64, Interrupt> {
    let ea = if i.ra() == 0 {
        0
    } else {
        cpu.regs.gpr[i.ra() as usize]
    } & cpu.ea_mask;
    let in_block = (ea & 31) + bytes <= 32;
    if !ea.is_multiple_of(size_of::<T>() as u64) || !in_block {
        return Err(Interrupt::Alignment { ea });
    }
    Ok(ea)
}

/// A function code that the ISA does not define: data storage interrupt with the bit for invalid function codes.
fn invalid(ea: u64) -> Interrupt {
    const INVALID_FUNCTION: u32 = 0x0010_0000;
    Interrupt::DataStorage {
        ea,
        dsisr: INVALID_FUNCTION,
    }
}

/// Replaces the number at `ea` by what `f` makes of it; the old one.
fn update<T: Operand>(cpu: &mut Cpu, ea: u64, f: impl Fn(T) -> T) -> Result<T, Interrupt> {
    if cpu.debug.has_watchpoint() {
        let bytes = size_of::<T>();
        return cpu.with_watchpoint(ea, bytes, Access::Store, |cpu| replace(cpu, ea, f));
    }
    replace(cpu, ea, f)
}

fn replace<T: Operand>(cpu: &mut Cpu, ea: u64, f: impl Fn(T) -> T) -> Result<T, Interrupt> {
    let big_endian = cpu.big_endian;
    cpu.require_cache(ea, Access::Store)?;
    loop {
        let raw: T = cpu.load_host(ea)?;
        let old = raw.reorder(big_endian);
        let new = f(old).reorder(big_endian);
        if cpu.exchange_host(ea, raw, new)?.is_ok() {
            return Ok(old);
        }
    }
}

pub(super) fn load<T: Operand>(cpu: &mut Cpu, i: Insn) -> Outcome {
    let size = size_of::<T>() as u64;
    let function = i.rb();
    let rt = i.rt() as usize;
    let register = |n: usize| cpu.regs.gpr[(rt + n) % 32];
    let (one, two) = (T::of(register(1)), T::of(register(2)));
    let bytes = if matches!(function, 24 | 25 | 28) {
        2 * size
    } else {
        size
    };
    let ea = address::<T>(cpu, i, bytes)?;
    let old = match function {
        0 => update::<T>(cpu, ea, |m| m.wrapping_sum(one))?,
        1 => update::<T>(cpu, ea, |m| m.bitwise(one, |a, b| a ^ b))?,
        2 => update::<T>(cpu, ea, |m| m.bitwise(one, |a, b| a | b))?,
        3 => update::<T>(cpu, ea, |m| m.bitwise(one, |a, b| a & b))?,
        4 => update::<T>(cpu, ea, |m| if m.unsigned_less(one) { one } else { m })?,
        5 => update::<T>(cpu, ea, |m| if m.signed_less(one) { one } else { m })?,
        6 => update::<T>(cpu, ea, |m| if one.unsigned_less(m) { one } else { m })?,
        7 => update::<T>(cpu, ea, |m| if one.signed_less(m) { one } else { m })?,
        8 => update::<T>(cpu, ea, |_| one)?,
        16 => update::<T>(cpu, ea, |m| if m == one { m } else { two })?,
        // Fetch and increment bounded, equal; fetch and decrement bounded: the neighbour is the bound.
        24 | 25 | 28 => {
            let neighbour = if function == 28 {
                ea.wrapping_sub(size)
            } else {
                ea.wrapping_add(size)
            };
            cpu.require_cache(neighbour, Access::Load)?;
            let bound = cpu.load_host::<T>(neighbour)?.reorder(cpu.big_endian);
            let at_bound = |m: T| match function {
                25 => m != bound,
                _ => m == bound,
            };
            let step = if function == 28 {
                T::of(u64::MAX)
            } else {
                T::of(1)
            };
            let old = update::<T>(
                cpu,
                ea,
                |m| if at_bound(m) { m } else { m.wrapping_sum(step) },
            )?;
            if at_bound(old) {
                T::of(1 << (8 * size - 1))
            } else {
                old
            }
        }
        _ => return Err(invalid(ea)),
    };
    cpu.regs.gpr[rt] = old.into();
    Ok(())
}

pub(super) fn store<T: Operand>(cpu: &mut Cpu, i: Insn) -> Outcome {
    let size = size_of::<T>() as u64;
    let function = i.rb();
    let value = T::of(cpu.regs.gpr[i.rt() as usize]);
    let ea = address::<T>(cpu, i, if function == 24 { 2 * size } else { size })?;
    match function {
        0 => update::<T>(cpu, ea, |m| m.wrapping_sum(value))?,
        1 => update::<T>(cpu, ea, |m| m.bitwise(value, |a, b| a ^ b))?,
        2 => update::<T>(cpu, ea, |m| m.bitwise(value, |a, b| a | b))?,
        3 => update::<T>(cpu, ea, |m| m.bitwise(value, |a, b| a & b))?,
        4 => update::<T>(cpu, ea, |m| if m.unsigned_less(value) { value } else { m })?,
        5 => update::<T>(cpu, ea, |m| if m.signed_less(value) { value } else { m })?,
        6 => update::<T>(cpu, ea, |m| if value.unsigned_less(m) { value } else { m })?,
        7 => update::<T>(cpu, ea, |m| if value.signed_less(m) { value } else { m })?,
        // Store twin: both numbers, where they are equal.
        24 => {
            cpu.require_cache(ea.wrapping_add(size), Access::Load)?;
            let twin = cpu
                .load_host::<T>(ea.wrapping_add(size))?
                .reorder(cpu.big_endian);
            let old = update::<T>(cpu, ea, |m| if m == twin { value } else { m })?;
            if old == twin {
                cpu.store_host(ea.wrapping_add(size), value.reorder(cpu.big_endian))?;
            }
            old
        }
        _ => return Err(invalid(ea)),
    };
    Ok(())
}

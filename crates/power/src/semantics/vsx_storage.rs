//! VSX loads and stores (Book I, 7.6.3).

use super::util::{ea_displacement, ea_indexed, ra_or_zero};
use super::vsx_move::splat_word;
use crate::cpu::Cpu;
use crate::engine::{Done, Engine, Facility, Order, Width};
use crate::insn::Insn;
use crate::interrupt::Interrupt;

/// What the instructions new with POWER9 need in order to use VSR `n`: the facility that owns that half of the registers.
#[inline(always)]
pub(super) const fn facility_of(n: u32) -> Facility {
    if n < 32 { Facility::Vsx } else { Facility::Vmx }
}

/// How a scalar fills doubleword 0.
#[derive(Clone, Copy)]
enum Scalar {
    Zero,
    Sign,
    /// Single precision in memory, double in the register.
    Single,
}

#[inline(always)]
fn load_scalar<E: Engine>(
    e: &mut E,
    target: u32,
    ea: E::Word,
    width: Width,
    kind: Scalar,
) -> Done<E> {
    let value = e.load(ea, width, Order::Mode)?;
    let value = match kind {
        Scalar::Zero => value,
        Scalar::Sign => e.sign_extend(value, width),
        Scalar::Single => e.double_from_single(value),
    };
    e.set_vsr_high(target, value);
    Ok(())
}

#[inline(always)]
fn store_scalar<E: Engine>(
    e: &mut E,
    source: u32,
    ea: E::Word,
    width: Width,
    kind: Scalar,
) -> Done<E> {
    let value = e.vsr_high(source);
    let value = match kind {
        Scalar::Zero | Scalar::Sign => value,
        Scalar::Single => e.single_from_double(value),
    };
    e.store(ea, value, width, Order::Mode)
}

/// Indexed scalar transfers.
macro_rules! scalars {
    ($($name:ident $what:ident $width:ident $kind:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vsx)?;
            let ea = ea_indexed(e, i);
            $what(e, i.xt(), ea, Width::$width, Scalar::$kind)
        }
    )* };
}
scalars! {
    lxsspx load_scalar Word Single;
    lxsdx load_scalar Double Zero;
    lxsiwax load_scalar Word Sign;
    lxsiwzx load_scalar Word Zero;
    lxsibzx load_scalar Byte Zero;
    lxsihzx load_scalar Half Zero;
    stxsspx store_scalar Word Single;
    stxsdx store_scalar Double Zero;
    stxsiwx store_scalar Word Zero;
    stxsibx store_scalar Byte Zero;
    stxsihx store_scalar Half Zero;
}

/// Scalar transfers of DS form, of the VSRs that are VMX registers.
macro_rules! high_scalars {
    ($($name:ident $what:ident $width:ident $kind:ident;)*) => { $(
        pub(crate) fn $name<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(Facility::Vmx)?;
            let ea = ea_displacement(e, i, i.ds());
            $what(e, 32 + i.rt(), ea, Width::$width, Scalar::$kind)
        }
    )* };
}
high_scalars! {
    lxsd load_scalar Double Zero;
    lxssp load_scalar Word Single;
    stxsd store_scalar Double Zero;
    stxssp store_scalar Word Single;
}

pub(crate) fn lxv<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(facility_of(i.xt_dq()))?;
    let ea = ea_displacement(e, i, i.dq());
    let value = e.load_vector(ea)?;
    e.set_vsr(i.xt_dq(), value);
    Ok(())
}

pub(crate) fn lxvx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(facility_of(i.xt()))?;
    let ea = ea_indexed(e, i);
    let value = e.load_vector(ea)?;
    e.set_vsr(i.xt(), value);
    Ok(())
}

pub(crate) fn stxv<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(facility_of(i.xt_dq()))?;
    let ea = ea_displacement(e, i, i.dq());
    let value = e.vsr(i.xt_dq());
    e.store_vector(ea, value)
}

pub(crate) fn stxvx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(facility_of(i.xt()))?;
    let ea = ea_indexed(e, i);
    let value = e.vsr(i.xt());
    e.store_vector(ea, value)
}

/// In little-endian mode, turns round the elements of a doubleword.
#[inline(always)]
fn element_order<E: Engine>(e: &mut E, value: E::Word, width: Width) -> E::Word {
    if e.big_endian() {
        return value;
    }
    match width {
        Width::Double => value,
        Width::Word => {
            let by = e.imm(32);
            e.rotl(value, by)
        }
        Width::Half => e.pure1(
            |v| {
                (v.swap_bytes() & 0x00ff_00ff_00ff_00ff) << 8
                    | v.swap_bytes() >> 8 & 0x00ff_00ff_00ff_00ff
            },
            value,
        ),
        Width::Byte => e.swap_bytes(value),
    }
}

/// A vector in memory: elements of `width`, element 0 at the lowest address, each in the order of the mode.
#[inline(always)]
fn load_elements<E: Engine>(e: &mut E, i: Insn, width: Width) -> Done<E> {
    let ea = ea_indexed(e, i);
    let value = e.load_vector(ea)?;
    let (high, low) = e.halves(value);
    let (first, second) = if e.big_endian() {
        (high, low)
    } else {
        (low, high)
    };
    let (first, second) = (
        element_order(e, first, width),
        element_order(e, second, width),
    );
    let value = e.vector(first, second);
    e.set_vsr(i.xt(), value);
    Ok(())
}

#[inline(always)]
fn store_elements<E: Engine>(e: &mut E, i: Insn, width: Width) -> Done<E> {
    let ea = ea_indexed(e, i);
    let value = e.vsr(i.xt());
    let (first, second) = e.halves(value);
    let (first, second) = (
        element_order(e, first, width),
        element_order(e, second, width),
    );
    let value = if e.big_endian() {
        e.vector(first, second)
    } else {
        e.vector(second, first)
    };
    e.store_vector(ea, value)
}

macro_rules! elements {
    ($($load:ident $store:ident $width:ident |$xt:ident| $facility:expr;)*) => { $(
        pub(crate) fn $load<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let $xt = i.xt();
            e.require($facility)?;
            load_elements(e, i, Width::$width)
        }
        pub(crate) fn $store<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            let $xt = i.xt();
            e.require($facility)?;
            store_elements(e, i, Width::$width)
        }
    )* };
}
elements! {
    lxvd2x stxvd2x Double |_xt| Facility::Vsx;
    lxvw4x stxvw4x Word |_xt| Facility::Vsx;
    lxvh8x stxvh8x Half |xt| facility_of(xt);
    lxvb16x stxvb16x Byte |xt| facility_of(xt);
}

pub(crate) fn lxvdsx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(Facility::Vsx)?;
    let ea = ea_indexed(e, i);
    let value = e.load(ea, Width::Double, Order::Mode)?;
    let value = e.vector(value, value);
    e.set_vsr(i.xt(), value);
    Ok(())
}

pub(crate) fn lxvwsx<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
    e.require(facility_of(i.xt()))?;
    let ea = ea_indexed(e, i);
    let value = e.load(ea, Width::Word, Order::Mode)?;
    let value = splat_word(e, value);
    e.set_vsr(i.xt(), value);
    Ok(())
}

/// Loads and stores with length: as many bytes as the first byte of RB says, at most 16.
///
/// The registers are read and written by [`Engine::system`] functions, as the number of accesses is the guest's choice.
struct WithLength {
    ea: u64,
    bytes: u32,
    /// Whether the first byte in memory is the most significant one.
    from_left: bool,
}

impl WithLength {
    fn of(cpu: &mut Cpu, i: Insn, left_justified: bool) -> Self {
        Self {
            ea: ra_or_zero(cpu, i),
            bytes: ((cpu.regs.gpr[i.rb() as usize] >> 56) as u32).min(16),
            from_left: left_justified || cpu.big_endian,
        }
    }

    /// Where byte `n` of memory stands in the register: distance from its right end, in bits.
    const fn shift(&self, n: u32) -> u32 {
        8 * if self.from_left { 15 - n } else { n }
    }

    fn load(&self, cpu: &mut Cpu) -> Result<u128, Interrupt> {
        let mut value = 0;
        for n in 0..self.bytes {
            let byte: u8 = cpu.load_host(self.ea.wrapping_add(n.into()))?;
            value |= u128::from(byte) << self.shift(n);
        }
        Ok(value)
    }

    fn store(&self, cpu: &mut Cpu, value: u128) -> Result<(), Interrupt> {
        if self.bytes == 0 {
            return Ok(());
        }
        // Both ends are probed first, so that a fault leaves nothing written.
        let last = self.ea.wrapping_add(u64::from(self.bytes) - 1);
        cpu.probe_store(self.ea & cpu.ea_mask)?;
        cpu.probe_store(last & cpu.ea_mask)?;
        for n in 0..self.bytes {
            cpu.store_host(
                self.ea.wrapping_add(n.into()),
                (value >> self.shift(n)) as u8,
            )?;
        }
        Ok(())
    }
}

macro_rules! with_length {
    ($($load:ident $store:ident $left_justified:literal;)*) => { $(
        pub(crate) fn $load<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(facility_of(i.xt()))?;
            e.system(
                |cpu, i| {
                    cpu.regs.vsr[i.xt() as usize] = WithLength::of(cpu, i, $left_justified).load(cpu)?;
                    Ok(())
                },
                i,
            )
        }
        pub(crate) fn $store<E: Engine>(e: &mut E, i: Insn) -> Done<E> {
            e.require(facility_of(i.xt()))?;
            e.system(
                |cpu, i| {
                    let value = cpu.regs.vsr[i.xt() as usize];
                    WithLength::of(cpu, i, $left_justified).store(cpu, value)
                },
                i,
            )
        }
    )* };
}
with_length! {
    lxvl stxvl false;
    lxvll stxvll true;
}

//! Views of a register as equal lanes, and the combinators that keep an operation to one line.
//!
//! Internally lanes are taken *least significant first*, the order of a little-endian host, so that
//! an element-wise operation reverses nothing. Code that depends on element numbers goes through
//! [`elements`] and [`from_elements`], which use the ISA's order. The commonest operations on bytes
//! and halfwords are in [`crate::swar`] instead, for speed.

use crate::Vector;
use core::array::from_fn;

/// An integer type of which `N` make up a register.
pub(crate) trait Lane<const N: usize>: Copy {
    /// The lanes of `v`, least significant first.
    fn unpack(v: Vector) -> [Self; N];
    /// The inverse of [`Lane::unpack`].
    fn pack(lanes: [Self; N]) -> Vector;
}

macro_rules! lane {
    ($($int:ty, $lanes:literal, $bytes:literal;)*) => {$(
        impl Lane<$lanes> for $int {
            #[inline]
            fn unpack(v: Vector) -> [Self; $lanes] {
                let bytes = v.to_le_bytes();
                let (chunks, _) = bytes.as_chunks::<$bytes>();
                from_fn(|i| <$int>::from_le_bytes(chunks[i]))
            }

            #[inline]
            fn pack(lanes: [Self; $lanes]) -> Vector {
                let mut bytes = [0; 16];
                let (chunks, _) = bytes.as_chunks_mut::<$bytes>();
                for (chunk, lane) in chunks.iter_mut().zip(lanes) {
                    *chunk = lane.to_le_bytes();
                }
                Vector::from_le_bytes(bytes)
            }
        }
    )*};
}

lane! {
    u8, 16, 1;
    i8, 16, 1;
    u16, 8, 2;
    i16, 8, 2;
    u32, 4, 4;
    i32, 4, 4;
    u64, 2, 8;
    i64, 2, 8;
}

/// The elements of `v` in the ISA's order: element 0 is the most significant.
#[inline]
pub(crate) fn elements<T: Lane<N>, const N: usize>(v: Vector) -> [T; N] {
    let lanes = T::unpack(v);
    from_fn(|i| lanes[N - 1 - i])
}

/// The register whose elements, in the ISA's order, are `elements`.
#[inline]
pub(crate) fn from_elements<T: Lane<N>, const N: usize>(elements: [T; N]) -> Vector {
    T::pack(from_fn(|i| elements[N - 1 - i]))
}

/// The register whose every lane is `x`.
#[inline]
pub(crate) fn splat<T: Lane<N>, const N: usize>(x: T) -> Vector {
    T::pack([x; N])
}

/// Applies `f` to each lane.
#[inline]
pub(crate) fn map<T: Lane<N>, const N: usize>(v: Vector, f: impl Fn(T) -> T) -> Vector {
    let x = T::unpack(v);
    T::pack(from_fn(|i| f(x[i])))
}

/// Applies `f` to each pair of corresponding lanes.
#[inline]
pub(crate) fn zip<T: Lane<N>, const N: usize>(
    a: Vector,
    b: Vector,
    f: impl Fn(T, T) -> T,
) -> Vector {
    let (x, y) = (T::unpack(a), T::unpack(b));
    T::pack(from_fn(|i| f(x[i], y[i])))
}

/// Applies `f` to each triple of corresponding lanes.
#[inline]
pub(crate) fn zip3<T: Lane<N>, const N: usize>(
    a: Vector,
    b: Vector,
    c: Vector,
    f: impl Fn(T, T, T) -> T,
) -> Vector {
    let (x, y, z) = (T::unpack(a), T::unpack(b), T::unpack(c));
    T::pack(from_fn(|i| f(x[i], y[i], z[i])))
}

/// As [`zip3`], for an `f` that also says whether it saturated; the flag is that of any lane.
#[inline]
pub(crate) fn zip3_saturating<T: Lane<N>, const N: usize>(
    a: Vector,
    b: Vector,
    c: Vector,
    f: impl Fn(T, T, T) -> (T, bool),
) -> (Vector, bool) {
    let (x, y, mut z) = (T::unpack(a), T::unpack(b), T::unpack(c));
    let mut saturated = false;
    for i in 0..N {
        let (value, clamped) = f(x[i], y[i], z[i]);
        z[i] = value;
        saturated |= clamped;
    }
    (T::pack(z), saturated)
}

/// An all-ones lane where `f` holds, an all-zeros lane elsewhere.
#[inline]
pub(crate) fn mask<T: Lane<N> + From<bool> + Negate, const N: usize>(
    a: Vector,
    b: Vector,
    f: impl Fn(T, T) -> bool,
) -> Vector {
    zip(a, b, |x, y| T::from(f(x, y)).negate())
}

/// Two's complement negation, which std has no trait for.
pub(crate) trait Negate {
    /// `0 - self`, modulo the width.
    fn negate(self) -> Self;
}

macro_rules! negate {
    ($($int:ty)*) => {$(
        impl Negate for $int {
            #[inline]
            fn negate(self) -> Self {
                self.wrapping_neg()
            }
        }
    )*};
}

negate!(u8 i8 u16 i16 u32 i32 u64 i64);

/// Narrows the lanes of `a` and `b` into one register, those of `a` in the upper half.
#[inline]
pub(crate) fn narrow<W: Lane<N>, T: Lane<M>, const N: usize, const M: usize>(
    a: Vector,
    b: Vector,
    f: impl Fn(W) -> T,
) -> Vector {
    let (high, low) = (W::unpack(a), W::unpack(b));
    T::pack(from_fn(|i| f(if i < N { low[i] } else { high[i - N] })))
}

/// Widens the lanes of the upper half of `v` (the lower-numbered elements).
#[inline]
pub(crate) fn widen_high<T: Lane<N>, W: Lane<M>, const N: usize, const M: usize>(
    v: Vector,
    f: impl Fn(T) -> W,
) -> Vector {
    let lanes = T::unpack(v);
    W::pack(from_fn(|i| f(lanes[i + M])))
}

/// Widens the lanes of the lower half of `v` (the higher-numbered elements).
#[inline]
pub(crate) fn widen_low<T: Lane<N>, W: Lane<M>, const N: usize, const M: usize>(
    v: Vector,
    f: impl Fn(T) -> W,
) -> Vector {
    let lanes = T::unpack(v);
    W::pack(from_fn(|i| f(lanes[i])))
}

/// Defines operations whose operands are all registers and whose result is one: each line is a
/// documented public function of the crate.
macro_rules! vector_ops {
    ($($(#[$doc:meta])* $name:ident($($arg:ident),*) = $body:expr;)*) => {$(
        $(#[$doc])*
        #[inline]
        #[must_use]
        pub fn $name($($arg: $crate::Vector),*) -> $crate::Vector {
            $body
        }
    )*};
}

/// As [`vector_ops`], for operations that also say whether they saturated.
macro_rules! saturating_ops {
    ($($(#[$doc:meta])* $name:ident($($arg:ident),*) = $body:expr;)*) => {$(
        $(#[$doc])*
        #[inline]
        #[must_use]
        pub fn $name($($arg: $crate::Vector),*) -> ($crate::Vector, bool) {
            $body
        }
    )*};
}

pub(crate) use {saturating_ops, vector_ops};

#[cfg(test)]
mod tests {
    use super::*;

    const V: Vector = 0x0011_2233_4455_6677_8899_aabb_ccdd_eeff;

    #[test]
    fn element_zero_is_the_most_significant() {
        assert_eq!(elements::<u8, 16>(V)[0], 0x00);
        assert_eq!(elements::<u8, 16>(V)[15], 0xff);
        assert_eq!(elements::<u16, 8>(V)[1], 0x2233);
        assert_eq!(elements::<u32, 4>(V)[3], 0xccdd_eeff);
        assert_eq!(elements::<u64, 2>(V)[0], 0x0011_2233_4455_6677);
    }

    #[test]
    fn elements_come_back_where_they_were() {
        assert_eq!(from_elements::<u8, 16>(elements(V)), V);
        assert_eq!(from_elements::<u16, 8>(elements(V)), V);
        assert_eq!(from_elements::<i32, 4>(elements(V)), V);
        assert_eq!(from_elements::<i64, 2>(elements(V)), V);
    }

    #[test]
    fn narrowing_puts_the_first_operand_on_top() {
        let packed = narrow(V, !V, |x: u16| x as u8);
        assert_eq!(packed, 0x1133_5577_99bb_ddff_eecc_aa88_6644_2200);
    }

    #[test]
    fn widening_takes_the_named_half() {
        assert_eq!(
            widen_high(V, |x: u32| u64::from(x)),
            0x0000_0000_0011_2233_0000_0000_4455_6677
        );
        assert_eq!(
            widen_low(V, |x: u32| u64::from(x)),
            0x0000_0000_8899_aabb_0000_0000_ccdd_eeff
        );
    }
}

//! Access to host memory that the guest and other threads change at any time.
//!
//! Aligned accesses are relaxed atomics, so that an aligned guest access is single-copy atomic as Book II, 1.4 asks for; unaligned
//! ones have no such promise in the ISA either.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

/// A stretch of host memory that backs guest real memory.
///
/// # Safety
/// `start` must point to `len` bytes that stay mapped readable and writable as long as the value lives, and that no Rust
/// reference covers: guests on other threads read and write them at any time.
pub unsafe trait HostMapping: Send + Sync {
    /// First byte; at least 64 KiB-aligned mappings are faster to translate to.
    fn start(&self) -> NonNull<u8>;
    /// Bytes.
    fn len(&self) -> usize;
    /// Whether the guest may store to it. Where not, `start` need not be writable either.
    fn writable(&self) -> bool {
        true
    }
    /// Whether there is nothing in it.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A bounds-checked piece of a mapping: `len` bytes at `start`, valid while the mapping that it was cut from is.
#[derive(Debug, Clone, Copy)]
pub struct HostSpan {
    pub(super) start: NonNull<u8>,
    pub(super) len: usize,
    pub(super) writable: bool,
}

// SAFETY: a span is an address; all access goes through atomics or plain copies as this module's head describes.
unsafe impl Send for HostSpan {}
// SAFETY: as for Send.
unsafe impl Sync for HostSpan {}

impl HostSpan {
    /// The host address of the first byte.
    pub fn address(self) -> usize {
        self.start.as_ptr() as usize
    }

    /// Whether the guest may store to it.
    pub(crate) fn writable(self) -> bool {
        self.writable
    }

    /// Bytes.
    pub(super) fn len(self) -> usize {
        self.len
    }
}

/// A fixed-size number that guest memory holds.
pub(crate) trait Scalar: Copy {
    /// Reads at `address`.
    ///
    /// # Safety
    /// The bytes must be part of a live [`HostMapping`].
    unsafe fn read(address: *const u8) -> Self;
    /// Writes at `address`.
    ///
    /// # Safety
    /// The bytes must be part of a live [`HostMapping`].
    unsafe fn write(address: *mut u8, value: Self);
    /// Replaces `old` by `new` atomically; the value found is the error.
    ///
    /// # Safety
    /// The bytes must be part of a live [`HostMapping`] and aligned to their size.
    unsafe fn compare_exchange(address: *mut u8, old: Self, new: Self) -> Result<Self, Self>;
}

macro_rules! scalar {
    ($type:ty, $atomic:ty) => {
        impl Scalar for $type {
            #[inline(always)]
            unsafe fn read(address: *const u8) -> Self {
                if address.addr() % size_of::<$type>() == 0 {
                    // SAFETY: valid by the caller, aligned by the test.
                    unsafe { <$atomic>::from_ptr(address.cast_mut().cast()) }
                        .load(Ordering::Relaxed)
                } else {
                    // SAFETY: valid by the caller.
                    unsafe { address.cast::<$type>().read_unaligned() }
                }
            }
            #[inline(always)]
            unsafe fn write(address: *mut u8, value: Self) {
                if address.addr() % size_of::<$type>() == 0 {
                    // SAFETY: valid by the caller, aligned by the test.
                    unsafe { <$atomic>::from_ptr(address.cast()) }.store(value, Ordering::Relaxed);
                } else {
                    // SAFETY: valid by the caller.
                    unsafe { address.cast::<$type>().write_unaligned(value) };
                }
            }
            #[inline(always)]
            unsafe fn compare_exchange(
                address: *mut u8,
                old: Self,
                new: Self,
            ) -> Result<Self, Self> {
                // SAFETY: valid and aligned by the caller.
                unsafe { <$atomic>::from_ptr(address.cast()) }.compare_exchange(
                    old,
                    new,
                    Ordering::SeqCst,
                    Ordering::Relaxed,
                )
            }
        }
    };
}
scalar!(u8, AtomicU8);
scalar!(u16, AtomicU16);
scalar!(u32, AtomicU32);
scalar!(u64, AtomicU64);

/// Copies from guest memory.
pub(crate) fn read_host(span: HostSpan, buffer: &mut [u8]) {
    assert!(
        buffer.len() <= span.len,
        "a span is at least as long as what is read from it"
    );
    // SAFETY: the span is valid, long enough by the assertion, and a Rust buffer never overlaps guest memory.
    unsafe {
        span.start
            .as_ptr()
            .copy_to_nonoverlapping(buffer.as_mut_ptr(), buffer.len())
    };
}

/// Copies to guest memory.
pub(crate) fn write_host(span: HostSpan, bytes: &[u8]) {
    assert!(
        span.writable && bytes.len() <= span.len,
        "a span is checked before it is written to"
    );
    // SAFETY: as in `read_host`.
    unsafe {
        span.start
            .as_ptr()
            .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len())
    };
}

impl HostSpan {
    /// Reads the number at the span's start.
    pub(crate) fn load<T: Scalar>(self) -> T {
        self.at(0)
    }

    /// Reads the number so many bytes behind the span's start.
    pub(crate) fn at<T: Scalar>(self, offset: usize) -> T {
        assert!(
            offset <= self.len && size_of::<T>() <= self.len - offset,
            "a span is at least as long as what is read from it"
        );
        // SAFETY: the span is valid and long enough.
        unsafe { T::read(self.start.as_ptr().add(offset)) }
    }

    /// Replaces an aligned number at the span's start; None where it is not aligned or not writable.
    pub(crate) fn compare_exchange<T: Scalar>(self, old: T, new: T) -> Option<Result<T, T>> {
        assert!(
            size_of::<T>() <= self.len,
            "a span is at least as long as what is written to it"
        );
        if !self.writable || !self.address().is_multiple_of(size_of::<T>()) {
            return None;
        }
        // SAFETY: the span is valid, long enough, and aligned.
        Some(unsafe { T::compare_exchange(self.start.as_ptr(), old, new) })
    }
}

//! The reservation of a load-and-reserve (Book II, 1.7.3.1).
//!
//! It is held on a host address and a size, with the bytes seen there: a conditional store of that size to that address stores
//! where these are there still, by a compare and exchange of the host. Nothing that other vCPUs do takes a reservation away; what
//! they store is seen in the bytes, unless they have put back what was there.

use std::mem::offset_of;

use super::Cpu;

/// A reservation, or none. Compiled code reads and writes it, hence the layout.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct Reservation {
    /// On what ([`ReservationLayout::key`]); 0: there is none.
    key: usize,
    /// The bytes seen, as a number in host order: its low doubleword, and the other of a quadword.
    low: u64,
    high: u64,
}

impl Reservation {
    pub(super) const NONE: Self = Self {
        key: 0,
        low: 0,
        high: 0,
    };

    /// One on `bytes`, a power of two, at an aligned host address.
    pub(super) const fn new(host: usize, bytes: usize, seen: u128) -> Self {
        Self {
            key: ReservationLayout::key(host, bytes),
            low: seen as u64,
            high: (seen >> 64) as u64,
        }
    }

    /// Ends it; the bytes seen, where it was on `bytes` at `host`.
    pub(super) fn take(&mut self, host: usize, bytes: usize) -> Option<u128> {
        let key = std::mem::take(&mut self.key);
        let seen = u128::from(self.high) << 64 | u128::from(self.low);
        (key == ReservationLayout::key(host, bytes)).then_some(seen)
    }
}

/// Where compiled code finds a vCPU's reservation: offsets from [`Cpu::reservation`].
///
/// A load-and-reserve of up to a doubleword sets the key, and the number. A conditional store sets the key to 0, whether it stores
/// or not, and stores only where the key was that of its own address and size, with an atomic exchange for the number.
#[derive(Debug)]
pub struct ReservationLayout;

impl ReservationLayout {
    /// Of the key: 8 bytes.
    pub const KEY: i32 = offset_of!(Reservation, key) as i32;
    /// Of the number seen, in host order: 8 bytes, of which those are used that were reserved. Only hosts that are little-endian
    /// have a number of fewer bytes at this very address.
    pub const NUMBER: i32 = offset_of!(Reservation, low) as i32;

    /// The key of a reservation on `bytes`, a power of two, at an aligned host address: no two that differ have the same, and none
    /// is 0. (The lowest bit that is set tells the size.)
    pub const fn key(host: usize, bytes: usize) -> usize {
        2 * host + bytes
    }
}

impl Cpu {
    /// The host address of what [`ReservationLayout`] describes. It stays the same as long as the vCPU is not moved.
    pub fn reservation(&mut self) -> usize {
        (&raw mut self.reservation).expose_provenance()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reservation_is_good_once_for_its_own_address_and_size() {
        let reserved = Reservation::new(0x1000, 4, 7);
        assert_eq!({ reserved }.take(0x1000, 4), Some(7));
        for (host, bytes) in [(0x1000, 8), (0x1000, 1), (0x1004, 4), (0x1002, 2), (0, 4)] {
            let mut reservation = reserved;
            assert_eq!(reservation.take(host, bytes), None, "{host:#x} {bytes}");
            assert_eq!(reservation.take(0x1000, 4), None, "it is gone");
        }
        let quadword = u128::MAX - 1;
        let mut reservation = Reservation::new(0x1010, 16, quadword);
        assert_eq!(reservation.take(0x1010, 16), Some(quadword));
    }

    #[test]
    fn keys_of_neighbours_of_all_sizes_differ() {
        let mut keys: Vec<usize> = [1, 2, 4, 8, 16]
            .into_iter()
            .flat_map(|bytes| {
                let hosts = (0x1000..0x1040).step_by(bytes);
                hosts.map(move |host| ReservationLayout::key(host, bytes))
            })
            .collect();
        let all = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), all);
        assert!(ReservationLayout::key(0, 1) != 0);
    }
}

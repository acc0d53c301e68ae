//! Kernel images: whatever a file holds, it is a kernel with all of its pieces inside the file, or
//! refused.
//!
//! The first bytes are what is changed of the header of a good file, so that not most of the work
//! is to find that.
#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use paprika::load::{Kernel, Layout};

/// ELF header of a 64-bit little-endian PowerPC file with two program headers behind it; the entry
/// is at 0.
const HEADER: [u8; 64] = {
    let mut header = [0; 64];
    let start = *b"\x7fELF\x02\x01\x01";
    let mut n = 0;
    while n < start.len() {
        header[n] = start[n];
        n += 1;
    }
    // Type, machine, version.
    (header[16], header[18], header[20]) = (2, 21, 1);
    // Program headers: offset, header sizes, number.
    (header[32], header[52], header[54], header[56]) = (64, 64, 56, 2);
    header
};

fuzz_target!(|bytes: &[u8]| {
    let mut image = bytes.to_vec();
    for (byte, known) in image.iter_mut().zip(HEADER) {
        *byte ^= known;
    }
    for image in [image, bytes.to_vec()] {
        let Ok(kernel) = Kernel::parse(image.into(), Path::new("input")) else {
            continue;
        };
        assert!(kernel.entry() < kernel.size());
        let mut inside = false;
        for (address, bytes) in kernel.pieces() {
            let end = address + bytes.len() as u64;
            assert!(end <= kernel.size());
            inside |= (address..end).contains(&kernel.entry());
        }
        assert!(inside, "the entry is in what is copied");
        for memory in [256 << 20, 1 << 40] {
            if let Ok(layout) = Layout::new(memory, kernel.size(), 1 << 20) {
                assert!(layout.kernel + kernel.size() <= memory);
                assert!(layout.kernel + kernel.size() <= layout.device_tree);
            }
        }
    }
});

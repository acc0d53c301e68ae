//! The interpreter against the JIT: random code, MSR and page tables, made of a fuzzer's bytes, on
//! both in lock step.
//!
//! `PAPRIKA_FUZZ_SHRINK=1` makes the program of an input that fails smaller, which takes minutes.
#![no_main]

use libfuzzer_sys::fuzz_target;
use power_lockstep_cases::{Case, shrink};

fuzz_target!(|bytes: &[u8]| {
    let case = Case::of_bytes(bytes);
    if let Err(error) = case.run() {
        if std::env::var_os("PAPRIKA_FUZZ_SHRINK").is_some() {
            let shrunk = shrink(case);
            panic!("{error}\nas small as it gets:\n{shrunk}");
        }
        panic!("{error}");
    }
});

//! Fetched code is stored code, under the interpreter.

mod bare;
mod coherence;

use coherence::{MAPPINGS, Mapping, STORES, Store, Writer};
use power::code_tier::CodeTier;

fn interpreter() -> Option<Box<dyn CodeTier>> {
    None
}

#[test]
fn a_vcpu_runs_what_it_has_stored_under_every_mapping_and_by_every_store() {
    for mapping in MAPPINGS {
        for store in STORES {
            coherence::one_vcpu_runs_what_it_stored(mapping, store, 200, 2, true, &interpreter);
        }
    }
}

#[test]
fn one_to_three_vcpus_run_what_another_has_stored() {
    for mapping in MAPPINGS {
        for executors in 1..=3 {
            let writer = Writer::Vcpu;
            coherence::vcpus_run_what_another_stored(mapping, writer, executors, 30, &interpreter);
        }
    }
}

#[test]
fn vcpus_run_what_the_host_has_stored() {
    for mapping in [Mapping::Real, Mapping::Medium] {
        coherence::vcpus_run_what_another_stored(mapping, Writer::Host, 2, 60, &interpreter);
    }
}

#[test]
fn data_beside_code_is_stored_and_code_goes_on() {
    coherence::data_beside_code_is_stored_and_code_goes_on(20_000, &interpreter);
    coherence::one_vcpu_runs_what_it_stored(
        Mapping::Same,
        Store::Word,
        5000,
        1,
        true,
        &interpreter,
    );
}

#[test]
fn a_vcpu_runs_what_it_has_stored_without_an_isync_too() {
    for mapping in MAPPINGS {
        coherence::one_vcpu_runs_what_it_stored(mapping, Store::Word, 200, 3, false, &interpreter);
    }
}

#[test]
fn a_store_of_compiled_code_is_announced_once_and_not_made_by_that() {
    use bare::*;
    use power::Exit;
    const CODE: u64 = 0x1_0000;
    let partition = partition(1);
    code(&partition, CODE, &[NOP, HYPERCALL]);
    let mut cpu = cpu(&partition, CODE);
    assert_eq!(cpu.run(), Exit::Hypercall);
    let word = || {
        let mut bytes = [0; 4];
        partition.memory.read(CODE, &mut bytes).expect("RAM");
        u32::from_le_bytes(bytes)
    };
    // The last byte is in the page of the code, and the first is not.
    assert_eq!(cpu.announce_store(CODE - 4, 8), Ok(true));
    assert_eq!(
        word(),
        NOP,
        "another vCPU may store before the store is made"
    );
    assert_eq!(cpu.announce_store(CODE - 4, 8), Ok(false));
    assert_eq!(cpu.announce_store(CODE + 0x1000, 8), Ok(false));
}

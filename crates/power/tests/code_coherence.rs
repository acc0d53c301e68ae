//! Fetched code is stored code, under the interpreter.

mod bare;
mod coherence;

use coherence::{MAPPINGS, Mapping, STORES, Store, Writer};
use power::accelerator::Accelerator;

fn interpreter() -> Option<Box<dyn Accelerator>> {
    None
}

#[test]
fn a_vcpu_runs_what_it_has_stored_under_every_mapping_and_by_every_store() {
    for mapping in MAPPINGS {
        for store in STORES {
            coherence::one_vcpu_runs_what_it_stored(mapping, store, 200, 2, &interpreter);
        }
    }
}

#[test]
fn one_to_three_vcpus_run_what_another_has_stored() {
    for mapping in MAPPINGS {
        for executors in 1..=3 {
            let writer = Writer::Vcpu;
            coherence::vcpus_run_what_another_stored(mapping, writer, executors, 60, &interpreter);
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
    coherence::one_vcpu_runs_what_it_stored(Mapping::Same, Store::Word, 5000, 1, &interpreter);
}

//! Fetched code is stored code, with compiled code.

#[path = "../../power/tests/bare/mod.rs"]
mod bare;
#[path = "../../power/tests/coherence/mod.rs"]
mod coherence;
#[path = "common/eager.rs"]
mod eager;

use coherence::{MAPPINGS, Mapping, STORES, Store, Writer};
use eager::eager;

#[test]
fn a_vcpu_runs_what_it_has_stored_under_every_mapping_and_by_every_store() {
    let service = eager();
    for mapping in MAPPINGS {
        for store in STORES {
            let engine = || Some(service.code_tier());
            coherence::one_vcpu_runs_what_it_stored(mapping, store, 20, 5, true, &engine);
        }
    }
}

#[test]
fn one_to_three_vcpus_run_what_another_has_stored() {
    let service = eager();
    for mapping in MAPPINGS {
        for executors in 1..=3 {
            let engine = || Some(service.code_tier());
            coherence::vcpus_run_what_another_stored(mapping, Writer::Vcpu, executors, 20, &engine);
        }
    }
}

#[test]
fn vcpus_run_what_the_host_has_stored() {
    let service = eager();
    for mapping in [Mapping::Real, Mapping::Medium] {
        let engine = || Some(service.code_tier());
        coherence::vcpus_run_what_another_stored(mapping, Writer::Host, 2, 20, &engine);
    }
}

#[test]
fn data_beside_code_is_stored_and_code_goes_on() {
    let service = eager();
    let engine = || Some(service.code_tier());
    coherence::data_beside_code_is_stored_and_code_goes_on(2000, &engine);
    coherence::one_vcpu_runs_what_it_stored(Mapping::Same, Store::Word, 300, 1, true, &engine);
}

#[test]
fn a_vcpu_runs_what_it_has_stored_without_an_isync_too() {
    let service = eager();
    let engine = || Some(service.code_tier());
    for mapping in MAPPINGS {
        coherence::one_vcpu_runs_what_it_stored(mapping, Store::Word, 40, 3, false, &engine);
    }
}

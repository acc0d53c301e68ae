//! Bodies of the API's calls, and the texts in them: what is understood means the same when it is
//! written down and read again.
#![no_main]

use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};
use papr_scm::nvdimm::NvdimmConfig;
use paprika::control::api::{AddNvdimm, DecideRequest, MigrateRequest, SaveRequest};
use paprika_fuzz::json;
use paprika_migration::Uri;
use serde::{Serialize, de::DeserializeOwned};

/// A body of each kind, of which others are made.
const BODIES: [&str; 5] = [
    r#"{"id":"pmem0","path":"/a","size":268435456,"label_size":131072,"uuid":"2b0e7ae0-5f52-4f3b-8f4b-9f0b7f6e2a11","sync_dax":true,"read_only":false,"numa_node":0,"slot":3,"timeout_ms":1000}"#,
    r#"{"path":"/snapshot","quit":true,"digest":false}"#,
    r#"{"uri":"tls:[2001:db8::7]:4444?ca=/ca&cert=/cert&key=/key&name=n","downtime_limit_ms":300,"brake":true}"#,
    r#"{"uri":"unix:/run/paprika"}"#,
    r#"{"guest_runs":"here"}"#,
];

fn parse<T: Serialize + DeserializeOwned + PartialEq>(body: &[u8]) -> Option<T> {
    let value: T = serde_json::from_slice(body).ok()?;
    let written = serde_json::to_vec(&value).expect("what was read can be written");
    let again: T = serde_json::from_slice(&written).expect("what was written can be read");
    assert!(value == again, "{}", String::from_utf8_lossy(&written));
    Some(value)
}

fn uri(text: &str) {
    if let Ok(uri) = text.parse::<Uri>() {
        let _ = uri.to_string();
        let again = uri.written().parse::<Uri>();
        assert_eq!(again.ok().as_ref(), Some(&uri), "{text:?}");
    }
}

fuzz_target!(|body: &[u8]| {
    if let Some(add) = parse::<AddNvdimm>(body)
        && let Ok(config) = add.config()
    {
        let again = AddNvdimm::from(config.clone()).config();
        assert_eq!(again.ok(), Some(config));
    }
    parse::<SaveRequest>(body);
    parse::<DecideRequest>(body);
    if let Some(migrate) = parse::<MigrateRequest>(body) {
        uri(&migrate.uri);
    }
    // Texts alone: those of the command line.
    if let Ok(text) = std::str::from_utf8(body) {
        uri(text);
        let _ = text.parse::<NvdimmConfig>();
    }
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    if seed % 4 > 0
        && let Some(size) = json::mutate(data, size, max_size, seed)
    {
        return size;
    }
    if seed % 64 == 0 {
        let body = BODIES[(seed / 64) as usize % BODIES.len()].as_bytes();
        if body.len() <= max_size {
            data[..body.len()].copy_from_slice(body);
            return body.len();
        }
    }
    fuzzer_mutate(data, size, max_size)
});

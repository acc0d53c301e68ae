//! Python's own test suite, by modules.

use crate::case::{Case, Extent};

const PACKAGES: &[&str] = &["python3", "libpython3.11-testsuite"];

/// A case for the modules that `$script` names.
fn suite(name: &'static str, claim: &'static str, script: &'static str) -> Case {
    Case {
        name,
        claim,
        packages: PACKAGES,
        script,
        // Its tests kill processes in every way to see what is told of them.
        dies_on_purpose: true,
        minutes: 20,
        ..Case::USUAL
    }
}

/// Runs modules, at most `$CPUS` at once.
macro_rules! modules {
    ($names:literal) => {
        concat!(
            "check tests env HOME=/root python3 -m test -j $CPUS --timeout 1500 ",
            $names,
            "; grep -E 'Result|tests? OK|skipped' tests.log"
        )
    };
}

pub(super) fn cases() -> Vec<Case> {
    let long = |case: Case| Case {
        extent: Extent::Long,
        minutes: 60,
        ..case
    };
    vec![
        suite(
            "python-test-numbers",
            "python's tests of int, float, struct, cmath",
            modules!("test_int test_float test_struct test_cmath"),
        ),
        long(suite(
            "python-test-text",
            "python's tests of json, re, str, hash, pickle",
            modules!(
                "test_json test_re test_bytes test_hash test_format test_strtod test_binascii"
            ),
        )),
        long(suite(
            "python-test-compression",
            "python's tests of zlib, gzip, bz2",
            modules!("test_zlib test_gzip test_bz2"),
        )),
        suite(
            "python-test-crypto",
            "python's tests of hashlib and hmac",
            modules!("test_hashlib test_hmac test_secrets"),
        ),
        long(suite(
            "python-test-memory",
            "python's tests of mmap, ctypes, memoryview",
            modules!("test_mmap test_ctypes test_memoryview test_buffer"),
        )),
        suite(
            "python-test-threads",
            "python's tests of threads and queues",
            modules!("test_thread test_threading_local test_queue test_sched"),
        ),
        long(suite(
            "python-test-signals",
            "python's tests of signals, pipes and fork",
            modules!("test_signal test_fork1 test_select test_poll test_epoll"),
        )),
        long(suite(
            "python-test-arithmetic",
            "python's tests of long integers, complex, math, array, fractions",
            modules!(
                "test_long test_complex test_math test_array test_numeric_tower test_fractions"
            ),
        )),
        long(suite(
            "python-test-decimal",
            "python's tests of decimal, with the General Decimal Arithmetic vectors",
            modules!("test_decimal"),
        )),
        long(suite(
            "python-test-lzma",
            "python's tests of lzma, tarfile, zipfile",
            modules!("test_lzma test_tarfile test_zipfile"),
        )),
        long(suite(
            "python-test-ssl",
            "python's tests of ssl",
            modules!("test_ssl"),
        )),
        long(suite(
            "python-test-sqlite",
            "python's tests of sqlite3",
            modules!("test_sqlite3"),
        )),
        long(suite(
            "python-test-threading",
            "python's tests of threading",
            modules!("test_threading test_concurrent_futures"),
        )),
        long(suite(
            "python-test-processes",
            "python's tests of subprocess and multiprocessing",
            modules!("test_subprocess test_multiprocessing_fork test_multiprocessing_spawn"),
        )),
        long(suite(
            "python-test-network",
            "python's tests of sockets and asyncio, within the guest",
            modules!("test_socket test_asyncio"),
        )),
    ]
}

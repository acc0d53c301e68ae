//! Interpreters: what they compute is what they compute under another POWER9.

use crate::case::{Case, Extent, Verdict};

pub(super) fn cases() -> Vec<Case> {
    let usual = Case {
        script: "true",
        ..Case::USUAL
    };
    vec![
        Case {
            name: "perl-numbers",
            claim: "perl: numbers, pack, regular expressions, sorting",
            packages: &["perl"],
            files: &[("numbers.pl", include_str!("../../programs/numbers.pl"))],
            verdict: Verdict::AsPeer(&["/usr/bin/perl numbers.pl"]),
            extent: Extent::Everywhere,
            ..usual
        },
        Case {
            name: "gawk-numbers",
            claim: "gawk: numbers, arrays, text",
            packages: &["gawk"],
            files: &[("numbers.awk", include_str!("../../programs/numbers.awk"))],
            verdict: Verdict::AsPeer(&["/usr/bin/gawk -f numbers.awk"]),
            extent: Extent::Everywhere,
            ..usual
        },
        Case {
            name: "bash-arithmetic",
            claim: "bash: 64-bit arithmetic, arrays, text",
            files: &[("numbers.bash", include_str!("../../programs/numbers.bash"))],
            verdict: Verdict::AsPeer(&["/usr/bin/bash numbers.bash"]),
            extent: Extent::Everywhere,
            ..usual
        },
        Case {
            name: "bc-digits",
            claim: "bc: sixty digits of pi, e and their like, and integers of hundreds of digits",
            packages: &["bc"],
            files: &[("numbers.bc", include_str!("../../programs/numbers.bc"))],
            verdict: Verdict::AsPeer(&["/usr/bin/bc -lq numbers.bc"]),
            ..usual
        },
        Case {
            name: "python-numbers",
            claim: "python: floats, long integers, decimal, struct, zlib, hashes of all that",
            packages: &["python3"],
            files: &[("compute.py", include_str!("../../programs/compute.py"))],
            verdict: Verdict::AsPeer(&["/usr/bin/python3.11 compute.py"]),
            extent: Extent::Everywhere,
            ..usual
        },
    ]
}

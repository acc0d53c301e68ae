//! gcc and g++: what they compile computes what it computes under another POWER9, and they
//! themselves write the same every time.

use crate::case::{Case, Extent, Verdict};

/// Every combination of processor and optimisation.
const EVERY_WAY: &str = r#"
for cpu in power8 power9; do
    for level in O0 O2 O3; do
        gcc -mcpu=$cpu -$level -frounding-math -ffp-contract=off -o arithmetic.$cpu.$level arithmetic.c -lm
    done
done
"#;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case {
            name: "gcc-arithmetic",
            claim: "integer, floating-point and vectorised arithmetic for power8 and power9 at -O0, -O2 and -O3",
            packages: &["gcc"],
            files: &[("arithmetic.c", include_str!("../../programs/arithmetic.c"))],
            script: EVERY_WAY,
            verdict: Verdict::AsPeer(&[
                "./arithmetic.power8.O0",
                "./arithmetic.power8.O2",
                "./arithmetic.power8.O3",
                "./arithmetic.power9.O0",
                "./arithmetic.power9.O2",
                "./arithmetic.power9.O3",
            ]),
            extent: Extent::Sample,
            ..Case::USUAL
        },
        Case {
            name: "gcc-long-double",
            claim: "long double in both formats: a pair of doubles, and IEEE binary128",
            packages: &["gcc"],
            files: &[(
                "long_double.c",
                include_str!("../../programs/long_double.c"),
            )],
            script: "
gcc -O2 -mcpu=power9 -Wno-psabi -mabi=ibmlongdouble -o pair long_double.c -lm
gcc -O2 -mcpu=power9 -Wno-psabi -mabi=ieeelongdouble -o quad long_double.c -lm
gcc -O2 -mcpu=power8 -Wno-psabi -mabi=ieeelongdouble -o software long_double.c -lm
",
            verdict: Verdict::AsPeer(&["./pair", "./quad", "./software"]),
            ..Case::USUAL
        },
        Case {
            name: "gcc-decimal",
            claim: "_Decimal32, _Decimal64 and _Decimal128 are computed by the processor, bit for bit",
            packages: &["gcc"],
            files: &[("decimal.c", include_str!("../../programs/decimal.c"))],
            script: "gcc -O2 -mcpu=power9 -o decimal decimal.c; gcc -O0 -o plain decimal.c",
            verdict: Verdict::AsPeer(&["./decimal", "./plain"]),
            extent: Extent::Everywhere,
            ..Case::USUAL
        },
        Case {
            name: "gcc-decimal-rounding",
            claim: "values are rounded to decimal formats as the compiler rounds constants",
            packages: &["gcc"],
            files: &[(
                "decimal_rounding.c",
                include_str!("../../programs/decimal_rounding.c"),
            )],
            script: "gcc -O2 -mcpu=power9 -o rounding decimal_rounding.c; ./rounding",
            verdict: Verdict::Prints("right\n"),
            extent: Extent::Everywhere,
            ..Case::USUAL
        },
        Case {
            name: "gcc-c-plus-plus",
            claim: "C++ exceptions, threads, containers, streams",
            packages: &["g++"],
            files: &[("mixture.cc", include_str!("../../programs/mixture.cc"))],
            script: "g++ -O1 -mcpu=power9 -pthread -o mixture mixture.cc",
            verdict: Verdict::AsPeer(&["./mixture"]),
            extent: Extent::Long,
            minutes: 15,
            ..Case::USUAL
        },
        Case {
            name: "gcc-repeated",
            claim: "twenty runs of the compiler die of nothing and write the same object file",
            packages: &["gcc"],
            files: &[("spr808.c", include_str!("../../programs/spr808.c"))],
            script: r#"
for i in $(seq 20); do gcc -O2 -c -o $i.o spr808.c; done
sha256sum *.o | cut -c 1-64 | sort -u
"#,
            verdict: Verdict::PrintsTheSame,
            ..Case::USUAL
        },
    ]
}

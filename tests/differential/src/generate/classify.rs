//! What a mnemonic says about its operands: the kind of value it likes, and whether and how it addresses memory.

use crate::operands;

/// The kind of data that an instruction works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Integers of any lane width, bytes, bits.
    Integer,
    /// Single-precision lanes.
    Single,
    /// Double-precision lanes; doubleword 0 is an FPR.
    Double,
    /// Double-precision lanes whose values are singles: operands of `fadds`, `xsmulsp`.
    SingleInDouble,
    /// Half-precision lanes.
    Half,
    /// One quad-precision number.
    Quad,
    /// Packed, zoned or national decimal.
    Decimal,
    /// DFP long in doubleword 0, and what decimal instructions take otherwise from an FPR.
    DecimalLong,
    /// DFP extended in pairs of FPRs.
    DecimalExtended,
}

/// All flavours.
pub(super) const FLAVOURS: [Flavour; 9] = [
    Flavour::Integer,
    Flavour::Single,
    Flavour::Double,
    Flavour::SingleInDouble,
    Flavour::Half,
    Flavour::Quad,
    Flavour::Decimal,
    Flavour::DecimalLong,
    Flavour::DecimalExtended,
];

/// The kind of data that the instruction of this name works on.
pub(super) fn flavour(mnemonic: &str) -> Flavour {
    let name = mnemonic.trim_end_matches('.');
    let integer_source = [
        "fcfid", "xscvsx", "xscvux", "xvcvsx", "xvcvux", "xscvsd", "xscvud", "vcfsx", "vcfux",
    ];
    let single_vector = [
        "vctsxs",
        "vctuxs",
        "vrfi",
        "vrefp",
        "vrsqrtefp",
        "vexptefp",
        "vlogefp",
        "vcmpbfp",
    ];
    let decimal = [
        "dadd", "dsub", "dmul", "ddiv", "dcmp", "dtst", "dqua", "drrnd", "drint", "dct", "dcf",
        "drsp", "drdp", "ddedpd", "denbcd", "dxex", "diex", "dsc",
    ];
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    if starts(&integer_source) {
        Flavour::Integer
    } else if starts(&decimal) {
        if name.ends_with('q') {
            Flavour::DecimalExtended
        } else {
            Flavour::DecimalLong
        }
    } else if name.starts_with("bcd") || name.starts_with("vmul10") {
        Flavour::Decimal
    } else if starts(&single_vector) || (name.starts_with('v') && name.ends_with("fp")) {
        Flavour::Single
    } else if name.starts_with("xscvdpqp") {
        Flavour::Double
    } else if name.starts_with("xs") && name.contains("qp") {
        Flavour::Quad
    } else if name.starts_with("xscvhp") || name.starts_with("xvcvhp") {
        Flavour::Half
    } else if name.starts_with("xscvsp")
        || (name.starts_with("xv") && name.contains("sp") && !name.contains("dpsp"))
    {
        Flavour::Single
    } else if name.starts_with("xs") && name.ends_with("sp") && !name.contains("dpsp") {
        Flavour::SingleInDouble
    } else if name.starts_with("xs") || name.starts_with("xv") {
        Flavour::Double
    } else if name.starts_with('f') && name.ends_with('s') && name != "fabs" && name != "fnabs" {
        Flavour::SingleInDouble
    } else if name.starts_with('f') || name.starts_with("stf") || name.starts_with("stxsd") {
        Flavour::Double
    } else {
        Flavour::Integer
    }
}

/// How an instruction forms its effective address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Addressing {
    /// (RA|0) + displacement; the displacement's low bits (1, 4 or 16 bytes) are not in the word.
    Displacement {
        /// Granularity in bytes.
        unit: u32,
    },
    /// (RA|0) + (RB).
    Indexed,
    /// (RA|0); RB, if any, is something else.
    Base,
}

/// How the instruction addresses memory. None if it does not.
pub(super) fn addressing(mnemonic: &str, syntax: &str) -> Option<Addressing> {
    if syntax.contains("(ra") {
        let unit = if operands::has(syntax, "ds") {
            4
        } else if operands::has(syntax, "dq") {
            16
        } else {
            1
        };
        return Some(Addressing::Displacement { unit });
    }
    let name = mnemonic.trim_end_matches('.');
    let base_only = [
        "lswi", "stswi", "lwat", "ldat", "stwat", "stdat", "lxvl", "lxvll", "stxvl", "stxvll",
    ]
    .contains(&name);
    if !operands::has_ra(syntax) {
        None
    } else if base_only {
        Some(Addressing::Base)
    } else if name != "stop"
        && ["l", "st", "dcb", "icb", "copy", "paste"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
    {
        Some(Addressing::Indexed)
    } else {
        None
    }
}

/// Whether the instruction writes its effective address to RA.
pub(super) fn updates(mnemonic: &str) -> bool {
    (mnemonic.starts_with('l') || mnemonic.starts_with("st"))
        && (mnemonic.ends_with('u') || mnemonic.ends_with("ux"))
}

/// Whether the access must be naturally aligned, so that unaligned addresses should be rare.
pub(super) fn wants_alignment(mnemonic: &str) -> bool {
    let name = mnemonic.trim_end_matches('.');
    name.ends_with("arx")
        || name.ends_with("cx")
        || name.ends_with("at")
        || name == "lq"
        || name == "stq"
}

/// Whether the target or source is a pair of registers, the first of them even.
pub(super) fn is_pair(mnemonic: &str) -> bool {
    [
        "lq", "stq", "lqarx", "stqcx", "lfdp", "stfdp", "lfdpx", "stfdpx",
    ]
    .contains(&mnemonic.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_kind_of_value() {
        for (name, wanted) in [
            ("add", Flavour::Integer),
            ("fadd", Flavour::Double),
            ("fadds.", Flavour::SingleInDouble),
            ("fabs", Flavour::Double),
            ("fcfids", Flavour::Integer),
            ("xvadddp", Flavour::Double),
            ("xvmaddasp", Flavour::Single),
            ("xsmulsp", Flavour::SingleInDouble),
            ("xsaddqp", Flavour::Quad),
            ("xscvdpqp", Flavour::Double),
            ("xscvsdqp", Flavour::Integer),
            ("xscvspdp", Flavour::Single),
            ("xscvdpsp", Flavour::Double),
            ("xscvhpdp", Flavour::Half),
            ("vaddfp", Flavour::Single),
            ("vaddubm", Flavour::Integer),
            ("bcdadd.", Flavour::Decimal),
            ("dadd.", Flavour::DecimalLong),
            ("dctqpq", Flavour::DecimalExtended),
            ("dcbz", Flavour::Integer),
        ] {
            assert_eq!(flavour(name), wanted, "{name}");
        }
    }

    #[test]
    fn loads_and_stores_are_told_from_arithmetic() {
        assert_eq!(
            addressing("lwz", "rt,d(ra)"),
            Some(Addressing::Displacement { unit: 1 })
        );
        assert_eq!(
            addressing("lxv", "xtdq,dq(ra0)"),
            Some(Addressing::Displacement { unit: 16 })
        );
        assert_eq!(addressing("lwzx", "rt,ra0,rb"), Some(Addressing::Indexed));
        assert_eq!(addressing("stdcx.", "rs,ra,rb"), Some(Addressing::Indexed));
        assert_eq!(addressing("dcbz", "ra,rb"), Some(Addressing::Indexed));
        assert_eq!(addressing("lxvl", "xt,ra0,rb"), Some(Addressing::Base));
        assert_eq!(addressing("add", "rt,ra,rb"), None);
        assert_eq!(addressing("stop", ""), None);
    }

    #[test]
    fn update_forms_are_recognised() {
        assert!(updates("lwzu") && updates("stfdux") && updates("ldu"));
        assert!(!updates("lwzx") && !updates("mulhwu") && !updates("divdu"));
    }
}

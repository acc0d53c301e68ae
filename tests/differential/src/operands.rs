//! Reads the operand syntax of an instruction ("rt,d(ra)", "xt,xa,xb") and finds the registers in an instruction word.
//!
//! Bit numbers are the ISA's: bit 0 is the most significant of 32.

/// A register that an instruction word names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Register {
    /// A general purpose register.
    Gpr(usize),
    /// A vector-scalar register; FPR n is 0 + n, VR n is 32 + n.
    Vsr(usize),
    /// A condition register field.
    CrField(usize),
}

/// The names in an operand syntax, in order: "rt,d(ra)" has `rt`, `d` and `ra`.
pub fn names(syntax: &str) -> impl Iterator<Item = &str> {
    syntax
        .split([',', '(', ')', ' '])
        .filter(|name| !name.is_empty())
}

/// Whether the syntax has this operand.
pub fn has(syntax: &str, name: &str) -> bool {
    names(syntax).any(|each| each == name)
}

/// Whether the syntax has RA as an operand, read as a register (`ra`) or with 0 standing for zero (`ra0`).
pub fn has_ra(syntax: &str) -> bool {
    has(syntax, "ra") || has(syntax, "ra0")
}

/// The register that an operand stands for in a word. None for immediates, and for `ra0` where RA is 0.
pub fn register(name: &str, word: u32) -> Option<Register> {
    let target = field(word, 6, 5);
    let (a, b, c) = (field(word, 11, 5), field(word, 16, 5), field(word, 21, 5));
    let vsx = |low: usize, high_bit: u32| Some(Register::Vsr(low | field(word, high_bit, 1) << 5));
    match name {
        "rt" | "rs" => Some(Register::Gpr(target)),
        "ra" => Some(Register::Gpr(a)),
        "ra0" => (a != 0).then_some(Register::Gpr(a)),
        "rb" => Some(Register::Gpr(b)),
        "rc" => Some(Register::Gpr(c)),
        "frt" | "frs" | "frtp" => Some(Register::Vsr(target)),
        "fra" | "frap" => Some(Register::Vsr(a)),
        "frb" | "frbp" => Some(Register::Vsr(b)),
        "frc" => Some(Register::Vsr(c)),
        "vrt" | "vrs" => Some(Register::Vsr(32 + target)),
        "vra" => Some(Register::Vsr(32 + a)),
        "vrb" => Some(Register::Vsr(32 + b)),
        "vrc" => Some(Register::Vsr(32 + c)),
        // The DQ form keeps TX elsewhere than the XX forms.
        "xtdq" | "xsdq" => vsx(target, 28),
        "xt" | "xs" => vsx(target, 31),
        "xa" => vsx(a, 29),
        "xb" => vsx(b, 30),
        "xc" => vsx(c, 28),
        "bf" => Some(Register::CrField(field(word, 6, 3))),
        "bfa" => Some(Register::CrField(field(word, 11, 3))),
        _ => None,
    }
}

/// All registers of a word with their operand names.
pub fn registers(syntax: &str, word: u32) -> impl Iterator<Item = (&str, Register)> {
    names(syntax).filter_map(move |name| Some((name, register(name, word)?)))
}

/// The register that the instruction writes, by the convention that the first operand of an instruction is its target.
/// Logical instructions ("ra,rs,rb") follow it; stores have no target.
pub fn target(syntax: &str, word: u32) -> Option<Register> {
    // R of xsrqpi and immediates of decimal instructions come before the target.
    let first = names(syntax).find(|name| !["r", "te", "sp", "s11"].contains(name))?;
    if matches!(first, "rs" | "frs" | "vrs" | "xs" | "xsdq") {
        None
    } else {
        register(first, word)
    }
}

/// The bits of a word that an operand occupies. None for a name that is not known.
pub fn bits(name: &str) -> Option<u32> {
    let fields: &[(u32, u32)] = match name {
        "frtp" => &[(6, 4)],
        "frap" => &[(11, 4)],
        "frbp" => &[(16, 4)],
        "te" => &[(11, 5)],
        "dcm" | "dgm" | "shd" => &[(16, 6)],
        "uim6" => &[(10, 6)],
        "sp" => &[(11, 2)],
        "s11" => &[(11, 1)],
        "rt" | "rs" | "frt" | "frs" | "vrt" | "vrs" | "to" | "bo" | "bt" => &[(6, 5)],
        "ra" | "ra0" | "fra" | "vra" | "bi" | "ba" | "sim" | "uim" => &[(11, 5)],
        "rb" | "frb" | "vrb" | "bb" | "sh" | "nb" | "fc" => &[(16, 5)],
        "rc" | "frc" | "vrc" | "mb" | "bc" => &[(21, 5)],
        "me" => &[(26, 5)],
        "xt" | "xs" => &[(6, 5), (31, 1)],
        "xtdq" | "xsdq" => &[(6, 5), (28, 1)],
        "xa" => &[(11, 5), (29, 1)],
        "xb" => &[(16, 5), (30, 1)],
        "xc" => &[(21, 5), (28, 1)],
        "bf" => &[(6, 3)],
        "bfa" => &[(11, 3)],
        "sh6" => &[(16, 5), (30, 1)],
        "mb6" => &[(21, 6)],
        "si" | "ui" | "d" => &[(16, 16)],
        "ds" | "bd" => &[(16, 14)],
        "dq" => &[(16, 12)],
        "dx" => &[(11, 15), (31, 1)],
        "li" => &[(6, 24)],
        "bh" => &[(19, 2)],
        "spr" => &[(11, 10)],
        "fxm" => &[(12, 8)],
        "l" => &[(10, 1)],
        "l2" => &[(9, 2)],
        "l3" => &[(8, 3)],
        "l6" => &[(6, 1)],
        "w" | "l15" | "r" => &[(15, 1)],
        "lev" => &[(20, 7)],
        "ric" => &[(12, 2)],
        "prs" => &[(14, 1)],
        "flm" => &[(7, 8)],
        "u" => &[(16, 4)],
        "rm" => &[(19, 2)],
        "drm" => &[(18, 3)],
        "rmc" | "cy" => &[(21, 2)],
        "uim4" => &[(12, 4)],
        "uim3" => &[(13, 3)],
        "uim2" => &[(14, 2)],
        "shb" => &[(22, 4)],
        "six" => &[(17, 4)],
        "s" => &[(20, 1)],
        "st" => &[(16, 1)],
        "ps" => &[(22, 1)],
        "dm" | "shw" => &[(22, 2)],
        "dcmx" => &[(9, 7)],
        "dcmxv" => &[(11, 5), (25, 1), (29, 1)],
        "imm8" => &[(13, 8)],
        _ => return None,
    };
    Some(fields.iter().fold(0, |all, &(first, width)| {
        with_field(all, first, width, u32::MAX)
    }))
}

/// The `width` bits from ISA bit `first` on.
pub fn field(word: u32, first: u32, width: u32) -> usize {
    (word >> (32 - first - width) & ((1 << width) - 1)) as usize
}

/// The word with `width` bits from ISA bit `first` on replaced by the low bits of `value`.
pub fn with_field(word: u32, first: u32, width: u32, value: u32) -> u32 {
    let shift = 32 - first - width;
    let mask = ((1 << width) - 1) << shift;
    word & !mask | value << shift & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_registers_of_each_form() {
        // xvadddp vs33,vs2,vs35
        let word = 0xf022_1b00 | 1 | 2;
        let found: Vec<_> = registers("xt,xa,xb", word).collect();
        assert_eq!(
            found,
            [
                ("xt", Register::Vsr(33)),
                ("xa", Register::Vsr(2)),
                ("xb", Register::Vsr(35))
            ]
        );
        // lxv vs33,16(r4): TX is bit 28
        assert_eq!(register("xtdq", 0xf424_0019), Some(Register::Vsr(33)));
        // cmpd cr3,r4,r5
        assert_eq!(target("bf,ra,rb", 0x7da4_2800), Some(Register::CrField(3)));
    }

    #[test]
    fn stores_have_no_target() {
        assert_eq!(target("rs,d(ra)", 0x9060_4f84), None);
    }

    #[test]
    fn fields_can_be_replaced() {
        assert_eq!(field(with_field(u32::MAX, 11, 5, 3), 11, 5), 3);
        assert_eq!(with_field(u32::MAX, 0, 31, 0), 1);
    }
}

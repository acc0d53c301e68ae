//! Generated cases on the peer: that it answers the same twice, that the generator's cases mean something, and that a
//! difference is found and told.

use power_difftest::compare::{self, Mask};
use power_difftest::generate::{Generator, Template};
use power_difftest::{Case, Ending, Peer};

const fn template(
    mnemonic: &'static str,
    mask: u32,
    value: u32,
    operands: &'static str,
) -> Template {
    Template {
        mnemonic,
        mask,
        value,
        reserved: 0,
        operands,
    }
}

/// A few instructions of every family and form.
const SAMPLE: &[Template] = &[
    template("addi", 0xfc00_0000, 0x3800_0000, "rt,ra,si"),
    template("add", 0xfc00_03fe, 0x7c00_0214, "rt,ra,rb"),
    template("mulld", 0xfc00_03fe, 0x7c00_01d2, "rt,ra,rb"),
    template("divd", 0xfc00_03fe, 0x7c00_03d2, "rt,ra,rb"),
    template("rldicl", 0xfc00_001c, 0x7800_0000, "ra,rs,sh,mb"),
    template("lwz", 0xfc00_0000, 0x8000_0000, "rt,d(ra)"),
    template("ldu", 0xfc00_0003, 0xe800_0001, "rt,ds(ra)"),
    template("stdx", 0xfc00_07ff, 0x7c00_012a, "rs,ra,rb"),
    template("lxv", 0xfc00_0007, 0xf400_0001, "xtdq,dq(ra0)"),
    template("stxvx", 0xfc00_07fe, 0x7c00_0318, "xs,ra,rb"),
    template("lwarx", 0xfc00_07ff, 0x7c00_0028, "rt,ra,rb"),
    template("dcbz", 0xffe0_07ff, 0x7c00_07ec, "ra,rb"),
    template("lq", 0xfc00_000f, 0xe000_0000, "rt,dq(ra)"),
    template("bc", 0xfc00_0000, 0x4000_0000, "bo,bi,bd"),
    template("bclr", 0xfc00_e7fe, 0x4c00_0020, "bo,bi,bh"),
    template("b", 0xfc00_0000, 0x4800_0000, "li"),
    template("tdi", 0xfc00_0000, 0x0800_0000, "to,ra,si"),
    template("fadd", 0xfc00_07fe, 0xfc00_002a, "frt,fra,frb"),
    template("fmadds", 0xfc00_003e, 0xec00_003a, "frt,fra,frc,frb"),
    template("xvmuldp", 0xfc00_07f8, 0xf000_0380, "xt,xa,xb"),
    template("xsaddqp", 0xfc00_07fe, 0xfc00_0008, "vrt,vra,vrb"),
    template("vaddsws", 0xfc00_07ff, 0x1000_0380, "vrt,vra,vrb"),
    template("vperm", 0xfc00_003f, 0x1000_002b, "vrt,vra,vrb,vrc"),
    template("bcdadd.", 0xfc00_05ff, 0x1000_0401, "vrt,vra,vrb,ps"),
    template("mtspr", 0xfc00_07ff, 0x7c00_03a6, "spr,rs"),
    template("illegal", 0xffff_ffff, 0, ""),
];

fn cases(seed: u64, each: usize) -> Vec<Case> {
    let mut generator = Generator::new(seed);
    SAMPLE
        .iter()
        .flat_map(|template| {
            (0..each)
                .map(|_| generator.case(template))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn the_same_seed_makes_the_same_cases() {
    assert!(cases(1, 5) == cases(1, 5));
    assert!(cases(1, 5) != cases(2, 5));
}

#[test]
fn two_peers_agree_on_every_generated_case() {
    let cases = cases(3, 60);
    let first = Peer::start().unwrap().run(&cases).unwrap();
    // In reverse, so that nothing left over from the case before can go unnoticed.
    let reversed: Vec<Case> = cases.iter().rev().cloned().collect();
    let mut second = Peer::start().unwrap().run(&reversed).unwrap();
    second.reverse();
    for ((case, first), second) in cases.iter().zip(&first).zip(&second) {
        if let Some(difference) = compare::compare(case, first, second, &Mask::none()) {
            panic!("not the same twice:\n{difference}");
        }
    }
}

#[test]
fn generated_cases_do_what_their_instruction_is_for() {
    let cases = cases(4, 60);
    let outcomes = Peer::start().unwrap().run(&cases).unwrap();
    for (case, outcome) in cases.iter().zip(&outcomes) {
        let mnemonic = case.code[0].mnemonic;
        let at = format!(
            "{mnemonic} {:08x} ended as {:?} at {:#x}",
            case.code[0].word, outcome.ending, outcome.nip
        );
        assert!(
            !matches!(
                outcome.ending,
                Ending::Hung | Ending::Died | Ending::DataStorage
            ),
            "{at}"
        );
        assert!(!outcome.stray_write, "{at}");
        match mnemonic {
            "illegal" => assert_eq!(outcome.ending, Ending::Illegal, "{at}"),
            "tdi" => assert!(
                matches!(outcome.ending, Ending::Trap | Ending::Left),
                "{at}"
            ),
            "lwarx" | "lq" => assert!(
                matches!(outcome.ending, Ending::Alignment | Ending::Left),
                "{at}"
            ),
            "fadd" | "fmadds" | "xvmuldp" | "xsaddqp" => {
                assert!(
                    matches!(outcome.ending, Ending::FloatingPoint | Ending::Left),
                    "{at}"
                );
            }
            _ => assert_eq!(outcome.ending, Ending::Left, "{at}"),
        }
    }
    let count = |ending| {
        outcomes
            .iter()
            .filter(|outcome| outcome.ending == ending)
            .count()
    };
    assert!(count(Ending::Trap) > 5 && count(Ending::FloatingPoint) > 5);
    let branched = outcomes
        .iter()
        .filter(|outcome| outcome.landing().is_some_and(|word| word != 1))
        .count();
    assert!(branched > 60, "{branched} of 180 branches were taken");
}

#[test]
fn sequences_run_to_their_end() {
    let straight: Vec<Template> = SAMPLE[..10].to_vec();
    let mut generator = Generator::new(5);
    let cases: Vec<Case> = (0..300)
        .map(|i| generator.sequence(&straight[i % 3..i % 3 + 8]))
        .collect();
    for (case, outcome) in cases
        .iter()
        .zip(Peer::start().unwrap().run(&cases).unwrap())
    {
        assert_eq!(
            (outcome.ending, outcome.nip),
            (Ending::Left, case.code_end())
        );
    }
}

#[test]
fn a_difference_names_instruction_register_and_both_values() {
    let case = cases(6, 1).remove(1);
    let outcome = Peer::start()
        .unwrap()
        .run(std::slice::from_ref(&case))
        .unwrap()
        .remove(0);
    let mut wrong = outcome.clone();
    wrong.state.gpr[17] ^= 0x8000;
    wrong.memory[3] ^= 1;
    let text = compare::compare(&case, &outcome, &wrong, &Mask::none())
        .expect("they differ")
        .to_string();
    for part in [
        "add",
        "r17",
        &format!("{:#x}", wrong.state.gpr[17]),
        "memory 0x4f83",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    println!("{text}");
}

#[test]
fn undefined_bits_are_not_compared() {
    let mulhw = template("mulhw", 0xfc00_07fe, 0x7c00_0096, "rt,ra,rb");
    let case = Generator::new(7).case(&mulhw);
    let outcome = Peer::start()
        .unwrap()
        .run(std::slice::from_ref(&case))
        .unwrap()
        .remove(0);
    let target = (case.code[0].word >> 21 & 31) as usize;
    let mask = Mask::for_case(&case, &outcome);
    let mut other = outcome.clone();
    other.state.gpr[target] ^= 1 << 40;
    assert!(compare::compare(&case, &outcome, &other, &mask).is_none());
    other.state.gpr[target] ^= 1;
    assert!(compare::compare(&case, &outcome, &other, &mask).is_some());
}

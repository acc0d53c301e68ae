//! The one list of instructions that are not compared with the peer, each with its reason and where it is tested instead.

/// Instructions that are left out.
pub struct Exclusion {
    /// Mnemonics of the instruction table.
    pub mnemonics: &'static [&'static str],
    /// Why the peer can't be asked.
    pub reason: &'static str,
}

/// All of them.
pub static EXCLUSIONS: &[Exclusion] = &[
    Exclusion {
        mnemonics: &["sc", "scv"],
        reason: "a system call of the peer's own process; crates/power/tests/interrupts.rs has them",
    },
    Exclusion {
        mnemonics: &["lmw", "stmw", "lswi", "lswx", "stswi", "stswx"],
        reason: "in little-endian mode an alignment interrupt (Book I 3.3.6 and 3.3.7); the peer's process aborts",
    },
    Exclusion {
        mnemonics: &[
            "copy", "paste", "icbt", "rfebb", "clrbhrb", "mfbhrbe", "rfscv",
        ],
        reason: "part of POWER9 (Book II 4.3 and 4.4; Book III 3.3.1; BHRB: Book II 7), but illegal to the peer",
    },
    Exclusion {
        mnemonics: &["wait"],
        reason: "waits for an event (Book II 4.6.4); the peer's process aborts",
    },
];

/// Why this instruction is left out. None if it is tested.
pub fn exclusion(mnemonic: &str) -> Option<&'static str> {
    EXCLUSIONS
        .iter()
        .find(|exclusion| exclusion.mnemonics.contains(&mnemonic))
        .map(|exclusion| exclusion.reason)
}

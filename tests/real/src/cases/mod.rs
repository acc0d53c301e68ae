//! The cases, one file per family of programs. What a case needs of Debian is named with it.

mod archives;
mod compilers;
mod crypto;
mod debuggers;
mod dpkg;
mod languages;
mod persistence;
mod processor;
mod python;
mod sources;
mod stress;
mod trees;

use crate::case::Case;

/// All cases.
pub fn all() -> Vec<Case> {
    [
        processor::cases(),
        compilers::cases(),
        languages::cases(),
        crypto::cases(),
        archives::cases(),
        trees::cases(),
        dpkg::cases(),
        debuggers::cases(),
        persistence::cases(),
        python::cases(),
        stress::cases(),
        sources::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_case_has_a_name_of_its_own_a_claim_and_a_script() {
        let mut names = BTreeSet::new();
        for case in all() {
            assert!(names.insert(case.name), "{} is there twice", case.name);
            let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(case.name.starts_with(|c: char| c.is_ascii_lowercase()));
            assert!(case.name.chars().all(letter), "{}", case.name);
            assert!(!case.claim.is_empty() && !case.script.trim().is_empty());
            assert!(case.minutes > 0);
        }
    }

    #[test]
    fn no_case_writes_over_what_every_case_gets() {
        for case in all() {
            for (name, _) in case.files {
                let taken = ["library.sh", "script.sh", "debs"];
                assert!(
                    !taken.contains(name) && !case.sources.contains(name),
                    "{name}"
                );
            }
        }
    }
}

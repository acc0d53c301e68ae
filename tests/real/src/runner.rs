//! Cases on machines: one boot for each machine, its cases in it one after the other, and what is
//! said about them.

use std::fmt::Display;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use guest_kit::debian::DEFAULT_SUITE;
use guest_kit::{GuestKit, Progress};
use paprika::machine::End;

use crate::case::{Case, Verdict};
use crate::judge::{self, Seen};
use crate::machine::Kind;
use crate::session::{Carried, Session};
use crate::system::System;

/// Where the outputs of failed cases are kept, below cargo's target directory.
const LOGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/real");

/// How much work a case does in the long run, as a multiple of the sample's.
pub const LONG_SCALE: u32 = 16;

/// What was run, and how it ended.
#[derive(Debug, Default, Clone, Copy)]
pub struct Tally {
    /// Cases that passed, each counted for each machine.
    pub passed: u32,
    /// Cases that failed.
    pub failed: u32,
}

/// Runs cases.
pub struct Runner<'a> {
    system: &'a System,
    carried: Carried,
    tree: Option<PathBuf>,
    seen: Seen,
    scale: u32,
    /// What has been run.
    pub tally: Tally,
}

impl<'a> Runner<'a> {
    /// One for `cases`: fetches what is carried into guests for them.
    pub fn new(system: &'a System, cases: &[&Case], scale: u32) -> anyhow::Result<Self> {
        let progress = Progress::auto();
        let kit = GuestKit::of_user()?;
        let names = |of: fn(&Case) -> &'static [&'static str]| {
            let mut names: Vec<_> = cases.iter().flat_map(|case| of(case)).copied().collect();
            names.sort_unstable();
            names.dedup();
            names
        };
        let (sources, debs) = (names(|case| case.sources), names(|case| case.debs));
        let mut carried = Carried::default();
        if !sources.is_empty() {
            carried.sources = kit.debian_sources(&sources, DEFAULT_SUITE, &progress)?;
        }
        if !debs.is_empty() {
            carried.debs = kit.debian_packages(&debs, &progress)?;
        }
        let compared = |case: &&&Case| matches!(case.verdict, Verdict::AsPeer(_));
        let tree = cases.iter().any(|case| compared(&case));
        Ok(Self {
            system,
            carried,
            tree: tree.then(|| system.tree()).transpose()?,
            seen: Seen::default(),
            scale,
            tally: Tally::default(),
        })
    }

    /// Boots a machine and runs `cases` on it. A guest that dies is booted anew for the next case;
    /// where none boots, no more is tried.
    pub fn run_on(&mut self, kind: Kind, cases: &[&Case]) -> anyhow::Result<()> {
        let mut session: Option<Session> = None;
        for case in cases {
            let booted = match session.take() {
                Some(session) => Ok(session),
                None => self.boot(kind),
            };
            session = match booted {
                Ok(mut booted) => self.run(case, &mut booted).then_some(booted),
                Err(error) => {
                    self.failed(case, kind, &format!("the system does not boot: {error:#}"));
                    return Ok(());
                }
            };
        }
        if let Some(session) = session {
            self.power_off(session)?;
        }
        Ok(())
    }

    /// Boots a system, and says so.
    pub fn boot(&self, kind: Kind) -> anyhow::Result<Session> {
        let begun = Instant::now();
        say(format!("{kind}: booting Debian"));
        let session = Session::boot(self.system, kind)?;
        say(format!("{kind}: booted in {}", in_words(begun.elapsed())));
        Ok(session)
    }

    /// Powers a system off, which has to leave its image clean.
    pub fn power_off(&self, session: Session) -> anyhow::Result<()> {
        let kind = session.kind;
        let end = session.guest.power_off()?;
        anyhow::ensure!(
            end == End::PowerOff,
            "{kind}: it did not power off: {end:?}"
        );
        Ok(())
    }

    /// Runs one case; answers whether the guest can go on.
    fn run(&mut self, case: &Case, session: &mut Session) -> bool {
        let kind = session.kind;
        let begun = Instant::now();
        print!("{kind}: {:<24} ", case.name);
        let _ = std::io::stdout().flush();
        match self.judged(case, session) {
            Ok(None) => {
                println!("passed, {}", in_words(begun.elapsed()));
                self.tally.passed += 1;
                true
            }
            Ok(Some(why)) => {
                println!("FAILED, {}", in_words(begun.elapsed()));
                self.failed(case, kind, &why);
                true
            }
            Err(error) => {
                println!("FAILED, {}", in_words(begun.elapsed()));
                self.failed(case, kind, &format!("{error:#}"));
                false
            }
        }
    }

    fn judged(&mut self, case: &Case, session: &mut Session) -> anyhow::Result<Option<String>> {
        session.prepare(case, &self.carried)?;
        let ran = session.run(case, self.scale)?;
        self.judge(case, &ran, session)
    }

    /// Makes a case ready in a guest.
    pub fn prepare(&self, case: &Case, session: &mut Session) -> anyhow::Result<()> {
        session.prepare(case, &self.carried)
    }

    /// Judges what a case did in a guest in which it still is.
    pub fn judge(
        &mut self,
        case: &Case,
        ran: &crate::session::RunOutcome,
        session: &mut Session,
    ) -> anyhow::Result<Option<String>> {
        let who = session.kind.to_string();
        if let Some(why) = judge::of_script(case, ran, &who, &mut self.seen) {
            return Ok(Some(why));
        }
        match &self.tree {
            Some(tree) => judge::as_peer(case, session, tree),
            None => Ok(None),
        }
    }

    /// Notes how something ended that is no case in a Debian system.
    pub fn note(
        &mut self,
        name: &str,
        kind: Kind,
        time: Duration,
        judged: anyhow::Result<Option<String>>,
    ) {
        let why = judged.unwrap_or_else(|error| Some(format!("{error:#}")));
        let ended = if why.is_some() { "FAILED" } else { "passed" };
        say(format!("{kind}: {name:<24} {ended}, {}", in_words(time)));
        match why {
            None => self.tally.passed += 1,
            Some(why) => {
                self.tally.failed += 1;
                say(why);
                let engine = kind.engine_name();
                let machine = format!("--engine {engine} --cpus {}", kind.cpus);
                say(format!(
                    "To see it again: cargo xtask real --only {name} {machine}"
                ));
            }
        }
    }

    /// Notes a failure, with what to run to see it again.
    pub fn failed(&mut self, case: &Case, kind: Kind, why: &str) {
        self.tally.failed += 1;
        let again = again(case, kind, self.scale);
        println!("{case_name} fails on {kind}: {why}", case_name = case.name);
        println!("It should hold that: {}", case.claim);
        println!("To see it again: {again}");
        match keep(case, kind, why) {
            Ok(path) => println!("All of it is in {}", path.display()),
            Err(error) => println!("(it could not be kept: {error:#})"),
        }
    }
}

/// The command that runs one case on one machine.
fn again(case: &Case, kind: Kind, scale: u32) -> String {
    let sample = if scale == 1 { " --sample" } else { "" };
    format!(
        "cargo xtask real --only {} --engine {} --cpus {}{sample}",
        case.name,
        kind.engine_name(),
        kind.cpus
    )
}

fn keep(case: &Case, kind: Kind, why: &str) -> anyhow::Result<PathBuf> {
    fs::create_dir_all(LOGS).with_context(|| LOGS.to_owned())?;
    let name = format!("{}-{}-{}.log", case.name, kind.engine_name(), kind.cpus);
    let path = fs::canonicalize(LOGS)?.join(name);
    fs::write(&path, why).with_context(|| path.display().to_string())?;
    Ok(path)
}

/// Prints a line at once.
pub fn say(words: impl Display) {
    println!("{words}");
    let _ = std::io::stdout().flush();
}

/// A time as people say it.
pub fn in_words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use paprika::machine::CpuEngine;

    use super::*;

    #[test]
    fn what_to_run_again_names_the_case_and_the_machine() {
        let case = Case {
            name: "zlib",
            ..Case::USUAL
        };
        let kind = Kind {
            engine: CpuEngine::Interpreter,
            cpus: 2,
        };
        let line = "cargo xtask real --only zlib --engine interpreter --cpus 2";
        assert_eq!(again(&case, kind, 1), format!("{line} --sample"));
        assert_eq!(again(&case, kind, LONG_SCALE), line);
    }
}

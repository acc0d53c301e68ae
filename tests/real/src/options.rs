//! The command line.

use std::path::PathBuf;

use clap::Parser;
use paprika::machine::CpuEngine;

use crate::case::Case;
use crate::machine::{ALL, Kind};
use crate::{second_stage, uprobes};

/// Runs real software in a Debian guest on Paprika
///
/// Without options: the long run, which takes some hours. Machines are the JIT with 1, 2 and 4
/// vCPUs, and the interpreter with 2.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask real")]
pub struct Options {
    /// Only a sample, with less work in each case: some minutes
    #[arg(long)]
    pub sample: bool,

    /// Only the case of this name, or the family of this first word; repeatable
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,

    /// Only with so many vCPUs; together with --engine, every chosen case is run there, whatever it
    /// is meant for
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=16))]
    cpus: Option<u32>,

    /// Only on this engine
    #[arg(long, value_name = "ENGINE")]
    engine: Option<CpuEngine>,

    /// Everything so many times over, each time with new boots
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub times: u32,

    /// A soak of so many hours: cases at random, in guests that are saved, restored and moved while
    /// they run
    #[arg(long, value_name = "N")]
    pub hours: Option<f64>,

    /// The seed of the soak, printed by it
    #[arg(long, value_name = "SEED", requires = "hours")]
    pub seed: Option<u64>,

    /// Only make and fetch what the cases need
    #[arg(long)]
    pub prepare: bool,

    /// Another image than the cached one; it has to have the packages of the cases
    #[arg(long, value_name = "FILE")]
    pub image: Option<PathBuf>,

    /// List the cases
    #[arg(long)]
    pub list: bool,
}

impl Options {
    /// The cases that are meant.
    pub fn chosen<'a>(&self, all: &'a [Case]) -> anyhow::Result<Vec<&'a Case>> {
        for pattern in &self.only {
            let known = [second_stage::NAME, uprobes::NAME].contains(&pattern.as_str())
                || all.iter().any(|it| it.is_meant(pattern));
            anyhow::ensure!(
                known,
                "there is no case `{pattern}`; --list shows what there is"
            );
        }
        let meant = |case: &&Case| {
            self.only.is_empty() || self.only.iter().any(|pattern| case.is_meant(pattern))
        };
        Ok(all.iter().filter(meant).collect())
    }

    /// The machines that are meant.
    pub fn kinds(&self) -> Vec<Kind> {
        let engine_fits = |kind: &Kind| self.engine.is_none_or(|engine| engine == kind.engine);
        match (self.engine, self.cpus) {
            (Some(engine), Some(cpus)) => vec![Kind { engine, cpus }],
            (None, Some(cpus)) => vec![Kind {
                engine: CpuEngine::Jit,
                cpus,
            }],
            _ => ALL.into_iter().filter(engine_fits).collect(),
        }
    }

    /// Whether one machine was named, on which everything that was chosen is to run.
    pub fn on_named_machine(&self) -> bool {
        self.cpus.is_some() && !self.only.is_empty()
    }

    /// Whether uprobes are meant: always, because they take seconds.
    pub fn uprobes(&self) -> bool {
        let named = self
            .only
            .iter()
            .any(|it| uprobes::NAME.starts_with(it.as_str()));
        named || (self.only.is_empty() && self.hours.is_none())
    }

    /// Whether debootstrap's second stage is meant.
    pub fn second_stage(&self) -> bool {
        let named = self.only.iter().any(|it| it == second_stage::NAME);
        named || (self.only.is_empty() && !self.sample && self.hours.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases;

    fn parsed(line: &str) -> Options {
        let words = std::iter::once("real").chain(line.split_whitespace());
        Options::try_parse_from(words).expect("a command line")
    }

    #[test]
    fn a_name_that_is_none_is_refused_with_the_way_to_the_names() {
        let all = cases::all();
        let error = parsed("--only nothing").chosen(&all).expect_err("none");
        assert!(error.to_string().contains("--list"), "{error}");
        assert_eq!(parsed("").chosen(&all).expect("all").len(), all.len());
        assert!(parsed("--only gcc").chosen(&all).expect("some").len() > 1);
    }

    #[test]
    fn one_machine_can_be_named() {
        assert_eq!(parsed("").kinds(), ALL);
        assert_eq!(parsed("--engine jit").kinds().len(), 3);
        let kinds = parsed("--engine interpreter --cpus 1 --only gcc").kinds();
        assert_eq!(kinds.len(), 1);
        assert_eq!(kinds[0].to_string(), "interpreter, 1 vCPU");
    }

    #[test]
    fn the_second_stage_is_for_the_long_run_or_who_asks_for_it() {
        assert!(parsed("").second_stage() && !parsed("--sample").second_stage());
        assert!(parsed("--only debootstrap-second-stage --sample").second_stage());
        assert!(!parsed("--only gcc").second_stage());
    }
}

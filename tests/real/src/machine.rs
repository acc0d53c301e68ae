//! The machines that cases are run on: which engine, how many vCPUs.

use std::fmt;

use paprika::machine::CpuEngine;

use crate::case::{Case, Extent};

/// A machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kind {
    /// What executes its instructions.
    pub engine: CpuEngine,
    /// Number of vCPUs.
    pub cpus: u32,
}

/// All that there are, in the order in which they are used.
pub const ALL: [Kind; 4] = [
    compiled(2),
    compiled(1),
    compiled(4),
    Kind {
        engine: CpuEngine::Interpreter,
        cpus: 2,
    },
];

/// The one on which the sample runs most of its cases.
const USUAL: Kind = compiled(2);

const fn compiled(cpus: u32) -> Kind {
    Kind {
        engine: CpuEngine::Jit,
        cpus,
    }
}

impl Kind {
    /// How the engine is called on the command line.
    pub fn engine_name(self) -> &'static str {
        match self.engine {
            CpuEngine::Jit => "jit",
            CpuEngine::Interpreter => "interpreter",
            CpuEngine::Lockstep => "lockstep",
        }
    }

    /// Whether `case` runs on it, in the sample or in the long run.
    pub fn runs(self, case: &Case, sample: bool) -> bool {
        match case.extent {
            Extent::Everywhere => true,
            Extent::Sample if sample => self == USUAL,
            Extent::Long if sample => false,
            Extent::Sample | Extent::Long => self.engine == CpuEngine::Jit,
        }
    }

    /// How many times the usual time a case may take on it.
    pub fn patience(self) -> u32 {
        match self.engine {
            CpuEngine::Jit => 1,
            CpuEngine::Interpreter => 5,
            CpuEngine::Lockstep => 100,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.cpus == 1 { "" } else { "s" };
        write!(f, "{}, {} vCPU{plural}", self.engine_name(), self.cpus)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_runs_little_beside_two_vcpus_and_the_long_run_everything_compiled() {
        let count = |extent, sample| {
            let case = Case {
                extent,
                ..Case::USUAL
            };
            ALL.iter().filter(|kind| kind.runs(&case, sample)).count()
        };
        assert_eq!(count(Extent::Long, true), 0);
        assert_eq!(count(Extent::Sample, true), 1);
        assert_eq!(count(Extent::Everywhere, true), 4);
        assert_eq!(count(Extent::Long, false), 3);
        assert_eq!(count(Extent::Everywhere, false), 4);
        assert_eq!(compiled(1).to_string(), "jit, 1 vCPU");
    }
}

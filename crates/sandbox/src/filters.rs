//! The filters of a process and of its threads, made at the start and applied by each thread.

use std::collections::BTreeMap;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch, apply_filter};
use thread_role::Role;

use crate::calls::Calls;
use crate::{roles, violation};

/// What a process may do beyond files and threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Grants {
    /// Connect to Unix sockets later on. (At the start it may in any case.)
    pub unix: bool,
    /// Connect by TCP, and look names of hosts up, later on.
    pub tcp: bool,
    /// Listen at TCP ports, at the start.
    pub listen_tcp: bool,
}

/// What becomes of a call that is not allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnMiss {
    /// The process ends, with a message: see [`violation`].
    End,
    /// It is carried out, and the kernel's audit log says so.
    Log,
}

/// Why system calls can't be restricted.
#[derive(Debug, thiserror::Error)]
pub enum FilterError {
    /// A filter can't be made (a defect of this crate).
    #[error("a list of system calls can't be made into a filter: {0}")]
    Compile(#[from] seccompiler::BackendError),
    /// The kernel does not take it.
    #[error(
        "this kernel takes no filter of system calls ({0}); it may have been built without seccomp"
    )]
    Apply(#[from] seccompiler::Error),
    /// No handler for what is not allowed.
    #[error("no handler for SIGSYS can be set: {0}")]
    Handler(std::io::Error),
}

/// Filters, ready to be applied.
#[derive(Debug)]
pub struct Filters {
    process: Vec<BpfProgram>,
    roles: BTreeMap<Role, Vec<BpfProgram>>,
    on_miss: OnMiss,
}

impl Filters {
    /// Makes the filters of this process.
    ///
    /// # Errors
    /// [`FilterError::Compile`].
    pub fn new(grants: &Grants, on_miss: OnMiss) -> Result<Self, FilterError> {
        let pid = std::process::id();
        let allow_only = |calls: &Calls| match on_miss {
            OnMiss::End => compile(calls, SeccompAction::Trap, SeccompAction::Allow),
            OnMiss::Log => compile(calls, SeccompAction::Log, SeccompAction::Allow),
        };
        // Of several filters, the one that forbids most counts; an error forbids more than what is
        // allowed.
        let refuse = |calls: &Calls, error: i32| {
            compile(
                calls,
                SeccompAction::Allow,
                SeccompAction::Errno(error as u32),
            )
        };
        let mut process = vec![allow_only(&roles::process(grants, pid))?];
        if on_miss == OnMiss::End {
            process.push(refuse(&roles::not_there(), libc::ENOSYS)?);
        }
        let mut of_roles = BTreeMap::new();
        for role in Role::ALL {
            let mut programs = vec![allow_only(&roles::of(role, grants, pid))?];
            let soft = roles::softly_refused(role);
            if on_miss == OnMiss::End && soft != Calls::default() {
                programs.push(refuse(&soft, libc::EACCES)?);
            }
            of_roles.insert(role, programs);
        }
        Ok(Self {
            process,
            roles: of_roles,
            on_miss,
        })
    }

    /// Restricts this thread, and all that it starts, to what the process may do. To be called
    /// before there is a second thread.
    ///
    /// # Errors
    /// [`FilterError`]; some of the filters may be in force then.
    pub fn enter_process(&self) -> Result<(), FilterError> {
        if self.on_miss == OnMiss::End {
            violation::install().map_err(FilterError::Handler)?;
        }
        self.process
            .iter()
            .try_for_each(|program| Ok(apply_filter(program)?))
    }

    /// Narrows this thread to a role.
    ///
    /// # Errors
    /// [`FilterError::Apply`].
    pub fn enter(&self, role: Role) -> Result<(), FilterError> {
        let programs = self.roles.get(&role).into_iter().flatten();
        programs
            .into_iter()
            .try_for_each(|program| Ok(apply_filter(program)?))
    }
}

fn compile(
    calls: &Calls,
    otherwise: SeccompAction,
    matching: SeccompAction,
) -> Result<BpfProgram, seccompiler::BackendError> {
    SeccompFilter::new(calls.rules()?, otherwise, matching, TargetArch::x86_64)?.try_into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_made_and_short_enough_for_linux() {
        let grants = Grants {
            unix: true,
            tcp: true,
            listen_tcp: true,
        };
        for on_miss in [OnMiss::End, OnMiss::Log] {
            let filters = Filters::new(&grants, on_miss).expect("they can be made");
            let of_roles = filters.roles.values().flatten();
            for program in filters.process.iter().chain(of_roles) {
                // BPF_MAXINSNS of Linux.
                assert!((1..4096).contains(&program.len()), "{}", program.len());
            }
        }
    }
}

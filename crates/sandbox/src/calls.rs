//! Sets of system calls, some with conditions on their arguments, and the names of calls.

use std::collections::BTreeMap;

use seccompiler::{SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompRule};

/// A condition on one argument. All of a rule have to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    /// Argument (from 0), its low 32 bits under a mask, and what they are.
    Bits(u8, u32, u32),
    /// Argument, and what its low 32 bits are not.
    IsNot(u8, u32),
    /// Argument, and all its 64 bits.
    Whole(u8, u64),
}

impl Test {
    fn condition(self) -> Result<SeccompCondition, seccompiler::BackendError> {
        use SeccompCmpArgLen::{Dword, Qword};
        match self {
            Self::Bits(argument, mask, value) => {
                let compared = SeccompCmpOp::MaskedEq(mask.into());
                SeccompCondition::new(argument, Dword, compared, value.into())
            }
            Self::IsNot(argument, value) => {
                SeccompCondition::new(argument, Dword, SeccompCmpOp::Ne, value.into())
            }
            Self::Whole(argument, value) => {
                SeccompCondition::new(argument, Qword, SeccompCmpOp::Eq, value)
            }
        }
    }
}

/// System calls by number; each with alternatives, of which one has to hold; none: it is in
/// whatever its arguments are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Calls(BTreeMap<i64, Vec<Vec<Test>>>);

impl Calls {
    /// These, with any arguments.
    pub(crate) fn of(numbers: &[i64]) -> Self {
        Self(numbers.iter().map(|&number| (number, Vec::new())).collect())
    }

    /// All of `self` and `other`.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        for (&number, tests) in &other.0 {
            match self.0.get_mut(&number) {
                Some(here) if here.is_empty() => {}
                Some(here) if tests.is_empty() => here.clear(),
                Some(here) => here.extend(tests.iter().cloned()),
                None => drop(self.0.insert(number, tests.clone())),
            }
        }
        self
    }

    /// With these, whatever their arguments are.
    pub(crate) fn and_any(self, numbers: &[i64]) -> Self {
        self.and(&Self::of(numbers))
    }

    /// With this one where all of `tests` hold.
    pub(crate) fn and_when(self, number: i64, tests: &[Test]) -> Self {
        self.and(&Self([(number, vec![tests.to_vec()])].into()))
    }

    /// As seccompiler has it.
    pub(crate) fn rules(
        &self,
    ) -> Result<BTreeMap<i64, Vec<SeccompRule>>, seccompiler::BackendError> {
        let rule = |tests: &Vec<Test>| {
            let conditions: Result<_, _> = tests.iter().map(|test| test.condition()).collect();
            SeccompRule::new(conditions?)
        };
        let rules = self.0.iter().map(|(&number, alternatives)| {
            let alternatives: Result<_, _> = alternatives.iter().map(rule).collect();
            Ok((number, alternatives?))
        });
        rules.collect()
    }

    #[cfg(test)]
    pub(crate) fn contains(&self, number: i64) -> bool {
        self.0.contains_key(&number)
    }
}

/// Names, for the message about a call that was not allowed.
macro_rules! names {
    ($($call:ident)*) => {
        /// What a system call is called, where it is one that a message is likely to be about.
        pub(crate) fn name(number: i32) -> Option<&'static str> {
            match i64::from(number) {
                $(libc::$call => Some(const { stringify!($call).split_at(4).1 }),)*
                _ => None,
            }
        }
    };
}

names! {
        SYS_accept SYS_accept4 SYS_access SYS_bind SYS_bpf SYS_chmod SYS_chown SYS_clone SYS_clone3
    SYS_connect SYS_copy_file_range     SYS_creat SYS_dup SYS_dup2 SYS_dup3 SYS_execve SYS_execveat
    SYS_fadvise64 SYS_fallocate SYS_fchmod SYS_fchmodat SYS_fchown     SYS_fcntl SYS_fdatasync
    SYS_flock SYS_fork SYS_fstat SYS_fstatfs SYS_fsync SYS_ftruncate SYS_getcwd SYS_getdents64
    SYS_getpeername SYS_getpriority SYS_getsockname SYS_getsockopt SYS_inotify_init1
    SYS_io_uring_enter SYS_io_uring_register     SYS_io_uring_setup SYS_ioctl SYS_kill
    SYS_landlock_restrict_self SYS_link SYS_linkat SYS_listen SYS_lseek SYS_lstat
    SYS_memfd_create SYS_mkdir SYS_mkdirat SYS_mknodat SYS_mlock SYS_mmap SYS_mount SYS_mprotect
    SYS_mremap SYS_newfstatat     SYS_open SYS_openat SYS_openat2 SYS_perf_event_open
    SYS_pidfd_getfd SYS_pidfd_open SYS_pidfd_send_signal SYS_prctl     SYS_pread64 SYS_preadv
    SYS_preadv2 SYS_prlimit64 SYS_process_vm_readv SYS_process_vm_writev SYS_ptrace SYS_pwrite64
    SYS_pwritev SYS_pwritev2 SYS_readlink SYS_readlinkat SYS_recvfrom SYS_recvmsg SYS_rename
    SYS_renameat SYS_renameat2 SYS_rmdir     SYS_rt_sigaction SYS_rt_sigqueueinfo
    SYS_sched_setaffinity SYS_seccomp SYS_sendfile SYS_sendmsg SYS_sendto SYS_setns
    SYS_setpriority SYS_setsockopt SYS_setxattr SYS_shutdown SYS_socket SYS_socketpair SYS_splice
    SYS_stat SYS_statfs SYS_statx     SYS_symlinkat SYS_sync SYS_syncfs SYS_tgkill SYS_tkill
    SYS_truncate SYS_umask SYS_unlink SYS_unlinkat SYS_unshare     SYS_userfaultfd SYS_utimensat
    SYS_vfork SYS_wait4 SYS_waitid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_with_conditions_is_in_where_one_alternative_holds_and_always_where_one_has_none() {
        let (one, other) = (Test::Bits(0, 1, 1), Test::IsNot(1, 2));
        let conditional = Calls::default().and_when(5, &[one]).and_when(5, &[other]);
        assert_eq!(conditional.0[&5], [vec![one], vec![other]]);
        assert_eq!(conditional.clone().and_any(&[5]), Calls::of(&[5]));
        assert_eq!(Calls::of(&[5]).and(&conditional), Calls::of(&[5]));
    }

    #[test]
    fn calls_are_named_as_linux_names_them() {
        assert_eq!(name(libc::SYS_execve as i32), Some("execve"));
        assert_eq!(name(libc::SYS_openat as i32), Some("openat"));
        assert_eq!(name(-1), None);
    }
}

//! Which system calls a process may make, and which a thread of each role.
//!
//! The list of what every thread may do is generous with calls that reach nothing outside the
//! process: which of them the C library and Rust's runtime make differs from version to version. It
//! is strict with everything that opens, connects, executes, traces, or changes what other
//! processes see. Calls that glibc tries first and does without (`clone3`, whose flags no filter
//! can see) are answered with an error, as by a kernel that does not have them.

use libc::*;
use thread_role::Role;

use crate::calls::{Calls, Test};
use crate::filters::Grants;

/// Every thread, for its whole life.
const ANYWHERE: &[i64] = &[
    // Descriptors that are open already.
    SYS_read,
    SYS_write,
    SYS_readv,
    SYS_writev,
    SYS_close,
    SYS_poll,
    SYS_ppoll,
    SYS_eventfd2,
    // Syncs of open files, by a ring that takes nothing else: whoever happens to drop a machine
    // last ends its ring.
    SYS_fdatasync,
    SYS_io_uring_enter,
    // Memory. Executable memory is apart.
    SYS_munmap,
    SYS_mremap,
    SYS_madvise,
    SYS_brk,
    SYS_mincore,
    SYS_membarrier,
    SYS_pkey_alloc,
    SYS_pkey_free,
    // Threads: their locks, their ends, where they run. Starting one is apart.
    SYS_clone3,
    SYS_futex,
    449, /* futex_waitv */
    454, /* futex_wake */
    455, /* futex_wait */
    456, /* futex_requeue */
    SYS_set_robust_list,
    SYS_get_robust_list,
    SYS_rseq,
    SYS_set_tid_address,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_sched_getparam,
    SYS_sched_getscheduler,
    SYS_sched_get_priority_max,
    SYS_sched_get_priority_min,
    SYS_getcpu,
    SYS_exit,
    SYS_exit_group,
    SYS_restart_syscall,
    // Signals of one's own.
    SYS_rt_sigreturn,
    SYS_rt_sigprocmask,
    SYS_rt_sigpending,
    SYS_rt_sigtimedwait,
    SYS_sigaltstack,
    SYS_pause,
    // Time.
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_clock_nanosleep,
    SYS_nanosleep,
    SYS_gettimeofday,
    SYS_time,
    SYS_times,
    // Who and what one is.
    SYS_getpid,
    SYS_gettid,
    SYS_getppid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getrusage,
    SYS_getrandom,
    SYS_uname,
    SYS_sysinfo,
    SYS_getpgrp,
    SYS_getpgid,
    SYS_getsid,
];

/// Files by name, beneath what Landlock allows, and everything about open ones. Neither mode nor
/// owner nor times of what a path names, which Landlock has no right for.
const FILES: &[i64] = &[
    SYS_open,
    SYS_openat,
    SYS_openat2,
    SYS_creat,
    SYS_stat,
    SYS_lstat,
    SYS_fstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_access,
    SYS_faccessat,
    SYS_faccessat2,
    SYS_readlink,
    SYS_readlinkat,
    SYS_getcwd,
    SYS_mkdir,
    SYS_mkdirat,
    SYS_unlink,
    SYS_unlinkat,
    SYS_rmdir,
    SYS_rename,
    SYS_renameat,
    SYS_renameat2,
    SYS_getdents64,
    SYS_statfs,
    SYS_fstatfs,
    SYS_ftruncate,
    SYS_fallocate,
    SYS_fsync,
    SYS_fdatasync,
    SYS_sync_file_range,
    SYS_flock,
    SYS_fcntl,
    SYS_fchmod,
    SYS_fadvise64,
    SYS_lseek,
    SYS_pread64,
    SYS_pwrite64,
    SYS_preadv,
    SYS_pwritev,
    SYS_preadv2,
    SYS_pwritev2,
    SYS_copy_file_range,
    SYS_sendfile,
    SYS_umask,
    SYS_dup,
    SYS_dup2,
    SYS_dup3,
    SYS_pipe2,
    SYS_readahead,
    SYS_memfd_create,
    SYS_close_range,
];

/// Open sockets, and waiting for several descriptors.
const SOCKETS: &[i64] = &[
    SYS_accept,
    SYS_accept4,
    SYS_recvfrom,
    SYS_recvmsg,
    SYS_recvmmsg,
    SYS_sendto,
    SYS_sendmsg,
    SYS_sendmmsg,
    SYS_shutdown,
    SYS_getsockopt,
    SYS_setsockopt,
    SYS_getsockname,
    SYS_getpeername,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_wait,
    SYS_epoll_pwait,
    SYS_epoll_pwait2,
    SYS_select,
    SYS_pselect6,
];

/// What is needed until all files, rings and sockets are there.
const STARTING: &[i64] = &[
    SYS_bind,
    SYS_listen,
    SYS_chmod,
    SYS_fchmodat,
    SYS_io_uring_setup,
    SYS_io_uring_register,
    SYS_landlock_create_ruleset,
    SYS_landlock_add_rule,
    SYS_landlock_restrict_self,
];

/// Terminals, and what `fcntl` can do as well. Not TIOCSTI, which types into a terminal.
const IOCTLS: &[u32] = &[
    0x5401,
    0x5402,
    0x5403,
    0x5404, // TCGETS, TCSETS, TCSETSW, TCSETSF
    0x802c_542a,
    0x402c_542b,
    0x402c_542c,
    0x402c_542d, // the same with speeds: TCGETS2, ...
    0x5413,      // TIOCGWINSZ
    0x540f,      // TIOCGPGRP
    0x541b,      // FIONREAD
    0x5421,      // FIONBIO
    0x5450,
    0x5451, // FIONCLEX, FIOCLEX
];

const PRCTLS: &[u32] = &[
    PR_SET_NAME as u32,
    PR_GET_NAME as u32,
    PR_GET_DUMPABLE as u32,
    // What the kernel told the program at its start, which libraries ask for again (PR_GET_AUXV).
    0x4155_5856,
    // Names of anonymous mappings, which newer C libraries give.
    0x5356_4d41,
    // Asked for again with each filter.
    PR_SET_NO_NEW_PRIVS as u32,
];

/// What a clone that only starts a thread has to say, of the flags that matter: shared memory and
/// signal handlers, the same process, no new namespace and no tracer.
const THREAD: u32 = (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD) as u32;
const CLONE_FLAGS: u32 = THREAD
    | (CLONE_PTRACE
        | CLONE_VFORK
        | CLONE_NEWNS
        | CLONE_NEWCGROUP
        | CLONE_NEWUTS
        | CLONE_NEWIPC
        | CLONE_NEWUSER
        | CLONE_NEWPID
        | CLONE_NEWNET
        | CLONE_IO) as u32;

/// Every thread of the process `pid`.
fn anywhere(pid: u32) -> Calls {
    let no_exec = Test::Bits(2, PROT_EXEC as u32, 0);
    let mut calls = Calls::of(ANYWHERE)
        .and_when(SYS_mmap, &[no_exec])
        .and_when(SYS_mprotect, &[no_exec])
        .and_when(SYS_pkey_mprotect, &[no_exec])
        .and_when(SYS_clone, &[Test::Bits(0, CLONE_FLAGS, THREAD)])
        // The handler that ends the process stays.
        .and_when(SYS_rt_sigaction, &[Test::IsNot(0, SIGSYS as u32)])
        .and_when(SYS_kill, &[Test::Bits(0, u32::MAX, pid)])
        .and_when(SYS_tgkill, &[Test::Bits(0, u32::MAX, pid)])
        // Limits of this process: asking, and lowering.
        .and_when(SYS_prlimit64, &[Test::Bits(0, u32::MAX, 0)])
        .and_any(&[SYS_getrlimit])
        // Further filters of this thread, which only take away.
        .and_when(
            SYS_seccomp,
            &[
                Test::Bits(0, u32::MAX, SECCOMP_SET_MODE_FILTER),
                Test::Whole(1, 0),
            ],
        );
    // Asking about a descriptor: Rust's library does before each close where checks for undefined
    // behaviour are on.
    for command in [F_GETFD, F_GETFL] {
        calls = calls.and_when(SYS_fcntl, &[Test::Bits(1, u32::MAX, command as u32)]);
    }
    // A signal's handler runs on whatever thread the kernel chooses, and wakes the thread for
    // signals by a byte in a socket pair (signal-hook). Without an address it goes where the socket
    // is connected to already.
    calls = calls.and_when(SYS_sendto, &[Test::Whole(4, 0)]);
    for &request in IOCTLS {
        calls = calls.and_when(SYS_ioctl, &[Test::Bits(1, u32::MAX, request)]);
    }
    for &option in PRCTLS {
        calls = calls.and_when(SYS_prctl, &[Test::Bits(0, u32::MAX, option)]);
    }
    calls
}

/// Sockets of a thread that may connect.
fn connecting(grants: &Grants) -> Calls {
    let domain = |domain: i32| Test::Bits(0, u32::MAX, domain as u32);
    let mut calls = Calls::default();
    if grants.unix || grants.tcp {
        calls = calls
            .and_any(&[SYS_connect])
            .and_when(SYS_socket, &[domain(AF_UNIX)]);
    }
    if grants.tcp {
        // With names that have to be looked up: by UDP, and which kinds of addresses there are by
        // netlink.
        calls = calls
            .and_when(SYS_socket, &[domain(AF_INET)])
            .and_when(SYS_socket, &[domain(AF_INET6)])
            .and_when(SYS_socket, &[domain(AF_NETLINK)])
            .and_any(&[SYS_bind]);
    }
    calls
}

/// The whole process, until its threads narrow themselves.
pub(crate) fn process(grants: &Grants, pid: u32) -> Calls {
    let everything = Grants {
        unix: true,
        ..*grants
    };
    let with_ports = Grants {
        tcp: grants.tcp || grants.listen_tcp,
        ..everything
    };
    machine(&with_ports, pid)
        .and_any(STARTING)
        // For threads of its own that wake each other.
        .and_when(SYS_socketpair, &[Test::Bits(0, u32::MAX, AF_UNIX as u32)])
}

/// The role [`Role::Machine`].
fn machine(grants: &Grants, pid: u32) -> Calls {
    // Of a compiler that it starts.
    control(grants, pid)
        .and(&executable())
        .and_any(&[SYS_getpriority, SYS_setpriority])
}

/// The role [`Role::Control`].
fn control(grants: &Grants, pid: u32) -> Calls {
    anywhere(pid)
        .and_any(FILES)
        .and_any(SOCKETS)
        .and(&connecting(grants))
        .and_when(SYS_utimensat, &[Test::Whole(1, 0)])
}

/// Memory that can be executed.
fn executable() -> Calls {
    Calls::of(&[SYS_mmap, SYS_mprotect, SYS_pkey_mprotect])
}

/// What a thread of a role may do, once it has begun.
pub(crate) fn of(role: Role, grants: &Grants, pid: u32) -> Calls {
    let anywhere = || anywhere(pid).and(&softly_refused(role));
    match role {
        Role::Machine => machine(grants, pid),
        Role::Control => control(grants, pid),
        Role::GuestCpu => {
            anywhere().and_any(&[SYS_pread64, SYS_pwrite64, SYS_fdatasync, SYS_io_uring_enter])
        }
        Role::Compiler => anywhere()
            .and(&executable())
            .and_any(&[SYS_pread64, SYS_fstat])
            // Of an open file.
            .and_when(
                SYS_statx,
                &[Test::Bits(2, AT_EMPTY_PATH as u32, AT_EMPTY_PATH as u32)],
            )
            .and_when(
                SYS_newfstatat,
                &[Test::Bits(3, AT_EMPTY_PATH as u32, AT_EMPTY_PATH as u32)],
            ),
        Role::CodeStore => anywhere()
            .and_any(FILES)
            .and_when(SYS_utimensat, &[Test::Whole(1, 0)]),
        Role::Sync => anywhere(),
        Role::ReadAhead => anywhere().and_any(&[SYS_lseek, SYS_fadvise64]),
        Role::Copy => anywhere().and_any(&[
            SYS_pread64,
            SYS_pwrite64,
            SYS_preadv,
            SYS_pwritev,
            SYS_lseek,
            SYS_fallocate,
        ]),
        Role::Terminal => anywhere().and_any(&[SYS_recvfrom, SYS_recvmsg, SYS_sendto, SYS_sendmsg]),
    }
}

/// The calls that a role gets an error for, instead of an end of the process: opening a file for
/// reading, by threads that may open none. glibc's allocator looks into
/// `/proc/sys/vm/overcommit_memory` when it first gives memory back on a thread that is not the
/// main one, and does without; which thread that is, nobody can know.
pub(crate) fn softly_refused(role: Role) -> Calls {
    match role {
        Role::Machine | Role::Control | Role::CodeStore => Calls::default(),
        Role::GuestCpu
        | Role::Compiler
        | Role::Sync
        | Role::ReadAhead
        | Role::Copy
        | Role::Terminal => {
            let only_reading = Test::Bits(2, !(O_CLOEXEC as u32), O_RDONLY as u32);
            Calls::default().and_when(SYS_openat, &[only_reading])
        }
    }
}

/// The calls that the whole process is told the kernel does not have.
pub(crate) fn not_there() -> Calls {
    Calls::of(&[SYS_clone3])
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRANTS: Grants = Grants {
        unix: true,
        tcp: true,
        listen_tcp: true,
    };

    #[test]
    fn nobody_executes_traces_mounts_or_reaches_into_other_processes() {
        let never = [
            SYS_execve,
            SYS_execveat,
            SYS_fork,
            SYS_vfork,
            SYS_ptrace,
            SYS_process_vm_readv,
            SYS_process_vm_writev,
            SYS_mount,
            SYS_unshare,
            SYS_setns,
            SYS_bpf,
            SYS_perf_event_open,
            SYS_userfaultfd,
            SYS_pidfd_open,
            SYS_pidfd_getfd,
            SYS_tkill,
            SYS_keyctl,
            SYS_mknod,
            SYS_mknodat,
            SYS_symlink,
            SYS_symlinkat,
            SYS_link,
            SYS_linkat,
            SYS_chown,
            SYS_setxattr,
            SYS_init_module,
            SYS_kexec_load,
            SYS_reboot,
            SYS_personality,
            SYS_pivot_root,
            SYS_chroot,
        ];
        for call in never {
            assert!(!process(&GRANTS, 1).contains(call), "{call}");
        }
    }

    #[test]
    fn every_role_is_within_the_process() {
        let process = process(&GRANTS, 1);
        for role in Role::ALL {
            let together = process.clone().and(&of(role, &GRANTS, 1));
            assert!(together.rules().is_ok());
            let more: Vec<i64> = (0..512)
                .filter(|&call| together.contains(call) && !process.contains(call))
                .collect();
            assert!(more.is_empty(), "{role:?}: {more:?}");
        }
    }

    #[test]
    fn who_runs_or_compiles_a_guest_s_code_neither_opens_nor_connects_nor_starts_programs() {
        for role in [
            Role::GuestCpu,
            Role::Compiler,
            Role::Sync,
            Role::Copy,
            Role::Terminal,
        ] {
            let calls = of(role, &GRANTS, 1);
            for call in [
                SYS_open,
                SYS_openat2,
                SYS_creat,
                SYS_connect,
                SYS_socket,
                SYS_bind,
                SYS_execve,
                SYS_unlink,
                SYS_unlinkat,
                SYS_rename,
                SYS_io_uring_setup,
                SYS_io_uring_register,
            ] {
                assert!(!calls.contains(call), "{role:?}: {call}");
            }
        }
    }

    #[test]
    fn only_who_was_granted_it_connects() {
        for grants in [
            Grants::default(),
            Grants {
                listen_tcp: true,
                ..Grants::default()
            },
        ] {
            for role in Role::ALL {
                assert!(!of(role, &grants, 1).contains(SYS_connect), "{role:?}");
                assert!(!of(role, &grants, 1).contains(SYS_socket), "{role:?}");
            }
        }
        let unix = Grants {
            unix: true,
            ..Grants::default()
        };
        assert!(of(Role::Control, &unix, 1).contains(SYS_connect));
        assert!(!of(Role::Control, &unix, 1).contains(SYS_bind));
    }
}

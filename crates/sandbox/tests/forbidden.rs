//! What is forbidden is tried from inside a sandbox, and is stopped; what is allowed works. Each
//! case is a process of its own: this test binary, started again by itself with the name of the
//! case.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sandbox::{Filters, Grants, OnMiss, PathRights, PathRules, PathsInForce, harden, violation};
use thread_role::Role;

const CASE: &str = "SANDBOX_CASE";
const DIRECTORY: &str = "SANDBOX_DIRECTORY";
/// What a case exits with that came to its end, as the test harness would.
const DONE: &str = "the case came to its end";

/// Runs `case` in a process of its own, in `directory`.
fn inside(test: &str, case: &str, directory: &Path) -> Output {
    let me = std::env::current_exe().expect("this program");
    Command::new(me)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CASE, case)
        .env(DIRECTORY, directory)
        .output()
        .expect("it starts")
}

/// The case that this process is to run, and where; none: it is the test that starts the cases.
fn case() -> Option<(String, PathBuf)> {
    Some((
        std::env::var(CASE).ok()?,
        std::env::var_os(DIRECTORY)?.into(),
    ))
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn came_to_its_end(output: &Output) -> bool {
    String::from_utf8_lossy(&output.stdout).contains(DONE)
}

/// Does `work` on a fresh thread of a role, in a process that has entered its sandbox.
fn as_role(role: Option<Role>, grants: Grants, work: impl FnOnce() + Send + 'static) {
    harden().expect("this process gives up what it can");
    violation::before_the_end(|| eprint!("put back; "));
    let filters = Filters::new(&grants, OnMiss::End).expect("filters");
    filters.enter_process().expect("filters are taken");
    let thread = std::thread::Builder::new().name("tested".into());
    let body = move || {
        if let Some(role) = role {
            filters.enter(role).expect("a role is taken");
        }
        work();
    };
    thread
        .spawn(body)
        .expect("a thread")
        .join()
        .expect("no panic");
    println!("{DONE}");
}

/// What is tried, by whom, and the call that the message has to name.
const FORBIDDEN: [(&str, Option<Role>, &str); 16] = [
    ("exec", None, "execve"),
    ("fork", None, "fork"),
    ("ptrace", None, "ptrace"),
    ("signal to another process", None, "kill"),
    ("raw socket", None, "socket"),
    ("type into the terminal", None, "ioctl"),
    ("another handler", None, "rt_sigaction"),
    ("write a file", Some(Role::GuestCpu), "openat"),
    ("write a file", Some(Role::Compiler), "openat"),
    ("connect", Some(Role::GuestCpu), "socket"),
    ("connect", Some(Role::Compiler), "socket"),
    ("connect", Some(Role::Control), "socket"),
    ("a ring", Some(Role::GuestCpu), "io_uring_setup"),
    ("a ring", Some(Role::Machine), "io_uring_setup"),
    ("executable memory", Some(Role::GuestCpu), "mmap"),
    ("executable memory", Some(Role::Control), "mmap"),
];

fn attempt(what: &str, directory: &Path) {
    let target = directory.join("made");
    // SAFETY: system calls with plain numbers and static strings; each is refused before it does
    // anything.
    #[allow(unsafe_code)]
    unsafe {
        match what {
            "exec" => {
                let name = c"/bin/true";
                let arguments = [name.as_ptr(), std::ptr::null()];
                libc::execv(name.as_ptr(), arguments.as_ptr());
            }
            // As glibc's fork would, were clone without CLONE_THREAD allowed.
            "fork" => drop(libc::syscall(libc::SYS_fork)),
            "ptrace" => drop(libc::ptrace(libc::PTRACE_TRACEME)),
            "signal to another process" => drop(libc::kill(libc::getppid(), 0)),
            "raw socket" => drop(libc::socket(libc::AF_PACKET, libc::SOCK_RAW, 0)),
            "type into the terminal" => drop(libc::ioctl(0, libc::TIOCSTI, c"x".as_ptr())),
            "another handler" => drop(libc::signal(libc::SIGSYS, libc::SIG_IGN)),
            "write a file" => drop(File::create(&target)),
            "connect" => drop(UnixStream::connect(&target)),
            "a ring" => drop(libc::syscall(
                libc::SYS_io_uring_setup,
                8,
                [0u8; 256].as_ptr(),
            )),
            "executable memory" => {
                let rights = libc::PROT_READ | libc::PROT_EXEC;
                let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                libc::mmap(std::ptr::null_mut(), 4096, rights, flags, -1, 0);
            }
            other => panic!("no case {other}"),
        }
    }
}

#[test]
fn what_is_forbidden_ends_the_process_with_the_thread_and_the_call() {
    if let Some((case, directory)) = case() {
        let number: usize = case.parse().expect("a number");
        let (what, role, _) = FORBIDDEN[number];
        return as_role(role, Grants::default(), move || attempt(what, &directory));
    }
    for (number, (what, role, call)) in FORBIDDEN.into_iter().enumerate() {
        let directory = tempfile::tempdir().expect("directory");
        let test = "what_is_forbidden_ends_the_process_with_the_thread_and_the_call";
        let output = inside(test, &number.to_string(), directory.path());
        let said = stderr(&output);
        assert_eq!(
            output.status.code(),
            Some(violation::EXIT_CODE.into()),
            "{what} {role:?}: {said}"
        );
        assert!(
            said.contains(&format!("the thread tested at the system call {call},")),
            "{what} {role:?}: {said}"
        );
        assert!(said.contains("put back; error: the sandbox"), "{said}");
        assert!(!came_to_its_end(&output));
        assert!(!directory.path().join("made").exists(), "{what} {role:?}");
    }
}

#[test]
fn the_same_calls_are_let_through_where_they_are_only_to_be_logged() {
    if let Some((_, directory)) = case() {
        let filters = Filters::new(&Grants::default(), OnMiss::Log).expect("filters");
        filters.enter_process().expect("filters are taken");
        filters.enter(Role::GuestCpu).expect("a role is taken");
        File::create(directory.join("made")).expect("it is let through");
        let ran = Command::new("/bin/true")
            .status()
            .expect("it is let through");
        assert!(ran.success());
        return println!("{DONE}");
    }
    let directory = tempfile::tempdir().expect("directory");
    let test = "the_same_calls_are_let_through_where_they_are_only_to_be_logged";
    let output = inside(test, "log", directory.path());
    assert!(came_to_its_end(&output), "{}", stderr(&output));
    assert!(directory.path().join("made").exists());
}

#[test]
fn a_thread_that_may_open_nothing_gets_an_error_for_reading_and_lives() {
    if let Some((_, directory)) = case() {
        return as_role(Some(Role::GuestCpu), Grants::default(), move || {
            let refused = File::open(directory.join("there")).expect_err("refused");
            assert_eq!(refused.kind(), std::io::ErrorKind::PermissionDenied);
            // Threads that it starts are threads of the process, and as narrow.
            let refused = std::thread::spawn(move || File::open(directory.join("there")).is_err());
            assert!(refused.join().expect("no panic"));
            // The allocator gives memory back, for which glibc opens a file on any thread.
            let blocks: Vec<Vec<u8>> = (0..2000).map(|_| vec![1; 60_000]).collect();
            assert_eq!(
                blocks
                    .iter()
                    .map(|block| usize::from(block[9]))
                    .sum::<usize>(),
                2000
            );
        });
    }
    let directory = tempfile::tempdir().expect("directory");
    fs::write(directory.path().join("there"), "x").expect("file");
    let test = "a_thread_that_may_open_nothing_gets_an_error_for_reading_and_lives";
    let output = inside(test, "soft", directory.path());
    assert!(came_to_its_end(&output), "{}", stderr(&output));
}

#[test]
fn only_what_is_named_is_reached() {
    if let Some((_, directory)) = case() {
        harden().expect("this process gives up what it can");
        let at = |name: &str| directory.join(name);
        let mut rules = PathRules::default();
        rules.allow(at("read"), PathRights::Read);
        rules.allow(at("image"), PathRights::Write);
        rules.allow(at("managed"), PathRights::Manage);
        rules.allow(at("sockets"), PathRights::Sockets);
        rules.allow(at("not/there"), PathRights::Manage);
        rules.allow_listen(0);
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let closed = free.local_addr().expect("address");
        if rules.enforce().expect("enforced") == PathsInForce::Nothing {
            println!("{DONE}");
            return eprintln!("this kernel has no Landlock");
        }
        let denied = |result: std::io::Result<()>, what: &str| {
            let error = result.expect_err(what);
            assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied, "{what}");
        };
        fs::read(at("read")).expect("readable");
        denied(fs::write(at("read"), "x"), "write to what is only read");
        fs::write(at("image"), "x").expect("writable");
        denied(fs::remove_file(at("image")), "remove what is written to");
        denied(fs::read(at("secret")).map(drop), "read what is not named");
        denied(fs::write(at("new"), "x"), "make a file where none is named");
        denied(fs::create_dir(at("directory")), "make a directory");
        fs::create_dir(at("managed/new")).expect("managed");
        fs::write(at("managed/new/file"), "x").expect("managed");
        fs::rename(at("managed/new"), at("managed/old")).expect("managed");
        fs::remove_dir_all(at("managed/old")).expect("managed");
        let link = std::os::unix::fs::symlink(at("secret"), at("managed/link"));
        denied(link, "a symbolic link in what is managed");
        let _socket = UnixListener::bind(at("sockets/s")).expect("sockets");
        denied(fs::write(at("sockets/file"), "x"), "a file among sockets");
        fs::remove_file(at("sockets/s")).expect("sockets");
        let status = fs::read_to_string("/proc/self/status");
        denied(status.map(drop), "even this process's own files");
        denied(TcpStream::connect(closed).map(drop), "connect to a port");
        denied(
            TcpListener::bind("127.0.0.1:1").map(drop),
            "listen at a port",
        );
        TcpListener::bind("127.0.0.1:0").expect("a port that the host chooses is named");
        let program = Command::new("/bin/true").status();
        denied(program.map(drop), "execute a program");
        return println!("{DONE}");
    }
    let directory = tempfile::tempdir().expect("directory");
    for file in ["read", "image", "secret"] {
        fs::write(directory.path().join(file), "x").expect("file");
    }
    for inner in ["managed", "sockets"] {
        fs::create_dir(directory.path().join(inner)).expect("directory");
    }
    let output = inside("only_what_is_named_is_reached", "paths", directory.path());
    assert!(came_to_its_end(&output), "{}", stderr(&output));
}

#[test]
fn later_rules_only_take_away() {
    if let Some((_, directory)) = case() {
        harden().expect("this process gives up what it can");
        let mut first = PathRules::default();
        first.allow(&directory, PathRights::Manage);
        let enforced = first.enforce().expect("enforced");
        let mut image = OpenOptions::new();
        image.write(true).create_new(true);
        let mut image = image.open(directory.join("image")).expect("made");
        let mut second = PathRules::default();
        second.allow(directory.join("image"), PathRights::Write);
        second.allow("/etc", PathRights::Read);
        second.enforce().expect("enforced");
        image.write_all(b"x").expect("what is open stays open");
        fs::read(directory.join("image")).expect("readable by both");
        if enforced != PathsInForce::Nothing {
            assert!(
                fs::write(directory.join("other"), "x").is_err(),
                "not by the second"
            );
            assert!(fs::read("/etc/passwd").is_err(), "not by the first");
        }
        return println!("{DONE}");
    }
    let directory = tempfile::tempdir().expect("directory");
    let output = inside("later_rules_only_take_away", "layers", directory.path());
    assert!(came_to_its_end(&output), "{}", stderr(&output));
}

#[test]
fn a_hardened_process_is_not_dumped_and_hands_no_descriptor_on() {
    if case().is_some() {
        // SAFETY: duplicates a descriptor; nothing else knows the new one.
        #[allow(unsafe_code)]
        let inherited = unsafe { libc::dup(0) };
        assert!(inherited > 2);
        harden().expect("this process gives up what it can");
        let status = fs::read_to_string("/proc/thread-self/status").expect("status");
        assert!(status.contains("NoNewPrivs:\t1"), "{status}");
        let limits = fs::read_to_string("/proc/self/limits").expect("limits");
        let core = limits
            .lines()
            .find(|line| line.starts_with("Max core file size"));
        let core: Vec<&str> = core.expect("a limit").split_whitespace().collect();
        assert_eq!(core[4..6], ["0", "0"]);
        // SAFETY: asks for flags only.
        #[allow(unsafe_code)]
        let (flags, dumpable) = unsafe {
            (
                libc::fcntl(inherited, libc::F_GETFD),
                libc::prctl(libc::PR_GET_DUMPABLE),
            )
        };
        assert_eq!((flags, dumpable), (libc::FD_CLOEXEC, 0));
        return println!("{DONE}");
    }
    let directory = tempfile::tempdir().expect("directory");
    let test = "a_hardened_process_is_not_dumped_and_hands_no_descriptor_on";
    let output = inside(test, "harden", directory.path());
    assert!(came_to_its_end(&output), "{}", stderr(&output));
}

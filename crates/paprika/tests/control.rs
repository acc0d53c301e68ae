//! The control socket of a running machine: what it answers, and what it does to the machine.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use common::running::Running;
use common::{argument, run, tiny_guest, wait};
use papr_scm::nvdimm::NvdimmConfig;
use paprika::control::api::{AddNvdimm, State};
use paprika::control::client::{Client, ClientError};
use paprika::control::error::ErrorCode;
use serde_json::Value;

const ERROR: i32 = 1;

fn code(error: ClientError) -> Option<ErrorCode> {
    match error {
        ClientError::Api(error) => Some(error.code),
        _ => None,
    }
}

#[test]
fn a_machine_tells_how_it_is_and_its_socket_is_private() {
    let machine = Running::start(&["--cpus=2"]);
    let mode = machine
        .socket()
        .metadata()
        .expect("socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let status = machine.client().status().expect("status");
    assert_eq!(
        (status.state, status.name.as_str(), status.cpus),
        (State::Running, "tiny", 2)
    );
    assert_eq!(
        (status.memory, status.nvdimms, status.pid),
        (256 << 20, 0, machine.child.id())
    );
    let plain = machine.ctl(&["status"]);
    assert_eq!((plain.code, plain.stderr.as_str()), (Some(0), ""));
    assert!(plain.stdout.starts_with("tiny: running"), "{plain:?}");
    let json: Value =
        serde_json::from_str(&machine.ctl(&["status", "--json"]).stdout).expect("JSON");
    assert_eq!(
        (&json["state"], &json["cpus"]),
        (&"running".into(), &2.into())
    );
    machine.end();
}

#[test]
fn a_paused_guest_does_nothing_until_it_is_resumed() {
    let mut machine = Running::start(&[]);
    machine.guest_lives("before");
    let client = machine.client();
    assert_eq!(client.pause().expect("pause").state, State::Paused);
    let counts = || client.metrics().expect("metrics");
    let before = counts();
    assert_eq!(before["paused"], true);
    machine.type_in(b"while");
    assert_eq!(client.pause().expect("twice is once").state, State::Paused);
    let after = counts();
    assert_eq!(
        (&before["instructions"], &before["hypercalls"]),
        (&after["instructions"], &after["hypercalls"])
    );
    assert!(
        machine.console.try_recv().is_err(),
        "a paused guest does not answer"
    );
    assert_eq!(client.resume().expect("resume").state, State::Running);
    machine.expect("while");
    machine.guest_lives("after");
    machine.end();
}

#[test]
fn a_reset_starts_the_guest_afresh_and_a_paused_one_stays_paused() {
    let mut machine = Running::start(&["--no-reboot"]);
    let client = machine.client();
    client.reset().expect("reset");
    machine.expect(tiny_guest::READY);
    client.pause().expect("pause");
    client.reset().expect("reset");
    while client.metrics().expect("metrics")["resets"] != 2 {
        std::thread::yield_now();
    }
    assert_eq!(client.status().expect("status").state, State::Paused);
    assert!(
        machine.console.try_recv().is_err(),
        "the guest does not start"
    );
    client.resume().expect("resume");
    machine.expect(tiny_guest::READY);
    machine.end();
}

#[test]
fn a_machine_can_be_ended_while_it_is_paused() {
    let mut machine = Running::start(&[]);
    machine.client().pause().expect("pause");
    let pid = rustix::process::Pid::from_child(&machine.child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("signal");
    assert_eq!(wait(&mut machine.child).code(), Some(5));
    assert!(!machine.socket().exists());
}

#[test]
fn a_guest_that_does_not_listen_is_asked_once_to_shut_down_and_lives_on() {
    let mut machine = Running::start(&[]);
    for _ in 0..100 {
        machine.client().power_down().expect("asking is free");
    }
    machine.guest_lives("still here");
    machine.end();
}

#[test]
fn devices_are_plugged_listed_and_taken_out_and_their_files_are_let_go() {
    let mut machine = Running::start(&[]);
    let path = machine.directory.join("pmem.img");
    let keys = format!("id=dimm-1,path={},size=256M", path.display());
    let added = machine.ctl(&["nvdimm", "add", &keys, "--timeout=0"]);
    assert_eq!(added.code, Some(0), "{added:?}");
    assert!(
        added.stdout.contains("has not taken it yet"),
        "the tiny guest knows no NVDIMM: {added:?}"
    );
    let list = machine.ctl(&["nvdimm", "list"]);
    assert!(
        list.stdout.contains("dimm-1") && list.stdout.contains("256 MiB"),
        "{list:?}"
    );
    let text = machine.ctl(&["metrics"]).stdout;
    assert!(
        text.contains("paprika_nvdimm_flushes_total{nvdimm=\"dimm-1\"} 0"),
        "{text}"
    );
    let lock = || std::fs::File::open(&path).expect("file").try_lock();
    assert!(lock().is_err(), "the machine holds the file");
    let removed = machine.ctl(&["nvdimm", "remove", "dimm-1", "--json"]);
    let removed: Value = serde_json::from_str(&removed.stdout).expect("JSON");
    assert_eq!(
        (&removed["synced"], &removed["released"]),
        (&true.into(), &true.into())
    );
    assert!(lock().is_ok(), "the machine has let go of the file");
    assert_eq!(machine.client().nvdimms().expect("list").nvdimms, []);
    machine.guest_lives("unmoved");
    machine.end();
}

#[test]
fn a_device_that_the_guest_holds_goes_at_a_reset_where_it_does_not_answer() {
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("pmem.img");
    let mut machine = Running::start(&[
        "--nvdimm",
        &format!("id=cold,path={},size=256M", path.display()),
    ]);
    let client = machine.client();
    let error = machine.ctl(&["nvdimm", "remove", "cold", "--timeout=0"]);
    assert_eq!(error.code, Some(ERROR));
    assert!(
        error.stderr.contains("the request stands") && error.stderr.contains("next reset"),
        "{error:?}"
    );
    assert_eq!(client.nvdimms().expect("list").nvdimms.len(), 1);
    client.reset().expect("reset");
    machine.expect(tiny_guest::READY);
    assert_eq!(client.nvdimms().expect("list").nvdimms, []);
    machine.end();
}

#[test]
fn what_can_not_be_is_refused_with_a_code_and_a_sentence_and_leaves_no_file() {
    let machine = Running::start(&[]);
    let client = machine.client();
    let at = |id: &str| {
        let mut config = NvdimmConfig::new(id, machine.directory.join(format!("{id}.img")));
        config.size = Some(256 << 20);
        AddNvdimm {
            timeout_ms: Some(0),
            ..config.into()
        }
    };
    client
        .add_nvdimm(&AddNvdimm {
            slot: Some(7),
            ..at("first")
        })
        .expect("there is room");
    let first = client.nvdimms().expect("list").nvdimms.remove(0);
    for (wanted, expected) in [
        (at("first"), ErrorCode::Conflict),
        (
            AddNvdimm {
                uuid: Some(first.uuid),
                ..at("same-uuid")
            },
            ErrorCode::Conflict,
        ),
        (
            AddNvdimm {
                slot: Some(7),
                ..at("same-slot")
            },
            ErrorCode::Conflict,
        ),
        (
            AddNvdimm {
                slot: Some(256),
                ..at("no-slot")
            },
            ErrorCode::BadRequest,
        ),
        (
            AddNvdimm {
                path: "relative".into(),
                ..at("relative")
            },
            ErrorCode::BadRequest,
        ),
        (
            AddNvdimm {
                id: String::new(),
                ..at("nameless")
            },
            ErrorCode::BadRequest,
        ),
        (
            AddNvdimm {
                size: Some(1),
                ..at("tiny")
            },
            ErrorCode::BadRequest,
        ),
        (
            AddNvdimm {
                size: Some(1 << 55),
                ..at("huge")
            },
            ErrorCode::Refused,
        ),
        (
            AddNvdimm {
                size: None,
                ..at("missing")
            },
            ErrorCode::Refused,
        ),
        (
            AddNvdimm {
                path: machine.directory.join("first.img"),
                ..at("same-file")
            },
            ErrorCode::Refused,
        ),
        (
            AddNvdimm {
                timeout_ms: Some(60_001),
                ..at("patient")
            },
            ErrorCode::BadRequest,
        ),
    ] {
        let id = wanted.id.clone();
        assert_eq!(
            client.add_nvdimm(&wanted).map_err(code),
            Err(Some(expected)),
            "{id}"
        );
        let file = machine.directory.join(format!("{id}.img"));
        assert!(id == "first" || !file.exists(), "{id} left a file");
    }
    assert_eq!(
        client.remove_nvdimm("nobody", None).map_err(code),
        Err(Some(ErrorCode::NotFound))
    );
    assert_eq!(client.nvdimms().expect("list").nvdimms, [first]);
    machine.end();
}

#[test]
fn a_device_for_which_there_is_no_slot_is_refused_in_words() {
    let machine = Running::start(&[]);
    let client = machine.client();
    let add = |n: u32| {
        let mut config =
            NvdimmConfig::new(format!("n{n}"), machine.directory.join(format!("{n}.img")));
        config.size = Some(256 << 20);
        client.add_nvdimm(&AddNvdimm {
            timeout_ms: Some(0),
            ..config.into()
        })
    };
    let mut resets = 0;
    for n in 0..256 {
        let Err(error) = add(n) else { continue };
        // The tiny guest fetches no events, and does not get more than there is room for. A reset forgets them.
        assert!(
            error
                .to_string()
                .contains("has not taken the last 64 events"),
            "{n}: {error}"
        );
        assert_eq!(n % 64, 0);
        client.reset().expect("reset");
        resets += 1;
        while client.metrics().expect("metrics")["resets"] != resets {
            std::thread::yield_now();
        }
        add(n).expect("there is room again");
    }
    assert_eq!(
        (resets, client.nvdimms().expect("list").nvdimms.len()),
        (3, 256)
    );
    let refused = add(256).expect_err("no slot");
    assert!(refused.to_string().contains("no slot is free"), "{refused}");
    assert!(!machine.directory.join("256.img").exists());
    machine.end();
}

#[test]
fn one_machine_has_a_socket_and_a_dead_one_s_is_taken_over() {
    let mut machine = Running::start(&[]);
    let socket = machine.socket();
    let second = |path: &Path| {
        let kernel = machine.directory.join("tiny-guest");
        let nvdimm = format!(
            "id=a,path={},size=256M",
            machine.directory.join("new.img").display()
        );
        run(&[
            "run",
            "--memory=256M",
            "--kernel",
            argument(&kernel),
            "--nvdimm",
            &nvdimm,
            "--api-socket",
            argument(path),
        ])
    };
    let refused = second(&socket);
    assert_eq!(refused.code, Some(ERROR));
    assert!(
        refused.stderr.contains("of a machine that runs"),
        "{refused:?}"
    );
    assert!(!machine.directory.join("new.img").exists());
    let file = machine.directory.join("tiny-guest");
    assert!(second(&file).stderr.contains("is not a socket"));
    // Killed, it can't clean up.
    machine
        .child
        .kill()
        .and_then(|()| machine.child.wait())
        .expect("killed");
    assert!(socket.exists());
    let gone = machine.ctl(&["status"]);
    assert_eq!(gone.code, Some(ERROR));
    assert!(gone.stderr.contains("no machine answers at"), "{gone:?}");
    let heir = Running::start_in(&machine.directory, &[]);
    assert_eq!(
        Client::new(&socket).status().expect("status").pid,
        heir.child.id()
    );
    heir.end();
}

//! Migration by the real program, with a tiny guest: what moves, what is refused, and processes that are killed.

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::running::Running;
use common::{argument, tiny_guest, wait};
use paprika::control::api::{MigrateRequest, MigrationStage, State};
use paprika::control::client::ClientError;
use paprika::control::error::ErrorCode;

const OK: i32 = 0;
const ERROR: i32 = 1;

fn device(directory: &Path, more: &str) -> String {
    let path = directory.join("pmem0.img");
    format!("--nvdimm=id=pmem0,path={},size=256M{more}", argument(&path))
}

fn unix(directory: &Path, name: &str) -> String {
    format!("unix:{}", argument(&directory.join(name)))
}

/// A process that waits for a guest: its URI on a network, or a Unix socket.
fn receiving(directory: &Path, network: bool) -> (Running, String) {
    if network {
        let (receiving, port) = Running::receive_at_port_in(directory, "second");
        (receiving, format!("tcp:127.0.0.1:{port}"))
    } else {
        let uri = unix(directory, "in");
        (Running::receive_in(directory, "second", &uri, &[]), uri)
    }
}

fn request(uri: &str) -> MigrateRequest {
    MigrateRequest {
        uri: uri.into(),
        downtime_limit_ms: None,
        brake: false,
    }
}

/// Moves the guest of one process to another.
#[track_caller]
fn moved(from: Running, to: &Running, uri: &str) {
    let ran = from.ctl(&["migrate", uri]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(OK), ""), "{ran:?}");
    assert!(
        ran.stdout.contains("the guest goes on in"),
        "{}",
        ran.stdout
    );
    let (code, words) = from.ending();
    assert_eq!(code, Some(OK), "{words}");
    let last = words.lines().next_back().unwrap_or_default();
    assert!(last.starts_with("paprika: the guest goes on in"), "{words}");
    to.wait_ready();
}

#[test]
fn a_guest_moves_from_process_to_process_with_its_nvdimm_and_boots_again_from_what_it_was_started_with()
 {
    let directory = tempfile::tempdir().expect("directory");
    let at = directory.path();
    let mut first = Running::start_in(at, &[&device(at, ""), "--cpus=2"]);
    first.guest_lives("here");
    let uri = unix(at, "in");
    let mut second = Running::receive_in(at, "second", &uri, &[]);
    moved(first, &second, &uri);
    second.guest_lives("there");
    let status = second.client().status().expect("status");
    assert_eq!(
        (
            status.name.as_str(),
            status.cpus,
            status.nvdimms,
            status.state
        ),
        ("tiny", 2, 1, State::Running)
    );
    // Somebody who wants the NVDIMM finds its lock held.
    let ran = common::run(&[
        "run",
        "--kernel",
        argument(&at.join("tiny-guest")),
        &device(at, ""),
    ]);
    assert!(
        ran.stderr.contains("in use by another monitor"),
        "{}",
        ran.stderr
    );

    let (mut third, port) = Running::receive_at_port_in(at, "third");
    moved(second, &third, &format!("tcp:127.0.0.1:{port}"));
    third.guest_lives("and on");
    third.type_in(&[tiny_guest::REBOOT]);
    third.expect(tiny_guest::READY);
    third.guest_lives("again");
    third.end();
}

#[test]
fn a_paused_guest_arrives_paused() {
    let directory = tempfile::tempdir().expect("directory");
    let at = directory.path();
    let first = Running::start_in(at, &[]);
    first.client().pause().expect("paused");
    let uri = unix(at, "in");
    let mut second = Running::receive_in(at, "second", &uri, &[]);
    moved(first, &second, &uri);
    assert_eq!(
        second.client().status().expect("status").state,
        State::Paused
    );
    second.client().resume().expect("resumed");
    second.guest_lives("awake");
    second.end();
}

#[test]
fn what_the_guest_would_notice_is_refused_with_the_reason_at_the_destination_and_the_guest_runs_on()
{
    let directory = tempfile::tempdir().expect("directory");
    let at = directory.path();
    let mut guest = Running::start_in(at, &[&device(at, "")]);
    let missing = format!(
        "--nvdimm=id=pmem0,path={}",
        argument(&at.join("missing.img"))
    );
    let short = at.join("short.img");
    std::fs::File::create(&short)
        .and_then(|file| file.set_len(128 << 20))
        .expect("a file");
    let short = format!("--nvdimm=id=pmem0,path={}", argument(&short));
    let copy = at.join("copy.img");
    let length = std::fs::metadata(at.join("pmem0.img"))
        .expect("a file")
        .len();
    std::fs::File::create(&copy)
        .and_then(|file| file.set_len(length))
        .expect("a file");
    let copy = format!("--nvdimm=id=pmem0,path={}", argument(&copy));
    for (number, (more, said)) in [
        ("--machine=pseries-1.0", "is older"),
        ("--nvdimm=id=pmem0,sync-dax=on", "sync-dax was off"),
        ("--nvdimm=id=pmem7,sync-dax=on", "pmem7"),
        (missing.as_str(), "is missing"),
        (short.as_str(), "fewer"),
        (copy.as_str(), "is not the file"),
    ]
    .into_iter()
    .enumerate()
    {
        let uri = unix(at, "in");
        let waiting = Running::receive_in(at, &format!("other{number}"), &uri, &[more]);
        let ran = guest.ctl(&["migrate", &uri]);
        assert_eq!(ran.code, Some(ERROR), "{more}: {ran:?}");
        assert!(
            ran.stderr.contains("refused") && ran.stderr.contains("the guest goes on here"),
            "{more}: {}",
            ran.stderr
        );
        // What this host has is told to nobody who sends a machine.
        assert!(!ran.stderr.contains(said), "{more}: {}", ran.stderr);
        let (code, words) = waiting.ending();
        assert_eq!(code, Some(ERROR));
        assert!(words.contains(said), "{more}: {words}");
        guest.guest_lives("still here");
    }
    // Nobody there at all.
    let ran = guest.ctl(&["migrate", &unix(at, "nobody")]);
    assert!(ran.stderr.contains("can't be reached"), "{}", ran.stderr);
    let status = guest.ctl(&["migrate", "--status"]).stdout;
    assert!(status.starts_with("failed: unix:"), "{status}");
    guest.guest_lives("and on");
    guest.end();
}

#[test]
fn a_migration_that_hangs_is_watched_and_cancelled_and_one_at_a_time_goes_on() {
    let mut guest = Running::start(&[]);
    let (client, other) = (guest.client(), guest.client());
    assert_eq!(client.migrating().expect("status").migration, None);
    let path = guest.directory.join("mute");
    // It takes the connection and never says a word.
    let _mute = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let uri = format!("unix:{}", argument(&path));
    let wanted = request(&uri);
    let error = std::thread::scope(|scope| {
        let moving = scope.spawn(|| client.migrate(&wanted));
        let deadline = Instant::now() + Duration::from_secs(60);
        while other.migrating().expect("status").migration.is_none() {
            assert!(Instant::now() < deadline);
        }
        let busy = other.migrate(&wanted).expect_err("one goes on");
        assert!(matches!(busy, ClientError::Api(error) if error.code == ErrorCode::Busy));
        other.cancel_migration().expect("it can be cancelled");
        moving
            .join()
            .expect("no panic")
            .expect_err("cancelled or refused")
    });
    assert!(
        error.to_string().ends_with("the guest goes on here"),
        "{error}"
    );
    let last = other.migrating().expect("status").migration.expect("one");
    assert_eq!(last.stage, MigrationStage::Failed);
    let error = other.cancel_migration().expect_err("none goes on");
    assert!(matches!(error, ClientError::Api(error) if error.code == ErrorCode::NotFound));
    guest.guest_lives("here");
    guest.end();
}

#[test]
fn a_downtime_that_can_not_be_had_leaves_the_guest_with_numbers() {
    let directory = tempfile::tempdir().expect("directory");
    let at = directory.path();
    let mut guest = Running::start_in(at, &[]);
    let uri = unix(at, "in");
    let waiting = Running::receive_in(at, "other", &uri, &[]);
    let ran = guest.ctl(&["migrate", &uri, "--downtime-limit=1"]);
    assert!(
        ran.stderr.contains("not for 1 ms at most"),
        "{}",
        ran.stderr
    );
    assert_eq!(waiting.ending().0, Some(ERROR));
    guest.guest_lives("here");
    guest.end();
}

#[test]
fn requests_that_make_no_sense_are_refused() {
    let guest = Running::start(&[]);
    let client = guest.client();
    for (uri, limit) in [
        ("nowhere", None),
        ("tcp:host", None),
        ("unix:/x", Some(0)),
        ("unix:/x", Some(60_001)),
    ] {
        let wanted = MigrateRequest {
            downtime_limit_ms: limit,
            ..request(uri)
        };
        let error = client.migrate(&wanted).expect_err(uri);
        assert!(matches!(error, ClientError::Api(error) if error.code == ErrorCode::BadRequest));
    }
    guest.end();
}

/// Kills a process at moments that a seed chooses, from before the connection to after the handover.
fn killed_at_seeded_moments(victim_is_source: bool, network: bool) {
    let mut random = fastrand::Rng::with_seed(if victim_is_source { 11 } else { 12 });
    let directory = tempfile::tempdir().expect("directory");
    let at = directory.path();
    let mut went_on = [0; 3];
    for _ in 0..12 {
        let mut source = Running::start_in(at, &[&device(at, "")]);
        let (mut destination, uri) = receiving(at, network);
        let client = source.client();
        let wanted = request(&uri);
        let delay = Duration::from_micros(random.u64(0..200_000));
        let answer = std::thread::scope(|scope| {
            let moving = scope.spawn(|| client.migrate(&wanted));
            std::thread::sleep(delay);
            let victim = if victim_is_source {
                &mut source
            } else {
                &mut destination
            };
            victim.child.kill().expect("a process");
            wait(&mut victim.child);
            if !victim_is_source {
                // A source that can't know waits for its user.
                while !moving.is_finished() {
                    let status = source
                        .client()
                        .migrating()
                        .ok()
                        .and_then(|status| status.migration);
                    if status.is_some_and(|status| status.stage == MigrationStage::Unsure) {
                        assert!(network, "over a Unix socket it is always known");
                        let _ = source.ctl(&["migrate", "--decide=there"]);
                    }
                    std::thread::sleep(Duration::from_millis(5));
                }
            }
            moving.join().expect("no panic")
        });
        if victim_is_source {
            // It has the guest, or it ends and says why, or the source had not come to it: then it waits for another.
            let patience = Instant::now() + Duration::from_secs(3);
            while !destination.ended() && !destination.answers() && Instant::now() < patience {
                std::thread::sleep(Duration::from_millis(5));
            }
            if destination.ended() {
                assert!(answer.is_err());
                assert_eq!(destination.ending().0, Some(ERROR));
                went_on[0] += 1;
                continue;
            }
            if destination.answers() {
                went_on[1] += 1;
            } else {
                went_on[2] += 1;
                let another = Running::start_in(at, &[&device(at, "")]);
                moved(another, &destination, &uri);
            }
            destination.guest_lives("there");
            destination.end();
        } else if answer.is_ok() {
            assert_eq!(source.ending().0, Some(OK));
            went_on[1] += 1;
        } else {
            let said = answer.expect_err("killed").to_string();
            assert!(said.contains("the guest goes on here"), "{said}");
            source.guest_lives("here");
            source.end();
            went_on[0] += 1;
        }
    }
    eprintln!(
        "stayed {}, moved {}, never began {}",
        went_on[0], went_on[1], went_on[2]
    );
}

#[test]
fn a_destination_that_is_killed_leaves_the_guest_at_the_source_or_had_it() {
    killed_at_seeded_moments(false, false);
}

#[test]
fn a_source_that_is_killed_takes_the_guest_with_it_or_has_given_it_away() {
    killed_at_seeded_moments(true, false);
}

#[test]
fn a_destination_that_is_killed_behind_a_network_leaves_the_guest_at_the_source_or_had_it() {
    killed_at_seeded_moments(false, true);
}

#[test]
fn a_guest_that_got_a_device_while_a_migration_was_under_way_moves_with_it_later() {
    let directory = tempfile::tempdir().expect("directory");
    let at = directory.path();
    let mut guest = Running::start_in(at, &[&device(at, "")]);
    let (client, moving) = (guest.client(), guest.client());
    let path = at.join("slow");
    // A destination that takes the offer, and then takes its time.
    let listener = std::os::unix::net::UnixListener::bind(&path).expect("a socket");
    let uri = format!("unix:{}", argument(&path));
    let error = std::thread::scope(|scope| {
        let moved = scope.spawn(|| moving.migrate(&request(&uri)));
        let (slow, _) = listener.accept().expect("it connects");
        let more = common::run(&[
            "ctl",
            "--socket",
            argument(&guest.socket()),
            "nvdimm",
            "add",
            &format!(
                "id=pmem1,path={},size=256M",
                argument(&at.join("pmem1.img"))
            ),
            "--timeout=0",
        ]);
        assert_eq!(more.code, Some(OK), "{more:?}");
        client.cancel_migration().expect("it goes on");
        drop(slow);
        moved.join().expect("no panic").expect_err("cancelled")
    });
    assert!(
        error.to_string().ends_with("the guest goes on here"),
        "{error}"
    );
    let uri = unix(at, "in");
    let mut second = Running::receive_in(at, "second", &uri, &[]);
    guest.guest_lives("here");
    moved(guest, &second, &uri);
    second.guest_lives("both");
    assert_eq!(second.client().status().expect("status").nvdimms, 2);
    second.end();
}

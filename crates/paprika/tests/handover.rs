//! The table of docs/migration.md, by real processes: either is killed, or the network breaks, between two messages of the handover.
//! And the two stages in which a guest stands still and its user is needed: `unsure` and `held`.

mod common;

use std::fs::File;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use common::relay::{Frame, Relay};
use common::running::Running;
use common::{PATIENCE, argument, wait};
use paprika::control::api::{MigrateRequest, Migrated, MigrationStage};
use paprika::control::client::ClientError;

const OK: i32 = 0;
const ERROR: i32 = 1;
/// As for a terminal's user who ends it.
const TERMINATED: i32 = 5;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strike {
    SourceDies,
    DestinationDies,
    /// What is on its way is lost; a new connection can be made.
    NetworkBreaks,
}
use Strike::{DestinationDies, NetworkBreaks, SourceDies};

/// Who runs the guest then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Runs {
    Source,
    Destination,
    /// It has died with the process that had it.
    Nobody,
}

/// A guest on its way, stopped at a message.
struct Move {
    source: Running,
    destination: Running,
    relay: Relay,
    moving: JoinHandle<Result<Migrated, ClientError>>,
    directory: tempfile::TempDir,
}

#[track_caller]
fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "{what}: it never came to pass");
        thread::sleep(Duration::from_millis(2));
    }
}

impl Move {
    fn begin(network: bool, hold: Frame) -> Self {
        let directory = tempfile::tempdir().expect("directory");
        let at = directory.path();
        let image = at.join("pmem0.img");
        let device = format!("--nvdimm=id=pmem0,path={},size=256M", argument(&image));
        let mut source = Running::start_in(at, &[&device]);
        source.guest_lives("here");
        let (relay, destination) = if network {
            let (destination, port) = Running::receive_at_port_in(at, "second");
            (Relay::network(port, hold), destination)
        } else {
            let (near, far) = (at.join("near"), at.join("far"));
            let uri = format!("unix:{}", argument(&far));
            let destination = Running::receive_in(at, "second", &uri, &[]);
            (Relay::unix(near, far, hold), destination)
        };
        let (client, to) = (source.client(), relay.uri().to_owned());
        let moving = thread::spawn(move || {
            client.migrate(&MigrateRequest {
                uri: to,
                downtime_limit_ms: None,
                brake: false,
            })
        });
        relay.wait_held();
        Self {
            source,
            destination,
            relay,
            moving,
            directory,
        }
    }

    fn kill_source(&mut self) {
        self.source.child.kill().expect("a process");
        wait(&mut self.source.child);
    }

    /// Kills it, or asks it to end.
    fn end_source(&mut self, kill: bool) {
        if kill {
            return self.kill_source();
        }
        let pid = rustix::process::Pid::from_child(&self.source.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("signal");
        assert_eq!(wait(&mut self.source.child).code(), Some(TERMINATED));
    }

    fn kill_destination(&mut self) {
        self.destination.child.kill().expect("a process");
        wait(&mut self.destination.child);
    }

    fn stage(&self) -> MigrationStage {
        let status = self.source.client().migrating().expect("status");
        status.migration.expect("one goes on").stage
    }

    #[track_caller]
    fn wait_for_stage(&self, stage: MigrationStage) {
        until(&format!("{stage:?}"), || self.stage() == stage);
    }

    /// That the guest stands still at the source: it does nothing, and what is typed waits for it.
    #[track_caller]
    fn stands_still(&mut self, typed: &str) {
        let instructions = |it: &Running| {
            let metrics = it.client().metrics().expect("metrics");
            metrics["instructions"].as_u64().expect("a number")
        };
        let before = instructions(&self.source);
        self.source.type_in(typed.as_bytes());
        assert_eq!(instructions(&self.source), before);
        assert!(self.source.console.try_recv().is_err());
    }

    /// Whether nobody holds the NVDIMM: a guest runs only under its lock.
    fn is_free(&self) -> bool {
        let image = File::open(self.directory.path().join("pmem0.img")).expect("the file");
        image.try_lock().is_ok()
    }

    #[track_caller]
    fn goes_on_at_source(mut self) {
        let said = self.moving.join().expect("no panic");
        let said = said.expect_err("it has not moved").to_string();
        assert!(said.contains("the guest goes on here"), "{said}");
        self.source.guest_lives("still here");
        self.source.end();
    }

    /// `ended`: the source lives, and ends.
    #[track_caller]
    fn goes_on_at_destination(mut self, ended: bool) {
        self.destination.wait_ready();
        if ended {
            self.moving.join().expect("no panic").expect("it has moved");
            let (code, words) = self.source.ending();
            assert_eq!(code, Some(OK), "{words}");
        }
        self.destination.guest_lives("there");
        self.destination.end();
    }
}

/// One cell of the table: `held` is the message after which it has not come to the next. What was sent before a process died arrives over
/// a Unix socket; over a network it does if `arrives`.
#[track_caller]
fn cell(network: bool, held: Frame, strike: Strike, arrives: bool, runs: Runs) {
    let mut moved = Move::begin(network, held);
    match strike {
        SourceDies => moved.kill_source(),
        DestinationDies => moved.kill_destination(),
        NetworkBreaks => {}
    }
    if arrives {
        moved.relay.pass();
    } else {
        moved.relay.cut();
    }
    let case = format!("network: {network}, {held:?} is held, {strike:?}");
    eprintln!("{case}");
    match runs {
        Runs::Source => moved.goes_on_at_source(),
        Runs::Destination => moved.goes_on_at_destination(strike != SourceDies),
        Runs::Nobody => {
            until(&case, || moved.is_free());
            assert!(!moved.destination.answers(), "{case}");
            if strike == DestinationDies {
                assert_eq!(moved.source.ending().0, Some(OK), "{case}");
            }
        }
    }
}

#[test]
fn until_the_source_lets_go_of_the_files_the_guest_is_its_own() {
    for network in [false, true] {
        cell(network, Frame::Ready, SourceDies, true, Runs::Nobody);
        cell(network, Frame::Ready, DestinationDies, true, Runs::Source);
    }
    cell(true, Frame::Ready, NetworkBreaks, false, Runs::Source);
}

#[test]
fn between_the_locks_and_the_handover_a_unix_socket_tells_death_and_a_network_does_not() {
    for held in [Frame::Released, Frame::Prepared] {
        cell(false, held, SourceDies, true, Runs::Destination);
        cell(true, held, SourceDies, false, Runs::Nobody);
        for network in [false, true] {
            cell(network, held, DestinationDies, !network, Runs::Source);
        }
        cell(true, held, NetworkBreaks, false, Runs::Source);
    }
}

#[test]
fn once_handed_over_over_a_unix_socket_whoever_lives_has_the_guest() {
    cell(false, Frame::Commit, SourceDies, true, Runs::Destination);
    cell(false, Frame::Commit, DestinationDies, true, Runs::Source);
}

#[test]
fn once_handed_over_over_a_network_a_source_that_lives_asks_who_has_the_guest() {
    cell(true, Frame::Commit, SourceDies, true, Runs::Destination);
    cell(true, Frame::Commit, SourceDies, false, Runs::Nobody);
    // The destination has not got it, and says so; then it has got it, and says so.
    cell(true, Frame::Commit, NetworkBreaks, false, Runs::Source);
    cell(true, Frame::Owned, NetworkBreaks, false, Runs::Destination);
}

#[test]
fn when_the_destination_has_said_that_it_has_it_it_has() {
    for network in [false, true] {
        cell(network, Frame::Owned, SourceDies, true, Runs::Destination);
        cell(network, Frame::Owned, DestinationDies, true, Runs::Nobody);
    }
}

/// A source that can't know who has the guest, as the network broke when it had been handed over.
#[track_caller]
fn unsure(held: Frame) -> Move {
    let mut moved = Move::begin(true, held);
    moved.relay.cut_for_good();
    moved.wait_for_stage(MigrationStage::Unsure);
    moved.stands_still("typed");
    let status = moved.source.ctl(&["migrate", "--status"]);
    assert!(
        status.stdout.contains("unsure") && status.stdout.contains("--decide there"),
        "{status:?}"
    );
    let cancelled = moved.source.ctl(&["migrate", "--cancel"]);
    assert!(
        cancelled.stderr.contains("can't be called back"),
        "{cancelled:?}"
    );
    moved
}

#[track_caller]
fn decide(moved: &Move, guest_runs: &str) {
    let decided = moved.source.ctl(&["migrate", "--decide", guest_runs]);
    assert_eq!(decided.code, Some(OK), "{decided:?}");
}

#[test]
fn a_source_that_is_unsure_ends_when_its_user_says_that_the_guest_is_there() {
    let moved = unsure(Frame::Owned);
    decide(&moved, "there");
    moved.goes_on_at_destination(true);
}

#[test]
fn a_source_that_is_unsure_goes_on_when_its_user_says_so_of_a_destination_that_died() {
    let mut moved = unsure(Frame::Commit);
    moved.kill_destination();
    assert_eq!(moved.stage(), MigrationStage::Unsure);
    decide(&moved, "here");
    moved.source.expect("typed");
    moved.goes_on_at_source();
}

#[test]
fn the_death_of_a_destination_behind_a_network_is_not_known_to_its_source_before_somebody_says_so()
{
    // It has died with the guest, or before it had it: the source can't tell one from the other.
    for (held, guest_was) in [(Frame::Owned, "there"), (Frame::Commit, "here")] {
        let mut moved = Move::begin(true, held);
        moved.kill_destination();
        moved.relay.cut();
        moved.wait_for_stage(MigrationStage::Unsure);
        moved.stands_still("typed");
        decide(&moved, guest_was);
        if guest_was == "here" {
            moved.source.expect("typed");
            moved.goes_on_at_source();
        } else {
            moved
                .moving
                .join()
                .expect("no panic")
                .expect("it has moved");
            assert_eq!(moved.source.ending().0, Some(OK));
        }
    }
}

#[test]
fn a_source_that_is_unsure_knows_as_soon_as_the_destination_can_be_asked() {
    let moved = unsure(Frame::Owned);
    moved.relay.mend();
    moved.goes_on_at_destination(true);
    let mut moved = unsure(Frame::Commit);
    moved.relay.mend();
    moved.source.expect("typed");
    let (code, words) = moved.destination.ending();
    assert_eq!(code, Some(ERROR), "{words}");
    let said = moved.moving.join().expect("no panic");
    let said = said.expect_err("it stayed").to_string();
    assert!(said.contains("the guest goes on here"), "{said}");
    moved.source.end();
}

#[test]
fn a_source_that_is_killed_or_ended_while_it_is_unsure_takes_nothing_from_the_destination() {
    for kill in [false, true] {
        let mut moved = unsure(Frame::Owned);
        moved.end_source(kill);
        moved.goes_on_at_destination(false);
    }
}

/// A source whose guest is its own again, and whose NVDIMM's file another program has locked meanwhile; and that lock.
#[track_caller]
fn held(network: bool, strike: Strike) -> (Move, File) {
    let mut moved = Move::begin(network, Frame::Released);
    let other = File::open(moved.directory.path().join("pmem0.img")).expect("the file");
    other.try_lock().expect("the source has let go of it");
    match strike {
        DestinationDies => {
            moved.kill_destination();
            moved.relay.pass();
        }
        NetworkBreaks => moved.relay.cut(),
        // Nothing but the lock goes wrong.
        SourceDies => moved.relay.pass(),
    }
    moved.wait_for_stage(MigrationStage::Held);
    moved.stands_still("typed");
    let status = moved.source.ctl(&["migrate", "--status"]).stdout;
    assert!(
        status.contains("waiting for files") && status.contains("pmem0"),
        "{status}"
    );
    (moved, other)
}

/// Closing alone would not do: a process that another test is just starting has the descriptor too, for a moment.
fn let_go(other: File) {
    other.unlock().expect("it was locked");
}

#[test]
fn a_guest_whose_file_another_program_has_locked_goes_on_when_that_lets_go() {
    for (network, strike) in [
        (false, SourceDies),
        (false, DestinationDies),
        (true, SourceDies),
        (true, DestinationDies),
        (true, NetworkBreaks),
    ] {
        let (mut moved, other) = held(network, strike);
        let_go(other);
        moved.source.expect("typed");
        moved.goes_on_at_source();
    }
}

#[test]
fn a_source_that_is_killed_or_ended_while_it_waits_for_a_file_leaves_it_alone() {
    for (network, kill) in [(false, true), (true, true), (false, false)] {
        let (mut moved, other) = held(network, SourceDies);
        moved.end_source(kill);
        assert_eq!(moved.destination.ending().0, Some(ERROR));
        let_go(other);
        // Its guest has died with it, and its file is whoever's wants it next.
        let at = moved.directory.path();
        let image = at.join("pmem0.img");
        let device = format!("--nvdimm=id=pmem0,path={},size=256M", argument(&image));
        let mut next = Running::start_in(at, &[&device]);
        next.guest_lives("next");
        next.end();
    }
}

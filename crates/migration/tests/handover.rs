//! Walks every moment of a migration, lets something go wrong there, and looks who runs the guest afterwards.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use common::pipe::{Connecting, Meeting};
use common::quick;
use common::world::{Fault, Machine, Side, World, lock};
use paprika_migration::handle::Decision;
use paprika_migration::{
    Handle, MigrateError, Options, ReceiveError, Received, Report, Stage, migrate, receive,
};

/// How a migration in which something went wrong ended.
struct Outcome {
    world: Arc<World>,
    /// None: the process was killed meanwhile.
    source: Option<Result<Report, MigrateError>>,
    destination: Option<Result<Received, ReceiveError>>,
    /// The user had to be asked.
    was_unsure: bool,
    _machines: (Machine, Machine),
}

/// Moves the guest, with a user who looks at both sides and says the truth where he is asked.
fn run(
    network: bool,
    fault: Fault,
    at: u64,
    prepare: impl FnOnce(&mut Machine, &mut Machine, &Handle),
) -> Outcome {
    let world = World::new(fault, at);
    let (mut here, mut there) = (
        Machine::new(&world, Side::Source),
        Machine::new(&world, Side::Destination),
    );
    let meeting = Meeting::new(&world, network);
    let (source_handle, destination_handle) = (Handle::new(), Handle::new());
    let options = quick();
    here.start();
    // Something to copy again.
    wait_for(|| world.acknowledged.load(Ordering::SeqCst) > 3);
    prepare(&mut here, &mut there, &source_handle);
    let mut was_unsure = false;
    let connector = Connecting(Arc::clone(&meeting));
    let (source, destination) = std::thread::scope(|scope| {
        let listener = meeting.listener();
        let destination =
            scope.spawn(|| receive(listener, &mut there, &options, &destination_handle));
        let source = {
            let (here, connector, options, handle) = (&here, &connector, &options, &source_handle);
            scope.spawn(move || migrate(here, connector, options, handle))
        };
        while !source.is_finished() {
            if source_handle.progress().stage == Stage::Unsure {
                was_unsure = true;
                // The destination has its time to take the guest first.
                std::thread::sleep(Duration::from_millis(50));
                // Where nobody can know, the user makes sure that it will not run there before he lets it run here.
                if !world.ran_there.load(Ordering::SeqCst) {
                    let _ = destination_handle.cancel();
                    wait_for(|| destination.is_finished());
                }
                let there = world.ran_there.load(Ordering::SeqCst);
                let _ = source_handle.decide(if there {
                    Decision::There
                } else {
                    Decision::Here
                });
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let source = source.join().ok();
        // A source that never came, or was killed before it did, leaves a destination that waits.
        let patience = Instant::now() + Duration::from_secs(4);
        while !destination.is_finished() {
            if Instant::now() > patience || destination_handle.progress().stage == Stage::Connecting
            {
                let _ = destination_handle.cancel();
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        (source, destination.join().ok())
    });
    Outcome {
        world,
        source,
        destination,
        was_unsure,
        _machines: (here, there),
    }
}

fn wait_for(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "it never came to pass");
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl Outcome {
    /// What must be true however a migration ends.
    fn check(&self, network: bool, fault: Fault) {
        let world = &self.world;
        let story = || lock(&world.story).join("\n");
        let what = format!(
            "network: {network}, fault: {fault:?} at: {:?}",
            lock(&world.struck)
        );
        let runs = [world.runs(Side::Source), world.runs(Side::Destination)];
        match (fault, runs) {
            (_, [true, true]) => panic!("two guests run; {what}\n{}", story()),
            (_, [true, false] | [false, true]) => {
                // It is alive, and finds everything as it left it.
                let now = world.acknowledged.load(Ordering::SeqCst);
                wait_for(|| world.acknowledged.load(Ordering::SeqCst) > now + 3);
            }
            // It died with the process that had it.
            (Fault::Kill(Side::Source), _) => {
                assert!(
                    !world.ran_there.load(Ordering::SeqCst),
                    "{what}\n{}",
                    story()
                );
                let struck = lock(&world.struck).clone().unwrap_or_default();
                let handed_over = matches!(
                    struck.as_str(),
                    "has sent a frame of kind 6"
                        | "take"
                        | "is about to send a frame of kind 7"
                        | "has sent a frame of kind 7"
                );
                assert!(
                    network || !handed_over,
                    "the destination had all and did not go on; {what}\n{}",
                    story()
                );
            }
            (Fault::Kill(Side::Destination), _) => {
                // It has said that the guest is its own, and died with it.
                let said = story().contains("Destination is about to send a frame of kind 35");
                let taken = said && matches!(self.source, Some(Ok(_)));
                assert!(taken, "nobody runs the guest; {what}\n{}", story());
            }
            _ => panic!("nobody runs the guest; {what}\n{}", story()),
        }
        let violations = lock(&world.violations).clone();
        assert!(violations.is_empty(), "{violations:?}; {what}\n{}", story());
        assert!(
            world.acknowledged.load(Ordering::SeqCst) <= lock(&world.nvdimm).counter,
            "{what}"
        );
        match (&self.source, world.runs(Side::Source)) {
            (Some(Ok(_)), true) => panic!("the source says that it moved, and runs; {what}"),
            (Some(Err(_)), false) if !world.is_dead(Side::Source) => panic!(
                "the source says that it stayed, and stands still; {what}\n{}",
                story()
            ),
            _ => {}
        }
        assert!(
            matches!(&self.destination, Some(Ok(_)) | None) || !world.runs(Side::Destination),
            "{what}"
        );
    }
}

fn undisturbed(network: bool) -> Outcome {
    run(network, Fault::None, u64::MAX, |_, _, _| {})
}

/// All moments, a few at a time: most of the time goes into waiting.
fn walk(network: bool, faults: &[Fault]) {
    let moments = undisturbed(network).world.steps() + 4;
    assert!(
        moments > 30,
        "a migration has many moments, and {moments} were found"
    );
    let next = AtomicU64::new(0);
    let total = moments * faults.len() as u64;
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                loop {
                    let case = next.fetch_add(1, Ordering::SeqCst);
                    if case >= total {
                        break;
                    }
                    let fault = faults[(case % faults.len() as u64) as usize];
                    run(network, fault, case / faults.len() as u64, |_, _, _| {})
                        .check(network, fault);
                }
            });
        }
    });
}

#[test]
fn a_guest_moves_with_all_that_it_remembers() {
    for network in [false, true] {
        let outcome = undisturbed(network);
        outcome.check(network, Fault::None);
        assert!(outcome.world.runs(Side::Destination));
        assert!(!outcome.was_unsure);
        assert!(matches!(outcome.source, Some(Ok(_))));
    }
}

#[test]
fn whoever_dies_at_whatever_moment_one_guest_runs_at_most_and_one_where_one_can_over_a_unix_socket()
{
    walk(
        false,
        &[Fault::Kill(Side::Source), Fault::Kill(Side::Destination)],
    );
}

#[test]
fn whoever_dies_at_whatever_moment_one_guest_runs_at_most_and_one_where_one_can_over_a_network() {
    walk(
        true,
        &[Fault::Kill(Side::Source), Fault::Kill(Side::Destination)],
    );
}

#[test]
fn wherever_the_network_breaks_exactly_one_guest_runs() {
    walk(true, &[Fault::Cut, Fault::CutForGood]);
}

#[test]
fn whatever_is_damaged_on_its_way_exactly_one_guest_runs() {
    walk(false, &[Fault::Corrupt]);
    walk(true, &[Fault::Corrupt]);
}

#[test]
fn what_a_machine_can_not_do_leaves_the_guest_where_it_was_and_its_user_is_told() {
    for network in [false, true] {
        for step in [
            "description",
            "start_dirty_log",
            "flush_ahead",
            "pause",
            "state",
            "release",
        ] {
            let outcome = run(network, Fault::None, u64::MAX, |here, _, _| {
                here.refuse_at = Some(step)
            });
            outcome.check(network, Fault::None);
            assert!(outcome.world.runs(Side::Source), "{step}");
            let said = outcome
                .source
                .and_then(Result::err)
                .expect(step)
                .to_string();
            assert!(
                said.contains(&format!("{step} is refused; the guest goes on here")),
                "{said}"
            );
            if step != "description" {
                let said = outcome
                    .destination
                    .and_then(Result::err)
                    .expect(step)
                    .to_string();
                assert!(said.contains(&format!("{step} is refused")), "{said}");
            }
        }
        for step in ["check", "load", "take"] {
            let outcome = run(network, Fault::None, u64::MAX, |_, there, _| {
                there.refuse_at = Some(step)
            });
            outcome.check(network, Fault::None);
            assert!(outcome.world.runs(Side::Source), "{step}");
            let [at_source, here] = [
                outcome
                    .source
                    .and_then(Result::err)
                    .expect(step)
                    .to_string(),
                outcome
                    .destination
                    .and_then(Result::err)
                    .expect(step)
                    .to_string(),
            ];
            assert!(here.contains(&format!("{step} is refused")), "{here}");
            // What the destination has is none of the source's business.
            assert!(at_source.contains("refused; the receiver says why"));
            assert!(!at_source.contains(&format!("{step} is")), "{at_source}");
        }
    }
}

#[test]
fn a_migration_is_called_off_until_the_guest_is_handed_over() {
    for network in [false, true] {
        let outcome = run(network, Fault::None, u64::MAX, |_, _, handle| {
            handle.cancel().expect("nothing is handed over")
        });
        outcome.check(network, Fault::None);
        assert!(outcome.world.runs(Side::Source));
        let said = outcome
            .source
            .and_then(Result::err)
            .expect("it was cancelled")
            .to_string();
        assert_eq!(said, "the migration was cancelled; the guest goes on here");
    }
}

/// Moves a guest that is too busy for the downtime.
fn move_busy_guest(
    brake: bool,
    limit: Duration,
) -> (Result<Report, MigrateError>, Arc<World>, u64) {
    let world = World::new(Fault::None, u64::MAX);
    let (here, mut there) = (
        Machine::new(&world, Side::Source),
        Machine::new(&world, Side::Destination),
    );
    here.busy.store(39, Ordering::SeqCst);
    here.start();
    wait_for(|| world.acknowledged.load(Ordering::SeqCst) > 3);
    let meeting = Meeting::new(&world, false);
    let options = Options {
        downtime_limit: limit,
        brake,
        ..quick()
    };
    let (listener, there_handle, handle) = (meeting.listener(), Handle::new(), Handle::new());
    let moved = std::thread::scope(|scope| {
        scope.spawn(|| {
            let _ = receive(listener, &mut there, &quick(), &there_handle);
        });
        migrate(&here, &Connecting(Arc::clone(&meeting)), &options, &handle)
    });
    if moved.is_err() {
        assert_eq!(
            here.brake.load(Ordering::SeqCst),
            0,
            "a brake does not outlive its migration"
        );
        assert!(world.runs(Side::Source));
    }
    let hardest = here.hardest_brake.load(Ordering::SeqCst);
    (moved, world, hardest)
}

#[test]
fn a_guest_that_writes_too_fast_stays_and_its_user_is_told_the_numbers() {
    let (moved, _, hardest) = move_busy_guest(false, Duration::from_millis(1));
    let said = moved
        .expect_err("nothing fits into a millisecond")
        .to_string();
    assert!(
        said.contains("MiB of memory per second") && said.contains("not for 1 ms"),
        "{said}"
    );
    assert_eq!(hardest, 0, "nobody asked for a brake");
}

#[test]
fn a_guest_that_writes_too_fast_is_braked_where_that_is_wanted() {
    let (moved, world, hardest) = move_busy_guest(true, Duration::from_millis(80));
    moved.expect("a guest that is braked enough moves");
    assert!(hardest > 50 && world.ran_there.load(Ordering::SeqCst));
    let (moved, _, hardest) = move_busy_guest(true, Duration::from_millis(1));
    moved.expect_err("no brake makes that true");
    assert_eq!(hardest, 98);
}

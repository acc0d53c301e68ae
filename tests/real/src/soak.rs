//! A soak: cases at random for hours, in guests that are saved, restored and migrated while their
//! programs run.
//!
//! What is chosen follows from the seed; when a guest is moved follows from the clock too, so that
//! the same seed gives the same cases on the same machines, and moves at about the same moments.

use std::time::{Duration, Instant};

use fastrand::Rng;
use paprika::machine::CpuEngine;

use crate::case::Case;
use crate::machine::Kind;
use crate::options::Options;
use crate::runner::{Runner, in_words, say};
use crate::session::{RunOutcome, Session, Way};

/// Cases that are run in one boot at most.
const CASES: usize = 8;
/// Longest time between two moves of a guest.
const BETWEEN: Duration = Duration::from_secs(40);
/// How often a case is looked at for its end.
const LOOK: Duration = Duration::from_millis(500);

/// Runs `cases` at random for `hours`.
pub fn run(
    runner: &mut Runner<'_>,
    cases: &[&Case],
    options: &Options,
    hours: f64,
) -> anyhow::Result<()> {
    let length = Duration::try_from_secs_f64(hours * 3600.0);
    let length = length.map_err(|_| anyhow::anyhow!("--hours takes a number above 0"))?;
    let seed = options.seed.unwrap_or_else(|| fastrand::u64(..));
    say(format!("soak of {}, seed {seed}", in_words(length)));
    let mut random = Rng::with_seed(seed);
    let kinds = options.kinds();
    let deadline = Instant::now() + length;
    while Instant::now() < deadline {
        let kind = kinds[random.usize(..kinds.len())];
        let fitting: Vec<_> = cases
            .iter()
            .filter(|case| options.on_named_machine() || kind.runs(case, false))
            .collect();
        anyhow::ensure!(
            !fitting.is_empty(),
            "none of the chosen cases runs on {kind}"
        );
        let count = random.usize(1..=CASES);
        let chosen: Vec<&Case> = (0..count)
            .map(|_| *fitting[random.usize(..fitting.len())])
            .collect();
        boot(runner, kind, &chosen, &mut random, deadline)?;
    }
    say(format!("the soak's seed was {seed}"));
    Ok(())
}

/// One boot with its cases.
fn boot(
    runner: &mut Runner<'_>,
    kind: Kind,
    cases: &[&Case],
    random: &mut Rng,
    deadline: Instant,
) -> anyhow::Result<()> {
    let mut session = runner.boot(kind)?;
    for case in cases {
        if Instant::now() > deadline {
            break;
        }
        // Decided before anything depends on the clock.
        let mut moves = Rng::with_seed(random.u64(..));
        let begun = Instant::now();
        match moved_while_running(runner, case, session, &mut moves) {
            Ok((went_on, ran, moves)) => {
                session = went_on;
                let why = runner.judge(case, &ran, &mut session)?;
                let time = in_words(begun.elapsed());
                let told = format!(
                    "{}: {}, moved {moves} times, {time}",
                    session.kind, case.name
                );
                match why {
                    None => {
                        runner.tally.passed += 1;
                        say(format!("{told}: passed"));
                    }
                    Some(why) => {
                        say(format!("{told}: FAILED"));
                        runner.failed(case, session.kind, &why);
                    }
                }
            }
            Err(error) => {
                runner.failed(case, kind, &format!("{error:#}"));
                return Ok(());
            }
        }
    }
    runner.power_off(session)
}

/// Runs a case while its guest is moved again and again; answers how often.
fn moved_while_running(
    runner: &Runner<'_>,
    case: &Case,
    mut session: Session,
    random: &mut Rng,
) -> anyhow::Result<(Session, RunOutcome, u32)> {
    runner.prepare(case, &mut session)?;
    session.start(case, 1)?;
    let limit = Duration::from_secs(60) * case.minutes * 5;
    let begun = Instant::now();
    let mut moves = 0;
    let mut next = begun + BETWEEN.mul_f64(random.f64());
    loop {
        if let Some(ran) = session.finished(case)? {
            return Ok((session, ran, moves));
        }
        anyhow::ensure!(begun.elapsed() < limit, "it hangs, after {moves} moves");
        if Instant::now() >= next {
            let way = if random.bool() {
                Way::Saved
            } else {
                Way::Migrated
            };
            // Mostly to its own engine: the other is for what the two keep differently.
            let engine = match session.kind.engine {
                CpuEngine::Jit if random.u32(..4) == 0 => CpuEngine::Interpreter,
                _ => CpuEngine::Jit,
            };
            session = session.moved(way, engine)?;
            moves += 1;
            next = Instant::now() + BETWEEN.mul_f64(random.f64());
        }
        std::thread::sleep(LOOK);
    }
}

//! The long run of the differential test.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use power_difftest::engine::{Engine, Interpreter, Translated};
use power_difftest::plan::Plan;
use power_difftest::{Campaign, PeerError};

/// Runs random cases of every user-mode instruction on our engines and under qemu-ppc64le, and compares what they leave.
///
/// Ends with code 1 when a case differs. The same seed makes the same cases.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// Stop after this many seconds.
    #[arg(long, default_value_t = 600)]
    seconds: u64,
    /// Where the random numbers start.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Cases of an instruction per round.
    #[arg(long, default_value_t = 64, value_name = "CASES")]
    each: usize,
    /// Only instructions whose mnemonic starts like this.
    #[arg(long, value_name = "PREFIX")]
    only: Option<String>,
    /// Differences of an instruction to show in full.
    #[arg(long, default_value_t = 3, value_name = "COUNT")]
    show: usize,
    /// End after this many rounds, however much time is left.
    #[arg(long)]
    rounds: Option<u64>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, PeerError> {
    let mut plan = Plan::new();
    if let Some(prefix) = &arguments.only {
        plan = plan.restricted_to(prefix);
    }
    let mut engines: Vec<Box<dyn Engine>> = vec![Box::new(Interpreter::new())];
    match Translated::new() {
        Ok(engine) => engines.push(Box::new(engine)),
        Err(error) => eprintln!("the translator is not tested: {error}"),
    }
    let mut campaign = Campaign::new(arguments.seed, plan, engines)?;
    campaign.keep(arguments.show);
    let start = Instant::now();
    let end = Duration::from_secs(arguments.seconds);
    let mut told = Duration::ZERO;
    let mut rounds = 0;
    while start.elapsed() < end && arguments.rounds.is_none_or(|limit| rounds < limit) {
        campaign.round(arguments.each, |mnemonic| {
            let now = start.elapsed();
            if now >= told + Duration::from_secs(5) {
                told = now;
                eprintln!("{:5} s  round {}, {mnemonic}", now.as_secs(), rounds + 1);
            }
            now < end
        })?;
        rounds += 1;
    }
    let summary = campaign.summary();
    println!("{summary}");
    let differ = summary.tallies().iter().any(|tally| tally.different() > 0);
    Ok(ExitCode::from(u8::from(differ)))
}

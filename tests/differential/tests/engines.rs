//! Our engines against the peer: a seeded sample of every decoded instruction. The long run is the crate's program.

use power_difftest::Campaign;
use power_difftest::engine::{Engine, Interpreter, Translated};
use power_difftest::plan::Plan;
use power_difftest::{Case, Outcome};

#[test]
fn every_instruction_leaves_what_the_peer_leaves() {
    let engines: Vec<Box<dyn Engine>> = vec![
        Box::new(Interpreter::new()),
        Box::new(Translated::new().expect("tests run where the translator does")),
    ];
    let mut campaign = Campaign::new(1, Plan::new(), engines)
        .expect("qemu-user and the cross compiler are installed");
    campaign.round(128, |_| true).expect("the peer runs");
    let summary = campaign.summary();
    println!("{summary}");
    for tally in summary.tallies() {
        assert_eq!(
            tally.different(),
            0,
            "{} differs from the peer\n{summary}",
            tally.engine()
        );
    }
    let [interpreter, translator] = summary.tallies() else {
        panic!("there are two engines")
    };
    assert_eq!(
        summary.missed(interpreter),
        [""; 0],
        "planned and never compared"
    );
    // All but what acts on the processor as a whole, which it leaves to the interpreter.
    assert!(
        translator.covered() > 780,
        "the translator runs {} instructions only",
        translator.covered()
    );
}

/// The interpreter, but that it forgets to set CA32 now and then.
struct Forgetful(Interpreter);

impl Engine for Forgetful {
    fn name(&self) -> &'static str {
        "forgetful"
    }

    fn run(&mut self, case: &Case) -> Option<Outcome> {
        let mut outcome = self.0.run(case)?;
        if outcome.state.gpr[3] % 8 == 0 {
            outcome.state.xer &= !0x4_0000;
        }
        Some(outcome)
    }
}

#[test]
fn an_engine_that_is_wrong_is_found_and_shown() {
    let plan = Plan::new().restricted_to("addc");
    let mut campaign = Campaign::new(1, plan, vec![Box::new(Forgetful(Interpreter::new()))])
        .expect("the peer starts");
    campaign.round(128, |_| true).expect("the peer runs");
    let summary = campaign.summary();
    assert!(summary.tallies()[0].different() > 0);
    let text = summary.to_string();
    assert!(text.contains("XER") && text.contains("addc"), "{text}");
}

//! The command line.

use std::ffi::OsString;

use lexopt::{Arg, Parser, ValueExt};

use crate::fuzz;

/// How long a fuzz target runs where nothing is said.
const FUZZ_SECONDS: u64 = 60;

/// What `cargo xtask help` prints.
pub(crate) const HELP: &str = "\
cargo xtask COMMAND

  test          set up what the tests need, then check the formatting, run clippy, and run every test of the workspace
  test --long   the same, then the long forms of the tests that have one (optimised build)
  real          run real software in a Debian guest, for hours; `real --sample` is the part of it that `test --long`
                runs, and `real --help` lists what else can be said
  fuzz          run every fuzz target for --seconds N each (default 60), until one finds something; --only TARGET runs one,
                --input FILE gives it that input alone, --keep adds the best of what was found to the seeds
  imports       whether files of one crate use one another in a circle, which is a part of `test`
  setup         only the setting up: the distribution's packages that are missing, the guest (kernel, initramfs,
                programs; about eight minutes the first time, cached from then on), test vectors, and a Debian system
  help          this text

Nothing that is there already is installed or built again. Packages are installed by root, or by sudo where it asks for no
password; for anybody else the one command to run is printed.
The exit status is 0 if everything passed, 1 if a step failed (nothing after it was run), 64 for a wrong command line.
";

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Print the help.
    Help,
    /// Run fuzz targets.
    Fuzz(fuzz::Options),
    /// Look for import cycles.
    Imports,
    /// Set up what the tests need.
    Setup,
    /// Run real software, with these options.
    Real(Vec<OsString>),
    /// Set up, and run the tests.
    Test {
        /// Run the long ones too.
        long: bool,
    },
}

/// Reads the command line; the first argument is the program's name.
pub(crate) fn parse(
    arguments: impl IntoIterator<Item = OsString>,
) -> Result<Command, lexopt::Error> {
    let mut parser = Parser::from_iter(arguments);
    let mut command = None;
    let mut long = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            Arg::Long("long") => long = true,
            Arg::Value(word) if command.is_none() && word == "real" => {
                return Ok(Command::Real(parser.raw_args()?.collect()));
            }
            Arg::Value(word) if command.is_none() && !long && word == "fuzz" => {
                return fuzz_options(&mut parser);
            }
            Arg::Value(word) if command.is_none() => command = Some(word),
            other => return Err(other.unexpected()),
        }
    }
    match command
        .as_deref()
        .map(|word| word.to_string_lossy())
        .as_deref()
    {
        None => Err("no command is given".into()),
        Some("test") => Ok(Command::Test { long }),
        Some(_) if long => Err("--long goes with `test` only".into()),
        Some("imports") => Ok(Command::Imports),
        Some("setup") => Ok(Command::Setup),
        Some("help") => Ok(Command::Help),
        Some(other) => Err(format!("there is no command `{other}`").into()),
    }
}

/// What follows `fuzz`.
fn fuzz_options(parser: &mut Parser) -> Result<Command, lexopt::Error> {
    let mut options = fuzz::Options::all(FUZZ_SECONDS);
    while let Some(argument) = parser.next()? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Help),
            Arg::Long("seconds") => options.seconds = parser.value()?.parse()?,
            Arg::Long("only") => options.only = Some(parser.value()?.string()?),
            Arg::Long("input") => options.input = Some(parser.value()?.into()),
            Arg::Long("keep") => options.keep = true,
            other => return Err(other.unexpected()),
        }
    }
    // libFuzzer takes 0 for no limit.
    if options.seconds == 0 {
        return Err("--seconds is at least 1".into());
    }
    if options.input.is_some() && (options.only.is_none() || options.keep) {
        return Err("--input goes with --only TARGET, which it is for, and without --keep".into());
    }
    Ok(Command::Fuzz(options))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        let words = std::iter::once("xtask").chain(line.split_whitespace());
        parse(words.map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_long_option_may_stand_before_or_after_the_command() {
        assert_eq!(parsed("test"), Ok(Command::Test { long: false }));
        assert_eq!(parsed("test --long"), Ok(Command::Test { long: true }));
        assert_eq!(parsed("--long test"), Ok(Command::Test { long: true }));
    }

    #[test]
    fn what_follows_real_is_left_to_it() {
        let words = ["--only", "gcc", "--help"].map(OsString::from);
        let wanted = Ok(Command::Real(words.into()));
        assert_eq!(parsed("real --only gcc --help"), wanted);
    }

    #[test]
    fn what_follows_fuzz_says_what_is_run() {
        let minute = fuzz::Options::all(60);
        assert_eq!(parsed("fuzz"), Ok(Command::Fuzz(minute.clone())));
        let wanted = fuzz::Options {
            seconds: 5,
            only: Some("lockstep".into()),
            keep: true,
            ..minute.clone()
        };
        assert_eq!(
            parsed("fuzz --seconds 5 --only lockstep --keep"),
            Ok(Command::Fuzz(wanted))
        );
        let wanted = fuzz::Options {
            only: Some("lockstep".into()),
            input: Some("x/y".into()),
            ..minute
        };
        assert_eq!(
            parsed("fuzz --only=lockstep --input=x/y"),
            Ok(Command::Fuzz(wanted))
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, named) in [
            ("fuzz --seconds 0", "--seconds"),
            ("fuzz --seconds x", "x"),
            ("fuzz --input a", "--only"),
            ("fuzz --long", "--long"),
            ("--long fuzz", "--long"),
            ("", "no command"),
            ("tset", "`tset`"),
            ("setup --long", "--long"),
            ("test --short", "--short"),
            ("test test", "test"),
        ] {
            let error = parsed(line).expect_err(line);
            assert!(error.contains(named), "{line}: {error}");
        }
    }
}

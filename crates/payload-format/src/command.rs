//! What the guest is told to do: the words of its boot arguments.
//!
//! `records seed=1 count=1000 size=4096`: the first word names the command, the others set numbers (decimal or `0x…`) that have a
//! default otherwise. Formatting a [`Command`] gives the boot arguments which parse to it.

use core::fmt;

use crate::{fields, record};

/// The default size of a record in bytes.
pub const DEFAULT_SIZE: u64 = 4096;

/// Numbered places of records in a region: what `records` writes and `verify` looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Tells this run's records from those that another left (`seed`, default 0).
    pub seed: u64,
    /// Number of the first record (`first`, default 1).
    pub first: u64,
    /// How many records (`count`); 0, the default: as many as the region has room for.
    pub count: u64,
    /// Bytes of a record (`size`, default [`DEFAULT_SIZE`]).
    pub size: u64,
    /// Which device, in the order of the device tree (`device`, default 0).
    pub device: u64,
}

impl Default for Span {
    fn default() -> Self {
        Self {
            seed: 0,
            first: 1,
            count: 0,
            size: DEFAULT_SIZE,
            device: 0,
        }
    }
}

impl Span {
    /// The numbers of this span's records in a region of `length` bytes; `None` where a `count` is asked for that does not fit.
    pub fn numbers(&self, length: u64) -> Option<core::ops::RangeInclusive<u64>> {
        let capacity = record::capacity(length, self.size);
        let last = match self.count {
            0 => capacity,
            count => self.first.checked_add(count)?.checked_sub(1)?,
        };
        if self.first == 0 || last > capacity {
            return None;
        }
        Some(self.first..=last)
    }
}

/// A command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command {
    /// Write records, make them durable, acknowledge each.
    Records {
        /// Which.
        span: Span,
        /// How many records are stored before one flush that makes all of them durable (`batch`, default 1).
        batch: u64,
    },
    /// Report which records are there.
    Verify {
        /// Which.
        span: Span,
    },
    /// Measure flushes: each after the store of one word, which goes over what was there.
    Flush {
        /// How many (`count`, default 100).
        count: u64,
        /// Which device (`device`, default 0).
        device: u64,
    },
    /// Random hypercalls of persistent memory with hostile arguments. What is stored in the devices is lost.
    Hcalls {
        /// Which calls (`seed`, default 0).
        seed: u64,
        /// How many (`count`, default 1000).
        count: u64,
    },
    /// Run until the machine is stopped.
    Spin,
}

/// Why boot arguments are no command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandError<'a> {
    /// There are none.
    Empty,
    /// No command has this name.
    Unknown(&'a str),
    /// The command does not know this setting.
    Setting(&'a str),
    /// A setting's value is no number, or none that makes sense.
    Value(&'a str),
    /// A setting is given twice.
    Twice(&'a str),
}

impl fmt::Display for CommandError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no command; give one of records, verify, flush, hcalls, spin as boot arguments"),
            Self::Unknown(name) => write!(f, "{name:?} is no command; give one of records, verify, flush, hcalls, spin"),
            Self::Setting(word) => write!(f, "this command does not know the setting {word:?}"),
            Self::Value(word) => write!(f, "the value of {word:?} makes no sense"),
            Self::Twice(word) => write!(f, "{word:?} sets again what is set before"),
        }
    }
}

/// Values of the settings by name.
struct Settings<'a, const N: usize> {
    keys: [&'static str; N],
    values: [u64; N],
    text: &'a str,
}

impl<'a, const N: usize> Settings<'a, N> {
    fn read(
        text: &'a str,
        settings: [(&'static str, u64); N],
    ) -> Result<[u64; N], CommandError<'a>> {
        let mut these = Self {
            keys: settings.map(|(key, _)| key),
            values: settings.map(|(_, default)| default),
            text,
        };
        these.fill()?;
        Ok(these.values)
    }

    fn fill(&mut self) -> Result<(), CommandError<'a>> {
        let mut seen = [false; N];
        for word in self.text.split_ascii_whitespace() {
            let (key, value) = fields::split(word).ok_or(CommandError::Setting(word))?;
            let at = self.keys.iter().position(|&known| known == key);
            let at = at.ok_or(CommandError::Setting(word))?;
            if core::mem::replace(&mut seen[at], true) {
                return Err(CommandError::Twice(word));
            }
            let number = fields::number(value).ok_or(CommandError::Value(word))?;
            let sensible = match key {
                "size" => record::is_size(number),
                "first" | "batch" => number > 0,
                _ => true,
            };
            if !sensible {
                return Err(CommandError::Value(word));
            }
            self.values[at] = number;
        }
        Ok(())
    }
}

/// The settings of a [`Span`] with their defaults.
fn span_settings() -> [(&'static str, u64); 5] {
    let Span {
        seed,
        first,
        count,
        size,
        device,
    } = Span::default();
    [
        ("seed", seed),
        ("first", first),
        ("count", count),
        ("size", size),
        ("device", device),
    ]
}

impl Command {
    /// Reads boot arguments.
    ///
    /// # Errors
    /// [`CommandError`] says which word is wrong.
    pub fn parse(arguments: &str) -> Result<Command, CommandError<'_>> {
        let arguments = arguments.trim();
        let end = arguments
            .find(|c: char| c.is_ascii_whitespace())
            .unwrap_or(arguments.len());
        let (name, settings) = arguments.split_at(end);
        match name {
            "" => Err(CommandError::Empty),
            "records" => {
                let [a, b, c, d, e] = span_settings();
                let [seed, first, count, size, device, batch] =
                    Settings::read(settings, [a, b, c, d, e, ("batch", 1)])?;
                let span = Span {
                    seed,
                    first,
                    count,
                    size,
                    device,
                };
                Ok(Command::Records { span, batch })
            }
            "verify" => {
                let [seed, first, count, size, device] = Settings::read(settings, span_settings())?;
                let span = Span {
                    seed,
                    first,
                    count,
                    size,
                    device,
                };
                Ok(Command::Verify { span })
            }
            "flush" => {
                let [count, device] = Settings::read(settings, [("count", 100), ("device", 0)])?;
                Ok(Command::Flush { count, device })
            }
            "hcalls" => {
                let [seed, count] = Settings::read(settings, [("seed", 0), ("count", 1000)])?;
                Ok(Command::Hcalls { seed, count })
            }
            "spin" => Settings::read(settings, []).map(|[]| Command::Spin),
            other => Err(CommandError::Unknown(other)),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Span {
            seed,
            first,
            count,
            size,
            device,
        } = self;
        write!(
            f,
            "seed={seed} first={first} count={count} size={size} device={device}"
        )
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Records { span, batch } => write!(f, "records {span} batch={batch}"),
            Self::Verify { span } => write!(f, "verify {span}"),
            Self::Flush { count, device } => write!(f, "flush count={count} device={device}"),
            Self::Hcalls { seed, count } => write!(f, "hcalls seed={seed} count={count}"),
            Self::Spin => f.write_str("spin"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::{String, ToString};

    #[test]
    fn what_is_not_said_has_its_default() {
        let span = Span {
            seed: 7,
            size: 512,
            ..Span::default()
        };
        assert_eq!(
            Command::parse("  records seed=7\tsize=0x200 "),
            Ok(Command::Records { span, batch: 1 })
        );
        assert_eq!(
            Command::parse("flush"),
            Ok(Command::Flush {
                count: 100,
                device: 0
            })
        );
        assert_eq!(Command::parse("spin"), Ok(Command::Spin));
    }

    #[test]
    fn a_wrong_word_is_named() {
        for (arguments, error) in [
            ("", CommandError::Empty),
            (" \n", CommandError::Empty),
            ("quiet", CommandError::Unknown("quiet")),
            ("verify batch=2", CommandError::Setting("batch=2")),
            ("spin count=1", CommandError::Setting("count=1")),
            ("flush now", CommandError::Setting("now")),
            ("flush count=", CommandError::Value("count=")),
            ("records size=100", CommandError::Value("size=100")),
            ("records size=56", CommandError::Value("size=56")),
            ("records first=0", CommandError::Value("first=0")),
            ("records batch=0", CommandError::Value("batch=0")),
            ("hcalls seed=1 seed=1", CommandError::Twice("seed=1")),
        ] {
            assert_eq!(Command::parse(arguments), Err(error), "{arguments:?}");
        }
    }

    #[test]
    fn a_span_stays_inside_its_region() {
        let span = |first, count| Span {
            first,
            count,
            ..Span::default()
        };
        let length = 10 * DEFAULT_SIZE;
        assert_eq!(span(1, 0).numbers(length), Some(1..=10));
        assert_eq!(span(4, 7).numbers(length), Some(4..=10));
        assert_eq!(span(4, 8).numbers(length), None);
        assert_eq!(span(u64::MAX, u64::MAX).numbers(length), None);
        assert_eq!(span(11, 0).numbers(length).map(Iterator::count), Some(0));
    }

    fn any_command() -> impl Strategy<Value = Command> {
        let span = (
            any::<u64>(),
            1_u64..,
            any::<u64>(),
            8..1_u64 << 40,
            any::<u64>(),
        );
        let span = span.prop_map(|(seed, first, count, words, device)| Span {
            seed,
            first,
            count,
            size: words * record::WORD,
            device,
        });
        prop_oneof![
            (span.clone(), 1_u64..).prop_map(|(span, batch)| Command::Records { span, batch }),
            span.prop_map(|span| Command::Verify { span }),
            any::<(u64, u64)>().prop_map(|(count, device)| Command::Flush { count, device }),
            any::<(u64, u64)>().prop_map(|(seed, count)| Command::Hcalls { seed, count }),
            Just(Command::Spin),
        ]
    }

    proptest! {
        #[test]
        fn a_formatted_command_parses_to_itself(command in any_command()) {
            let text = command.to_string();
            prop_assert_eq!(Command::parse(&text), Ok(command));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = Command::parse(&text).map_err(|error| error.to_string());
        }
    }
}

//! The lines that the guest prints on its console, one [`Report`] each: formatting one gives its line, and parsing gives it back.

use core::fmt;

use crate::fields;

/// How the line begins with which the guest says that it could not do what it was told; the reason follows.
pub const FAILED: &str = "payload failed: ";

/// A line of the guest's console.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Report<'a> {
    /// A device of persistent memory is bound.
    Region {
        /// Its DRC index.
        drc: u64,
        /// Where its first byte is, as a real address.
        address: u64,
        /// Its length in bytes.
        length: u64,
        /// Whether stores become durable by `H_SCM_FLUSH` (else by writing the cache back).
        hcall_flush: bool,
    },
    /// The record with this number is durable: whatever happens now, it must be there.
    Ack(u64),
    /// All records were written, this many.
    Written(u64),
    /// The records with these numbers, first to last, are there and whole.
    Whole(u64, u64),
    /// In the place of this record is something else.
    Torn(u64),
    /// What `verify` has found, in numbers of records.
    Verified {
        /// There and whole.
        whole: u64,
        /// Places that hold something that is no whole record.
        torn: u64,
        /// Places that were never written.
        empty: u64,
        /// Places that hold a whole record of another run or of another place.
        other: u64,
    },
    /// What flushes cost.
    Flushed {
        /// How many flushes.
        count: u64,
        /// How many flush hypercalls they took.
        hcalls: u64,
        /// How many ticks of the time base, stores and cache write-back included.
        ticks: u64,
        /// Ticks of the time base in a second.
        frequency: u64,
    },
    /// What hostile hypercalls were answered.
    Digest {
        /// How many calls.
        count: u64,
        /// A hash over all answers; the same seed on the same machine gives the same.
        digest: u64,
    },
    /// The guest runs and will not end by itself.
    Spinning,
    /// The command was done; the guest powers off.
    Done,
    /// The command was not done, for this reason; the guest powers off.
    Failed(&'a str),
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Region {
                drc,
                address,
                length,
                hcall_flush,
            } => {
                let hcall_flush = u8::from(hcall_flush);
                write!(f, "pmem drc={drc:#x} address={address:#x} length={length:#x} hcall-flush={hcall_flush}")
            }
            Self::Ack(number) => write!(f, "ack {number}"),
            Self::Written(count) => write!(f, "records written={count}"),
            Self::Whole(first, last) => write!(f, "whole first={first} last={last}"),
            Self::Torn(number) => write!(f, "torn {number}"),
            Self::Verified {
                whole,
                torn,
                empty,
                other,
            } => write!(
                f,
                "verify whole={whole} torn={torn} empty={empty} other={other}"
            ),
            Self::Flushed {
                count,
                hcalls,
                ticks,
                frequency,
            } => write!(
                f,
                "flush count={count} hcalls={hcalls} ticks={ticks} frequency={frequency}"
            ),
            Self::Digest { count, digest } => write!(f, "hcalls count={count} digest={digest:#x}"),
            Self::Spinning => f.write_str("spinning"),
            Self::Done => f.write_str("payload done"),
            Self::Failed(reason) => write!(f, "{FAILED}{reason}"),
        }
    }
}

impl<'a> Report<'a> {
    /// Reads a line; `None` where it is none of ours. A line that was cut off when the power went is not taken for a shorter one only
    /// if the caller sees to it that lines are complete: leave out what no line end follows.
    pub fn parse(line: &'a str) -> Option<Self> {
        let line = line.trim_end_matches(['\r', '\n']);
        if let Some(reason) = line.strip_prefix(FAILED) {
            return Some(Self::Failed(reason));
        }
        match line {
            "spinning" => return Some(Self::Spinning),
            "payload done" => return Some(Self::Done),
            _ => (),
        }
        let mut words = line.split(' ');
        let name = words.next()?;
        match name {
            "pmem" => {
                let [drc, address, length, hcall_flush] =
                    fields::numbers(words, ["drc", "address", "length", "hcall-flush"])?;
                let hcall_flush = match hcall_flush {
                    0 => false,
                    1 => true,
                    _ => return None,
                };
                Some(Self::Region {
                    drc,
                    address,
                    length,
                    hcall_flush,
                })
            }
            "ack" | "torn" => {
                let number = fields::number(words.next()?)?;
                let report = if name == "ack" {
                    Self::Ack(number)
                } else {
                    Self::Torn(number)
                };
                words.next().is_none().then_some(report)
            }
            "records" => fields::numbers(words, ["written"]).map(|[count]| Self::Written(count)),
            "whole" => fields::numbers(words, ["first", "last"])
                .map(|[first, last]| Self::Whole(first, last)),
            "verify" => {
                let [whole, torn, empty, other] =
                    fields::numbers(words, ["whole", "torn", "empty", "other"])?;
                Some(Self::Verified {
                    whole,
                    torn,
                    empty,
                    other,
                })
            }
            "flush" => {
                let [count, hcalls, ticks, frequency] =
                    fields::numbers(words, ["count", "hcalls", "ticks", "frequency"])?;
                Some(Self::Flushed {
                    count,
                    hcalls,
                    ticks,
                    frequency,
                })
            }
            "hcalls" => fields::numbers(words, ["count", "digest"])
                .map(|[count, digest]| Self::Digest { count, digest }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::string::{String, ToString};
    use std::vec;

    fn any_report() -> impl Strategy<Value = Report<'static>> {
        let four = any::<(u64, u64, u64, u64)>();
        prop_oneof![
            any::<(u64, u64, u64, bool)>().prop_map(|(drc, address, length, hcall_flush)| {
                Report::Region {
                    drc,
                    address,
                    length,
                    hcall_flush,
                }
            }),
            any::<u64>().prop_map(Report::Ack),
            any::<u64>().prop_map(Report::Written),
            any::<(u64, u64)>().prop_map(|(first, last)| Report::Whole(first, last)),
            any::<u64>().prop_map(Report::Torn),
            four.prop_map(|(whole, torn, empty, other)| Report::Verified {
                whole,
                torn,
                empty,
                other
            }),
            any::<(u64, u64, u64, u64)>().prop_map(|(count, hcalls, ticks, frequency)| {
                Report::Flushed {
                    count,
                    hcalls,
                    ticks,
                    frequency,
                }
            }),
            any::<(u64, u64)>().prop_map(|(count, digest)| Report::Digest { count, digest }),
            Just(Report::Spinning),
            Just(Report::Done),
            Just(Report::Failed("there is no device 3")),
        ]
    }

    #[test]
    fn lines_of_others_are_none_of_ours() {
        for line in [
            "",
            "ack",
            "ack ",
            "ack 1 2",
            "ack x",
            "acknowledged 1",
            "[    0.0] Linux",
            "whole first=1",
            "payload",
            "pmem drc=1 address=2 length=3 hcall-flush=2",
        ] {
            assert_eq!(Report::parse(line), None, "{line:?}");
        }
    }

    #[test]
    fn line_ends_of_terminals_do_not_matter() {
        assert_eq!(Report::parse("ack 12\r\n"), Some(Report::Ack(12)));
    }

    proptest! {
        #[test]
        fn a_formatted_report_parses_to_itself(report in any_report()) {
            let text = report.to_string();
            prop_assert_eq!(Report::parse(&text), Some(report));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = Report::parse(&text);
        }
    }
}

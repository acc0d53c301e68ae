//! The console of a session: keeps what the guest prints, and watches for texts in it.

use std::collections::VecDeque;
use std::fmt;
use std::io::Write;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use papr::ConsoleBackend;

use crate::machine::Machine;

/// How much of the console is kept; a guest that prints for ever is not kept for ever.
const KEPT_MAX: usize = 16 << 20;

/// What is to be done when a text appears.
pub(super) enum Reaction {
    /// Note the time.
    Mark,
    /// Type this.
    Reply(Vec<u8>),
    /// Cut the power.
    Kill,
    /// Anything else.
    Do(Box<dyn FnOnce(&Machine) + Send>),
}

impl fmt::Debug for Reaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reaction::Mark => "Mark",
            Reaction::Reply(_) => "Reply",
            Reaction::Kill => "Kill",
            Reaction::Do(_) => "Do",
        })
    }
}

/// A text that is waited for.
#[derive(Debug)]
struct Watch {
    text: String,
    /// For its next appearances, one each.
    reactions: VecDeque<Reaction>,
    /// Where to search on in what is kept.
    position: usize,
}

/// The texts that a session waits for.
#[derive(Debug, Default)]
pub(super) struct Watches(Vec<Watch>);

impl Watches {
    /// Adds a reaction to a text: the n-th that is added for the same text is for its n-th appearance.
    pub(super) fn add(&mut self, text: &str, reaction: Reaction) {
        match self.0.iter_mut().find(|watch| watch.text == text) {
            Some(watch) => watch.reactions.push_back(reaction),
            None => self.0.push(Watch {
                text: text.to_owned(),
                reactions: VecDeque::from([reaction]),
                position: 0,
            }),
        }
    }

    /// The reactions to what has newly appeared in `kept`.
    fn search(&mut self, kept: &[u8]) -> Vec<(String, Reaction)> {
        let mut found = Vec::new();
        for watch in &mut self.0 {
            let text = watch.text.as_bytes();
            while !watch.reactions.is_empty() && !text.is_empty() {
                let rest = kept.get(watch.position..).unwrap_or_default();
                let Some(at) = rest.windows(text.len()).position(|window| window == text) else {
                    // What is left may be the beginning of the text.
                    watch.position = (kept.len() + 1).saturating_sub(text.len());
                    break;
                };
                watch.position += at + text.len();
                if let Some(reaction) = watch.reactions.pop_front() {
                    found.push((watch.text.clone(), reaction));
                }
            }
        }
        found
    }
}

/// What a session's attendant is told.
#[derive(Debug)]
pub(super) enum Notice {
    /// A text has appeared.
    Appeared {
        text: String,
        at: Instant,
        reaction: Reaction,
    },
    /// The machine has ended.
    Ended,
}

struct Kept {
    bytes: Vec<u8>,
    watches: Watches,
    attendant: Sender<Notice>,
    echo: Option<Box<dyn Write + Send>>,
}

/// The console; clones are the same one.
#[derive(Clone)]
pub(super) struct Recorder(Arc<Mutex<Kept>>);

impl Recorder {
    /// Reactions are due where they are received from `attendant`'s other end.
    pub(super) fn new(
        watches: Watches,
        attendant: Sender<Notice>,
        echo: Option<Box<dyn Write + Send>>,
    ) -> Self {
        Self(Arc::new(Mutex::new(Kept {
            bytes: Vec::new(),
            watches,
            attendant,
            echo,
        })))
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the guest has printed so far, without carriage returns.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.lock().bytes).into_owned()
    }
}

impl ConsoleBackend for Recorder {
    fn write(&mut self, bytes: &[u8]) -> bool {
        let mut kept = self.lock();
        let kept = &mut *kept;
        if let Some(echo) = &mut kept.echo {
            // Whoever does not look any more misses something; the session does not.
            let _ = echo.write_all(bytes).and_then(|()| echo.flush());
        }
        if kept.bytes.len() + bytes.len() <= KEPT_MAX {
            let printed = bytes.iter().filter(|&&byte| byte != b'\r');
            kept.bytes.extend(printed);
            let at = Instant::now();
            for (text, reaction) in kept.watches.search(&kept.bytes) {
                // A session that has ended does not react any more.
                let _ = kept.attendant.send(Notice::Appeared { text, at, reaction });
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    fn found(notice: Notice) -> Option<String> {
        match notice {
            Notice::Appeared { text, .. } => Some(text),
            Notice::Ended => None,
        }
    }

    fn shown(watched: &[&str], pieces: &[&str]) -> (String, Vec<String>) {
        let mut watches = Watches::default();
        for text in watched {
            watches.add(text, Reaction::Mark);
        }
        let (attendant, notices) = channel();
        let mut recorder = Recorder::new(watches, attendant, None);
        for piece in pieces {
            assert!(recorder.write(piece.as_bytes()));
        }
        (
            recorder.text(),
            notices.try_iter().filter_map(found).collect(),
        )
    }

    #[test]
    fn a_text_is_found_across_writes_and_without_carriage_returns() {
        let (text, found) = shown(&["one\ntwo"], &["zero on", "e\r", "\ntw", "o"]);
        assert_eq!(text, "zero one\ntwo");
        assert_eq!(found, ["one\ntwo"]);
    }

    #[test]
    fn each_reaction_is_for_one_appearance() {
        let (_, found) = shown(&["ab", "ab"], &["ab", " ab", " ab"]);
        assert_eq!(found, ["ab", "ab"]);
        assert_eq!(shown(&["ab", "ab"], &["ab"]).1, ["ab"]);
    }

    #[test]
    fn different_texts_are_found_in_any_order() {
        let (_, found) = shown(&["later", "sooner", "never"], &["sooner, later"]);
        assert_eq!(found, ["later", "sooner"]);
    }

    #[test]
    fn a_guest_that_prints_for_ever_is_not_kept_for_ever() {
        let (attendant, _notices) = channel();
        let mut recorder = Recorder::new(Watches::default(), attendant, None);
        for _ in 0..20 {
            assert!(recorder.write(&vec![b'x'; 1 << 20]));
        }
        assert_eq!(recorder.text().len(), KEPT_MAX);
    }
}

//! Code that has become lukewarm: when it is compiled.
//!
//! Compiling takes processor time that a guest at work would rather have (a compiler on the other thread of a core halves it), so
//! that code which runs too seldom to be worth that is compiled when nothing has been asked for a while. The guest that boots next
//! finds it on disk. But what several vCPUs have found lukewarm is hot: each counts for itself.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use code_store::Key;

use crate::pages::Pages;
use crate::service::Note;

/// Notes that are remembered.
const NOTES: usize = 1 << 14;
/// vCPUs that have found code lukewarm, from which on it is hot.
const MANY: u8 = 4;
/// How long nothing was asked for.
const QUIET: Duration = Duration::from_millis(500);

/// See the module.
pub(crate) struct Lukewarm {
    /// The newest is the last.
    notes: Vec<Note>,
    hot: Vec<Note>,
    /// How many vCPUs have noted an entry of a page.
    counts: HashMap<(Key, usize), u8>,
    /// When something was asked for last.
    asked: Instant,
}

/// What is to be done.
pub(crate) enum Next {
    Nothing,
    /// This is to be compiled.
    Compile(Note),
    /// Look again after so long.
    Later(Duration),
}

impl Lukewarm {
    pub(crate) fn new() -> Self {
        Self {
            notes: Vec::new(),
            hot: Vec::new(),
            counts: HashMap::new(),
            asked: Instant::now(),
        }
    }

    /// Something was asked for.
    pub(crate) fn asked(&mut self) {
        self.asked = Instant::now();
    }

    /// Takes notes of vCPUs.
    pub(crate) fn add(&mut self, notes: Vec<Note>, pages: &Pages) {
        for note in notes {
            let Some((page, _)) = pages.of_ticket(note.ticket) else {
                continue;
            };
            if self.counts.len() >= NOTES {
                self.counts.clear();
            }
            let count = self.counts.entry((page, note.entry)).or_default();
            *count = count.saturating_add(1);
            match *count {
                1 => self.notes.push(note),
                MANY => self.hot.push(note),
                _ => {}
            }
        }
        for notes in [&mut self.notes, &mut self.hot] {
            let forgotten = notes.len().saturating_sub(NOTES);
            notes.drain(..forgotten);
        }
    }

    /// What comes next.
    pub(crate) fn next(&mut self) -> Next {
        if let Some(note) = self.hot.pop() {
            return Next::Compile(note);
        }
        let quiet = self.asked.elapsed();
        match self.notes.pop() {
            Some(note) if quiet >= QUIET => Next::Compile(note),
            Some(note) => {
                self.notes.push(note);
                Next::Later(QUIET - quiet)
            }
            None => Next::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use power::Insn;
    use power::accelerator::PAGE_WORDS;

    use super::*;
    use crate::mode::Mode;
    use crate::service::Reply;

    #[test]
    fn what_many_vcpus_have_noted_is_compiled_at_once_and_the_rest_later() {
        let mut pages = Pages::default();
        let (answers, _taken) = mpsc::channel();
        let reply = Reply {
            answers,
            unasked: std::sync::Arc::default(),
        };
        for ticket in 1..=4 {
            pages.subscribe(Key::of(&[b"page"]), &[Insn(0); PAGE_WORDS], ticket, &reply);
        }
        let note = |ticket, entry| Note {
            ticket,
            entry,
            mode: Mode::from_msr(0),
        };
        let mut lukewarm = Lukewarm::new();
        lukewarm.add(vec![note(1, 7), note(2, 7), note(3, 7)], &pages);
        assert!(matches!(lukewarm.next(), Next::Later(_)));
        lukewarm.add(vec![note(4, 7), note(5, 7)], &pages);
        let Next::Compile(hot) = lukewarm.next() else {
            panic!("four vCPUs have noted it");
        };
        assert_eq!(hot.entry, 7);
        assert!(matches!(lukewarm.next(), Next::Later(_)));
        lukewarm.asked = Instant::now()
            .checked_sub(QUIET)
            .expect("the host is up as long");
        assert!(matches!(lukewarm.next(), Next::Compile(_)));
        assert!(matches!(lukewarm.next(), Next::Nothing));
    }
}

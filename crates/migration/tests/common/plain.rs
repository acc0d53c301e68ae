//! A machine that stands still and is only memory: for connections and speed.

use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

use paprika_migration::{
    DestinationMachine, PageSet, Problem, RamShape, SourceMachine, StoppedMachine,
};

/// Memory of so many pages; odd pages of the first quarter hold something.
pub struct Plain {
    pub bytes: Mutex<Vec<u8>>,
    pub shape: RamShape,
    pub running: bool,
    pub state: Vec<u8>,
    pub static_payload: Vec<u8>,
}

impl Plain {
    pub fn source(shape: RamShape, state: usize) -> Self {
        let mut plain = Self::destination(shape);
        let bytes = plain.bytes.get_mut().expect("nobody panicked");
        let page_size = shape.page_size as usize;
        for page in (1..shape.pages / 4).step_by(2) {
            let page = page as usize;
            bytes[page * page_size..][..page_size].fill(page as u8 | 1);
        }
        plain.state = (0..state).map(|byte| byte as u8).collect();
        plain
    }

    pub fn destination(shape: RamShape) -> Self {
        Self {
            bytes: Mutex::new(vec![0; shape.bytes() as usize]),
            shape,
            running: false,
            state: Vec::new(),
            static_payload: Vec::new(),
        }
    }

    fn bytes(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().expect("nobody panicked")
    }
}

impl SourceMachine for Plain {
    fn description(&self) -> Result<Vec<u8>, Problem> {
        Ok(Vec::new())
    }
    fn ram(&self) -> RamShape {
        self.shape
    }
    fn start_dirty_log(&self) -> Result<(), Problem> {
        Ok(())
    }
    fn fetch_dirty(&self, _: &mut PageSet) {}
    fn stop_dirty_log(&self) {}
    fn read_page(&self, page: u64, bytes: &mut [u8]) {
        let at = page as usize * bytes.len();
        bytes.copy_from_slice(&self.bytes()[at..at + bytes.len()]);
    }
    fn flush_ahead(&self) -> Result<(), Problem> {
        Ok(())
    }
    fn pause(&self) -> Result<Box<dyn StoppedMachine + '_>, Problem> {
        Ok(Box::new(Stopped(self)))
    }
    fn static_payload(&self) -> Result<Vec<u8>, Problem> {
        Ok(self.state.clone())
    }
}

struct Stopped<'a>(&'a Plain);

impl StoppedMachine for Stopped<'_> {
    fn fetch_dirty(&self, _: &mut PageSet) {}
    fn settle(&self) -> Result<(), Problem> {
        Ok(())
    }
    fn state(&self) -> Result<Vec<u8>, Problem> {
        Ok(self.0.state.clone())
    }
    fn release(&self) -> Result<(), Problem> {
        Ok(())
    }
    fn reclaim(&self) -> Result<(), Problem> {
        Ok(())
    }
    fn resume(self: Box<Self>) -> Result<(), Problem> {
        Ok(())
    }
    fn leave(self: Box<Self>) {}
}

impl DestinationMachine for Plain {
    fn check(&mut self, _: &[u8], ram: RamShape) -> Result<(), Problem> {
        if ram == self.shape {
            Ok(())
        } else {
            Err(Problem::new("another size"))
        }
    }
    fn prepare(&mut self, static_payload: Vec<u8>) -> Result<(), Problem> {
        self.static_payload = static_payload;
        Ok(())
    }
    fn write_pages(&mut self, first: u64, bytes: &[u8]) {
        let at = first as usize * self.shape.page_size as usize;
        self.bytes()[at..at + bytes.len()].copy_from_slice(bytes);
    }
    fn clear_pages(&mut self, pages: Range<u64>) {
        let page_size = self.shape.page_size as usize;
        self.bytes()[pages.start as usize * page_size..pages.end as usize * page_size].fill(0);
    }
    fn load(&mut self, state: &[u8]) -> Result<(), Problem> {
        self.state = state.to_vec();
        Ok(())
    }
    fn take(&mut self) -> Result<(), Problem> {
        Ok(())
    }
    fn run(&mut self, _: Duration) {
        self.running = true;
    }
    fn give_up(&mut self) {}
}

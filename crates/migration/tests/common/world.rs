//! The guest counts: each turn it adds one to a number in its NVDIMM and in its RAM, writes the number into one more page, and tells
//! the outside world the number when it is durable. Whoever runs it finds at once whether RAM, NVDIMM and the outside world agree.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use paprika_migration::{
    DestinationMachine, PageSet, Problem, RamShape, SourceMachine, StoppedMachine,
};

pub const PAGE: usize = 4096;
pub const PAGES: u64 = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Source,
    Destination,
}

impl Side {
    pub fn other(self) -> Self {
        match self {
            Self::Source => Self::Destination,
            Self::Destination => Self::Source,
        }
    }
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// A process dies.
    Kill(Side),
    /// The connection breaks; a new one can be made.
    Cut,
    /// The connection breaks, and none can be made any more.
    CutForGood,
    /// A bit changes on the way.
    Corrupt,
}

/// Thrown where a process that was killed would go on.
pub struct Killed;

#[derive(Default)]
pub struct Nvdimm {
    pub counter: u64,
    pub lock: Option<Side>,
}

/// All that is not in a process, and what a test looks at.
pub struct World {
    pub nvdimm: Mutex<Nvdimm>,
    /// What the outside world was told last.
    pub acknowledged: AtomicU64,
    /// Held while the guest takes a turn and while who runs changes.
    running: Mutex<[bool; 2]>,
    /// Has the guest ever run at the destination?
    pub ran_there: AtomicBool,
    dead: [AtomicBool; 2],
    pub cut: AtomicBool,
    pub cut_for_good: AtomicBool,
    pub corrupt_next: AtomicBool,
    /// Moments so far, and what happens at which.
    steps: AtomicU64,
    fault_at: u64,
    fault: Fault,
    /// What must never be.
    pub violations: Mutex<Vec<String>>,
    /// The moment at which each side said or did what, for a test's message.
    pub story: Mutex<Vec<String>>,
    /// Set when a fault came, with what had happened just before.
    pub struck: Mutex<Option<String>>,
}

pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl World {
    pub fn new(fault: Fault, fault_at: u64) -> Arc<Self> {
        Arc::new(Self {
            nvdimm: Mutex::default(),
            acknowledged: AtomicU64::new(0),
            running: Mutex::new([false; 2]),
            ran_there: AtomicBool::new(false),
            dead: [AtomicBool::new(false), AtomicBool::new(false)],
            cut: AtomicBool::new(false),
            cut_for_good: AtomicBool::new(false),
            corrupt_next: AtomicBool::new(false),
            steps: AtomicU64::new(0),
            fault_at,
            fault,
            violations: Mutex::default(),
            story: Mutex::default(),
            struck: Mutex::default(),
        })
    }

    pub fn violation(&self, words: String) {
        lock(&self.violations).push(words);
    }

    pub fn is_dead(&self, side: Side) -> bool {
        self.dead[side as usize].load(Ordering::SeqCst)
    }

    pub fn runs(&self, side: Side) -> bool {
        lock(&self.running)[side as usize]
    }

    /// A process ends here and now: its guest stands still, its locks are gone.
    pub fn kill(&self, side: Side) {
        let mut running = lock(&self.running);
        self.dead[side as usize].store(true, Ordering::SeqCst);
        running[side as usize] = false;
        let mut nvdimm = lock(&self.nvdimm);
        if nvdimm.lock == Some(side) {
            nvdimm.lock = None;
        }
    }

    /// A moment of a side's life at which something can go wrong.
    pub fn step(&self, side: Side, what: &str) {
        self.check(side);
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        lock(&self.story).push(format!("{step}: {side:?} {what}"));
        if step == self.fault_at {
            *lock(&self.struck) = Some(what.to_owned());
            match self.fault {
                Fault::None => {}
                Fault::Kill(victim) => self.kill(victim),
                Fault::Cut => self.cut.store(true, Ordering::SeqCst),
                Fault::CutForGood => {
                    self.cut_for_good.store(true, Ordering::SeqCst);
                    self.cut.store(true, Ordering::SeqCst);
                }
                Fault::Corrupt => self.corrupt_next.store(true, Ordering::SeqCst),
            }
        }
        self.check(side);
    }

    /// Ends the thread of a process that is dead.
    pub fn check(&self, side: Side) {
        if self.is_dead(side) {
            std::panic::resume_unwind(Box::new(Killed));
        }
    }

    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::SeqCst)
    }

    fn set_running(&self, side: Side, run: bool) {
        let mut running = lock(&self.running);
        if self.is_dead(side) {
            return;
        }
        running[side as usize] = run;
        if run && side == Side::Destination {
            self.ran_there.store(true, Ordering::SeqCst);
        }
        if *running == [true; 2] {
            self.violation("two guests run".into());
        }
    }
}

/// A machine of one side.
pub struct Machine {
    pub world: Arc<World>,
    pub side: Side,
    pub ram: Arc<Mutex<Ram>>,
    stop: Arc<AtomicBool>,
    /// Words with which a destination refuses at one of its steps.
    pub refuse_at: Option<&'static str>,
    /// Pages that the guest writes in each turn.
    pub busy: Arc<AtomicU64>,
    pub brake: AtomicU64,
    pub hardest_brake: AtomicU64,
}

pub struct Ram {
    bytes: Vec<u8>,
    dirty: PageSet,
    logging: bool,
}

impl Ram {
    fn number(&self, page: u64) -> u64 {
        let at = page as usize * PAGE;
        u64::from_le_bytes(self.bytes[at..at + 8].try_into().expect("eight bytes"))
    }

    fn set_number(&mut self, page: u64, value: u64) {
        let at = page as usize * PAGE;
        self.bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
        if self.logging {
            self.dirty.insert(page);
        }
    }
}

impl Machine {
    pub fn new(world: &Arc<World>, side: Side) -> Self {
        let ram = Ram {
            bytes: vec![0; PAGES as usize * PAGE],
            dirty: PageSet::none(PAGES),
            logging: false,
        };
        Self {
            world: Arc::clone(world),
            side,
            ram: Arc::new(Mutex::new(ram)),
            stop: Arc::default(),
            refuse_at: None,
            busy: Arc::new(AtomicU64::new(1)),
            brake: AtomicU64::new(0),
            hardest_brake: AtomicU64::new(0),
        }
    }

    /// The guest's life, on a thread of its own: as a vCPU's, it takes turns while its machine runs.
    pub fn power(&self) {
        let (world, side) = (Arc::clone(&self.world), self.side);
        let (ram, stop) = (Arc::clone(&self.ram), Arc::clone(&self.stop));
        let busy = Arc::clone(&self.busy);
        std::thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) && !world.is_dead(side) {
                turn(&world, side, &ram, busy.load(Ordering::SeqCst));
                std::thread::sleep(Duration::from_micros(200));
            }
        });
    }

    /// Starts the guest at the source.
    pub fn start(&self) {
        lock(&self.world.nvdimm).lock = Some(self.side);
        self.power();
        self.world.set_running(self.side, true);
    }

    fn refuse(&self, step: &'static str) -> Result<(), Problem> {
        self.world.step(self.side, step);
        match self.refuse_at {
            Some(at) if at == step => Err(Problem(format!("{step} is refused"))),
            _ => Ok(()),
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// One turn of the guest, if it runs.
fn turn(world: &World, side: Side, ram: &Mutex<Ram>, busy: u64) {
    let running = lock(&world.running);
    if !running[side as usize] {
        return;
    }
    let mut ram = lock(ram);
    let mut nvdimm = lock(&world.nvdimm);
    let counter = ram.number(0);
    if nvdimm.lock != Some(side) {
        world.violation(format!(
            "the guest of {side:?} runs and its NVDIMM is locked by {:?}",
            nvdimm.lock
        ));
    }
    if nvdimm.counter != counter {
        world.violation(format!(
            "the guest of {side:?} remembers {counter} and finds {}",
            nvdimm.counter
        ));
    }
    let acknowledged = world.acknowledged.load(Ordering::SeqCst);
    if acknowledged > counter {
        world.violation(format!(
            "{acknowledged} was acknowledged and {side:?} is at {counter}"
        ));
    }
    for page in 1..PAGES {
        // The last number that this page got.
        let expected = counter
            .checked_sub((counter + PAGES - 1 - page) % (PAGES - 1))
            .filter(|&it| it > 0);
        let expected = expected
            .filter(|&it| it % (PAGES - 1) == page % (PAGES - 1))
            .unwrap_or(0);
        let found = ram.number(page);
        if found != expected && busy == 1 {
            world.violation(format!(
                "page {page} of {side:?} at {counter}: {found} and not {expected}"
            ));
        }
    }
    let counter = counter + 1;
    nvdimm.counter = counter;
    ram.set_number(0, counter);
    for step in 0..busy {
        let page = match (counter + step) % (PAGES - 1) {
            0 => PAGES - 1,
            page => page,
        };
        ram.set_number(page, counter);
    }
    world.acknowledged.store(counter, Ordering::SeqCst);
}

impl SourceMachine for Machine {
    fn description(&self) -> Result<Vec<u8>, Problem> {
        self.refuse("description")?;
        Ok(b"a counting guest".to_vec())
    }

    fn ram(&self) -> RamShape {
        RamShape {
            page_size: PAGE as u32,
            pages: PAGES,
        }
    }

    fn start_dirty_log(&self) -> Result<(), Problem> {
        self.refuse("start_dirty_log")?;
        let mut ram = lock(&self.ram);
        ram.logging = true;
        ram.dirty.clear();
        Ok(())
    }

    fn fetch_dirty(&self, pages: &mut PageSet) {
        let mut ram = lock(&self.ram);
        pages.merge(&ram.dirty);
        ram.dirty.clear();
    }

    fn stop_dirty_log(&self) {
        lock(&self.ram).logging = false;
    }

    fn read_page(&self, page: u64, bytes: &mut [u8]) {
        let at = page as usize * PAGE;
        bytes.copy_from_slice(&lock(&self.ram).bytes[at..at + PAGE]);
    }

    fn throttle(&self, percent: u8) -> bool {
        self.brake.store(percent.into(), Ordering::SeqCst);
        self.hardest_brake
            .fetch_max(percent.into(), Ordering::SeqCst);
        true
    }

    fn flush_ahead(&self) -> Result<(), Problem> {
        self.refuse("flush_ahead")?;
        // A guest that is busy leaves much to sync.
        if self.busy.load(Ordering::SeqCst) > 1 && self.brake.load(Ordering::SeqCst) <= 50 {
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn pause(&self) -> Result<Box<dyn StoppedMachine + '_>, Problem> {
        self.refuse("pause")?;
        self.world.set_running(self.side, false);
        Ok(Box::new(Stopped(self)))
    }
}

struct Stopped<'a>(&'a Machine);

impl StoppedMachine for Stopped<'_> {
    fn fetch_dirty(&self, pages: &mut PageSet) {
        self.0.fetch_dirty(pages);
    }

    fn settle(&self) -> Result<(), Problem> {
        Ok(())
    }

    fn state(&self) -> Result<Vec<u8>, Problem> {
        self.0.refuse("state")?;
        Ok(lock(&self.0.ram).number(0).to_le_bytes().to_vec())
    }

    fn release(&self) -> Result<(), Problem> {
        self.0.refuse("release")?;
        lock(&self.0.world.nvdimm).lock = None;
        Ok(())
    }

    fn reclaim(&self) -> Result<(), Problem> {
        self.0.world.step(self.0.side, "reclaim");
        let mut nvdimm = lock(&self.0.world.nvdimm);
        match nvdimm.lock {
            None => nvdimm.lock = Some(self.0.side),
            Some(holder) if holder == self.0.side => {}
            Some(_) => return Err(Problem::new("the NVDIMM is locked")),
        }
        Ok(())
    }

    fn resume(self: Box<Self>) -> Result<(), Problem> {
        self.0.world.step(self.0.side, "resume");
        self.0.world.set_running(self.0.side, true);
        Ok(())
    }

    fn leave(self: Box<Self>) {
        self.0.world.step(self.0.side, "leave");
    }
}

impl DestinationMachine for Machine {
    fn check(&mut self, description: &[u8], ram: RamShape) -> Result<(), Problem> {
        self.refuse("check")?;
        assert_eq!(description, b"a counting guest");
        assert_eq!(ram, SourceMachine::ram(self));
        Ok(())
    }

    fn write_pages(&mut self, first: u64, bytes: &[u8]) {
        let at = first as usize * PAGE;
        lock(&self.ram).bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn clear_pages(&mut self, pages: Range<u64>) {
        lock(&self.ram).bytes[pages.start as usize * PAGE..pages.end as usize * PAGE].fill(0);
    }

    fn load(&mut self, state: &[u8]) -> Result<(), Problem> {
        self.refuse("load")?;
        let counter = u64::from_le_bytes(state.try_into().map_err(Problem::new)?);
        if lock(&self.ram).number(0) != counter {
            self.world.violation(format!(
                "the state is of {counter} and RAM of another moment"
            ));
        }
        Ok(())
    }

    fn take(&mut self) -> Result<(), Problem> {
        self.refuse("take")?;
        let mut nvdimm = lock(&self.world.nvdimm);
        match nvdimm.lock {
            None => nvdimm.lock = Some(self.side),
            Some(_) => return Err(Problem::new("the NVDIMM is locked")),
        }
        Ok(())
    }

    fn run(&mut self, _: Duration) {
        self.world.step(self.side, "run");
        self.power();
        self.world.set_running(self.side, true);
        self.world.step(self.side, "has started");
    }

    fn give_up(&mut self) {
        self.world.step(self.side, "give_up");
        let mut nvdimm = lock(&self.world.nvdimm);
        if nvdimm.lock == Some(self.side) {
            nvdimm.lock = None;
        }
    }
}

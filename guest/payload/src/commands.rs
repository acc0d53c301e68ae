//! The commands.

use payload_format::calls::{
    self, Call, Calls, Digest, Targets, BUFFER_SIZE, H_SCM_FLUSH, H_SCM_PERFORMANCE_STATS,
};
use payload_format::command::Span;
use payload_format::record::{self, Condition, Words};
use payload_format::{Command, Report};

use crate::console::print;
use crate::failure::Failure;
use crate::machine::{address_of, hypercall, ticks};
use crate::pmem::{self, Clock, Region, Regions, MAX_DEVICES};

type Result = core::result::Result<(), Failure<'static>>;

/// How many places with something that is no whole record `verify` names.
const NAMED: u64 = 16;

/// Does a command.
pub fn run(command: Command, regions: &Regions, clock: Clock) -> Result {
    match command {
        Command::Records { span, batch } => write_records(regions.get(span.device)?, span, batch),
        Command::Verify { span } => verify(regions.get(span.device)?, span),
        Command::Flush { count, device } => measure_flushes(regions.get(device)?, count, clock),
        Command::Hcalls { seed, count } => hostile_calls(regions, seed, count, clock),
        Command::Spin => spin(),
    }
}

fn numbers(
    region: &Region,
    span: Span,
) -> core::result::Result<core::ops::RangeInclusive<u64>, Failure<'static>> {
    let length = region.window.length();
    span.numbers(length).ok_or(Failure::NoRoom {
        count: span.count,
        length,
    })
}

/// Stores records, makes `batch` of them durable at a time, and only then acknowledges them.
fn write_records(region: &Region, span: Span, batch: u64) -> Result {
    let numbers = numbers(region, span)?;
    let (mut first, last) = (*numbers.start(), *numbers.end());
    let mut written = 0;
    while first <= last {
        let end = last.min(first.saturating_add(batch - 1));
        let no_room = Failure::NoRoom {
            count: end,
            length: region.window.length(),
        };
        let start = record::offset_of(first, span.size).ok_or(no_room)?;
        let mut offset = start;
        for number in first..=end {
            region
                .window
                .store(offset, Words::new(span.seed, number, span.size));
            offset += span.size;
        }
        region.make_durable(start, offset - start)?;
        for number in first..=end {
            print(Report::Ack(number));
        }
        written += end - first + 1;
        first = end + 1;
    }
    print(Report::Written(written));
    Ok(())
}

/// Consecutive numbers of whole records, printed when they end.
struct Run(Option<(u64, u64)>);

impl Run {
    fn add(&mut self, number: u64) {
        let first = self.0.map_or(number, |(first, _)| first);
        self.0 = Some((first, number));
    }

    fn end(&mut self) {
        if let Some((first, last)) = self.0.take() {
            print(Report::Whole(first, last));
        }
    }
}

/// Looks at the place of every record.
fn verify(region: &Region, span: Span) -> Result {
    let (mut whole, mut torn, mut empty, mut other) = (0, 0, 0, 0);
    let mut run = Run(None);
    for number in numbers(region, span)? {
        let offset = record::offset_of(number, span.size).unwrap_or(u64::MAX);
        let condition = record::examine(region.window.bytes(offset, span.size), span.seed, number);
        if condition == Condition::Whole {
            whole += 1;
            run.add(number);
            continue;
        }
        run.end();
        match condition {
            Condition::Empty => empty += 1,
            Condition::OtherRun(_) | Condition::Misplaced(_) => other += 1,
            Condition::Whole | Condition::Torn => {
                torn += 1;
                if torn <= NAMED {
                    print(Report::Torn(number));
                }
            }
        }
    }
    run.end();
    print(Report::Verified {
        whole,
        torn,
        empty,
        other,
    });
    Ok(())
}

/// Stores a word and makes it durable, again and again, on one page after the other.
fn measure_flushes(region: &Region, count: u64, clock: Clock) -> Result {
    const STEP: u64 = 4096;
    const WORD: u64 = 8;
    let mut hcalls = 0;
    let start = ticks();
    for number in 0..count {
        let offset = number % (region.window.length() / STEP) * STEP;
        region.window.store(offset, core::iter::once(number));
        hcalls += region.make_durable(offset, WORD)?;
    }
    print(Report::Flushed {
        count,
        hcalls,
        ticks: ticks().wrapping_sub(start),
        frequency: clock.frequency,
    });
    Ok(())
}

/// Makes random hypercalls, and hashes what they are answered as far as it does not depend on the time.
fn hostile_calls(regions: &Regions, seed: u64, count: u64, clock: Clock) -> Result {
    let mut buffer = [0; BUFFER_SIZE];
    let (mut drcs, mut addresses) = ([0; MAX_DEVICES], [0; MAX_DEVICES]);
    let mut devices = 0;
    for ((drc, address), region) in drcs.iter_mut().zip(&mut addresses).zip(regions.iter()) {
        (*drc, *address) = (region.device.drc_index, region.window.address());
        devices += 1;
    }
    let targets = Targets {
        drcs: &drcs[..devices],
        addresses: &addresses[..devices],
        buffer: address_of(&mut buffer),
    };
    let mut digest = Digest::new();
    let mut calls = Calls::new(seed, targets);
    for _ in 0..count {
        let call = match calls.next() {
            Some(call) => call,
            None => break,
        };
        digest_call(call, &mut buffer, &mut digest, clock);
    }
    print(Report::Digest {
        count,
        digest: digest.value(),
    });
    Ok(())
}

fn digest_call(call: Call, buffer: &mut [u8; BUFFER_SIZE], digest: &mut Digest, clock: Clock) {
    if call.opcode == H_SCM_PERFORMANCE_STATS {
        call.write_request(buffer);
    }
    let answer = if call.opcode == H_SCM_FLUSH {
        // With the token as its last argument, as `repeat` wants it; the others mean nothing to a flush.
        let [drc, token, ..] = call.arguments;
        pmem::repeat(clock, call.opcode, &mut [drc, token]).0
    } else {
        hypercall(call.opcode, &call.arguments[..calls::ARGUMENTS])
    };
    digest.add(call.opcode);
    digest.add(answer.status as u64);
    if answer.status == pmem::H_SUCCESS {
        answer
            .outputs
            .iter()
            .take(call.outputs)
            .for_each(|&output| digest.add(output));
    }
}

fn spin() -> ! {
    print(Report::Spinning);
    loop {
        core::hint::spin_loop();
    }
}

//! The second tier against the interpreter: whole programs, with everything that a processor does beside instructions.
//! Failures name the seed; `POWER_JIT_ROUNDS` multiplies the work.

#[path = "../../power/tests/bare/mod.rs"]
mod bare;
mod common;

use std::sync::Arc;
use std::time::Duration;

use bare::*;
use common::peer::Peer;
use common::random::Random;
use common::{CODE as CODE_REGION, DATA, MODES, PROGRAM, eager, rounds};
use power::decode::{disassemble, rows};
use power::signals::KICK;
use power::{Cpu, Exit, Insn, Partition, msr};
use power_jit::{Jit, JitOptions, JitService, Mode};

const CODE: u64 = 0x1_0000;
const COUNTER: u64 = 0x2_0000;

/// Runs `program` on the interpreter and under the second tier, from the state that `prepare` makes; both vCPUs after it.
fn on_both(program: &[u32], prepare: impl Fn(&Arc<Partition>, &mut Cpu)) -> [Cpu; 2] {
    let service = eager();
    [None, Some(&service)].map(|service| {
        let partition = partition(1);
        code(&partition, CODE, program);
        let mut cpu = cpu(&partition, CODE);
        cpu.set_code_tier(service.map(JitService::code_tier));
        prepare(&partition, &mut cpu);
        assert_eq!(cpu.run(), Exit::Hypercall);
        cpu
    })
}

fn assert_alike([interpreted, compiled]: &[Cpu; 2]) {
    assert_eq!(interpreted.regs, compiled.regs);
    assert_eq!(
        interpreted.budget(),
        compiled.budget(),
        "instructions until the next poll"
    );
}

/// As the interpreter's, but for what the clock decides.
fn memory_of(cpu: &Cpu) -> Vec<u8> {
    let mut bytes = vec![0; RAM as usize];
    cpu.partition()
        .memory
        .read(0, &mut bytes)
        .expect("all of RAM");
    bytes
}

#[test]
fn a_loop_counts_and_polls_as_often() {
    let cpus = on_both(&[addi(3, 3, 2), bdnz(-4), HYPERCALL], |_, cpu| {
        cpu.regs.ctr = 100_000;
    });
    assert_eq!(cpus[1].regs.gpr[3], 200_000);
    assert_eq!(
        cpus[0].instructions_executed(),
        cpus[1].instructions_executed()
    );
    assert_alike(&cpus);
}

#[test]
fn a_call_in_a_loop_returns() {
    let bl = |offset: i32| b(offset) | 1;
    const BLR: u32 = 0x4e80_0020;
    let program = [
        bl(0x40),
        addi(4, 4, 1),
        bdnz(-8),
        HYPERCALL,
        NOP,
        NOP,
        NOP,
        NOP,
        NOP,
        NOP,
        NOP,
        NOP,
        NOP,
        NOP,
        NOP,
        NOP,
        addi(3, 3, 1),
        BLR,
    ];
    let cpus = on_both(&program, |_, cpu| cpu.regs.ctr = 10_000);
    assert_eq!((cpus[1].regs.gpr[3], cpus[1].regs.gpr[4]), (10_000, 10_000));
    assert_alike(&cpus);
}

#[test]
fn code_that_changes_itself_runs_as_changed_after_icbi_and_isync() {
    // The word at CODE + 0x20 is run 50 times, overwritten with r6, and run as often again.
    let words = [
        b(0x20),
        stw(6, 0, 7),
        SYNC,
        icbi(7),
        SYNC,
        ISYNC,
        b(8),
        NOP,
        addi(3, 3, 1), // CODE + 0x20
        bdnz(-4),
        addi(8, 8, -1),
        // cmpdi r8, 0
        11 << 26 | 1 << 21 | 8 << 16,
        addi(9, 0, 50),
        // mtctr r9
        0x7c09_03a6 | 9 << 21,
        bne(-0x34),
        HYPERCALL,
    ];
    let cpus = on_both(&words, |_, cpu| {
        cpu.regs.gpr[6] = u64::from(addi(3, 3, 100));
        cpu.regs.gpr[7] = CODE + 0x20;
        cpu.regs.gpr[8] = 2;
        cpu.regs.ctr = 50;
    });
    assert_eq!(cpus[0].regs.gpr[3], 50 + 50 * 100);
    assert_alike(&cpus);
}

#[test]
fn a_fault_in_the_midst_of_a_loop_shows_the_exact_state() {
    // Stores upwards until RAM ends: a machine check then, whose handler is a hypercall.
    let stdu = |rs: u32, d: u32, ra: u32| 62 << 26 | rs << 21 | ra << 16 | d | 1;
    let program = [addi(3, 3, 1), stdu(3, 8, 4), addi(5, 5, 1), b(-12)];
    let cpus = on_both(&program, |partition, cpu| {
        code(partition, 0x200, &[HYPERCALL]);
        cpu.regs.gpr[4] = RAM - 8 * 1000;
        cpu.set_msr(cpu.regs.msr | msr::ME);
    });
    assert_eq!(cpus[1].regs.dar, RAM);
    assert_eq!(cpus[1].regs.srr0, CODE + 4);
    assert_eq!(cpus[1].regs.gpr[3], cpus[1].regs.gpr[5] + 1);
    assert_alike(&cpus);
    assert!(
        memory_of(&cpus[0]) == memory_of(&cpus[1]),
        "memory is alike"
    );
}

#[test]
fn the_decrementer_interrupts_a_loop_that_never_leaves_its_region() {
    let service = eager();
    let partition = partition(1);
    code(&partition, CODE, &[addi(3, 3, 1), b(-4)]);
    code(&partition, 0x900, &[HYPERCALL]);
    let mut cpu = cpu(&partition, CODE);
    cpu.set_code_tier(Some(service.code_tier()));
    cpu.set_msr(cpu.regs.msr | msr::EE);
    cpu.regs.decrementer_expiry = partition.time_base.now() + 512_000;
    assert_eq!(cpu.run(), Exit::Hypercall);
    assert_eq!(cpu.regs.nia, 0x904);
    assert!((CODE..=CODE + 4).contains(&cpu.regs.srr0));
}

#[test]
fn a_loop_that_opens_ee_for_one_instruction_sees_a_decrementer_that_is_due() {
    const MTMSRD_R5: u32 = x(5, 0, 0, 178) | 1 << 16;
    const MTMSRD_R8: u32 = x(8, 0, 0, 178) | 1 << 16;
    let service = eager();
    for service in [None, Some(&service)] {
        let partition = partition(1);
        code(
            &partition,
            CODE,
            &[NOP, MTMSRD_R5, MTMSRD_R8, NOP, NOP, bdnz(-20), HYPERCALL],
        );
        code(&partition, 0x900, &[HYPERCALL]);
        let mut cpu = cpu(&partition, CODE);
        cpu.set_code_tier(service.map(JitService::code_tier));
        cpu.regs.gpr[5] = msr::EE | msr::RI;
        cpu.regs.gpr[8] = msr::RI;
        cpu.regs.ctr = 4_000_000;
        cpu.regs.decrementer_expiry = partition.time_base.now() + 51_200;
        assert_eq!(cpu.run(), Exit::Hypercall);
        assert_eq!((cpu.regs.nia, cpu.regs.srr0), (0x904, CODE + 8));
    }
}

#[test]
fn a_kick_ends_a_loop_that_never_leaves_its_region() {
    let service = eager();
    let partition = partition(1);
    code(&partition, CODE, &[addi(3, 3, 1), b(-4)]);
    let signals = Arc::clone(partition.signals(0).expect("vCPU 0"));
    let mut cpu = cpu(&partition, CODE);
    cpu.set_code_tier(Some(service.code_tier()));
    let kicker = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(20));
        signals.raise(KICK);
    });
    assert_eq!(cpu.run(), Exit::Kicked);
    kicker.join().expect("it only kicks");
}

/// Runs a loop at full speed, so that it is compiled, and then again as `trace` asks, to the trace interrupt.
fn traced_after_it_was_compiled(trace: impl Fn(&mut Cpu)) -> [Cpu; 2] {
    let program = [addi(3, 3, 1), bdnz(-4), addi(4, 4, 1), HYPERCALL];
    on_both(&program, |partition, cpu| {
        code(partition, 0xd00, &[HYPERCALL]);
        cpu.regs.ctr = 1000;
        assert_eq!(cpu.run(), Exit::Hypercall);
        cpu.regs.nia = CODE;
        cpu.regs.ctr = 1000;
        trace(cpu);
    })
}

#[test]
fn single_steps_are_traced_one_by_one_in_compiled_code() {
    let cpus = traced_after_it_was_compiled(|cpu| cpu.set_msr(cpu.regs.msr | msr::SE));
    assert_eq!(cpus[1].regs.srr0, CODE + 4);
    assert_alike(&cpus);
}

#[test]
fn counters_of_the_performance_monitor_are_as_exact_in_compiled_code() {
    const fn move_spr(spr: u32, gpr: u32, extended: u32) -> u32 {
        x(gpr, spr & 31, spr >> 5, extended)
    }
    const MMCR0: u32 = 795;
    const PMC5: u32 = 791;
    /// Counts whatever CTRL[RUN] is.
    const CC56RUN: u64 = 1 << 8;
    let start = move_spr(MMCR0, 10, 467);
    let read = move_spr(PMC5, 5, 339);
    let inner = [addi(3, 3, 1), bdnz(-4)];
    // Counts an inner loop, reads, and does so 300 times.
    let program = [
        start,
        move_spr(9, 11, 467),
        inner[0],
        inner[1],
        read,
        addi(12, 12, -1),
        11 << 26 | 12 << 16,
        bne(-24),
        HYPERCALL,
    ];
    let cpus = on_both(&program, |partition, cpu| {
        partition.time_base.hold(1 << 40);
        cpu.regs.gpr[10] = CC56RUN;
        cpu.regs.gpr[11] = 50;
        cpu.regs.gpr[12] = 300;
    });
    assert_eq!(cpus[1].regs.gpr[5], 300 * (1 + 2 * 50) + 299 * 4);
    assert_alike(&cpus);
    assert_eq!(cpus[0].export().plain_sprs, cpus[1].export().plain_sprs);
}

#[test]
fn a_breakpoint_stops_in_code_that_was_compiled() {
    let cpus = traced_after_it_was_compiled(|cpu| cpu.debug.ciabr = (CODE + 8) | 2);
    assert_eq!((cpus[1].regs.nia, cpus[1].regs.srr0), (0xd04, CODE + 12));
    assert_alike(&cpus);
}

#[test]
fn a_watchpoint_stops_compiled_loops_at_the_very_access() {
    // A loop of loads and stores through an array, compiled and run over warm pages first.
    let program = [
        ld(3, 0, 4),
        addi(3, 3, 1),
        std(3, 0, 4),
        addi(4, 4, 8),
        bdnz(-16),
        HYPERCALL,
    ];
    const WATCHED: u64 = COUNTER + 8 * 700;
    const STORES_IN_PRIVILEGED_STATE: u64 = 0x40 | 0x08 | 0x02;
    let cpus = on_both(&program, |partition, cpu| {
        code(partition, 0x300, &[HYPERCALL]);
        for _ in 0..3 {
            cpu.regs.nia = CODE;
            cpu.regs.gpr[4] = COUNTER;
            cpu.regs.ctr = 1000;
            assert_eq!(cpu.run(), Exit::Hypercall);
        }
        cpu.regs.nia = CODE;
        cpu.regs.gpr[4] = COUNTER;
        cpu.regs.ctr = 1000;
        cpu.debug.dawr0 = WATCHED;
        cpu.debug.dawrx0 = STORES_IN_PRIVILEGED_STATE;
    });
    assert_eq!((cpus[1].regs.nia, cpus[1].regs.srr0), (0x304, CODE + 8));
    assert_eq!(
        (cpus[1].regs.dar, cpus[1].regs.dsisr),
        (WATCHED, 0x0240_0000)
    );
    assert_eq!(cpus[1].regs.gpr[4], WATCHED);
    assert_alike(&cpus);
    assert!(
        memory_of(&cpus[0]) == memory_of(&cpus[1]),
        "memory is alike"
    );
}

#[test]
fn facilities_may_be_switched_off_under_compiled_code() {
    // fadd f1, f1, f2 in a loop.
    let fadd = 63 << 26 | 1 << 21 | 1 << 16 | 2 << 11 | 21 << 1;
    let cpus = on_both(&[fadd, bdnz(-4), HYPERCALL], |partition, cpu| {
        code(partition, 0x800, &[HYPERCALL]);
        cpu.set_msr(cpu.regs.msr | msr::FP);
        cpu.regs.vsr[1] = u128::from(1f64.to_bits()) << 64;
        cpu.regs.vsr[2] = u128::from(0.1f64.to_bits()) << 64;
        cpu.regs.ctr = 1000;
        assert_eq!(cpu.run(), Exit::Hypercall);
        cpu.set_msr(cpu.regs.msr & !msr::FP);
        cpu.regs.nia = CODE;
        cpu.regs.ctr = 10;
    });
    assert_eq!(cpus[1].regs.srr0, CODE);
    assert_eq!(cpus[1].regs.nia, 0x804);
    assert_alike(&cpus);
}

#[test]
fn reservations_make_increments_of_four_vcpus_add_up() {
    const EACH: u64 = 20_000;
    let service = eager();
    let partition = partition(4);
    partition.set_interrupt_little_endian(true);
    let program = [
        lwarx(5, 4),
        addi(5, 5, 1),
        stwcx(5, 4),
        bne(-12),
        bdnz(-16),
        HYPERCALL,
    ];
    code(&partition, CODE, &program);
    std::thread::scope(|scope| {
        for id in 0..4 {
            let (partition, service) = (&partition, &service);
            scope.spawn(move || {
                let mut cpu = Cpu::new(partition, id).expect("four vCPUs");
                cpu.set_code_tier(Some(service.code_tier()));
                cpu.set_msr(cpu.regs.msr | msr::LE);
                cpu.regs.nia = CODE;
                cpu.regs.gpr[4] = COUNTER;
                cpu.regs.ctr = EACH;
                assert_eq!(cpu.run(), Exit::Hypercall);
            });
        }
    });
    let mut bytes = [0; 4];
    partition.memory.read(COUNTER, &mut bytes).expect("RAM");
    assert_eq!(u64::from(u32::from_le_bytes(bytes)), 4 * EACH);
}

#[test]
fn code_is_dropped_when_it_takes_too_much_room_and_made_again() {
    // Room for one function at a time.
    let service = JitService::new(JitOptions {
        threshold: 1,
        wait: true,
        code_bytes: (1 << 20) + 4096,
        ..JitOptions::default()
    })
    .expect("tests run where the engine does");
    let partition = partition(1);
    // 64 loops in pages of their own, all run three times.
    const PAGES: u64 = 64;
    const LOOP: [u32; 4] = [
        addi(9, 0, 5),
        0x7c09_03a6 | 9 << 21,
        addi(3, 3, 1),
        bdnz(-4),
    ];
    for n in 0..PAGES {
        let end = if n + 1 < PAGES {
            b(0x1000 - 0x10)
        } else {
            HYPERCALL
        };
        code(&partition, CODE + n * 0x1000, &[&LOOP[..], &[end]].concat());
    }
    let mut cpu = cpu(&partition, CODE);
    cpu.set_code_tier(Some(service.code_tier()));
    for _ in 0..3 {
        cpu.regs.nia = CODE;
        assert_eq!(cpu.run(), Exit::Hypercall);
    }
    assert_eq!(cpu.regs.gpr[3], 3 * PAGES * 5);
}

/// A random loop: instructions that this engine translates, some for the interpreter, branches forwards; then bdnz and the end.
fn random_loop(random: &mut Random, jit: &mut Jit, mode: Mode) -> Vec<Insn> {
    /// mfmsr r4; mfspr r5, XER; mtspr SPRG0, r6; mfspr r7, SPRG0; sync; nop.
    const SYSTEM: [u32; 6] = [
        0x7c80_00a6,
        0x7ca1_02a6,
        0x7cd0_43a6,
        0x7cf0_42a6,
        0x7c00_04ac,
        NOP,
    ];
    let length = 2 + random.below(24) as usize;
    let mut body = Vec::with_capacity(length);
    while body.len() < length {
        let left = (length - body.len()) as u64;
        match random.below(12) {
            0 => body.push(Insn(SYSTEM[random.below(6) as usize])),
            1 => {
                // bc: on any CR bit, true or false, forwards.
                let skip = 1 + random.below(left) as u32;
                let bo = if random.below(2) == 0 { 4 } else { 12 };
                let bi = random.below(32) as u32;
                body.push(Insn(16 << 26 | bo << 21 | bi << 16 | (skip * 4)));
            }
            _ => {
                let row = random.below(rows().len() as u64) as usize;
                let operands = rows()[row].operands;
                let branches = operands.starts_with("li") || operands.starts_with("bo");
                let stops = operands.contains("ra0")
                    || operands.contains("(ra")
                    || operands.contains("to,");
                if branches || stops && random.below(4) != 0 {
                    continue;
                }
                let Some(insn) = random.instruction(row) else {
                    continue;
                };
                // CTR counts the loop's turns.
                let writes_ctr = insn.primary() == 31 && insn.bits(21, 10) == 467;
                if !writes_ctr && jit.translate(&[insn], mode).is_ok() {
                    body.push(insn);
                }
            }
        }
    }
    let back = -(body.len() as i16 * 4);
    body.push(Insn(bdnz(back)));
    body
}

#[test]
fn random_loops_do_what_the_interpreter_does() {
    let rounds = rounds();
    let service = eager();
    let mut random = Random::new(3);
    let mut jit = Jit::new().expect("tests run where the engine does");
    let (mut runs, mut whole) = (0, 0);
    for (name, msr) in MODES {
        let mut peers = [Peer::new(msr), Peer::new(msr)];
        peers[1].cpu.set_code_tier(Some(service.code_tier()));
        for round in 0..120 * rounds {
            let program = random_loop(&mut random, &mut jit, Mode::from_msr(msr));
            let mut start = random.registers();
            start.ctr = 1 + random.below(60);
            let mut data = vec![0; (DATA.end - DATA.start) as usize];
            random.fill(&mut data);
            let mut ends = Vec::new();
            for peer in &mut peers {
                peer.write_code(CODE_REGION.start, &vec![Insn(HYPERCALL); 0x4000]);
                peer.write_program(&program);
                peer.write(DATA.start, &data);
                peer.set_registers(&start);
                let msr = peer.cpu.regs.msr;
                peer.cpu.set_msr(msr);
                assert_eq!(peer.cpu.run(), Exit::Hypercall);
                let mut memory = vec![0; data.len()];
                let mut code = vec![0; (CODE_REGION.end - CODE_REGION.start) as usize];
                peer.read(DATA, &mut memory);
                peer.read(CODE_REGION, &mut code);
                ends.push((peer.cpu.regs.clone(), peer.cpu.budget(), memory, code));
            }
            let text = || -> String {
                let lines: Vec<String> = program.iter().map(|&i| disassemble(i, None)).collect();
                format!(
                    "{name}, round {round}\n{}\nfrom {start:x?}",
                    lines.join("\n")
                )
            };
            let [interpreted, compiled] = &ends[..] else {
                unreachable!("there are two peers")
            };
            assert_eq!(interpreted.0, compiled.0, "{}", text());
            assert_eq!(interpreted.1, compiled.1, "budget: {}", text());
            assert!(interpreted.2 == compiled.2, "data differ: {}", text());
            assert!(interpreted.3 == compiled.3, "code differs: {}", text());
            runs += 1;
            whole += u64::from(compiled.0.nia > PROGRAM);
        }
    }
    println!("{whole} of {runs} loops ended without an interrupt");
    assert!(whole > runs / 4, "{whole} of {runs} loops ended");
}

/// A number that arithmetic is done with: small whole ones, for which results are exact; any; and those at which things break.
/// Also doublewords that are integers.
fn operand(random: &mut Random, single: bool) -> u64 {
    // Where conversions to integers and to singles have their limits, and what is no number.
    const EDGES: [f64; 14] = [
        2147483648.0,
        4294967296.0,
        9007199254740992.0,
        9223372036854775808.0,
        18446744073709551616.0,
        0.49999999999999994,
        0.0,
        f64::INFINITY,
        f64::NAN,
        f64::MAX,
        f64::MIN_POSITIVE,
        f32::MAX as f64,
        f32::MIN_POSITIVE as f64,
        1e-42_f32 as f64,
    ];
    if !single && random.below(8) == 0 {
        let edge =
            [1 << 24, 1 << 31, 1 << 32, 1 << 53, 1 << 62, 1 << 63, 0][random.below(7) as usize];
        return random.below(5).wrapping_sub(2).wrapping_add(edge);
    }
    let double = match random.below(13) {
        8 | 9 => {
            let edge = EDGES[random.below(EDGES.len() as u64) as usize];
            let bits = random.below(5).wrapping_sub(2).wrapping_add(edge.to_bits());
            f64::from_bits(bits ^ random.bits() & 1 << 63)
        }
        // A half, a quarter or three quarters less than a limit of words.
        10 => {
            let edge = EDGES[random.below(2) as usize] - random.below(8) as f64 / 4.0 + 1.0;
            if random.below(2) == 0 { edge } else { -edge }
        }
        // A signalling NaN.
        11 => f64::from_bits(0x7ff0_0000_2000_0000 | random.bits() & 1 << 63),
        12 => f64::from(f32::from_bits(random.bits() as u32)),
        0 => 0.0,
        1..=3 => random.below(64) as f64 / 4.0 - 8.0,
        4 => f64::from_bits(random.bits()),
        5 => f64::from_bits(random.below(1 << 52)),
        _ => f64::from_bits(0x3ff0_0000_0000_0000 | random.bits() >> 12) * 1000.0 - 1500.0,
    };
    if single {
        let low = f32::from_bits(random.bits() as u32);
        u64::from((double as f32).to_bits()) << 32 | u64::from(low.to_bits())
    } else {
        double.to_bits()
    }
}

#[test]
fn floating_point_on_the_hosts_unit_leaves_the_fpscr_of_the_interpreter() {
    const NAMES: &str = "fadd fsub fmul fmadd fmsub fnmadd fnmsub xsadddp xssubdp xsmuldp xsmaddadp xsmsubmdp xsnmaddadp \
        xsnmsubmdp xvadddp xvsubdp xvmuldp xvmaddadp xvmsubmdp xvnmaddmdp xvnmsubadp xvaddsp xvsubsp xvmulsp xvmaddasp \
        xvmsubmsp xvnmaddasp xvnmsubmsp fcmpu mffs fmr fdiv frsp fadds fmuls fmadds xvdivsp \
        fcmpo xscmpudp xscmpodp xscmpexpdp fsqrt fsqrts xssqrtdp xssqrtsp xvsqrtdp xvsqrtsp xsrsp frin friz frip frim xsrdpi \
        xsrdpic xsrdpim xsrdpip xsrdpiz xvrdpi xvrdpic xvrdpim xvrdpip xvrdpiz xvrspi xvrspic xvrspim xvrspip xvrspiz fctid \
        fctidz fctidu fctiduz fctiw fctiwz fctiwu fctiwuz fcfid fcfids fcfidu fcfidus xscvdpsxds xscvdpuxds xscvdpsxws \
        xscvdpuxws xscvsxddp xscvsxdsp xscvuxddp xscvuxdsp xscvdpspn xscvspdpn fsel xsmaxdp xsmindp xsmaxcdp xsmincdp \
        xscmpeqdp xscmpgtdp xscmpgedp xvmaxdp xvmindp xvmaxsp xvminsp xvcmpeqdp xvcmpgtdp xvcmpgedp xvcmpeqsp xvcmpgtsp \
        xvcmpgesp mcrfs";
    const INEXACT: u64 = 1 << 25 | 1 << 31;
    let rows: Vec<usize> = NAMES
        .split_whitespace()
        .map(|name| {
            let row = rows().iter().position(|row| row.mnemonic == name);
            row.unwrap_or_else(|| panic!("there is a row for {name}"))
        })
        .collect();
    let rounds = rounds();
    let service = eager();
    let mut random = Random::new(4);
    let mut peers = [Peer::new(MODES[0].1), Peer::new(MODES[0].1)];
    peers[1].cpu.set_code_tier(Some(service.code_tier()));
    for round in 0..1200 * rounds {
        let length = 1 + random.below(12) as usize;
        let mut program: Vec<Insn> = Vec::new();
        while program.len() < length {
            let row = rows[random.below(rows.len() as u64) as usize];
            program.extend(random.instruction(row));
        }
        program.push(Insn(bdnz(-(length as i16 * 4))));
        let mut start = random.registers();
        start.ctr = 1 + random.below(12);
        for vsr in &mut start.vsr {
            let single = random.below(3) == 0;
            let (high, low) = (operand(&mut random, single), operand(&mut random, single));
            *vsr = u128::from(high) << 64 | u128::from(low);
        }
        let fpscr = [
            0,
            INEXACT,
            INEXACT,
            random.bits() & 0xff,
            random.bits(),
            random.bits() & !0xff,
        ];
        start.fpscr = power_float::Fpscr::from_bits(fpscr[random.below(6) as usize]);
        let ends = peers.each_mut().map(|peer| {
            peer.write_program(&program);
            peer.set_registers(&start);
            let msr = peer.cpu.regs.msr;
            peer.cpu.set_msr(msr);
            assert_eq!(peer.cpu.run(), Exit::Hypercall);
            (peer.cpu.regs.clone(), peer.cpu.budget())
        });
        let text = || -> String {
            let lines: Vec<String> = program.iter().map(|&i| disassemble(i, None)).collect();
            format!("round {round}\n{}\nfrom {start:x?}", lines.join("\n"))
        };
        assert!(
            ends[0] == ends[1],
            "{:x?}\nis not\n{:x?}\n{}",
            ends[1],
            ends[0],
            text()
        );
    }
}

#[test]
fn what_one_vcpu_has_had_compiled_another_runs_that_has_the_page() {
    let service = JitService::new(JitOptions {
        threshold: 1000,
        wait: true,
        ..JitOptions::default()
    })
    .expect("tests run where the engine does");
    let partition = partition(2);
    code(&partition, CODE, &[addi(3, 3, 2), bdnz(-4), HYPERCALL]);
    let mut cpus = [0, 1].map(|id| {
        let mut cpu = Cpu::new(&partition, id).expect("there are two");
        cpu.set_code_tier(Some(service.code_tier()));
        cpu
    });
    let mut run = |id: usize, rounds| {
        let cpu = &mut cpus[id];
        cpu.set_msr(cpu.regs.msr | msr::LE);
        (cpu.regs.nia, cpu.regs.ctr) = (CODE, rounds);
        assert_eq!(cpu.run(), Exit::Hypercall);
    };
    // Far from hot, on one; then hot on the other.
    run(0, 10);
    run(1, 5000);
    run(0, 10);
    cpus[1].set_code_tier(None);
    let before = service.statistics();
    cpus[0].set_code_tier(None);
    let after = service.statistics();
    assert_eq!(after.regions, before.regions);
    assert!(after.executed > before.executed, "{before:?}, {after:?}");
}

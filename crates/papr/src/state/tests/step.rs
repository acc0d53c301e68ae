//! What can happen to a machine, at random, and all that can be seen of it.

use proptest::prelude::*;
use proptest::sample::select;

use super::{AREAS, BUFFER, VCPUS};
use crate::action::Action;
use crate::events::{HotPlug, HotPlugAction, HotPlugResource};
use crate::hcall::abi::*;
use crate::testing::{FakeCpu, Machine};
use crate::vcpu::{Special, VcpuId};

/// Where RTAS argument blocks are.
const BLOCK: u64 = 0x7000;
/// Event logs say when they were written, so they have a page of their own that nothing reads.
const EVENT_LOG: u32 = 0x2_0000;

/// Something that happens to a machine.
#[derive(Debug, Clone)]
pub(super) enum Step {
    Hypercall(u32, u64, [u64; 4]),
    Rtas(u32, u32, Vec<u32>, usize),
    RegisterArea(u32, u64),
    Route(u32, u32, u32),
    FetchEvent(u32),
    Type(Vec<u8>),
    Plug(u32),
    PowerButton,
    WaitEnded(u32),
    Stop(u32),
}

/// All that can be seen of a step.
#[derive(Debug, PartialEq)]
pub(super) struct Outcome {
    gprs: [u64; 32],
    external_interrupts: bool,
    specials: Vec<(Special, u64)>,
    action: Option<Action>,
    words: Vec<u32>,
    number: usize,
}

impl Step {
    /// Lets it happen.
    pub(super) fn apply(&self, m: &Machine) -> Outcome {
        let mut cpu = m.cpu(0);
        let outcome = |cpu: &mut FakeCpu| {
            let action = m.platform.hypercall(cpu);
            Outcome {
                gprs: cpu.gprs,
                external_interrupts: cpu.external_interrupts,
                specials: std::mem::take(&mut cpu.specials),
                action: Some(action),
                words: m.read_words(BLOCK, 16),
                number: 0,
            }
        };
        let rtas = |vcpu: u32, token: u32, args: &[u32], results: usize| {
            let header = [token, args.len() as u32, results as u32];
            m.write_words(BLOCK, &[&header, args, &vec![0; results]].concat());
            let mut cpu = m.cpu(vcpu);
            (cpu.gprs[3], cpu.gprs[4]) = (H_RTAS, BLOCK);
            outcome(&mut cpu)
        };
        let number = match self {
            Step::Hypercall(vcpu, opcode, args) => {
                cpu = m.cpu(*vcpu);
                cpu.gprs[3] = *opcode;
                cpu.gprs[4..8].copy_from_slice(args);
                return outcome(&mut cpu);
            }
            Step::Rtas(vcpu, token, args, results) => return rtas(*vcpu, *token, args, *results),
            Step::Route(source, server, priority) => {
                return rtas(0, 0x200A, &[*source, *server, *priority], 1);
            }
            Step::FetchEvent(mask) => {
                return rtas(0, 0x200E, &[0x500, 0, *mask, 0, EVENT_LOG, 2048], 1);
            }
            Step::RegisterArea(vcpu, function) => {
                let area = AREAS + (u64::from(*vcpu) * 8 + function) * 0x1000;
                // The size, for the field of 16 bits and the one of 32.
                let size = if *function == 1 { 1024 << 16 } else { 1024 };
                m.write_words(area + 4, &[size]);
                cpu.gprs[3] = H_REGISTER_VPA;
                let args = [function << (63 - 18), u64::from(*vcpu), area];
                cpu.gprs[4..7].copy_from_slice(&args);
                return outcome(&mut cpu);
            }
            Step::Type(bytes) => m.platform.console_input(bytes),
            Step::Plug(drc_index) => {
                let (resource, action) = (HotPlugResource::PersistentMemory, HotPlugAction::Add);
                let event = HotPlug {
                    resource,
                    action,
                    drc_index: *drc_index,
                };
                m.platform.hot_plug(event).is_ok().into()
            }
            Step::PowerButton => m.platform.request_power_off().is_ok().into(),
            Step::WaitEnded(vcpu) => {
                m.platform.wait_ended(VcpuId(*vcpu));
                0
            }
            Step::Stop(vcpu) => {
                m.host.stop(*vcpu);
                0
            }
        };
        Outcome {
            gprs: [0; 32],
            external_interrupts: false,
            specials: Vec::new(),
            action: None,
            words: Vec::new(),
            number,
        }
    }
}

/// What a guest may put into a register: small numbers, sources, priorities, addresses, limits.
fn argument() -> impl Strategy<Value = u64> {
    prop_oneof![
        6 => 0u64..8,
        2 => select(vec![0x1000u64, 0x1001, 0x1100, 0x7100_0000, 0x0500_1100, 0xFF00_1100, 0xFF00_0000, 0xFF]),
        1 => select(vec![u64::from(BUFFER), BLOCK, AREAS, u64::MAX, u64::MAX - 1, 1 << 45]),
        1 => any::<u64>(),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    const HYPERCALLS: [u64; 25] = [
        H_SET_SPRG0,
        H_PAGE_INIT,
        H_LOGICAL_CI_LOAD,
        H_LOGICAL_CI_STORE,
        H_GET_TERM_CHAR,
        H_PUT_TERM_CHAR,
        H_EOI,
        H_CPPR,
        H_IPI,
        H_IPOLL,
        H_XIRR,
        H_REGISTER_VPA,
        H_CEDE,
        H_CONFER,
        H_PROD,
        H_GET_PPP,
        H_PIC,
        H_JOIN,
        H_XIRR_X,
        H_RANDOM,
        H_SET_MODE,
        H_REGISTER_PROC_TBL,
        H_SIGNAL_SYS_RESET,
        H_HOME_NODE_ASSOCIATIVITY,
        0x4444,
    ];
    // The interrupt controller has most to remember.
    const INTERRUPTS: [u64; 4] = [H_EOI, H_CPPR, H_IPI, H_XIRR];
    let vcpu = || 0..VCPUS;
    // Every service but those of the clock, which runs on between the two machines.
    let service = select((0x2003u32..0x2020).collect::<Vec<_>>());
    let results = 1usize..4;
    let word = argument().prop_map(|value| value as u32);
    let source = select(vec![0x1000u32, 0x1001, 0x1100]);
    prop_oneof![
        4 => (vcpu(), select(&HYPERCALLS[..]), prop::array::uniform4(argument()))
            .prop_map(|(vcpu, opcode, args)| Step::Hypercall(vcpu, opcode, args)),
        6 => (vcpu(), select(&INTERRUPTS[..]), 0u64..VCPUS.into(), prop_oneof![0u64..8, Just(0xFF)])
            .prop_map(|(vcpu, opcode, server, value)| {
                let first = match opcode {
                    H_EOI => value << 24,
                    H_IPI => server,
                    _ => value,
                };
                Step::Hypercall(vcpu, opcode, [first, value, 0, 0])
            }),
        1 => (vcpu(), Just(H_GET_TERM_CHAR)).prop_map(|(vcpu, opcode)| Step::Hypercall(vcpu, opcode, [0; 4])),
        1 => vcpu().prop_map(|vcpu| Step::Hypercall(vcpu, H_JOIN, [0; 4])),
        3 => (vcpu(), service, prop::collection::vec(word, 0..8), results)
            .prop_map(|(vcpu, token, args, results)| Step::Rtas(vcpu, token, args, results)),
        1 => (0u32..0x200, 1u32..64).prop_map(|(at, length)| Step::Rtas(0, 0x2013, vec![at, BUFFER, length], 2)),
        1 => (0u32..0x200, 1u32..64).prop_map(|(at, length)| Step::Rtas(0, 0x2012, vec![at, BUFFER, length], 2)),
        2 => (vcpu(), 1u64..8).prop_map(|(vcpu, function)| Step::RegisterArea(vcpu, function)),
        2 => (source, vcpu(), 0u32..8).prop_map(|(source, server, priority)| Step::Route(source, server, priority)),
        1 => select(vec![0x4000_0000u32, 0x1000_0000, u32::MAX]).prop_map(Step::FetchEvent),
        2 => prop::collection::vec(any::<u8>(), 0..40).prop_map(Step::Type),
        2 => any::<u32>().prop_map(Step::Plug),
        1 => Just(Step::PowerButton),
        1 => vcpu().prop_map(Step::WaitEnded),
        1 => (1..VCPUS).prop_map(Step::Stop),
    ]
}

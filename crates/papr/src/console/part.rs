//! The console as a part of the platform: H_GET_TERM_CHAR and H_PUT_TERM_CHAR (PAPR, "Virtual
//! Terminal"), and its node.

use std::sync::Arc;

use device_tree::Node;
use serde_json::Value;

use super::{CHUNK, Console, INPUT_LIMIT, VTY_IRQ, VTY_UNIT};

use crate::hcall::abi::{H_BUSY, H_PARAMETER};
use crate::hcall::{Call, Hypercall, Reply, abi};
use crate::hex::HexBytes;
use crate::part::{Commit, Part, PartStateError, from_value, to_value};
use crate::xics::EDGE;

/// Path of the terminal.
const VTY_PATH: &str = "/vdevice/vty@71000000";

impl Part for Console {
    fn name(&self) -> &'static str {
        "console"
    }

    fn hypercalls(self: Arc<Self>) -> Vec<Hypercall> {
        vec![
            Hypercall::new(abi::H_GET_TERM_CHAR, &self, get_term_char),
            Hypercall::new(abi::H_PUT_TERM_CHAR, &self, put_term_char),
        ]
    }

    fn hypercall_groups(&self) -> &'static [&'static str] {
        &["hcall-term"]
    }

    fn device_tree(&self) -> Vec<Node> {
        let vty = Node::new(format!("vty@{VTY_UNIT:x}"))
            .string("device_type", "serial")
            .string("compatible", "hvterm1")
            .u32("reg", VTY_UNIT)
            .cells("interrupts", &[VTY_IRQ.0, EDGE]);
        let chosen = Node::new("chosen")
            .string("stdout-path", VTY_PATH)
            .string("linux,stdout-path", VTY_PATH);
        vec![chosen, Node::new("vdevice").child(vty)]
    }

    fn reset(&self) {
        Console::reset(self);
    }

    fn state_version(&self) -> Option<u32> {
        Some(1)
    }

    /// What was typed and not read.
    fn export(&self) -> Value {
        to_value(&HexBytes(Console::export(self)))
    }

    fn import<'a>(&'a self, _: u32, state: &Value) -> Result<Commit<'a>, PartStateError> {
        let HexBytes(input) = from_value(state)?;
        if input.len() > INPUT_LIMIT {
            return Err(PartStateError::Damaged);
        }
        Ok(Box::new(move || Console::import(self, input)))
    }
}

/// Whether `unit` names the terminal. Kernels print through unit 0 before they have read the device
/// tree.
fn is_terminal(unit: u64) -> bool {
    unit == u64::from(VTY_UNIT) || unit == 0
}

/// H_PUT_TERM_CHAR: r4 terminal, r5 length, r6 and r7 up to 16 bytes from the most significant on.
fn put_term_char(console: &Console, call: &mut Call<'_>) -> Reply {
    let length = call.arg(1);
    if !is_terminal(call.arg(0)) || length > CHUNK as u64 {
        return Reply::status(H_PARAMETER);
    }
    let mut bytes = [0; CHUNK];
    bytes[..8].copy_from_slice(&call.arg(2).to_be_bytes());
    bytes[8..].copy_from_slice(&call.arg(3).to_be_bytes());
    if console.put(&bytes[..length as usize]) {
        Reply::SUCCESS
    } else {
        Reply::status(H_BUSY)
    }
}

/// H_GET_TERM_CHAR: r4 terminal; answers r4 length, r5 and r6 the bytes.
fn get_term_char(console: &Console, call: &mut Call<'_>) -> Reply {
    if !is_terminal(call.arg(0)) {
        return Reply::status(H_PARAMETER);
    }
    let mut chunk = [0; CHUNK];
    let length = console.get(&mut chunk);
    let packed = u128::from_be_bytes(chunk);
    call.output(0, length as u64);
    call.output(1, (packed >> 64) as u64);
    call.output(2, packed as u64);
    Reply::SUCCESS
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Action;
    use crate::hcall::abi::{H_GET_TERM_CHAR, H_PUT_TERM_CHAR, H_SUCCESS};
    use crate::testing::Machine;

    const VTY: u64 = VTY_UNIT as u64;

    #[test]
    fn output_reaches_the_screen_in_the_order_of_the_registers() {
        let m = Machine::new(1);
        let words = [
            u64::from_be_bytes(*b"Hello, w"),
            u64::from_be_bytes(*b"orld\n\0\0\0"),
        ];
        assert_eq!(
            m.hcall(0, H_PUT_TERM_CHAR, &[VTY, 13, words[0], words[1]]),
            (H_SUCCESS, Action::Resume)
        );
        assert_eq!(
            m.hcall(0, H_PUT_TERM_CHAR, &[0, 1, words[0], 0]).0,
            H_SUCCESS
        );
        assert_eq!(m.hcall(0, H_PUT_TERM_CHAR, &[VTY, 0, 0, 0]).0, H_SUCCESS);
        assert_eq!(m.screen.text(), "Hello, world\nH");
    }

    #[test]
    fn output_that_the_backend_cannot_take_is_asked_for_again() {
        let m = Machine::new(1);
        m.screen.refuse(true);
        assert_eq!(
            m.hcall(0, H_PUT_TERM_CHAR, &[VTY, 1, 0x41 << 56, 0]).0,
            H_BUSY
        );
        assert_eq!(m.screen.text(), "");
    }

    #[test]
    fn more_than_16_bytes_or_another_terminal_is_refused() {
        let m = Machine::new(1);
        for args in [
            [VTY, 17, 0, 0],
            [VTY, u64::MAX, 0, 0],
            [VTY + 1, 1, 0, 0],
            [VTY | 1 << 32, 1, 0, 0],
        ] {
            assert_eq!(m.hcall(0, H_PUT_TERM_CHAR, &args).0, H_PARAMETER);
        }
        assert_eq!(m.hcall(0, H_GET_TERM_CHAR, &[7]).0, H_PARAMETER);
        assert_eq!(m.screen.text(), "");
    }

    #[test]
    fn typed_text_raises_the_interrupt_and_is_read_back_packed() {
        let m = Machine::new(1);
        m.open_interrupts(0, 0x1100);
        assert_eq!(m.platform.console_input(b"ls\n"), 3);
        assert_eq!(m.host.interrupt_lines(), [(0, true)]);
        let (status, out) = m.hcall_outputs(0, H_GET_TERM_CHAR, &[VTY]);
        assert_eq!(
            (status, out[0], out[1], out[2]),
            (H_SUCCESS, 3, u64::from_be_bytes(*b"ls\n\0\0\0\0\0"), 0)
        );
        assert_eq!(m.hcall_outputs(0, H_GET_TERM_CHAR, &[VTY]).1[0], 0);
    }
}

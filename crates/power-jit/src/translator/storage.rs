//! Loads and stores: calls to the guest's memory, with bytes swapped where the processor's order asks for it.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};
use power::engine::{Order, Width};

use super::Translator;
use super::calls::address;
use crate::shims;

/// Bytes of the smallest page, which a quadword may cross.
const PAGE: u64 = 4096;

impl Translator<'_> {
    /// Whether an operand has its bytes the other way round than [`crate::Memory`]'s little-endian numbers.
    fn swaps(&self, order: Order) -> bool {
        self.mode.big_endian() != (order == Order::Reversed)
    }

    /// From the order of [`crate::Memory`] to the operand's, or back: the low `width`, zero-extended where it was.
    fn ordered(&mut self, value: Value, width: Width, order: Order) -> Value {
        if !self.swaps(order) {
            return value;
        }
        let reversed = self.builder.ins().bswap(value);
        let shift = 64 - 8 * width.bytes() as i64;
        self.builder.ins().ushr_imm_u(reversed, shift)
    }

    /// Calls a memory shim that returns a word.
    fn read_memory(&mut self, shim: u64, arguments: &[Value]) -> Value {
        self.call_memory(shim, arguments, Some(types::I64))
            .expect("a call with a result type has a result")
    }

    /// Loads a number, zero-extended.
    pub(super) fn load_number(&mut self, ea: Value, width: Width, order: Order) -> Value {
        let ea = self.effective(ea);
        let bytes = self.word(width.bytes());
        let value = self.read_memory(address!(shims::load), &[ea, bytes]);
        self.ordered(value, width, order)
    }

    /// Stores the low `width`.
    pub(super) fn store_number(&mut self, ea: Value, value: Value, width: Width, order: Order) {
        let ea = self.effective(ea);
        let value = self.ordered(value, width, order);
        let bytes = self.word(width.bytes());
        self.call_memory(address!(shims::store), &[ea, value, bytes], None);
    }

    /// Loads a register value of 16 bytes.
    pub(super) fn load_quadword(&mut self, ea: Value) -> Value {
        let first = self.load_number(ea, Width::Double, Order::Mode);
        let next = self.builder.ins().iadd_imm_s(ea, 8);
        let second = self.load_number(next, Width::Double, Order::Mode);
        if self.mode.big_endian() {
            self.join(first, second)
        } else {
            self.join(second, first)
        }
    }

    /// Stores a register value of 16 bytes, all of it or nothing.
    pub(super) fn store_quadword(&mut self, ea: Value, value: Value) {
        let (high, low) = self.split(value);
        let (first, second) = if self.mode.big_endian() {
            (high, low)
        } else {
            (low, high)
        };
        // The second half is probed first where it is in another page, so that a fault leaves nothing written.
        let in_page = self.builder.ins().band_imm_u(ea, (PAGE - 1) as i64);
        let last_whole = self.word(PAGE - 16);
        let crosses = self.icmp(IntCC::UnsignedGreaterThan, in_page, last_whole);
        let (probe, go_on) = (self.builder.create_block(), self.builder.create_block());
        self.builder.set_cold_block(probe);
        self.builder.ins().brif(crosses, probe, &[], go_on, &[]);
        self.builder.switch_to_block(probe);
        let last = self.builder.ins().iadd_imm_s(ea, 15);
        let last = self.effective(last);
        self.call_memory(address!(shims::probe_store), &[last], None);
        self.builder.ins().jump(go_on, &[]);
        self.builder.switch_to_block(go_on);
        self.store_number(ea, first, Width::Double, Order::Mode);
        let next = self.builder.ins().iadd_imm_s(ea, 8);
        self.store_number(next, second, Width::Double, Order::Mode);
    }

    /// Loads a number, zero-extended, and sets the reservation.
    pub(super) fn load_and_reserve(&mut self, ea: Value, width: Width) -> Value {
        let ea = self.effective(ea);
        let bytes = self.word(width.bytes());
        let value = self.read_memory(address!(shims::load_reserve), &[ea, bytes]);
        self.ordered(value, width, Order::Mode)
    }

    /// Stores the low `width` where the reservation holds; whether it did, as a flag.
    pub(super) fn store_where_reserved(&mut self, ea: Value, value: Value, width: Width) -> Value {
        let ea = self.effective(ea);
        let value = self.ordered(value, width, Order::Mode);
        let bytes = self.word(width.bytes());
        let stored = self.read_memory(address!(shims::store_conditional), &[ea, value, bytes]);
        self.builder.ins().ireduce(types::I8, stored)
    }
}

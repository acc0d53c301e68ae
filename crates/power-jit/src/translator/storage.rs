//! Loads and stores. Regions look into the soft TLB themselves and call the guest's memory where that can't serve; straight code
//! always calls. Bytes are swapped where the processor's order asks for it.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use power::TlbLayout;
use power::engine::{Order, Width};

use super::Translator;
use super::calls::address;
use crate::context::Context;
use crate::shims;

/// Bytes of the smallest page, which a quadword may cross.
const PAGE: u64 = 4096;
/// Bytes of a quadword.
const QUADWORD: u64 = 16;

/// What the soft TLB says of an access.
struct Probe {
    /// Whether it may be made here and now.
    hit: Value,
    /// The TLB's entry.
    entry: Value,
}

/// Flags of accesses to the guest's memory: at any alignment.
fn guest() -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little)
}

const fn narrow(width: Width) -> Type {
    match width {
        Width::Byte => types::I8,
        Width::Half => types::I16,
        Width::Word => types::I32,
        Width::Double => types::I64,
    }
}

impl Translator<'_> {
    /// Whether an operand has its bytes the other way round than [`crate::Memory`]'s little-endian numbers.
    fn swaps(&self, order: Order) -> bool {
        self.mode.big_endian() != (order == Order::Reversed)
    }

    /// From the order of [`crate::Memory`] to the operand's, or back: the low `width`, zero-extended where it was.
    fn ordered(&mut self, value: Value, width: Width, order: Order) -> Value {
        if !self.swaps(order) || width == Width::Byte {
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

    /// Looks an access of `bytes` at an effective address up, whose tag is at `tag` in an entry. None in straight code.
    fn probe(&mut self, ea: Value, bytes: u64, tag: i32) -> Option<Probe> {
        let table = self.region?.table;
        let shift = TlbLayout::GRANULE_SHIFT - TlbLayout::ENTRY_BYTES.ilog2();
        let mask = (TlbLayout::ENTRIES - 1) * TlbLayout::ENTRY_BYTES;
        let ins = |this: &mut Self, offset, base| {
            let flags = MemFlagsData::trusted();
            this.builder.ins().load(types::I64, flags, base, offset)
        };
        let shifted = self.builder.ins().ushr_imm_u(ea, i64::from(shift));
        let index = self.builder.ins().band_imm_u(shifted, mask as i64);
        let entry = self.builder.ins().iadd(table, index);
        let last = match bytes {
            1 => ea,
            _ => self.builder.ins().iadd_imm_s(ea, bytes as i64 - 1),
        };
        let tag_mask = ins(self, TlbLayout::MASK, self.registers);
        let page = self.builder.ins().band(last, tag_mask);
        let known = ins(self, tag, entry);
        let mut hit = self.icmp(IntCC::Equal, page, known);
        if bytes > 1 {
            // Small granules share an entry with their neighbours: the first byte must lie in the same one.
            let first = self.builder.ins().band(ea, tag_mask);
            let same = self.icmp(IntCC::Equal, first, known);
            hit = self.builder.ins().band(hit, same);
        }
        Some(Probe { hit, entry })
    }

    /// The host address of an access that hit.
    fn host_address(&mut self, probe: &Probe, ea: Value) -> Value {
        let offset = self.builder.ins().load(
            types::I64,
            MemFlagsData::trusted(),
            probe.entry,
            TlbLayout::OFFSET,
        );
        self.builder.ins().iadd(offset, ea)
    }

    /// Does an access at its host address where the probe hit, and with calls where not; the value that either yields.
    fn fast_or_slow(
        &mut self,
        probe: &Probe,
        ea: Value,
        fast: impl FnOnce(&mut Self, Value) -> Option<Value>,
        slow: impl FnOnce(&mut Self) -> Option<Value>,
        result: Option<Type>,
    ) -> Option<Value> {
        let [hit, miss, done] = [(); 3].map(|()| self.builder.create_block());
        self.builder.set_cold_block(miss);
        let result = result.map(|of| self.builder.append_block_param(done, of));
        self.builder.ins().brif(probe.hit, hit, &[], miss, &[]);
        self.builder.switch_to_block(hit);
        let host = self.host_address(probe, ea);
        let value = fast(self, host);
        self.builder
            .ins()
            .jump(done, value.map(Into::into).as_slice());
        self.builder.switch_to_block(miss);
        let value = slow(self);
        self.builder
            .ins()
            .jump(done, value.map(Into::into).as_slice());
        self.builder.switch_to_block(done);
        result
    }

    /// Loads a number, zero-extended.
    pub(super) fn load_number(&mut self, ea: Value, width: Width, order: Order) -> Value {
        let ea = self.effective(ea);
        let raw = match self.probe(ea, width.bytes(), TlbLayout::LOAD) {
            None => self.call_load(ea, width),
            Some(probe) => self
                .fast_or_slow(
                    &probe,
                    ea,
                    |this, host| {
                        let value = this.builder.ins().load(narrow(width), guest(), host, 0);
                        Some(match width {
                            Width::Double => value,
                            _ => this.builder.ins().uextend(types::I64, value),
                        })
                    },
                    |this| Some(this.call_load(ea, width)),
                    Some(types::I64),
                )
                .expect("a load has a result"),
        };
        self.ordered(raw, width, order)
    }

    fn call_load(&mut self, ea: Value, width: Width) -> Value {
        let bytes = self.word(width.bytes());
        if let Some(region) = self.region {
            self.call_trampoline(region.trampolines.load, &[ea, bytes]);
            let offset = Context::RESULT as i32;
            let flags = MemFlagsData::trusted();
            return self
                .builder
                .ins()
                .load(types::I64, flags, self.context, offset);
        }
        self.read_memory(address!(shims::load), &[ea, bytes])
    }

    /// Stores the low `width`.
    pub(super) fn store_number(&mut self, ea: Value, value: Value, width: Width, order: Order) {
        let ea = self.effective(ea);
        let value = self.ordered(value, width, order);
        match self.probe(ea, width.bytes(), TlbLayout::STORE) {
            None => self.call_store(ea, value, width),
            Some(probe) => {
                self.fast_or_slow(
                    &probe,
                    ea,
                    |this, host| {
                        let low = match width {
                            Width::Double => value,
                            _ => this.builder.ins().ireduce(narrow(width), value),
                        };
                        this.builder.ins().store(guest(), low, host, 0);
                        None
                    },
                    |this| {
                        this.call_store(ea, value, width);
                        None
                    },
                    None,
                );
            }
        }
    }

    fn call_store(&mut self, ea: Value, value: Value, width: Width) {
        let bytes = self.word(width.bytes());
        if let Some(region) = self.region {
            self.call_trampoline(region.trampolines.store, &[ea, value, bytes]);
            return;
        }
        self.call_memory(address!(shims::store), &[ea, value, bytes], None);
    }

    /// Loads a register value of 16 bytes.
    pub(super) fn load_quadword(&mut self, ea: Value) -> Value {
        let first = self.effective(ea);
        match self.probe(first, QUADWORD, TlbLayout::LOAD) {
            Some(probe) if !self.mode.big_endian() => self
                .fast_or_slow(
                    &probe,
                    first,
                    |this, host| Some(this.builder.ins().load(types::I64X2, guest(), host, 0)),
                    |this| Some(this.load_halves(ea)),
                    Some(types::I64X2),
                )
                .expect("a load has a result"),
            _ => self.load_halves(ea),
        }
    }

    fn load_halves(&mut self, ea: Value) -> Value {
        let [first, second] = self.doublewords(ea).map(|ea| {
            let raw = self.call_load(ea, Width::Double);
            self.ordered(raw, Width::Double, Order::Mode)
        });
        if self.mode.big_endian() {
            self.join(first, second)
        } else {
            self.join(second, first)
        }
    }

    /// The addresses of the doublewords of a quadword.
    fn doublewords(&mut self, ea: Value) -> [Value; 2] {
        let next = self.builder.ins().iadd_imm_s(ea, 8);
        [ea, next].map(|ea| self.effective(ea))
    }

    /// Stores a register value of 16 bytes, all of it or nothing.
    pub(super) fn store_quadword(&mut self, ea: Value, value: Value) {
        let first = self.effective(ea);
        match self.probe(first, QUADWORD, TlbLayout::STORE) {
            Some(probe) if !self.mode.big_endian() => {
                self.fast_or_slow(
                    &probe,
                    first,
                    |this, host| {
                        this.builder.ins().store(guest(), value, host, 0);
                        None
                    },
                    |this| {
                        this.store_halves(ea, value);
                        None
                    },
                    None,
                );
            }
            _ => self.store_halves(ea, value),
        }
    }

    fn store_halves(&mut self, ea: Value, value: Value) {
        let (high, low) = self.split(value);
        let halves = if self.mode.big_endian() {
            [high, low]
        } else {
            [low, high]
        };
        // The second half is probed first where it is in another page, so that a fault leaves nothing written.
        let in_page = self.builder.ins().band_imm_u(ea, (PAGE - 1) as i64);
        let last_whole = self.word(PAGE - QUADWORD);
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
        for (ea, half) in self.doublewords(ea).into_iter().zip(halves) {
            let half = self.ordered(half, Width::Double, Order::Mode);
            self.call_store(ea, half, Width::Double);
        }
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

    /// Calls a shim on the cache block at an address.
    pub(super) fn call_on_block(&mut self, shim: u64, ea: Value) {
        let ea = self.effective(ea);
        self.call_memory(shim, &[ea], None);
    }
}

//! Load-and-reserve and conditional store. Regions do what the vCPU itself does ([`power::ReservationLayout`]) where the soft TLB
//! knows an aligned address, and else call, as straight code always does.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Value, types};
use power::engine::{Order, Width};
use power::{ReservationLayout, TlbLayout};

use super::calls::address;
use super::storage::{guest, narrow};
use super::{Region, Translator};
use crate::context::Context;
use crate::shims;
use crate::trampoline::Shim;

impl Translator<'_> {
    /// Loads a number, zero-extended, and sets the reservation.
    pub(super) fn load_and_reserve(&mut self, ea: Value, width: Width) -> Value {
        let ea = self.effective(ea);
        let value = match self.reserving_region() {
            Some(region) => self.reserve_in_region(region, ea, width),
            None => {
                let bytes = self.word(width.bytes());
                self.read_memory(address!(shims::load_reserve), &[ea, bytes])
            }
        };
        self.ordered(value, width, Order::Mode)
    }

    /// Stores the low `width` where the reservation holds; whether it did, as a flag.
    pub(super) fn store_where_reserved(&mut self, ea: Value, value: Value, width: Width) -> Value {
        let ea = self.effective(ea);
        let value = self.ordered(value, width, Order::Mode);
        match self.reserving_region() {
            Some(region) => self.exchange_in_region(region, ea, value, width),
            None => {
                let bytes = self.word(width.bytes());
                let arguments = [ea, value, bytes];
                let stored = self.read_memory(address!(shims::store_conditional), &arguments);
                self.builder.ins().ireduce(types::I8, stored)
            }
        }
    }

    /// The region, where it has reservations at hand. A reservation has its number in host order, [`crate::Memory`] little-endian.
    fn reserving_region(&self) -> Option<Region> {
        let same_order = self.isa.endianness() == Endianness::Little;
        self.region.filter(|_| same_order)
    }

    fn reserve_in_region(&mut self, region: Region, ea: Value, width: Width) -> Value {
        let [hit, miss, done] = [(); 3].map(|()| self.builder.create_block());
        self.builder.set_cold_block(miss);
        let result = self.builder.append_block_param(done, types::I64);
        let (entry, known) = self.find_aligned(region, ea, width, TlbLayout::LOAD);
        self.builder.ins().brif(known, hit, &[], miss, &[]);

        self.builder.switch_to_block(hit);
        let (host, key) = self.host_and_key(entry, ea, width);
        let seen = self.builder.ins().load(narrow(width), guest(), host, 0);
        let number = match width {
            Width::Double => seen,
            _ => self.builder.ins().uextend(types::I64, seen),
        };
        let reservation = self.reservation();
        let flags = MemFlagsData::trusted();
        for (value, at) in [
            (key, ReservationLayout::KEY),
            (number, ReservationLayout::NUMBER),
        ] {
            self.builder.ins().store(flags, value, reservation, at);
        }
        self.builder.ins().jump(done, &[number.into()]);

        self.builder.switch_to_block(miss);
        let bytes = self.word(width.bytes());
        self.call_trampoline(Shim::LoadReserve, &[ea, bytes]);
        let number = self.shim_result();
        self.builder.ins().jump(done, &[number.into()]);
        self.builder.switch_to_block(done);
        result
    }

    fn exchange_in_region(
        &mut self,
        region: Region,
        ea: Value,
        value: Value,
        width: Width,
    ) -> Value {
        let [hit, exchange, miss, done] = [(); 4].map(|()| self.builder.create_block());
        self.builder.set_cold_block(miss);
        let result = self.builder.append_block_param(done, types::I8);
        let (entry, known) = self.find_aligned(region, ea, width, TlbLayout::STORE);
        self.builder.ins().brif(known, hit, &[], miss, &[]);

        self.builder.switch_to_block(hit);
        let (host, key) = self.host_and_key(entry, ea, width);
        let reservation = self.reservation();
        let flags = MemFlagsData::trusted();
        let at = ReservationLayout::KEY;
        let held = self.builder.ins().load(types::I64, flags, reservation, at);
        let none = self.word(0);
        self.builder.ins().store(flags, none, reservation, at);
        let same = self.icmp(IntCC::Equal, held, key);
        let no = self.builder.ins().iconst(types::I8, 0);
        self.builder
            .ins()
            .brif(same, exchange, &[], done, &[no.into()]);

        self.builder.switch_to_block(exchange);
        let at = ReservationLayout::NUMBER;
        let seen = self
            .builder
            .ins()
            .load(narrow(width), flags, reservation, at);
        let new = match width {
            Width::Double => value,
            _ => self.builder.ins().ireduce(narrow(width), value),
        };
        let found = self.builder.ins().atomic_cas(guest(), host, seen, new);
        let stored = self.icmp(IntCC::Equal, found, seen);
        self.builder.ins().jump(done, &[stored.into()]);

        self.builder.switch_to_block(miss);
        let bytes = self.word(width.bytes());
        self.call_trampoline(Shim::StoreConditional, &[ea, value, bytes]);
        let stored = self.shim_result();
        let stored = self.builder.ins().ireduce(types::I8, stored);
        self.builder.ins().jump(done, &[stored.into()]);
        self.builder.switch_to_block(done);
        result
    }

    /// The entry of the soft TLB for an effective address, and whether it covers an aligned access there, of the kind whose tag is
    /// at `tag`.
    fn find_aligned(
        &mut self,
        region: Region,
        ea: Value,
        width: Width,
        tag: i32,
    ) -> (Value, Value) {
        let entry = self.tlb_entry(ea, region);
        let flags = MemFlagsData::trusted();
        let page = self.builder.ins().load(types::I64, flags, entry, tag);
        let inside = self.builder.ins().isub(ea, page);
        // Low bits that should be 0 become high ones that make it too large.
        let (bytes, align) = (width.bytes(), width.bytes().ilog2());
        let inside = match width {
            Width::Byte => inside,
            _ => self.builder.ins().rotr_imm_u(inside, i64::from(align)),
        };
        let last = self.word((region.granule - bytes) >> align);
        let known = self.icmp(IntCC::UnsignedLessThanOrEqual, inside, last);
        (entry, known)
    }

    /// The host address of an effective address that an entry covers, and the key of a reservation on it.
    fn host_and_key(&mut self, entry: Value, ea: Value, width: Width) -> (Value, Value) {
        let flags = MemFlagsData::trusted();
        let at = TlbLayout::OFFSET;
        let offset = self.builder.ins().load(types::I64, flags, entry, at);
        let host = self.builder.ins().iadd(offset, ea);
        let twice = self.builder.ins().iadd(host, host);
        let key = self.builder.ins().iadd_imm_s(twice, width.bytes() as i64);
        (host, key)
    }

    /// The address of the vCPU's reservation.
    fn reservation(&mut self) -> Value {
        let context = self.context();
        self.of_context(context, Context::RESERVATION)
    }
}

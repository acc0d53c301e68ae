//! Loads and stores. Regions look into the soft TLB themselves and call the guest's memory where that can't serve; straight code
//! always calls. In loops an access first compares with the page that the last one found: two instructions and no memory. Bytes are swapped where the processor's order asks for it.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Endianness, InstBuilder, MemFlagsData, Type, Value, types};
use cranelift_frontend::Variable;
use power::TlbLayout;
use power::engine::{Order, Width};

use super::calls::address;
use super::{Region, Translator};
use crate::image::HostFunction;
use crate::shims;
use crate::trampoline::Shim;

/// Bytes of the smallest page, which a quadword may cross.
const PAGE: u64 = 4096;
/// Bytes of a quadword.
const QUADWORD: u64 = 16;

/// Inline caches of a region.
const SITES: usize = 16;

/// The page that some accesses of a loop have found last. It stays good for the whole run of a region ([`TlbLayout`]).
#[derive(Clone, Copy)]
struct InlineCache {
    /// The page, in the form that [`Translator::tagged`] gives addresses in it.
    tag: Variable,
    /// What makes a host address of an effective one.
    offset: Variable,
}

/// Which accesses share a site.
#[derive(Clone, Copy, PartialEq, Eq)]
struct InlineCacheKey {
    in_loop: usize,
    base: u32,
    bytes: u64,
    store: bool,
}

/// The sites of a region.
#[derive(Default)]
pub(super) struct InlineCaches {
    free: Vec<InlineCache>,
    taken: Vec<(InlineCacheKey, InlineCache)>,
}

/// Flags of accesses to the guest's memory: at any alignment.
pub(super) fn guest() -> MemFlagsData {
    MemFlagsData::new().with_endianness(Endianness::Little)
}

pub(super) const fn narrow(width: Width) -> Type {
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
    pub(super) fn ordered(&mut self, value: Value, width: Width, order: Order) -> Value {
        if !self.swaps(order) || width == Width::Byte {
            return value;
        }
        let reversed = self.builder.ins().bswap(value);
        let shift = 64 - 8 * width.bytes() as i64;
        self.builder.ins().ushr_imm_u(reversed, shift)
    }

    /// Calls a memory shim that returns a word.
    pub(super) fn read_memory(&mut self, shim: HostFunction, arguments: &[Value]) -> Value {
        self.call_memory(shim, arguments, Some(types::I64))
            .expect("a call with a result type has a result")
    }

    /// Prepares to remember pages, at the function's start.
    pub(super) fn begin_sites(&mut self) {
        let zero = self.word(0);
        self.sites.free = std::array::from_fn::<_, SITES, _>(|_| {
            let [tag, offset] = [(); 2].map(|()| self.builder.declare_var(types::I64));
            self.builder.def_var(tag, zero);
            self.builder.def_var(offset, zero);
            InlineCache { tag, offset }
        })
        .to_vec();
    }

    /// Where the current access, in a loop, remembers its page: with others of the loop that have the same base register.
    fn site(&mut self, bytes: u64, store: bool) -> Option<InlineCache> {
        let key = InlineCacheKey {
            in_loop: self.in_loop?,
            base: match (self.insn.ra(), self.insn.primary()) {
                (0, 31) => self.insn.rb(),
                (register, _) => register,
            },
            bytes,
            store,
        };
        if let Some(&(_, site)) = self.sites.taken.iter().find(|(of, _)| *of == key) {
            return Some(site);
        }
        let site = self.sites.free.pop()?;
        self.sites.taken.push((key, site));
        Some(site)
    }

    /// What a site's tag is where it covers an access: the address with all bits set that may vary. With the bits that must be 0 for
    /// an access that does not leave its granule, where it is of a number. Never 0, which is what tags are at first.
    fn tagged(&mut self, ea: Value, bytes: u64, granule: u64) -> Value {
        let vary = match bytes {
            QUADWORD => granule - 1,
            _ => granule - bytes,
        };
        self.builder.ins().bor_imm_u(ea, vary as i64)
    }

    /// Does an access of `bytes` at an effective address: `fast` at its host address where the soft TLB knows it, `slow` with calls
    /// where not; the value that either yields. In straight code always with calls.
    fn access(
        &mut self,
        ea: Value,
        bytes: u64,
        store: bool,
        fast: impl FnOnce(&mut Self, Value) -> Option<Value>,
        slow: impl FnOnce(&mut Self) -> Option<Value>,
        result: Option<Type>,
    ) -> Option<Value> {
        let Some(region) = self.region else {
            return slow(self);
        };
        if let Some(host) = self.streamed(ea, bytes, store) {
            return fast(self, host);
        }
        let [hit, miss, done] = [(); 3].map(|()| self.builder.create_block());
        self.builder.set_cold_block(miss);
        let result = result.map(|of| self.builder.append_block_param(done, of));
        let site = self.site(bytes, store);
        let mut offset = None;
        if let Some(site) = site {
            offset = Some(self.builder.append_block_param(hit, types::I64));
            let probe = self.builder.create_block();
            self.builder.set_cold_block(probe);
            let tag = self.builder.use_var(site.tag);
            let known = self.builder.use_var(site.offset);
            let tagged = self.tagged(ea, bytes, region.granule);
            let mut same = self.icmp(IntCC::Equal, tagged, tag);
            if bytes == QUADWORD {
                let last = self.builder.ins().iadd_imm_s(ea, QUADWORD as i64 - 1);
                let tagged = self.tagged(last, bytes, region.granule);
                let [second] = [(); 1].map(|()| self.builder.create_block());
                self.builder.ins().brif(same, second, &[], probe, &[]);
                self.builder.switch_to_block(second);
                same = self.icmp(IntCC::Equal, tagged, tag);
            }
            self.builder
                .ins()
                .brif(same, hit, &[known.into()], probe, &[]);
            self.builder.switch_to_block(probe);
        }
        let entry = self.tlb_entry(ea, region);
        let flags = MemFlagsData::trusted();
        let place = if store {
            TlbLayout::STORE
        } else {
            TlbLayout::LOAD
        };
        let page = self.builder.ins().load(types::I64, flags, entry, place);
        let inside = self.builder.ins().isub(ea, page);
        let last = self.word(region.granule - bytes);
        let fits = self.icmp(IntCC::UnsignedLessThanOrEqual, inside, last);
        let found = match site {
            Some(_) => self.builder.create_block(),
            None => hit,
        };
        self.builder.ins().brif(fits, found, &[], miss, &[]);
        self.builder.switch_to_block(found);
        let from_entry = self
            .builder
            .ins()
            .load(types::I64, flags, entry, TlbLayout::OFFSET);
        if let Some(site) = site {
            self.builder.set_cold_block(found);
            // Of an access that is not aligned: what one that is would have.
            let aligned = match bytes {
                QUADWORD => ea,
                _ => self.builder.ins().band_imm_s(ea, -(bytes as i64)),
            };
            let tag = self.tagged(aligned, bytes, region.granule);
            self.builder.def_var(site.tag, tag);
            self.builder.def_var(site.offset, from_entry);
            self.builder.ins().jump(hit, &[from_entry.into()]);
            self.builder.switch_to_block(hit);
        }
        let offset = offset.unwrap_or(from_entry);
        let host = self.builder.ins().iadd(offset, ea);
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

    /// The host address of the soft TLB's entry for an effective address.
    pub(super) fn tlb_entry(&mut self, ea: Value, region: Region) -> Value {
        let shift = TlbLayout::GRANULE_SHIFT - TlbLayout::ENTRY_BYTES.ilog2();
        let mask = (TlbLayout::ENTRIES - 1) * TlbLayout::ENTRY_BYTES;
        let shifted = self.builder.ins().ushr_imm_u(ea, i64::from(shift));
        let index = self.builder.ins().band_imm_u(shifted, mask as i64);
        let table = self.table(region);
        self.builder.ins().iadd(table, index)
    }

    /// Loads a number, zero-extended.
    pub(super) fn load_number(&mut self, ea: Value, width: Width, order: Order) -> Value {
        let ea = self.effective(ea);
        let raw = self
            .access(
                ea,
                width.bytes(),
                false,
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
            .expect("a load has a result");
        self.ordered(raw, width, order)
    }

    fn call_load(&mut self, ea: Value, width: Width) -> Value {
        let bytes = self.word(width.bytes());
        if self.region.is_some() {
            self.call_trampoline(Shim::Load, &[ea, bytes]);
            return self.shim_result();
        }
        self.read_memory(address!(shims::load), &[ea, bytes])
    }

    /// Stores the low `width`.
    pub(super) fn store_number(&mut self, ea: Value, value: Value, width: Width, order: Order) {
        let ea = self.effective(ea);
        let value = self.ordered(value, width, order);
        self.access(
            ea,
            width.bytes(),
            true,
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

    fn call_store(&mut self, ea: Value, value: Value, width: Width) {
        let bytes = self.word(width.bytes());
        if self.region.is_some() {
            self.call_trampoline(Shim::Store, &[ea, value, bytes]);
            return;
        }
        self.call_memory(address!(shims::store), &[ea, value, bytes], None);
    }

    /// Loads a register value of 16 bytes.
    pub(super) fn load_quadword(&mut self, ea: Value) -> Value {
        if self.mode.big_endian() {
            return self.load_halves(ea);
        }
        let first = self.effective(ea);
        self.access(
            first,
            QUADWORD,
            false,
            |this, host| Some(this.builder.ins().load(types::I64X2, guest(), host, 0)),
            |this| Some(this.load_halves(ea)),
            Some(types::I64X2),
        )
        .expect("a load has a result")
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
        if self.mode.big_endian() {
            return self.store_halves(ea, value);
        }
        let first = self.effective(ea);
        self.access(
            first,
            QUADWORD,
            true,
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

    /// Calls a shim on the cache block at an address.
    pub(super) fn call_on_block(&mut self, shim: HostFunction, ea: Value) {
        let ea = self.effective(ea);
        self.call_memory(shim, &[ea], None);
    }
}

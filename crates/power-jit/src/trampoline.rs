//! Ways between calling conventions. Regions have one of their own, in which a region can jump to another; the memory shims are
//! reached by ways that leave all registers alone, so that a region whose accesses hit needs no register saved for the calls that it
//! does not make.

use cranelift_codegen::ir::{
    AbiParam, Function, InstBuilder, MemFlagsData, Signature, Value, types,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

use crate::context::Context;
use crate::shims;

/// Host addresses of the trampolines to the shims in one space of code, by [`Shim`].
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(crate) struct Trampolines(pub(crate) [u64; Shim::ALL.len()]);

/// A shim that has a trampoline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shim {
    /// [`shims::load`]; the result is left in the context.
    Load,
    /// [`shims::store`].
    Store,
    /// [`shims::poll`]; the result is left in the context.
    Poll,
    /// [`shims::load_reserve`]; the result is left in the context.
    LoadReserve,
    /// [`shims::store_conditional`]; the result is left in the context.
    StoreConditional,
}

impl Shim {
    /// All of them, in the order of [`Trampolines`].
    pub(crate) const ALL: [Self; 5] = [
        Self::Load,
        Self::Store,
        Self::Poll,
        Self::LoadReserve,
        Self::StoreConditional,
    ];

    /// Offset of its trampoline's address in the context.
    pub(crate) const fn in_context(self) -> i32 {
        (Context::TRAMPOLINES + self as usize * size_of::<u64>()) as i32
    }

    fn address(self) -> u64 {
        match self {
            Self::Load => shims::load as *const () as u64,
            Self::Store => shims::store as *const () as u64,
            Self::Poll => shims::poll as *const () as u64,
            Self::LoadReserve => shims::load_reserve as *const () as u64,
            Self::StoreConditional => shims::store_conditional as *const () as u64,
        }
    }

    /// Words that it takes.
    const fn parameters(self) -> usize {
        match self {
            Self::Poll => 2,
            Self::Load | Self::LoadReserve => 3,
            Self::Store | Self::StoreConditional => 4,
        }
    }
}

/// The signature of compiled code: registers, context, budget, NIA; how the run ended ([`crate::exit_code`]).
pub(crate) fn code_signature() -> Signature {
    let mut signature = Signature::new(CallConv::Tail);
    signature
        .params
        .extend(std::iter::repeat_n(AbiParam::new(types::I64), 4));
    signature.returns.push(AbiParam::new(types::I64));
    signature
}

/// Writes the way into compiled code from this program: the host's C convention, with the code's address before its arguments.
pub(crate) fn write_entrance(
    function: &mut Function,
    builder_context: &mut FunctionBuilderContext,
    isa: &dyn TargetIsa,
) {
    let code = code_signature();
    let mut signature = Signature::new(isa.default_call_conv());
    signature.params.push(AbiParam::new(types::I64));
    signature.params.extend(code.params.iter().copied());
    signature.returns.extend(code.returns.iter().copied());
    function.signature = signature;
    let mut builder = FunctionBuilder::new(function, builder_context);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    let arguments: Vec<Value> = builder.block_params(block).to_vec();
    let code = builder.import_signature(code);
    let call = builder
        .ins()
        .call_indirect(code, arguments[0], &arguments[1..]);
    let results: Vec<Value> = builder.inst_results(call).to_vec();
    builder.ins().return_(&results);
    builder.seal_all_blocks();
    builder.finalize(isa.frontend_config());
}

/// The signature of a function of `parameters` words without a result that preserves all registers.
pub(crate) fn signature(parameters: usize) -> Signature {
    let mut signature = Signature::new(CallConv::PreserveAll);
    signature
        .params
        .extend(std::iter::repeat_n(AbiParam::new(types::I64), parameters));
    signature
}

/// Writes the trampoline to a shim.
pub(crate) fn write(
    function: &mut Function,
    builder_context: &mut FunctionBuilderContext,
    isa: &dyn TargetIsa,
    shim: Shim,
) {
    function.signature = signature(shim.parameters());
    let mut builder = FunctionBuilder::new(function, builder_context);
    let block = builder.create_block();
    builder.append_block_params_for_function_params(block);
    builder.switch_to_block(block);
    let arguments: Vec<Value> = builder.block_params(block).to_vec();
    let mut callee = signature(shim.parameters());
    callee.call_conv = isa.default_call_conv();
    if shim != Shim::Store {
        callee.returns.push(AbiParam::new(types::I64));
    }
    let callee = builder.import_signature(callee);
    let address = builder.ins().iconst(types::I64, shim.address() as i64);
    let call = builder.ins().call_indirect(callee, address, &arguments);
    if let Some(&result) = builder.inst_results(call).first() {
        let flags = MemFlagsData::trusted();
        builder
            .ins()
            .store(flags, result, arguments[0], Context::RESULT as i32);
    }
    builder.ins().return_(&[]);
    builder.seal_all_blocks();
    builder.finalize(isa.frontend_config());
}

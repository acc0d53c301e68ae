//! Ways to the memory shims that leave all registers alone, so that a region whose accesses hit needs no register saved for the
//! calls that it does not make.

use cranelift_codegen::ir::{
    AbiParam, Function, InstBuilder, MemFlagsData, Signature, Value, types,
};
use cranelift_codegen::isa::{CallConv, TargetIsa};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};

use crate::context::Context;
use crate::shims;

/// Their host addresses in one space of code.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trampolines {
    /// To [`shims::load`]; the result is left in the context.
    pub(crate) load: u64,
    /// To [`shims::store`].
    pub(crate) store: u64,
    /// To [`shims::poll`]; the result is left in the context.
    pub(crate) poll: u64,
}

/// A shim that has a trampoline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shim {
    /// [`shims::load`].
    Load,
    /// [`shims::store`].
    Store,
    /// [`shims::poll`].
    Poll,
}

impl Shim {
    fn address(self) -> u64 {
        match self {
            Self::Load => shims::load as *const () as u64,
            Self::Store => shims::store as *const () as u64,
            Self::Poll => shims::poll as *const () as u64,
        }
    }

    /// Words that it takes.
    const fn parameters(self) -> usize {
        match self {
            Self::Poll => 2,
            Self::Load => 3,
            Self::Store => 4,
        }
    }
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

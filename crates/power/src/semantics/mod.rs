//! What instructions mean: one generic function each over [`crate::engine::Engine`], a file per family.

pub(crate) mod arithmetic;
pub(crate) mod atomic;
pub(crate) mod branch;
pub(crate) mod cache;
pub(crate) mod compare;
pub(crate) mod condition;
pub(crate) mod float_storage;
pub(crate) mod load;
pub(crate) mod logical;
pub(crate) mod multiple;
pub(crate) mod multiply;
pub(crate) mod rotate;
pub(crate) mod spr;
pub(crate) mod store;
pub(crate) mod system;
pub(crate) mod translation;
mod util;
pub(crate) mod vmx_storage;
pub(crate) mod vsx_move;
pub(crate) mod vsx_storage;

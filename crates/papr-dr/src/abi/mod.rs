//! Numbers only, as PAPR has them: what hypercalls answer, and the RTAS services on connectors.

pub mod rtas;
pub mod status;

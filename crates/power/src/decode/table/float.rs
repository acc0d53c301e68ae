//! float
insns! {}

//! vsx
insns! {}

//! vsx_float
insns! {}

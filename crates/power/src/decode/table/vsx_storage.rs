//! vsx_storage
insns! {}

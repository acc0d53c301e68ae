//! vmx_permute
insns! {}

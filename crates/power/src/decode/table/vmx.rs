//! vmx
insns! {}

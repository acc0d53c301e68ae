//! The cryptographic assists (Power ISA 3.0B, Book I, 6.11): AES rounds, SHA-2 sigma functions and
//! carry-less multiply-sums.

mod aes;
mod polynomial;
mod sha2;

pub use aes::{vcipher, vcipherlast, vncipher, vncipherlast, vsbox};
pub use polynomial::{vpmsumb, vpmsumd, vpmsumh, vpmsumw};
pub use sha2::{vshasigmad, vshasigmaw};

//! What an operation delivers, and how it gets into FPSCR; NaNs as operands.

use power_float::Fpscr;
use power_float::fpscr::bits as b;

use crate::format::Format;
use crate::number::{Class, Number};

/// A result and, in FPSCR's layout, its exceptions, FR and FI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub number: Number,
    pub status: u64,
}

impl Outcome {
    /// A result without exceptions.
    pub const fn exact(number: Number) -> Self {
        Self { number, status: 0 }
    }

    /// The default NaN, for an invalid operation.
    pub const fn invalid(exceptions: u64) -> Self {
        Self {
            number: Number::DEFAULT_NAN,
            status: exceptions,
        }
    }

    /// Records exceptions, FR, FI and FPRF; None where an enabled invalid operation or division by
    /// zero suppresses the result.
    pub fn deliver<F: Format>(self, f: &mut Fpscr) -> Option<F> {
        let status = self.status | self.number.result_flags(F::LAYOUT);
        f.commit(status, b::RESULTS)
            .then(|| F::of(F::LAYOUT.pack(self.number)))
    }
}

/// A NaN operand made quiet, with VXSNAN where it is signalling.
pub(crate) const fn quieted(number: Number) -> Outcome {
    Outcome {
        number: number.quieted(),
        status: if matches!(number.class, Class::Signalling) {
            b::VXSNAN
        } else {
            0
        },
    }
}

/// The result where an operand is a NaN: the first signalling one, else the first quiet one (Book
/// I, 5.5.4).
pub(crate) fn propagated(operands: [Number; 2]) -> Option<Outcome> {
    let of = |class| operands.into_iter().find(|number| number.class == class);
    of(Class::Signalling)
        .or_else(|| of(Class::Quiet))
        .map(quieted)
}

//! What holds for any operands and any FPSCR: nothing panics, summaries stay summaries, sticky bits stick, controls stay.

use power_float::fpscr::bits as b;
use power_float::{Fpscr, memory, quad, scalar, vector, vmx};
use proptest::prelude::*;

/// A vector with special exponents more often than chance would have them, in any of the formats.
fn operand() -> impl Strategy<Value = u128> {
    let word = prop_oneof![
        any::<u32>(),
        prop_oneof![
            Just(0u32),
            Just(0x8000_0000),
            Just(0x7F80_0000),
            Just(0x7FF0_0000),
            Just(0x7FFF_0000),
            Just(0x7C00_FC00)
        ],
        (any::<u32>(), 0u32..4).prop_map(|(w, e)| w & 0x807F_FFFF | e << 23),
        any::<u32>().prop_map(|w| w | 0x7F80_0000),
        any::<u32>().prop_map(|w| w & 0x803F_FFFF | 0x3FC0_0000),
    ];
    [word.clone(), word.clone(), word.clone(), word]
        .prop_map(|w| w.into_iter().fold(0, |v, w| v << 32 | u128::from(w)))
}

/// Runs one instruction on the register and checks the invariants.
fn check(f0: Fpscr, what: &str, operation: impl FnOnce(&mut Fpscr) -> bool) {
    let mut f = f0;
    let written = operation(&mut f);
    assert_eq!(
        Fpscr::from_bits(f.bits()),
        f,
        "{what}: the summaries are stale"
    );
    assert_eq!(
        f0.bits() & b::STICKY & !f.bits(),
        0,
        "{what}: a sticky bit is lost"
    );
    let controls = b::ENABLES | b::NI | b::RN | b::DRN;
    assert_eq!(
        (f0.bits() ^ f.bits()) & controls,
        0,
        "{what}: a control changed"
    );
    let new = f.bits() & !f0.bits() & b::STICKY;
    assert_eq!(
        f.fx(),
        f0.fx() || new != 0,
        "{what}: FX without a new exception, or none with one"
    );
    if !written {
        assert!(
            f.fex(),
            "{what}: the target is left for no enabled exception"
        );
    }
}

macro_rules! all {
    (@one $f0:expr, $module:ident, $name:ident, ($($x:expr),*)) => {
        check($f0, stringify!($name), |f| $module::$name(f, $($x),*).is_some());
    };
    (@each $f0:expr, $module:ident, ($($name:ident)*), $operands:tt) => {
        $(all!(@one $f0, $module, $name, $operands);)*
    };
    ($f0:expr; $($module:ident: [$($name:ident)*] $operands:tt;)*) => {
        $(all!(@each $f0, $module, ($($name)*), $operands);)*
    };
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(5_000) })]

    #[test]
    fn no_instruction_breaks_the_register(a in operand(), b in operand(), c in operand(), bits in any::<u64>(), fresh in any::<bool>()) {
        let f0 = Fpscr::from_bits(if fresh { bits & 0xFF } else { bits });
        let [x, y, z] = [a, b, c].map(|v| (v >> 64) as u64);
        let rmc = (bits >> 40) as u8;
        let r = bits >> 50 & 1 != 0;
        all! { f0;
            scalar: [fadd fadds fsub fsubs fmul fmuls fdiv fdivs] (x, y);
            scalar: [xsmaxdp xsmindp xsmaxcdp xsmincdp xsmaxjdp xsminjdp xscmpeqdp xscmpgtdp xscmpgedp] (x, y);
            scalar: [fmadd fmadds fmsub fmsubs fnmadd fnmadds fnmsub fnmsubs] (x, y, z);
            scalar: [fsqrt fsqrts fre fres frsqrte frsqrtes frsp frin friz frip frim xsrdpic] (x);
            scalar: [fctid fctidz fctidu fctiduz fctiw fctiwz fctiwu fctiwuz xscvdpsxws xscvdpuxws] (x);
            scalar: [fcfid fcfids fcfidu fcfidus xscvdpsp xscvdphp] (x);
            scalar: [xscvspdp] (x as u32);
            scalar: [xscvhpdp] (x as u16);
            quad: [xsaddqp xsaddqpo xssubqp xssubqpo xsmulqp xsmulqpo xsdivqp xsdivqpo] (a, b);
            quad: [xsmaddqp xsmaddqpo xsmsubqp xsmsubqpo xsnmaddqp xsnmaddqpo xsnmsubqp xsnmsubqpo] (a, b, c);
            quad: [xssqrtqp xssqrtqpo xscvqpdp xscvqpdpo xscvqpsdz xscvqpudz xscvqpswz xscvqpuwz] (a);
            quad: [xsrqpi xsrqpix xsrqpxp] (a, r, rmc);
            quad: [xscvdpqp xscvsdqp xscvudqp] (x);
            vector: [xvadddp xvaddsp xvsubdp xvsubsp xvmuldp xvmulsp xvdivdp xvdivsp] (a, b);
            vector: [xvmaxdp xvmaxsp xvmindp xvminsp] (a, b);
            vector: [xvcmpeqdp xvcmpeqsp xvcmpgtdp xvcmpgtsp xvcmpgedp xvcmpgesp] (a, b);
            vector: [xvmadddp xvmaddsp xvmsubdp xvmsubsp xvnmadddp xvnmaddsp xvnmsubdp xvnmsubsp] (a, b, c);
            vector: [xvsqrtdp xvsqrtsp xvredp xvresp xvrsqrtedp xvrsqrtesp] (a);
            vector: [xvrdpi xvrdpic xvrdpim xvrdpip xvrdpiz xvrspi xvrspic xvrspim xvrspip xvrspiz] (a);
            vector: [xvcvdpsp xvcvspdp xvcvhpsp xvcvsphp xvcvdpsxds xvcvdpuxds xvcvdpsxws xvcvdpuxws] (a);
            vector: [xvcvspsxds xvcvspuxds xvcvspsxws xvcvspuxws xvcvsxddp xvcvuxddp xvcvsxdsp xvcvuxdsp] (a);
            vector: [xvcvsxwdp xvcvuxwdp xvcvsxwsp xvcvuxwsp] (a);
        }
        for compare in [scalar::fcmpu, scalar::fcmpo, scalar::xscmpexpdp] {
            check(f0, "compare", |f| compare(f, x, y).is_power_of_two());
        }
        for compare in [quad::xscmpuqp, quad::xscmpoqp, quad::xscmpexpqp] {
            check(f0, "compare", |f| compare(f, a, b).is_power_of_two());
        }
    }

    #[test]
    fn operations_without_the_register_take_any_operand(a in operand(), b in operand(), c in operand(), small in any::<u8>(), nj in any::<bool>()) {
        let x = a as u64;
        scalar::ftdiv(x, b as u64);
        scalar::ftsqrt(x);
        vector::xvtdivdp(a, b);
        vector::xvtdivsp(a, b);
        vector::xvtsqrtdp(a);
        vector::xvtsqrtsp(a);
        // Taking a number apart and putting it together again is the identity.
        prop_assert_eq!(vector::xviexpdp(a, vector::xvxexpdp(a)), a);
        prop_assert_eq!(vector::xviexpsp(a, vector::xvxexpsp(a)), a);
        prop_assert_eq!(quad::xsiexpqp(a, (quad::xsxexpqp(a) >> 64) as u64), a);
        prop_assert_eq!(scalar::xsiexpdp(x, scalar::xsxexpdp(x)), x);
        prop_assert_eq!(memory::single_from_double(memory::double_from_single(x as u32)), x as u32);
        vmx::vmaddfp(a, c, b, nj);
        vmx::vnmsubfp(a, c, b, nj);
        vmx::vexptefp(a, nj);
        vmx::vlogefp(a, nj);
        vmx::vrefp(a, nj);
        vmx::vrsqrtefp(a, nj);
        vmx::vctuxs(a, small, nj);
        vmx::vcfsx(a, small);
        // An element greater than another is also greater or equal, and never equal.
        let (greater, equal) = (vmx::vcmpgtfp(a, b, nj).0, vmx::vcmpeqfp(a, b, nj).0);
        prop_assert_eq!(vmx::vcmpgefp(a, b, nj).0, greater | equal);
        prop_assert_eq!(greater & equal, 0);
        // vctsxs undoes vcfsx where the integers are small.
        let words = a & 0x00FF_FFFF_00FF_FFFF_00FF_FFFF_00FF_FFFF;
        prop_assert_eq!(vmx::vctsxs(vmx::vcfsx(words, small), small, nj), (words, false));
    }
}

//! VSX floating-point instructions: scalar, vector, quad precision (Book I, 7.6.3).

use crate::decode::pattern::{Pattern, x, x_sub, xro, xro_sub, xx2, xx2_sub, xx3, xx3_rc, z23};
use crate::semantics::{vsx_quad as vq, vsx_scalar as vs, vsx_vector as vv};

/// XX2 form without an operand in bits 11 to 15.
const fn xx2b(xo: u32) -> Pattern {
    xx2(xo).reserved(11, 5)
}
/// XX3 form that sets a CR field.
const fn xx3bf(xo: u32) -> Pattern {
    xx3(xo).reserved(9, 2).reserved(31, 1)
}
/// XX2 form that sets a CR field.
const fn xx2bf(xo: u32) -> Pattern {
    xx2b(xo).reserved(9, 2).reserved(31, 1)
}
/// Rounding of a quad: bits 23 to 31.
const fn rounding(xo: u32, bit31: u32) -> Pattern {
    z23(63, xo).reserved(11, 4).fix(31, 1, bit31)
}

insns! {
    "xsadddp"    xx3(32), "xt,xa,xb" => vs::xsadddp;
    "xsaddsp"    xx3(0), "xt,xa,xb" => vs::xsaddsp;
    "xssubdp"    xx3(40), "xt,xa,xb" => vs::xssubdp;
    "xssubsp"    xx3(8), "xt,xa,xb" => vs::xssubsp;
    "xsmuldp"    xx3(48), "xt,xa,xb" => vs::xsmuldp;
    "xsmulsp"    xx3(16), "xt,xa,xb" => vs::xsmulsp;
    "xsdivdp"    xx3(56), "xt,xa,xb" => vs::xsdivdp;
    "xsdivsp"    xx3(24), "xt,xa,xb" => vs::xsdivsp;
    "xsmaddadp"  xx3(33), "xt,xa,xb" => vs::xsmaddadp;
    "xsmaddmdp"  xx3(41), "xt,xa,xb" => vs::xsmaddmdp;
    "xsmaddasp"  xx3(1), "xt,xa,xb" => vs::xsmaddasp;
    "xsmaddmsp"  xx3(9), "xt,xa,xb" => vs::xsmaddmsp;
    "xsmsubadp"  xx3(49), "xt,xa,xb" => vs::xsmsubadp;
    "xsmsubmdp"  xx3(57), "xt,xa,xb" => vs::xsmsubmdp;
    "xsmsubasp"  xx3(17), "xt,xa,xb" => vs::xsmsubasp;
    "xsmsubmsp"  xx3(25), "xt,xa,xb" => vs::xsmsubmsp;
    "xsnmaddadp" xx3(161), "xt,xa,xb" => vs::xsnmaddadp;
    "xsnmaddmdp" xx3(169), "xt,xa,xb" => vs::xsnmaddmdp;
    "xsnmaddasp" xx3(129), "xt,xa,xb" => vs::xsnmaddasp;
    "xsnmaddmsp" xx3(137), "xt,xa,xb" => vs::xsnmaddmsp;
    "xsnmsubadp" xx3(177), "xt,xa,xb" => vs::xsnmsubadp;
    "xsnmsubmdp" xx3(185), "xt,xa,xb" => vs::xsnmsubmdp;
    "xsnmsubasp" xx3(145), "xt,xa,xb" => vs::xsnmsubasp;
    "xsnmsubmsp" xx3(153), "xt,xa,xb" => vs::xsnmsubmsp;
    "xsmaxdp"    xx3(160), "xt,xa,xb" => vs::xsmaxdp;
    "xsmindp"    xx3(168), "xt,xa,xb" => vs::xsmindp;
    "xsmaxcdp"   xx3(128), "xt,xa,xb" => vs::xsmaxcdp;
    "xsmincdp"   xx3(136), "xt,xa,xb" => vs::xsmincdp;
    "xsmaxjdp"   xx3(144), "xt,xa,xb" => vs::xsmaxjdp;
    "xsminjdp"   xx3(152), "xt,xa,xb" => vs::xsminjdp;
    "xscmpeqdp"  xx3(3), "xt,xa,xb" => vs::xscmpeqdp;
    "xscmpgtdp"  xx3(11), "xt,xa,xb" => vs::xscmpgtdp;
    "xscmpgedp"  xx3(19), "xt,xa,xb" => vs::xscmpgedp;
    "xssqrtdp"   xx2b(75), "xt,xb" => vs::xssqrtdp;
    "xssqrtsp"   xx2b(11), "xt,xb" => vs::xssqrtsp;
    "xsredp"     xx2b(90), "xt,xb" => vs::xsredp;
    "xsresp"     xx2b(26), "xt,xb" => vs::xsresp;
    "xsrsqrtedp" xx2b(74), "xt,xb" => vs::xsrsqrtedp;
    "xsrsqrtesp" xx2b(10), "xt,xb" => vs::xsrsqrtesp;
    "xsrsp"      xx2b(281), "xt,xb" => vs::xsrsp;
    "xsrdpi"     xx2b(73), "xt,xb" => vs::xsrdpi;
    "xsrdpic"    xx2b(107), "xt,xb" => vs::xsrdpic;
    "xsrdpim"    xx2b(121), "xt,xb" => vs::xsrdpim;
    "xsrdpip"    xx2b(105), "xt,xb" => vs::xsrdpip;
    "xsrdpiz"    xx2b(89), "xt,xb" => vs::xsrdpiz;
    "xscvdpsxds" xx2b(344), "xt,xb" => vs::xscvdpsxds;
    "xscvdpuxds" xx2b(328), "xt,xb" => vs::xscvdpuxds;
    "xscvdpsxws" xx2b(88), "xt,xb" => vs::xscvdpsxws;
    "xscvdpuxws" xx2b(72), "xt,xb" => vs::xscvdpuxws;
    "xscvsxddp"  xx2b(376), "xt,xb" => vs::xscvsxddp;
    "xscvsxdsp"  xx2b(312), "xt,xb" => vs::xscvsxdsp;
    "xscvuxddp"  xx2b(360), "xt,xb" => vs::xscvuxddp;
    "xscvuxdsp"  xx2b(296), "xt,xb" => vs::xscvuxdsp;
    "xscvdpsp"   xx2b(265), "xt,xb" => vs::xscvdpsp;
    "xscvdpspn"  xx2b(267), "xt,xb" => vs::xscvdpspn;
    "xscvspdp"   xx2b(329), "xt,xb" => vs::xscvspdp;
    "xscvspdpn"  xx2b(331), "xt,xb" => vs::xscvspdpn;
    "xscvhpdp"   xx2_sub(16, 347), "xt,xb" => vs::xscvhpdp;
    "xscvdphp"   xx2_sub(17, 347), "xt,xb" => vs::xscvdphp;
    "xscmpudp"   xx3bf(35), "bf,xa,xb" => vs::xscmpudp;
    "xscmpodp"   xx3bf(43), "bf,xa,xb" => vs::xscmpodp;
    "xscmpexpdp" xx3bf(59), "bf,xa,xb" => vs::xscmpexpdp;
    "xstdivdp"   xx3bf(61), "bf,xa,xb" => vs::xstdivdp;
    "xstsqrtdp"  xx2bf(106), "bf,xb" => vs::xstsqrtdp;
    "xststdcdp"  xx2(362).reserved(31, 1), "bf,xb,dcmx" => vs::xststdcdp;
    "xststdcsp"  xx2(298).reserved(31, 1), "bf,xb,dcmx" => vs::xststdcsp;

    "xvadddp"    xx3(96), "xt,xa,xb" => vv::xvadddp;
    "xvaddsp"    xx3(64), "xt,xa,xb" => vv::xvaddsp;
    "xvsubdp"    xx3(104), "xt,xa,xb" => vv::xvsubdp;
    "xvsubsp"    xx3(72), "xt,xa,xb" => vv::xvsubsp;
    "xvmuldp"    xx3(112), "xt,xa,xb" => vv::xvmuldp;
    "xvmulsp"    xx3(80), "xt,xa,xb" => vv::xvmulsp;
    "xvdivdp"    xx3(120), "xt,xa,xb" => vv::xvdivdp;
    "xvdivsp"    xx3(88), "xt,xa,xb" => vv::xvdivsp;
    "xvmaddadp"  xx3(97), "xt,xa,xb" => vv::xvmaddadp;
    "xvmaddmdp"  xx3(105), "xt,xa,xb" => vv::xvmaddmdp;
    "xvmaddasp"  xx3(65), "xt,xa,xb" => vv::xvmaddasp;
    "xvmaddmsp"  xx3(73), "xt,xa,xb" => vv::xvmaddmsp;
    "xvmsubadp"  xx3(113), "xt,xa,xb" => vv::xvmsubadp;
    "xvmsubmdp"  xx3(121), "xt,xa,xb" => vv::xvmsubmdp;
    "xvmsubasp"  xx3(81), "xt,xa,xb" => vv::xvmsubasp;
    "xvmsubmsp"  xx3(89), "xt,xa,xb" => vv::xvmsubmsp;
    "xvnmaddadp" xx3(225), "xt,xa,xb" => vv::xvnmaddadp;
    "xvnmaddmdp" xx3(233), "xt,xa,xb" => vv::xvnmaddmdp;
    "xvnmaddasp" xx3(193), "xt,xa,xb" => vv::xvnmaddasp;
    "xvnmaddmsp" xx3(201), "xt,xa,xb" => vv::xvnmaddmsp;
    "xvnmsubadp" xx3(241), "xt,xa,xb" => vv::xvnmsubadp;
    "xvnmsubmdp" xx3(249), "xt,xa,xb" => vv::xvnmsubmdp;
    "xvnmsubasp" xx3(209), "xt,xa,xb" => vv::xvnmsubasp;
    "xvnmsubmsp" xx3(217), "xt,xa,xb" => vv::xvnmsubmsp;
    "xvmaxdp"    xx3(224), "xt,xa,xb" => vv::xvmaxdp;
    "xvmaxsp"    xx3(192), "xt,xa,xb" => vv::xvmaxsp;
    "xvmindp"    xx3(232), "xt,xa,xb" => vv::xvmindp;
    "xvminsp"    xx3(200), "xt,xa,xb" => vv::xvminsp;
    "xvcmpeqdp"  xx3_rc(99), "xt,xa,xb" => vv::xvcmpeqdp;
    "xvcmpeqsp"  xx3_rc(67), "xt,xa,xb" => vv::xvcmpeqsp;
    "xvcmpgtdp"  xx3_rc(107), "xt,xa,xb" => vv::xvcmpgtdp;
    "xvcmpgtsp"  xx3_rc(75), "xt,xa,xb" => vv::xvcmpgtsp;
    "xvcmpgedp"  xx3_rc(115), "xt,xa,xb" => vv::xvcmpgedp;
    "xvcmpgesp"  xx3_rc(83), "xt,xa,xb" => vv::xvcmpgesp;
    "xvsqrtdp"   xx2b(203), "xt,xb" => vv::xvsqrtdp;
    "xvsqrtsp"   xx2b(139), "xt,xb" => vv::xvsqrtsp;
    "xvredp"     xx2b(218), "xt,xb" => vv::xvredp;
    "xvresp"     xx2b(154), "xt,xb" => vv::xvresp;
    "xvrsqrtedp" xx2b(202), "xt,xb" => vv::xvrsqrtedp;
    "xvrsqrtesp" xx2b(138), "xt,xb" => vv::xvrsqrtesp;
    "xvrdpi"     xx2b(201), "xt,xb" => vv::xvrdpi;
    "xvrdpic"    xx2b(235), "xt,xb" => vv::xvrdpic;
    "xvrdpim"    xx2b(249), "xt,xb" => vv::xvrdpim;
    "xvrdpip"    xx2b(233), "xt,xb" => vv::xvrdpip;
    "xvrdpiz"    xx2b(217), "xt,xb" => vv::xvrdpiz;
    "xvrspi"     xx2b(137), "xt,xb" => vv::xvrspi;
    "xvrspic"    xx2b(171), "xt,xb" => vv::xvrspic;
    "xvrspim"    xx2b(185), "xt,xb" => vv::xvrspim;
    "xvrspip"    xx2b(169), "xt,xb" => vv::xvrspip;
    "xvrspiz"    xx2b(153), "xt,xb" => vv::xvrspiz;
    "xvcvdpsp"   xx2b(393), "xt,xb" => vv::xvcvdpsp;
    "xvcvspdp"   xx2b(457), "xt,xb" => vv::xvcvspdp;
    "xvcvdpsxds" xx2b(472), "xt,xb" => vv::xvcvdpsxds;
    "xvcvdpuxds" xx2b(456), "xt,xb" => vv::xvcvdpuxds;
    "xvcvdpsxws" xx2b(216), "xt,xb" => vv::xvcvdpsxws;
    "xvcvdpuxws" xx2b(200), "xt,xb" => vv::xvcvdpuxws;
    "xvcvspsxds" xx2b(408), "xt,xb" => vv::xvcvspsxds;
    "xvcvspuxds" xx2b(392), "xt,xb" => vv::xvcvspuxds;
    "xvcvspsxws" xx2b(152), "xt,xb" => vv::xvcvspsxws;
    "xvcvspuxws" xx2b(136), "xt,xb" => vv::xvcvspuxws;
    "xvcvsxddp"  xx2b(504), "xt,xb" => vv::xvcvsxddp;
    "xvcvuxddp"  xx2b(488), "xt,xb" => vv::xvcvuxddp;
    "xvcvsxdsp"  xx2b(440), "xt,xb" => vv::xvcvsxdsp;
    "xvcvuxdsp"  xx2b(424), "xt,xb" => vv::xvcvuxdsp;
    "xvcvsxwdp"  xx2b(248), "xt,xb" => vv::xvcvsxwdp;
    "xvcvuxwdp"  xx2b(232), "xt,xb" => vv::xvcvuxwdp;
    "xvcvsxwsp"  xx2b(184), "xt,xb" => vv::xvcvsxwsp;
    "xvcvuxwsp"  xx2b(168), "xt,xb" => vv::xvcvuxwsp;
    "xvcvhpsp"   xx2_sub(24, 475), "xt,xb" => vv::xvcvhpsp;
    "xvcvsphp"   xx2_sub(25, 475), "xt,xb" => vv::xvcvsphp;
    "xvtdivdp"   xx3bf(125), "bf,xa,xb" => vv::xvtdivdp;
    "xvtdivsp"   xx3bf(93), "bf,xa,xb" => vv::xvtdivsp;
    "xvtsqrtdp"  xx2bf(234), "bf,xb" => vv::xvtsqrtdp;
    "xvtsqrtsp"  xx2bf(170), "bf,xb" => vv::xvtsqrtsp;

    "xsaddqp"    xro(63, 4), "vrt,vra,vrb" => vq::xsaddqp;
    "xssubqp"    xro(63, 516), "vrt,vra,vrb" => vq::xssubqp;
    "xsmulqp"    xro(63, 36), "vrt,vra,vrb" => vq::xsmulqp;
    "xsdivqp"    xro(63, 548), "vrt,vra,vrb" => vq::xsdivqp;
    "xsmaddqp"   xro(63, 388), "vrt,vra,vrb" => vq::xsmaddqp;
    "xsmsubqp"   xro(63, 420), "vrt,vra,vrb" => vq::xsmsubqp;
    "xsnmaddqp"  xro(63, 452), "vrt,vra,vrb" => vq::xsnmaddqp;
    "xsnmsubqp"  xro(63, 484), "vrt,vra,vrb" => vq::xsnmsubqp;
    "xssqrtqp"   xro_sub(63, 27, 804), "vrt,vrb" => vq::xssqrtqp;
    "xscvqpdp"   xro_sub(63, 20, 836), "vrt,vrb" => vq::xscvqpdp;
    "xscvqpuwz"  x_sub(63, 1, 836), "vrt,vrb" => vq::xscvqpuwz;
    "xscvudqp"   x_sub(63, 2, 836), "vrt,vrb" => vq::xscvudqp;
    "xscvqpswz"  x_sub(63, 9, 836), "vrt,vrb" => vq::xscvqpswz;
    "xscvsdqp"   x_sub(63, 10, 836), "vrt,vrb" => vq::xscvsdqp;
    "xscvqpudz"  x_sub(63, 17, 836), "vrt,vrb" => vq::xscvqpudz;
    "xscvdpqp"   x_sub(63, 22, 836), "vrt,vrb" => vq::xscvdpqp;
    "xscvqpsdz"  x_sub(63, 25, 836), "vrt,vrb" => vq::xscvqpsdz;
    "xsabsqp"    x_sub(63, 0, 804), "vrt,vrb" => vq::xsabsqp;
    "xsxexpqp"   x_sub(63, 2, 804), "vrt,vrb" => vq::xsxexpqp;
    "xsnabsqp"   x_sub(63, 8, 804), "vrt,vrb" => vq::xsnabsqp;
    "xsnegqp"    x_sub(63, 16, 804), "vrt,vrb" => vq::xsnegqp;
    "xsxsigqp"   x_sub(63, 18, 804), "vrt,vrb" => vq::xsxsigqp;
    "xscpsgnqp"  x(63, 100), "vrt,vra,vrb" => vq::xscpsgnqp;
    "xsiexpqp"   x(63, 868), "vrt,vra,vrb" => vq::xsiexpqp;
    "xscmpuqp"   x(63, 644).reserved(9, 2), "bf,vra,vrb" => vq::xscmpuqp;
    "xscmpoqp"   x(63, 132).reserved(9, 2), "bf,vra,vrb" => vq::xscmpoqp;
    "xscmpexpqp" x(63, 164).reserved(9, 2), "bf,vra,vrb" => vq::xscmpexpqp;
    "xststdcqp"  x(63, 708), "bf,vrb,dcmx" => vq::xststdcqp;
    "xsrqpi"     rounding(5, 0), "r,vrt,vrb,rmc" => vq::xsrqpi;
    "xsrqpix"    rounding(5, 1), "r,vrt,vrb,rmc" => vq::xsrqpix;
    "xsrqpxp"    rounding(37, 0), "r,vrt,vrb,rmc" => vq::xsrqpxp;
}

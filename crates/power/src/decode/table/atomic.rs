//! Load-and-reserve, store-conditional, and atomic memory operations (Book II, 4.5 and 4.6).

use crate::decode::pattern::{x, x1, xany};
use crate::semantics::atomic as at;

insns! {
    "lbarx"   xany(31, 52), "rt,ra0,rb" => at::lbarx;
    "lharx"   xany(31, 116), "rt,ra0,rb" => at::lharx;
    "lwarx"   xany(31, 20), "rt,ra0,rb" => at::lwarx;
    "ldarx"   xany(31, 84), "rt,ra0,rb" => at::ldarx;
    "lqarx"   xany(31, 276), "rt,ra0,rb" => at::lqarx;
    "stbcx."  x1(31, 694), "rs,ra0,rb" => at::stbcx;
    "sthcx."  x1(31, 726), "rs,ra0,rb" => at::sthcx;
    "stwcx."  x1(31, 150), "rs,ra0,rb" => at::stwcx;
    "stdcx."  x1(31, 214), "rs,ra0,rb" => at::stdcx;
    "stqcx."  x1(31, 182), "rs,ra0,rb" => at::stqcx;
    "lwat"    x(31, 582), "rt,ra0,fc" => at::lwat;
    "ldat"    x(31, 614), "rt,ra0,fc" => at::ldat;
    "stwat"   x(31, 710), "rs,ra0,fc" => at::stwat;
    "stdat"   x(31, 742), "rs,ra0,fc" => at::stdat;
}

//! Load-and-reserve, store-conditional, and atomic memory operations (Book II, 4.5 and 4.6).

use crate::decode::pattern::{x, x1, xany};
use crate::semantics::atomic as at;

insns! {
    "lbarx"   xany(31, 52), "rt,ra0,rb" => at::lbarx, Load;
    "lharx"   xany(31, 116), "rt,ra0,rb" => at::lharx, Load;
    "lwarx"   xany(31, 20), "rt,ra0,rb" => at::lwarx, Load;
    "ldarx"   xany(31, 84), "rt,ra0,rb" => at::ldarx, Load;
    "lqarx"   xany(31, 276), "rt,ra0,rb" => at::lqarx, Load [called_in_line];
    "stbcx."  x1(31, 694), "rs,ra0,rb" => at::stbcx, Store;
    "sthcx."  x1(31, 726), "rs,ra0,rb" => at::sthcx, Store;
    "stwcx."  x1(31, 150), "rs,ra0,rb" => at::stwcx, Store;
    "stdcx."  x1(31, 214), "rs,ra0,rb" => at::stdcx, Store;
    "stqcx."  x1(31, 182), "rs,ra0,rb" => at::stqcx, Store [called_in_line];
    "lwat"    x(31, 582), "rt,ra0,fc" => at::lwat, Load [called_in_line];
    "ldat"    x(31, 614), "rt,ra0,fc" => at::ldat, Load [called_in_line];
    "stwat"   x(31, 710), "rs,ra0,fc" => at::stwat, Store [called_in_line];
    "stdat"   x(31, 742), "rs,ra0,fc" => at::stdat, Store [called_in_line];
}

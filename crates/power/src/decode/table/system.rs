//! Moves to and from special registers and MSR, interrupt returns, translation management (Book III).

use crate::decode::pattern::{x, xany};
use crate::semantics::{spr, system as sy, translation as tr};

insns! {
    "mfspr"   xany(31, 339), "rt,spr" => spr::mfspr [called_in_line];
    "mtspr"   xany(31, 467), "spr,rs" => spr::mtspr [called_in_line];
    "mftb"    xany(31, 371), "rt,spr" => spr::mftb [called_in_line];
    "mfmsr"   xany(31, 83), "rt" => sy::mfmsr [called_in_line];
    "mtmsr"   xany(31, 146), "rs,l15" => sy::mtmsr;
    "mtmsrd"  xany(31, 178), "rs,l15" => sy::mtmsrd;
    "rfid"    x(19, 18), "" => sy::rfid, Never;
    "rfscv"   x(19, 82), "" => sy::rfscv, Never;
    "hrfid"   x(19, 274), "" => sy::hypervisor_only, Never;
    "stop"    x(19, 370), "" => sy::hypervisor_only, Never;
    "tlbie"   xany(31, 306), "rb,rs,ric,prs,r" => tr::tlbie;
    "tlbiel"  xany(31, 274), "rb,rs,ric,prs,r" => tr::tlbiel [called_in_line];
    "tlbsync" xany(31, 566), "" => tr::tlbsync;
    "slbia"   xany(31, 498), "" => tr::slb;
    "slbie"   xany(31, 434), "rb" => tr::slb;
    "slbieg"  xany(31, 466), "rs,rb" => tr::slb;
    "slbsync" xany(31, 338), "" => tr::slb;
    "slbmte"  xany(31, 402), "rs,rb" => tr::slb;
    "slbmfev" xany(31, 851), "rt,rb" => tr::slb_read;
    "slbmfee" xany(31, 915), "rt,rb" => tr::slb_read;
    "msgsndp" xany(31, 142), "rb" => sy::hypervisor_only;
    "msgclrp" xany(31, 174), "rb" => sy::hypervisor_only;
    "msgsnd"  xany(31, 206), "rb" => sy::hypervisor_only;
    "msgclr"  xany(31, 238), "rb" => sy::hypervisor_only;
    "lwzcix"  xany(31, 789), "rt,ra,rb" => sy::hypervisor_only;
    "lhzcix"  xany(31, 821), "rt,ra,rb" => sy::hypervisor_only;
    "lbzcix"  xany(31, 853), "rt,ra,rb" => sy::hypervisor_only;
    "ldcix"   xany(31, 885), "rt,ra,rb" => sy::hypervisor_only;
    "stwcix"  xany(31, 917), "rs,ra,rb" => sy::hypervisor_only;
    "sthcix"  xany(31, 949), "rs,ra,rb" => sy::hypervisor_only;
    "stbcix"  xany(31, 981), "rs,ra,rb" => sy::hypervisor_only;
    "stdcix"  xany(31, 1013), "rs,ra,rb" => sy::hypervisor_only;
    "msgsync" xany(31, 886), "" => sy::hypervisor_only;
    "rfebb"   xany(19, 146), "s" => sy::rfebb;
    "clrbhrb" xany(31, 430), "" => sy::clrbhrb;
    "mfbhrbe" xany(31, 302), "rt" => sy::mfbhrbe;
}

/* SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * The two doors between the harness (C) and a test case.
 *
 * A case owns every register of the processor, so nothing here may rely on one: all harness data lives below
 * 0x8000, where `d(0)` addressing reaches it without a base register. The numbers (IN_, OUT_, CONTEXT_ ...) come from
 * layout.h, which the Rust side generates from src/layout.rs.
 */
#include "layout.h"

        .machine power9
        .abiversion 2
        .text

/* Loads or stores all 64 VSRs at BASE. */
.macro each_vsr op, base
        .set i, 0
        .rept 64
        \op     i, (\base + 16 * i)(0)
        .set i, i + 1
        .endr
.endm

/* void peer_enter(void): run the case in the IN area. Returns once peer_exit or a signal handler has filled OUT. */
        .globl  peer_enter
        .type   peer_enter, @function
peer_enter:
        /* Keep what the C ABI calls non-volatile. */
        std     1, (CONTEXT_GPR + 8)(0)
        std     2, (CONTEXT_GPR + 16)(0)
        .set i, 13
        .rept 19
        std     i, (CONTEXT_GPR + 8 * i)(0)
        .set i, i + 1
        .endr
        .set i, 14
        .rept 18
        stxv    i, (CONTEXT_FPR + 16 * (i - 14))(0)
        .set i, i + 1
        .endr
        .set i, 52
        .rept 12
        stxv    i, (CONTEXT_VR + 16 * (i - 52))(0)
        .set i, i + 1
        .endr
        mflr    0
        std     0, CONTEXT_LR(0)
        mfcr    0
        std     0, CONTEXT_CR(0)

        /* No case starts with a reservation left over from the one before. */
        li      3, SCRATCH
        stdcx.  3, 0, 3

        /* FPSCR and VSCR first: they travel through registers that are loaded afterwards. */
        lfd     0, IN_FPSCR(0)
        mtfsf   0xff, 0, 1, 0
        lxv     32, IN_VSCR(0)
        mtvscr  0
        each_vsr lxv, IN_VSR
        ld      0, IN_LR(0)
        mtlr    0
        ld      0, IN_CTR(0)
        mtctr   0
        ld      0, IN_XER(0)
        mtxer   0
        ld      0, IN_TAR(0)
        mtspr   815, 0
        ld      0, IN_VRSAVE(0)
        mtspr   256, 0
        ld      0, IN_CR(0)
        mtcrf   0xff, 0
        .set i, 0
        .rept 32
        ld      i, (IN_GPR + 8 * i)(0)
        .set i, i + 1
        .endr
        ba      CODE_BASE

/* Continues what the EXIT_BASE trampoline below began: r0 and CTR are saved already. */
        .globl  peer_exit
        .type   peer_exit, @function
peer_exit:
        .set i, 1
        .rept 31
        std     i, (OUT_GPR + 8 * i)(0)
        .set i, i + 1
        .endr
        each_vsr stxv, OUT_VSR
        mflr    3
        std     3, OUT_LR(0)
        mfxer   3
        std     3, OUT_XER(0)
        mfcr    3
        std     3, OUT_CR(0)
        mffs    0
        stfd    0, OUT_FPSCR(0)
        bl      save_hidden
        /* fall through */

/* void peer_leave(void): back to peer_enter's caller, from peer_exit or from a signal handler. */
        .globl  peer_leave
        .type   peer_leave, @function
peer_leave:
        /* The harness computes no floating point, but a library routine might: give it the default environment. */
        lfd     0, ZERO(0)
        mtfsf   0xff, 0, 1, 0
        ld      1, (CONTEXT_GPR + 8)(0)
        ld      2, (CONTEXT_GPR + 16)(0)
        .set i, 13
        .rept 19
        ld      i, (CONTEXT_GPR + 8 * i)(0)
        .set i, i + 1
        .endr
        .set i, 14
        .rept 18
        lxv     i, (CONTEXT_FPR + 16 * (i - 14))(0)
        .set i, i + 1
        .endr
        .set i, 52
        .rept 12
        lxv     i, (CONTEXT_VR + 16 * (i - 52))(0)
        .set i, i + 1
        .endr
        ld      0, CONTEXT_CR(0)
        mtcrf   0xff, 0
        ld      0, CONTEXT_LR(0)
        mtlr    0
        blr

/* Saves what no signal frame carries; the VSRs are in OUT already. */
save_hidden:
        mfvscr  0
        stxv    32, OUT_VSCR(0)
        mfspr   0, 815
        std     0, OUT_TAR(0)
        mfspr   0, 256
        std     0, OUT_VRSAVE(0)
        blr

/* Signal handler: the vector state is still the case's; the rest is in the frame, which the C part reads. */
        .globl  peer_signal
        .type   peer_signal, @function
peer_signal:
        each_vsr stxv, OUT_VSR
        bl      save_hidden
        ld      12, SIGNAL_POINTER(0)
        mtctr   12
        bctr

/* Copied to EXIT_BASE, where `ba` reaches it from the end of a case. */
        .globl  peer_trampoline, peer_trampoline_end
peer_trampoline:
        std     0, OUT_GPR(0)
        mfctr   0
        std     0, OUT_CTR(0)
        ld      0, EXIT_POINTER(0)
        mtctr   0
        bctr
peer_trampoline_end:
        .section .note.GNU-stack, "", @progbits

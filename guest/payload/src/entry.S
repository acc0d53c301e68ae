/*
 * The payload's first instructions, its interrupt vectors, and what Rust can't say: hypercalls, cache write-back, the time base.
 *
 * Assembled for little-endian. Written from the Power ISA 3.0 B and the ELFv2 ABI.
 */

/* Special-purpose registers (Power ISA, Book III, "Move To/From System Register"). */
#define SPR_DSISR 18
#define SPR_DAR 19
#define SPR_SRR0 26
#define SPR_SRR1 27
#define SPR_TB 268

/* H_SET_MODE (PAPR): resource 4 is the byte order in which interrupts are taken, 1 is little-endian. */
#define H_SET_MODE 0x31c
#define INTERRUPT_ENDIAN 4
#define LITTLE_ENDIAN_MODE 1

/* Bytes in a cache line (POWER9; "d-cache-line-size" of every CPU node says the same). */
#define CACHE_LINE 128

#define STACK_SIZE 0x20000
#define INTERRUPT_STACK_SIZE 0x8000

/* A word in big-endian order. */
.macro big_endian word
    .byte ((\word) >> 24) & 0xff, ((\word) >> 16) & 0xff, ((\word) >> 8) & 0xff, (\word) & 0xff
.endm

/*
 * Goes on at `start`, little-endian, whatever the byte order was.
 *
 * The first word reads as `tdi 0,0,0x48` (a trap that never happens) in little-endian order and as `b .+8` in big-endian order. So a
 * little-endian CPU takes the branch that follows, and a big-endian one the words after it, which switch by way of SRR1.
 */
.macro enter
    tdi 0, 0, 0x48
    b start
    big_endian 0x7d6000a6                       /* mfmsr r11 */
    big_endian 0x616b0001                       /* ori r11,r11,1: LE */
    big_endian 0x39800000 + (start - entry)     /* li r12,start */
    big_endian 0x7d9a03a6                       /* mtsrr0 r12 */
    big_endian 0x7d7b03a6                       /* mtsrr1 r11 */
    big_endian 0x4c000024                       /* rfid */
.endm

/* An interrupt vector: none of the interrupts is expected. */
.macro vector address
    .org \address
    li 3, \address
    b interrupted
.endm

    .section .vectors, "ax"
    .globl entry
entry:
    enter

    /* System reset; and where firmware is entered, which QEMU takes the payload for when it is named with -bios. */
    .org 0x100
    enter

    vector 0x200        /* machine check: a broken page of persistent memory */
    vector 0x300
    vector 0x380
    vector 0x400
    vector 0x480
    vector 0x500
    vector 0x600
    vector 0x700
    vector 0x800
    vector 0x900
    vector 0x980
    vector 0xa00
    vector 0xc00
    vector 0xd00
    vector 0xe40
    vector 0xf00
    vector 0xf20
    vector 0xf40
    vector 0xf60
    vector 0xf80

    .org 0x1000
start:
    mr 31, 3                                    /* the device tree */
    bl enable_all
    lis 4, bss_start@ha
    addi 4, 4, bss_start@l
    lis 5, bss_end@ha
    addi 5, 5, bss_end@l
    li 0, 0
0:  cmpld 4, 5
    bge 1f
    std 0, 0(4)
    addi 4, 4, 8
    b 0b
1:
    /* From here on an interrupt can be told about: let it be taken in our byte order. */
    li 3, H_SET_MODE
    li 4, LITTLE_ENDIAN_MODE
    li 5, INTERRUPT_ENDIAN
    li 6, 0
    li 7, 0
    sc 1
    lis 1, (stack + STACK_SIZE - 64)@ha
    addi 1, 1, (stack + STACK_SIZE - 64)@l
    li 0, 0
    std 0, 0(1)
    lis 2, .TOC.@ha
    addi 2, 2, .TOC.@l
    mr 3, 31
    bl payload_main
    nop
0:  b 0b

interrupted:
    mfspr 4, SPR_SRR0
    mfspr 5, SPR_SRR1
    mfspr 6, SPR_DAR
    mfspr 7, SPR_DSISR
    mr 31, 3
    mr 30, 4
    mr 29, 5
    bl enable_all
    mr 3, 31
    mr 4, 30
    mr 5, 29
    lis 1, (interrupt_stack + INTERRUPT_STACK_SIZE - 64)@ha
    addi 1, 1, (interrupt_stack + INTERRUPT_STACK_SIZE - 64)@l
    li 0, 0
    std 0, 0(1)
    lis 2, .TOC.@ha
    addi 2, 2, .TOC.@l
    bl unexpected_interrupt
    nop
0:  b 0b

/*
 * 64-bit mode (QEMU enters firmware in 32-bit mode), machine checks as interrupts, and what the compiler's code may use beside: MSR[SF],
 * MSR[ME], MSR[FP], MSR[VEC], MSR[VSX]. Changes r4 and r5.
 */
enable_all:
    mfmsr 4
    li 5, 1
    rldimi 4, 5, 63, 0
    ori 4, 4, 0x3000
    oris 4, 4, 0x0280
    mtmsrd 4
    isync
    blr

    .text

/* i64 hypercall_raw(u64 opcode, const u64 arguments[9], u64 outputs[9]): outputs are r4 to r12. */
    .globl hypercall_raw
    .type hypercall_raw, @function
hypercall_raw:
    stdu 1, -48(1)
    std 31, 40(1)
    mr 31, 5
    mr 12, 4
    ld 4, 0(12)
    ld 5, 8(12)
    ld 6, 16(12)
    ld 7, 24(12)
    ld 8, 32(12)
    ld 9, 40(12)
    ld 10, 48(12)
    ld 11, 56(12)
    ld 12, 64(12)
    sc 1
    std 4, 0(31)
    std 5, 8(31)
    std 6, 16(31)
    std 7, 24(31)
    std 8, 32(31)
    std 9, 40(31)
    std 10, 48(31)
    std 11, 56(31)
    std 12, 64(31)
    ld 31, 40(1)
    addi 1, 1, 48
    blr
    .size hypercall_raw, . - hypercall_raw

/* void write_back(u64 address, u64 length): every cache line that the range touches, and waits until all of it has happened. */
    .globl write_back
    .type write_back, @function
write_back:
    add 4, 3, 4
    clrrdi 3, 3, 7
0:  cmpld 3, 4
    bge 1f
    dcbf 0, 3
    addi 3, 3, CACHE_LINE
    b 0b
1:  sync
    blr
    .size write_back, . - write_back

/* u64 time_base(void) */
    .globl time_base
    .type time_base, @function
time_base:
    mfspr 3, SPR_TB
    blr
    .size time_base, . - time_base

    .section .bss
    .balign 16
stack:
    .skip STACK_SIZE
interrupt_stack:
    .skip INTERRUPT_STACK_SIZE

/*
 * The memory functions that compilers take for granted (C standard, <string.h>, and bcmp). In assembly, because a compiler would turn
 * such loops into calls of themselves. Little is copied here: simple is better than fast.
 */
    .text

    .globl memmove
    .type memmove, @function
memmove:
    subf 6, 4, 3            /* to - from, wraps where `to` is lower: then forwards is right, as it is past the range */
    cmpld 6, 5
    blt backwards
    .globl memcpy
    .type memcpy, @function
memcpy:
    cmpldi 5, 0
    beqlr
    mtctr 5
    addi 6, 3, -1
    addi 4, 4, -1
0:  lbzu 7, 1(4)
    stbu 7, 1(6)
    bdnz 0b
    blr
    .size memcpy, . - memcpy
backwards:                  /* length is above `to - from`, so it is not 0 */
    mtctr 5
    add 6, 3, 5
    add 4, 4, 5
0:  lbzu 7, -1(4)
    stbu 7, -1(6)
    bdnz 0b
    blr
    .size memmove, . - memmove

    .globl memset
    .type memset, @function
memset:
    cmpldi 5, 0
    beqlr
    mtctr 5
    addi 6, 3, -1
0:  stbu 4, 1(6)
    bdnz 0b
    blr
    .size memset, . - memset

    .globl memcmp
    .type memcmp, @function
    .globl bcmp
    .type bcmp, @function
memcmp:
bcmp:
    cmpldi 5, 0
    beq 1f
    mtctr 5
    addi 3, 3, -1
    addi 4, 4, -1
0:  lbzu 6, 1(3)
    lbzu 7, 1(4)
    subf. 8, 7, 6
    bne 2f
    bdnz 0b
1:  li 8, 0
2:  mr 3, 8
    blr
    .size memcmp, . - memcmp

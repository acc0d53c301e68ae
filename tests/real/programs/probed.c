/* Two vector instructions in a loop, each of which gets a uprobe. The kernel can't emulate them, so it carries each out in its
   out-of-line slot, which it rewrites in place without icbi (Linux' flush_dcache_page does nothing where CPU_FTR_COHERENT_ICACHE is
   set, as it is for POWER9). With an argument: the offsets of the instructions in the file, to put probes on. Link it at 0x10000000. */
#include <stdio.h>

#define BASE 0x10000000

extern char second[], third[];

int main(int argc, char **argv)
{
	unsigned long a, b;

	(void)argv;
	if (argc > 1) {
		printf("0x%lx 0x%lx\n", (long)second - BASE, (long)third - BASE);
		return 0;
	}
	__asm__ volatile("vspltisw 2,0; vspltisw 3,0; vspltisw 4,1; li 0,10; mtctr 0\n"
			 "1:\n"
			 ".globl second\nsecond: vadduwm 2,2,4\n"
			 ".globl third\nthird: vadduwm 3,3,4\n"
			 "bdnz 1b; mfvsrd %0,34; mfvsrd %1,35"
			 : "=r"(a), "=r"(b) : : "v2", "v3", "v4", "r0", "ctr");
	printf("%lx %lx\n", a, b);
	return 0;
}

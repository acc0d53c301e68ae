/* SPRs 808 to 811: mtspr and mfspr are no-operations in every state (Power ISA 3.0B Book III, mtspr and mfspr); 783 is undefined, and
   neither reads as zero nor keeps what is written: an illegal instruction. */
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>

static sigjmp_buf back;

static void handler(int number)
{
	siglongjmp(back, number);
}

#define TRY(spr) \
	do { \
		volatile unsigned long seen = 0; \
		int number = sigsetjmp(back, 1); \
		if (!number) { \
			unsigned long value = 0x1234; \
			__asm__ volatile("mfspr %0," #spr : "+r"(value)); \
			seen = value; \
		} \
		printf("mfspr " #spr " signal %d value %lx\n", number, seen); \
		number = sigsetjmp(back, 1); \
		if (!number) \
			__asm__ volatile("mtspr " #spr ",%0" : : "r"(1L)); \
		printf("mtspr " #spr " signal %d\n", number); \
	} while (0)

int main(void)
{
	signal(SIGILL, handler);
	TRY(808);
	TRY(809);
	TRY(810);
	TRY(811);
	TRY(783);
	return 0;
}

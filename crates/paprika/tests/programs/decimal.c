/*
 * Decimal floating point as compilers use it: sums, differences, products, quotients and conversions of _Decimal32, _Decimal64 and
 * _Decimal128, in all eight rounding modes. Prints a line per operation and operands, with the bits of the result and what FPSCR tells
 * of it; the last line says whether the kernel announces decimal floating point.
 */
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

/* OX, UX, ZX, XX and all of the invalid operations. */
#define EXCEPTIONS 0x1ff80700ul

static uint64_t status(void)
{
	union { double value; uint64_t bits; } fpscr;
	fpscr.value = __builtin_mffs();
	return fpscr.bits;
}

static void set_status(uint64_t bits)
{
	union { double value; uint64_t bits; } fpscr = { .bits = bits };
	/* All fields, DRN among them. */
	__asm__ volatile("mtfsf 255,%0,1,0" : : "d"(fpscr.value));
}

static void show(const char *name, int mode, const void *value, size_t size, uint64_t after)
{
	uint64_t words[2] = { 0, 0 };
	memcpy(words, value, size);
	printf("%s %d %016lx%016lx %lx\n", name, mode, (unsigned long)words[1], (unsigned long)words[0],
		(unsigned long)(after & EXCEPTIONS));
}

/* Operands and result are volatile, so that the operation stays between setting FPSCR and reading it. */
#define RUN(name, type, expression) do { \
	set_status((uint64_t)mode << 32); \
	volatile type result = (expression); \
	uint64_t after = status(); \
	type copy = result; \
	show(name, mode, &copy, sizeof(copy), after); \
} while (0)

static volatile const _Decimal64 longs[] = {
	0.DD, 1.DD, -1.10DD, 3.DD, 7.E-5DD, 1.5DD, -2.5DD, 0.5DD, 9.999999999999999E384DD, 1.E-398DD,
	1234567890123456.DD, -99999999999999.99DD, 9223372036854775807.DD, 4.9E19DD, 12345678.5DD,
};
static volatile const _Decimal128 extendeds[] = {
	0.DL, 1.DL, -1.10DL, 3.DL, 2.5DL, 9.999999999999999999999999999999999E6144DL, 1.E-6176DL,
	1234567890123456789012345678901234.DL, -0.00000000000000000000001DL, 9223372036854775807.5DL, 1.E400DL,
};
static volatile const long long integers[] = { 0, 1, -1, 99, 1234567890123456789, -9223372036854775807ll - 1 };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int main(void)
{
	for (int mode = 0; mode < 8; mode++) {
		for (size_t i = 0; i < COUNT(longs); i++) {
			volatile _Decimal64 a = longs[i];
			RUN("to-extended", _Decimal128, a);
			RUN("to-short", _Decimal32, a);
			RUN("to-integer", long long, a);
			RUN("to-double", double, a);
			for (size_t j = 0; j < COUNT(longs); j++) {
				volatile _Decimal64 b = longs[j];
				RUN("add", _Decimal64, a + b);
				RUN("sub", _Decimal64, a - b);
				RUN("mul", _Decimal64, a * b);
				RUN("div", _Decimal64, a / b);
				RUN("less", int, a < b);
			}
		}
		for (size_t i = 0; i < COUNT(extendeds); i++) {
			volatile _Decimal128 a = extendeds[i];
			RUN("extended-to-integer", long long, a);
			RUN("extended-to-double", double, a);
			for (size_t j = 0; j < COUNT(extendeds); j++) {
				volatile _Decimal128 b = extendeds[j];
				RUN("addq", _Decimal128, a + b);
				RUN("subq", _Decimal128, a - b);
				RUN("mulq", _Decimal128, a * b);
				RUN("divq", _Decimal128, a / b);
				RUN("equal", int, a == b);
			}
		}
		for (size_t i = 0; i < COUNT(integers); i++) {
			RUN("from-integer", _Decimal64, integers[i]);
			RUN("from-integer-q", _Decimal128, integers[i]);
		}
	}
	set_status(0);
	printf("hwcap %d\n", (getauxval(AT_HWCAP) & 0x400) != 0);
	return 0;
}

/* _Decimal32, _Decimal64 and _Decimal128, by their bits: C has no printf for them here. Roundings to _Decimal32 of values that it does
   not hold are in decimal_rounding.c: QEMU 7.2 gives a zero for them. So are those of _Decimal128 to _Decimal64, for which its
   drdpq writes the wrong register of the pair. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SHOW(name, value) \
	do { \
		__typeof__(value) shown_ = (value); \
		unsigned char bytes_[sizeof shown_]; \
		memcpy(bytes_, &shown_, sizeof shown_); \
		printf("%-12s ", name); \
		for (int k_ = sizeof shown_ - 1; k_ >= 0; k_--) \
			printf("%02x", bytes_[k_]); \
		puts(""); \
	} while (0)

#define TRY(type, suffix) \
	do { \
		static const type values[] = { 1.##suffix, -3.25##suffix, 1.10##suffix, 9999999.##suffix, 1e20##suffix, 7e-30##suffix, 0.##suffix, 2.5##suffix }; \
		const int n = sizeof values / sizeof *values; \
		for (int i = 0; i < n; i++) \
			for (int j = 0; j < n; j++) { \
				volatile type a = values[i], b = values[j]; \
				SHOW(#type " add", (type)(a + b)); \
				SHOW(#type " sub", (type)(a - b)); \
				SHOW(#type " mul", (type)(a * b)); \
				SHOW(#type " div", (type)(a / b)); \
				printf("compare %d %d %d\n", a < b, a == b, a > b); \
			} \
		for (int i = 0; i < n; i++) { \
			volatile type a = values[i]; \
			if (sizeof(type) < sizeof(_Decimal128)) \
				SHOW("to 64", (_Decimal64)a); \
			SHOW("to 128", (_Decimal128)a); \
			SHOW("to double", (double)a); \
			if (a < 1e15##suffix && a > -1e15##suffix) \
				printf("to long %ld\n", (long)a); \
		} \
		volatile long whole = -123456789; \
		volatile unsigned word = 4000000000u; \
		if (sizeof(type) > sizeof(_Decimal32)) { \
			SHOW("from long", (type)whole); \
			SHOW("from word", (type)word); \
		} \
	} while (0)

int main(void)
{
	TRY(_Decimal32, DF);
	TRY(_Decimal64, DD);
	TRY(_Decimal128, DL);
	return 0;
}

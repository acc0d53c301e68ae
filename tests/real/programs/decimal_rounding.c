/* Roundings to decimal formats (drsp, drdpq, dcffix, libgcc's conversions), compared with what the compiler has rounded itself. */
#include <stdio.h>
#include <string.h>

static int wrong;

#define CHECK(type, from, right) \
	do { \
		volatile __typeof__(from) given = (from); \
		type made = (type)given, known = (right); \
		if (memcmp(&made, &known, sizeof made)) { \
			printf("(" #type ")" #from " is not " #right "\n"); \
			wrong = 1; \
		} \
	} while (0)

int main(void)
{
	CHECK(_Decimal32, -12345678901234567L, -1.234568E+16DF);
	CHECK(_Decimal32, 4000000000u, 4000000E+3DF);
	CHECK(_Decimal32, 12345675L, 1234568E+1DF);
	CHECK(_Decimal32, 12345685L, 1234568E+1DF);
	CHECK(_Decimal32, 1234567.4999999DD, 1234567.DF);
	CHECK(_Decimal32, 99999995.DD, 1.000000E+8DF);
	CHECK(_Decimal32, 1.234567890123456E-20DD, 1.234568E-20DF);
	CHECK(_Decimal32, 1.234567890123456789012345678901234E+50DL, 1.234568E+50DF);
	CHECK(_Decimal32, -3.25DL, -3.25DF);
	CHECK(_Decimal64, -12345678901234567L, -1234567890123457E+1DD);
	CHECK(_Decimal64, 1.234567890123456789012345678901234E+50DL, 1.234567890123457E+50DD);
	CHECK(_Decimal64, 9999999999999999.5DL, 1.000000000000000E+16DD);
	CHECK(_Decimal64, 3.25DF, 3.25DD);
	CHECK(_Decimal128, -12345678901234567L, -12345678901234567.DL);
	CHECK(_Decimal128, 1.10DD, 1.10DL);
	puts(wrong ? "wrong" : "right");
	return wrong;
}

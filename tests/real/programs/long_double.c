/* long double, in whichever format it is compiled for, by what it prints and by its bytes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void show(const char *what, long double x)
{
	unsigned char bytes[sizeof x];

	memcpy(bytes, &x, sizeof x);
	printf("%-8s %.30Lg ", what, x);
	for (size_t i = 0; i < sizeof x; i++)
		printf("%02x", bytes[i]);
	puts("");
}

int main(void)
{
	static const char *const values[] = {
		"1", "-3.25", "1e100", "1.1", "7e-50", "123456789012345678901234567890", "0x1.8p-1000", "2.5"
	};
	const int n = sizeof values / sizeof *values;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++) {
			volatile long double a = strtold(values[i], 0), b = strtold(values[j], 0);
			show("add", a + b);
			show("sub", a - b);
			show("mul", a * b);
			show("div", a / b);
			printf("compare %d %d %d\n", a < b, a == b, a > b);
		}
	for (int i = 0; i < n; i++) {
		volatile long double a = strtold(values[i], 0);
		show("sqrt", sqrtl(fabsl(a)));
		show("floor", floorl(a));
		show("exp", expl(a / (1 + fabsl(a))));
		show("sin", sinl(a / (1 + fabsl(a))));
		printf("double %a float %a\n", (double)a, (double)(float)a);
		if (fabsl(a) < 1e18L)
			printf("long %ld unsigned %lu\n", (long)a, (unsigned long)fabsl(a));
	}
	show("long", (long double)-1234567890123456789L);
	show("unsigned", (long double)0xffffffffffffffffUL);
	return 0;
}

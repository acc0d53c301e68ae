/* Integer, floating-point and vectorisable arithmetic whose results are determined whatever the compiler makes of it (-ffp-contract=off:
   no fused operations of its choice). Each line is a digest of one kind. */
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define N 4096

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h ^= v;
	h *= 0xff51afd7ed558ccdu;
	return h ^ (h >> 32);
}

static uint64_t bits(double d)
{
	uint64_t b;

	if (d != d)
		return 0x7ff8000000000000u;
	memcpy(&b, &d, 8);
	return b;
}

static double any_double(void)
{
	/* Mostly near 1, sometimes of any size. */
	uint64_t r = next();

	if (r & 7)
		r = (r & 0x800fffffffffffffu) | ((1000 + (r >> 52) % 50) << 52);
	double d;
	memcpy(&d, &r, 8);
	return d == d ? d : 1.5;
}

#define INTEGERS(type, name) \
	static uint64_t integers_##name(void) \
	{ \
		static type a[N], b[N], c[N]; \
		uint64_t h = 1; \
		for (int i = 0; i < N; i++) { a[i] = (type)next(); b[i] = (type)(next() | 1); } \
		for (int i = 0; i < N; i++) c[i] = (type)(a[i] * b[i] + (a[i] ^ b[N - 1 - i])); \
		for (int i = 0; i < N; i++) c[i] = (type)(c[i] > a[i] ? c[i] - b[i] : c[i] + b[i]); \
		for (int i = 0; i < N; i++) c[i] = (type)(c[i] + (type)(c[i] >> (i & 7)) + (type)(a[i] / b[i]) + (type)(a[i] % b[i])); \
		for (int i = 0; i < N; i++) h = mix(h, (uint64_t)c[i]); \
		return h; \
	}

INTEGERS(uint8_t, u8)
INTEGERS(uint16_t, u16)
INTEGERS(uint32_t, u32)
INTEGERS(uint64_t, u64)

static uint64_t wide(void)
{
	uint64_t h = 1;

	for (int i = 0; i < N; i++) {
		unsigned __int128 a = ((unsigned __int128)next() << 64) | next();
		unsigned __int128 b = ((unsigned __int128)(next() >> (i & 63)) << 64) | next();
		unsigned __int128 c = a * b, d = a / (b | 1), e = a % (b | 1);
		h = mix(h, (uint64_t)(c >> 64)); h = mix(h, (uint64_t)c);
		h = mix(h, (uint64_t)(d >> 64)); h = mix(h, (uint64_t)d);
		h = mix(h, (uint64_t)(e >> 64)); h = mix(h, (uint64_t)e);
		h = mix(h, __builtin_popcountll(next()) + __builtin_clzll(next() | 1) + __builtin_ctzll(next() | 8));
		h = mix(h, __builtin_bswap64(next()));
	}
	return h;
}

static uint64_t doubles(int rounding)
{
	static double a[N], b[N], c[N];
	uint64_t h = 1;

	fesetround(rounding);
	for (int i = 0; i < N; i++) { a[i] = any_double(); b[i] = any_double(); }
	for (int i = 0; i < N; i++) c[i] = a[i] * b[i] + a[N - 1 - i] / b[i];
	for (int i = 0; i < N; i++) c[i] += sqrt(fabs(a[i])) + fma(a[i], b[i], c[i]);
	for (int i = 0; i < N; i++) { h = mix(h, bits(c[i])); h = mix(h, bits(rint(c[i]))); h = mix(h, bits(floor(a[i]) + trunc(b[i]))); }
	for (int i = 0; i < N; i++) { h = mix(h, (uint64_t)(float)a[i] == 7); h = mix(h, bits((double)(float)c[i])); }
	fesetround(FE_TONEAREST);
	return h;
}

static uint64_t floats(void)
{
	static float a[N], b[N], c[N];
	uint64_t h = 1;

	for (int i = 0; i < N; i++) { a[i] = (float)any_double(); b[i] = (float)any_double(); }
	for (int i = 0; i < N; i++) c[i] = a[i] * b[i] - a[i] / b[i] + sqrtf(fabsf(b[i]));
	for (int i = 0; i < N; i++) h = mix(h, bits((double)c[i]));
	return h;
}

static uint64_t conversions(void)
{
	uint64_t h = 1;

	for (int i = 0; i < N; i++) {
		uint64_t u = next() >> (i & 63);
		int64_t s = (int64_t)next() >> (i & 63);
		h = mix(h, bits((double)u)); h = mix(h, bits((double)s));
		h = mix(h, bits((double)(float)u)); h = mix(h, bits((double)(float)s));
		h = mix(h, bits((double)(uint32_t)u)); h = mix(h, bits((double)(int32_t)s));
		double d = (double)(s >> 12) / 1024;
		h = mix(h, (uint64_t)(int64_t)d);
		h = mix(h, (uint64_t)(int32_t)(s >> 33));
	}
	return h;
}

int main(void)
{
	printf("u8 %016lx\n", integers_u8());
	printf("u16 %016lx\n", integers_u16());
	printf("u32 %016lx\n", integers_u32());
	printf("u64 %016lx\n", integers_u64());
	printf("wide %016lx\n", wide());
	printf("nearest %016lx\n", doubles(FE_TONEAREST));
	printf("down %016lx\n", doubles(FE_DOWNWARD));
	printf("up %016lx\n", doubles(FE_UPWARD));
	printf("zero %016lx\n", doubles(FE_TOWARDZERO));
	printf("float %016lx\n", floats());
	printf("conversions %016lx\n", conversions());
	return 0;
}

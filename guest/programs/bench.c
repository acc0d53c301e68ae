/*
 * bench NAME [SECONDS [THREADS]]: small programs whose rates compare two machines.
 *
 *   sieve     primes below 65536, passes/s      saxpy     y += a x, single precision, Mflop/s
 *   crc       table-driven CRC-32, MB/s         chase     dependent loads over 1 MiB, Mload/s
 *   memcpy    1 MiB copies, MB/s                getppid   system calls/s
 *   matmul    96 x 96 double, Mflop/s           forkexit  fork + exit + wait, 1/s
 *   parallel  sieve on THREADS threads,         pipe      byte to another process and back, 1/s
 *             passes/s of all together
 *   insns     instructions that one sieve pass executes (the rate of sieve times this is the guest's MIPS)
 *   all       every one above
 *
 * Each prints a line `bench NAME RATE UNIT`. A run goes on until SECONDS (default 2) are over, so its length is the same on a slow
 * and on a fast machine; the clock is looked at once per pass. A pass checks its own result: a wrong one prints
 * `bench NAME wrong ...` and the exit status is 1.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds = 2;
static unsigned threads = 2;

static double now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int report(const char *name, double units, double took, const char *unit)
{
	printf("bench %s %.3f %s\n", name, units / took, unit);
	fflush(stdout);
	return 0;
}

static int wrong(const char *name, const char *what)
{
	printf("bench %s wrong %s\n", name, what);
	return 1;
}

/* ---- sieve ------------------------------------------------------------------------------------------------------------------- */

enum { SIEVE_SIZE = 65536, SIEVE_LIMIT = 255 /* the last i with i * i < SIEVE_SIZE */, SIEVE_PRIMES = 6542 };

/*
 * One pass over flags[0 .. SIEVE_SIZE). In assembler, so that its instruction count is a fact and not a compiler's mood:
 *   2 + 3 per 8 flags set + 2 + 6 per candidate i + 5 per prime i + 3 per flag cleared.
 */
static void sieve_pass(unsigned char *flags)
{
	uint64_t ones = 0x0101010101010101, at, i, step, count;
	__asm__ volatile(
		"	mtctr	%[eighths]\n"
		"	mr	%[at], %[flags]\n"
		"1:	std	%[ones], 0(%[at])\n"
		"	addi	%[at], %[at], 8\n"
		"	bdnz	1b\n"
		"	li	%[i], 2\n"
		"	li	%[step], 0\n"
		"2:	lbzx	%[at], %[flags], %[i]\n"
		"	cmpwi	%[at], 0\n"
		"	beq	4f\n"
		"	mulld	%[at], %[i], %[i]\n"
		"	subf	%[count], %[at], %[last]\n"
		"	divdu	%[count], %[count], %[i]\n"
		"	addi	%[count], %[count], 1\n"
		"	mtctr	%[count]\n"
		"3:	stbx	%[step], %[flags], %[at]\n"
		"	add	%[at], %[at], %[i]\n"
		"	bdnz	3b\n"
		"4:	addi	%[i], %[i], 1\n"
		"	cmpd	%[i], %[limit]\n"
		"	ble	2b\n"
		: [at] "=&b"(at), [i] "=&b"(i), [step] "=&r"(step), [count] "=&r"(count)
		: [flags] "b"(flags), [ones] "r"(ones), [eighths] "r"((uint64_t)SIEVE_SIZE / 8), [last] "r"((uint64_t)SIEVE_SIZE - 1),
		  [limit] "r"((uint64_t)SIEVE_LIMIT)
		: "ctr", "cr0", "memory");
}

static unsigned primes_in(const unsigned char *flags)
{
	unsigned primes = 0;
	for (unsigned i = 2; i < SIEVE_SIZE; i++)
		primes += flags[i];
	return primes;
}

/* The count by the formula above, from the same sieve in C. */
static uint64_t sieve_instructions(void)
{
	static unsigned char cleared[SIEVE_SIZE];
	uint64_t primes = 0, marks = 0;
	for (uint64_t i = 2; i <= SIEVE_LIMIT; i++) {
		if (cleared[i])
			continue;
		primes++;
		for (uint64_t j = i * i; j < SIEVE_SIZE; j += i, marks++)
			cleared[j] = 1;
	}
	return 2 + 3 * (SIEVE_SIZE / 8) + 2 + 6 * (SIEVE_LIMIT - 1) + 5 * primes + 3 * marks;
}

static uint64_t sieve_until(double end)
{
	unsigned char *flags = aligned_alloc(128, SIEVE_SIZE);
	uint64_t passes = 0;
	if (!flags)
		return 0;
	do {
		sieve_pass(flags);
		passes++;
	} while (now() < end);
	if (primes_in(flags) != SIEVE_PRIMES)
		passes = 0;
	free(flags);
	return passes;
}

static int sieve(void)
{
	double began = now();
	uint64_t passes = sieve_until(began + seconds);
	return passes ? report("sieve", (double)passes, now() - began, "passes/s") : wrong("sieve", "number of primes");
}

static int insns(void)
{
	printf("bench insns %llu instructions/pass\n", (unsigned long long)sieve_instructions());
	return 0;
}

struct share {
	pthread_t thread;
	double end;
	uint64_t passes;
};

static void *sieve_thread(void *arg)
{
	struct share *share = arg;
	share->passes = sieve_until(share->end);
	return NULL;
}

static int parallel(void)
{
	struct share *shares = calloc(threads, sizeof *shares);
	double began = now();
	uint64_t passes = 0;
	if (!shares)
		return wrong("parallel", "memory");
	for (unsigned i = 0; i < threads; i++) {
		shares[i].end = began + seconds;
		if (pthread_create(&shares[i].thread, NULL, sieve_thread, &shares[i]) != 0)
			return wrong("parallel", "thread");
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(shares[i].thread, NULL);
		if (!shares[i].passes)
			return wrong("parallel", "number of primes");
		passes += shares[i].passes;
	}
	free(shares);
	return report("parallel", (double)passes, now() - began, "passes/s");
}

/* ---- memory and arithmetic --------------------------------------------------------------------------------------------------- */

static int crc(void)
{
	enum { BYTES = 65536 };
	static uint32_t table[256];
	static unsigned char data[BYTES];
	uint32_t sum = 0, first = 0;
	uint64_t passes = 0;

	for (uint32_t i = 0; i < 256; i++) {
		uint32_t c = i;
		for (int bit = 0; bit < 8; bit++)
			c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
		table[i] = c;
	}
	for (int i = 0; i < BYTES; i++)
		data[i] = (unsigned char)(i * 167 >> 3);
	memcpy(data, "123456789", 9);
	double began = now(), end = began + seconds;
	do {
		sum = ~0u;
		for (int i = 0; i < BYTES; i++) {
			sum = table[(sum ^ data[i]) & 0xff] ^ sum >> 8;
			if (i == 8)
				first = ~sum;
		}
		passes++;
		__asm__ volatile("" : : "r"(sum) : "memory");
	} while (now() < end);
	/* The check value of CRC-32: that of the nine digits. */
	if (first != 0xcbf43926u)
		return wrong("crc", "check value");
	return report("crc", (double)passes * BYTES / 1e6, now() - began, "MB/s");
}

static int copy(void)
{
	enum { BYTES = 1 << 20 };
	unsigned char *from = aligned_alloc(4096, BYTES), *to = aligned_alloc(4096, BYTES);
	uint64_t passes = 0;

	if (!from || !to)
		return wrong("memcpy", "memory");
	for (int i = 0; i < BYTES; i++)
		from[i] = (unsigned char)(i * 31 >> 2);
	memset(to, 0, BYTES);
	double began = now(), end = began + seconds;
	do {
		memcpy(to, from, BYTES);
		__asm__ volatile("" : : "r"(to) : "memory");
		passes++;
	} while (now() < end);
	double took = now() - began;
	if (memcmp(from, to, BYTES) != 0)
		return wrong("memcpy", "copy");
	free(from);
	free(to);
	return report("memcpy", (double)passes * BYTES / 1e6, took, "MB/s");
}

static int matmul(void)
{
	enum { N = 96 };
	static double a[N][N], b[N][N], c[N][N];
	uint64_t passes = 0;

	/* a is a diagonal of 2: the product has to be 2 b, exactly. */
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++) {
			a[i][j] = i == j ? 2 : 0;
			b[i][j] = i * 0.5 + j;
		}
	double began = now(), end = began + seconds;
	do {
		for (int i = 0; i < N; i++)
			for (int j = 0; j < N; j++) {
				double sum = 0;
				for (int k = 0; k < N; k++)
					sum += a[i][k] * b[k][j];
				c[i][j] = sum;
			}
		__asm__ volatile("" : : "r"(c) : "memory");
		passes++;
	} while (now() < end);
	double took = now() - began;
	for (int i = 0; i < N; i++)
		for (int j = 0; j < N; j++)
			if (c[i][j] != 2 * b[i][j])
				return wrong("matmul", "product");
	return report("matmul", (double)passes * 2 * N * N * N / 1e6, took, "Mflop/s");
}

static int saxpy(void)
{
	enum { N = 16384 };
	static float x[N], y[N];
	uint64_t passes = 0;

	for (int i = 0; i < N; i++) {
		x[i] = (float)(i % 7);
		y[i] = 0;
	}
	double began = now(), end = began + seconds;
	do {
		/* Forth and back, so that y stays bounded, exact, and known at the end. */
		float factor = passes & 1 ? -0.5f : 0.5f;
		for (int i = 0; i < N; i++)
			y[i] += factor * x[i];
		__asm__ volatile("" : : "r"(y) : "memory");
		passes++;
	} while (now() < end);
	double took = now() - began;
	for (int i = 0; i < N; i++)
		if (y[i] != (passes & 1 ? 0.5f * x[i] : 0))
			return wrong("saxpy", "sum");
	return report("saxpy", (double)passes * 2 * N / 1e6, took, "Mflop/s");
}

static int chase(void)
{
	/* 8192 nodes, 128 bytes apart: every load is another cache line. One cycle through all (Sattolo's shuffle, fixed seed). */
	enum { NODES = 8192, STRIDE = 128 / sizeof(void *), LOADS = 8 * NODES };
	void **nodes = aligned_alloc(128, NODES * 128);
	static unsigned order[NODES];
	uint64_t passes = 0, seed = 88172645463325252;

	if (!nodes)
		return wrong("chase", "memory");
	for (unsigned i = 0; i < NODES; i++)
		order[i] = i;
	for (unsigned i = NODES - 1; i > 0; i--) {
		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		unsigned j = (unsigned)(seed % i), swap = order[i];
		order[i] = order[j];
		order[j] = swap;
	}
	for (unsigned i = 0; i < NODES; i++)
		nodes[i * STRIDE] = &nodes[order[i] * STRIDE];
	void **at = nodes;
	double began = now(), end = began + seconds;
	do {
		for (unsigned i = 0; i < LOADS; i++)
			at = *at;
		__asm__ volatile("" : "+r"(at) : : "memory");
		passes++;
	} while (now() < end);
	double took = now() - began;
	/* A whole number of rounds ends where it began. */
	if (at != nodes)
		return wrong("chase", "end");
	free(nodes);
	return report("chase", (double)passes * LOADS / 1e6, took, "Mload/s");
}

/* ---- the kernel's part ------------------------------------------------------------------------------------------------------- */

static int getppid_loop(void)
{
	uint64_t calls = 0;
	long parent = getppid();
	double began = now(), end = began + seconds;
	do {
		for (int i = 0; i < 100; i++)
			if (syscall(SYS_getppid) != parent)
				return wrong("getppid", "parent");
		calls += 100;
	} while (now() < end);
	return report("getppid", (double)calls, now() - began, "calls/s");
}

static int forkexit(void)
{
	uint64_t forks = 0;
	double began = now(), end = began + seconds;
	do {
		int status;
		pid_t child = fork();
		if (child == 0)
			_exit(7);
		if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
			return wrong("forkexit", "child");
		forks++;
	} while (now() < end);
	return report("forkexit", (double)forks, now() - began, "forks/s");
}

static int ping_pong(void)
{
	int there[2], back[2], status;
	uint64_t trips = 0;
	unsigned char byte;

	if (pipe(there) != 0 || pipe(back) != 0)
		return wrong("pipe", "pipe");
	pid_t child = fork();
	if (child < 0)
		return wrong("pipe", "fork");
	if (child == 0) {
		close(there[1]);
		while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1)
			;
		_exit(0);
	}
	close(there[0]);
	double began = now(), end = began + seconds;
	do {
		unsigned char sent = (unsigned char)trips;
		if (write(there[1], &sent, 1) != 1 || read(back[0], &byte, 1) != 1 || byte != sent)
			return wrong("pipe", "byte");
		trips++;
	} while (now() < end);
	double took = now() - began;
	close(there[1]);
	waitpid(child, &status, 0);
	return report("pipe", (double)trips, took, "trips/s");
}

/* ------------------------------------------------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	int (*run)(void);
} programs[] = {
	{ "insns", insns },   { "sieve", sieve },	  { "crc", crc },	    { "memcpy", copy },	     { "matmul", matmul },
	{ "saxpy", saxpy },   { "chase", chase },	  { "getppid", getppid_loop }, { "forkexit", forkexit }, { "pipe", ping_pong },
	{ "parallel", parallel },
};

int main(int argc, char **argv)
{
	int found = 0, status = 0;

	if (argc > 2)
		seconds = strtod(argv[2], NULL);
	if (argc > 3)
		threads = (unsigned)strtoul(argv[3], NULL, 0);
	if (argc >= 2 && argc <= 4 && seconds > 0 && threads >= 1 && threads <= 1024)
		for (unsigned i = 0; i < sizeof programs / sizeof *programs; i++)
			if (strcmp(argv[1], programs[i].name) == 0 || strcmp(argv[1], "all") == 0) {
				found = 1;
				status |= programs[i].run();
			}
	if (!found) {
		fprintf(stderr, "usage: bench NAME [SECONDS [THREADS]]; NAME is all");
		for (unsigned i = 0; i < sizeof programs / sizeof *programs; i++)
			fprintf(stderr, ", %s", programs[i].name);
		fprintf(stderr, "\n");
		return 64;
	}
	return status;
}

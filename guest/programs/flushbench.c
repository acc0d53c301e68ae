/*
 * flushbench [-w WRITERS] [-t SECONDS] [-d] [-D] TARGET: how many flushes a second does TARGET give?
 *
 * TARGET is a block device, or a file (created, and grown to one slot per writer); the slots are written over before the clock
 * starts. Each writer is a thread that owns a 1 MiB slot and repeats: pwrite 4 KiB, fsync (fdatasync with -d), until the time is
 * over. With -D the writes go past the page cache (O_DIRECT): on a block device Linux else writes back a whole block of that
 * cache, up to 64 KiB, for every 4 KiB.
 *
 * Prints one line:
 *   flushbench target=T writers=N seconds=S flushes=K rate=R p50_us=A p99_us=B max_us=C errors=E
 * Latencies are those of pwrite + fsync together, from a histogram with buckets 1.6 % wide.
 * Exit status: 0, 1 where an error made a measurement impossible or any flush failed, 64 usage.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BLOCK = 4096, SLOT = 1 << 20, MAX_WRITERS = 256, SUB_BITS = 6, BUCKETS = 64 << SUB_BITS };

struct writer {
	pthread_t thread;
	unsigned index;
	uint64_t flushes, errors, max_ns;
	uint32_t histogram[BUCKETS];
};

static const char *target;
static int use_fdatasync, open_flags = O_RDWR;
static double seconds = 5;
static pthread_barrier_t start_line;
static struct writer *writers;

static uint64_t now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

/* Log-linear buckets: exact below 2^SUB_BITS, then 2^SUB_BITS buckets for each power of two. */
static unsigned bucket_of(uint64_t ns)
{
	if (ns < (1u << SUB_BITS))
		return ns;
	unsigned shift = 63 - __builtin_clzll(ns) - SUB_BITS;
	return ((shift + 1) << SUB_BITS) + (unsigned)((ns >> shift) - (1u << SUB_BITS));
}

static double bucket_middle_ns(unsigned bucket)
{
	if (bucket < (1u << SUB_BITS))
		return bucket;
	unsigned shift = (bucket >> SUB_BITS) - 1;
	uint64_t low = ((uint64_t)(bucket & ((1u << SUB_BITS) - 1)) + (1u << SUB_BITS)) << shift;
	return low + ((uint64_t)1 << shift) / 2.0;
}

static void *write_and_flush(void *arg)
{
	struct writer *w = arg;
	_Alignas(BLOCK) char block[BLOCK];
	int fd = open(target, open_flags);

	if (fd < 0) {
		w->errors++;
		pthread_barrier_wait(&start_line);
		return NULL;
	}
	pthread_barrier_wait(&start_line);
	uint64_t began = now_ns(), before = began, end = began + (uint64_t)(seconds * 1e9);
	for (uint64_t n = 0; before < end; n++) {
		off_t at = (off_t)w->index * SLOT + (off_t)(n % (SLOT / BLOCK)) * BLOCK;
		memset(block, (int)(n + w->index), sizeof block);
		if (pwrite(fd, block, sizeof block, at) != BLOCK || (use_fdatasync ? fdatasync(fd) : fsync(fd)) != 0) {
			w->errors++;
			break;
		}
		uint64_t after = now_ns(), took = after - before;
		w->flushes++;
		w->histogram[bucket_of(took)]++;
		if (took > w->max_ns)
			w->max_ns = took;
		before = after;
	}
	close(fd);
	return NULL;
}

/* Every slot is written before the clock starts: allocation, here or below a virtual device, is not what is measured. */
static int make_room(unsigned count)
{
	static _Alignas(BLOCK) char zeros[SLOT];
	struct stat st;
	int fd = open(target, open_flags | O_CREAT, 0644);
	if (fd < 0 || fstat(fd, &st) != 0)
		return -1;
	if (!S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_END) < (off_t)count * SLOT) {
		errno = ENOSPC;
		return -1;
	}
	for (unsigned i = 0; i < count; i++)
		if (pwrite(fd, zeros, SLOT, (off_t)i * SLOT) != SLOT)
			return -1;
	return fsync(fd) != 0 ? -1 : close(fd);
}

static double percentile_us(const uint64_t *histogram, uint64_t total, double part)
{
	uint64_t wanted = (uint64_t)(part * (double)(total - 1)), seen = 0;
	for (unsigned b = 0; b < BUCKETS; b++) {
		seen += histogram[b];
		if (seen > wanted)
			return bucket_middle_ns(b) / 1000.0;
	}
	return 0;
}

int main(int argc, char **argv)
{
	unsigned count = 1;
	int option;

	while ((option = getopt(argc, argv, "w:t:dD")) != -1) {
		if (option == 'w')
			count = (unsigned)strtoul(optarg, NULL, 0);
		else if (option == 't')
			seconds = strtod(optarg, NULL);
		else if (option == 'd')
			use_fdatasync = 1;
		else if (option == 'D')
			open_flags |= O_DIRECT;
		else
			count = 0;
	}
	if (optind + 1 != argc || count == 0 || count > MAX_WRITERS || !(seconds > 0)) {
		fprintf(stderr, "usage: flushbench [-w WRITERS, 1 to %d] [-t SECONDS] [-d] [-D] TARGET\n", MAX_WRITERS);
		return 64;
	}
	target = argv[optind];
	if (make_room(count) != 0) {
		fprintf(stderr, "flushbench: %s has no room for %u writers: %s\n", target, count, strerror(errno));
		return 1;
	}

	writers = calloc(count, sizeof *writers);
	if (!writers) {
		fprintf(stderr, "flushbench: out of memory\n");
		return 1;
	}
	pthread_barrier_init(&start_line, NULL, count);
	for (unsigned i = 0; i < count; i++) {
		writers[i].index = i;
		if (pthread_create(&writers[i].thread, NULL, write_and_flush, &writers[i]) != 0) {
			fprintf(stderr, "flushbench: can't start writer %u\n", i);
			return 1;
		}
	}
	static uint64_t histogram[BUCKETS];
	uint64_t flushes = 0, errors = 0, max_ns = 0;
	for (unsigned i = 0; i < count; i++) {
		struct writer *w = &writers[i];
		pthread_join(w->thread, NULL);
		flushes += w->flushes;
		errors += w->errors;
		if (w->max_ns > max_ns)
			max_ns = w->max_ns;
		for (unsigned b = 0; b < BUCKETS; b++)
			histogram[b] += w->histogram[b];
	}
	double p50 = flushes ? percentile_us(histogram, flushes, 0.50) : 0;
	double p99 = flushes ? percentile_us(histogram, flushes, 0.99) : 0;
	printf("flushbench target=%s writers=%u seconds=%g flushes=%llu rate=%.1f p50_us=%.1f p99_us=%.1f max_us=%.1f errors=%llu\n",
	       target, count, seconds, (unsigned long long)flushes, (double)flushes / seconds, p50, p99, (double)max_ns / 1000.0,
	       (unsigned long long)errors);
	return errors ? 1 : 0;
}

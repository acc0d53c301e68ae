/*
 * recorder: what was acknowledged must still be there after the power is gone.
 *
 *   recorder write  [-n COUNT] [-s FIRST] [-r RUN] [-m] TARGET
 *   recorder verify [-a ACKNOWLEDGED] [-r RUN] TARGET
 *
 * `write` puts records FIRST (default 1), FIRST + 1, ... into TARGET (a file or a block device), each 4 KiB at (number - 1) * 4 KiB,
 * makes each durable with fsync, and only then prints "ack NUMBER". It ends after COUNT records (default: until the device is full,
 * or for ever on a file). With -m the records are stored through a shared mapping and made durable with msync; a file then has to be
 * large enough already. RUN tells this run's records from those that an earlier one left behind.
 *
 * `verify` reads records 1 to ACKNOWLEDGED and prints
 *   "recorder verified=N lost=L beyond=B"   (beyond: whole records after the last acknowledged one, which is allowed)
 * with a line "lost NUMBER: why" for each of the first ten lost.
 *
 * Exit status: 0, 1 records lost, 2 input/output error (the record that failed is not acknowledged), 64 usage.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RECORD = 4096, WORDS = RECORD / 8 };

/* Word 0 magic, 1 run, 2 number, 3..WORDS-2 noise made from run and number, WORDS-1 checksum of all before it. */
static const uint64_t MAGIC = 0x31414b4952504150; /* "PAPRIKA1" */

static uint64_t run;
static const char *target;

static uint64_t checksum(const uint64_t *record)
{
	uint64_t sum = 0xcbf29ce484222325;
	for (int i = 0; i < WORDS - 1; i++) {
		sum = (sum ^ record[i]) * 0x100000001b3;
		sum ^= sum >> 29;
	}
	return sum;
}

static void fill(uint64_t *record, uint64_t number)
{
	uint64_t noise = (run + 1) * 0x9e3779b97f4a7c15 ^ number;
	record[0] = MAGIC;
	record[1] = run;
	record[2] = number;
	for (int i = 3; i < WORDS - 1; i++) {
		noise ^= noise << 13;
		noise ^= noise >> 7;
		noise ^= noise << 17;
		record[i] = noise;
	}
	record[WORDS - 1] = checksum(record);
}

/* NULL where the record is the whole one with this number, else what is wrong with it. */
static const char *fault_of(const uint64_t *record, uint64_t number)
{
	if (record[0] != MAGIC)
		return "no record there";
	if (record[WORDS - 1] != checksum(record))
		return "torn";
	if (record[1] != run)
		return "left by another run";
	if (record[2] != number)
		return "another record";
	return NULL;
}

static int io_failed(const char *what, uint64_t number)
{
	printf("recorder: %s of record %llu failed: %s\n", what, (unsigned long long)number, strerror(errno));
	return 2;
}

/* Bytes that fit into the target: those of a device, no bound (-1) for a file. */
static int64_t room(int fd)
{
	struct stat st;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return -1;
	return lseek(fd, 0, SEEK_END);
}

static int write_records(int fd, uint64_t first, uint64_t count, int mapped)
{
	int64_t bytes = room(fd);
	char *map = NULL;
	uint64_t number;

	if (mapped) {
		bytes = lseek(fd, 0, SEEK_END);
		map = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED)
			return io_failed("mmap", first);
	}
	for (number = first; number - first < count; number++) {
		uint64_t record[WORDS];
		off_t at = (off_t)(number - 1) * RECORD;
		if (bytes >= 0 && at + RECORD > bytes)
			break;
		fill(record, number);
		if (map) {
			/* msync takes whole pages: round the start down to one. */
			off_t page = at & ~((off_t)sysconf(_SC_PAGESIZE) - 1);
			memcpy(map + at, record, RECORD);
			if (msync(map + page, (size_t)(at - page) + RECORD, MS_SYNC) != 0)
				return io_failed("msync", number);
		} else {
			if (pwrite(fd, record, RECORD, at) != RECORD)
				return io_failed("write", number);
			if (fsync(fd) != 0)
				return io_failed("fsync", number);
		}
		printf("ack %llu\n", (unsigned long long)number);
		fflush(stdout);
	}
	printf("recorder written=%llu\n", (unsigned long long)(number - first));
	return 0;
}

static int verify_records(int fd, uint64_t acknowledged)
{
	uint64_t record[WORDS], verified = 0, lost = 0, beyond = 0;

	for (uint64_t number = 1; number <= acknowledged; number++) {
		const char *fault = "past the end of the file";
		ssize_t got = pread(fd, record, RECORD, (off_t)(number - 1) * RECORD);
		if (got < 0)
			fault = strerror(errno);
		else if (got == RECORD)
			fault = fault_of(record, number);
		if (!fault)
			verified++;
		else if (++lost <= 10)
			printf("lost %llu: %s\n", (unsigned long long)number, fault);
	}
	for (uint64_t number = acknowledged + 1; pread(fd, record, RECORD, (off_t)(number - 1) * RECORD) == RECORD; number++) {
		if (fault_of(record, number))
			break;
		beyond++;
	}
	printf("recorder verified=%llu lost=%llu beyond=%llu\n", (unsigned long long)verified, (unsigned long long)lost,
	       (unsigned long long)beyond);
	return lost ? 1 : 0;
}

static int usage(void)
{
	fprintf(stderr, "usage: recorder write [-n COUNT] [-s FIRST] [-r RUN] [-m] TARGET\n"
			"       recorder verify [-a ACKNOWLEDGED] [-r RUN] TARGET\n");
	return 64;
}

int main(int argc, char **argv)
{
	uint64_t count = UINT64_MAX, first = 1, acknowledged = 0;
	int mapped = 0, option;

	if (argc < 3)
		return usage();
	int verify = strcmp(argv[1], "verify") == 0;
	if (!verify && strcmp(argv[1], "write") != 0)
		return usage();
	argv++, argc--;
	while ((option = getopt(argc, argv, verify ? "a:r:" : "n:s:r:m")) != -1) {
		switch (option) {
		case 'n': count = strtoull(optarg, NULL, 0); break;
		case 's': first = strtoull(optarg, NULL, 0); break;
		case 'r': run = strtoull(optarg, NULL, 0); break;
		case 'a': acknowledged = strtoull(optarg, NULL, 0); break;
		case 'm': mapped = 1; break;
		default: return usage();
		}
	}
	if (optind + 1 != argc || first == 0)
		return usage();
	target = argv[optind];
	int fd = open(target, verify ? O_RDONLY : O_RDWR | O_CREAT, 0644);
	if (fd < 0) {
		fprintf(stderr, "recorder: can't open %s: %s\n", target, strerror(errno));
		return 2;
	}
	return verify ? verify_records(fd, acknowledged) : write_records(fd, first, count, mapped);
}

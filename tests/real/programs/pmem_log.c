/* libpmem: maps a file or a device, writes records with each of its copying functions, persists them, maps again and compares. */
#include <libpmem.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD 1000
#define RECORDS 4000

static void fill(unsigned char *record, uint32_t number, unsigned round)
{
	uint64_t state = number * 2654435761u + round + 1;

	for (int i = 0; i < RECORD; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		record[i] = state >> 24;
	}
}

static unsigned char *map(const char *path, size_t size, size_t *length, int *is_pmem)
{
	/* A device can't be created, and has its own size. */
	int device = !strncmp(path, "/dev/", 5);
	unsigned char *base = pmem_map_file(path, device ? 0 : size, device ? 0 : PMEM_FILE_CREATE, 0644, length, is_pmem);

	if (!base) {
		fprintf(stderr, "%s: %s\n", path, pmem_errormsg());
		exit(1);
	}
	return base;
}

int main(int argc, char **argv)
{
	unsigned char record[RECORD];
	size_t length;
	int is_pmem;

	if (argc != 2)
		return 2;
	for (unsigned round = 0; round < 3; round++) {
		unsigned char *base = map(argv[1], (size_t)RECORD * RECORDS, &length, &is_pmem);
		for (uint32_t i = 0; i < RECORDS; i++) {
			unsigned char *at = base + (size_t)i * RECORD;
			fill(record, i, round);
			if (is_pmem && i % 3 == 0) {
				pmem_memcpy_persist(at, record, RECORD);
			} else if (is_pmem && i % 3 == 1) {
				pmem_memmove_nodrain(at, record, RECORD);
				pmem_drain();
			} else {
				memcpy(at, record, RECORD);
				if (is_pmem)
					pmem_persist(at, RECORD);
				else if (i % 50 == 0 && pmem_msync(base, (size_t)(i + 1) * RECORD))
					return 3;
			}
		}
		if (!is_pmem && pmem_msync(base, length))
			return 3;
		pmem_unmap(base, length);
		base = map(argv[1], (size_t)RECORD * RECORDS, &length, &is_pmem);
		for (uint32_t i = 0; i < RECORDS; i++) {
			fill(record, i, round);
			if (memcmp(base + (size_t)i * RECORD, record, RECORD)) {
				printf("record %u of round %u differs\n", i, round);
				return 4;
			}
		}
		pmem_unmap(base, length);
	}
	printf("pmem %d\n", is_pmem);
	return 0;
}

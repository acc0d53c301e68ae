/*
 * mapsync FILE [SIZE]: does this file allow MAP_SYNC?
 *
 * Creates FILE, gives it SIZE bytes (default 1 MiB), maps it with MAP_SHARED_VALIDATE | MAP_SYNC, stores into every page,
 * calls msync and reads the bytes back through the file. A file has to have its size before the store: a store past the end of a
 * DAX file is a SIGBUS.
 *
 * Prints "mmap: ok" and "msync: ok", or "Failed to mmap with Operation not supported".
 * Exit status: 0 mapped and written, 1 something else failed, 2 MAP_SYNC refused, 64 usage.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int failed(const char *what)
{
	fprintf(stderr, "Failed to %s with %s\n", what, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	static const char mark[] = "written through MAP_SYNC";
	size_t size = 1 << 20;
	const size_t step = 4096;

	if (argc > 2)
		size = strtoull(argv[2], NULL, 0);
	if (argc < 2 || argc > 3 || size < step) {
		fprintf(stderr, "usage: mapsync FILE [SIZE >= 4096]\n");
		return 64;
	}

	int fd = open(argv[1], O_RDWR | O_CREAT, 0644);
	if (fd < 0)
		return failed("open");
	if (ftruncate(fd, size) != 0)
		return failed("set the size");

	char *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);
	if (map == MAP_FAILED) {
		int refused = errno == EOPNOTSUPP;
		printf("Failed to mmap with %s\n", strerror(errno));
		return refused ? 2 : 1;
	}
	printf("mmap: ok\n");

	for (size_t at = 0; at + sizeof mark <= size; at += step)
		memcpy(map + at, mark, sizeof mark);
	if (msync(map, size, MS_SYNC) != 0)
		return failed("msync");
	printf("msync: ok\n");

	for (size_t at = 0; at + sizeof mark <= size; at += step) {
		char back[sizeof mark];
		if (pread(fd, back, sizeof back, at) != (ssize_t)sizeof back || memcmp(back, mark, sizeof mark) != 0) {
			fprintf(stderr, "The file does not hold what was stored at offset %zu\n", at);
			return 1;
		}
	}
	return 0;
}

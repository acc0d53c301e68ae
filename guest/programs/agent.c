/*
 * The guest's side of `paprika debian run`: carries out commands that the host sends over the console.
 *
 * Both directions are frames: the byte 1, a letter, the length of what follows in four hexadecimal digits, and that many bytes
 * (FRAME_MAX at most). Whatever is no frame is skipped: the kernel writes to the console as well.
 *
 *   from the host   A bytes   more of the command: arguments, each with a NUL behind it
 *                   R         run the command, with no input; R i: with input
 *                   I bytes   input that was asked for; E: its end
 *                   K number  send this signal to the command's process group
 *                   Q         power off
 *   to the host     B         ready
 *                   o, e      what the command wrote to standard output, to standard error
 *                   w         input is wanted; the host answers with one I or E
 *                   x number  the command has ended with this status, 128 + N where signal N killed it
 *
 * What comes from the host has no byte that Linux' console driver takes for itself (15 is the SysRq key, a 0 behind a 13 is dropped):
 * 13, 15 and 16 are sent as 16 and the byte with bit 6 inverted.
 *
 * Input is sent only when it is asked for, so that a signal never waits behind input that nobody reads.
 *
 * agent unpack DEVICE LENGTH DIRECTORY and agent pack DEVICE WHAT... (in tar's words) are such commands: they carry a tar archive out of, or into, a
 * block device, past the page cache, because the host reads and writes the device's file meanwhile. pack prints the archive's length.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <linux/fs.h>

enum { FRAME_MAX = 4096, HEADER = 6, COMMAND_MAX = 1 << 20, BLOCK = 1 << 16, ESCAPE = 16, INVERTED = 64 };

static int console;

static void die(const char *what)
{
	fprintf(stderr, "agent: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Writes all of it; 0 where the other end is gone. */
static int write_all(int to, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t done = write(to, bytes, length);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return 0;
		bytes += done;
		length -= (size_t)done;
	}
	return 1;
}

static void send_frame(char kind, const char *bytes, size_t length)
{
	char frame[HEADER + FRAME_MAX + 1];
	snprintf(frame, sizeof frame, "\001%c%04zx", kind, length);
	memcpy(frame + HEADER, bytes, length);
	if (!write_all(console, frame, HEADER + length))
		die("writing to the console");
}

/* The command that is being put together, or runs. */
static struct {
	char *text;
	size_t length;
	pid_t process;  /* 0: none */
	int input, output, error;  /* -1: closed */
	char pending[FRAME_MAX];
	size_t pending_at, pending_end;
	int asked, ended;  /* input was asked for; no more comes */
} command = { .input = -1, .output = -1, .error = -1 };

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void start(int with_input)
{
	int in[2], out[2], err[2];
	size_t count = 0;
	char **arguments, *at = command.text;
	for (size_t i = 0; i < command.length; i++)
		count += command.text[i] == 0;
	arguments = calloc(count + 1, sizeof *arguments);
	if (!arguments)
		die("starting a command");
	for (size_t i = 0; i < count; i++, at += strlen(at) + 1)
		arguments[i] = at;
	if (pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) || pipe2(in, O_CLOEXEC))
		die("making a pipe");
	command.process = fork();
	if (command.process < 0)
		die("starting a process");
	if (command.process == 0) {
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		signal(SIGPIPE, SIG_DFL);
		setsid();
		if (!with_input) {
			int null = open("/dev/null", O_RDONLY);
			dup2(null, 0);
			close(null);
		} else {
			dup2(in[0], 0);
		}
		dup2(out[1], 1);
		dup2(err[1], 2);
		if (count > 0)
			execvp(arguments[0], arguments);
		else
			errno = ENOENT;
		/* As the shell has it: 127 for a command that is not there, 126 for one that can't be run. */
		fprintf(stderr, "%s: %s\n", count ? arguments[0] : "no command", strerror(errno));
		_exit(errno == ENOENT ? 127 : 126);
	}
	free(arguments);
	command.length = 0;
	close(in[0]);
	close(out[1]);
	close(err[1]);
	command.output = out[0];
	command.error = err[0];
	command.input = in[1];
	if (!with_input)
		close_one(&command.input);
	else
		fcntl(command.input, F_SETFL, O_NONBLOCK);
	command.pending_at = command.pending_end = 0;
	command.asked = command.ended = 0;
}

/* Passes on what can be read from `*from`; closes it at its end. Returns whether there was something. */
static int pass_on(int *from, char kind)
{
	char bytes[FRAME_MAX];
	ssize_t got = read(*from, bytes, sizeof bytes);
	if (got > 0)
		send_frame(kind, bytes, (size_t)got);
	else if (got == 0 || (errno != EAGAIN && errno != EINTR))
		close_one(from);
	return got > 0;
}

/* Writes input to the command, and asks for more. */
static void feed(void)
{
	while (command.input >= 0 && command.pending_at < command.pending_end) {
		ssize_t done = write(command.input, command.pending + command.pending_at, command.pending_end - command.pending_at);
		if (done > 0)
			command.pending_at += (size_t)done;
		else if (errno == EAGAIN)
			return;
		else if (errno != EINTR)
			close_one(&command.input);
	}
	if (command.ended)
		close_one(&command.input);
	if (command.input >= 0 && !command.asked) {
		command.asked = 1;
		send_frame('w', "", 0);
	}
}

/* Tells the end of the command, after all that it wrote. What processes that it left behind write later goes nowhere. */
static void reap(void)
{
	int status;
	char text[16];
	pid_t ended;
	while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
		if (ended != command.process)
			continue;
		for (int i = 0; i < 2; i++) {
			int *from = i ? &command.error : &command.output;
			if (*from >= 0)
				fcntl(*from, F_SETFL, O_NONBLOCK);
			while (*from >= 0 && pass_on(from, i ? 'e' : 'o'))
				;
			close_one(from);
		}
		close_one(&command.input);
		command.process = 0;
		snprintf(text, sizeof text, "%d", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
		send_frame('x', text, strlen(text));
	}
}

static void power_off(void)
{
	sync();
	execlp("systemctl", "systemctl", "poweroff", "--force", (char *)NULL);
	die("powering off");
}

static void receive(char kind, char *bytes, size_t length)
{
	switch (kind) {
	case 'A':
		if (command.length + length <= COMMAND_MAX) {
			memcpy(command.text + command.length, bytes, length);
			command.length += length;
		}
		break;
	case 'R':
		if (!command.process)
			start(length > 0);
		feed();
		break;
	case 'I':
		memcpy(command.pending, bytes, length);
		command.pending_at = 0;
		command.pending_end = length;
		command.asked = 0;
		feed();
		break;
	case 'E':
		command.ended = 1;
		feed();
		break;
	case 'K':
		bytes[length] = 0;
		if (command.process)
			kill(-command.process, atoi(bytes));
		break;
	case 'Q':
		power_off();
	}
}

/* Puts back the bytes that were not sent as they are; returns how many there are then. */
static size_t unescape(char *bytes, size_t length)
{
	static int escaped;
	size_t kept = 0;
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] == ESCAPE)
			escaped = 1;
		else {
			bytes[kept++] = escaped ? bytes[i] ^ INVERTED : bytes[i];
			escaped = 0;
		}
	}
	return kept;
}

/* Takes the whole frames out of what was read so far. */
static void take_frames(char *bytes, size_t *length)
{
	size_t at = 0;
	while (at < *length) {
		char digits[5] = { 0 }, *end;
		size_t size;
		if (bytes[at] != 1) {
			at++;
			continue;
		}
		if (*length - at < HEADER)
			break;
		memcpy(digits, bytes + at + 2, 4);
		size = strtoul(digits, &end, 16);
		if (*end || size > FRAME_MAX) {
			at++;
			continue;
		}
		if (*length - at - HEADER < size)
			break;
		char payload[FRAME_MAX + 1];
		memcpy(payload, bytes + at + HEADER, size);
		receive(bytes[at + 1], payload, size);
		at += HEADER + size;
	}
	memmove(bytes, bytes + at, *length - at);
	*length -= at;
}

static void serve(const char *path)
{
	static char bytes[2 * (HEADER + FRAME_MAX)];
	size_t length = 0;
	struct termios raw;
	sigset_t children;
	int signals;

	console = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (console < 0 || tcgetattr(console, &raw))
		die(path);
	cfmakeraw(&raw);
	tcsetattr(console, TCSAFLUSH, &raw);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
	command.text = malloc(COMMAND_MAX);
	if (signals < 0 || !command.text)
		die("starting");
	send_frame('B', "", 0);
	for (;;) {
		int waits = command.input >= 0 && command.pending_at < command.pending_end;
		struct pollfd polled[] = {
			{ .fd = console, .events = POLLIN },
			{ .fd = signals, .events = POLLIN },
			{ .fd = command.output, .events = POLLIN },
			{ .fd = command.error, .events = POLLIN },
			{ .fd = waits ? command.input : -1, .events = POLLOUT },
		};
		if (poll(polled, 5, -1) < 0) {
			if (errno == EINTR)
				continue;
			die("waiting");
		}
		if (polled[2].revents)
			pass_on(&command.output, 'o');
		if (polled[3].revents)
			pass_on(&command.error, 'e');
		if (polled[4].revents)
			feed();
		if (polled[1].revents) {
			struct signalfd_siginfo info;
			while (read(signals, &info, sizeof info) > 0)
				;
			reap();
		}
		if (polled[0].revents) {
			ssize_t got = read(console, bytes + length, sizeof bytes - length);
			if (got < 0 && errno != EINTR && errno != EAGAIN)
				die("reading the console");
			if (got > 0)
				length += unescape(bytes + length, (size_t)got);
			take_frames(bytes, &length);
		}
	}
}

/* Starts tar with one end of a pipe as its input or output; returns the other end. */
static int start_tar(char **arguments, int its_end, pid_t *process)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) || (*process = fork()) < 0)
		die("starting tar");
	if (*process == 0) {
		dup2(ends[its_end], its_end);
		execvp("tar", arguments);
		die("tar");
	}
	close(ends[its_end]);
	return ends[!its_end];
}

static int end_of(pid_t process)
{
	int status;
	while (waitpid(process, &status, 0) < 0)
		if (errno != EINTR)
			die("waiting for tar");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static char *block(void)
{
	void *memory;
	if (posix_memalign(&memory, BLOCK, BLOCK))
		die("memory");
	return memory;
}

static int unpack(const char *device, unsigned long long length, const char *directory)
{
	char *arguments[] = { "tar", "-x", "--no-same-owner", "-C", (char *)directory, NULL }, *bytes = block();
	pid_t tar;
	int from = open(device, O_RDONLY | O_DIRECT | O_CLOEXEC), to;
	if (from < 0)
		die(device);
	signal(SIGPIPE, SIG_IGN);
	to = start_tar(arguments, 0, &tar);
	while (length > 0) {
		ssize_t got = read(from, bytes, BLOCK);
		size_t part = (unsigned long long)got < length ? (size_t)got : (size_t)length;
		if (got <= 0)
			die(device);
		if (!write_all(to, bytes, part))
			break;
		length -= part;
	}
	close(to);
	return end_of(tar);
}

static int pack(const char *device, char **what, int count)
{
	char *fixed[] = { "tar", "-c", "--hard-dereference", "--numeric-owner" };
	char **arguments = calloc((size_t)count + 5, sizeof *arguments), *bytes = block();
	unsigned long long length = 0, room;
	size_t filled = 0;
	pid_t tar;
	int from, to = open(device, O_WRONLY | O_DIRECT | O_CLOEXEC);
	if (to < 0 || ioctl(to, BLKGETSIZE64, &room) || !arguments)
		die(device);
	memcpy(arguments, fixed, sizeof fixed);
	memcpy(arguments + 4, what, (size_t)count * sizeof *what);
	from = start_tar(arguments, 1, &tar);
	for (;;) {
		/* Never full here: a full block was written. */
		ssize_t got = read(from, bytes + filled, BLOCK - filled);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			die("reading from tar");
		filled += (size_t)got;
		length += (size_t)got;
		if (filled < BLOCK && got > 0)
			continue;
		if (filled < BLOCK)
			memset(bytes + filled, 0, BLOCK - filled);
		if (length > room) {
			fprintf(stderr, "agent: the files are larger than the %llu bytes that can be copied at once\n", room);
			kill(tar, SIGKILL);
			return 1;
		}
		if (filled > 0 && !write_all(to, bytes, BLOCK))
			die(device);
		filled = 0;
		if (got == 0)
			break;
	}
	if (fsync(to))
		die(device);
	printf("%llu\n", length);
	return end_of(tar);
}

int main(int count, char **arguments)
{
	if (count == 3 && !strcmp(arguments[1], "serve"))
		serve(arguments[2]);
	if (count == 5 && !strcmp(arguments[1], "unpack"))
		return unpack(arguments[2], strtoull(arguments[3], NULL, 10), arguments[4]);
	if (count >= 4 && !strcmp(arguments[1], "pack"))
		return pack(arguments[2], arguments + 3, count - 3);
	fprintf(stderr, "usage: agent serve CONSOLE | unpack DEVICE LENGTH DIRECTORY | pack DEVICE WHAT...\n");
	return 2;
}

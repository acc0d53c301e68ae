/* PTRACE_SINGLEBLOCK (MSR[BE]): a stop after every branch, taken or not, or to the next instruction. */
#define _GNU_SOURCE
#include <asm/ptrace.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define SINGLEBLOCK 0x100
#define CR0_EQ 0x20000000

/* A branch that is not taken, one to the next instruction, and one over an instruction; then exit(3). */
extern char start[];
__asm__(".text; .balign 16; .globl start\n"
	"start: bne 1f; b 1f\n"
	"1: b 2f; nop\n"
	"2: nop; nop; li 0,1; li 3,3; sc\n");

int main(void)
{
	struct pt_regs regs;
	int status, i;
	pid_t child = fork();

	if (!child) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(child, &status, 0);
	ptrace(PTRACE_GETREGS, child, 0, &regs);
	regs.nip = (long)start;
	regs.ccr |= CR0_EQ;
	regs.trap = 0;
	regs.orig_gpr3 = -1;
	ptrace(PTRACE_SETREGS, child, 0, &regs);
	for (i = 0; i < 8; i++) {
		if (ptrace(SINGLEBLOCK, child, 0, 0))
			return 1;
		waitpid(child, &status, 0);
		if (WIFEXITED(status)) {
			printf("exit %d\n", WEXITSTATUS(status));
			return 0;
		}
		ptrace(PTRACE_GETREGS, child, 0, &regs);
		printf("stop at +%ld\n", (long)regs.nip - (long)start);
	}
	return 1;
}

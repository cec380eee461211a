/* Accesses of memory that may end in a signal, which is then the result. */
#define _GNU_SOURCE
#include "mmfuzz.h"

#include <cpuid.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

static sigjmp_buf out;
static volatile int expecting; /* a fault: else it is the interpreter's own, whose memory a call has changed */
static volatile int signo, code;
static volatile uint64_t at;

static void fault(int s, siginfo_t *i, void *context)
{
	(void)context;
	if (!expecting)
		_exit(97);
	expecting = 0;
	signo = s;
	code = i->si_code;
	at = (uint64_t)i->si_addr;
	siglongjmp(out, 1);
}

void catch_faults(void)
{
	static char stack[32768];
	stack_t ss = {.ss_sp = stack, .ss_size = sizeof stack};
	struct sigaction sa;

	memset(stack, 0, sizeof stack);
	sigaltstack(&ss, NULL);
	memset(&sa, 0, sizeof sa);
	sa.sa_sigaction = fault;
	sa.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
	sigaction(SIGSEGV, &sa, NULL);
	sigaction(SIGBUS, &sa, NULL);
}

/* fault_text says which signal came, why and where. */
void fault_text(void)
{
	put(signo == SIGBUS ? "BUS." : "SEGV.");
	put_hex((uint64_t)code);
	put("@");
	put_result(at);
}

/* open_keys makes protection keys let everything through: where the processor has them, Linux makes memory that may only be executed
 * unreadable with one. */
void open_keys(void)
{
	static int has = -1;
	unsigned a, b, c = 0, d;

	if (has < 0)
		has = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & 1 << 4);
	if (has)
		__asm__ volatile("wrpkru" : : "a"(0), "c"(0), "d"(0));
}

int load(uint64_t addr, uint64_t *value)
{
	if (sigsetjmp(out, 0)) {
		open_keys(); /* a signal closes them */
		return -1;
	}
	expecting = 1;
	*value = *(volatile uint8_t *)addr;
	expecting = 0;
	return 0;
}

int store(uint64_t addr, uint64_t value)
{
	if (sigsetjmp(out, 0)) {
		open_keys(); /* a signal closes them */
		return -1;
	}
	expecting = 1;
	*(volatile uint8_t *)addr = (uint8_t)value;
	expecting = 0;
	return 0;
}

static int sum(uint64_t addr, uint64_t *value)
{
	uint64_t h = 0;

	if (sigsetjmp(out, 0)) {
		open_keys(); /* a signal closes them */
		return -1;
	}
	expecting = 1;
	for (volatile uint64_t *p = (void *)addr; p < (volatile uint64_t *)(addr + PAGE); p++)
		h = (h << 7 | h >> 57) * 5 ^ *p;
	expecting = 0;
	*value = h;
	return 0;
}

/* put_pages says what is in n pages: for each a word that stands for its contents, or how it cannot be read. */
void put_pages(uint64_t addr, uint64_t n)
{
	uint64_t value;

	for (addr &= ~(uint64_t)(PAGE - 1); n--; addr += PAGE) {
		if (sum(addr, &value) == 0)
			put_hex(value);
		else
			put(signo == SIGBUS ? "B" : code == SEGV_MAPERR ? "-" : "x");
		if (n)
			put(" ");
	}
}

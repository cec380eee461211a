#include "go_asm.h"
#include "textflag.h"

// The functions of the vDSO. They never run where they stand: Image copies each,
// up to its END, to the one page of the vDSO, and programs call the copies with
// the calling convention of C: arguments in DI, SI, DX, the result in AX; CX, R8 to
// R11 and the arguments' registers are theirs to use. There is no stack frame. So
// a function may refer to nothing but itself, which moves along, and to the clock:
// that is the page below the one that the function stands in.

// END marks the end of a function for Image; nobody gets there.
#define END UNDEF; UNDEF; UNDEF; UNDEF

// CLOCK(f) makes R8 the clock's address; f is the function that uses it.
#define CLOCK(f) LEAQ f(SB), R8; ANDQ $-4096, R8; SUBQ $4096, R8

// READ puts the monotonic clock into AX and the wall clock's distance from it into
// R10, both in nanoseconds: what monotonic and vdsoClock in arch/amd64 compute.
// RDTSC may run ahead of the loads before it; LFENCE holds it back.
#define READ(again, busy) \
	JMP again \
busy: \
	PAUSE \
again: \
	MOVL Clock_seq(R8), R9 \
	TESTL $1, R9 \
	JNZ busy \
	LFENCE \
	RDTSC \
	SHLQ $32, DX \
	ORQ DX, AX \
	SUBQ Clock_tscBase(R8), AX \
	MULQ Clock_nsPerTSC(R8) \
	SHRQ $32, DX, AX \
	MOVQ Clock_wall(R8), R10 \
	CMPL R9, Clock_seq(R8) \
	JNE busy

// DIVIDE splits the nanoseconds in AX into seconds, AX, and the rest, DX.
#define DIVIDE \
	XORL DX, DX \
	MOVQ $1000000000, CX \
	DIVQ CX

// The clocks that are read here, as sets of bits. The coarse ones are as fine as
// the others, and cost no more.
#define WALL (1<<0 | 1<<5 | 1<<11)             // REALTIME, REALTIME_COARSE, TAI
#define BOOT (1<<1 | 1<<4 | 1<<6 | 1<<7)       // MONOTONIC, MONOTONIC_RAW, MONOTONIC_COARSE, BOOTTIME
#define COARSE (1<<5 | 1<<6)

// int clock_gettime(clockid_t clock, struct timespec *t)
TEXT ·clockGettime(SB),NOSPLIT|NOFRAME,$0
	CMPL DI, $11
	JHI kernel
	MOVL $(WALL|BOOT), AX
	BTL DI, AX
	JCC kernel                    // a CPU-time clock, an alarm clock, or none
	CLOCK(·clockGettime)
	READ(again, busy)
	MOVL $WALL, CX
	BTL DI, CX
	JCC store
	ADDQ R10, AX
store:
	DIVIDE
	MOVQ AX, 0(SI)
	MOVQ DX, 8(SI)
	XORL AX, AX
	RET
kernel:
	MOVL $228, AX                 // SYS_clock_gettime
	SYSCALL
	RET
	END

// int gettimeofday(struct timeval *t, struct timezone *zone)
// Either may be null. The zone is UTC.
TEXT ·gettimeofday(SB),NOSPLIT|NOFRAME,$0
	TESTQ DI, DI
	JZ zone
	CLOCK(·gettimeofday)
	READ(again, busy)
	ADDQ R10, AX
	DIVIDE
	MOVQ AX, 0(DI)
	MOVL DX, AX
	XORL DX, DX
	MOVL $1000, CX
	DIVL CX
	MOVQ AX, 8(DI)
zone:
	XORL AX, AX
	TESTQ SI, SI
	JZ done
	MOVQ AX, 0(SI)
done:
	RET
	END

// time_t time(time_t *t)
TEXT ·time(SB),NOSPLIT|NOFRAME,$0
	CLOCK(·time)
	READ(again, busy)
	ADDQ R10, AX
	DIVIDE
	TESTQ DI, DI
	JZ done
	MOVQ AX, 0(DI)
done:
	RET
	END

// int clock_getres(clockid_t clock, struct timespec *t)
// A nanosecond, or the 4 ms that the system call says of the coarse clocks.
TEXT ·clockGetres(SB),NOSPLIT|NOFRAME,$0
	CMPL DI, $11
	JHI kernel
	MOVL $(WALL|BOOT), AX
	BTL DI, AX
	JCC kernel
	MOVL $1, DX
	MOVL $COARSE, AX
	BTL DI, AX
	JCC fine
	MOVL $4000000, DX
fine:
	XORL AX, AX
	TESTQ SI, SI
	JZ done
	MOVQ AX, 0(SI)
	MOVQ DX, 8(SI)
done:
	RET
kernel:
	MOVL $229, AX                 // SYS_clock_getres
	SYSCALL
	RET
	END

// int getcpu(unsigned *cpu, unsigned *node, void *unused)
// The kernel keeps both in the limit of a segment of each CPU, as Linux does: the
// CPU in the low 12 bits, the node above. LSL reads it without leave.
TEXT ·getcpu(SB),NOSPLIT|NOFRAME,$0
	MOVL $const_NumberSelector, AX
	LSLL AX, AX
	TESTQ DI, DI
	JZ node
	MOVL AX, CX
	ANDL $0xfff, CX
	MOVL CX, 0(DI)
node:
	TESTQ SI, SI
	JZ done
	SHRL $12, AX
	MOVL AX, 0(SI)
done:
	XORL AX, AX
	RET
	END

// entries are the functions' places in the kernel, in the order of functions in
// image.go.
DATA ·entries+0(SB)/8, $·clockGettime(SB)
DATA ·entries+8(SB)/8, $·gettimeofday(SB)
DATA ·entries+16(SB)/8, $·time(SB)
DATA ·entries+24(SB)/8, $·clockGetres(SB)
DATA ·entries+32(SB)/8, $·getcpu(SB)
GLOBL ·entries(SB), NOPTR|RODATA, $40

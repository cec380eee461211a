#include "go_asm.h"
#include "textflag.h"

// Registers of the machine that the assembler has no names for.
#define MSR_GS_BASE 0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_FS_BASE 0xc0000100

#define KERNEL_CS 0x10
#define KERNEL_SS 0x18
#define USER_CS 0x33
#define USER_SS 0x2b

// XCR0 components that programs have: x87, SSE, AVX.
#define XMASK 7
// Those of them that the kernel leaves alone.
#define XREST 5

// SAVE_SSE stores XMM and MXCSR, which is all of the vector state that the kernel
// changes, where XSAVE would, in the area that CX points to. LOAD_SSE is the way back.
#define SAVE_SSE \
	STMXCSR 24(CX) \
	MOVUPS X0, 160(CX) \
	MOVUPS X1, 176(CX) \
	MOVUPS X2, 192(CX) \
	MOVUPS X3, 208(CX) \
	MOVUPS X4, 224(CX) \
	MOVUPS X5, 240(CX) \
	MOVUPS X6, 256(CX) \
	MOVUPS X7, 272(CX) \
	MOVUPS X8, 288(CX) \
	MOVUPS X9, 304(CX) \
	MOVUPS X10, 320(CX) \
	MOVUPS X11, 336(CX) \
	MOVUPS X12, 352(CX) \
	MOVUPS X13, 368(CX) \
	MOVUPS X14, 384(CX) \
	MOVUPS X15, 400(CX)
#define LOAD_SSE \
	LDMXCSR 24(CX) \
	MOVUPS 160(CX), X0 \
	MOVUPS 176(CX), X1 \
	MOVUPS 192(CX), X2 \
	MOVUPS 208(CX), X3 \
	MOVUPS 224(CX), X4 \
	MOVUPS 240(CX), X5 \
	MOVUPS 256(CX), X6 \
	MOVUPS 272(CX), X7 \
	MOVUPS 288(CX), X8 \
	MOVUPS 304(CX), X9 \
	MOVUPS 320(CX), X10 \
	MOVUPS 336(CX), X11 \
	MOVUPS 352(CX), X12 \
	MOVUPS 368(CX), X13 \
	MOVUPS 384(CX), X14 \
	MOVUPS 400(CX), X15

// SAVE_REST completes the area of the UserContext in AX, whose XMM are there
// already, with what this CPU's registers have kept of its state. XSAVE stores MXCSR
// with AVX, so that is the program's meanwhile. Clobbers AX, CX, DX, R9.
#define SAVE_REST \
	MOVQ $0, percpu_fpuOwner(GS) \
	MOVQ UserContext_FPU(AX), CX \
	LDMXCSR 24(CX) \
	MOVQ AX, R9 \
	MOVL $XREST, AX \
	XORL DX, DX \
	XSAVE64 (CX) \
	LDMXCSR ·kernelMXCSR(SB) \
	ORQ $2, 512(CX) \
	MOVL $MSR_KERNEL_GS_BASE, CX \
	RDMSR \
	SHLQ $32, DX \
	ORQ DX, AX \
	MOVQ AX, UserContext_GSBase(R9) \
	MOVQ $0, UserContext_fpuOn(R9)

// entry64 is where the boot stub jumps, in long mode, on the stub's page
// tables, interrupts off. DI: physical address of the PVH start info, or 0 on
// an application processor.
TEXT ·entry64(SB),NOSPLIT|NOFRAME,$0
	// SSE, FSGSBASE, XSAVE before any compiled code.
	MOVQ CR4, AX
	ORQ $0x50600, AX              // OSFXSR | OSXMMEXCPT | FSGSBASE | OSXSAVE
	MOVQ AX, CR4
	MOVQ CR0, AX
	ANDQ $~0xc, AX                // clear EM and TS
	ORQ $0x10022, AX              // WP | NE | MP
	MOVQ AX, CR0
	XORL CX, CX
	XORL DX, DX
	MOVL $XMASK, AX
	XSETBV

	MOVL ·bootCPU(SB), BX         // which percpu is ours
	IMUL3Q $percpu__size, BX, BX
	LEAQ ·cpus(SB), AX
	ADDQ AX, BX
	WRGSBASEQ BX
	MOVQ BX, percpu_self(BX)
	LEAQ percpu_floorG(BX), AX
	MOVQ AX, percpu_tls(BX)
	LEAQ (percpu_tls+8)(BX), AX
	MOVQ AX, percpu_fsFloor(BX)
	WRFSBASEQ AX
	MOVL $1, percpu_inFloor(BX)

	TESTQ DI, DI
	JZ ap
	LEAQ ·bootStack(SB), AX
	MOVQ AX, percpu_floorG(BX)
	LEAQ 928(AX), CX
	MOVQ CX, (percpu_floorG+16)(BX)
	MOVQ CX, (percpu_floorG+24)(BX)
	ADDQ $const_bootStackSize, AX
	MOVQ AX, (percpu_floorG+8)(BX)
	MOVQ AX, SP
	SUBQ $16, SP
	MOVQ DI, 0(SP)
	CALL ·boot(SB)
	JMP resume<>(SB)
ap:
	MOVL ·kernelPGD(SB), AX       // the stub's tables have no stack for us
	SHLQ $12, AX
	MOVQ AX, CR3
	MOVQ percpu_floorSP(BX), SP
	SUBQ $16, SP
	CALL ·bootAP(SB)
	JMP resume<>(SB)

// resume leaves the floor for the thread percpu.cur names.
TEXT resume<>(SB),NOSPLIT|NOFRAME,$0
	MOVL $0, percpu_inFloor(GS)
	MOVQ percpu_cur(GS), BX
	CMPQ kthread_fpuSaved(BX), $0
	JEQ nofpu
	MOVQ $0, kthread_fpuSaved(BX)
	MOVQ kthread_fpu(BX), CX
	LOAD_SSE
nofpu:
	MOVQ kthread_fsbase(BX), CX
	WRFSBASEQ CX
	MOVQ percpu_floorSP(GS), SP
	PUSHQ $KERNEL_SS
	PUSHQ kthread_rsp(BX)
	PUSHQ kthread_rflags(BX)
	PUSHQ $KERNEL_CS
	PUSHQ kthread_rip(BX)
	MOVQ kthread_rax(BX), AX
	MOVQ kthread_rcx(BX), CX
	MOVQ kthread_rdx(BX), DX
	MOVQ kthread_rsi(BX), SI
	MOVQ kthread_rdi(BX), DI
	PUSHQ kthread_rbp(BX)
	POPQ BP
	MOVQ kthread_r8(BX), R8
	MOVQ kthread_r9(BX), R9
	MOVQ kthread_r10(BX), R10
	MOVQ kthread_r11(BX), R11
	MOVQ kthread_r12(BX), R12
	MOVQ kthread_r13(BX), R13
	MOVQ kthread_r14(BX), R14
	MOVQ kthread_r15(BX), R15
	MOVQ kthread_rbx(BX), BX
	IRETQ

// userResume goes to ring 3 with the registers of the UserContext in BX.
// Interrupts are off, GS is the kernel's.
TEXT userResume<>(SB),NOSPLIT|NOFRAME,$0
	MOVL $0, percpu_inFloor(GS)
	CMPQ BX, percpu_fpuOwner(GS)
	JNE other
	MOVQ UserContext_FPU(BX), CX
	LOAD_SSE
	JMP loaded
other:
	MOVQ percpu_fpuOwner(GS), AX
	TESTQ AX, AX
	JZ nobody
	SAVE_REST                     // before GS is cleared
nobody:
	CMPQ BX, percpu_userCtx(GS)
	JEQ last
	MOVQ BX, percpu_userCtx(GS)
	// Selectors are not saved, for 64-bit code has no use for them; but what one
	// program left in them is not for the next to see.
	XORL AX, AX
	MOVW AX, DS
	MOVW AX, ES
	MOVW AX, FS
	SWAPGS
	MOVW AX, GS
	SWAPGS
last:
	MOVQ UserContext_Debug(BX), CX
	MOVQ CX, AX
	ORQ percpu_debug(GS), AX
	JNE debug
debugged:
	MOVQ BX, percpu_fpuOwner(GS)
	MOVL percpu_id(GS), AX
	INCQ AX
	MOVQ AX, UserContext_fpuOn(BX)
	MOVL $MSR_KERNEL_GS_BASE, CX  // by its number: with SWAPGS an NMI could come in between
	MOVQ UserContext_GSBase(BX), AX
	MOVQ AX, DX
	SHRQ $32, DX
	WRMSR
	MOVQ UserContext_FPU(BX), CX
	MOVL $XMASK, AX
	XORL DX, DX
	XRSTOR64 (CX)
loaded:
	MOVQ UserContext_FSBase(BX), CX
	WRFSBASEQ CX
	// A return address that is not canonical would fault in ring 0: take the
	// slow way only for RIPs that the caller has checked (below 2^47).
	CMPQ UserContext_FullRestore(BX), $0
	JNE full
	SWAPGS                        // from here GS is the program's
	MOVQ UserContext_RAX(BX), AX
	MOVQ UserContext_RDX(BX), DX
	MOVQ UserContext_RSI(BX), SI
	MOVQ UserContext_RDI(BX), DI
	PUSHQ UserContext_RBP(BX)
	POPQ BP
	MOVQ UserContext_R8(BX), R8
	MOVQ UserContext_R9(BX), R9
	MOVQ UserContext_R10(BX), R10
	MOVQ UserContext_R12(BX), R12
	MOVQ UserContext_R13(BX), R13
	MOVQ UserContext_R14(BX), R14
	MOVQ UserContext_R15(BX), R15
	MOVQ UserContext_RIP(BX), CX
	MOVQ UserContext_RFLAGS(BX), R11
	MOVQ UserContext_RSP(BX), SP
	MOVQ UserContext_RBX(BX), BX
	BYTE $0x48; BYTE $0x0f; BYTE $0x07 // SYSRETQ
full:
	PUSHQ $USER_SS
	PUSHQ UserContext_RSP(BX)
	PUSHQ UserContext_RFLAGS(BX)
	PUSHQ $USER_CS
	PUSHQ UserContext_RIP(BX)
	SWAPGS
	MOVQ UserContext_RAX(BX), AX
	MOVQ UserContext_RCX(BX), CX
	MOVQ UserContext_RDX(BX), DX
	MOVQ UserContext_RSI(BX), SI
	MOVQ UserContext_RDI(BX), DI
	PUSHQ UserContext_RBP(BX)
	POPQ BP
	MOVQ UserContext_R8(BX), R8
	MOVQ UserContext_R9(BX), R9
	MOVQ UserContext_R10(BX), R10
	MOVQ UserContext_R11(BX), R11
	MOVQ UserContext_R12(BX), R12
	MOVQ UserContext_R13(BX), R13
	MOVQ UserContext_R14(BX), R14
	MOVQ UserContext_R15(BX), R15
	MOVQ UserContext_RBX(BX), BX
	IRETQ
debug:
	XORL AX, AX
	MOVQ CX, percpu_debug(GS)
	TESTQ CX, CX
	JZ noBreakpoints
	MOVQ 0(CX), DX
	MOVQ DX, DR0
	MOVQ 8(CX), DX
	BYTE $0x0f; BYTE $0x23; BYTE $0xca // MOVQ DX, DR1
	MOVQ 16(CX), DX
	BYTE $0x0f; BYTE $0x23; BYTE $0xd2 // MOVQ DX, DR2
	MOVQ 24(CX), DX
	BYTE $0x0f; BYTE $0x23; BYTE $0xda // MOVQ DX, DR3
	MOVQ 32(CX), AX
noBreakpoints:
	MOVQ AX, DR7
	JMP debugged

// func enterUser(u *UserContext, c *MMContext) (trap Trap)
// Runs the program until it traps. The caller's goroutine is resumed by any
// CPU: percpu must be read anew after that.
TEXT ·enterUser(SB),NOSPLIT|NOFRAME,$0-17
	CLI
	MOVQ 8(SP), BX                // u
	MOVQ 16(SP), R8               // c
	CMPL percpu_kick(GS), $0
	JNE busy
	CMPQ ·irqPending(SB), $0      // handlers are owed a run
	JNE busy
	MOVQ (TLS), R14
	CMPQ 16(R14), $-1314          // g.stackguard0 == stackPreempt: the scheduler wants us
	JEQ busy
	MOVQ UserContext_Barred(BX), CX
	ORQ UserContext_Stale(BX), CX
	MOVL percpu_id(GS), DX
	BTQ DX, CX
	JCS moved
	MOVQ DX, UserContext_CPU(BX)
	CMPQ BX, percpu_fpuOwner(GS)
	JEQ fpuHere
	CMPQ UserContext_fpuOn(BX), $0 // only its own CPU can save it
	JNE elsewhere
fpuHere:
	CMPQ R8, percpu_mm(GS)
	JEQ sameMM
	CALL ·switchMMUser(SB)
sameMM:
	// What resumes this call: a plain return, see leaveUser.
	MOVQ percpu_cur(GS), CX
	MOVQ SP, kthread_userSP(CX)
	MOVQ BP, kthread_rbp(CX)
	JMP userResume<>(SB)
busy:
	MOVL $0, percpu_kick(GS)
	STI
	MOVB $const_TrapInterrupt, 24(SP)
	RET
moved:
	STI
	MOVB $const_TrapMoved, 24(SP)
	RET
elsewhere:
	STI
	MOVB $const_trapElsewhere, 24(SP)
	RET

// func saveRest()
// Takes the state of the program that this CPU's registers have kept to its
// memory. Interrupts are off.
TEXT ·saveRest(SB),NOSPLIT|NOFRAME,$0-0
	MOVQ percpu_fpuOwner(GS), AX
	TESTQ AX, AX
	JZ nothing
	SAVE_REST
nothing:
	RET

// switchMMUser loads the page tables of the MMContext in R8 and keeps both masks
// of CPUs right: the bit in the new mask is set before its tables can be
// cached, the one in the old mask is cleared after they no longer are.
// Clobbers AX, DX, R9.
TEXT ·switchMMUser(SB),NOSPLIT|NOFRAME,$0
	MOVL percpu_id(GS), AX
	LOCK
	BTSQ AX, MMContext_cpus(R8)
	MOVQ MMContext_cr3(R8), DX
	MOVQ DX, CR3
	MOVQ percpu_mm(GS), R9
	MOVQ R8, percpu_mm(GS)
	TESTQ R9, R9
	JZ none
	LOCK
	BTRQ AX, MMContext_cpus(R9)
none:
	RET

// syscallEntry is LSTAR. The Go runtime in ring 0 and programs in ring 3 both
// come here; the return address in CX tells which.
TEXT ·syscallEntry(SB),NOSPLIT|NOFRAME,$0
	TESTQ CX, CX
	JS kernel
	SWAPGS
	MOVQ SP, percpu_scratch(GS)
	MOVQ percpu_userCtx(GS), SP
	MOVQ AX, UserContext_RAX(SP)
	MOVQ BX, UserContext_RBX(SP)
	MOVQ CX, UserContext_RCX(SP)
	MOVQ CX, UserContext_RIP(SP)
	MOVQ DX, UserContext_RDX(SP)
	MOVQ SI, UserContext_RSI(SP)
	MOVQ DI, UserContext_RDI(SP)
	MOVQ BP, UserContext_RBP(SP)
	MOVQ R8, UserContext_R8(SP)
	MOVQ R9, UserContext_R9(SP)
	MOVQ R10, UserContext_R10(SP)
	MOVQ R11, UserContext_R11(SP)
	MOVQ R11, UserContext_RFLAGS(SP)
	MOVQ R12, UserContext_R12(SP)
	MOVQ R13, UserContext_R13(SP)
	MOVQ R14, UserContext_R14(SP)
	MOVQ R15, UserContext_R15(SP)
	MOVQ percpu_scratch(GS), AX
	MOVQ AX, UserContext_RSP(SP)
	MOVQ $0, UserContext_FullRestore(SP)
	MOVQ SP, BX
	RDFSBASEQ AX
	MOVQ AX, UserContext_FSBase(BX)
	MOVQ UserContext_FPU(BX), CX
	SAVE_SSE
	LDMXCSR ·kernelMXCSR(SB)
	MOVQ percpu_cur(GS), CX
	MOVQ kthread_fsbase(CX), DX
	WRFSBASEQ DX
	MOVQ kthread_rbp(CX), BP
	MOVQ kthread_userSP(CX), SP
	MOVB $const_TrapSyscall, 24(SP)
	STI
	RET
kernel:
	MOVQ SP, percpu_scratch(GS)
	MOVQ percpu_cur(GS), SP
	MOVQ AX, kthread_rax(SP)
	MOVQ BX, kthread_rbx(SP)
	MOVQ CX, kthread_rcx(SP)
	MOVQ CX, kthread_rip(SP)
	MOVQ DX, kthread_rdx(SP)
	MOVQ SI, kthread_rsi(SP)
	MOVQ DI, kthread_rdi(SP)
	MOVQ BP, kthread_rbp(SP)
	MOVQ R8, kthread_r8(SP)
	MOVQ R9, kthread_r9(SP)
	MOVQ R10, kthread_r10(SP)
	MOVQ R11, kthread_r11(SP)
	MOVQ R11, kthread_rflags(SP)
	MOVQ R12, kthread_r12(SP)
	MOVQ R13, kthread_r13(SP)
	MOVQ R14, kthread_r14(SP)
	MOVQ R15, kthread_r15(SP)
	MOVQ percpu_scratch(GS), AX
	MOVQ AX, kthread_rsp(SP)
	MOVL $1, percpu_inFloor(GS)
	MOVQ percpu_fsFloor(GS), AX
	WRFSBASEQ AX
	MOVQ percpu_floorSP(GS), SP
	SUBQ $16, SP
	CALL ·floorSyscall(SB)
	JMP resume<>(SB)

// trap is the common part of all IDT stubs. Each has an IST stack of its
// class, which now holds: vector, error code, RIP, CS, RFLAGS, RSP, SS.
TEXT ·trap(SB),NOSPLIT|NOFRAME,$0
	TESTB $3, 24(SP)
	JNZ user
	CMPQ 0(SP), $1
	JEQ debug
	CMPL percpu_inFloor(GS), $0
	JNE nested
	PUSHQ AX
	MOVQ percpu_cur(GS), AX
	MOVQ BX, kthread_rbx(AX)
	MOVQ CX, kthread_rcx(AX)
	MOVQ DX, kthread_rdx(AX)
	MOVQ SI, kthread_rsi(AX)
	MOVQ DI, kthread_rdi(AX)
	MOVQ BP, kthread_rbp(AX)
	MOVQ R8, kthread_r8(AX)
	MOVQ R9, kthread_r9(AX)
	MOVQ R10, kthread_r10(AX)
	MOVQ R11, kthread_r11(AX)
	MOVQ R12, kthread_r12(AX)
	MOVQ R13, kthread_r13(AX)
	MOVQ R14, kthread_r14(AX)
	MOVQ R15, kthread_r15(AX)
	POPQ BX
	MOVQ BX, kthread_rax(AX)
	MOVQ AX, BX
	MOVQ 16(SP), AX
	MOVQ AX, kthread_rip(BX)
	MOVQ 32(SP), AX
	MOVQ AX, kthread_rflags(BX)
	MOVQ 40(SP), AX
	MOVQ AX, kthread_rsp(BX)
	MOVQ kthread_fpu(BX), CX
	SAVE_SSE
	MOVQ $1, kthread_fpuSaved(BX)
	MOVL $1, percpu_inFloor(GS)
	MOVQ percpu_fsFloor(GS), AX
	WRFSBASEQ AX
	MOVQ 0(SP), DI                // vector
	MOVQ 8(SP), SI                // error code
	SUBQ $24, SP
	MOVQ DI, 0(SP)
	MOVQ SI, 8(SP)
	CALL ·floorTrap(SB)
	JMP resume<>(SB)
debug:
	// A breakpoint of a program, met by the kernel, which reads and writes for it. This may
	// be the first instruction after a SYSCALL or INT3, put off by a MOV to SS (CVE-2018-8897):
	// GS may still be the program's. An IST stack of its own keeps the frame of an INT3.
	PUSHQ AX
	MOVL $0xffff0ff0, AX
	MOVQ AX, DR6
	POPQ AX
	ANDL $~0x100, 32(SP)          // TF
	ADDQ $16, SP
	IRETQ
nested:
	CMPQ 0(SP), $2                // an NMI may come at any time: note it and go on
	JNE bug
	MOVL $1, ·nmiPending(SB)
	ADDQ $16, SP
	IRETQ
bug:
	MOVQ SP, DI
	SUBQ $16, SP
	MOVQ DI, 0(SP)
	CALL ·floorDie(SB)
	HLT
user:
	SWAPGS
	CLD                           // a gate leaves the program's DF and AC alone
	CLAC
	MOVL $1, percpu_inFloor(GS)
	PUSHQ AX
	MOVQ percpu_userCtx(GS), AX
	MOVQ BX, UserContext_RBX(AX)
	MOVQ CX, UserContext_RCX(AX)
	MOVQ DX, UserContext_RDX(AX)
	MOVQ SI, UserContext_RSI(AX)
	MOVQ DI, UserContext_RDI(AX)
	MOVQ BP, UserContext_RBP(AX)
	MOVQ R8, UserContext_R8(AX)
	MOVQ R9, UserContext_R9(AX)
	MOVQ R10, UserContext_R10(AX)
	MOVQ R11, UserContext_R11(AX)
	MOVQ R12, UserContext_R12(AX)
	MOVQ R13, UserContext_R13(AX)
	MOVQ R14, UserContext_R14(AX)
	MOVQ R15, UserContext_R15(AX)
	POPQ BX
	MOVQ BX, UserContext_RAX(AX)
	MOVQ AX, BX
	MOVQ 0(SP), DI
	MOVQ DI, UserContext_Vector(BX)
	MOVQ 8(SP), SI
	MOVQ SI, UserContext_ErrorCode(BX)
	MOVQ 16(SP), AX
	MOVQ AX, UserContext_RIP(BX)
	MOVQ 32(SP), AX
	MOVQ AX, UserContext_RFLAGS(BX)
	MOVQ 40(SP), AX
	MOVQ AX, UserContext_RSP(BX)
	MOVQ CR2, AX
	MOVQ AX, UserContext_FaultAddr(BX)
	MOVQ $1, UserContext_FullRestore(BX)
	RDFSBASEQ AX
	MOVQ AX, UserContext_FSBase(BX)
	MOVQ UserContext_FPU(BX), CX
	SAVE_SSE
	LDMXCSR ·kernelMXCSR(SB)
	CMPQ DI, $32
	JAE irq
	CMPQ DI, $2                   // NMI
	JEQ irq
	CMPQ DI, $1                   // a debug exception: before another can come
	JNE exception
	MOVQ DR6, AX
	MOVQ AX, UserContext_FaultAddr(BX)
	MOVL $0xffff0ff0, AX
	MOVQ AX, DR6
exception:
	// An exception is the goroutine's to handle: return from enterUser.
	MOVL $0, percpu_inFloor(GS)
	MOVQ percpu_cur(GS), CX
	MOVQ kthread_fsbase(CX), DX
	WRFSBASEQ DX
	MOVQ kthread_rbp(CX), BP
	MOVQ kthread_userSP(CX), SP
	MOVB $const_TrapException, 24(SP)
	STI
	RET
irq:
	MOVQ percpu_fsFloor(GS), AX
	WRFSBASEQ AX
	SUBQ $24, SP
	MOVQ DI, 0(SP)
	CALL ·floorUserIRQ(SB)
	MOVB 8(SP), AX
	CMPB AX, $0
	JEQ stay
	JMP resume<>(SB)
stay:
	MOVQ percpu_userCtx(GS), BX
	MOVQ percpu_floorSP(GS), SP
	JMP userResume<>(SB)

// idleLoop is an idle thread's code. STI takes effect after HLT has begun, so
// a wake-up cannot fall between.
TEXT ·idleLoop(SB),NOSPLIT|NOFRAME,$0
loop:
	STI
	HLT
	JMP loop

// enterUserReturn is where a thread goes on that left ring 3 by an interrupt
// and was resumed as a thread: SP is that of the enterUser call.
TEXT ·enterUserReturn(SB),NOSPLIT|NOFRAME,$0
	RET

// PUSHQ $imm8 by its bytes: the assembler counts pushes, these leave for good.
#define STUB(v) BYTE $0x6a; BYTE $0; BYTE $0x6a; BYTE $v; JMP ·trap(SB)
#define STUBERR(v) BYTE $0x6a; BYTE $v; JMP ·trap(SB)

// trapStubs holds the 80 entry points of the IDT, stubSize bytes each.
TEXT ·trapStubs(SB),NOSPLIT|NOFRAME,$0
#include "stubs_amd64.h"

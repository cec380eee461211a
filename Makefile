# make build   bin/yolk and the kernel images that it boots
# make run     the main job in a guest of 64 MiB, then a shell
# make test    host tests (with -race), then the programs under user/ in guests
# make suite   programs of others in guests: Debian's packages, the tests of Go's standard library
# make lint    gofmt, go vet, staticcheck and the check of the layers
# make torture minutes of everything at random under memory pressure (TORTURE_TIME=300 seconds, SEED=N)
# make soak    the same for an hour in one guest, with the checker and a high zone (SOAK_TIME=3600)
# make sysfuzz random system calls from tasks without privilege (SYSFUZZ_CALLS=10000000, SEED=N)
# make faults  bad, slow and vanishing disks, and power cuts, seeded (FAULTS_ROUNDS=20, FAULTS_CUTS=100, SEED=N)
# make attacks what tries to get at the kernel and at others, in guests and natively (docs/attacks.md)
# make fuzz    programs of memory calls here and in a guest: the same answers (CALLS=1000000, SEED=N; docs/fuzz.md)
# make mutants takes the fixes of known bugs out one by one: the tests must notice
# make explore runs mm's races through many thousand schedules, seeded (SCHEDULES=N, SEED=N)
# make omissions leaves out each lock acquisition of mm in turn, and writes docs/mutants.md: what noticed
# make bench   times against Debian's Linux, in the same QEMU (BENCH="-mode icount -rounds 1 fault", docs/bench.md)
# make clean   what the others made

GO ?= go
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# The kernel is an ordinary static Go program, linked into the upper half (the
# linker takes the address as a signed number). boot makes a PVH image of it.
KERNEL_ENV     := CGO_ENABLED=0 GOOS=linux GOARCH=amd64 GOFLAGS=
KERNEL_LDFLAGS := -T=-0x7fe00000 -E yolk/arch/amd64.entry64 -checklinkname=0

# Packages whose tests need no guest.
HOST_PACKAGES = $$($(GO) list ./... | grep -v /qemu/guest$$)

.PHONY: build run test test-host test-guest test-suite suite lint torture soak torture-program sysfuzz fuzz faults attacks mutants explore omissions bench clean tools-run tools-test

build:
	@mkdir -p bin out
	$(GO) build -o bin/yolk ./qemu
	$(GO) build -o bin/yolk-suite ./qemu/suite
	$(GO) build -o bin/yolk-profile ./qemu/profile
	$(GO) build -o bin/yolk-fuzz ./qemu/fuzz
	$(KERNEL_ENV) $(GO) build -tags yolk -trimpath -ldflags "$(KERNEL_LDFLAGS)" -o out/kernel.linked ./kernel
	$(GO) run ./boot -o out/yolk.elf out/kernel.linked
	$(KERNEL_ENV) $(GO) build -tags yolk,lockdep -trimpath -ldflags "$(KERNEL_LDFLAGS)" -o out/kernel-lockdep.linked ./kernel
	$(GO) run ./boot -o out/yolk-lockdep.elf out/kernel-lockdep.linked

run: tools-run build
	CGO_ENABLED=0 $(GO) build -o out/mainjob ./user/mainjob
	bin/yolk -m 64M -swap 512M -timeout 10m out/mainjob -size 256M
	@if [ -t 0 ] && [ -t 1 ]; then bin/yolk || echo "the shell ended with status $$?"; fi

test: tools-test build test-host test-guest test-suite

test-host:
	$(GO) test -race -timeout 20m $(HOST_PACKAGES)
	$(GO) test -race -tags lockdep -timeout 20m ./locks/... ./mm/... ./fs/... ./sched/... ./proc/... ./syscall/...

# What was right with another kernel is no answer: no cached results.
test-guest:
	$(GO) test -count 1 -timeout 65m ./qemu/guest

# Where there is no apt-get, all but Debian's programs.
test-suite:
	bin/yolk-suite -tap out/suite.tap -junit out/suite.xml -run '$(SUITE)'

SUITE := $(shell command -v apt-get >/dev/null || echo '^(busybox|go)/')

suite: tools-test build test-suite

TORTURE_TIME ?= 300
SOAK_TIME ?= 3600

# torture-run FORM,SECONDS runs the torture once: a file system and two swap areas, all new.
define torture-run
	rm -f out/torture.disk out/torture.swap; truncate -s 64M out/torture.disk; truncate -s 32M out/torture.swap; \
	mkfs.ext2 -q -F out/torture.disk || exit 1; \
	bin/yolk $(1) -swap 64M -timeout $$(($(2) + 420))s -disk out/torture.disk \
		-qemu "-drive if=none,id=more,format=raw,file=out/torture.swap -device virtio-blk-pci,drive=more,disable-legacy=on" \
		out/torture -pages 4000 -seconds $$(($(2))) $(if $(SEED),-seed $(SEED)) || exit 1; \
	e2fsck -fn out/torture.disk || exit 1;
endef

torture soak: export PATH := $(PATH):/usr/sbin:/sbin
torture soak: tools-test build torture-program

torture-program:
	@mkdir -p out
	gcc -static -pthread -O1 -Wall -Wextra -Werror -o out/torture user/torture/*.c user/c/mkswap.c user/c/sums.c

torture:
	for form in "-smp 1" "-smp 2 -lockdep" "-smp 4" "-smp 4 -lockdep"; do \
		$(call torture-run,$$form -m 32M,$(TORTURE_TIME) / 4) \
	done

soak:
	$(call torture-run,-smp 2 -lockdep -m 44M -append bigmem=12M,$(SOAK_TIME))

SYSFUZZ_CALLS ?= 10000000

sysfuzz: tools-test build
	gcc -static -O1 -Wall -Wextra -Werror -o out/sysfuzz user/sysfuzz/*.c user/c/sums.c
	for form in "-smp 1" "-smp 2 -lockdep" "-smp 4" "-smp 2"; do \
		bin/yolk $$form -m 64M -swap 64M -timeout 2h \
			out/sysfuzz -calls $$(($(SYSFUZZ_CALLS) / 4)) $(if $(SEED),-seed $(SEED)) || exit 1; \
	done

FAULTS_ROUNDS ?= 20
FAULTS_CUTS ?= 100

faults: tools-test build
	seed=$(or $(SEED),1); for round in $$(seq $(FAULTS_ROUNDS)); do \
		$(GO) test -count 1 -timeout 60m -v -run '$(FAULTS)' ./qemu/guest -seed $$seed -cuts $(FAULTS_CUTS) -steps 600 || exit 1; \
		seed=$$((seed + 1)); \
	done

FAULTS := ^Test(SwapErrors|FileErrors|Unmountable|Gone|SlowDisks|Reordered|PowerCut|PowerKilled)$$

# Natively an attack needs a second user to become: without root those are skipped, and say so.
attacks: tools-test build
	$(GO) test -count 1 -timeout 30m -v -run 'TestPrograms/(attack|hoard|faults|exhaust|wild)/' ./qemu/guest
	$(GO) test -count 1 -timeout 10m -v -run 'TestOnHost/(attack|faults)/' ./qemu/guest

CALLS ?= 1000000

fuzz: tools-test build
	bin/yolk-fuzz qemu/testdata/fuzz
	bin/yolk-fuzz -calls $(CALLS) $(if $(SEED),-seed $(SEED))

mutants:
	$(GO) test -timeout 20m -run TestFixesAreTested ./mm -mutants

SCHEDULES ?= 5000

explore:
	$(GO) test -timeout 60m -v -run TestExplore ./mm -schedules $(SCHEDULES) -seed $(or $(SEED),1)
	$(GO) test -timeout 60m -v -tags lockdep -run TestExplore ./mm -schedules $$(($(SCHEDULES) / 5)) -seed $(or $(SEED),1)
	$(GO) test -timeout 60m -v -race -run TestExplore ./mm -schedules $$(($(SCHEDULES) / 50)) -seed $(or $(SEED),1)

omissions:
	$(GO) test -timeout 90m -v -run TestOmissions ./mm -omissions

# No libc: the same instructions under both kernels.
BENCH_CFLAGS := -static -nostdlib -ffreestanding -fno-stack-protector -fno-pie -no-pie -mno-sse -O1 -Wall -Wextra -Werror

bench: tools-test build
	gcc $(BENCH_CFLAGS) -o out/bench user/bench/*.c
	$(GO) build -o bin/yolk-bench ./qemu/bench
	bin/yolk-bench $(BENCH)

# The tests are the host's: for the kernel's build they are taken out of sight.
lint:
	@unformatted=$$(gofmt -l .); [ -z "$$unformatted" ] || { echo "gofmt -w $$unformatted"; exit 1; }
	$(GO) vet ./...
	@mkdir -p out; { printf '{"Replace":{'; find . -name '*_test.go' | sed 's|.*|"&":""|' | paste -sd, -; printf '}}'; } >out/no-tests.json
	$(KERNEL_ENV) $(GO) vet -overlay out/no-tests.json -tags yolk ./...
	$(GO) run $(STATICCHECK) ./...
	$(KERNEL_ENV) $(GO) run $(STATICCHECK) -tests=false -tags yolk ./...
	$(KERNEL_ENV) $(GO) run $(STATICCHECK) -tests=false -tags yolk,lockdep ./...
	$(GO) run ./qemu/layers

clean:
	rm -rf bin out

# install COMMAND:PACKAGE... gets the packages whose command is not there.
define install
@PATH="$$PATH:/usr/sbin:/sbin"; missing=; for p in $(1); do \
	command -v $${p%%:*} >/dev/null 2>&1 || missing="$$missing $${p##*:}"; \
done; \
[ -z "$$missing" ] && exit 0; \
if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	echo "installing$$missing"; \
	apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $$missing; \
else \
	echo "missing:$$missing; on Debian or Ubuntu: sudo apt-get install$$missing" >&2; exit 1; \
fi
endef

tools-run:
	$(call install,qemu-system-x86_64:qemu-system-x86 busybox:busybox-static)

tools-test: tools-run
	$(call install,gcc:gcc gcc:libc6-dev musl-gcc:musl-tools mkfs.ext2:e2fsprogs)

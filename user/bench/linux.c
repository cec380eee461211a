/* What Linux leaves to its init. */
#include "bench.h"

/* In the order in which they depend on each other. */
static const char *const modules[] = {"/virtio_ring.ko", "/virtio.ko", "/virtio_pci_legacy_dev.ko",
	"/virtio_pci_modern_dev.ko", "/virtio_pci.ko", "/virtio_blk.ko"};

static int is_init;

void linux_start(void)
{
	int fd = SYS3(open, modules[0], O_RDONLY, 0);

	if (fd < 0)
		return;
	is_init = 1;
	SYS1(close, fd);
	for (unsigned i = 0; i < sizeof modules / sizeof *modules; i++) {
		fd = SYS3(open, modules[i], O_RDONLY, 0);
		MUST(fd >= 0);
		MUST(SYS3(finit_module, fd, "", 0) == 0);
		SYS1(close, fd);
	}
	SYS2(mkdir, "/dev", 0755);
	SYS2(mkdir, "/proc", 0755);
	MUST(SYS5(mount, "dev", "/dev", "devtmpfs", 0, 0) == 0);
	MUST(SYS5(mount, "proc", "/proc", "proc", 0, 0) == 0);
	/* The disk's probe is asynchronous. */
	for (int tries = 0; (fd = SYS3(open, "/dev/vda", O_RDONLY, 0)) < 0 && tries < 500; tries++) {
		long pause[2] = {0, 10000000};

		SYS2(nanosleep, pause, 0);
	}
	if (fd < 0)
		return; /* a machine without a disk */
	SYS1(close, fd);
	MUST(SYS2(swapon, "/dev/vda", 0) == 0);
}

void linux_stop(void)
{
	if (is_init)
		SYS4(reboot, 0xfee1dead, 672274793, 0x4321fedc /* power off */, 0);
}

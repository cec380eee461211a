/* Address-space layout randomisation as the machine has it set. */
#include "where.h"

#include <sys/personality.h>

static int level(void)
{
	int n = -1;
	FILE *f = fopen("/proc/sys/kernel/randomize_va_space", "r");

	CHECK(f && fscanf(f, "%d", &n) == 1);
	fclose(f);
	return n;
}

TEST(moves_as_the_level_says)
{
	switch (level()) {
	case 0:
		MOVE(0);
		break;
	case 1:
		MOVE(ALL & ~(1 << HEAP));
		break;
	default:
		MOVE(ALL);
	}
}

TEST(parameter_norandmaps)
{
	char line[4096] = "";
	FILE *f = fopen("/proc/cmdline", "r");

	CHECK(f && fgets(line, sizeof line, f));
	fclose(f);
	if (!strstr(line, "norandmaps"))
		SKIP("not on this kernel's command line");
	EQ(level(), 0);
}

TEST(personality_keeps_addresses)
{
	int old = personality(0xffffffff);

	if (old == -1 || personality(old | ADDR_NO_RANDOMIZE) == -1)
		SKIP("a container may forbid it");
	EQ(personality(0xffffffff), old | ADDR_NO_RANDOMIZE);
	MOVE(0);
	EQ(personality(old), old | ADDR_NO_RANDOMIZE);
	if (level() == 2)
		MOVE(ALL);
}

/* Names: directories, links, renames. */
#include "disk.h"

#include <dirent.h>

static int entries(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	CHECK(d != NULL);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static long links(const char *path)
{
	struct stat st;

	CHECK(stat(path, &st) == 0);
	return st.st_nlink;
}

TEST(directories)
{
	enter("dirs");
	EQ(mkdir("a", 0755), 0);
	EQ(mkdir("a/b", 0755), 0);
	EQ(links("a"), 3);
	FAILS(rmdir("a"), ENOTEMPTY);
	FAILS(mkdir("a", 0755), EEXIST);
	EQ(rename("a/b", "c"), 0);
	EQ(links("a"), 2);
	EQ(entries("a"), 2);
	EQ(rmdir("a"), 0);
	FAILS(chdir("a"), ENOENT);
	EQ(chdir("c"), 0);
	EQ(chdir(".."), 0);
	EQ(entries("."), 3);
}

TEST(many_names)
{
	char name[32];

	enter("many");
	for (int i = 0; i < 400; i++) {
		snprintf(name, sizeof name, "a-longer-name-%d", i);
		close(create(name, 0));
	}
	EQ(entries("."), 402);
	for (int i = 0; i < 400; i += 2) {
		snprintf(name, sizeof name, "a-longer-name-%d", i);
		EQ(unlink(name), 0);
	}
	EQ(entries("."), 202);
}

TEST(hard_links)
{
	char c;

	enter("links");
	int fd = create("one", 1);
	EQ(link("one", "two"), 0);
	EQ(links("two"), 2);
	EQ(pwrite(fd, "x", 1, 0), 1);
	EQ(unlink("one"), 0);
	EQ(links("two"), 1);
	int two = open("two", O_RDONLY);
	EQ(pread(two, &c, 1, 0), 1);
	EQ(c, 'x');
}

TEST(symbolic_links)
{
	char text[512], got[512];

	enter("symlinks");
	close(create("file", 1));
	EQ(symlink("file", "short"), 0);
	memset(text, 'l', 300);
	text[300] = 0;
	EQ(symlink(text, "long"), 0);
	EQ(readlink("long", got, sizeof got), 300);
	CHECK(memcmp(text, got, 300) == 0);
	CHECK(access("short", R_OK) == 0);
	FAILS(open("short", O_RDONLY | O_NOFOLLOW), ELOOP);
}

TEST(rename_over_an_open_file)
{
	char page[PAGE];

	enter("rename");
	int old = create("old", 2);
	close(create("new", 1));
	EQ(rename("new", "old"), 0);
	EQ(pread(old, page, PAGE, PAGE), PAGE);
	CHECK(filled(page, 1));
	struct stat st;
	EQ(fstat(old, &st), 0);
	EQ(st.st_nlink, 0);
}

TEST(attributes_last)
{
	struct stat st;
	struct timespec t[2] = {{1000000000, 0}, {1100000000, 0}};

	enter("attributes");
	close(create("file", 3));
	EQ(chmod("file", 04711), 0);
	EQ(chown("file", 100000, 70000), 0);
	EQ(chmod("file", 0640), 0);
	EQ(utimensat(AT_FDCWD, "file", t, 0), 0);
	EQ(stat("file", &st), 0);
	EQ(st.st_mode, S_IFREG | 0640);
	EQ(st.st_uid, 100000);
	EQ(st.st_gid, 70000);
	EQ(st.st_mtime, 1100000000);
	EQ(st.st_size, 3 * PAGE);
	sync();
	CHECK(stat("file", &st) == 0 && st.st_blocks >= 24);
}

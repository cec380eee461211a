/* Names: open's flags, directories, links, renaming, attributes. */
#include "files.h"

TEST(open_flags)
{
	enter_dir();
	close(create("f", "text"));
	CHECK(symlink("f", "l") == 0 && symlink("none", "dangling") == 0 && symlink("loop", "loop") == 0);
	FAILS(open("f", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	FAILS(open("dangling", O_CREAT | O_EXCL | O_RDWR, 0600), EEXIST);
	FAILS(open("none", O_RDONLY), ENOENT);
	FAILS(open("dangling", O_RDONLY), ENOENT);
	FAILS(open("", O_RDONLY), ENOENT);
	FAILS(open("loop", O_RDONLY), ELOOP);
	FAILS(open("l", O_RDONLY | O_NOFOLLOW), ELOOP);
	FAILS(open("f/", O_RDONLY), ENOTDIR);
	FAILS(open("f/x", O_RDONLY), ENOTDIR);
	FAILS(open("f", O_RDONLY | O_DIRECTORY), ENOTDIR);
	FAILS(open(".", O_WRONLY), EISDIR);
	FAILS(open(".", O_RDWR | O_CREAT, 0600), EISDIR);
	FAILS(open("new/", O_RDWR | O_CREAT, 0600), EISDIR);
	FAILS(open(BAD, O_RDONLY), EFAULT);
	CHECK(open("dangling", O_CREAT | O_RDWR, 0600) >= 0);
	CHECK(access("none", F_OK) == 0);
	int fd = open("f", O_RDWR | O_TRUNC);
	has(fd, "", 0);
}

TEST(long_names)
{
	enter_dir();
	char name[PATH_MAX + 10];

	memset(name, 'a', sizeof name);
	name[255] = 0;
	close(create(name, ""));
	CHECK(unlink(name) == 0);
	name[255] = 'a', name[256] = 0;
	FAILS(open(name, O_CREAT | O_RDWR, 0600), ENAMETOOLONG);
	FAILS(mkdir(name, 0700), ENAMETOOLONG);
	memset(name, '/', sizeof name);
	name[PATH_MAX - 1] = 0;
	CHECK(access(name, F_OK) == 0);
	name[PATH_MAX - 1] = '/', name[PATH_MAX] = 0;
	FAILS(access(name, F_OK), ENAMETOOLONG);
}

TEST(lowest_descriptor)
{
	int a = dup(0), b = dup(0);

	EQ(b, a + 1);
	close(a);
	EQ(dup(0), a);
	EQ(dup2(0, 50), 50);
	EQ(fcntl(0, F_DUPFD, 50), 51);
	EQ(fcntl(0, F_GETFD), 0);
	int c = fcntl(0, F_DUPFD_CLOEXEC, 60);
	EQ(fcntl(c, F_GETFD), FD_CLOEXEC);
	EQ(dup2(0, 0), 0);
	FAILS(dup2(99, 99), EBADF);
	FAILS(dup2(0, -1), EBADF);
	FAILS(dup2(0, 1 << 30), EBADF);
	FAILS(syscall(SYS_dup3, 0, 0, 0), EINVAL);
	FAILS(syscall(SYS_dup3, 0, 5, 1), EINVAL);
	FAILS(close(99), EBADF);
	FAILS(fcntl(99, F_GETFL), EBADF);
	FAILS(fcntl(0, 9999), EINVAL);
}

TEST(directories)
{
	enter_dir();
	CHECK(mkdir("d", 0755) == 0 && mkdir("d/e", 0700) == 0);
	FAILS(mkdir("d", 0755), EEXIST);
	FAILS(mkdir("none/d", 0755), ENOENT);
	FAILS(rmdir("d"), ENOTEMPTY);
	FAILS(rmdir("d/."), EINVAL);
	FAILS(rmdir("none"), ENOENT);
	FAILS(unlink("d"), EISDIR);
	close(create("d/f", ""));
	FAILS(rmdir("d/f"), ENOTDIR);
	CHECK(unlinkat(AT_FDCWD, "d/e", AT_REMOVEDIR) == 0);
	int d = open("d", O_RDONLY);
	CHECK(unlinkat(d, "f", 0) == 0);
	FAILS(unlinkat(d, "f", 0), ENOENT);
	CHECK(chdir("d") == 0 && rmdir("../d") == 0);
	char buf[100];
	FAILS(syscall(SYS_getcwd, buf, 100), ENOENT);
	FAILS(open("new", O_CREAT | O_RDWR, 0600), ENOENT);
	FAILS(syscall(SYS_getdents64, d, buf, 100), ENOENT);
}

TEST(working_directory)
{
	enter_dir();
	char a[PATH_MAX], b[PATH_MAX], want[PATH_MAX + 10];

	CHECK(getcwd(a, sizeof a) && mkdir("sub", 0755) == 0);
	int fd = open("sub", O_RDONLY);
	CHECK(fchdir(fd) == 0 && getcwd(b, sizeof b));
	sprintf(want, "%s/sub", a);
	CHECK(strcmp(b, want) == 0);
	FAILS(syscall(SYS_getcwd, b, 3), ERANGE);
	FAILS(syscall(SYS_getcwd, BAD, 100), EFAULT);
	CHECK(chdir("..") == 0 && getcwd(b, sizeof b) && strcmp(a, b) == 0);
	FAILS(chdir("none"), ENOENT);
	close(create("f", ""));
	FAILS(chdir("f"), ENOTDIR);
	FAILS(fchdir(0x7fffffff), EBADF);
}

TEST(list_directory)
{
	enter_dir();
	char name[20], seen[50] = {0};
	int dots = 0;

	for (int k = 0; k < 50; k++) {
		sprintf(name, "%d", k);
		close(create(name, ""));
	}
	DIR *d = opendir(".");
	for (struct dirent *e; (e = readdir(d));) {
		if (e->d_name[0] == '.') {
			EQ(e->d_type, DT_DIR);
			dots++;
			continue;
		}
		EQ(e->d_type, DT_REG);
		CHECK(!seen[atoi(e->d_name)]++);
		CHECK(unlink(e->d_name) == 0);
	}
	EQ(dots, 2);
	for (int k = 0; k < 50; k++)
		CHECK(seen[k]);
	rewinddir(d);
	for (dots = 0; readdir(d);)
		dots++;
	EQ(dots, 2);
	int fd = dirfd(d);
	rewinddir(d);
	FAILS(syscall(SYS_getdents64, fd, name, 10), EINVAL);
	FAILS(syscall(SYS_getdents64, fd, BAD, 1000), EFAULT);
	FAILS(syscall(SYS_getdents64, 0x7fffffff, name, 10), EBADF);
	FAILS(syscall(SYS_getdents64, create("f", ""), name, 10), ENOTDIR);
}

TEST(links)
{
	enter_dir();
	int fd = create("a", "text");
	struct stat st;
	char buf[100];

	CHECK(link("a", "b") == 0 && symlink("a", "s") == 0);
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 2);
	FAILS(link("a", "b"), EEXIST);
	FAILS(link("none", "c"), ENOENT);
	FAILS(link(".", "c"), EPERM);
	EQ(readlink("s", buf, sizeof buf), 1);
	EQ(readlink("s", buf, 1), 1);
	FAILS(readlink("a", buf, 100), EINVAL);
	FAILS(syscall(SYS_readlink, "s", buf, 0), EINVAL);
	FAILS(readlink("none", buf, 100), ENOENT);
	CHECK(lstat("s", &st) == 0 && S_ISLNK(st.st_mode) && st.st_size == 1);
	CHECK(linkat(AT_FDCWD, "s", AT_FDCWD, "s2", 0) == 0 && lstat("s2", &st) == 0 && S_ISLNK(st.st_mode));
	CHECK(unlink("a") == 0 && unlink("b") == 0);
	CHECK(fstat(fd, &st) == 0 && st.st_nlink == 0);
	has(fd, "text", 4);
	FAILS(stat("s", &st), ENOENT);
}

TEST(renaming)
{
	enter_dir();
	int a = create("a", "A"), b = create("b", "B");
	struct stat st, sa;

	CHECK(fstat(a, &sa) == 0 && rename("a", "b") == 0);
	CHECK(stat("b", &st) == 0 && st.st_ino == sa.st_ino);
	CHECK(fstat(b, &st) == 0 && st.st_nlink == 0);
	FAILS(rename("a", "c"), ENOENT);
	CHECK(mkdir("d", 0755) == 0 && mkdir("d/e", 0755) == 0 && mkdir("x", 0755) == 0);
	FAILS(rename("d", "d/e/f"), EINVAL);
	FAILS(rename("b", "d"), EISDIR);
	FAILS(rename("d", "b"), ENOTDIR);
	FAILS(rename("x", "d"), ENOTEMPTY);
	CHECK(rename("d", "x") == 0 && access("x/e", F_OK) == 0);
	CHECK(stat(".", &st) == 0);
	CHECK(rename("b", "x/b") == 0 && rename("x/b", "x/b") == 0);
	FAILS(syscall(SYS_renameat2, AT_FDCWD, "x/b", AT_FDCWD, "x/e", 1), EEXIST);
	CHECK(syscall(SYS_renameat2, AT_FDCWD, "x/b", AT_FDCWD, "x/e", 2) == 0);
	CHECK(stat("x/b", &st) == 0 && S_ISDIR(st.st_mode));
	FAILS(syscall(SYS_renameat2, AT_FDCWD, "x/b", AT_FDCWD, "x/e", 3), EINVAL);
}

TEST(attributes)
{
	enter_dir();
	int fd = create("f", "12345");
	struct stat st;
	struct timespec t[2] = {{100, 200}, {300, UTIME_OMIT}};

	umask(027);
	CHECK(mkdir("d", 0777) == 0 && stat("d", &st) == 0);
	EQ(st.st_mode, S_IFDIR | 0750);
	EQ(st.st_nlink, 2);
	EQ(umask(022), 027);
	CHECK(chmod("f", 04711) == 0 && stat("f", &st) == 0);
	EQ(st.st_mode, S_IFREG | 04711);
	EQ(st.st_size, 5);
	time_t before = st.st_mtime;
	CHECK(utimensat(AT_FDCWD, "f", t, 0) == 0 && stat("f", &st) == 0);
	EQ(st.st_atim.tv_sec, 100);
	EQ(st.st_atim.tv_nsec, 200);
	EQ(st.st_mtime, before);
	t[0].tv_nsec = 2000000000;
	FAILS(utimensat(AT_FDCWD, "f", t, 0), EINVAL);
	CHECK(fchown(fd, 5, 6) == 0 && fstat(fd, &st) == 0);
	EQ(st.st_uid, 5);
	EQ(st.st_gid, 6);
	EQ(st.st_mode, S_IFREG | 0711);
	FAILS(fstat(99, &st), EBADF);
	FAILS(syscall(SYS_newfstatat, AT_FDCWD, "f", BAD, 0), EFAULT);
	FAILS(syscall(SYS_newfstatat, AT_FDCWD, "f", &st, 0x10), EINVAL);
	EQ(syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH), 0);
	FAILS(syscall(SYS_newfstatat, fd, "", &st, 0), ENOENT);
	FAILS(fstatat(fd, "x", &st, 0), ENOTDIR);
	FAILS(access("f", 8), EINVAL);
	struct statfs sf;
	CHECK(statfs(".", &sf) == 0 && sf.f_bsize > 0 && sf.f_namelen == 255);
}

TEST(not_root)
{
	enter_dir();
	close(create("f", "x"));
	CHECK(chmod("f", 0600) == 0 && chmod(".", 0755) == 0);
	CHECK(mkdir("open", 0777) == 0 && chmod("open", 0777) == 0);
	CHECK(mkdir("closed", 0700) == 0);
	CHECK(setgid(1000) == 0 && setuid(1000) == 0);
	FAILS(open("f", O_RDONLY), EACCES);
	FAILS(access("f", R_OK), EACCES);
	FAILS(unlink("f"), EACCES);
	FAILS(mkdir("d", 0777), EACCES);
	FAILS(open("closed/x", O_RDONLY), EACCES);
	FAILS(chdir("closed"), EACCES);
	FAILS(chmod("f", 0777), EPERM);
	FAILS(chown("f", 1000, 1000), EPERM);
	close(create("open/mine", "x"));
	CHECK(chmod("open/mine", 0) == 0);
	FAILS(open("open/mine", O_RDONLY), EACCES);
	FAILS(chroot("."), EPERM);
}

TEST(unlinked_file_keeps_mapping)
{
	enter_dir();
	int fd = create("f", "");
	CHECK(ftruncate(fd, 8192) == 0);
	char *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED && unlink("f") == 0 && close(fd) == 0);
	strcpy(p + 4090, "across the page");
	int status;
	if (fork() == 0) {
		strcpy(p, "child");
		_exit(strcmp(p + 4090, "across the page"));
	}
	CHECK(wait(&status) > 0 && status == 0);
	CHECK(strcmp(p, "child") == 0);
}

// Package rootfs puts together the guest's root file system: a newc cpio archive
// that QEMU hands to the kernel as its initrd.
//
// A Root is what the guest starts from: the built-in one, a directory, or a tar
// or cpio archive. What a run adds (the program, -file, the job description in
// /.yolk/run.json) takes the place of files of the same name. Everything is
// streamed: no archive is ever held in memory or unpacked on the host.
package rootfs

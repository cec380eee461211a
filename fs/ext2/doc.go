// Package ext2 keeps files on a disk in the second extended format: superblock,
// groups with their bitmaps, inodes, the maps of their blocks, and directories.
// It knows nothing of open files, caches of file contents or rights: package fs
// joins it to those, and moves file contents itself once GetBlocks has said where
// they lie.
//
// Where to begin: super.go (mounting, and what is common to all), buffer.go
// (blocks in memory), inode.go and bmap.go (files), dir.go (names), alloc.go (free
// blocks and inodes).
//
// FS.mu (ext2_sem) guards all of a file system. It comes after page locks, and
// while it is held nobody asks for memory that reclaim would have to find: the
// buffers are frames that the mount took, so a file's pages can be written when
// there is no memory at all.
//
// Nothing on the disk is trusted. A number that leads out of the disk, a
// directory entry that reaches out of its block, a bitmap that denies what is
// being freed: the call that met it ends with EUCLEAN, one that met a block
// that cannot be read with EIO, and everything else goes on.
//
// Of the format's options it knows file types in directories, sparse superblocks
// and large files; it mounts what has others that writers must know for reading
// only, and what has others that readers must know not at all. Indexed
// directories are used and kept as plain ones, as the format intends.
package ext2

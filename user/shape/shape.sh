# Prints the files of /proc, /dev and /sys that programs read, each under its name.
file() {
	echo "==> $1"
	cat "$1" 2>/dev/null
}
for f in meminfo mounts filesystems swaps sysvipc/shm \
	self/maps self/smaps self/smaps_rollup self/status self/stat self/statm self/mounts self/mountinfo \
	self/limits self/oom_score self/oom_score_adj self/coredump_filter self/comm \
	sys/kernel/pid_max sys/kernel/shmmax sys/kernel/shmall sys/kernel/shmmni sys/kernel/shm_next_id \
	sys/kernel/core_pattern sys/kernel/tainted \
	sys/vm/max_map_count sys/vm/min_free_kbytes sys/vm/nr_hugepages \
	loadavg uptime stat version; do
	file /proc/$f
done
sleep 1000 &
echo "==> /proc/PID/stat"
cat /proc/$!/stat
echo "==> /proc/PID/oom_score_adj"
cat /proc/$!/oom_score_adj
kill $!
for f in online possible present; do
	file /sys/devices/system/cpu/$f
done
for f in dev size ro removable uevent; do
	file /sys/block/vda/$f
done
file /sys/dev/block/254:0/uevent
# Of files that are no text: what kind they are, and how much of them is read.
for f in /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty /dev/shm \
	/proc/sys/vm/drop_caches /proc/sys/vm/compact_memory /proc/kpageflags /proc/self/pagemap; do
	echo "==> kind of $f"
	stat -c '%F %t:%T %A' $f
done
for f in /proc/self/pagemap /proc/kpageflags /dev/zero /dev/null; do
	echo "==> read $f"
	dd if=$f bs=8 count=4 2>/dev/null | wc -c
done
for f in /proc/mounts /proc/self/exe /proc/self/cwd /proc/self/root; do
	echo "==> link $f"
	readlink $f
done
for f in drop_caches compact_memory; do
	echo "==> read $f"
	cat /proc/sys/vm/$f >/dev/null 2>&1 || echo "refused"
done

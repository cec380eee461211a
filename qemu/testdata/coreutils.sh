# Commands of coreutils, each on files of its own: the output is the same on any
# Linux host.
set -u
export LC_ALL=C TZ=UTC
mkdir work && cd work || exit 1

echo "== text"
printf 'pear 3\napple 10\nfig 2\napple 9\n' >fruit
sort fruit; sort -k2,2n fruit; sort -u -k1,1 fruit; sort -r fruit | head -n 1
cut -d' ' -f1 fruit | sort | uniq -c
seq 1 5 | tac; seq -s, 1 10; seq 1 100000 | tail -n 2
seq 1 1000 | shuf --random-source=/dev/zero | sort -n | md5sum
tr a-z A-Z <fruit; wc fruit; nl fruit; fold -w 4 fruit
paste fruit fruit | expand -t 12; join <(sort fruit) <(echo "fig tree") 2>&1
comm -12 <(seq 1 8) <(seq 5 9); printf '1\t2\n' | unexpand -a | od -c
seq 1 20 | split -l 7 - part-; wc -l part-*; cat part-* | cksum
seq 1 20 | csplit -q - 5 12; ls xx*; seq 1 6 | pr -2 -t -l 3
echo 'a b\nb c\nc d' | tr '\\n' '\n' | tsort 2>/dev/null | head -n 4
printf '%5.2f|%-6s|%06d|%x|%o|%e\n' 3.14159 left 42 255 8 12345.678
numfmt --to=iec 1048576 1500 123456789; factor 1234567890 97; expr 6 \* 7
echo 12345678901234567890123 | numfmt --grouping 2>/dev/null; fmt -w 20 <<<"some words that do not fit on one line"

echo "== sums"
seq 1 30000 >numbers
md5sum numbers; sha1sum numbers; sha256sum numbers; sha512sum numbers; b2sum numbers; cksum numbers; sum numbers
sha256sum numbers >sums && sha256sum -c sums
base64 fruit; base64 fruit | base64 -d | cmp - fruit && echo same; base32 fruit; od -An -tx1z fruit
head -c 100000 numbers | tail -c 1000 | md5sum

echo "== files"
mkdir -p a/b/c; touch -d '2001-02-03 04:05:06' a/b/c/old; stat -c '%n %s %Y %a %F' a/b/c/old
cp -a a copy; ls -lR --time-style=+%s copy | grep old | tr -s ' ' | cut -d' ' -f 1,2,5-
ln fruit hard; ln -s fruit soft; stat -c '%h %F' hard soft; readlink soft; readlink -f soft | xargs basename
mv hard moved; test -e hard || echo "hard is gone"; cmp fruit moved && echo same
install -m 750 fruit installed; stat -c %a installed
chmod u=rw,go= fruit; stat -c %A fruit; chmod 4755 fruit; stat -c %A fruit
truncate -s 1M sparse; stat -c %s sparse; du -k --apparent-size sparse; dd if=/dev/zero of=sparse bs=4k count=2 seek=3 conv=notrunc status=none; md5sum sparse
mkfifo pipe; (echo through a pipe >pipe &); cat pipe; mktemp -u tmp.XXXX | wc -c
rm -r copy; rmdir a 2>/dev/null || echo "not empty"; rm -rf a; ls
ls -1 --sort=size part-* xx* | head -n 3; dir -1 part-*; du -s . >/dev/null && echo "du ran"
tee one two <fruit >/dev/null; cmp one two && echo same; shred -u one; test -e one || echo shredded
realpath -m /usr/../tmp/./x; dirname /a/b/c; basename /a/b/c.txt .txt; pathchk good-name && echo good
df . >/dev/null && echo "df ran"; sync two && echo synced; touch -r two three && echo touched

echo "== processes"
env -i A=1 env; env A=2 printenv A; id -u; nproc --all >/dev/null && echo counted
timeout 0.2 sleep 5; echo "timeout $?"; timeout -s KILL 0.2 sleep 5; echo "timeout $?"
nice -n 5 nice; nohup echo unhung 2>/dev/null; stdbuf -o0 echo unbuffered 2>/dev/null || echo unbuffered
sleep 0.1; true && echo true; false || echo false; test 5 -gt 3 && echo greater; [ a = b ] || echo differ
date -d '@1000000000' '+%Y-%m-%d %H:%M:%S'; date -d '2024-02-28 +2 days' +%F; date -u -d @0 +%c
yes | head -n 10000 | wc -l; yes no | head -c 100000 | md5sum; kill -l TERM; kill -l 9
uname -s; uname -m; tty </dev/null; echo "tty $?"; stty -a </dev/null 2>/dev/null; echo "stty $?"
(ulimit -n 64; ls /proc/self/fd >/dev/null && echo limited); cat /nonexistent 2>/dev/null; echo "cat $?"
cat /dev/null; head -c 8 /dev/zero | od -An -tx1; echo lost >/dev/full; echo "full $?"

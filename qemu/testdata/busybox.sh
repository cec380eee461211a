# Applets of busybox, run through its shell.
set -u
export TZ=UTC
mkdir work && cd work || exit 1

echo "== text"
seq 1 10 | awk '{ s += $1 } END { print s, NR }'; printf 'c\na\nb\n' | sort; echo abc | rev; seq 3 | tac
printf 'x=1\ny=2\n' | sed -n 's/\(.\)=\(.\)/\2=\1/p'; echo hello | tr a-y b-z; seq 1 9 | paste -s -d+ - | bc 2>/dev/null
printf 'one two\nthree\n' | wc; seq 1 100 | grep -c 9; seq 1 100 | grep -E '^(1|2)0$'; echo 'a,b' | cut -d, -f2
printf 'a\nb\n' >l; printf 'a\nc\n' >r; diff l r; cmp l r; uniq l; nl l; expand l | head -n 1
seq 1 30 | fold -w 10 | head -n 2; echo text | od -An -c; echo text | hexdump -C; echo text | xxd 2>/dev/null; strings -n 3 l; dc -e '2 3 * p' 2>/dev/null
patch l <<'END'
--- l
+++ l
@@ -1,2 +1,2 @@
 a
-b
+patched
END
cat l; printf '%s-%03d\n' a 7; factor 1001; expr 3 + 4

echo "== sums and archives"
seq 1 5000 >n; md5sum n; sha1sum n; sha256sum n; sha512sum n; base64 n | md5sum
mkdir d; cp n d/n1; ln -s n1 d/link; tar cf d.tar d; tar tf d.tar | sort; rm -r d; tar xf d.tar; readlink d/link; cmp n d/n1 && echo same
gzip -k n; zcat n.gz | cmp - n && echo same; gunzip -c n.gz | wc -l; bzip2 -k n 2>/dev/null && bunzip2 -c n.bz2 | cmp - n && echo same
find d | sort | cpio -o -H newc 2>/dev/null >d.cpio; cpio -t <d.cpio 2>/dev/null; uuencode x <l | uudecode -o - | cmp - l && echo same

echo "== files"
touch f; chmod 640 f; stat -c '%a %s %F' f; ln f g; stat -c %h f; mv g h; rm h; mkdir -p a/b; rmdir a/b a; test -d a || echo gone
dd if=/dev/zero of=z bs=1k count=9 2>/dev/null; wc -c <z; truncate -s 5 z; wc -c <z; du -k n | cut -f2; find . -name 'n*' | sort
mktemp -u XXXXXX | wc -c; realpath f | xargs basename; dirname a/b; mkfifo p; (echo piped >p &) ; cat p; install -D f i 2>/dev/null || cp -p f i; stat -c %a i
tee t <l >/dev/null; cmp t l && echo same; ls -1 | wc -l; tail -n 1 n; tail -c 5 n; head -c 5 n
fallocate -l 100 q && wc -c <q; sync; chown 1:2 f && stat -c '%u %g' f; df . >/dev/null && echo df; shred -u q 2>/dev/null; setsid echo session

echo "== processes"
timeout 1 echo in time; timeout 1 sleep 5; echo "status $?"; (sleep 9 & kill $!; wait $! 2>/dev/null; echo "ended $?")
env -i A=b env; id -u; which sh >/dev/null && echo found; usleep 1000; pidof nonesuch || echo none; ps >/dev/null && echo listed
nohup echo hup 2>/dev/null; xargs -n 2 echo <<END
1 2
3
END
date -d @1000000000 '+%F %T'; cal 2 2024 | head -n 1; uname -s; nproc >/dev/null && echo counted; free >/dev/null && echo freed; uptime >/dev/null && echo up
start-stop-daemon -S -x /bin/true 2>/dev/null; time -p true 2>&1 | cut -d' ' -f1; renice -n 1 -p $$ && echo reniced
sh -c 'trap "echo trapped" TERM; kill -TERM $$'; stty -a </dev/null 2>/dev/null || echo "no terminal"; run-parts /nonexistent 2>/dev/null || echo no parts
yes | head -n 3; sleep 0.1; seq 1 3 | while read -r i; do echo "read $i"; done; wc -l </proc/self/status | grep -q . && echo status; exit 5

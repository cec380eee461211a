# What a shell does all day: pipelines, redirections, substitution, loops, jobs.
# Its output on a Linux host, with the same busybox, is what is expected.
set -u
cd /tmp || exit 1
mkdir -p yolk-script && cd yolk-script || exit 1

echo "== pipelines"
seq 1 100 | grep 7 | wc -l
seq 1 20 | sort -rn | head -n 3 | tr '\n' ' '; echo
printf 'b\na\nc\na\n' | sort | uniq -c | awk '{ print $2 "=" $1 }'
yes | head -n 1000 | md5sum
echo "a:b:c" | cut -d: -f2 | sed 's/b/B/'

echo "== files"
echo first >f; echo second >>f; cat f; wc -c <f
cp f g && cmp f g && echo same
mv g h; ls; [ -e g ] || echo "g is gone"
ln -s f link; readlink link; cat link
dd if=/dev/zero of=zeros bs=1024 count=64 2>/dev/null; wc -c <zeros
chmod 600 f; stat -c %a f
mkdir -p d/e/g; touch d/e/g/file; find d | sort
rm -r d; ls | sort | tr '\n' ' '; echo
head -c 5 zeros | od -An -tx1

echo "== shell"
n=0; for i in 1 2 3 4 5; do n=$((n + i * i)); done; echo $n
square() { echo $(($1 * $1)); }
echo "$(square 12) $(echo nested "$(echo deep)")"
case hello.txt in *.txt) echo text ;; *) echo other ;; esac
cat <<END | tr a-z A-Z
here is a document
END
i=0; while [ $i -lt 3 ]; do i=$((i + 1)); echo "round $i"; done
(exit 3); echo "status $?"
false || echo "or"; true && echo "and"
sh -c 'exit 42'; echo "child $?"
sh -c 'kill -TERM $$'; echo "killed $?"
echo to-stderr >&2
{ echo one; echo two; } 2>&1 | wc -l
x=$(ls /nonexistent 2>&1); echo "ls $?"
trap 'echo trapped' USR1; kill -USR1 $$

echo "== jobs"
sleep 0.1 & wait $!; echo "waited $?"
for i in 1 2 3; do (echo job $i >job$i) & done; wait; cat job1 job2 job3
(sleep 10 & pid=$!; kill $pid; wait $pid 2>/dev/null; echo "ended $?")
seq 1 5 | while read n; do echo "line $n"; done | tail -n 1
seq 1 3 | xargs -n 1 echo arg

cd / && rm -r /tmp/yolk-script && echo "done"

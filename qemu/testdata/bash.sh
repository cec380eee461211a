# What bash has beyond a plain shell, and the system calls behind it.
export LC_ALL=C TZ=UTC

echo "== words"
a=(zero one "two three"); echo "${#a[@]} ${a[2]} ${a[@]:1:1}"; a+=(four); echo "${!a[*]}"
declare -A m=([x]=1 [y]=2); m[z]=3; for k in $(printf '%s\n' "${!m[@]}" | sort); do echo "$k=${m[$k]}"; done
s=abcdefgh; echo "${s:2:3} ${s^^} ${s/cd/__} ${s#ab} ${s%gh} ${#s} ${s@Q}"
echo {1..5} {a..e..2} x{1,2}y; echo $((2**40 % 1000)) $((16#ff)) $((1<<20))
[[ foobar =~ ^f(o+)b ]] && echo "${BASH_REMATCH[1]}"; [[ abc == a* ]] && echo glob
printf -v out '%03d-%s' 7 seven; echo "$out"; mapfile -t lines < <(seq 3); echo "${lines[@]}"
set -- a b c; shift; echo "$# $*"; IFS=: read -r x y z <<<"1:2:3"; echo "$z$y$x"

echo "== control"
f() { local v=$1; ((v > 0)) && { echo -n "$v "; f $((v - 1)); }; }; f 5; echo
case word in w*d) echo matched ;;& *) echo "and again" ;; esac
for ((i = 0; i < 3; i++)); do echo -n "$i "; done; echo
until ((i == 0)); do ((i--)); done; echo "$i"
select_() { while read -r line; do [[ $line == stop ]] && break; echo "got $line"; done; }; printf 'a\nb\nstop\nc\n' | select_
(set -e; false; echo never); echo "status $?"
(set -o pipefail; false | true; echo "pipe $? ${PIPESTATUS[*]}"); false | true | (exit 3); echo "${PIPESTATUS[@]}"

echo "== processes"
coproc CAT { cat; }; echo hello >&"${CAT[1]}"; read -r reply <&"${CAT[0]}"; echo "$reply"; pid=$CAT_PID; kill "$pid"; wait "$pid" 2>/dev/null; echo "coproc $?"
diff <(echo a) <(echo b) >/dev/null 2>&1; cat <(echo one) <(echo two)
sleep 30 & kill %1; wait $! 2>/dev/null; echo "killed $?"
p=(); for n in 3 1 2; do (exit "$n") & p+=("$!"); done; r=; for n in "${p[@]}"; do wait "$n"; r+="$? "; done; for n in $r; do echo "ended $n"; done | sort
trap 'echo got USR1' USR1; kill -USR1 $$; trap 'echo leaving' EXIT
(trap 'echo sub; exit 4' TERM; kill -TERM "$BASHPID"; sleep 1); echo "sub $?"
exec 5>log; echo logged >&5; exec 5>&-; cat log; exec 6<>log; read -r -u 6 line; echo "$line"; rm log
bash -c 'kill -SEGV $$' 2>/dev/null; echo "segv $?"; bash -c 'exec -a name bash -c "echo \$0"'
ulimit -n 128; ulimit -n; (umask 027; umask; : >made; stat -c %a made)
time_() { local TIMEFORMAT=%0R; { time sleep 0.1; } 2>&1; }; time_
bash -c 'echo $PPID' | grep -qx "$$" && echo parent; : | { read -r none || echo empty; }
set -m; sleep 0.1 & wait; jobs; set +m
x=$(for i in {1..200}; do echo -n "$i"; done | wc -c); echo "$x"; for i in {1..50}; do /bin/true; done; echo forked
{ echo to-stderr >&2; } 2>&1; read -r -t 0.1 never < <(sleep 1); echo "late $(($? > 128))"
history -c; type -t cd ls_ f; hash -r; enable -n echo 2>/dev/null; enable echo; help : >/dev/null && echo helped
exit 6

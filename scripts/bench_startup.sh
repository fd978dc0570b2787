#!/usr/bin/env bash
# How long from the start of a step to its first answer, and how much memory it takes.
#
#   cargo build --release --bin step8 && scripts/bench_startup.sh target/release/step8
#
# Starts it eleven times with the same keys, takes the time from before the start until the answer to GET /health has
# arrived, and reads the resident memory (VmHWM, the peak) from /proc. The first start makes the key pair and is not
# counted. Needs Linux and bash 5.
set -euo pipefail
program=${1:-target/release/step8}
[ -x "$program" ] || { echo "$program is not there: cargo build --release --bin $(basename "$program")" >&2; exit 1; }
[ -n "${EPOCHREALTIME:-}" ] || { echo "bash 5 is needed, this is $BASH_VERSION" >&2; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/mcp-auth.XXXXXX") pid=''
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null || true; rm -rf "$work"' EXIT
micros() { printf '%s' "${EPOCHREALTIME/[.,]/}"; }

mkfifo "$work/out"
for round in 0 1 2 3 4 5 6 7 8 9 10; do
    start=$(micros)
    "$program" --port 0 --keys-dir "$work/keys" >"$work/out" 2>/dev/null &
    pid=$! port=''
    exec 3<"$work/out"
    while [ -z "$port" ] && IFS= read -r -t 60 line <&3; do
        case $line in *"listening on http"*) port=${line##*:} ;; esac
    done
    [ -n "$port" ] || { echo "$program did not come to listen" >&2; exit 1; }
    exec 4<>"/dev/tcp/127.0.0.1/$port"
    printf 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&4
    IFS= read -r answer <&4
    end=$(micros)
    case $answer in *" 200 "*) ;; *) echo "unexpected answer: $answer" >&2; exit 1 ;; esac
    memory=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$pid/status")
    kill "$pid"; wait "$pid" || true
    pid=''
    exec 3<&- 4<&-
    [ "$round" -eq 0 ] || printf '%d %d\n' $((end - start)) "$memory"
done >"$work/raw"
sort -n "$work/raw" >"$work/rounds"

awk '{ time[NR] = $1 / 1000; if ($2 > memory) memory = $2 }
    END { printf "first answer: %.1f ms (median of %d, slowest %.1f ms); memory: %.1f MB\n",
        time[int((NR + 1) / 2)], NR, time[NR], memory / 1024 }' "$work/rounds"

#!/usr/bin/env bash
# Hostile bytes for every parser, two at a time.
#
#   scripts/fuzz.sh [SECONDS] [TARGET...]              SECONDS for each target (default 20), all unless some are named
#   COVER=all scripts/fuzz.sh [SECONDS] [TARGET...]    the libraries are watched too, not just our own code; their build
#                                                      takes some minutes
#
# A crash, an answer that takes longer than a second, or more than 1 GiB of memory ends a target; the bytes that did it are
# then in tests/fuzz/artifacts. Needs a C++ compiler. What a run learns is kept in tests/fuzz/corpus, which git ignores;
# the seeds in tests/fuzz/seeds are what it begins with. LANES=1: one at a time.
set -euo pipefail
cd "$(dirname "$0")/../tests/fuzz"
case ${1:-20} in -h | --help) sed -n '2,${/^#/!q;s/^# \{0,1\}//p;}' "../../scripts/fuzz.sh"; exit ;; 0 | *[!0-9]*) echo "how many seconds? see scripts/fuzz.sh --help" >&2; exit 2 ;; esac
export SECONDS_EACH=${1:-20}
shift $(($# > 0 ? 1 : 0))
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then for file in targets/*.rs; do targets+=("$(basename "$file" .rs)"); done; fi

# What libFuzzer wants to know of a program: counters on every edge, and both sides of every comparison. No sanitizer:
# there is no unsafe code of ours for it to watch (unsafe_code = "forbid").
export COVERAGE="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares -Cllvm-args=-simplifycfg-branch-fold-threshold=0"
mkdir -p target
# The very libraries that the programs are built from.
[ Cargo.lock -nt ../../Cargo.lock ] || cp ../../Cargo.lock Cargo.lock
build() { # cargo's messages, only when it did not work
  local start=$SECONDS
  "$@" >target/build.log 2>&1 || { grep -E -A12 '^error' target/build.log || cat target/build.log; exit 1; }
  echo "built in $((SECONDS - start)) s"
}
if [ "${COVER:-own}" = all ]; then
  host=$(rustc -vV | sed -n 's/^host: //p')
  RUSTFLAGS=$(tr -s '\n ' ' ' <<<"$COVERAGE") build cargo build --release --target "$host" --target-dir target
  export PROGRAMS=target/$host/release
else
  folder=${CARGO_TARGET_DIR:-$PWD/../../target}
  CARGO_INCREMENTAL=0 RUSTC_WRAPPER=$PWD/rustc.sh build cargo build --target-dir "$folder"
  export PROGRAMS=$folder/debug
fi

# Files that a target writes are read at once; in memory no slow disk makes an answer late.
if [ -w /dev/shm ]; then TMPDIR=$(mktemp -d /dev/shm/fuzz.XXXXXX); else TMPDIR=$(mktemp -d); fi
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT

fuzz() { # fuzz TARGET: one line when it was good
  local target=$1 log=target/$1.log start=$SECONDS
  mkdir -p "corpus/$target" "artifacts/$target"
  stat() { sed -n "s/^stat::$1: *//p" "$log"; }
  # libFuzzer itself can stop for good when its alarm rings in the middle of an allocation.
  if timeout -k 5 $((SECONDS_EACH + 60)) "$PROGRAMS/$target" "corpus/$target" "seeds/$target" -artifact_prefix="artifacts/$target/" \
    -max_total_time="$SECONDS_EACH" -timeout=1 -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1 >"$log" 2>&1; then
    echo "ok   $target: $(stat number_of_executed_units) inputs in $((SECONDS - start)) s, $(stat peak_rss_mb) MB at most"
  else
    echo "FAIL $target, see tests/fuzz/artifacts/$target:"
    grep -vE '^ +([0-9]+:|at )' "$log" | tail -n 40
  fi
}
export -f fuzz
printf '%s\n' "${targets[@]}" | xargs -P "${LANES:-2}" -I{} bash -c 'fuzz "$1"' fuzz {} | tee target/results
failed=$(grep -c '^FAIL ' target/results || true)
passed=$(grep -c '^ok   ' target/results || true)
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -eq ${#targets[@]} ]

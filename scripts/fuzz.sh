#!/usr/bin/env bash
# Hostile bytes for every parser, one after the other.
#
#   scripts/fuzz.sh [SECONDS] [TARGET...]   SECONDS for each target (default 20), all targets unless some are named
#
# A crash, an answer that takes longer than a second, or more than 1 GiB of memory ends it; the bytes that did it are
# then in tests/fuzz/artifacts. Needs cargo-fuzz (cargo install cargo-fuzz --locked) and a C++ compiler. What a run
# learns is kept in tests/fuzz/corpus, which git ignores; the seeds in tests/fuzz/seeds are what it begins with.
set -euo pipefail
cd "$(dirname "$0")/../tests/fuzz"
seconds=${1:-20}
shift $(($# > 0 ? 1 : 0))
# Coverage instrumentation is still marked unstable in the compiler, in a stable one too. No sanitizer: there is no
# unsafe code of ours for it to watch (unsafe_code = "forbid").
export RUSTC_BOOTSTRAP=1

command -v cargo-fuzz >/dev/null || { echo "cargo-fuzz is missing: cargo install cargo-fuzz --locked" >&2; exit 1; }
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cargo fuzz list --fuzz-dir .)
mkdir -p target
if ! cargo fuzz build --fuzz-dir . --sanitizer none >target/build.log 2>&1; then
  grep -E -A12 '^error' target/build.log
  exit 1
fi
programs=target/$(rustc -vV | sed -n 's/^host: //p')/release

failed=0
for target in "${targets[@]}"; do
  log=target/$target.log
  mkdir -p "corpus/$target" "artifacts/$target"
  start=$SECONDS
  if "$programs/$target" "corpus/$target" "seeds/$target" -artifact_prefix="artifacts/$target/" \
    -max_total_time="$seconds" -timeout=1 -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1 >"$log" 2>&1; then
    stat() { sed -n "s/^stat::$1: *//p" "$log"; }
    echo "ok   $target: $(stat number_of_executed_units) inputs in $((SECONDS - start)) s, $(stat peak_rss_mb) MB at most"
  else
    failed=$((failed + 1))
    echo "FAIL $target, see tests/fuzz/artifacts/$target:"
    grep -vE '^ +([0-9]+:|at )' "$log" | tail -n 40
  fi
done
echo "$((${#targets[@]} - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]

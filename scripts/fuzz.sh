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
fuzz() { cargo fuzz "$@"; }

command -v cargo-fuzz >/dev/null || { echo "cargo-fuzz is missing: cargo install cargo-fuzz --locked" >&2; exit 1; }
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(fuzz list --fuzz-dir .)
fuzz build --fuzz-dir . --sanitizer none 2>&1 | grep -vE '^ *(Compiling|Finished|Downloaded)' || true

failed=0
for target in "${targets[@]}"; do
  mkdir -p "corpus/$target"
  start=$SECONDS
  if fuzz run --fuzz-dir . --sanitizer none "$target" "corpus/$target" "seeds/$target" -- \
    -max_total_time="$seconds" -timeout=1 -rss_limit_mb=1024 -max_len=16384 -print_final_stats=1 \
    >"target/$target.log" 2>&1; then
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "target/$target.log")
    memory=$(sed -n 's/^stat::peak_rss_mb: *//p' "target/$target.log")
    slowest=$(sed -n 's/^stat::slowest_unit_time_sec: *//p' "target/$target.log")
    echo "ok   $target: $runs inputs in $((SECONDS - start)) s, $memory MB at most, slowest under $((slowest + 1)) s"
    :
  else
    failed=$((failed + 1))
    echo "FAIL $target:"
    grep -vE "^ +([0-9]+:|at )" "target/$target.log" | tail -n 40
  fi
done
echo "$((${#targets[@]} - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]

#!/usr/bin/env bash
# What the first build costs: CPU seconds of `cargo build --bin step1`, then of `cargo test`, from an empty target folder.
#
#   scripts/bench_build.sh            both (about five minutes on two cores)
#   scripts/bench_build.sh --build    the first build only
#
# Downloads come first and do not count. The target folder is temporary; the one of this checkout stays as it is.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in
    '' | --build) ;;
    *) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//p;}' "$0"; [ "$1" = --help ]; exit ;;
esac
work=$(mktemp -d "${TMPDIR:-/tmp}/mcp-build.XXXXXX")
trap 'rm -rf "$work"' EXIT
export CARGO_TARGET_DIR=$work CARGO_INCREMENTAL=1
TIMEFORMAT='%R %U %S'

# measure WHAT AIM COMMAND..: elapsed and CPU seconds, and whether the CPU seconds are within the aim
measure() {
    local what=$1 aim=$2 times
    shift 2
    { times=$({ time "$@" >"$work/output" 2>&1; } 2>&1); } || { cat "$work/output" >&2; exit 1; }
    awk -v what="$what" -v aim="$aim" '{
        cpu = $2 + $3
        printf "%-32s %4.0f s elapsed, %4.0f s CPU, aim under %d s: %s\n", what, $1, cpu, aim, cpu < aim ? "ok" : "missed"
        exit cpu >= aim
    }' <<<"$times"
}

cargo fetch --locked --quiet
ok=0
measure "cargo build --bin step1" 200 cargo build --locked --bin step1 || ok=1
[ "${1:-}" = --build ] || measure "cargo test, after that" 320 cargo test --locked || ok=1
exit $ok

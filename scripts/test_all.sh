#!/usr/bin/env bash
# Every test script, one after the other, each with a server of its own on a free port.
#
# Step 10 and Keycloak's own checks need a Keycloak: they run when one answers at KEYCLOAK_URL (default
# http://localhost:8080), or with --keycloak, which fails when there is none (start one with scripts/keycloak.sh).
#
#   --keycloak   Keycloak must be there
#   -v           show every request and answer, not only what failed
set -euo pipefail
cd "$(dirname "$0")/.."

keycloak='' verbose=''
for arg in "$@"; do
    case $arg in
        --keycloak) keycloak=yes ;;
        -v | --verbose) verbose=yes ;;
        -h | --help) sed -n '2,${/^#/!q;s/^# \{0,1\}//p;}' "$0"; exit 0 ;;
        *) echo "unknown argument $arg; see $0 --help" >&2; exit 1 ;;
    esac
done
# Each script starts its own step; a server that somebody else runs can only be one of them.
[ -z "${BASE_URL:-}" ] || { echo "BASE_URL is for one script; run scripts/test_stepN.sh" >&2; exit 1; }
unset TOKEN KEYS

if [ -z "${STEP_BIN_DIR:-}" ]; then
    cargo build --bins
    export STEP_BIN_DIR=${CARGO_TARGET_DIR:-$PWD/target}/debug
fi

scripts=''
for number in 1 2 3 4 5 6 7 8 9 11; do
    [ ! -e "scripts/test_step$number.sh" ] || scripts="$scripts scripts/test_step$number.sh"
done
realm=${KEYCLOAK_URL:-http://localhost:8080}/realms/${KEYCLOAK_REALM:-mcp-realm}
if [ -n "$keycloak" ] || curl -sf --max-time 3 "$realm" >/dev/null 2>&1; then
    for name in test_keycloak test_step10; do
        [ ! -e "scripts/$name.sh" ] || scripts="$scripts scripts/$name.sh"
    done
else
    echo "no Keycloak at $realm: test_keycloak.sh and test_step10.sh are left out (start one: scripts/keycloak.sh)"
fi

output=$(mktemp "${TMPDIR:-/tmp}/mcp-auth.XXXXXX")
trap 'rm -f "$output"' EXIT
passed=0 failed=0
for script in $scripts; do
    status=0
    if [ -n "$verbose" ]; then "$script" </dev/null 2>&1 | tee "$output" || status=$?
    else "$script" </dev/null >"$output" 2>&1 || status=$?; fi
    counts=$(sed -n -E 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$output" | tail -1)
    # A script that was cut short has no last line; that is a failure of its own.
    read -r ok bad <<<"${counts:-0 1}"
    [ "$status" -eq 0 ] || [ "$bad" -gt 0 ] || bad=1
    printf '%-28s %4d passed, %d failed\n' "$script" "$ok" "$bad"
    if [ "$bad" -gt 0 ] && [ -z "$verbose" ]; then
        grep -B 12 -E '^  (.\[[0-9;]*m)?FAIL' "$output" || tail -30 "$output"
        echo "all of it: $script"
    fi
    passed=$((passed + ok)) failed=$((failed + bad))
done

printf '\n%s\n' "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

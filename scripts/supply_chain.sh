#!/usr/bin/env bash
# What these programs are built from, held against .ci/deny.toml: licenses, banned crates, where the sources come from, and
# known vulnerabilities (RustSec).
#
# The list of vulnerabilities is fetched from github.com. Where that cannot be reached the rest is checked and the last line
# says that this part is missing; ADVISORIES=required makes that a failure. cargo-deny is taken from the PATH, or built once
# into $XDG_CACHE_HOME/mcp-auth-step-by-step, without optimization, because it has little to do.
set -euo pipefail
cd "$(dirname "$0")/.."
version=0.20.2
case ${1:-} in -h | --help) sed -n '2,${/^#/!q;s/^# \{0,1\}//p;}' "scripts/$(basename "$0")"; exit ;; esac

cache=${XDG_CACHE_HOME:-$HOME/.cache}/mcp-auth-step-by-step/cargo-deny-$version
deny=$(command -v cargo-deny || true)
if [ -z "$deny" ]; then
    deny=$cache/bin/cargo-deny
    if [ ! -x "$deny" ]; then
        echo "building cargo-deny $version into $cache"
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
        if ! CARGO_PROFILE_DEV_DEBUG=0 CARGO_INCREMENTAL=0 cargo install cargo-deny --version "$version" --locked --debug --quiet \
            --root "$cache" --target-dir "$work/target" 2>"$work/log"; then
            cat "$work/log" >&2
            exit 1
        fi
    fi
fi

check() { "$deny" --log-level error --config .ci/deny.toml "$@"; }
echo "Cargo.toml: licenses, bans, sources"
check check --hide-inclusion-graph licenses bans sources
# These are nobody's to link and hand on, so their licenses do not matter.
echo "tests/fuzz/Cargo.toml: bans, sources"
[ tests/fuzz/Cargo.lock -nt Cargo.lock ] || cp Cargo.lock tests/fuzz/
check --manifest-path tests/fuzz/Cargo.toml check --hide-inclusion-graph bans sources

if check fetch db >/dev/null 2>&1; then
    echo "Cargo.toml: known vulnerabilities"
    check --offline check advisories
else
    printf '\n!!! known vulnerabilities were NOT checked: the list at github.com/RustSec/advisory-db cannot be reached !!!\n'
    [ "${ADVISORIES:-}" != required ]
fi

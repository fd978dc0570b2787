#!/usr/bin/env bash
# Tries the exercises: each patch in this folder must apply, and must make the test fail that its first lines name; without
# the patch the same test must pass. Works on a copy of the repository in target/break_it and leaves your files alone.
#
#   scripts/break_it/check.sh          all exercises
#   scripts/break_it/check.sh 6 7      those of steps 6 and 7
#
# Needs git, curl and jq. The libraries are taken from target/debug where they are built already.
set -euo pipefail
case ${1:-} in -h | --help) sed -n '2,${/^#/!q;s/^# \{0,1\}//p;}' "$0"; exit ;; esac
cd "$(dirname "$0")/../.."

built=${CARGO_TARGET_DIR:-$PWD/target}/debug
folder=$PWD/target/break_it
tree=$folder/tree
export CARGO_TARGET_DIR=$folder CARGO_TERM_COLOR=never
unset BASE_URL STEP_BIN_DIR
rm -rf "$tree"
mkdir -p "$tree" "$folder/debug"
git ls-files -z --cached --others --exclude-standard | tar --null -T - -cf - | tar -xf - -C "$tree"
for part in deps build .fingerprint; do # hard links where the system has them
    if [ -d "$built/$part" ] && [ ! -d "$folder/debug/$part" ]; then
        cp -al "$built/$part" "$folder/debug/" 2>/dev/null || cp -R "$built/$part" "$folder/debug/"
    fi
done

steps=("$@")
[ ${#steps[@]} -gt 0 ] || steps=({1..11})
passed=0 failed=0
ok() { passed=$((passed + 1)); echo "ok    $1"; }
fail() { failed=$((failed + 1)); echo "FAIL  $1"; }
field() { sed -n "s/^$1: *//p;/^diff /q" "$patch"; } # of the lines above the patch
# The scenarios of a script in which a check failed, and the tests of cargo that failed.
failures() { awk '/^== /{at = substr($0, 4)} /^ *FAIL /{print at} /^test .* FAILED$/{print $2}' "$folder/output"; }
# run COMMAND: with its output in $folder/output; compilers and servers say the rest there, too
run() { (cd "$tree" && bash -c "$1") >"$folder/output" 2>&1 </dev/null; }

for step in "${steps[@]}"; do
    patch=scripts/break_it/step$step.patch
    if [ ! -f "$patch" ]; then fail "step $step has an exercise"; continue; fi
    test=$(field test) names=$(field fails)
    if run "$test"; then ok "step $step: $test passes"; else fail "step $step: $test passes"; tail -20 "$folder/output"; fi
    if ! git apply --directory="${tree#"$PWD/"}" "$patch"; then fail "step $step: the patch applies"; continue; fi
    if run "$test"; then
        fail "step $step, broken: $test fails"
    elif failures | grep -qxF "$names"; then
        ok "step $step, broken: $names"
    else
        fail "step $step, broken: $names"
        failures | sort -u | sed 's/^/      instead: /'
        grep -E '^error' -A 8 "$folder/output" || true
    fi
    git apply --reverse --directory="${tree#"$PWD/"}" "$patch"
done
printf '\n%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]

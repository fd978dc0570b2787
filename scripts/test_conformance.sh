#!/usr/bin/env bash
# The official conformance suite against step 9, for both requirement sets, compared with the list below.
#
# The list is what a server without the suite's own fixture tools can pass; it may grow, and must not shrink. The suite
# cannot log in, so a proxy beside it adds the token. MCP_CONFORMANCE_DIR is the folder of run_server.sh (default:
# ../shared/conformance beside this project); needs node and npm.
. "$(dirname "$0")/lib.sh"

SUITE=${MCP_CONFORMANCE_DIR:-$REPO/../shared/conformance}
[ -x "$SUITE/run_server.sh" ] || die "no conformance suite in $SUITE; set MCP_CONFORMANCE_DIR to the folder of run_server.sh"

# Passed strictly: no failure and no warning.
STRICT_2025_11_25='server-initialize ping tools-list prompts-list resources-list server-sse-multiple-streams dns-rebinding-protection'
STRICT_2026_07_28='tools-list prompts-list resources-list server-sse-multiple-streams dns-rebinding-protection caching
    sep-2164-resource-not-found input-required-result-unsupported-methods input-required-result-validate-input'
# Passed with warnings, because they call fixture tools: nothing to boast of.
PASSED_2026_07_28='input-required-result-missing-input-response input-required-result-ignore-extra-params'
# Beyond the requirement sets.
EXTRA_2025_11_25='server-session-lifecycle'
EXTRA_2026_07_28='http-header-validation http-custom-header-server-validation'
# Of the 25 checks that are judged, 4 need fixture tools.
STATELESS_CHECKS=21

# has MARK NAME: the score has a line of this kind for this scenario
has() { grep -Eq "^ +$1 +$2( |\$)" "$WORK/score"; }
# judged REVISION "strict ones" "passed ones" "extra ones"
judged() {
    local name
    scenario "server, $1"
    awk -v set="## $1 server:" 'index($0, "## ") == 1 { on = index($0, set) == 1 } on' "$WORK/scores" >"$WORK/score"
    cat "$WORK/score"
    # shellcheck disable=SC2086
    for name in $2; do
        if has FAIL "$name" || has warn "$name" || ! grep -qx "$name" "$WORK/list.$1"; then fail "$name passes strictly"; else ok "$name passes strictly"; fi
    done
    for name in $3; do
        if has FAIL "$name" || ! grep -qx "$name" "$WORK/list.$1"; then fail "$name passes"; else ok "$name passes"; fi
    done
    for name in $4; do expect "$name passes, beyond the requirements" has ok "$name"; done
    expect "no message breaks the schema" sh -c "! grep -q wire-schema-valid '$WORK/score'"
}

start_step 9
gen_token --username alice --scopes mcp:read,mcp:tools,mcp:prompts
VERBOSE=1 OUT=$WORK/results "$SUITE/run_server.sh" "$BASE_URL/mcp" "$TOKEN" >"$WORK/scores" 2>&1 || true
grep -q '^## ' "$WORK/scores" || { cat "$WORK/scores" >&2; die "the conformance suite did not run"; }
for revision in 2025-11-25 2026-07-28; do
    # shellcheck source=/dev/null
    (. "$SUITE/env.sh" && node "$SUITE/score.mjs" list "$revision" server) >"$WORK/list.$revision"
done
judged 2025-11-25 "$STRICT_2025_11_25" '' "$EXTRA_2025_11_25"
judged 2026-07-28 "$STRICT_2026_07_28" "$PASSED_2026_07_28" "$EXTRA_2026_07_28"
count=$(sed -n 's/^ *FAIL server-stateless \[\([0-9]*\) ok.*/\1/p' "$WORK/score")
expect "server-stateless: ${count:-all} of 25 checks, at least $STATELESS_CHECKS" [ "${count:-25}" -ge "$STATELESS_CHECKS" ]

finish

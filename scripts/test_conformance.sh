#!/usr/bin/env bash
# The official conformance suite against step 9, for both requirement sets, compared with the list below.
#
# The list is what a server without the suite's own fixture tools can pass; it may grow, and must not shrink. The suite
# cannot log in, so a proxy beside it adds the token. At the end this script checks itself: without the result of any one
# of them, and with a worse one, it would have failed. MCP_CONFORMANCE_DIR is the folder of run_server.sh (default:
# ../shared/conformance beside this project); needs node and npm.
. "$(dirname "$0")/lib.sh"

SUITE=${MCP_CONFORMANCE_DIR:-$REPO/../shared/conformance}
[ -x "$SUITE/run_server.sh" ] || die "no conformance suite in $SUITE; set MCP_CONFORMANCE_DIR to the folder of run_server.sh"

# Passed strictly: no failure and no warning. (Read by "each", by name.)
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

# scored REVISION: what the suite makes of the results, into $WORK/score
scored() { (. "$SUITE/env.sh" && VERBOSE=1 node "$SUITE/score.mjs" score "$1" server "$WORK/results/$1") >"$WORK/score" || true; }
# has MARK NAME: the score has a line of this kind for this scenario
has() { grep -Eq "^ +$1 +$2( |\$)" "$WORK/score"; }
# holds KIND NAME REVISION: this scenario is as good as the list says
holds() {
    case $1 in
        beyond) has ok "$2"; return ;;
        strictly) if has warn "$2"; then return 1; fi ;;
    esac
    ! has FAIL "$2" && grep -qx "$2" "$WORK/list.$3"
}
# Of the checks of server-stateless, so many are passed; the score shows a number when one is not.
stateless() { sed -n 's/^ *FAIL server-stateless \[\([0-9]*\) ok.*/\1/p' "$WORK/score"; }
stateless_holds() { local count; count=$(stateless); [ "${count:-25}" -ge "$STATELESS_CHECKS" ]; }

# each REVISION COMMAND: COMMAND KIND NAME REVISION for everything on the list
each() {
    local revision=$1 command=$2 name
    local strict="STRICT_${revision//-/_}" passed="PASSED_${revision//-/_}" extra="EXTRA_${revision//-/_}"
    for name in ${!strict}; do "$command" strictly "$name" "$revision"; done
    for name in ${!passed:-}; do "$command" 'with warnings' "$name" "$revision"; done
    for name in ${!extra}; do "$command" beyond "$name" "$revision"; done
}
judged() {
    expect "$2 passes ($1)" holds "$@"
    grep -qF "\`$2\`" "$REPO/scripts/README.md" || fail "scripts/README.md names $2"
}

# missed KIND NAME REVISION: would it be noticed if this scenario had no result, or one that is worse?
missed() {
    local result=("$WORK/results/$3/server-$2"-20*) worse=FAILURE
    [ "$1" != strictly ] || worse=WARNING
    mv "${result[0]}" "$WORK/aside"
    scored "$3"
    if holds "$@"; then fail "$3 without a result of $2 fails"; else NOTICED=$((NOTICED + 1)); fi
    cp -R "$WORK/aside" "${result[0]}"
    jq --arg worse $worse '(map(.status == "SUCCESS") | index(true)) as $n | .[$n].status = $worse' "$WORK/aside/checks.json" >"${result[0]}/checks.json"
    scored "$3"
    if holds "$@"; then fail "$3 with a $worse in $2 fails"; else NOTICED=$((NOTICED + 1)); fi
    rm -rf "${result[0]}"
    mv "$WORK/aside" "${result[0]}"
}

start_step 9
gen_token --username alice --scopes mcp:read,mcp:tools,mcp:prompts
# The suite gives its proxy five seconds to start, which a busy machine may not do in.
echo "$TOKEN" >"$WORK/token"
# shellcheck source=/dev/null
(. "$SUITE/env.sh" && exec node "$SUITE/bearer-proxy.mjs" --listen 127.0.0.1:0 --target "$BASE_URL/mcp" --token-file "$WORK/token") >"$WORK/proxy" 2>&1 &
PROXY_PID=$! PIDS="$PIDS $!" PROXY=''
for _ in $(seq 600); do
    PROXY=$(sed -n 's/^listening //p' "$WORK/proxy")
    [ -z "$PROXY" ] && kill -0 "$PROXY_PID" 2>/dev/null || break
    sleep 0.1
done
[ -n "$PROXY" ] || { cat "$WORK/proxy" >&2; die "the proxy that adds the token did not come to listen"; }
VERBOSE=1 OUT=$WORK/results "$SUITE/run_server.sh" "$PROXY" >"$WORK/scores" 2>&1 || true
grep -q '^## ' "$WORK/scores" || { cat "$WORK/scores" >&2; die "the conformance suite did not run"; }
for revision in 2025-11-25 2026-07-28; do
    scenario "server, $revision"
    # shellcheck source=/dev/null
    (. "$SUITE/env.sh" && node "$SUITE/score.mjs" list "$revision" server) >"$WORK/list.$revision"
    scored $revision
    grep '^## ' "$WORK/score"
    echo "not passed, most for want of the suite's own tools: $(sed -n 's/^ *FAIL \([^ ]*\).*/\1/p' "$WORK/score" | paste -sd ' ' -)"
    each $revision judged
    expect "no message breaks the schema" sh -c "! grep -q wire-schema-valid '$WORK/score'"
    [ "$FAILED" -eq 0 ] || cat "$WORK/score"
done
count=$(stateless)
expect "server-stateless: ${count:-all} of 25 checks, at least $STATELESS_CHECKS" stateless_holds

scenario "this script would notice a smaller score"
for revision in 2025-11-25 2026-07-28; do
    NOTICED=0
    each $revision missed
    expect "$revision: $NOTICED changes for the worse, each of them noticed" [ $NOTICED -ge 16 ]
done
checks=$(echo "$WORK/results/2026-07-28/server-server-stateless"-20*/checks.json)
jq '(map(.status == "SUCCESS") | index(true)) as $n | .[$n].status = "FAILURE"' "$checks" >"$WORK/worse" && cp "$WORK/worse" "$checks"
scored 2026-07-28
if stateless_holds; then fail "one check of server-stateless less is noticed"; else ok "one check of server-stateless less is noticed"; fi

finish

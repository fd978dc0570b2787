#!/usr/bin/env bash
# Step 11: a client that needs nothing but the server's URL.
#
# From a 401 to the result of a tool call, with a user whom scripts/login_bot.sh plays; then with a stored token, with a user
# who denies, and with one who lacks a role. Against step 9 and its development authorization server, and against step 10 if a
# Keycloak answers at KEYCLOAK_URL. A headless Chromium plays the user once more if scripts/test_login_pages.sh has installed
# what it needs.
. "$(dirname "$0")/lib.sh"

KEYCLOAK_URL=${KEYCLOAK_URL:-http://localhost:8080}
CLIENT=$(binary step11)
[ -x "$CLIENT" ] || die "$CLIENT is not there; build it with: cargo build --bin step11"
export LOGIN_USER=alice LOGIN_PASSWORD=alice123 LOGIN_DECISION=allow LOGIN_LOG=$WORK/login BROWSER=$REPO/scripts/login_bot.sh
unset MCP_CLIENT_SECRET MCP_PRIVATE_KEY MCP_ASSERTION MCP_ID_TOKEN
FILE=$WORK/credentials/credentials.json

# step11 [flags]: runs it, prints its progress in short, leaves $STATUS, $PROGRESS and, a JSON document per line, $RESULTS.
step11() {
    printf '%s\n' "${DIM}\$ cargo run --bin step11 -- $BASE_URL/mcp --credentials-file credentials.json $*${PLAIN}"
    : >"$LOGIN_LOG"
    STATUS=0
    "$CLIENT" "$BASE_URL/mcp" --credentials-file "$FILE" "$@" >"$WORK/results" 2>"$WORK/progress" </dev/null || STATUS=$?
    RESULTS=$(cat "$WORK/results") PROGRESS=$(cat "$WORK/progress")
    printf '%s\n' "$PROGRESS" | grep -E '^\[|^    (->|<-|ok) |^error' | cut -c 1-150 || true
}
expect_exit() { if [ "$STATUS" = "$1" ]; then ok "exit code $1"; else fail "exit code $1 (got $STATUS)"; tail -5 "$WORK/progress"; fi; }
# expect_result JQ_EXPRESSION "what it means": about the last document of the output
expect_result() { BODY=$(tail -n 1 <<<"$RESULTS") expect_json "$@"; }
expect_first() { BODY=$(head -n 1 <<<"$RESULTS") expect_json "$@"; }
expect_progress() { if grep -Eq -- "$1" "$WORK/progress"; then ok "${2:-it reports: $1}"; else fail "${2:-it reports: $1}"; fi; }
login() { if [ -s "$LOGIN_LOG" ]; then ok "the user logged in"; else fail "the user logged in"; fi; }
no_login() { if [ -s "$LOGIN_LOG" ]; then fail "no login was needed"; else ok "no login was needed"; fi; }
HI='echo={"message":"hi"}'

start_step "${STEP:-9}"

scenario "from a 401 to the result of a tool call"
step11 --call "$HI"
expect_exit 0
login
stages=$(grep -Eo '^\[[0-9]+\]' "$WORK/progress" | tr -d '[]\n')
if [ "$stages" = 12345678910111213 ]; then ok "thirteen stages, in order"; else fail "thirteen stages, in order (got $stages)"; fi
expect_first '.issuer == $issuer and .resource == $issuer + "/mcp"' "issuer and resource are those of the metadata" --arg issuer "$BASE_URL"
expect_first '[.tools[].name] | index("echo")' "the tools are listed"
expect_result '.kind == "call" and .result.content[0].text == "hi"' "the tool was called"
expect_progress 'ok `state` is the one' && expect_progress 'ok `iss` is the authorization server' && expect_progress 'ok it supports PKCE'
token=$(jq -r '.tokens[].token' "$FILE")
expect "no token is shown whole" test -z "$(grep -F -- "$token" "$WORK/progress" "$WORK/results")"
expect "only its owner can read the credentials" test "$(ls -l "$FILE" | cut -c 1-10)" = -rw-------

scenario "again, without a login"
step11 --quiet --call "$HI"
expect_exit 0
no_login
expect "a quiet run reports no progress" test ! -s "$WORK/progress"
expect_result '.result.content[0].text == "hi"' "the tool was called"

scenario "an expired token is refreshed without a login"
jq '.tokens[].expires_at = 1' "$FILE" >"$WORK/expired" && cat "$WORK/expired" >"$FILE"
step11 --call "$HI"
expect_exit 0
no_login
expect_progress 'grant_type=refresh_token'
expect "the new refresh token is stored" test "$(jq -r '.tokens[].refresh_token' "$FILE")" != "$(jq -r '.tokens[].refresh_token' "$WORK/expired")"

scenario "log out, and again"
step11 --logout
expect_exit 0
expect "no token is left" test "$(jq '.tokens | length' "$FILE")" = 0
step11 --call "$HI"
expect_exit 0
login
expect_progress '/auth/register' "it registers again"

scenario "a token that is bound to a key (DPoP, RFC 9449): obtained, used, refreshed, and useless to a thief"
step11 --logout >/dev/null
step11 --dpop --call "$HI"
expect_exit 0
login
expect_result '.result.content[0].text == "hi"' "the tool was called"
jq '.tokens[].expires_at = 1' "$FILE" >"$WORK/expired" && cat "$WORK/expired" >"$FILE"
step11 --dpop --call "$HI"
expect_exit 0
no_login
TOKEN=$(jq -r '.tokens[].token' "$FILE")
rpc ping
expect_status 401
step11 --logout >/dev/null

scenario "each protocol version"
for revision in 2025-06-18 2025-11-25 2026-07-28; do
    step11 --quiet --protocol-version $revision --call "$HI"
    if [ "$STATUS" = 1 ] && [ "${STEP:-9}" -lt 9 ]; then continue; fi
    expect_exit 0
    expect_first '.protocol == $revision' "$revision is used" --arg revision $revision
done

scenario "a failed call has an exit code of its own"
step11 --quiet --call 'echo={"message":7}'
expect_exit 4
step11 --quiet --call 'no_such_tool={}'
expect_exit 4

scenario "the user denies"
step11 --logout >/dev/null
LOGIN_DECISION=deny step11
expect_exit 1
expect_progress 'access_denied' "the error has its name"
expect_progress 'consent' "and an explanation"
expect "nothing was stored" test "$(jq '.tokens | length' "$FILE")" = 0

scenario "bob may not call tools, and is asked twice at most"
LOGIN_USER=bob LOGIN_PASSWORD=bob123 step11 --call "$HI"
expect "it fails" test "$STATUS" != 0
expect "bob logged in twice at most" test "$(grep -c callback "$LOGIN_LOG")" -le 2

scenario "without a user it says so"
step11 --headless --logout >/dev/null
step11 --headless
expect_exit 1
expect_progress 'run again without --headless'

scenario "what an MCP client finds at this authorization server"
step11 --check "$BASE_URL/mcp"
expect_exit 0
expect_result '.evaluation | .pkce.value == "yes" and .rfc8414.value == "yes" and .rfc7591.value == "yes" and .rfc9207.value == "yes" and .issues == []' "nothing stops a client"

scenario "a secret is not an argument"
step11 --client-id me --client-secret hunter2
expect_exit 2
expect_progress 'pass @FILE'

if [ -d "$REPO/scripts/browser/node_modules/playwright-core" ] && command -v node >/dev/null && [ -n "${CHROMIUM:-$(command -v chromium)}" ]; then
    scenario "the user has a real browser"
    step11 --logout >/dev/null
    BROWSER=$REPO/scripts/browser/login_bot.mjs step11 --call "$HI"
    expect_exit 0
    expect_result '.result.content[0].text == "hi"' "the tool was called"
    for _ in 1 2 3 4 5 6 7 8 9 10; do grep -q '^page:' "$LOGIN_LOG" && break; sleep 0.2; done
    expect "the page at the end says so" grep -qx 'page: Login successful' "$LOGIN_LOG"
    expect "the browser reports no error" test -z "$(grep -v '^page:' "$LOGIN_LOG")"
fi

if [ -z "$RUNNING" ] && curl -sf -o /dev/null --max-time 3 "$KEYCLOAK_URL/realms/mcp-realm"; then
    stop_step
    start_step 10
    # A Keycloak that knows RFC 8707 must be told of the resource.
    "$REPO/scripts/keycloak.sh" resource "$BASE_URL/mcp" >/dev/null || true
    export LOGIN_USER=mcp-user LOGIN_PASSWORD=user123

    scenario "Keycloak: registration, login, consent, tools"
    step11 --call "$HI"
    expect_exit 0
    login
    expect_first '.issuer | endswith("/realms/mcp-realm")' "Keycloak is the issuer"
    expect_result '.result.content[0].text == "hi"' "the tool was called"

    scenario "Keycloak: no login the second time; log out, and again"
    step11 --quiet --call "$HI"
    expect_exit 0
    no_login
    step11 --logout >/dev/null
    step11 --quiet --call "$HI"
    expect_exit 0
    login

    scenario "Keycloak: a token that is bound to a key (DPoP, RFC 9449)"
    step11 --logout >/dev/null
    step11 --dpop --call "$HI"
    expect_exit 0
    expect_result '.result.content[0].text == "hi"' "the tool was called"

    scenario "Keycloak: a user without the role"
    step11 --logout >/dev/null
    LOGIN_USER=mcp-readonly LOGIN_PASSWORD=readonly123 step11 --call "$HI"
    expect_exit 1
    expect_progress 'the granted scopes are not enough'

    scenario "Keycloak, evaluated by its metadata"
    step11 --check "$KEYCLOAK_URL/realms/mcp-realm"
    expect_exit 0
    expect_result '.evaluation | .provider == "Keycloak" and .pkce.value == "yes" and .rfc8414.value == "yes" and .rfc9207.value == "yes"' "the row of the table"
    "$REPO/scripts/keycloak.sh" resource --remove "$BASE_URL/mcp" >/dev/null || true
else
    echo "no Keycloak at $KEYCLOAK_URL: step 10 is left out (start one: scripts/keycloak.sh up)"
fi
finish

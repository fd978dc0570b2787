#!/usr/bin/env bash
# Keycloak as a broker (scripts/keycloak.sh broker) in front of providers that register no MCP clients, configured like Google and
# like Entra (scripts/providers): unknown clients register at Keycloak, users log in at their provider, and its claims
# become scopes. Each client asks for the user's consent. Step 11, the official TypeScript and Python clients and Inspector's
# command line go all the way to a tool of step 10. Start Keycloak first with scripts/keycloak.sh up; needs Node 20 or newer, npm
# and python3. ONLY=google runs one of the two.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/providers/lib.sh"

[ -z "$RUNNING" ] || die "this script starts its own servers; run it without BASE_URL"
KEYCLOAK_URL=http://localhost:${KEYCLOAK_PORT:-8080}
REALM=$KEYCLOAK_URL/realms/mcp-realm
curl -fs -o /dev/null --max-time 10 "$REALM" || die "Keycloak does not answer at $KEYCLOAK_URL; start it with: scripts/keycloak.sh up"
install_providers
other_clients npm python
export BROWSER=$REPO/scripts/login_bot.sh LOGIN_USER LOGIN_PASSWORD=any LOGIN_LOG=$WORK/pages KEYCLOAK_URL
printf '%s' for-tests-on-this-machine-only >"$WORK/secret"
keycloak() { "$REPO/scripts/keycloak.sh" "$@"; }
restore() { keycloak broker --remove; [ -z "${BASE_URL:-}" ] || keycloak resource --remove "$BASE_URL/mcp"; }
trap 'restore >/dev/null 2>&1 || true; cleanup' EXIT

start_step 10 --env keycloak_direct.env
keycloak resource "$BASE_URL/mcp"

# runs WHO WHAT COMMAND..: a client runs with WHO in its browser; $STATUS, what it printed in $SAID, and the pages below $WORK/pages
runs() {
    LOGIN_USER=$1
    scenario "$PROFILE, $2 with $1"
    shift 2
    STATUS=0
    : >"$LOGIN_LOG"
    SAID=$("$@" </dev/null 2>"$WORK/complaints") || STATUS=$?
    cat "$LOGIN_LOG"
    printf '%s\n' "${SAID:0:300}"
    [ "$STATUS" = 0 ] || tail -2 "$WORK/complaints"
}
says() { case $'\n'$SAID in *$'\n'"$1"*) ok "it calls a tool" ;; *) fail "it calls a tool (it said: $SAID)" ;; esac; }
# pages PATTERN..: these pages were shown
pages() {
    local pattern
    for pattern in "$@"; do expect "a page of $pattern was shown" grep -q "$pattern" "$LOGIN_LOG"; done
}
step11() { timeout 60 "$(binary step11)" "$BASE_URL/mcp" --quiet --credentials-file "$(mktemp -d "$WORK/credentials.XXXXXX")/credentials.json" "$@"; }
echo_hi() { step11 --call 'echo={"message":"hi"}'; }
CONSENT=$REALM/login-actions/required-action

# behind PROFILE GRANT: everything, with the realm in front of this provider
behind() {
    PROFILE="behind a provider like $1"
    start_provider "$1"
    local provider store
    provider=$(cut -d/ -f1-3 <<<"$ISSUER")
    scenario "$PROFILE: the realm is put in front of it"
    keycloak broker --issuer "$ISSUER" --client-id broker --client-secret "@$WORK/secret" --grant "$2"

    runs alice 'step 11' echo_hi
    BODY=$(tail -1 <<<"$SAID")
    expect_json '.result.structuredContent.text == "hi"' 'a client that has registered itself calls a tool'
    pages "$provider/interaction" "$CONSENT"
    BODY=$(head -1 <<<"$SAID")
    expect_json '.issuer == $issuer and .resource == $resource' "its token is Keycloak's, for this server" --arg issuer "$REALM" --arg resource "$BASE_URL/mcp"

    scenario "$PROFILE: another client in the same browser"
    LOGIN_USER=alice
    export LOGIN_COOKIES=$WORK/cookies.$1
    echo_hi >/dev/null 2>&1 || true
    : >"$LOGIN_LOG"
    runs alice 'another client in the same browser' echo_hi
    expect 'it calls a tool' test "$STATUS" = 0
    pages "$CONSENT"
    unset LOGIN_COOKIES

    runs alice 'the TypeScript client' timeout 60 sh -c "cd '$CACHE' && exec node typescript.mjs '$BASE_URL/mcp'"
    says 'echo hello from TypeScript'
    pages "$CONSENT"
    runs alice 'the Python client' timeout 60 "$SDK_PYTHON" "$REPO/scripts/clients/python_client.py" "$BASE_URL/mcp"
    says 'echo hello from Python'
    pages "$CONSENT"
    store=$(mktemp -d "$WORK/inspector.XXXXXX")
    runs alice "Inspector's command line" env MCP_AUTO_OPEN_ENABLED=true HOME="$store" MCP_STORAGE_DIR="$store" MCP_INSPECTOR_SECRET_STORE=file \
        timeout 60 sh -c "cd '$CACHE' && exec node_modules/.bin/mcp-inspector --cli '$BASE_URL/mcp' --transport http --format json --method tools/call --tool-name echo --tool-arg message=hi"
    BODY=$SAID
    expect_json '.result.content[0].text == "hi"' 'it calls a tool'

    runs bob 'step 11' echo_hi
    expect 'a user without that claim may not use tools' test "$STATUS" = 1
    expect 'and step 11 says which scopes are missing' grep -q 'the granted scopes are not enough' "$WORK/complaints"
    stop_provider
}

chosen() { [ -z "${ONLY:-}" ] || [ "$ONLY" = "$1" ]; }
! chosen google || behind google hd=example.com:tools,prompts
! chosen entra || behind entra roles=mcp-tools:tools,prompts

scenario "the realm without a broker"
keycloak broker --remove
request GET "$REALM/protocol/openid-connect/auth" -G -d response_type=code -d client_id=mcp-test-client -d scope=openid -d state=s \
    --data-urlencode redirect_uri=http://localhost:8765/callback -d code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM -d code_challenge_method=S256
expect_status 200
expect "has its own login page" grep -q kc-form-login "$WORK/body"
finish

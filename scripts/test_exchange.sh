#!/usr/bin/env bash
# Token exchange (RFC 8693): step 10 calls another API as the user. A real Keycloak, step 10, the orders API of
# scripts/own_server, and step 11 with a user whom scripts/login_bot.sh plays.
# Start Keycloak with scripts/keycloak.sh up. STEP_PORT is the port of step 10, 9000; Keycloak gets to know another one.
. "$(dirname "$0")/lib.sh"
[ -z "$RUNNING" ] || die "this script starts its own servers; leave BASE_URL out"

KEYCLOAK_URL=http://localhost:${KEYCLOAK_PORT:-8080}
ISSUER=$KEYCLOAK_URL/realms/mcp-realm
TOKEN_ENDPOINT=$ISSUER/protocol/openid-connect/token
export STEP_PORT=${STEP_PORT:-9000}
RESOURCE=http://localhost:$STEP_PORT/mcp
CLIENT=$(binary step11)
PROGRAMS=$REPO/target/own_server
(cd "$REPO/scripts/own_server" && CARGO_TARGET_DIR=$PROGRAMS cargo build --locked --quiet --bin orders_api) >&2 || die "cargo cannot build scripts/own_server, see above"
export LOGIN_USER=mcp-user LOGIN_PASSWORD=user123 LOGIN_LOG=$WORK/logins LOGIN_COOKIES=$WORK/cookies BROWSER=$REPO/scripts/login_bot.sh
unset MCP_CLIENT_SECRET MCP_PRIVATE_KEY MCP_ASSERTION MCP_ID_TOKEN "${!DOWNSTREAM_@}" "${!EXCHANGE_@}"
FILE=$WORK/credentials.json

# step11 [flags]: leaves $STATUS, $BODY (the last document of its output) and $TOKEN, the token that it stored
step11() {
    printf '%s\n' "${DIM}\$ cargo run --bin step11 -- $RESOURCE $*${PLAIN}"
    : >"$LOGIN_LOG"
    STATUS=0
    "$CLIENT" "$RESOURCE" --credentials-file "$FILE" "$@" >"$WORK/results" 2>"$WORK/progress" </dev/null || STATUS=$?
    BODY=$(tail -n 1 "$WORK/results")
    printf '%s\n' "$BODY"
    TOKEN=$(jq -r 'first(.tokens[].token)' "$FILE" 2>/dev/null) || TOKEN=''
}
expect_exit() { if [ "$STATUS" = "$1" ]; then ok "exit code $1"; else fail "exit code $1 (got $STATUS)"; tail -5 "$WORK/progress"; fi; }
expect_text() { expect_json '.result.content[0].text | contains($text)' "the user reads: $1" --arg text "$1"; }
scopes() { claims "${TOKEN:-.e30}" | jq -r .scope; }

scenario "Keycloak lets step 10 exchange tokens"
[ "$STEP_PORT" = 9000 ] || "$REPO/scripts/keycloak.sh" resource "$RESOURCE"
"$REPO/scripts/keycloak.sh" exchange "$RESOURCE" >"$WORK/printed" || die "scripts/keycloak.sh exchange failed"
cat "$WORK/printed"
SETTINGS=$(sed -n 's/^ *settings *\([^ ]*\).*/\1/p' "$WORK/printed")
SECRET=$(sed -n "s/^EXCHANGE_CLIENT_SECRET='\(.*\)'$/\1/p" "$SETTINGS")
expect "only its owner can read the settings" test "$(ls -l "$SETTINGS" | cut -c 1-10)" = -rw-------
expect "what is printed does not show the secret" test -z "$(grep -F -- "$SECRET" "$WORK/printed")"

ISSUER=$ISSUER PORT=0 start_server "$WORK" "$PROGRAMS/debug/orders_api"
API=$BASE_URL API_LOG=$SERVER_LOG API_PID=$SERVER_PID
DOWNSTREAM_URL=$API/orders start_step 10 --env "$SETTINGS"
STEP_LOG=$SERVER_LOG

scenario "the API is a protected resource of its own"
request GET "$API/orders"
expect_status 401
expect_header WWW-Authenticate "resource_metadata=\"$API/.well-known/oauth-protected-resource/orders\""
request GET "$API/.well-known/oauth-protected-resource/orders"
expect_status 200
expect_json '.resource == $url + "/orders" and .authorization_servers == [$issuer]' "its metadata names the same issuer" --arg url "$API" --arg issuer "$ISSUER"

scenario "a user without the scope of the API: step-up, then the answer"
step11 --call 'echo={"message":"hi"}'
expect_exit 0
expect "the first token lacks downstream:read" test -z "$(scopes | grep -w downstream:read)"
FIRST=$TOKEN
TOKEN=$FIRST rpc tools/call '{"name":"list_orders","arguments":{}}'
expect_status 403
expect_header WWW-Authenticate 'error="insufficient_scope".*scope="downstream:read"|scope="downstream:read".*error="insufficient_scope"'
expect "the API was not asked" test -z "$(grep '^user' "$API_LOG")"
step11 --call 'list_orders={}'
expect_exit 0
expect "the user was asked again" grep -q . "$LOGIN_LOG"
expect_json '.result.isError == false and .result.structuredContent.customer == "mcp-user"' "the API answers for mcp-user"
expect "the second token has downstream:read" test -n "$(scopes | grep -w downstream:read)"
USER_TOKEN=$TOKEN

scenario "what the API got"
calls() { grep -c '^user' "$API_LOG" || true; }
line=$(grep '^user' "$API_LOG" | tail -n 1)
echo "$line"
expect "the same user" grep -qF "$(claims "$USER_TOKEN" | jq -r .sub)" <<<"$line"
expect "from step 10's client, not from the user's" grep -qF "client Some(\"$RESOURCE\")" <<<"$line"
expect "with another token than step 10 got" test -z "$(grep -F "$(claims "$USER_TOKEN" | jq -r .jti)" <<<"$line")"
request GET "$API/orders" -H "Authorization: Bearer $USER_TOKEN"
expect_status 401
step11 --call 'list_orders={}'
expect_exit 0
expect "the exchanged token is used again" test "$(grep '^user' "$API_LOG" | sort -u | wc -l)" -eq 1 -a "$(calls)" -eq 2
for log in "$STEP_LOG" "$API_LOG"; do
    expect "no secret in $(basename "$log")" test -z "$(grep -F -e "$USER_TOKEN" -e "$SECRET" "$log")"
done

scenario "the exchanged token is refused at step 10"
(umask 077; printf '%s' "$USER_TOKEN" >"$WORK/subject"
    printf 'user = "%s:%s"\n' "$(jq -rn --arg id "$RESOURCE" '$id | @uri')" "$(jq -rn --arg secret "$SECRET" '$secret | @uri')" >"$WORK/basic")
SHOW='{issued_token_type, token_type, expires_in, scope}' request POST "$TOKEN_ENDPOINT" -K "$WORK/basic" --data-urlencode "subject_token@$WORK/subject" \
    -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange -d subject_token_type=urn:ietf:params:oauth:token-type:access_token \
    -d requested_token_type=urn:ietf:params:oauth:token-type:access_token -d audience=downstream-api -d scope=downstream:read
expect_status 200
TOKEN=$(json '.access_token // ""')
expect_json '.scope == "downstream:read" and .expires_in <= 60 and (has("refresh_token") | not)' "it has one scope, for a minute"
rpc tools/list
expect_status 401
expect_detail "Invalid token audience"

scenario "the API is down"
kill "$API_PID"; wait "$API_PID" 2>/dev/null || true
step11 --call 'list_orders={}'
expect_json '.result.isError == true' "the result is an error"
expect_text "cannot read your orders: the API cannot be reached"

scenario "a user who has logged out at the provider"
# Another login, so that step 10 has no exchanged token for it; then all sessions of the user end.
password_token mcp-user user123 "openid mcp:tools downstream:read" --data-urlencode "resource=$RESOURCE"
request POST "$ISSUER/protocol/openid-connect/logout" -d client_id=mcp-test-client --data-urlencode "refresh_token=$(json '.refresh_token // ""')"
expect "the session has ended" test "$STATUS" = 204
rpc tools/call '{"name":"list_orders","arguments":{}}'
expect_status 200
expect_json '.result.isError == true and (.result.content[0].text | contains("log in again"))' "the user is told to log in again"

finish

#!/usr/bin/env bash
# Step 6: no token, no entry.
#
# Every request to /mcp must carry a token that can be verified: signature, issuer, audience, expiry. The 401 says what
# is wanted (WWW-Authenticate, RFC 6750) and, when a token was sent, why it is not enough. What a verified caller may
# do is not asked before step 8.
. "$(dirname "$0")/lib.sh"
start_step 6

# refused "text of the body" ["error code of the challenge"]
refused() {
    expect_status 401
    expect_detail "$1"
    expect_header WWW-Authenticate '^Bearer realm="mcp-server"'
    if [ -n "${2:-}" ]; then expect_header WWW-Authenticate "error=\"$2\""; else
        expect "no error code: nothing was sent that could be wrong" test "${HEADERS#*error=}" = "$HEADERS"; fi
}

scenario "/health and the public key need no token"
request GET /health
expect_json '.status == "healthy" and .jwt_enabled and .jwks_available and .auth_required' "and /health says that the rest does"
request GET /.well-known/jwks.json
expect_json '.keys[0].kid == "mcp-key-1"' "the key is published"

scenario "no credentials, credentials of another kind, or empty ones"
rpc ping
refused "Authorization header missing"
for credentials in 'Basic YWxpY2U6c2VjcmV0' Bearer abc; do
    rpc ping '' -H "Authorization: $credentials"
    refused "Authorization header missing"
done
request POST '/mcp?access_token=abc' -d '{}'   # tokens in URLs end up in logs, and are never read (OAuth 2.1, 7.5)
refused "Authorization header missing"

scenario "something that is no token"
for token in garbage a.b.c 'a.b.c d'; do
    rpc ping '' -H "Authorization: Bearer $token"
    refused "Invalid token" invalid_token
done

scenario "alice comes in, and is known by name"
gen_token --username alice --scopes mcp:read,mcp:tools
rpc initialize
expect_status 200
expect_json '.result.serverInfo | .jwt_enabled and .authenticatedUser == "alice"' "serverInfo names her"
rpc ping
expect_json '.result._meta | .pong and .user == "alice" and .authenticated and (.timestamp | type) == "number"' "ping does, too"
rpc tools/list
expect_json '[.result.tools[].name] == ["echo", "get_time"]' "she sees the tools"
rpc tools/call '{"name":"echo","arguments":{"message":"Hello Alice","repeat_count":2}}'
expect_json '.result.content[0].text == "Hello AliceHello Alice"' "and uses them"
rpc prompts/get '{"name":"echo_prompt","arguments":{"message":"Hi"}}'
expect_json '.result.messages[0].content.text == "Please echo: Hi"' "prompts as well"
post '{"jsonrpc":"2.0","method":"notifications/initialized"}'
expect_status 202
ALICE=$TOKEN

scenario "so does everybody else with a token of ours: bob, admin, a guest without any scope"
for who in bob admin; do
    gen_token --username $who
    rpc initialize
    expect_json '.result.serverInfo.authenticatedUser == $who' "$who is known" --arg who $who
done
gen_token --username guest --scopes ''
rpc tools/call '{"name":"echo","arguments":{"message":"Hi"}}'
expect_json '.result.content[0].text == "Hi"' "scopes are no matter yet"

scenario "a signature that does not fit: one letter of the name changed"
IFS=. read -r head payload signature <<<"$ALICE"
forged=$(jq -Rr 'gsub("-"; "+") | gsub("_"; "/") | @base64d | sub("alice"; "admin") | @base64 | gsub("\\+"; "-") | gsub("/"; "_") | gsub("="; "")' <<<"$payload")
TOKEN=$head.$forged.$signature
rpc ping
refused "Invalid token" invalid_token
none=$(jq -rn '{"alg":"none","typ":"JWT"} | tojson | @base64 | gsub("="; "")')
TOKEN=$none.$payload.
rpc ping
refused "Invalid token" invalid_token

scenario "a token that is meant for somebody else"
gen_token --username alice --audience another-server
rpc ping
refused "Invalid token audience" invalid_token

scenario "the scheme is a word in any case; two headers are one too many"
TOKEN=''
rpc ping '' -H "Authorization: bEARER $ALICE"
expect_status 200
rpc ping '' -H "Authorization: Bearer $ALICE" -H "Authorization: Bearer $ALICE"
expect_status 400
expect_header WWW-Authenticate 'error="invalid_request"'

scenario "the order: Origin, then the wall, then the message. GET is a 405 with or without a token"
rpc ping '' -H 'Origin: http://evil.com'
expect_status 403
post '{'
expect_status 401
TOKEN=$ALICE
post '{'
expect_status 400
expect_error -32700 "Parse error"
rpc unknown_method
expect_status 200
expect_error -32601 "Method not found"
TOKEN=''
request GET /mcp
expect_status 405
expect_header Allow '^POST$'

finish

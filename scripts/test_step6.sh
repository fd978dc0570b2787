#!/usr/bin/env bash
# Step 6: bearer authentication.
#
# Every request to /mcp must carry a valid access token: signature, issuer, audience, expiry. The 401 has a challenge
# (WWW-Authenticate, RFC 6750) and, if a token was sent, the error. What a token may do is not checked before step 8.
. "$(dirname "$0")/lib.sh"
start_step 6

# expect_challenge "detail" ["error code"]: 401 with a Bearer challenge
expect_challenge() {
    expect_status 401
    expect_header WWW-Authenticate '^Bearer( |$)'
    tutorial expect_header WWW-Authenticate '^Bearer realm="mcp-server"'
    tutorial expect_detail "$1"
    if [ -n "${2:-}" ]; then expect_header WWW-Authenticate "error=\"$2\""; else
        expect "no error code, because no token was sent" test "${HEADERS#*error=}" = "$HEADERS"; fi
}

scenario "no token gets 401 without an error code"
rpc ping
expect_challenge "Authorization header missing"
for credentials in 'Basic YWxpY2U6c2VjcmV0' Bearer abc; do
    rpc ping '' -H "Authorization: $credentials"
    expect_status 401
    tutorial expect_challenge "Authorization header missing"
done
request POST '/mcp?access_token=abc' -d '{}'   # tokens in URLs end up in logs and are ignored (OAuth 2.1, 7.5)
expect_challenge "Authorization header missing"

scenario "an invalid token gets 401 invalid_token"
for token in garbage a.b.c 'a.b.c d'; do
    rpc ping '' -H "Authorization: Bearer $token"
    expect_challenge "Invalid token" invalid_token
done

scenario "a valid token is accepted"
gen_token --username alice --scopes mcp:read,mcp:tools
rpc ping
expect_status 200
post '{"jsonrpc":"2.0","method":"notifications/initialized"}'
expect_status 202
ALICE=$TOKEN

scenario "an altered token gets 401: another user name, and the algorithm none"
IFS=. read -r head payload signature <<<"$ALICE"
forged=$(jq -Rr 'gsub("-"; "+") | gsub("_"; "/") | @base64d | sub("alice"; "admin") | @base64 | gsub("\\+"; "-") | gsub("/"; "_") | gsub("="; "")' <<<"$payload")
TOKEN=$head.$forged.$signature
rpc ping
expect_challenge "Invalid token" invalid_token
none=$(jq -rn '{"alg":"none","typ":"JWT"} | tojson | @base64 | gsub("="; "")')
TOKEN=$none.$payload.
rpc ping
expect_challenge "Invalid token" invalid_token

scenario "a token for another audience gets 401"
gen_token --username alice --audience another-server
rpc ping
expect_challenge "Invalid token audience" invalid_token

scenario "the scheme is case-insensitive"
TOKEN=''
rpc ping '' -H "Authorization: bEARER $ALICE"
expect_status 200

scenario "a foreign Origin gets 403, an unauthenticated request 401 whatever its body is"
rpc ping '' -H 'Origin: http://evil.com'
expect_status 403
post '{'
expect_status 401
TOKEN=$ALICE
post '{'
expect_status 400
tutorial expect_error -32700 "Parse error"
rpc unknown_method
expect_status 200
expect_error -32601 "Method not found"
TOKEN=''

if tutorial_scenario "health check and JWKS need no token; GET /mcp gets 405 with or without one; two Authorization headers get 400"; then
    request GET /health
    expect_json '.status == "healthy" and .jwt_enabled and .jwks_available and .auth_required' "authentication is required"
    request GET /.well-known/jwks.json
    expect_json '.keys[0].kid == "mcp-key-1"' "the key is published"
    request GET /mcp
    expect_status 405
    expect_header Allow '^POST$'
    rpc ping '' -H "Authorization: Bearer $ALICE" -H "Authorization: Bearer $ALICE"
    expect_status 400
    expect_header WWW-Authenticate 'error="invalid_request"'
fi

if tutorial_scenario "the server knows the user of the token"; then
    TOKEN=$ALICE
    rpc initialize
    expect_status 200
    expect_json '.result.serverInfo | .jwt_enabled and .authenticatedUser == "alice"' "serverInfo names alice"
    rpc ping
    expect_json '.result._meta | .pong and .user == "alice" and .authenticated and (.timestamp | type) == "number"' "ping does, too"
    rpc tools/list
    expect_json '[.result.tools[].name] == ["echo", "get_time"]' "tools/list"
    rpc tools/call '{"name":"echo","arguments":{"message":"Hello Alice","repeat_count":2}}'
    expect_json '.result.content[0].text == "Hello AliceHello Alice"' "tools/call"
    rpc prompts/get '{"name":"echo_prompt","arguments":{"message":"Hi"}}'
    expect_json '.result.messages[0].content.text == "Please echo: Hi"' "prompts/get"
    for user in bob admin; do
        gen_token --username $user
        rpc initialize
        expect_json '.result.serverInfo.authenticatedUser == $user' "serverInfo names $user" --arg user $user
    done
    gen_token --username guest --scopes ''
    rpc tools/call '{"name":"echo","arguments":{"message":"Hi"}}'
    expect_json '.result.content[0].text == "Hi"' "a token without scopes may call tools before step 8"
fi

finish

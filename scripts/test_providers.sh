#!/usr/bin/env bash
# Step 10 with a provider that is not Keycloak: oidc-provider from npm, which is certified by the OpenID Foundation. Step 10 finds
# the keys through the provider's metadata and accepts its tokens: by client credentials in four algorithms, by authorization code
# with PKCE and a resource indicator (RFC 8707), and opaque ones by introspection (RFC 7662). Then the provider stops, and starts
# again with other keys. Needs Node 20 or newer and npm.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/providers/lib.sh"

[ -z "$RUNNING" ] || die "this script starts its own server; run it without BASE_URL"
install_providers

SECRET=for-tests-on-this-machine-only
# machine ALGORITHM RESOURCE SCOPE: a token by client credentials, into $TOKEN
machine() {
    TOKEN=''
    request POST "$ISSUER/token" -u "machine-$1:$SECRET" -d grant_type=client_credentials -d "resource=$2" -d "scope=$3"
    TOKEN=$(json '.access_token // empty')
    expect "a token is issued" test -n "$TOKEN"
}

start_provider neutral
export INTROSPECTION_CLIENT_ID=mcp-server INTROSPECTION_CLIENT_SECRET=$SECRET
start_step 10 --env /dev/null --issuer "$ISSUER"

scenario "the metadata names the provider, byte for byte"
rpc ping
expect_status 401
expect_header WWW-Authenticate "resource_metadata=\"$BASE_URL/.well-known/oauth-protected-resource/mcp\""
request GET /.well-known/oauth-protected-resource/mcp
expect_json '.authorization_servers == [$issuer]' "the authorization server is the provider" --arg issuer "$ISSUER"
expect_json '.resource == $resource' "the resource is this server" --arg resource "$BASE_URL/mcp"
expect_json '.scopes_supported == ["mcp:read", "mcp:tools", "mcp:prompts"]' "clients are not told to ask for the scope of Keycloak's audience"
request GET /health
expect_json '.jwks_available' "the provider's keys are available"
expect_json '.providers[0].keys == 4 and .providers[0].error == null' "all four of them"
expect_json '.keycloak_integration == false' "it is not Keycloak"

for algorithm in RS256 PS256 ES256 EdDSA; do
    scenario "client credentials, signed with $algorithm"
    machine "$algorithm" "$BASE_URL/mcp" mcp:tools
    claims "$TOKEN"
    rpc tools/call '{"name":"echo","arguments":{"message":"hello"}}'
    expect_status 200
    expect_json '.result.structuredContent.text == "hello"' "the tool answers"
    rpc prompts/list
    expect_status 403
    expect_header WWW-Authenticate 'error="insufficient_scope".*mcp:prompts|mcp:prompts.*error="insufficient_scope"'
done
KNOWN=$TOKEN

scenario "a token for another resource is refused"
machine RS256 http://localhost:1/mcp mcp:tools
rpc tools/list
expect_status 401
expect_detail "Invalid token audience"

scenario "a user logs in: authorization code, PKCE, resource indicator"
verifier=$(node -p 'crypto.randomBytes(48).toString("base64url")')
challenge=$(node -p 'crypto.createHash("sha256").update(process.argv[1]).digest("base64url")' "$verifier")
resource=$(jq -rn --arg url "$BASE_URL/mcp" '$url | @uri')
jar=$WORK/cookies
# The callback is a port where nobody listens: the address bar is all that is needed.
back='http%3A%2F%2F127.0.0.1%3A1%2Fcallback'
page() { curl -s --max-time 20 -L -b "$jar" -c "$jar" -o "$WORK/page" -w '%{url_effective}' "$@" || true; }
at=$(page "$ISSUER/auth?client_id=mcp-client&response_type=code&redirect_uri=$back&scope=openid%20mcp:tools%20mcp:prompts&resource=$resource&state=s1&code_challenge=$challenge&code_challenge_method=S256")
expect "the provider asks the user to log in" test "${at#"$ISSUER/interaction/"}" != "$at"
at=$(page "$at" -d prompt=login -d login=alice -d password=any)
expect "and to consent" test "${at#"$ISSUER/interaction/"}" != "$at"
at=$(page "$at" -d prompt=consent)
code=$(sed -n 's/.*[?&]code=\([^&]*\).*/\1/p' <<<"$at")
expect "a code comes back" test -n "$code"
expect "with the state" grep -q 'state=s1' <<<"$at"
expect "and with the issuer (RFC 9207)" grep -q "iss=$(jq -rn --arg iss "$ISSUER" '$iss | @uri')" <<<"$at"
TOKEN=''
request POST "$ISSUER/token" -d grant_type=authorization_code -d client_id=mcp-client -d "code=$code" \
    -d redirect_uri=http://127.0.0.1:1/callback -d "code_verifier=$verifier" -d "resource=$BASE_URL/mcp"
TOKEN=$(json '.access_token // empty')
ID_TOKEN=$(json '.id_token // empty')
rpc tools/call '{"name":"whoami"}'
expect_status 200
expect_json '.result.structuredContent | tostring | contains("alice")' "the server knows the user"
rpc prompts/list
expect_status 200
rpc resources/list
expect_status 403

scenario "an ID token is no access token"
TOKEN=$ID_TOKEN
rpc tools/list
expect_status 401

scenario "an opaque token is introspected (RFC 7662)"
machine RS256 "$BASE_URL" mcp:tools
expect "it is opaque" test "${TOKEN#*.}" = "$TOKEN"
rpc tools/list
expect_status 200
TOKEN=${TOKEN}x
rpc tools/list
expect_status 401

scenario "the provider stops: a token signed with a known key is still accepted"
stop_provider
TOKEN=$KNOWN
rpc tools/list
expect_status 200
request GET /health
expect_status 200
TOKEN=opaque-and-new
rpc tools/list
expect_status 503
expect_header Retry-After
expect_json '.detail | contains("the identity provider cannot be reached")' "the body says why, and names no internal URL"

scenario "it starts with other keys: new tokens are accepted, old ones are not"
start_provider neutral "${ISSUER##*:}"
machine ES256 "$BASE_URL/mcp" mcp:tools
for _ in 1 2 3 4 5 6 7 8; do   # after a failure the server waits a few seconds before it fetches again
    SHOW='[.result.tools[]?.name]' rpc tools/list
    [ "$STATUS" != 200 ] || break
    sleep 1
done
expect_status 200
TOKEN=$KNOWN
rpc tools/list
# 503 while the server may not ask for keys again: the key could be one that is newer still.
expect "the old token is not accepted" test "$STATUS" = 401 -o "$STATUS" = 503
finish

#!/usr/bin/env bash
# Step 10: a real identity provider.
#
# Keycloak signs the tokens, and three of its users find out what theirs are good for. Then its keys change, and it goes
# away and comes back. Start Keycloak with scripts/keycloak.sh up; ENV_FILE=keycloak_proxy.env goes through a proxy.
# LEAVE_KEYCLOAK=yes leaves it running throughout: the part where it is stopped is left out, and said to be.
. "$(dirname "$0")/lib.sh"

ENV_FILE=${ENV_FILE:-keycloak_direct.env}
setting() { sed -n "s/^$1=//p" "$REPO/$ENV_FILE" | tail -1; }
KEYCLOAK_URL=${KEYCLOAK_URL:-$(setting KEYCLOAK_URL)}
REALM=${KEYCLOAK_REALM:-$(setting KEYCLOAK_REALM)}
ISSUER=$KEYCLOAK_URL/realms/$REALM
TOKEN_ENDPOINT=$ISSUER/protocol/openid-connect/token
ALL="openid mcp:read mcp:tools mcp:prompts"
curl -fs -o /dev/null --max-time 10 "$ISSUER" || die "Keycloak does not answer at $KEYCLOAK_URL; start it with: scripts/keycloak.sh up"
start_step 10 --env "$ENV_FILE" --clock-leeway 0

# admin METHOD PATH [curl arguments]: Keycloak's own administration, quietly.
admin() {
    local method=$1 path=$2 token
    shift 2
    token=$(curl -fsS "$KEYCLOAK_URL/realms/master/protocol/openid-connect/token" -d grant_type=password -d client_id=admin-cli \
        -d "username=${KC_BOOTSTRAP_ADMIN_USERNAME:-admin}" -d "password=${KC_BOOTSTRAP_ADMIN_PASSWORD:-admin}" | jq -r .access_token)
    curl -fsS -X "$method" "$KEYCLOAK_URL/admin/realms/$REALM$path" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@"
}

scenario "what it says of itself"
request GET /health
expect_status 200
expect_json '.keycloak_integration and .auth_required and .scope_based_auth and .jwks_available' "it works with Keycloak, and has its keys"
expect_json '.keycloak_config | .url == $url and .realm == $realm and .issuer == $issuer and (.jwks_url | startswith($issuer))' \
    "and says with which" --arg url "$KEYCLOAK_URL" --arg realm "$REALM" --arg issuer "$ISSUER"
for path in /.well-known/oauth-protected-resource/mcp /.well-known/oauth-protected-resource; do
    request GET "$path"
    expect_json '.authorization_servers == [$issuer]' "tokens come from Keycloak" --arg issuer "$ISSUER"
    expect_json '.scopes_supported == ["echo-mcp-server-audience", "mcp:read", "mcp:tools", "mcp:prompts"]' "the scopes of the posts"
done
for path in /.well-known/jwks.json /.well-known/oauth-authorization-server /auth/authorize; do
    request GET "$path"
    expect_status 404
done
rpc ping
expect_status 401
expect_header WWW-Authenticate 'resource_metadata=.*scope='

scenario "a client in a browser asks before it sends a token"
request OPTIONS /mcp -H 'Origin: http://localhost:6274' -H 'Access-Control-Request-Method: POST' -H 'Access-Control-Request-Headers: authorization,content-type,mcp-protocol-version'
expect_status 200
expect_header Access-Control-Allow-Origin '^http://localhost:6274$'
rpc ping '' -H 'Origin: http://localhost:6274'
expect_status 401
expect_header Access-Control-Expose-Headers '[Ww][Ww][Ww]-[Aa]uthenticate'
rpc ping '' -H 'Origin: http://evil.example'
expect_status 403

# may USER PASSWORD LIST CALL PROMPTS: the status that each kind of operation has for them
may() {
    scenario "$1, who asks for everything and gets what their roles allow"
    password_token "$1" "$2" "$ALL"
    [ -n "$TOKEN" ] || { fail "Keycloak gives $1 a token"; return 0; }
    BODY=$(claims "$TOKEN")
    jq -c '{iss, aud, azp, typ, scope, preferred_username}' <<<"$BODY"
    expect_json '.azp == "mcp-test-client" and .iss == $issuer and ([.aud] | flatten | index("echo-mcp-server") != null)' "azp, issuer and audience" --arg issuer "$ISSUER"
    rpc initialize
    expect_json '.result.serverInfo | .authenticatedUser == $user and .keycloak_integration' "the server knows them" --arg user "$1"
    rpc tools/list
    expect_status "$3"
    rpc tools/call '{"name":"echo","arguments":{"message":"hi"}}'
    expect_status "$4"
    [ "$4" = 200 ] || expect_header WWW-Authenticate 'error="insufficient_scope"'
    rpc prompts/list
    expect_status "$5"
    rpc prompts/get '{"name":"echo_prompt","arguments":{"message":"hi"}}'
    expect_status "$5"
    [ "$5" = 200 ] || expect_header WWW-Authenticate 'scope="mcp:prompts"'
}
may mcp-admin admin123 200 200 200
may mcp-user user123 200 200 403
may mcp-readonly readonly123 403 403 403

# Before anything below sends a made-up kid: after one, the server asks for new keys again only when it has cooled down.
scenario "Keycloak signs with a new key: old tokens and new ones are good"
password_token mcp-user user123 "$ALL"
old=$TOKEN
realm=$(admin GET '' | jq -r .id)
admin POST /components -d "{\"name\":\"rotated\",\"providerId\":\"rsa-generated\",\"providerType\":\"org.keycloak.keys.KeyProvider\",\"parentId\":\"$realm\",\"config\":{\"priority\":[\"200\"],\"algorithm\":[\"RS256\"]}}"
password_token mcp-user user123 "$ALL"
new=$TOKEN
kid() { jq -Rr 'split(".")[0] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson | .kid' <<<"$1"; }
expect "the new token has another kid" [ "$(kid "$old")" != "$(kid "$new")" ]
for TOKEN in "$new" "$old"; do
    rpc tools/list
    expect_status 200
done
component=$(admin GET '/components?type=org.keycloak.keys.KeyProvider' | jq -r '.[] | select(.name == "rotated") | .id')
admin DELETE "/components/$component"

scenario "what is no access token for us"
password_token mcp-admin admin123 "$ALL"
good=$TOKEN answer=$BODY
for kind in id_token refresh_token; do
    TOKEN=$(jq -r ".$kind" <<<"$answer")
    rpc ping
    expect_status 401
done
TOKEN=${good%.*}.$(printf 'A%.0s' $(seq 342))
rpc ping
expect_status 401
expect_json '.detail == "Invalid token"' "another signature"
TOKEN=$(curl -fsS "$KEYCLOAK_URL/realms/master/protocol/openid-connect/token" -d grant_type=password -d client_id=admin-cli -d username=admin -d password=admin | jq -r .access_token)
rpc ping
expect_status 401

scenario "a token that lives for a second"
client=$(admin GET '/clients?clientId=mcp-test-client' | jq -r '.[0].id')
admin GET "/clients/$client" | jq '.attributes["access.token.lifespan"] = "1"' >"$WORK/client.json"
admin PUT "/clients/$client" -d @"$WORK/client.json"
password_token mcp-user user123 "$ALL"
jq '.attributes["access.token.lifespan"] = ""' "$WORK/client.json" >"$WORK/client2.json"
admin PUT "/clients/$client" -d @"$WORK/client2.json"
sleep 1.5
rpc ping
expect_status 401
expect_json '.detail == "Token has expired"' "has expired"

scenario "step 11 finds its own way: registration, login, consent, token, call"
"$REPO/scripts/keycloak.sh" resource "$BASE_URL/mcp" >/dev/null || die "Keycloak does not accept $BASE_URL/mcp as a resource"
printf '%s\n' "${DIM}\$ BROWSER=scripts/login_bot.sh LOGIN_USER=mcp-user LOGIN_PASSWORD=user123 cargo run --bin step11 -- $BASE_URL/mcp --call 'echo={\"message\":\"found\"}'${PLAIN}"
client11=$(binary step11)
BODY=$(BROWSER=$REPO/scripts/login_bot.sh LOGIN_USER=mcp-user LOGIN_PASSWORD=user123 timeout 60 "$client11" "$BASE_URL/mcp" --quiet \
    --credentials-file "$WORK/credentials.json" --scope "mcp:read mcp:tools" --call 'echo={"message":"found"}' </dev/null 2>"$WORK/step11.log" | tail -1) || tail -20 "$WORK/step11.log"
jq -c . <<<"$BODY" || true
expect_json '.result.structuredContent.text == "found"' "a client that knew only our URL called a tool"
"$REPO/scripts/keycloak.sh" resource --remove "$BASE_URL/mcp" >/dev/null || true

if [ -n "${LEAVE_KEYCLOAK:-}" ]; then
    echo "left out: Keycloak goes away and comes back (LEAVE_KEYCLOAK is set)"
else
    scenario "Keycloak goes away: who has a token keeps working"
    password_token mcp-user user123 "$ALL"
    rpc ping
    "$REPO/scripts/keycloak.sh" down
    errors=0
    for _ in $(seq 20); do
        curl -s -o /dev/null -w '%{http_code}\n' "$BASE_URL/mcp" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
            -d '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hi"}}}' | grep -q 200 || errors=$((errors + 1))
    done
    expect "20 calls, none refused" [ "$errors" -eq 0 ]
    request GET /health
    expect_status 200
    "$REPO/scripts/keycloak.sh" up
    password_token mcp-user user123 "$ALL"
    rpc tools/list
    expect_status 200
fi
finish

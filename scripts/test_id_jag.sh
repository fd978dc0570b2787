#!/usr/bin/env bash
# Enterprise-managed authorization (MCP extension; draft-ietf-oauth-identity-assertion-authz-grant): step 11 exchanges the
# user's ID token for an identity assertion at an enterprise identity provider, and that for an access token, without a login
# and without a consent page. Then what the authorization server refuses, assertion by assertion.
#   STEP=9    the development authorization server of step 9 (the default)
#   STEP=10   Keycloak and step 10; needs scripts/keycloak.sh up
. "$(dirname "$0")/lib.sh"
command -v node >/dev/null || die "node is needed: install Node.js 20 or newer"

STEP=${STEP:-9}
start_server "$REPO" node scripts/enterprise_idp.mjs
IDP=$BASE_URL
case $STEP in
    9)
        start_step 9 --enterprise-issuer "$IDP"
        ISSUER=$BASE_URL TOKEN_ENDPOINT=$BASE_URL/auth/token MCP=$BASE_URL/mcp ;;
    10)
        KEYCLOAK_URL=${KEYCLOAK_URL:-http://localhost:${KEYCLOAK_PORT:-8080}}
        ISSUER=$KEYCLOAK_URL/realms/mcp-realm TOKEN_ENDPOINT=$ISSUER/protocol/openid-connect/token
        KEYCLOAK_URL=$KEYCLOAK_URL JWT_ISSUER=$ISSUER start_step 10
        MCP=$BASE_URL/mcp ;;
    *) die "STEP is 9 or 10" ;;
esac

scenario "the client is known to both: to the provider by one name, to the authorization server by another"
case $STEP in
    9)
        request POST /auth/register -H 'Content-Type: application/json' \
            -d '{"client_name":"Enterprise client","grant_types":["urn:ietf:params:oauth:grant-type:jwt-bearer"]}'
        expect_status 201
        CLIENT=$(json .client_id) SECRET_FILE=$WORK/secret
        json .client_secret >"$SECRET_FILE"
        SHOW='{grant_types_supported, authorization_grant_profiles_supported}' request GET /.well-known/oauth-authorization-server
        expect_json '.grant_types_supported | index("urn:ietf:params:oauth:grant-type:jwt-bearer") != null' "the metadata names the grant"
        expect_json '.authorization_grant_profiles_supported == ["urn:ietf:params:oauth:grant-profile:id-jag"]' "and its profile" ;;
    10)
        printf '%s\n' "${DIM}\$ scripts/keycloak.sh idjag $IDP 8f0c${PLAIN}"
        "$REPO/scripts/keycloak.sh" idjag "$IDP" 8f0c >"$WORK/settings" || die "scripts/keycloak.sh idjag failed; is Keycloak running? scripts/keycloak.sh up"
        cat "$WORK/settings"
        CLIENT=$(sed -n 's/^ *client id *//p' "$WORK/settings")
        SECRET_FILE=$(sed -n 's/^ *client secret *@//p' "$WORK/settings")
        expect "its secret is in a file that only the owner reads" test "$(stat -c %a "$SECRET_FILE" 2>/dev/null || stat -f %Lp "$SECRET_FILE")" = 600 ;;
esac
request POST "$IDP/clients" -d "$(jq -nc --arg client "$CLIENT" '{"mcp-client": $client}')"
expect_status 200

# jwt HEADER CLAIMS [KEY]: a JWT that the provider signs
jwt() {
    jq -nc --argjson header "$1" --argjson claims "$2" --arg key "${3:-trusted}" '{$header, $claims, $key}' |
        curl -fsS "$IDP/sign" -d @- | jq -r .jwt
}
# id_jag CHANGES [HEADER] [KEY]: the claims of a valid assertion with changes; null removes a claim
id_jag() {
    jwt "${2:-"{\"typ\":\"oauth-id-jag+jwt\"}"}" "$(jq -nc --argjson changes "$1" --arg idp "$IDP" --arg aud "$ISSUER" --arg client "$CLIENT" --arg mcp "$MCP" --arg jti "$RANDOM$RANDOM$RANDOM" '
        (now | floor) as $now | {iss: $idp, sub: "8f0c", $aud, client_id: $client, $jti, iat: $now, exp: ($now + 200),
        resource: $mcp, scope: "mcp:read mcp:tools", email: "ada@corp.example"} + $changes | with_entries(select(.value != null))')" "${3:-}"
}
# redeem ASSERTION [curl arguments]
redeem() {
    printf '%s' "$1" >"$WORK/assertion"
    (umask 077; printf 'user = "%s:%s"\n' "$CLIENT" "$(cat "$SECRET_FILE")" >"$WORK/basic")
    request POST "$TOKEN_ENDPOINT" -K "$WORK/basic" -d grant_type=urn:ietf:params:oauth:grant-type:jwt-bearer \
        --data-urlencode "assertion@$WORK/assertion" "${@:2}"
}

scenario "step 11: from the user's ID token to a tool, without a login"
jwt '{"typ":"JWT"}' "$(jq -nc --arg idp "$IDP" '(now | floor) as $now | {iss: $idp, aud: "mcp-client", sub: "8f0c", email: "ada@corp.example", iat: $now, exp: ($now + 300)}')" >"$WORK/id-token"
# step11 [flags]: sets $OUTPUT; the exit status is its own
step11() {
    set -- --headless --grant jwt-bearer --issuer "$ISSUER" --idp-token-endpoint "$IDP/token" --idp-client-id mcp-client \
        --id-token "@$WORK/id-token" --client-id "$CLIENT" --client-secret "@$SECRET_FILE" "$@" "$MCP"
    local program status=0 flags=$*
    printf '%s\n' "${DIM}\$ cargo run --bin step11 -- ${flags//"$WORK/"/}${PLAIN}"
    program=$(binary step11)
    OUTPUT=$(XDG_CONFIG_HOME=$WORK "$program" "$@" 2>"$WORK/progress") || status=$?
    printf '%s\n' "$OUTPUT"
    [ $status -eq 0 ] || cat "$WORK/progress"
    return $status
}
# Keycloak fails with `resource` when a grant gives no refresh token (keycloak/keycloak#50251).
[ "$STEP" = 9 ] && OMIT='' || OMIT=--omit-resource
STATUS=''
expect_output() { if grep -q "$1" <<<"$OUTPUT"; then ok "$2"; else fail "$2"; fi; }
if step11 ${OMIT:+$OMIT} --scope mcp:tools --call whoami; then ok "step 11 succeeds"; else fail "step 11 succeeds"; fi
case $STEP in
    9) expect_output 'ada@corp.example' "the caller is the provider's user" ;;
    10) expect_output 'mcp-user' "the caller is the user of the realm whom the provider calls 8f0c" ;;
esac
if step11 ${OMIT:+$OMIT} --scope mcp:tools --dpop --call whoami; then ok "the same, bound to a key of the client (DPoP)"; else fail "the same, bound to a key of the client (DPoP)"; fi

scenario "an assertion gives one access token, and no refresh token"
ASSERTION=$(id_jag '{}')
redeem "$ASSERTION" -d scope=mcp:tools
expect_status 200
expect_json '.token_type == "Bearer" and (has("refresh_token") | not)' "a bearer token, and nothing to refresh it with"
TOKEN=$(json '.access_token // ".e30"')
rpc tools/call '{"name":"whoami","arguments":{}}'
expect_status 200
TOKEN=''
redeem "$ASSERTION"
expect_status 400
expect_json '.error == "invalid_grant"' "a second time it is refused (jti)"

# refused ERROR WHAT CHANGES [HEADER] [KEY]
refused() {
    redeem "$(id_jag "${@:3}")" -d scope=mcp:tools
    if [ "$STATUS" = 400 ]; then expect_json '.error == $error' "$2: $1" --arg error "$1"; else fail "$2: status is 400 (got $STATUS)"; fi
}
scenario "what every authorization server must refuse"
refused invalid_grant "another audience" '{"aud":"https://other.example"}'
refused invalid_grant "two audiences" "{\"aud\":[\"$ISSUER\",\"https://other.example\"]}"
refused invalid_grant "for another client" '{"client_id":"somebody-else"}'
refused invalid_grant "of another issuer" '{"iss":"https://other.example"}'
refused invalid_grant "expired" '{"iat":1700000000,"exp":1700000100}'
refused invalid_grant "issued in the future" "$(jq -nc '{iat: (now + 600 | floor), exp: (now + 700 | floor)}')"
refused invalid_grant "not yet valid" "$(jq -nc '{nbf: (now + 600 | floor)}')"
refused invalid_grant "signed with another key" '{}' '{"typ":"oauth-id-jag+jwt"}' other
for claim in jti sub aud client_id exp iat iss; do refused invalid_grant "without $claim" "{\"$claim\":null}"; done

case $STEP in
    9)
        scenario "what this authorization server refuses, too"
        refused invalid_grant "another type of JWT" '{}' '{"typ":"JWT"}'
        refused invalid_target "for another MCP server" '{"resource":"https://other.example/mcp"}'
        refused invalid_grant "without resource" '{"resource":null}'
        refused invalid_scope "a scope that the provider has not allowed" '{"scope":"mcp:read"}'
        refused invalid_scope "without scope" '{"scope":null}' ;;
    10)
        # Recorded, so that a release of Keycloak that checks them is noticed.
        scenario "what Keycloak 26.7.5 does not check: type, resource and scope of the assertion"
        for changes in '{"resource":"https://other.example/mcp"}' '{"scope":"mcp:read"}'; do
            redeem "$(id_jag "$changes")" -d scope=mcp:tools
            expect_status 200
        done
        redeem "$(id_jag '{}' '{"typ":"JWT"}')" -d scope=mcp:tools
        expect_status 200
        scenario "a user whom the realm does not know"
        refused invalid_grant "no user is linked to this subject" '{"sub":"nobody"}' ;;
esac

finish

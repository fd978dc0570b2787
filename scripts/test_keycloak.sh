#!/usr/bin/env bash
# Keycloak as authorization server: its realm, its documents, its keys, and a decoded token for each of the three users.
# Start it with scripts/keycloak.sh up. KEYCLOAK_URL and KEYCLOAK_REALM name another one.
. "$(dirname "$0")/lib.sh"

KEYCLOAK_URL=${KEYCLOAK_URL:-http://localhost:8080}
REALM=${KEYCLOAK_REALM:-mcp-realm}
ISSUER=$KEYCLOAK_URL/realms/$REALM
TOKEN_ENDPOINT=$ISSUER/protocol/openid-connect/token

curl -fs -o /dev/null --max-time 10 "$ISSUER" || die "Keycloak with $REALM does not answer at $KEYCLOAK_URL; start it with: scripts/keycloak.sh up"

scenario "the realm"
request GET "$ISSUER"
expect_status 200
expect_json '.realm == $realm' "its name is $REALM" --arg realm "$REALM"
expect_json '.public_key | length > 300' "it shows its public key"

scenario "authorization server metadata, at the three places where clients look (RFC 8414 section 3.1)"
# The first is RFC 8414's own: the well-known part goes between host and path. Keycloak serves it since 26.4.
for url in "$KEYCLOAK_URL/.well-known/oauth-authorization-server/realms/$REALM" \
    "$ISSUER/.well-known/oauth-authorization-server" "$ISSUER/.well-known/openid-configuration"; do
    SHOW='{issuer, registration_endpoint, jwks_uri, code_challenge_methods_supported, scopes_supported}' request GET "$url"
    expect_status 200
    expect_json '.issuer == $issuer' "issuer is $ISSUER, letter for letter" --arg issuer "$ISSUER"
    expect_json '.code_challenge_methods_supported | index("S256")' "PKCE with S256 is offered"
done
expect_json '.registration_endpoint | startswith($issuer)' "clients can register themselves (RFC 7591)" --arg issuer "$ISSUER"
expect_json '.authorization_response_iss_parameter_supported' "the issuer comes back with the code (RFC 9207)"
expect_json '.scopes_supported | contains(["mcp:read", "mcp:tools", "mcp:prompts", "offline_access"])' "it knows our scopes"
JWKS_URI=$(json .jwks_uri)

scenario "the public keys"
request GET "$JWKS_URI"
expect_status 200
expect_json '.keys[] | select(.use == "sig" and .alg == "RS256") | .kid and .n and .e' "a key to verify signatures with"
expect_json 'all(.keys[]; has("d") | not)' "no private part is published"
expect_json 'any(.keys[]; .use == "enc")' "there is an encryption key too, so a verifier must look at \"use\""

# user NAME PASSWORD ITS_SCOPES ITS_ROLES: everyone asks for all scopes and gets those that their roles allow.
user() {
    scenario "a token for $1"
    password_token "$1" "$2" "openid profile email mcp:read mcp:tools mcp:prompts"
    expect_status 200
    [ -n "$TOKEN" ] || return 0
    BODY=$(claims "$TOKEN")
    echo "its claims:"
    jq . <<<"$BODY"
    expect_json '.iss == $issuer' "issuer is $ISSUER" --arg issuer "$ISSUER"
    expect_json '[.aud] | flatten | index("echo-mcp-server")' "audience holds echo-mcp-server"
    expect_json '.azp == "mcp-test-client"' "authorized party is mcp-test-client"
    expect_json '.preferred_username == $name and (.sub | length > 0)' "user is $1" --arg name "$1"
    expect_json '.typ == "Bearer" and .exp - .iat == 3600' "an access token, good for an hour"
    expect_json '[.scope | split(" ")[] | select(startswith("mcp:"))] | sort | join(" ") == $scopes' "mcp scopes are exactly: $3" --arg scopes "$3"
    expect_json '.resource_access["echo-mcp-server"].roles | sort | join(" ") == $roles' "roles are exactly: $4" --arg roles "$4"
}
user mcp-admin admin123 "mcp:prompts mcp:read mcp:tools" "prompts read-only tools"
user mcp-user user123 "mcp:read mcp:tools" "read-only tools"
user mcp-readonly readonly123 "mcp:read" "read-only"

scenario "a wrong password"
password_token mcp-user not-my-password "openid mcp:tools"
expect_status 400
expect_json '.error == "invalid_grant"' "error is invalid_grant"

case ${KEYCLOAK_FEATURES:-resource-indicators} in *resource-indicators*)
    scenario "a token for one MCP server only (RFC 8707)"
    password_token mcp-user user123 "openid mcp:tools" -d resource=http://localhost:9000/mcp
    expect_status 200
    BODY=$(claims "${TOKEN:-.e30}")
    expect_json '.aud == "http://localhost:9000/mcp"' "audience is the resource, and nothing else"

    scenario "a token for a server that the realm does not know"
    password_token mcp-user user123 "openid mcp:tools" -d resource=http://localhost:1/mcp
    expect_status 400
    expect_json '.error == "invalid_target"' "error is invalid_target; scripts/keycloak.sh resource URL makes a server known"
    ;;
esac

scenario "a login without PKCE"
request GET "$ISSUER/protocol/openid-connect/auth" -G -d response_type=code -d client_id=mcp-test-client \
    --data-urlencode redirect_uri=http://localhost:8765/callback -d scope=openid -d state=xyz
expect_status 302
expect_header Location '^http://localhost:8765/callback\?.*error=invalid_request.*code_challenge'

scenario "a redirect to elsewhere"
for uri in http://localhost.evil.example/callback http://localhost:80@evil.example/callback; do
    request GET "$ISSUER/protocol/openid-connect/auth" -G -o /dev/null -d response_type=code -d client_id=mcp-test-client --data-urlencode "redirect_uri=$uri"
    expect_status 400
    expect_no_header Location
done

scenario "a browser page may register a client from the Inspector's origin"
request OPTIONS "$ISSUER/clients-registrations/openid-connect" -H 'Origin: http://localhost:6274' \
    -H 'Access-Control-Request-Method: POST' -H 'Access-Control-Request-Headers: content-type'
expect "the preflight is answered" test "${STATUS%??}" = 2
expect_header Access-Control-Allow-Origin '^http://localhost:6274$'

if [ "$KEYCLOAK_URL" = "http://localhost:${KEYCLOAK_PORT:-8080}" ]; then
    RESOURCE=http://localhost:9000/mcp
    # settings COMMAND: runs scripts/keycloak.sh COMMAND and sets $CLIENT and $SECRET_FILE to what it prints
    settings() {
        printf '%s\n' "${DIM}\$ scripts/keycloak.sh $1${PLAIN}"
        "$REPO/scripts/keycloak.sh" "$1" >"$WORK/settings" || die "scripts/keycloak.sh $1 failed"
        cat "$WORK/settings"
        CLIENT=$(sed -n 's/^ *client id *//p' "$WORK/settings")
        SECRET_FILE=$(sed -n 's/^ *client secret *@\([^ ]*\).*/\1/p' "$WORK/settings")
        expect "its secret is in a file that only the owner reads" test "$(stat -c %a "$SECRET_FILE" 2>/dev/null || stat -f %Lp "$SECRET_FILE")" = 600
    }
    # as_client [curl arguments]: a token request of $CLIENT; id and secret are form-encoded first (RFC 6749, 2.3.1)
    as_client() {
        (umask 077; printf 'user = "%s:%s"\n' "$(jq -rn --arg id "$CLIENT" '$id | @uri')" "$(jq -Rr @uri "$SECRET_FILE")" >"$WORK/basic")
        request POST "$TOKEN_ENDPOINT" -K "$WORK/basic" "$@"
    }

    scenario "a program without a user (client credentials)"
    settings machine
    as_client -d grant_type=client_credentials -d scope=mcp:tools --data-urlencode "resource=$RESOURCE"
    expect_status 200
    BODY=$(claims "$(json '.access_token // ".e30"')")
    expect_json '.azp == "mcp-machine" and .aud == $resource and (.scope | split(" ") | index("mcp:tools") != null)' "a token for this MCP server, with its scope" --arg resource "$RESOURCE"

    scenario "token exchange (RFC 8693): the MCP server calls another API in the user's name"
    settings exchange
    password_token mcp-user user123 "openid mcp:tools downstream:read" --data-urlencode "resource=$RESOURCE"
    USER_TOKEN=$TOKEN
    user=$(claims "${USER_TOKEN:-.e30}" | jq -r .sub)
    exchange() {
        printf '%s' "$1" >"$WORK/subject"
        as_client -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange --data-urlencode "subject_token@$WORK/subject" \
            -d subject_token_type=urn:ietf:params:oauth:token-type:access_token -d audience=downstream-api -d scope=downstream:read
    }
    exchange "$USER_TOKEN"
    expect_status 200
    expect_json '.token_type == "Bearer" and .issued_token_type == "urn:ietf:params:oauth:token-type:access_token" and (has("refresh_token") | not)' "an access token, and no refresh token"
    TOKEN=$(json '.access_token // ".e30"')
    BODY=$(claims "$TOKEN")
    expect_json '.aud == "downstream-api" and .scope == "downstream:read" and .sub == $user and .azp == $client' "for the API only, with its scope only, for the same user" --arg user "$user" --arg client "$CLIENT"
    expect_json '.exp - .iat <= 60' "good for a minute at most"

    scenario "the user has not consented to the API's scope"
    password_token mcp-user user123 "openid mcp:tools" --data-urlencode "resource=$RESOURCE"
    exchange "$TOKEN"
    expect_status 400
    expect_json '.error == "invalid_scope"' "error is invalid_scope: an exchange gives no scope that the user's token lacks"

    scenario "a token for another server is not exchanged"
    "$REPO/scripts/keycloak.sh" resource http://localhost:1/mcp
    password_token mcp-user user123 "openid mcp:tools downstream:read" -d resource=http://localhost:1/mcp
    exchange "$TOKEN"
    "$REPO/scripts/keycloak.sh" resource --remove http://localhost:1/mcp
    expect_status 403
    expect_json '.error_description == "Client is not within the token audience"' "the client that exchanges must be in aud"
fi

if command -v node >/dev/null; then
    scenario "a token that is bound to a key (DPoP, RFC 9449)"
    SHOW='{dpop_signing_alg_values_supported}' request GET "$ISSUER/.well-known/openid-configuration"
    expect_json '.dpop_signing_alg_values_supported | index("ES256") != null' "the metadata offers it"
    # proof URL METHOD [TOKEN]: a proof with the key of $WORK/dpop.json
    cat >"$WORK/proof.mjs" <<'END'
import { createHash, createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
const [file, htu, htm, token] = process.argv.slice(2);
if (!existsSync(file)) {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  writeFileSync(file, JSON.stringify(privateKey.export({ format: 'jwk' })), { mode: 0o600 });
}
const jwk = JSON.parse(readFileSync(file, 'utf8'));
const { crv, kty, x, y } = jwk;
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const ath = token && createHash('sha256').update(token).digest('base64url');
const head = part({ typ: 'dpop+jwt', alg: 'ES256', jwk: { crv, kty, x, y } });
const body = part({ jti: randomUUID(), iat: Math.floor(Date.now() / 1000), htm, htu, ath });
const signature = sign('sha256', Buffer.from(`${head}.${body}`), { key: createPrivateKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' });
console.log(`${head}.${body}.${signature.toString('base64url')}`);
END
    proof() { node "$WORK/proof.mjs" "$WORK/dpop.json" "$@"; }
    proof=$(proof "$TOKEN_ENDPOINT" POST)
    password_token mcp-user user123 "openid mcp:tools" -H "DPoP: $proof"
    expect_json '.token_type == "DPoP"' "token_type is DPoP"
    BODY=$(claims "${TOKEN:-.e30}")
    expect_json '.typ == "DPoP" and (.cnf.jkt | length == 43)' "the payload's typ is DPoP, not Bearer, and cnf.jkt is the thumbprint of the key"
    BOUND=$TOKEN
    password_token mcp-user user123 "openid mcp:tools" -H "DPoP: $proof"
    expect_status 400
    expect_json '.error == "invalid_dpop_proof" or .error == "invalid_request"' "the same proof is not accepted again"
    userinfo=$ISSUER/protocol/openid-connect/userinfo
    TOKEN=$BOUND
    request GET "$userinfo" -H "Authorization: Bearer $BOUND"
    expect_status 401
    request GET "$userinfo" -H "Authorization: DPoP $BOUND" -H "DPoP: $(proof "$userinfo" GET "$BOUND")"
    expect_status 200
fi

finish

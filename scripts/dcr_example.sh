#!/usr/bin/env bash
# Dynamic client registration (RFC 7591) with curl alone: an unknown program becomes a client of Keycloak.
# Start Keycloak with scripts/keycloak.sh up. The client is removed at the end (RFC 7592); KEEP=yes leaves it there.
. "$(dirname "$0")/lib.sh"

ISSUER=${KEYCLOAK_URL:-http://localhost:8080}/realms/${KEYCLOAK_REALM:-mcp-realm}
curl -fs -o /dev/null --max-time 10 "$ISSUER" || die "Keycloak does not answer at $ISSUER; start it with: scripts/keycloak.sh up"

scenario "where to register"
SHOW='{registration_endpoint}' request GET "$ISSUER/.well-known/oauth-authorization-server"
expect_status 200
REGISTRATION_ENDPOINT=$(json .registration_endpoint)

# A native program: it cannot keep a secret, so it asks for none, and PKCE protects its code instead. Keycloak holds
# it to the scopes that it names here, so they are all that it may ever want.
scenario "a public client, as MCP clients are"
request POST "$REGISTRATION_ENDPOINT" -H 'Content-Type: application/json' -d '{
    "client_name": "My MCP client",
    "application_type": "native",
    "redirect_uris": ["http://127.0.0.1:8081/callback"],
    "grant_types": ["authorization_code", "refresh_token"],
    "token_endpoint_auth_method": "none",
    "scope": "mcp:read mcp:tools mcp:prompts offline_access"
}'
expect_status 201
expect_json '.client_id | length > 0' "it has a client_id: $(json '.client_id // "none"')"
expect_json 'has("client_secret") | not' "and no secret"
expect_json '.scope | split(" ") | contains(["mcp:read", "mcp:tools", "mcp:prompts"])' "it may ask for the mcp scopes"
PUBLIC=$BODY

scenario "a confidential client, as in the posts"
request POST "$REGISTRATION_ENDPOINT" -H 'Content-Type: application/json' -d '{
    "client_name": "My anonymous client",
    "redirect_uris": ["http://localhost:8081/callback"],
    "grant_types": ["authorization_code"],
    "token_endpoint_auth_method": "client_secret_basic",
    "scope": "mcp:read mcp:tools mcp:prompts echo-mcp-server-audience"
}'
expect_status 201
expect_json '.client_secret | length > 20' "it has a secret (shortened above)"
CONFIDENTIAL=$BODY

scenario "a scope that is not on the list"
request POST "$REGISTRATION_ENDPOINT" -H 'Content-Type: application/json' -d '{"client_name": "Greedy", "redirect_uris": ["http://localhost:8081/callback"], "scope": "everything"}'
expect_json '.error | length > 0' "is refused: $(json '.error // "not refused"')"

if [ -z "${KEEP:-}" ]; then
    scenario "removing them again (RFC 7592)"
    for client in "$PUBLIC" "$CONFIDENTIAL"; do
        TOKEN=$(jq -r .registration_access_token <<<"$client")
        request DELETE "$(jq -r .registration_client_uri <<<"$client")" -H "Authorization: Bearer $TOKEN"
        expect_status 204
    done
fi

finish

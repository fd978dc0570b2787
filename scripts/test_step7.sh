#!/usr/bin/env bash
# Step 7: discovery and login.
#
# A client that knows only the server's URL gets a 401, follows resource_metadata to the protected resource metadata (RFC 9728),
# and from there finds the authorization server metadata (RFC 8414) with its endpoints. Then curl runs the authorization code
# flow with PKCE, request by request, as alice.
. "$(dirname "$0")/lib.sh"
start_step 7

scenario "the 401 names the protected resource metadata"
rpc ping
expect_status 401
expect_header WWW-Authenticate '^Bearer .*resource_metadata="'
tutorial expect_header WWW-Authenticate '^Bearer realm="mcp-server", resource_metadata="'
tutorial expect_header WWW-Authenticate 'scope="mcp:read mcp:tools"'
tutorial expect_detail "Authorization header missing"
document=$(sed -n 's/^www-authenticate:.*resource_metadata="\([^"]*\)".*/\1/Ip' <<<"$HEADERS")
[ -n "$document" ] || die "without resource_metadata a client cannot go on"

scenario "the protected resource metadata has the resource identifier and the authorization server"
request GET "$document"
expect_status 200
expect_header Content-Type '^application/json'
expect_json '.resource == $url + "/mcp"' "resource is the URL of the endpoint" --arg url "$BASE_URL"
expect_json '.authorization_servers | type == "array" and length > 0' "there is an authorization server"
tutorial expect_json '.authorization_servers == [$url]' "it is this server" --arg url "$BASE_URL"
tutorial expect_json '.scopes_supported == ["mcp:read", "mcp:tools"] and .bearer_methods_supported == ["header"]' "scopes and bearer methods"
tutorial expect_json '.mcp_protocol_version == "2025-06-18" and .resource_type == "mcp-server"' "the properties that the posts add"
issuer=$(json '.authorization_servers[0]') page=$(json '.resource_documentation // empty')

scenario "the authorization server metadata has its endpoints"
# The well-known path goes between the host and the path of the issuer (RFC 8414, 3.1).
request GET "$(sed -E 's#^(https?://[^/]+)(/?)(.*)$#\1/.well-known/oauth-authorization-server\2\3#; s#/$##' <<<"$issuer")"
expect_status 200
expect_json '.issuer == $issuer' "issuer is the one that was looked up (RFC 8414, 3.3)" --arg issuer "$issuer"
expect_json '.response_types_supported | index("code") != null' "response type code"
expect_json '.code_challenge_methods_supported | index("S256") != null' "PKCE with S256"
tutorial expect_json '.response_types_supported == ["code"] and .code_challenge_methods_supported == ["S256"]' "and no others"
tutorial expect_json '(.grant_types_supported | index("authorization_code")) != null' "the authorization code grant"
tutorial expect_json '["mcp:read", "mcp:tools"] - .scopes_supported == []' "the scopes of the resource"
tutorial expect_json '.resource_indicators_supported' "the property that the posts add for RFC 8707"
endpoints=$(jq -r 'to_entries[] | select(.key | test("_(endpoint|uri)$|^service_documentation$")) | .value' <<<"$BODY")

scenario "every advertised URL exists"
for url in $endpoints ${page:+"$page"}; do
    request GET "$url"
    # A GET without parameters may be wrong for an endpoint, but the endpoint must be there.
    expect "$url exists (status $STATUS)" grep -Eqx '200|400|401|405' <<<"$STATUS"
done

if tutorial_scenario "the documentation is a page"; then
    request GET "$page"
    expect_status 200
    expect_header Content-Type '^text/html'
fi

if tutorial_scenario "the posts use the metadata at the root; pages of other origins may read it"; then
    request GET /.well-known/oauth-protected-resource
    expect_status 200
    expect_json '.resource == $url' "resource is the whole server" --arg url "$BASE_URL"
    request GET "$document" -H 'Origin: http://localhost:6274'
    expect_header Access-Control-Allow-Origin
    request GET /.well-known/oauth-protected-resource -H 'Origin: http://evil.com'
    expect_status 403
fi

if tutorial_scenario "health check, serverInfo and ping report the metadata"; then
    request GET /health
    expect_json '.oauth_metadata == {"protected_resource": ($url + "/.well-known/oauth-protected-resource"),
        "authorization_server": ($url + "/.well-known/oauth-authorization-server"), "jwks": ($url + "/.well-known/jwks.json")}' \
        "the health check" --arg url "$BASE_URL"
    gen_token --username alice
    rpc initialize
    expect_json '.result.serverInfo.oauth_metadata | has("protected_resource") and has("authorization_server")' "serverInfo"
    expect_json '.result.serverInfo.authenticatedUser == "alice"' "and the user"
    rpc ping
    expect_json '.result._meta | .oauth_metadata_available and .user == "alice"' "ping"
fi

if tutorial_scenario "tokens of gen-token are still accepted"; then
    rpc tools/list
    expect_json '[.result.tools[].name] == ["echo", "get_time"]' "tools/list"
    rpc tools/call '{"name":"echo","arguments":{"message":"Hello OAuth","repeat_count":2}}'
    expect_json '.result.content[0].text == "Hello OAuthHello OAuth"' "tools/call"
    gen_token --username bob --audience another-server
    rpc ping
    expect_status 401
    expect_detail "Invalid token audience"
    expect_header WWW-Authenticate 'error="invalid_token"'
    expect_header WWW-Authenticate 'resource_metadata="'
fi

if tutorial_scenario "dynamic client registration"; then
    TOKEN=''
    request POST /auth/register -H 'Content-Type: application/json' \
        -d '{"client_name":"curl","redirect_uris":["http://127.0.0.1/callback"],"application_type":"native","token_endpoint_auth_method":"none","scope":"mcp:read mcp:tools"}'
    expect_status 201
    client=$(json .client_id)

    scenario "the authorization request: alice logs in and consents"
    SCENARIO_SCOPE=tutorial
    # The verifier and challenge of RFC 7636, appendix B; a client creates new ones each time. Nothing listens at the redirect URI.
    verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk
    redirect=http://127.0.0.1:8765/callback
    encoded() { jq -rn --arg text "$1" '$text | @uri'; }
    query="response_type=code&client_id=$client&redirect_uri=$(encoded $redirect)&scope=mcp%3Aread%20mcp%3Atools&state=xyz"
    query="$query&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&resource=$(encoded "$BASE_URL/mcp")"
    csrf_token() { sed -n 's/.*name="csrf_token" value="\([^"]*\)".*/\1/p' <<<"$BODY" | head -1; }
    jar=$WORK/cookies
    request GET "/auth/authorize?$query" -c "$jar"
    expect_status 200
    expect_header Content-Security-Policy "frame-ancestors 'none'"
    request POST "/auth/login?$query" -b "$jar" -c "$jar" -d "csrf_token=$(csrf_token)" -d username=alice -d password=alice123
    expect_status 303
    request GET "/auth/authorize?$query" -b "$jar"
    expect "the consent page names the client" grep -q 'curl</bdi> asks for access' <<<"$BODY"
    request POST "/auth/consent?$query" -b "$jar" -d "csrf_token=$(csrf_token)" -d decision=allow -d scope=mcp:read -d scope=mcp:tools
    expect_status 303
    expect_header Location "^$redirect\\?code="
    expect_header Location "state=xyz&iss=$(encoded "$BASE_URL")\$"
    code=$(sed -n 's/^location:.*[?&]code=\([^&]*\).*/\1/Ip' <<<"$HEADERS")

    scenario "the token request exchanges code and verifier for an access token"
    SCENARIO_SCOPE=tutorial
    exchange() {
        request POST /auth/token -d grant_type=authorization_code -d "client_id=$client" -d "code=$1" \
            -d "code_verifier=$verifier" --data-urlencode "redirect_uri=$redirect" --data-urlencode "resource=$BASE_URL/mcp"
    }
    exchange "$code"
    expect_status 200
    expect_header Cache-Control no-store
    expect_json '.token_type == "Bearer" and .expires_in == 900 and .scope == "mcp:read mcp:tools"' "valid for 15 minutes, with the scopes that alice granted"
    TOKEN=$(json .access_token)
    expect "the audience is this resource" [ "$(claims "$TOKEN" | jq -r .aud)" = "$BASE_URL/mcp" ]
    rpc tools/call '{"name":"echo","arguments":{"message":"Hello alice"}}'
    expect_json '.result.content[0].text == "Hello alice"' "the server accepts the token"

    scenario "a replayed code gets invalid_grant, and its token is revoked"
    SCENARIO_SCOPE=tutorial
    exchange "$code"
    expect_status 400
    expect_json '.error == "invalid_grant"' "invalid_grant"
    rpc ping
    expect_status 401
    expect_header WWW-Authenticate 'error="invalid_token"'

    scenario "another redirect URI, another resource or the challenge method plain is rejected"
    SCENARIO_SCOPE=tutorial
    request GET "/auth/authorize?${query/127.0.0.1%3A8765/evil.example}"
    expect_status 400
    expect_no_header Location
    request GET "/auth/authorize?${query%mcp}other"
    expect_header Location 'error=invalid_target'
    request GET "/auth/authorize?${query/method=S256/method=plain}"
    expect_header Location 'error=invalid_request'
fi

finish

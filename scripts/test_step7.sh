#!/usr/bin/env bash
# Step 7: a client can find its way.
#
# A client that knows nothing but our URL gets a 401, follows its resource_metadata to a document about this resource
# (RFC 9728), and from there goes to the authorization server (RFC 8414), which says where to register and log in. Every
# URL that is named on the way answers; curl then walks the way to a token, request by request.
. "$(dirname "$0")/lib.sh"
start_step 7

scenario "the 401 points to the first document, and names all scopes of this resource"
rpc ping
expect_status 401
expect_detail "Authorization header missing"
expect_header WWW-Authenticate '^Bearer realm="mcp-server", resource_metadata="'
expect_header WWW-Authenticate 'scope="mcp:read mcp:tools"'
document=$(sed -n 's/^www-authenticate:.*resource_metadata="\([^"]*\)".*/\1/Ip' <<<"$HEADERS")

scenario "the resource says who it is, and who issues its tokens"
request GET "$document"
expect_status 200
expect_header Content-Type '^application/json'
expect_json '.resource == $url + "/mcp"' "its identifier is the URL of the endpoint" --arg url "$BASE_URL"
expect_json '.authorization_servers == [$url]' "one authorization server" --arg url "$BASE_URL"
expect_json '.scopes_supported == ["mcp:read", "mcp:tools"] and .bearer_methods_supported == ["header"]' "scopes, and how to send a token"
expect_json '.mcp_protocol_version == "2025-06-18" and .resource_type == "mcp-server"' "the posts' own members"
issuer=$(json '.authorization_servers[0]') page=$(json .resource_documentation)

scenario "readers of the posts find it at the root as well"
request GET /.well-known/oauth-protected-resource
expect_status 200
expect_json '.resource == $url' "there it speaks for the whole server" --arg url "$BASE_URL"

scenario "the authorization server says where everything is"
request GET "$issuer/.well-known/oauth-authorization-server"
expect_status 200
expect_json '.issuer == $issuer' "it is the one that was asked for (RFC 8414, 3.3)" --arg issuer "$issuer"
expect_json '.response_types_supported == ["code"]' "codes, and no tokens in URLs"
expect_json '.code_challenge_methods_supported == ["S256"]' "PKCE"
expect_json '(.grant_types_supported | index("authorization_code")) != null' "the authorization code grant"
expect_json '["mcp:read", "mcp:tools"] - .scopes_supported == []' "the scopes of the resource, at least"
expect_json '.resource_indicators_supported' "the posts' own member: tokens are for one resource (RFC 8707)"
endpoints=$(jq -r 'to_entries[] | select(.key | test("_(endpoint|uri)$|^service_documentation$")) | .value' <<<"$BODY")

scenario "nothing is named that is not there"
for url in $endpoints "$page"; do
    request GET "$url"
    # A GET without parameters may be wrong for an endpoint, but the endpoint must be there.
    expect "$url exists (status $STATUS)" grep -Eqx '200|400|401|405' <<<"$STATUS"
done
request GET "$page"
expect_status 200
expect_header Content-Type '^text/html'

scenario "web pages elsewhere may read the documents; a preflight is answered"
request GET "$document" -H 'Origin: http://localhost:6274'
expect_header Access-Control-Allow-Origin

scenario "/health and serverInfo name the documents, too"
request GET /health
expect_status 200
expect_json '.oauth_metadata == {"protected_resource": ($url + "/.well-known/oauth-protected-resource"),
    "authorization_server": ($url + "/.well-known/oauth-authorization-server"), "jwks": ($url + "/.well-known/jwks.json")}' \
    "/health does" --arg url "$BASE_URL"
gen_token --username alice
rpc initialize
expect_json '.result.serverInfo.oauth_metadata | has("protected_resource") and has("authorization_server")' "serverInfo does"
expect_json '.result.serverInfo.authenticatedUser == "alice"' "and knows alice"
rpc ping
expect_json '.result._meta | .oauth_metadata_available and .user == "alice"' "ping says that they are there"

scenario "tokens of gen-token are as good as before, and so is the wall"
rpc tools/list
expect_json '[.result.tools[].name] == ["echo", "get_time"]' "alice lists"
rpc tools/call '{"name":"echo","arguments":{"message":"Hello OAuth","repeat_count":2}}'
expect_json '.result.content[0].text == "Hello OAuthHello OAuth"' "and calls"
gen_token --username bob --audience another-server
rpc ping
expect_status 401
expect_detail "Invalid token audience"
expect_header WWW-Authenticate 'error="invalid_token"'
expect_header WWW-Authenticate 'resource_metadata="'

scenario "a client registers: now it has a name here"
TOKEN=''
request POST /auth/register -H 'Content-Type: application/json' \
    -d '{"client_name":"curl","redirect_uris":["http://127.0.0.1/callback"],"application_type":"native","token_endpoint_auth_method":"none","scope":"mcp:read mcp:tools"}'
expect_status 201
client=$(json .client_id)

scenario "it sends a person to the authorization server, with a challenge that only it can answer"
# The pair of RFC 7636, appendix B; a client makes a new one each time. No program need listen at the redirect URI here.
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
expect "alice is asked" grep -q 'curl</bdi> asks for access' <<<"$BODY"
request POST "/auth/consent?$query" -b "$jar" -d "csrf_token=$(csrf_token)" -d decision=allow -d scope=mcp:read -d scope=mcp:tools
expect_status 303
expect_header Location "^$redirect\\?code="
expect_header Location "state=xyz&iss=$(encoded "$BASE_URL")\$"
code=$(sed -n 's/^location:.*[?&]code=\([^&]*\).*/\1/Ip' <<<"$HEADERS")

scenario "the code, with the answer to the challenge, becomes a token"
redeem() {
    request POST /auth/token -d grant_type=authorization_code -d "client_id=$client" -d "code=$1" \
        -d "code_verifier=$verifier" --data-urlencode "redirect_uri=$redirect" --data-urlencode "resource=$BASE_URL/mcp"
}
redeem "$code"
expect_status 200
expect_header Cache-Control no-store
expect_json '.token_type == "Bearer" and .expires_in == 900 and .scope == "mcp:read mcp:tools"' "for a quarter of an hour, and for what alice allowed"
TOKEN=$(json .access_token)
expect "its audience is this resource" [ "$(claims "$TOKEN" | jq -r .aud)" = "$BASE_URL/mcp" ]
rpc tools/call '{"name":"echo","arguments":{"message":"Hello alice"}}'
expect_json '.result.content[0].text == "Hello alice"' "and it opens the door"

scenario "a code that comes twice takes back what it gave"
redeem "$code"
expect_status 400
expect_json '.error == "invalid_grant"' "the second time it is worth nothing"
rpc ping
expect_status 401
expect_header WWW-Authenticate 'error="invalid_token"'

scenario "who asks for another place, another resource or a weaker challenge gets nothing"
request GET "/auth/authorize?${query/127.0.0.1%3A8765/evil.example}"
expect_status 400
expect_no_header Location
request GET "/auth/authorize?${query%mcp}other"
expect_header Location 'error=invalid_target'
request GET "/auth/authorize?${query/method=S256/method=plain}"
expect_header Location 'error=invalid_request'

scenario "pages from elsewhere are refused here as everywhere"
TOKEN=''
request GET /.well-known/oauth-protected-resource -H 'Origin: http://evil.com'
expect_status 403

finish

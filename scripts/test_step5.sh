#!/usr/bin/env bash
# Step 5: who could sign a token.
#
# A key pair: the private half signs tokens (gen-token), the public half is published as a JWKS (RFC 7517), where
# anybody who wants to verify a token can fetch it. Nothing is verified here yet; that is step 6.
. "$(dirname "$0")/lib.sh"
start_step 5

scenario "/health says that there are keys"
request GET /health
expect_status 200
expect_json '.status == "healthy" and .jwt_enabled and .jwks_available' "keys are there"
expect_json 'has("auth_required") | not' "and nobody has to use them"

scenario "the public key, for everyone to see"
request GET /.well-known/jwks.json
expect_status 200
expect_header Content-Type '^application/json'
expect_json '.keys | length == 1' "one key"
expect_json '.keys[0] | .kty == "RSA" and .use == "sig" and .kid == "mcp-key-1" and .alg == "RS256" and .e == "AQAB"' "an RSA key for signatures"
expect_json '.keys[0].n | length == 342 and test("^[A-Za-z0-9_-]+$")' "its modulus is 2048 bits, as base64url"
expect_json '.keys[0] | keys == ["alg","e","kid","kty","n","use"]' "and not a member of the private half"
request POST /.well-known/jwks.json
expect_status 405

scenario "the private half is for its owner alone"
expect "mcp_private_key.pem has the mode 0600" test -n "$(find "$KEYS/mcp_private_key.pem" -perm 600)"
expect "it is PKCS#8 in PEM" grep -q -e '-----BEGIN PRIVATE KEY-----' "$KEYS/mcp_private_key.pem"
expect "the public half is SPKI in PEM" grep -q -e '-----BEGIN PUBLIC KEY-----' "$KEYS/mcp_public_key.pem"

scenario "gen-token signs with it: three parts, of which two can be read by anyone"
gen_token --username alice --scopes mcp:read,mcp:tools
header=$(jq -Rc 'split(".")[0] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson' <<<"$TOKEN")
expect "the header names the algorithm and the key" test "$header" = '{"typ":"JWT","alg":"RS256","kid":"mcp-key-1"}'
BODY=$(claims "$TOKEN")
jq . <<<"$BODY"
expect_json '.iss == "mcp-simple-auth" and .aud == "mcp-server"' "who issued it, and for whom"
expect_json '.sub == "user_alice" and .preferred_username == "alice"' "about whom"
expect_json '.scope == "mcp:read mcp:tools" and .scopes == ["mcp:read", "mcp:tools"] and .roles == ["user"]' "what for"
expect_json '.exp - .iat == 3600' "for an hour"

scenario "a token is looked at by nobody yet, good or bad"
rpc initialize
expect_status 200
expect_json '.result.serverInfo | .name == "mcp-echo" and .jwt_enabled' "serverInfo says that there are keys"
expect_json '.result.serverInfo | has("authenticatedUser") | not' "and does not say who asked"
TOKEN=not.a.token
rpc ping
expect_status 200

scenario "all the rest is as in step 4"
TOKEN=''
rpc tools/list
expect_json '[.result.tools[].name] == ["echo", "get_time"]' "the tools are listed"
rpc tools/call '{"name":"echo","arguments":{"message":"Hello World","repeat_count":3}}'
expect_json '.result.content[0].text == "Hello WorldHello WorldHello World"' "echo echoes"
rpc prompts/get '{"name":"echo_prompt","arguments":{"message":"Hi"}}'
expect_json '.result.messages[0].content.text == "Please echo: Hi"' "prompts speak"
rpc unknown_method
expect_error -32601 "Method not found"
rpc ping '' -H 'Origin: http://evil.com'
expect_status 403

finish

#!/usr/bin/env bash
# Step 5: signing keys and JWKS.
#
# gen-token signs tokens with the private key. The server publishes the public key as a JWKS (RFC 7517), with which anyone can
# verify a token. No request is authenticated yet; that is step 6.
. "$(dirname "$0")/lib.sh"
start_step 5

scenario "GET /.well-known/jwks.json returns the public key"
request GET /.well-known/jwks.json
expect_status 200
expect_header Content-Type '^application/([a-z-]+\+)?json'
expect_json '.keys | type == "array" and length > 0' "there is a key"
expect_json '.keys[] | (.kty | type) == "string"' "each key has a type"
expect_json '.keys[] | has("d") or has("p") or has("q") or has("k") | not' "no private part is published"
tutorial expect_json '.keys | length == 1' "one key"
tutorial expect_json '.keys[0] | .kty == "RSA" and .use == "sig" and .kid == "mcp-key-1" and .alg == "RS256" and .e == "AQAB"' "an RSA key for RS256 signatures"
tutorial expect_json '.keys[0].n | length == 342 and test("^[A-Za-z0-9_-]+$")' "the modulus has 2048 bits, base64url-encoded"
tutorial expect_json '.keys[0] | keys == ["alg","e","kid","kty","n","use"]' "and no other property"

if tutorial_scenario "the health check reports the keys"; then
    request POST /.well-known/jwks.json
    expect_status 405
    request GET /health
    expect_status 200
    expect_json '.status == "healthy" and .jwt_enabled and .jwks_available' "keys are available"
    expect_json 'has("auth_required") | not' "authentication is not required"
fi

if tutorial_scenario "only the owner can read the private key"; then
    expect "mcp_private_key.pem has the mode 0600" test -n "$(find "$KEYS/mcp_private_key.pem" -perm 600)"
    expect "it is PKCS#8 in PEM" grep -q -e '-----BEGIN PRIVATE KEY-----' "$KEYS/mcp_private_key.pem"
    expect "the public key is SPKI in PEM" grep -q -e '-----BEGIN PUBLIC KEY-----' "$KEYS/mcp_public_key.pem"
fi

if tutorial_scenario "gen-token signs a JWT: header, claims, signature"; then
    gen_token --username alice --scopes mcp:read,mcp:tools
    header=$(jq -Rc 'split(".")[0] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson' <<<"$TOKEN")
    expect "the header names the algorithm and the key" test "$header" = '{"typ":"JWT","alg":"RS256","kid":"mcp-key-1"}'
    BODY=$(claims "$TOKEN")
    jq . <<<"$BODY"
    expect_json '.iss == "mcp-simple-auth" and .aud == "mcp-server"' "issuer and audience"
    expect_json '.sub == "user_alice" and .preferred_username == "alice"' "the user"
    expect_json '.scope == "mcp:read mcp:tools" and .scopes == ["mcp:read", "mcp:tools"] and .roles == ["user"]' "scopes and roles"
    expect_json '.exp - .iat == 3600' "valid for an hour"
fi

if tutorial_scenario "the server does not look at tokens yet"; then
    rpc initialize
    expect_status 200
    expect_json '.result.serverInfo | .name == "mcp-echo" and .jwt_enabled' "serverInfo reports the keys"
    expect_json '.result.serverInfo | has("authenticatedUser") | not' "and no user"
    TOKEN=not.a.token
    rpc ping
    expect_status 200
fi

if tutorial_scenario "the rest is as in step 4"; then
    TOKEN=''
    rpc tools/list
    expect_json '[.result.tools[].name] == ["echo", "get_time"]' "tools/list"
    rpc tools/call '{"name":"echo","arguments":{"message":"Hello World","repeat_count":3}}'
    expect_json '.result.content[0].text == "Hello WorldHello WorldHello World"' "tools/call"
    rpc prompts/get '{"name":"echo_prompt","arguments":{"message":"Hi"}}'
    expect_json '.result.messages[0].content.text == "Please echo: Hi"' "prompts/get"
    rpc unknown_method
    expect_error -32601 "Method not found"
    rpc ping '' -H 'Origin: http://evil.com'
    expect_status 403
fi

finish

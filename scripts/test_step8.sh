#!/usr/bin/env bash
# Step 8: scopes and roles.
#
# mcp:read lists tools and reads prompts, mcp:tools lists and calls tools, mcp:prompts reads prompts; the role admin may do
# everything. A token without the scope gets 403 insufficient_scope (RFC 6750), which names the scope to request.
. "$(dirname "$0")/lib.sh"
start_step 8

ECHO='{"name":"echo","arguments":{"message":"Hi"}}'
PROMPT='{"name":"echo_prompt","arguments":{"message":"Hi"}}'

# expect_forbidden "what was called" "the missing scope"
expect_forbidden() {
    expect_status 403
    expect_json '.error == {"code":-32001,"message":"Forbidden","data":{"detail":("Insufficient permissions for " + $what)}}' \
        "forbidden: $1" --arg what "$1"
    expect_json '.id == 1' "the id of the request"
    expect_header WWW-Authenticate "^Bearer .*resource_metadata=\"$BASE_URL/.well-known/oauth-protected-resource/mcp\""
    expect_header WWW-Authenticate 'error="insufficient_scope"'
    expect_header WWW-Authenticate " scope=\"$2\""
}
# allowed METHOD [PARAMS]
allowed() {
    rpc "$@"
    expect_status 200
    expect_json 'has("result") and (has("error") | not)' "$1 is allowed"
}

scenario "no token gets 401 with the scopes to request"
rpc tools/list
expect_status 401
expect_header WWW-Authenticate 'scope="[^"]+"'
tutorial expect_detail "Authorization header missing"
tutorial expect_header WWW-Authenticate 'scope="mcp:prompts mcp:read mcp:tools"'

scenario "a token without scopes gets 403 insufficient_scope for tools/call; a token with the named scope does not"
gen_token --username guest --scopes ''
rpc tools/call "$ECHO"
expect_status 403
expect_header WWW-Authenticate '^Bearer .*error="insufficient_scope"'
expect_header WWW-Authenticate 'scope="[^"]+"'
SCOPE_NAMES=$(sed -n 's/^www-authenticate:.* scope="\([^"]*\)".*/\1/Ip' <<<"$HEADERS")
gen_token --username alice --scopes "${SCOPE_NAMES// /,}"
rpc tools/call "$ECHO"
expect_status 200

scenario "scopes are compared exactly"
gen_token --username mallory --scopes "x${SCOPE_NAMES}x,$(tr '[:lower:]' '[:upper:]' <<<"$SCOPE_NAMES"),${SCOPE_NAMES%?}" --roles administrator,Admin
rpc tools/call "$ECHO"
expect_status 403

scenario "initialize, ping and notifications need a token but no scope"
gen_token --username guest --scopes ''
allowed initialize
tutorial expect_json '.result.capabilities | has("tools") and has("prompts")' "capabilities has tools and prompts"
tutorial expect_json '.result.serverInfo | .authenticatedUser == "guest" and .userScopes == [] and .userRoles == ["user"]' "serverInfo has user, scopes and roles"
allowed ping
tutorial expect_json '.result._meta | .user == "guest" and .userScopes == [] and .userRoles == ["user"]' "ping has them, too"
post '{"jsonrpc":"2.0","method":"notifications/initialized"}'
expect_status 202

if tutorial_scenario "health check and metadata list the scopes"; then
    request GET /health
    expect_json '.status == "healthy" and .scope_based_auth and .auth_required' "scopes are enforced"
    for path in oauth-protected-resource/mcp oauth-protected-resource oauth-authorization-server; do
        request GET /.well-known/$path
        expect_status 200
        expect_json '.scopes_supported | index("mcp:prompts", "mcp:tools", "mcp:read") != null' "three scopes"
    done
fi

if tutorial_scenario "guest, without scopes, may call nothing else"; then
    rpc tools/list; expect_forbidden "tools access" mcp:read
    rpc tools/call "$ECHO"; expect_forbidden "tool execution" mcp:tools
    rpc prompts/list; expect_forbidden "prompts access" mcp:prompts
    rpc prompts/get "$PROMPT"; expect_forbidden "prompts access" mcp:prompts
fi

if tutorial_scenario "alice, with mcp:read and mcp:tools, may call everything"; then
    gen_token --username alice --scopes mcp:read,mcp:tools
    allowed tools/list
    expect_json '[.result.tools[].name] | index("echo") != null' "echo is listed"
    allowed tools/call "$ECHO"
    allowed prompts/list
    expect_json '[.result.prompts[].name] | index("echo_prompt") != null' "echo_prompt is listed"
    allowed prompts/get "$PROMPT"
    expect_json '.result.messages[0].content == {"type":"text","text":"Please echo: Hi"}' "its message"
fi

if tutorial_scenario "bob, with mcp:read and mcp:prompts, may not call tools"; then
    gen_token --username bob --scopes mcp:read,mcp:prompts
    allowed tools/list
    rpc tools/call "$ECHO"; expect_forbidden "tool execution" mcp:tools
    allowed prompts/list
    allowed prompts/get "$PROMPT"
fi

if tutorial_scenario "each scope alone"; then
    gen_token --username bob --scopes mcp:read
    allowed tools/list; allowed prompts/list
    rpc tools/call "$ECHO"; expect_forbidden "tool execution" mcp:tools
    gen_token --username bob --scopes mcp:tools
    allowed tools/list; allowed tools/call "$ECHO"
    rpc prompts/list; expect_forbidden "prompts access" mcp:prompts
    gen_token --username bob --scopes mcp:prompts
    allowed prompts/list; allowed prompts/get "$PROMPT"
    rpc tools/list; expect_forbidden "tools access" mcp:read
fi

if tutorial_scenario "admin, with the role and without scopes, may call everything"; then
    gen_token --username admin --scopes ''
    allowed tools/list; allowed tools/call "$ECHO"
    allowed prompts/list; allowed prompts/get "$PROMPT"
fi

if tutorial_scenario "scopes are checked before method and parameters"; then
    gen_token --username mallory --scopes xmcp:toolsmith,MCP:TOOLS,mcp:tool --roles administrator,Admin
    rpc tools/call "$ECHO"; expect_forbidden "tool execution" mcp:tools
    gen_token --username alice
    rpc unknown_method
    expect_error -32601 "Method not found"
    rpc tools/call '{"name":"nope"}'
    expect_error -32602 "unknown tool"
fi

finish

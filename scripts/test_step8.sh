#!/usr/bin/env bash
# Step 8: what a token may do.
#
# mcp:read lists tools and opens prompts, mcp:tools lists and calls tools, mcp:prompts opens prompts, the role admin
# opens everything. Whoever lacks a scope gets a 403 that names it (insufficient_scope, RFC 6750), so that a client can
# go back to the authorization server and ask for just that.
. "$(dirname "$0")/lib.sh"
start_step 8

ECHO='{"name":"echo","arguments":{"message":"Hi"}}'
PROMPT='{"name":"echo_prompt","arguments":{"message":"Hi"}}'

# forbidden "what it was" "the scope that it needs"
forbidden() {
    expect_status 403
    expect_json '.error == {"code":-32001,"message":"Forbidden","data":{"detail":("Insufficient permissions for " + $what)}}' \
        "forbidden: $1" --arg what "$1"
    expect_json '.id == 1' "under the id of the request"
    expect_header WWW-Authenticate "^Bearer .*resource_metadata=\"$BASE_URL/.well-known/oauth-protected-resource/mcp\""
    expect_header WWW-Authenticate 'error="insufficient_scope"'
    expect_header WWW-Authenticate " scope=\"$2\""
}
# may METHOD [PARAMS]
may() {
    rpc "$@"
    expect_status 200
    expect_json 'has("result") and (has("error") | not)' "$1 is open"
}

scenario "/health and both documents know of scopes"
request GET /health
expect_json '.status == "healthy" and .scope_based_auth and .auth_required' "scopes count from here on"
for path in oauth-protected-resource/mcp oauth-protected-resource oauth-authorization-server; do
    request GET /.well-known/$path
    expect_status 200
    expect_json '.scopes_supported | index("mcp:prompts", "mcp:tools", "mcp:read") != null' "three scopes"
done

scenario "no token is still a 401, which asks for all the scopes at once"
rpc tools/list
expect_status 401
expect_detail "Authorization header missing"
expect_header WWW-Authenticate 'scope="mcp:prompts mcp:read mcp:tools"'

scenario "initialize, ping and notifications need a token and no scope: guest"
gen_token --username guest --scopes ''
may initialize
expect_json '.result.capabilities | has("tools") and has("prompts")' "tools and prompts are announced"
expect_json '.result.serverInfo | .authenticatedUser == "guest" and .userScopes == [] and .userRoles == ["user"]' "what guest was granted"
may ping
expect_json '.result._meta | .user == "guest" and .userScopes == [] and .userRoles == ["user"]' "ping tells it, too"
post '{"jsonrpc":"2.0","method":"notifications/initialized"}'
expect_status 202

scenario "and that is all that guest may do"
rpc tools/list; forbidden "tools access" mcp:read
rpc tools/call "$ECHO"; forbidden "tool execution" mcp:tools
rpc prompts/list; forbidden "prompts access" mcp:prompts
rpc prompts/get "$PROMPT"; forbidden "prompts access" mcp:prompts

scenario "alice: mcp:read and mcp:tools open everything"
gen_token --username alice --scopes mcp:read,mcp:tools
may tools/list
expect_json '[.result.tools[].name] | index("echo") != null' "echo is there"
may tools/call "$ECHO"
may prompts/list
expect_json '[.result.prompts[].name] | index("echo_prompt") != null' "echo_prompt is there"
may prompts/get "$PROMPT"
expect_json '.result.messages[0].content == {"type":"text","text":"Please echo: Hi"}' "and says what it should"

scenario "bob: mcp:read and mcp:prompts see the tools, and cannot call them"
gen_token --username bob --scopes mcp:read,mcp:prompts
may tools/list
rpc tools/call "$ECHO"; forbidden "tool execution" mcp:tools
may prompts/list
may prompts/get "$PROMPT"

scenario "one scope alone"
gen_token --username bob --scopes mcp:read
may tools/list; may prompts/list
rpc tools/call "$ECHO"; forbidden "tool execution" mcp:tools
gen_token --username bob --scopes mcp:tools
may tools/list; may tools/call "$ECHO"
rpc prompts/list; forbidden "prompts access" mcp:prompts
gen_token --username bob --scopes mcp:prompts
may prompts/list; may prompts/get "$PROMPT"
rpc tools/list; forbidden "tools access" mcp:read

scenario "admin: the role opens what no scope does"
gen_token --username admin --scopes ''
may tools/list; may tools/call "$ECHO"
may prompts/list; may prompts/get "$PROMPT"

scenario "scopes and roles are exact words"
gen_token --username mallory --scopes xmcp:toolsmith,MCP:TOOLS,mcp:tool --roles administrator,Admin
rpc tools/call "$ECHO"; forbidden "tool execution" mcp:tools

scenario "unknown methods and wrong parameters come after the scopes"
gen_token --username alice
rpc unknown_method
expect_error -32601 "Method not found"
rpc tools/call '{"name":"nope"}'
expect_error -32602 "unknown tool"

finish

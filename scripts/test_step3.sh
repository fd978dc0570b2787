#!/usr/bin/env bash
# Step 3: declare tools and prompts.
#
# Two tools and three prompts are declared, and /health lists them. No method serves them yet, so every method except ping is
# unknown. From this step on a request without Origin is accepted: clients other than browsers send none.
. "$(dirname "$0")/lib.sh"
start_step 3

scenario "a request without Origin is accepted"
rpc ping
expect_status 200
expect_json '.id == 1 and .result == {}' "ping returns an empty result"

scenario "an Origin that is sent is validated"
for origin in http://localhost:6274 http://127.0.0.1 'http://[::1]:3000'; do
    rpc ping '' -H "Origin: $origin"
    expect_status 200
done
for origin in http://evil.com https://localhost http://127.0.0.1.evil.com null; do
    rpc ping '' -H "Origin: $origin"
    expect_status 403
    tutorial expect_detail "Origin '$origin' is not allowed. Only localhost and 127.0.0.1 are permitted."
done
rpc ping '' -H 'Host: rebound.example.com'
expect_status 403

scenario "notifications and invalid messages: as in step 2"
post '{"jsonrpc":"2.0","method":"notifications/initialized"}'
expect_status 202
expect "the body is empty" test -z "$BODY"
post '{'
expect_status 400
tutorial expect_error -32700 "Parse error"
post '{"jsonrpc":"2.0","id":null,"method":"ping"}'
expect_status 400
tutorial expect_error -32600 "Invalid Request"
request GET /mcp --max-time 5
expect_status 405
tutorial expect_header Allow '^POST$'

if tutorial_scenario "the health check lists tools and prompts"; then
    request GET /health
    expect_status 200
    expect_json '.status == "healthy"' "the server is healthy"
    expect_json '.tools == ["echo", "get_time"]' "two tools"
    expect_json '.prompts == ["greeting", "help", "echo_prompt"]' "three prompts"
fi

if tutorial_scenario "no method serves them before step 4"; then
    rpc tools/list
    expect_status 200
    expect_error -32601 "Method not found"
    rpc tools/call '{"name":"echo","arguments":{"message":"Hello World","repeat_count":3}}'
    expect_json '.error.message == "Method not found: tools/call"' "the error names the method"
    rpc prompts/list
    expect_error -32601 "Method not found"
    rpc prompts/get '{"name":"echo_prompt","arguments":{"message":"Test Message"}}'
    expect_error -32601 "Method not found"
    rpc initialize
    expect_error -32601 "Method not found"
fi

finish

#!/usr/bin/env bash
# Step 3: what we have to offer.
#
# Two tools and three prompts are defined; /health names them. Nothing dispatches to them yet, so every method but
# ping is still unknown. Clients that are no browsers send no Origin, and from here on they may come in.
. "$(dirname "$0")/lib.sh"
start_step 3

scenario "what is defined can be seen"
request GET /health
expect_status 200
expect_json '.status == "healthy"' "the server is healthy"
expect_json '.tools == ["echo", "get_time"]' "two tools"
expect_json '.prompts == ["greeting", "help", "echo_prompt"]' "three prompts"

scenario "a request without an Origin is welcome now"
rpc ping
expect_status 200
expect_json '. == {"jsonrpc":"2.0","id":1,"result":{}}' "ping works"

scenario "an Origin that is sent still has to be a good one"
for origin in http://localhost:6274 http://127.0.0.1 'http://[::1]:3000'; do
    rpc ping '' -H "Origin: $origin"
    expect_status 200
done
for origin in http://evil.com https://localhost http://127.0.0.1.evil.com null; do
    rpc ping '' -H "Origin: $origin"
    expect_status 403
    expect_detail "Origin '$origin' is not allowed. Only localhost and 127.0.0.1 are permitted."
done
rpc ping '' -H 'Host: rebound.example.com'
expect_status 403

scenario "defined is not dispatched: these methods do not exist before step 4"
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

scenario "notifications, unreadable messages and other verbs: as in step 2"
post '{"jsonrpc":"2.0","method":"notifications/initialized"}'
expect_status 202
expect "the body is empty" test -z "$BODY"
post '{'
expect_status 400
expect_error -32700 "Parse error"
post '{"jsonrpc":"2.0","id":null,"method":"ping"}'
expect_status 400
expect_error -32600 "Invalid Request"
request GET /mcp
expect_status 405
expect_header Allow '^POST$'

finish

#!/usr/bin/env bash
# Step 2: JSON-RPC over POST /mcp.
#
# Each POST carries one JSON-RPC message. A request has an id, and the response repeats it; a notification has none and gets
# 202 without a body. An invalid message gets 400; a valid request that fails gets 200 with a JSON-RPC error.
. "$(dirname "$0")/lib.sh"
start_step 2
PAGE='Origin: http://localhost:3000'   # required in this step, as in step 1

scenario "ping returns an empty result"
for page in http://localhost:3000 http://127.0.0.1:8080; do
    rpc ping '' -H "Origin: $page"
    expect_status 200
    expect_header Content-Type '^application/json'
    expect_json '.jsonrpc == "2.0" and .id == 1 and .result == {}' "an empty result with the id of the request"
done

scenario "the response repeats the id: strings and integers of any size"
for id in '"abc"' '""' 0 -3; do
    post "{\"jsonrpc\":\"2.0\",\"id\":$id,\"method\":\"ping\"}" -H "$PAGE"
    expect_json '.id == $id' "the id is $id" --argjson id "$id"
done
for id in 9007199254740993 1180591620717411303424; do
    post "{\"jsonrpc\":\"2.0\",\"id\":$id,\"method\":\"ping\"}" -H "$PAGE"
    tutorial expect "the id is $id, digit by digit" test "$BODY" = "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{}}"
done

scenario "an unknown method gets -32601"
rpc unknown_method '' -H "$PAGE"
expect_status 200
expect_json '.id == 1' "the id of the request"
expect_error -32601 "Method not found"
tutorial expect_json '.error.message == "Method not found: unknown_method"' "the error names the method"

scenario "a notification gets 202 without a body, and so does a response of the client"
for message in '{"jsonrpc":"2.0","method":"notifications/initialized"}' '{"jsonrpc":"2.0","id":7,"result":{}}'; do
    post "$message" -H "$PAGE"
    expect_status 202
    expect "the body is empty" test -z "$BODY"
done

scenario "text that is not JSON gets 400 and -32700"
for body in '' '{' 'NaN' '{"jsonrpc":"2.0","id":1,"method":"ping",}'; do
    post "$body" -H "$PAGE"
    expect_status 400
    tutorial expect_error -32700 "Parse error"
done

scenario "JSON that is not a request gets 400 and -32600"
for body in '[]' '[{"jsonrpc":"2.0","id":1,"method":"ping"}]' '"ping"' '{}' '{"jsonrpc":"1.0","id":1,"method":"ping"}' \
    '{"id":1,"method":"ping"}' '{"jsonrpc":"2.0","id":null,"method":"ping"}' '{"jsonrpc":"2.0","id":true,"method":"ping"}' \
    '{"jsonrpc":"2.0","id":1.5,"method":"ping"}' '{"jsonrpc":"2.0","id":1}' '{"jsonrpc":"2.0","id":1,"method":7}' \
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}'; do
    post "$body" -H "$PAGE"
    expect_status 400
    tutorial expect_error -32600 "Invalid Request"
done

scenario "the content type must be JSON: a browser sends other types to foreign origins without a preflight"
request POST /mcp -H "$PAGE" -H 'Content-Type: text/plain' -d '{"jsonrpc":"2.0","id":1,"method":"ping"}'
expect_status 415

scenario "a GET gets 405: this server opens no stream"
request GET /mcp -H "$PAGE" --max-time 5
expect_status 405

scenario "a foreign Origin gets 403"
for origin in http://evil.com https://localhost:3000 http://localhost.evil.com null; do
    rpc ping '' -H "Origin: $origin"
    expect_status 403
    tutorial expect_detail "Origin '$origin' is not allowed. Only localhost and 127.0.0.1 are permitted."
done

if tutorial_scenario "health check, missing Origin, null params, large bodies, other methods"; then
    request GET /health
    expect_status 200
    expect_json '.status == "healthy"' "the server is healthy"
    rpc ping
    expect_status 403
    expect_detail "Origin 'None' is not allowed. Only localhost and 127.0.0.1 are permitted."
    post '{"jsonrpc":"2.0","id":1,"method":"ping","params":null,"extra":[1]}' -H "$PAGE"
    expect_status 200
    head -c 1048577 /dev/zero | tr '\0' ' ' >"$WORK/large"
    request POST /mcp -H "$PAGE" -H 'Content-Type: application/json' --data-binary "@$WORK/large"
    expect_status 413
    for method in GET PUT PATCH DELETE OPTIONS; do
        request "$method" /mcp -H "$PAGE"
        expect_status 405
        expect_header Allow '^POST$'
    done
fi

if tutorial_scenario "a trailing slash is the same endpoint: after a redirect some clients send no token"; then
    request POST /mcp/ -H "$PAGE" -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"ping"}'
    expect_status 200
    expect_no_header Location
fi

finish

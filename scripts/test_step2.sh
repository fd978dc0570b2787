#!/usr/bin/env bash
# Step 2: one endpoint, one envelope.
#
# All of MCP goes through POST /mcp: one JSON-RPC message in, one JSON answer out. A request has an id and is answered
# with it; a notification has none and is answered with 202 and no body. What cannot be read at all is a 400; what
# was read and cannot be done is a 200 with a JSON-RPC error, because clients take the transport for broken otherwise.
. "$(dirname "$0")/lib.sh"
start_step 2
PAGE='Origin: http://localhost:3000'   # required in this step, as in step 1

scenario "it is up, as before"
request GET /health
expect_status 200
expect_json '.status == "healthy"' "the server is healthy"

scenario "ping: the shortest conversation"
for page in http://localhost:3000 http://127.0.0.1:8080; do
    rpc ping '' -H "Origin: $page"
    expect_status 200
    expect_header Content-Type '^application/json'
    expect_json '. == {"jsonrpc":"2.0","id":1,"result":{}}' "an empty result under the same id"
done

scenario "an id comes back exactly as it was sent: strings and integers of any size"
for id in '"abc"' '""' 0 -3 9007199254740993 1180591620717411303424; do
    post "{\"jsonrpc\":\"2.0\",\"id\":$id,\"method\":\"ping\"}" -H "$PAGE"
    expect "the id is $id" test "$BODY" = "{\"jsonrpc\":\"2.0\",\"id\":$id,\"result\":{}}"
done

scenario "params may be missing or null; members that nobody knows are ignored"
post '{"jsonrpc":"2.0","id":1,"method":"ping","params":null,"extra":[1]}' -H "$PAGE"
expect_status 200

scenario "any other method: read well, not known"
rpc unknown_method '' -H "$PAGE"
expect_status 200
expect_json '.error == {"code":-32601,"message":"Method not found: unknown_method"} and .id == 1' "-32601 under the same id"

scenario "a notification gets no answer, and neither does an answer of the client's own"
for message in '{"jsonrpc":"2.0","method":"notifications/initialized"}' '{"jsonrpc":"2.0","id":7,"result":{}}'; do
    post "$message" -H "$PAGE"
    expect_status 202
    expect "the body is empty" test -z "$BODY"
done

scenario "what is not JSON: 400 and -32700"
for body in '' '{' 'NaN' '{"jsonrpc":"2.0","id":1,"method":"ping",}'; do
    post "$body" -H "$PAGE"
    expect_status 400
    expect_error -32700 "Parse error"
done

scenario "JSON, but no message: 400 and -32600"
for body in '[]' '[{"jsonrpc":"2.0","id":1,"method":"ping"}]' '"ping"' '{}' '{"jsonrpc":"1.0","id":1,"method":"ping"}' \
    '{"id":1,"method":"ping"}' '{"jsonrpc":"2.0","id":null,"method":"ping"}' '{"jsonrpc":"2.0","id":true,"method":"ping"}' \
    '{"jsonrpc":"2.0","id":1.5,"method":"ping"}' '{"jsonrpc":"2.0","id":1}' '{"jsonrpc":"2.0","id":1,"method":7}' \
    '{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}'; do
    post "$body" -H "$PAGE"
    expect_status 400
    expect_error -32600 "Invalid Request"
done

scenario "the content type must be JSON: other types come across origins without the browser asking first"
request POST /mcp -H "$PAGE" -H 'Content-Type: text/plain' -d '{"jsonrpc":"2.0","id":1,"method":"ping"}'
expect_status 415

scenario "a body over 1 MiB is not read"
head -c 1048577 /dev/zero | tr '\0' ' ' >"$WORK/large"
request POST /mcp -H "$PAGE" -H 'Content-Type: application/json' --data-binary "@$WORK/large"
expect_status 413

scenario "there is only POST"
for method in GET PUT PATCH DELETE OPTIONS; do
    request "$method" /mcp -H "$PAGE"
    expect_status 405
    expect_header Allow '^POST$'
done

scenario "with a trailing slash it is the same endpoint; a redirect would lose the token of some clients"
request POST /mcp/ -H "$PAGE"
expect_status 400
expect_no_header Location

scenario "strange origins and none at all are refused before anything is read"
rpc ping
expect_status 403
expect_detail "Origin 'None' is not allowed. Only localhost and 127.0.0.1 are permitted."
for origin in http://evil.com https://localhost:3000 http://localhost.evil.com null; do
    rpc ping '' -H "Origin: $origin"
    expect_status 403
    expect_detail "Origin '$origin' is not allowed. Only localhost and 127.0.0.1 are permitted."
done

finish

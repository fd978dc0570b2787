#!/usr/bin/env bash
# Step 1: a server that only its own machine's pages may talk to.
#
# /health is open to everyone. Everywhere else the Origin header decides, before anything is looked up: a browser
# writes it into every request that a page makes to a foreign address, and the page cannot change it. The Host header
# is held against a list as well: that is what stops a name which its owner points at 127.0.0.1 (DNS rebinding).
. "$(dirname "$0")/lib.sh"
start_step 1

scenario "is it up?"
request GET /health
expect_status 200
expect_json '.status == "healthy"' "the server is healthy"
expect_header Content-Type '^application/json'

scenario "/health tells nothing, so anybody may ask"
request GET /health -H 'Origin: https://evil.example.com'
expect_status 200

scenario "there is only GET"
request POST /health -H 'Origin: http://localhost:3000'
expect_status 405
expect_header Allow GET
expect_detail "Method Not Allowed"
request HEAD /health
expect_status 200

scenario "pages of this machine pass; there is just nothing here for them yet"
for origin in http://localhost http://localhost:3000 http://127.0.0.1:8080 'http://[::1]:6274'; do
    request GET /mcp -H "Origin: $origin"
    expect_status 404
    expect_detail "Not Found"
done

scenario "pages from elsewhere do not, and neither does what only looks like this machine"
for origin in http://evil.com http://localhost.evil.com http://localhostevil.com http://127.0.0.1.evil.com \
    http://localhost@evil.com https://localhost:3000 HTTP://LOCALHOST file:// null; do
    request GET /mcp -H "Origin: $origin"
    expect_status 403
    expect_detail "Origin '$origin' is not allowed. Only localhost and 127.0.0.1 are permitted."
done

scenario "two origins are none"
request GET /mcp -H 'Origin: http://localhost' -H 'Origin: http://localhost:3000'
expect_status 403

scenario "no origin at all: refused in steps 1 and 2, where only pages are expected"
request GET /mcp
expect_status 403
expect_detail "Origin 'None' is not allowed. Only localhost and 127.0.0.1 are permitted."
request GET /mcp -H 'Origin;'
expect_status 403

scenario "a name that was pointed at this machine is still a strange name"
request GET /mcp -H 'Origin: http://localhost:3000' -H 'Host: rebound.example.com'
expect_status 403
expect_detail "Host 'rebound.example.com' is not allowed. Use localhost, or start with --public-url or --allow-host."
request GET /health -H 'Host: rebound.example.com'
expect_status 403
request GET /health -H 'Host: 10.0.0.7:9000'
expect_status 200

finish

#!/usr/bin/env bash
# Step 1: validate Origin and Host (DNS rebinding).
#
# A browser writes the page's origin into the Origin header, and the name that it looked up into Host; the page cannot change
# either. The server accepts loopback origins and its own names, and rejects all others with 403. /health accepts any Origin.
. "$(dirname "$0")/lib.sh"
start_step 1

scenario "a foreign Origin gets 403, and so does one that only looks like this machine"
for origin in http://evil.com http://localhost.evil.com http://localhostevil.com http://127.0.0.1.evil.com \
    http://localhost@evil.com https://localhost:3000 HTTP://LOCALHOST file:// null; do
    request GET /mcp -H "Origin: $origin"
    expect_status 403
    tutorial expect_detail "Origin '$origin' is not allowed. Only localhost and 127.0.0.1 are permitted."
done

scenario "a loopback Origin passes; there is no endpoint yet"
for origin in http://localhost http://localhost:3000 http://127.0.0.1:8080 'http://[::1]:6274'; do
    request GET /mcp -H "Origin: $origin"
    expect_not_status 403
    tutorial expect_status 404
    tutorial expect_detail "Not Found"
done

scenario "two Origin headers get 403"
request GET /mcp -H 'Origin: http://localhost' -H 'Origin: http://localhost:3000'
expect_status 403

scenario "a foreign Host gets 403: an attacker can point a hostname at 127.0.0.1 (DNS rebinding)"
request GET /mcp -H 'Origin: http://localhost:3000' -H 'Host: rebound.example.com'
expect_status 403
tutorial expect_detail "Host 'rebound.example.com' is not allowed. Use localhost, or start with --public-url or --allow-host."

finish

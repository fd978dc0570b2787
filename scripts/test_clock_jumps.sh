#!/usr/bin/env bash
# The clock of a running server jumps: hours ahead, hours back, to before 1970, by a century.
#
# The time at which a token arrives decides: a cached token expires, a token with a later `nbf` becomes valid, and entries
# that were cached under another time are verified again. An authorization code expires after a minute, and no jump of the
# clock causes a panic or locks users out. Runs step 9 on a free port; needs libfaketime (Debian: faketime) and openssl.
. "$(dirname "$0")/lib.sh"
[ -z "$RUNNING" ] || die "this script starts its own server; run it without BASE_URL"
command -v openssl >/dev/null || die "openssl is needed: install it with your package manager"
LIBRARY=''
for file in /usr/lib/*/faketime/libfaketimeMT.so.1 /usr/lib/faketime/libfaketimeMT.so.1 /usr/local/lib/faketime/libfaketimeMT.so.1; do
    [ ! -e "$file" ] || LIBRARY=$file
done
[ -n "$LIBRARY" ] || die "libfaketime is needed; install it with: apt-get install faketime"

# The server reads the offset from this file each time that it asks for the time. The clock that only measures how long
# something takes goes on, as it does when a real clock is moved.
CLOCK=$WORK/clock
clock() { echo "$1" >"$CLOCK.new"; mv "$CLOCK.new" "$CLOCK"; echo "the clock is set to $2"; }
moved() { LD_PRELOAD=$LIBRARY FAKETIME_TIMESTAMP_FILE=$CLOCK FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 "$@"; }
url64() { openssl base64 -A | tr '+/' '-_' | tr -d =; }
# token NBF EXP: good from then to then, in seconds from now, signed with the server's key
token() {
    local now text
    now=$(date +%s)
    text=$(printf '{"alg":"RS256","kid":"mcp-key-1","typ":"JWT"}' | url64).$(printf '{"iss":"mcp-simple-auth","aud":"mcp-server","sub":"user_alice","preferred_username":"alice","scope":"mcp:tools","nbf":%d,"exp":%d}' $((now + $1)) $((now + $2)) | url64)
    TOKEN=$text.$(printf %s "$text" | openssl dgst -sha256 -sign "$KEYS/mcp_private_key.pem" | url64)
}
ask() { SHOW='.result.structuredContent // .' rpc tools/call '{"name":"whoami"}'; }
refused() { ask; expect_status 401; expect_header WWW-Authenticate 'error="invalid_token"'; expect_detail "$1"; }
answered() { ask; expect_status 200; expect_json '.result.structuredContent.name == "alice"' "it is alice"; }

clock +0 "what it is"
# Built under the real clock: cargo hangs under this one.
binary gen-token >"$WORK/built"; PROGRAM=$(binary step9)
export STEP_BIN_DIR=${PROGRAM%/step9}
moved start_step 9

scenario "a token that is remembered"
token -60 3600
NOW=$TOKEN
answered
answered

scenario "two hours ahead it has expired, and one for then counts"
clock +2h "two hours ahead"
refused "Token has expired"
token 7000 10800
LATER=$TOKEN
answered

scenario "back again: the first one counts, the other one not yet, although it was remembered"
clock +0 "what it is"
refused "Token is not yet valid"
TOKEN=$NOW
answered

scenario "two hours back: neither counts yet"
clock -2h "two hours back"
refused "Token is not yet valid"
TOKEN=$LATER
refused "Token is not yet valid"

scenario "a century ahead, and before there was time"
TOKEN=$NOW
clock '@2126-01-01 00:00:00' "2126"
refused "Token has expired"
clock '@1969-12-31 12:00:00' "1969"
refused "Token is not yet valid"
request GET /health
expect_status 200
gen_token --username alice --scopes mcp:tools
rpc tools/call '{"name":"get_time"}'
expect_status 200
expect_json '.result.structuredContent | tostring | test("19(69|70)")' "a tool tells the time as it is"
clock +0 "what it is"

scenario "wrong passwords, and then the clock goes back: the right password works at once"
TOKEN='' QUERY="response_type=code&client_id=mcp-test-client&code_challenge_method=S256&state=xyz"
QUERY="$QUERY&redirect_uri=http%3A%2F%2F127.0.0.1%3A3760%2Fcallback&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
JAR=$WORK/cookies
csrf_token() { sed -n 's/.*name="csrf_token" value="\([^"]*\)".*/\1/p' <<<"$BODY" | head -1; }
page() { curl -s "$BASE_URL/auth/authorize?$QUERY" -b "$JAR" -c "$JAR" -o "$WORK/body" && BODY=$(cat "$WORK/body"); }
login() { STATUS=$(curl -s "$BASE_URL/auth/login?$QUERY" -b "$JAR" -c "$JAR" -D "$WORK/headers" -o "$WORK/body" -w '%{http_code}' -d "csrf_token=$(csrf_token)" -d username=alice -d "password=$1"); HEADERS=$(tr -d '\r' <"$WORK/headers"); }
page
for _ in $(seq 6); do login wrong; done # from the sixth on, the answer is delayed
expect_status 403
clock -2h "two hours back"
page
login alice123
expect_status 303

scenario "a code dies with its time"
code() { # a code of the authorization server, into $CODE
    page
    curl -s "$BASE_URL/auth/consent?$QUERY" -b "$JAR" -D "$WORK/headers" -o "$WORK/body" -d "csrf_token=$(csrf_token)" -d decision=allow -d scope=mcp:tools
    CODE=$(sed -n 's/^location:.*[?&]code=\([^&]*\).*/\1/Ip' "$WORK/headers")
    expect "a code is given out" [ -n "$CODE" ]
}
redeem() {
    request POST /auth/token -d grant_type=authorization_code -d client_id=mcp-test-client -d "code=$CODE" \
        -d code_verifier=dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk -d redirect_uri=http://127.0.0.1:3760/callback
}
clock +0 "what it is"
page
login alice123
code
clock +10m "ten minutes later"
redeem
expect_status 400
expect_json '.error == "invalid_grant"' "it came too late"
clock +0 "what it is"
redeem
expect_json '.error == "invalid_grant"' "and stays worthless when the clock goes back"
code
redeem
expect_status 200
TOKEN=$(json .access_token)
answered
clock +20m "twenty minutes later"
refused "Token has expired"

scenario "the server took it calmly"
expect "nothing panicked" [ "$(grep -ci panic "$SERVER_LOG")" = 0 ]
expect "it still runs" kill -0 "$SERVER_PID"
finish

#!/usr/bin/env bash
# Step 11 against servers of other people: the examples with authorization that the official SDKs in TypeScript and in
# Python come with. Nothing in step 11 knows them; it must get from the 401 to a tool's answer by what the servers say.
# Each has its authorization server on a port of its own, and accepts a token only when it was asked for with the
# `resource` of RFC 8707 (--oauth-strict).
# Needs node and npm, and python3; the examples come out of the packages on npm and PyPI, pinned in scripts/clients.
. "$(dirname "$0")/lib.sh"

CLIENT=$(binary step11)
[ -x "$CLIENT" ] || die "$CLIENT is not there; build it with: cargo build --bin step11"
other_clients npm python
# The wheel has no examples, the source archive has.
example() {
    rm -rf sdist && "$SDK_PYTHON" -m pip download --quiet --no-deps --no-binary mcp --dest sdist "$(grep '^mcp==' "$REPO/scripts/clients/requirements.txt")" &&
        tar -xzf sdist/*.tar.gz -C sdist --strip-components=1 --wildcards '*/examples/servers/simple-auth'
}
install_once sdist "$REPO/scripts/clients/requirements.txt" example

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# serve URL COMMAND..: started in the background, and listening when this returns
serve() {
    local url=$1 tries=0
    shift
    echo "\$ $*" | sed "s#$CACHE/##g"
    (cd "$CACHE" && exec "$@") >"$WORK/server.log" 2>&1 &
    PIDS="$PIDS $!"
    until curl -s -o /dev/null --max-time 5 "$url"; do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] && kill -0 "${PIDS##* }" 2>/dev/null || { cat "$WORK/server.log" >&2; die "the example did not come to listen at $url"; }
        sleep 0.3
    done
}
# step11 [flags]: leaves $STATUS, and each document of its output in $BODY's turn
step11() {
    printf '%s\n' "${DIM}\$ cargo run --bin step11 -- $URL $*${PLAIN}"
    STATUS=0
    "$CLIENT" "$URL" --credentials-file "$WORK/credentials-${URL##*:}" "$@" >"$WORK/results" 2>"$WORK/progress" </dev/null || STATUS=$?
    grep -E '^\[|^    (->|<-|ok) |^error' "$WORK/progress" | cut -c 1-120 || true
    BODY=$(head -n 1 "$WORK/results")
}
tells() { expect "$2" grep -Eq -- "$1" "$WORK/progress"; }
# from_401_to_tools ISSUER SCOPE: what every one of them must have shown
from_401_to_tools() {
    expect "exit code 0" [ "$STATUS" = 0 ]
    tells '^    <- 401' 'it began with a 401'
    tells '/\.well-known/oauth-protected-resource/mcp$' 'the resource metadata was fetched (RFC 9728)'
    tells '/\.well-known/oauth-authorization-server$' 'the authorization server metadata was fetched (RFC 8414)'
    tells '-> POST .*/register$' 'the client has registered (RFC 7591)'
    tells 'code_challenge_method +S256' 'with PKCE (RFC 7636)'
    tells '^ +ok .state. is the one' 'the response is to this request'
    tells '-> POST .*/token$' 'the code was exchanged for a token'
    tells "^ +resource=$URL\$" 'which was requested for this server (RFC 8707)'
    expect_json '.issuer == $issuer and .resource == $url' "issuer and resource are the server's own words" --arg issuer "$1" --arg url "$URL"
    expect_json '.scopes == $scope' "the scope is $2" --arg scope "$2"
    expect_json '.tools | length > 0' "the tools: $(jq -r '[.tools[].name] | join(", ")' <<<"$BODY" 2>/dev/null)"
}

scenario "the TypeScript SDK's example: nobody is asked, redirects are followed"
resource=$(free_port) issuer=$(free_port)
URL=http://localhost:$resource/mcp
serve "http://localhost:$resource" env MCP_PORT="$resource" MCP_AUTH_PORT="$issuer" \
    node node_modules/@modelcontextprotocol/sdk/dist/esm/examples/server/simpleStreamableHttp.js --oauth --oauth-strict
step11 --headless --call 'greet={"name":"Ada"}'
from_401_to_tools "http://localhost:$issuer/" mcp:tools
BODY=$(tail -n 1 "$WORK/results")
expect_json '.kind == "call" and .result.content[0].text == "Hello, Ada!"' 'a tool has answered'

scenario "the TypeScript SDK's example: the token is kept"
step11 --headless --call 'greet={"name":"Ada"}'
expect "exit code 0" [ "$STATUS" = 0 ]
expect "no new authorization" sh -c "! grep -q code_challenge '$WORK/progress'"

scenario "the Python SDK's example: a person logs in"
resource=$(free_port) issuer=$(free_port)
URL=http://localhost:$resource/mcp
export PYTHONPATH=$CACHE/sdist/examples/servers/simple-auth
serve "http://localhost:$issuer" "$SDK_PYTHON" -m mcp_simple_auth.auth_server --port "$issuer"
serve "http://localhost:$resource" "$SDK_PYTHON" -m mcp_simple_auth.server --port "$resource" --auth-server "http://localhost:$issuer" --oauth-strict
export LOGIN_USER=demo_user LOGIN_PASSWORD=demo_password BROWSER=$REPO/scripts/login_bot.sh
step11 --call 'get_time={}'
from_401_to_tools "http://localhost:$issuer/" user
BODY=$(tail -n 1 "$WORK/results")
expect_json '.kind == "call" and (.result.content[0].text | fromjson | .timestamp > 1700000000)' 'a tool has answered'

scenario "the Python SDK's example: a wrong password opens nothing"
# The client would wait for minutes for somebody to come back from the login page.
LOGIN_PASSWORD=wrong timeout 8 "$CLIENT" "$URL" --credentials-file "$WORK/credentials-wrong" >"$WORK/results" 2>"$WORK/progress" </dev/null && STATUS=0 || STATUS=$?
expect "it fails" [ "$STATUS" != 0 ]
expect "and has no tools to show" [ ! -s "$WORK/results" ]
finish

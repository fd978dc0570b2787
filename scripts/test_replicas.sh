#!/usr/bin/env bash
# Two replicas behind nginx under load, and then one of them is killed (kill -9).
#
# Only the requests that were in flight at that replica may fail, and each succeeds when it is retried. The replicas share
# the provider's public key and nothing else. Session ids and pending confirmations are signed rather than stored: with one
# MCP_SIGNING_SECRET any replica accepts them. Runs steps 8 and 9 on free ports for a quarter of a minute; needs nginx and
# python3 as well.
. "$(dirname "$0")/lib.sh"
PATH=$PATH:/usr/sbin   # where Debian keeps nginx
for tool in nginx python3; do command -v "$tool" >/dev/null || die "$tool is needed: install it with your package manager"; done
[ -z "$RUNNING" ] || die "this script starts its own servers; run it without BASE_URL"

drive() { python3 "$REPO/scripts/slow_clients.py" "$@"; }
FRONT_PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
FRONT=http://localhost:$FRONT_PORT

# replicas STEP: two of it, and nginx in front, as scripts/deploy/nginx-tls.conf has it (here without TLS)
replicas() {
    start_step "$1" --public-url "$FRONT"
    ONE=$BASE_URL ONE_PID=$SERVER_PID
    start_step "$1" --public-url "$FRONT"
    TWO=$BASE_URL TWO_PID=$SERVER_PID
    mkdir -p "$WORK/nginx"
    cat >"$WORK/nginx/nginx.conf" <<NGINX
worker_processes 1;
pid nginx.pid;
error_log error.log warn;
events { worker_connections 256; }
http {
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    upstream mcp {
        server 127.0.0.1:${ONE##*:} max_fails=1 fail_timeout=2s;
        server 127.0.0.1:${TWO##*:} max_fails=1 fail_timeout=2s;
        keepalive 32;
    }
    server {
        listen 127.0.0.1:$FRONT_PORT;
        # For this test: who answered, and half a request is on its way before the other half is there.
        add_header X-Replica \$upstream_addr always;
        proxy_request_buffering off;
        location / {
            proxy_pass http://mcp;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host \$host:\$server_port;
            proxy_next_upstream error timeout;
            proxy_connect_timeout 2s;
            proxy_read_timeout 35s;
            proxy_buffering off;
        }
    }
}
NGINX
    nginx -p "$WORK/nginx/" -c "$WORK/nginx/nginx.conf" -e "$WORK/nginx/error.log" -g 'daemon off;' &
    PROXY_PID=$! PIDS="$PIDS $!"
    BASE_URL=$FRONT
    for _ in $(seq 100); do curl -sf -o "$WORK/up" "$FRONT/health" && break; sleep 0.1; done
    expect "nginx passes on" curl -sf "$FRONT/health"
}
kill_one() { # without bash's remark on it
    echo "kill -9 $ONE_PID, the replica on port ${ONE##*:}"
    { kill -9 "$ONE_PID"; wait "$ONE_PID" || true; } 2>/dev/null
}
end() { for pid in "$ONE_PID" "$TWO_PID" "$PROXY_PID"; do kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; done; }

scenario "step 8: one of two replicas is killed under load"
replicas 8
gen_token --username alice --scopes mcp:tools
DOCUMENT=/.well-known/oauth-protected-resource/mcp
expect "both describe the one resource that clients know" \
    [ "$(curl -s "$ONE$DOCUMENT" -H "Host: localhost:$FRONT_PORT")" = "$(curl -s "$TWO$DOCUMENT" -H "Host: localhost:$FRONT_PORT")" ]

# Twenty requests are half sent, ten on each replica, while eight clients call as fast as they can.
mkfifo "$WORK/rest"
drive halves --port "$FRONT_PORT" --token "$TOKEN" --count 20 <"$WORK/rest" >"$WORK/halves" 2>&1 &
HALVES=$! PIDS="$PIDS $!"
exec 4>"$WORK/rest"
for _ in $(seq 100); do [ -s "$WORK/halves" ] && break; sleep 0.1; done
drive steady --port "$FRONT_PORT" --token "$TOKEN" --clients 8 --seconds 6 >"$WORK/steady" 2>&1 &
STEADY=$! PIDS="$PIDS $!"
sleep 2
kill_one
sleep 1
exec 4>&-
expect "the clients with half a request came to an end" wait "$HALVES"
expect "the others, too" wait "$STEADY"
STEADY=$(tail -n 1 "$WORK/steady") HALVES=$(tail -n 1 "$WORK/halves")
echo "  the steady ones: $STEADY"
echo "  the half sent:   $HALVES"
expect "both replicas had requests in flight" jq -e --arg one "127.0.0.1:${ONE##*:}" --arg two "127.0.0.1:${TWO##*:}" \
    '.replicas[$one] > 100 and .replicas[$two] > 100' <<<"$STEADY"
expect "of the steady ones no more failed than there are clients" jq -e '.failed <= 8 and .requests > 1000' <<<"$STEADY"
expect "and within a moment: the rest of the time nobody noticed" jq -e '.failed == 0 or .last - .first < 1' <<<"$STEADY"
expect "each was sent again and succeeded" jq -e '.lost == 0 and .retried == .failed' <<<"$STEADY"
expect "of the half sent, those of the dead replica failed and the others were answered" \
    jq -e '.failed == 10 and .answered == 10' <<<"$HALVES"
expect "each was sent again and succeeded" jq -e '.lost == 0 and .retried == 10' <<<"$HALVES"

scenario "it comes back and takes its share"
"$(binary step8)" --port "${ONE##*:}" --keys-dir "$KEYS" --public-url "$FRONT" >"$WORK/again.log" 2>&1 &
ONE_PID=$! PIDS="$PIDS $!"
for _ in $(seq 100); do curl -sf -o "$WORK/up" "$ONE/health" -H "Host: localhost:$FRONT_PORT" && break; sleep 0.1; done
sleep 2   # fail_timeout: so long nginx leaves it alone
BACK=$(drive steady --port "$FRONT_PORT" --token "$TOKEN" --clients 8 --seconds 1)
echo "  $BACK"
expect "with the same token" jq -e --arg one "127.0.0.1:${ONE##*:}" '.replicas[$one] > 50 and .failed == 0' <<<"$BACK"
end

initialize() {
    SHOW=.result.protocolVersion rpc initialize '{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"curl","version":"1"}}'
    SESSION=$(sed -n 's/^mcp-session-id: *//Ip' <<<"$HEADERS")
}
known() { # known TOKEN: to how many of twenty requests the session was good
    local count=0 status
    for _ in $(seq 20); do
        status=$(curl -s -o "$WORK/body" -w '%{http_code}' "$FRONT/mcp" -H "Authorization: Bearer $1" -H "Mcp-Session-Id: $SESSION" \
            -H 'Content-Type: application/json' -d '{"jsonrpc":"2.0","id":1,"method":"tools/list"}')
        [ "$status" = 404 ] || [ "$status" = 200 ] || echo "an answer with $status" >&2
        [ "$status" != 200 ] || count=$((count + 1))
    done
    echo "$count"
}

scenario "step 9: sessions of the older revisions, signed with one secret"
MCP_SIGNING_SECRET=$(python3 -c 'import secrets; print(secrets.token_urlsafe(32))')
export MCP_SIGNING_SECRET
replicas 9
gen_token --username bob --scopes mcp:tools
BOB=$TOKEN
gen_token --username alice --scopes mcp:tools
initialize
expect "both replicas know it: 20 of 20 requests are answered" [ "$(known "$TOKEN")" = 20 ]
expect "in other hands it is worth nothing on either" [ "$(known "$BOB")" = 0 ]

scenario "a question to a person, asked by one replica and answered to the other"
gen_token --username admin --scopes mcp:tools
META='{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"curl","version":"1"},"io.modelcontextprotocol/clientCapabilities":{"elicitation":{"form":{}}}}'
forget() { # forget REPLICA MORE: the call to this replica, with more members
    SHOW='.result | {resultType, inputRequests, isError, structuredContent}' request POST "$1/mcp" -H "Host: localhost:$FRONT_PORT" \
        -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -H 'MCP-Protocol-Version: 2026-07-28' \
        -H 'Mcp-Method: tools/call' -H 'Mcp-Name: clear_call_log' \
        -d "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{\"name\":\"clear_call_log\",\"arguments\":{},\"_meta\":$META$2}}"
}
forget "$ONE" ''
expect_json '.result.resultType == "input_required"' "the first one asks"
forget "$TWO" ",\"requestState\":\"$(json .result.requestState)\",\"inputResponses\":{\"confirm\":{\"action\":\"accept\",\"content\":{\"confirm\":true}}}"
expect_json '.result.resultType == "complete" and .result.isError == false' "the second one takes the answer"

scenario "and when one of them is killed"
gen_token --username alice --scopes mcp:tools
kill_one
expect "the session lives on: 20 of 20" [ "$(known "$TOKEN")" = 20 ]
SHOW='.result | {resultType, tools: [.tools[].name]}' request POST /mcp -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' \
    -H 'MCP-Protocol-Version: 2026-07-28' -H 'Mcp-Method: tools/list' \
    -d "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/list\",\"params\":{\"_meta\":$META}}"
expect_status 200
expect_no_header Mcp-Session-Id
end

scenario "without a common secret each replica knows its own sessions only"
unset MCP_SIGNING_SECRET
replicas 9
initialize
KNOWN=$(known "$TOKEN")
expect "about half of the requests are told to begin anew, 404: $KNOWN of 20 are answered" [ "$KNOWN" -ge 5 -a "$KNOWN" -le 15 ]
end
finish

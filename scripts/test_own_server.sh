#!/usr/bin/env bash
# Your own server: the programs of scripts/own_server (two rmcp servers, one with public tools, and plain axum routes, all behind the bearer layer) with
# curl, step 11 and the official TypeScript and Python clients.
# Needs cargo, node (20 or later), npm and python3; the clients are installed into CLIENTS_CACHE, in pinned versions.
. "$(dirname "$0")/lib.sh"
[ -z "$RUNNING" ] || die "this script starts its own servers; leave BASE_URL out"

CLIENT=$(binary step11)
PROGRAMS=$REPO/target/own_server
(cd "$REPO/scripts/own_server" && CARGO_TARGET_DIR=$PROGRAMS cargo build --locked --quiet) >&2 || die "cargo cannot build scripts/own_server, see above"
other_clients npm python

export PORT=0 LOGIN_USER=alice LOGIN_PASSWORD=alice123 LOGIN_LOG=$WORK/logins BROWSER=$REPO/scripts/login_bot.sh
unset ISSUER MCP_CLIENT_SECRET MCP_PRIVATE_KEY MCP_ASSERTION MCP_ID_TOKEN

# step11 CREDENTIALS [flags]: leaves $STATUS, $BODY (the last document of its output) and $TOKEN, the token that it stored
step11() {
    local file=$WORK/$1.json
    shift
    printf '%s\n' "${DIM}\$ cargo run --bin step11 -- $BASE_URL/mcp $*${PLAIN}"
    : >"$LOGIN_LOG"
    STATUS=0
    "$CLIENT" "$BASE_URL/mcp" --credentials-file "$file" "$@" >"$WORK/results" 2>"$WORK/progress" </dev/null || STATUS=$?
    BODY=$(tail -n 1 "$WORK/results")
    printf '%s\n' "$BODY"
    TOKEN=$(jq -r 'first(.tokens[].token)' "$file" 2>/dev/null) || TOKEN=''
}
expect_exit() { if [ "$STATUS" = "$1" ]; then ok "exit status $1"; else fail "exit status $1 (got $STATUS)"; tail -5 "$WORK/progress"; fi; }
logins() { grep -c callback "$LOGIN_LOG" || true; }
call() { printf '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":%s}}' "$1"; }

start_server "$WORK" "$PROGRAMS/debug/rmcp_server"

scenario "rmcp: a request without a token gets 401, and learns where to log in"
rpc tools/list
expect_status 401
expect_header WWW-Authenticate "resource_metadata=\"$BASE_URL/.well-known/oauth-protected-resource/mcp\", scope=\"mcp:read mcp:tools\""
request GET /.well-known/oauth-protected-resource/mcp
expect_status 200
expect_json '.resource == $url + "/mcp" and .authorization_servers == [$url]' "the document names the resource and its issuer" --arg url "$BASE_URL"
TOKEN=not.a.token rpc tools/list
expect_status 401
expect_header WWW-Authenticate 'error="invalid_token"'

scenario "rmcp: step 11 logs in, and a tool reads the caller"
step11 alice --call 'whoami={}'
expect_exit 0
expect_json '.result.structuredContent | .name == "alice" and (.scopes | index("mcp:tools") != null)' "whoami names alice and her scopes"
step11 alice --call 'add={"a":2,"b":3}'
expect_exit 0
expect_json '.result.structuredContent.sum == 5' "add adds, without another login"
expect "nobody had to log in again" test "$(logins)" = 0

scenario "rmcp: a message that server and policy might read differently reaches no tool"
post '{"jsonrpc":"2.0","id":1,"method":"tools/list","method":"tools/call","params":{"name":"add"}}'
expect_status 400
post "$(call '"whoami","name":"add"')"
expect_status 400
post "$(call '"whoami","n\u0061me":"add"')"
expect_status 400
post "[$(call '"whoami"')]"
expect_status 400
post '{'
expect_status 400
head -c 1100000 /dev/zero | tr '\0' ' ' >"$WORK/large"
post "@$WORK/large"
expect_status 413

scenario "rmcp: what the policy does not name is refused, with any token"
post "$(call '"drop_tables"')"
expect_status 403
rpc resources/list
expect_status 403

scenario "rmcp: a tool whose scope the token lacks gets 403 with that scope"
step11 narrow --scope mcp:read --call 'whoami={}'
expect_exit 0
expect_json '.result.structuredContent.scopes == ["mcp:read"]' "the token is for mcp:read only"
post "$(call '"add","arguments":{"a":2,"b":3}')"
expect_status 403
expect_header WWW-Authenticate 'scope="[^"]*mcp:tools[^"]*", error="insufficient_scope"'

scenario "rmcp: step 11 steps up: it asks for the scope that is missing, and repeats the call"
step11 narrow --call 'add={"a":2,"b":3}'
expect_exit 0
expect_json '.result.structuredContent.sum == 5' "add adds"
expect "the user was asked once" test "$(logins)" = 1

# sdk NAME COMMAND..: one of the official clients
sdk() {
    scenario "rmcp: the $1 client, with $LOGIN_USER"
    shift
    STATUS=0
    SAID=$(CALLS='{"whoami":{},"add":{"a":2,"b":3}}' timeout 90 "$@" "$BASE_URL/mcp" 2>"$WORK/complaints" </dev/null) || STATUS=$?
    printf '%s\n' "$SAID"
    [ "$STATUS" = 0 ] || [ "$STATUS" = 3 ] || tail -5 "$WORK/complaints"
}
says() { case $'\n'$SAID in *$'\n'"$1"*) ok "$2" ;; *) fail "$2 (did not say: $1)" ;; esac; }
for language in TypeScript Python; do
    case $language in
        TypeScript) program=(sh -c 'cd "$0" && exec node typescript.mjs "$@"' "$CACHE") ;;
        Python) program=("$SDK_PYTHON" "$REPO/scripts/clients/python_client.py") ;;
    esac
    sdk $language "${program[@]}"
    expect_status 0
    says 'whoami {"name":"alice"' 'a tool reads the caller'
    says 'add {"sum":5}' 'a tool that needs a scope answers'
    says 'authorizations 1' 'one login'
    LOGIN_USER=bob LOGIN_PASSWORD=bob123 sdk $language "${program[@]}"
    expect_status 3
    says 'whoami {"name":"bob"' 'bob may call the tool that needs no scope'
    says 'refused' 'the other one is refused'
done

TOKEN=''
start_server "$WORK" "$PROGRAMS/debug/public_tools"

scenario "public tools: without a token the menu can be read"
rpc initialize '{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"curl","version":"1"}}'
expect_status 200
post "$(call '"menu"')"
expect_status 200
expect_json '.result.structuredContent.dishes == ["soup", "bread"]' "the tool answers"
TOKEN=not.a.token post "$(call '"menu"')"
expect_status 401
expect_header WWW-Authenticate 'error="invalid_token"'

scenario "public tools: without a token all else is a 401 with a challenge, also what there is not"
post "$(call '"order","arguments":{"dish":"soup"}')"
expect_status 401
expect_header WWW-Authenticate "resource_metadata=\"$BASE_URL/.well-known/oauth-protected-resource/mcp\", scope=\"mcp:tools\"$"
post "$(call '"drop_tables"')"
expect_status 401
rpc resources/list
expect_status 401
post '{"jsonrpc":"2.0","id":1,"result":{}}'
expect_status 401
request GET /mcp -H 'Accept: text/event-stream'
expect_status 405
request DELETE /mcp
expect_status 405

scenario "public tools: step 11 reads the menu without a login, and logs in when it orders"
step11 guest --call 'menu={}'
expect_exit 0
expect_json '.result.structuredContent.dishes == ["soup", "bread"]' "the tool answers"
expect "nobody had to log in" test "$(logins)" = 0
step11 guest --call 'menu={}' --call 'order={"dish":"soup"}'
expect_exit 0
expect_json '.result.structuredContent == {dish: "soup", guest: "alice"}' "the tool knows who orders"
expect "the user was asked once" test "$(logins)" = 1
post "$(call '"drop_tables"')"
expect_status 403

TOKEN=''
start_server "$WORK" "$PROGRAMS/debug/axum_server"

scenario "axum: the routes behind the layer need a token, the others do not"
request GET /notes
expect_status 401
expect_header WWW-Authenticate "resource_metadata=\"$BASE_URL/.well-known/oauth-protected-resource/notes\""
request GET /health
expect_status 200
request GET /.well-known/oauth-protected-resource/notes
expect_json '.scopes_supported == ["notes:read", "notes:write"]' "the document names the scopes"

scenario "axum: a handler reads the caller, and can require a scope"
request POST /auth/register -H 'Content-Type: application/json' \
    -d '{"grant_types":["client_credentials"],"token_endpoint_auth_method":"client_secret_post","scope":"notes:read"}'
expect_status 201
id=$(json .client_id) secret=$(json .client_secret)
request POST /auth/token -d grant_type=client_credentials -d "client_id=$id" -d "client_secret=$secret" -d "resource=$BASE_URL/notes"
expect_status 200
TOKEN=$(json .access_token)
request GET /notes -H "Authorization: Bearer $TOKEN"
expect_status 200
expect_json '.text == "buy milk" and .owner == $id' "the note belongs to the caller" --arg id "$id"
request DELETE /notes -H "Authorization: Bearer $TOKEN"
expect_status 403
expect_header WWW-Authenticate 'scope="notes:write", error="insufficient_scope"'

scenario "axum: a user of the development login can grant the scopes of this API"
request POST /auth/register -H 'Content-Type: application/json' \
    -d '{"redirect_uris":["http://127.0.0.1/callback"],"token_endpoint_auth_method":"none","scope":"notes:read notes:write"}'
expect_status 201
query="response_type=code&client_id=$(json .client_id)&redirect_uri=http://127.0.0.1:1/callback&scope=notes:read%20notes:write&state=x"
query+="&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256&resource=$BASE_URL/notes"
csrf_token() { sed -n 's/.*name="csrf_token" value="\([^"]*\)".*/\1/p' <<<"$BODY" | head -n 1; }
request GET "/auth/authorize?$query" -c "$WORK/cookies"
request POST "/auth/login?$query" -b "$WORK/cookies" -c "$WORK/cookies" -d username=alice -d password=alice123 -d "csrf_token=$(csrf_token)"
request GET "/auth/authorize?$query" -b "$WORK/cookies"
expect_status 200
for scope in notes:read notes:write; do
    expect "alice can grant $scope" grep -q "value=\"$scope\" checked" <<<"$BODY"
done
finish

#!/usr/bin/env bash
# The official clients in TypeScript, Python and Rust, Inspector's command line and mcp-remote (for clients that support stdio
# only) against a step. Each starts with a 401, logs in (scripts/login_bot.sh) and calls a tool; then a user logs in who may not
# call tools: the client must report that and stop.
# Needs node (20 or later), npm, python3 and cargo; the clients are installed into CLIENTS_CACHE, in pinned versions.
# STEP=9 tests another step, BASE_URL a server that runs already; ALLOWED and REFUSED are NAME:PASSWORD.
. "$(dirname "$0")/lib.sh"

ALLOWED=${ALLOWED:-alice:alice123}
REFUSED=${REFUSED:-bob:bob123}
CACHE=${CLIENTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mcp-auth-step-by-step/clients}

other_clients npm python rust
cd "$CACHE"   # where node finds its modules
start_step "${STEP:-8}"

export LOGIN_USER LOGIN_PASSWORD BROWSER=$REPO/scripts/login_bot.sh
be() { LOGIN_USER=${1%%:*} LOGIN_PASSWORD=${1#*:}; }

# client NAME COMMAND..: runs it and keeps what it said in $SAID and its exit status in $STATUS.
client() {
    scenario "$1, with $LOGIN_USER"
    shift
    STATUS=0
    SAID=$(timeout 90 "$@" 2>"$WORK/complaints" </dev/null) || STATUS=$?
    printf '%s\n' "$SAID"
    [ "$STATUS" = 0 ] || [ "$STATUS" = 3 ] || tail -5 "$WORK/complaints"
}
says() { case $'\n'$SAID in *$'\n'"$1"*) ok "$2" ;; *) fail "$2 (did not say: $1)" ;; esac; }

inspector() {
    scenario "Inspector, with $LOGIN_USER: $*"
    STATUS=0
    SAID=$(MCP_AUTO_OPEN_ENABLED=true HOME=$STORE MCP_STORAGE_DIR=$STORE MCP_INSPECTOR_SECRET_STORE=file \
        timeout 90 node_modules/.bin/mcp-inspector --cli "$BASE_URL/mcp" --transport http --format json "$@" 2>"$WORK/complaints" </dev/null) || STATUS=$?
    printf '%s\n' "${SAID:0:300}"
    [ "$STATUS" = 0 ] || tail -1 "$WORK/complaints"
}

# sdk NAME: one of the official clients
sdk() {
    case $1 in
        TypeScript) client "$1" node typescript.mjs "$BASE_URL/mcp" ;;
        Python) client "$1" "$SDK_PYTHON" "$REPO/scripts/clients/python_client.py" "$BASE_URL/mcp" ;;
        Rust) client "$1" "$SDK_RUST" "$BASE_URL/mcp" ;;
    esac
}
mcp_remote() { client 'mcp-remote' env MCP_REMOTE_CONFIG_DIR="$STORE" LOGIN_WAIT=3 node mcp_remote.mjs "$BASE_URL/mcp"; }

be "$ALLOWED"
for name in TypeScript Python Rust; do
    sdk $name
    expect_status 0
    says 'tools echo' 'it lists the tools'
    says "echo hello from $name" 'a tool answers'
    says 'prompt help' 'and so do the prompts'
    says 'authorizations 1' 'one authorization'
done

STORE=$(mktemp -d "$WORK/inspector.XXXXXX")
inspector --method tools/list
expect_status 0
BODY=$SAID
expect_json '.result.tools | map(.name) | index("echo") != null' 'it lists the tools'
inspector --method tools/call --tool-name echo --tool-arg message=hello
expect_status 0
BODY=$SAID
expect_json '.result.content[0].text == "hello"' 'a tool answers'
expect 'the second command needs no login' sh -c "! grep -q 'Please navigate' '$WORK/complaints'"

for era in legacy auto; do
    inspector --protocol-era $era --method tools/list --strict
    expect "$era: the tools' schemas are fit for everybody" [ "$STATUS" = 0 ]
    inspector --protocol-era $era --method prompts/get --prompt-name echo_prompt --prompt-args message=hi
    BODY=$SAID
    expect_json '.result.messages[0].content.text == "Please echo: hi"' "$era: a prompt answers"
    curl -fsS "$BASE_URL/health" | jq -e '.resources' >/dev/null || continue
    inspector --protocol-era $era --method resources/read --uri tutorial://me
    BODY=$SAID
    expect_json '.result.contents[0].text | fromjson | has("scopes")' "$era: so does a resource"
done

STORE=$WORK/bridge
mcp_remote
expect_status 0
says 'tools echo' 'a client that knows no HTTP lists the tools'
says 'echo hello over stdio' 'a tool answers'
expect 'the user logged in' grep -q 'Please authorize' "$WORK/complaints"
mcp_remote
expect_status 0
says 'echo hello over stdio' 'a tool answers again'
expect 'the second run needs no login' sh -c "! grep -q 'Please authorize' '$WORK/complaints'"

be "$REFUSED"
for name in TypeScript Python Rust; do
    sdk $name
    expect_status 3
    says 'refused' 'it reports the rejection'
done
STORE=$(mktemp -d "$WORK/inspector.XXXXXX")
inspector --method tools/call --tool-name echo --tool-arg message=hello
expect 'Inspector fails, too' [ "$STATUS" != 0 ]
STORE=$WORK/other-bridge
mcp_remote
expect_status 3
says 'refused' 'it reports the rejection'

be "$ALLOWED"
export LOGIN_DECISION=deny
for name in Python Rust; do
    sdk $name
    expect_status 3
    says 'refused' 'after the user has denied, the client reports it'
done
finish

#!/usr/bin/env bash
# Other people's clients against a step: the official ones in TypeScript and Python, and Inspector's command line. Each
# goes the whole way by itself, from a 401 by way of a person (scripts/person.sh) to a tool's answer; then the
# same with somebody who may not use tools, who must be refused, and without end neither.
# Needs node (20 or later), npm and python3; what else is needed comes into CLIENTS_CACHE, pinned.
# STEP=9 tests another step, BASE_URL a server that runs already; ALLOWED and REFUSED are NAME:PASSWORD.
. "$(dirname "$0")/lib.sh"

ALLOWED=${ALLOWED:-alice:alice123}
REFUSED=${REFUSED:-bob:bob123}
CACHE=${CLIENTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mcp-auth-step-by-step/clients}

for tool in node npm python3; do command -v "$tool" >/dev/null || die "$tool is needed: install nodejs 20 or later, and python3"; done
start_step "${STEP:-8}"

mkdir -p "$CACHE"
cp "$REPO"/scripts/clients/* "$CACHE"
cd "$CACHE"
install_once() { # install_once NAME FILE COMMAND..: again only when FILE has changed
    local stamp=$1.installed file=$2
    shift 2
    cmp -s "$stamp" "$file" && return 0
    echo "installing what $file names, into $CACHE"
    "$@" >"$stamp.log" 2>&1 || { tail -5 "$stamp.log" >&2; die "could not install what $file names"; }
    cp "$file" "$stamp"
}
# Inspector wants a newer node than many systems have; the registry has one for each of them.
newest() { node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 19) ? 0 : 1)'; }
npm_install() {
    local node=''
    newest || node=node@24
    npm install --no-package-lock --no-save --no-fund --no-audit --engine-strict=false . ${node:+"$node"}
}
python_install() { python3 -m venv venv && venv/bin/pip install --quiet --requirement requirements.txt; }
install_once npm package.json npm_install
install_once python requirements.txt python_install
[ ! -x node_modules/node/bin/node ] || PATH=$CACHE/node_modules/node/bin:$PATH

export PERSON PASSWORD BROWSER=$REPO/scripts/person.sh
be() { PERSON=${1%%:*} PASSWORD=${1#*:}; }

# client NAME COMMAND..: runs it and keeps what it said in $SAID and its exit status in $STATUS.
client() {
    scenario "$1, with $PERSON"
    shift
    STATUS=0
    SAID=$(timeout 90 "$@" 2>"$WORK/complaints" </dev/null) || STATUS=$?
    printf '%s\n' "$SAID"
    [ "$STATUS" = 0 ] || [ "$STATUS" = 3 ] || tail -5 "$WORK/complaints"
}
says() { case $'\n'$SAID in *$'\n'"$1"*) ok "$2" ;; *) fail "$2 (did not say: $1)" ;; esac; }

inspector() {
    scenario "Inspector, with $PERSON: ${*: -1}"
    STATUS=0
    SAID=$(MCP_AUTO_OPEN_ENABLED=true HOME=$STORE MCP_STORAGE_DIR=$STORE MCP_INSPECTOR_SECRET_STORE=file \
        timeout 90 node_modules/.bin/mcp-inspector --cli "$BASE_URL/mcp" --transport http --format json "$@" 2>"$WORK/complaints" </dev/null) || STATUS=$?
    printf '%s\n' "${SAID:0:300}"
    [ "$STATUS" = 0 ] || tail -1 "$WORK/complaints"
}

be "$ALLOWED"
client 'TypeScript' node typescript.mjs "$BASE_URL/mcp"
expect_status 0
says 'tools echo' 'it lists the tools'
says 'echo hello from TypeScript' 'a tool answers'
says 'authorizations 1' 'the person was asked once'

client 'Python' venv/bin/python python_client.py "$BASE_URL/mcp"
expect_status 0
says 'tools echo' 'it lists the tools'
says 'echo hello from Python' 'a tool answers'
says 'authorizations 1' 'the person was asked once'

STORE=$(mktemp -d "$WORK/inspector.XXXXXX")
inspector --method tools/list
expect_status 0
BODY=$SAID
expect_json '.result.tools | map(.name) | index("echo") != null' 'it lists the tools'
inspector --method tools/call --tool-name echo --tool-arg message=hello
expect_status 0
BODY=$SAID
expect_json '.result.content[0].text == "hello"' 'a tool answers'
expect 'the second command needed no person' sh -c "! grep -q 'Please navigate' '$WORK/complaints'"

be "$REFUSED"
client 'TypeScript' node typescript.mjs "$BASE_URL/mcp"
expect_status 3
says 'refused' 'it says that it was refused'
client 'Python' venv/bin/python python_client.py "$BASE_URL/mcp"
expect_status 3
says 'refused' 'it says that it was refused'
STORE=$(mktemp -d "$WORK/inspector.XXXXXX")
inspector --method tools/call --tool-name echo --tool-arg message=hello
expect 'Inspector fails, too' [ "$STATUS" != 0 ]

be "$ALLOWED"
export DECISION=deny
client 'Python, but the person says no' venv/bin/python python_client.py "$BASE_URL/mcp"
expect_status 3
says 'refused' 'the client is told'
finish

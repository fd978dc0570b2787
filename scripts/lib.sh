# shellcheck shell=bash
# Shared by the test scripts. Each request is printed as a curl command that can be pasted, then the response, then "ok"
# or "FAIL" for each check. Needs bash 3.2 or later, curl and jq. A script looks like this:
#
#   #!/usr/bin/env bash
#   # What this script tests (these lines are its --help).
#   . "$(dirname "$0")/lib.sh"
#   start_step 6                       # BASE_URL=http://localhost:9000 tests a running server instead
#   scenario "a request without a token gets 401"
#   rpc ping                           # POST /mcp; for the rest: request GET /health, request POST /x -d '{}'
#   expect_status 401
#   expect_header WWW-Authenticate 'resource_metadata='
#   tutorial expect_detail "Authorization header missing"
#   if tutorial_scenario "the tool echo"; then ..; fi
#   finish
#
# request sets $STATUS, $HEADERS and $BODY; a server that does not respond is a failure. rpc sends $TOKEN if it is set, and
# never prints it. `tutorial` and `tutorial_scenario` mark what is about this tutorial's own texts and tools rather than
# about the protocol: PROTOCOL_ONLY=1 leaves that out, for servers that somebody wrote while following along.
# STEP_BIN_DIR is a folder of built programs; without it cargo builds what is needed.

set -euo pipefail

REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
WORK=$(mktemp -d "${TMPDIR:-/tmp}/mcp-auth.XXXXXX")   # mode 0700: responses in it may contain tokens
RUNNING=${BASE_URL:-}                                 # a server that this script did not start
PROTOCOL_ONLY=${PROTOCOL_ONLY:-}
TOKEN=${TOKEN:-}
KEYS=${KEYS:-$([ -n "$RUNNING" ] && echo "$REPO/keys" || echo "$WORK/keys")}
STATUS='' HEADERS='' BODY='' SERVER_PID='' PIDS='' INSPECT='' SCENARIO=''
PASSED=0 FAILED=0 TUTORIAL_PASSED=0 TUTORIAL_FAILED=0 LEFT_OUT=0   # the first two count everything
SCOPE='' SCENARIO_SCOPE=''                            # "tutorial" or empty, of a check and of a scenario

if [ -t 1 ]; then BOLD=$'\e[1m' DIM=$'\e[2m' GREEN=$'\e[32m' RED=$'\e[31m' PLAIN=$'\e[0m'; else BOLD='' DIM='' GREEN='' RED='' PLAIN=''; fi

# No exit here, and no command at which set -e could stop: the script's exit status must survive.
cleanup() {
    set +e
    # Only those that still run: the number of one that has ended may belong to another program by now.
    local running; running=" $(jobs -pr | tr '\n' ' ') "
    for pid in $PIDS; do case $running in *" $pid "*) kill "$pid" && wait "$pid" ;; esac; done 2>/dev/null
    rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

die() { printf '%s\n' "${RED}error:${PLAIN} $*" >&2; exit 1; }

for arg in "$@"; do
    case $arg in
        --inspect) INSPECT=yes ;;
        -h | --help)
            sed -n '2,${/^#/!q;s/^# \{0,1\}//p;}' "$0"
            printf '\n  %-17s %s\n' --inspect 'pause after each scenario' BASE_URL=URL 'test the server that runs there' \
                PROTOCOL_ONLY=1 "leave out this tutorial's own texts and tools" KEYS=FOLDER 'where gen-token finds the key of that server'
            exit 0 ;;
        *) die "unknown argument $arg; see $0 --help" ;;
    esac
done
for tool in curl jq; do command -v "$tool" >/dev/null || die "$tool is needed: install it with your package manager"; done

# binary step6: the path of a program of this project; builds it if necessary
binary() {
    if [ -n "${STEP_BIN_DIR:-}" ]; then printf '%s/%s' "$STEP_BIN_DIR" "$1"; return; fi
    (cd "$REPO" && cargo build -q --bin "$1") >&2 || die "cargo cannot build $1, see above"
    printf '%s/debug/%s' "${CARGO_TARGET_DIR:-$REPO/target}" "$1"
}

# start_step 6 [flags]: starts the step on $STEP_PORT, or a free port; sets $BASE_URL, $SERVER_PID and $SERVER_LOG
start_step() {
    if [ -n "$RUNNING" ]; then BASE_URL=${RUNNING%/}; echo "testing the server at $BASE_URL"; return; fi
    local program
    program=$(binary "step$1")
    [ -x "$program" ] || die "$program does not exist; build it with: cargo build --bin step$1"
    shift
    start_server "$REPO" "$program" --port "${STEP_PORT:-0}" --keys-dir "$KEYS" "$@"
}

# start_server FOLDER PROGRAM [arguments]: starts it in the folder; sets $BASE_URL, $SERVER_PID and $SERVER_LOG
start_server() {
    local folder=$1 line=''
    shift
    SERVER_LOG=$(mktemp "$WORK/log.XXXXXX")
    local pipe=$SERVER_LOG.pipe
    mkfifo "$pipe"
    (cd "$folder" && exec "$@") >"$pipe" 2>"$SERVER_LOG" &
    SERVER_PID=$! PIDS="$PIDS $!"
    # Wait for the line "listening on", or for the end of the pipe, which is the end of the server.
    exec 3<"$pipe"
    while IFS= read -r -t 60 line <&3; do
        case $line in *"listening on http"*) break ;; esac
        line=''
    done
    [ -n "$line" ] || { cat "$SERVER_LOG" >&2; die "the server does not listen: $(basename "$1") ${*:2}"; }
    cat <&3 >>"$SERVER_LOG" &   # or the server would block on a full pipe; ends with the server
    exec 3<&-
    line=${line##*:}
    BASE_URL=http://localhost:${line%%/*}
    echo "$(basename "$1") listens on $BASE_URL (process $SERVER_PID)"
}

stop_step() { kill "$SERVER_PID" 2>/dev/null || true; wait "$SERVER_PID" 2>/dev/null || true; }

# gen_token --username alice --scopes mcp:read: sets $TOKEN to a token signed with the server's key
gen_token() {
    local program keys=" --keys-dir $KEYS"
    [ "$KEYS" != "$REPO/keys" ] || keys=''
    printf '%s\n' "${DIM}\$ TOKEN=\$(cargo run -q --bin gen-token --$keys $* --print-token)${PLAIN}"
    program=$(binary gen-token)
    TOKEN=$(cd "$WORK" && "$program" --keys-dir "$KEYS" "$@" --print-token) || die "gen-token fails: $*"
}

# password_token USER PASSWORD SCOPES [curl arguments]: sets $TOKEN to a token of the server at $TOKEN_ENDPOINT. For scripts
# only: OAuth 2.1 has no password grant.
password_token() {
    local user=$1 password=$2 scopes=$3
    shift 3
    TOKEN=''
    SHOW='{scope, expires_in, error}' request POST "$TOKEN_ENDPOINT" -d grant_type=password -d client_id=mcp-test-client \
        -d "username=$user" -d "password=$password" --data-urlencode "scope=$scopes" "$@"
    TOKEN=$(json '.access_token // empty')
}

# The claims of a token. Nothing is verified here.
claims() { jq -Rc 'split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson' <<<"$1"; }

# Truncates secrets for display.
REDACT='def cut: if type == "string" and length > 12 then .[:8] + "…" else . end;
  walk(if type == "object" then with_entries(if (.key | test("^(access_token|refresh_token|id_token|client_secret|registration_access_token|code)$"))
    then .value |= cut else . end) else . end)'

# other_clients npm python rust: installs the clients in scripts/clients into $CACHE, in pinned versions. Sets $SDK_PYTHON and
# $SDK_RUST. Needs node and npm, python3, or cargo. Installs nothing that is in the cache already.
CACHE=${CLIENTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mcp-auth-step-by-step/clients}
SDK_PYTHON=$CACHE/venv/bin/python SDK_RUST=$CACHE/rust-target/debug/rust-client
other_clients() {
    local kind
    mkdir -p "$CACHE"
    for kind in "$@"; do "install_$kind"; done
}
install_once() { # install_once NAME FILE COMMAND..: runs the command again only when FILE has changed
    local stamp=$CACHE/$1.installed file=$2
    shift 2
    cmp -s "$stamp" "$file" && return 0
    echo "installing $(basename "$file") into $CACHE"
    (cd "$CACHE" && "$@") >"$stamp.log" 2>&1 || { tail -5 "$stamp.log" >&2; die "cannot install the packages of $file"; }
    cp "$file" "$stamp"
}
install_npm() {
    command -v npm >/dev/null && command -v node >/dev/null || die "node and npm are needed: install nodejs 20 or later"
    local node=''
    # Inspector needs a newer node than many systems have; npm installs one.
    node -e 'const [a, b] = process.versions.node.split("."); process.exit(a > 22 || (a == 22 && b >= 19) ? 0 : 1)' || node=node@24
    cp "$REPO"/scripts/clients/package.json "$REPO"/scripts/clients/*.mjs "$CACHE"
    install_once npm "$REPO/scripts/clients/package.json" \
        npm install --no-package-lock --no-save --no-fund --no-audit --engine-strict=false . ${node:+"$node"}
    [ ! -x "$CACHE/node_modules/node/bin/node" ] || PATH=$CACHE/node_modules/node/bin:$PATH
}
# browser_packages: installs what the browser tests need
browser_packages() {
    command -v node >/dev/null && command -v npm >/dev/null || die "node and npm are needed: install nodejs 20 or later"
    [ -d "$REPO/scripts/browser/node_modules/playwright-core" ] && [ -d "$REPO/scripts/browser/node_modules/axe-core" ] ||
        (cd "$REPO/scripts/browser" && npm install --no-package-lock --no-fund --no-audit --silent) || die "npm cannot install scripts/browser/package.json"
}
install_python() {
    command -v python3 >/dev/null || die "python3 is needed"
    local wanted=$REPO/scripts/clients/requirements.txt
    install_once python "$wanted" sh -c 'python3 -m venv venv && venv/bin/pip install --quiet --requirement "$1"' sh "$wanted"
}
install_rust() {
    (cd "$REPO/scripts/clients/rust" && CARGO_TARGET_DIR=$CACHE/rust-target cargo build --locked --quiet) >&2 ||
        die "cargo cannot build the Rust client, see above"
}

# An argument as it would be typed; the token is printed as $TOKEN, other secrets truncated.
quoted() {
    local text=$1
    [ ${#text} -le 2000 ] || text="${text:0:200}… (${#1} characters)"
    if [ -n "$TOKEN" ] && [ "${text#*"$TOKEN"}" != "$text" ]; then
        printf '"%s"' "${text//"$TOKEN"/\$TOKEN}"
        return
    fi
    text=$(sed -E 's/(Bearer +[^ ]{8})[^ ]{8,}/\1…/; s/((password|client_secret|code|refresh_token)=[^&]{2})[^&]{8,}/\1…/g' <<<"$text")
    case $text in
        *[!A-Za-z0-9_./:=@%+,-]* | '') printf "'%s'" "${text//\'/\'\\\'\'}" ;;
        *) printf '%s' "$text" ;;
    esac
}

# request METHOD URL_OR_PATH [curl arguments]; SHOW='{issuer}' request .. prints only this part of a long response
request() {
    local method=$1 url=$2 shown='curl -i' show=${SHOW:-.}
    shift 2
    case $url in /*) url=$BASE_URL$url ;; esac
    case $method in GET) ;; HEAD) shown='curl -I' ;; *) shown="curl -i -X $method" ;; esac
    shown="$shown $(quoted "$url")"
    local arg; for arg in "$@"; do shown="$shown $(quoted "$arg")"; done
    [ "$show" = . ] || shown="${shown/curl -i/curl -s} | jq $(quoted "$show")"
    printf '%s\n' "${DIM}\$ $shown${PLAIN}"
    : >"$WORK/headers"; : >"$WORK/body"
    if [ "$method" = HEAD ]; then set -- -I "$@"; else set -- -X "$method" "$@"; fi
    STATUS=$(curl -sS --max-time 60 -D "$WORK/headers" -o "$WORK/body" -w '%{http_code}' "$@" "$url") || true
    [ "$STATUS" != 000 ] || fail "$method $url gets a response"
    HEADERS=$(tr -d '\r' <"$WORK/headers")
    BODY=$([ "$method" = HEAD ] || tr -d '\0' <"$WORK/body")
    printf '%s\n' "$HEADERS" | sed -n -E '1p; /^(www-authenticate|allow|location|retry-after|access-control-[a-z-]*|mcp-[a-z-]*):/Ip' |
        sed -E 's/([?&]code=[^&]{6})[^&]*/\1…/'
    [ -z "$BODY" ] || jq "$REDACT | $show" <<<"$BODY" 2>/dev/null || printf '%s\n' "${BODY:0:600}"
}

# post BODY [curl arguments]: a body to /mcp with the headers of an MCP client
post() {
    local body=$1
    shift
    if [ -n "$TOKEN" ]; then set -- -H "Authorization: Bearer $TOKEN" "$@"; fi
    request POST /mcp -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' "$@" -d "$body"
}

# rpc METHOD [PARAMS] [curl arguments]: a JSON-RPC request
rpc() {
    local method=$1 params=${2:-}
    shift; [ $# -eq 0 ] || shift
    [ -z "$params" ] || params=",\"params\":$params"
    post "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"$method\"$params}" "$@"
}

ok() {
    # Nothing holds for a response that never came.
    [ "$STATUS" != 000 ] || { fail "$1 (no response)"; return; }
    PASSED=$((PASSED + 1))
    [ -z "$SCOPE$SCENARIO_SCOPE" ] || TUTORIAL_PASSED=$((TUTORIAL_PASSED + 1))
    printf '%s\n' "  ${GREEN}ok${PLAIN}    $1"
}
fail() {
    FAILED=$((FAILED + 1))
    [ -z "$SCOPE$SCENARIO_SCOPE" ] || TUTORIAL_FAILED=$((TUTORIAL_FAILED + 1))
    printf '%s\n' "  ${RED}FAIL${PLAIN}  $1$([ -z "$SCOPE$SCENARIO_SCOPE" ] || echo " (this tutorial's own)")"
}
# tutorial CHECK..: a check of this tutorial's own texts and tools
tutorial() {
    if [ -n "$PROTOCOL_ONLY" ]; then LEFT_OUT=$((LEFT_OUT + 1)); return 0; fi
    local outer=$SCOPE
    SCOPE=tutorial
    "$@"
    SCOPE=$outer
}

# expect "what holds" COMMAND..: the command succeeds
expect() { local what=$1; shift; if "$@" >/dev/null 2>&1; then ok "$what"; else fail "$what (did not hold: $(quoted "$*"))"; fi; }
expect_status() { if [ "$STATUS" = "$1" ]; then ok "status is $1"; else fail "status is $1 (got $STATUS)"; fi; }
expect_not_status() { if [ "$STATUS" != "$1" ]; then ok "status is not $1 (it is $STATUS)"; else fail "status is not $1"; fi; }
# expect_json JQ_EXPRESSION ["what holds"] [jq arguments, such as --arg name value]
expect_json() {
    local expression=$1 what=${2:-$1}
    shift; [ $# -eq 0 ] || shift
    # There must be a value, and every value must be true: for jq 1.6 no output at all is a success.
    if [ "$(jq "$@" "[$expression] | length > 0 and all" <<<"$BODY" 2>/dev/null)" = true ]; then ok "$what"; else fail "$what (did not hold: $expression)"; fi
}
# expect_detail TEXT: the body is {"detail": TEXT}; expect_error CODE ["what it means"]: the body is a JSON-RPC error
expect_detail() { expect_json '.detail == $text' "detail is: $1" --arg text "$1"; }
expect_error() { expect_json '.error.code == $code' "the error is $1${2:+, $2}" --argjson code "$1"; }
# expect_header NAME [EXTENDED_REGEX]: the header is sent, and one of its lines matches
expect_header() {
    local found
    found=$(printf '%s\n' "$HEADERS" | sed -n "s/^$1: *//Ip")
    if [ -z "$found" ]; then fail "header $1 is sent"
    elif printf '%s\n' "$found" | grep -Eq -- "${2:-.}"; then ok "header $1${2:+ matches $2}"
    else fail "header $1 matches $2 (got: $found)"; fi
}
expect_no_header() { if printf '%s\n' "$HEADERS" | grep -iq "^$1:"; then fail "header $1 is not sent"; else ok "header $1 is not sent"; fi; }
json() { jq -r "$1" <<<"$BODY"; }   # a value of the response, for the next request

pause() {
    [ -n "$INSPECT" ] && [ -n "$SCENARIO" ] || return 0
    local answer=''
    read -r -p "Enter for the next scenario, q to stop here: " answer || true
    [ "$answer" != q ] || { INSPECT=''; finish; }
}
scenario() { pause; SCENARIO=$1 SCENARIO_SCOPE=''; printf '\n%s\n' "${BOLD}== $1${PLAIN}"; }
# tutorial_scenario TITLE: fails, and so leaves the scenario out, with PROTOCOL_ONLY=1
tutorial_scenario() {
    if [ -n "$PROTOCOL_ONLY" ]; then
        LEFT_OUT=$((LEFT_OUT + 1))
        printf '\n%s\n' "${DIM}== left out: $1${PLAIN}"
        return 1
    fi
    scenario "$1"
    SCENARIO_SCOPE=tutorial
}
finish() {
    pause
    printf '\n'
    if [ "$LEFT_OUT" -gt 0 ]; then
        echo "left out: $LEFT_OUT checks and scenarios about this tutorial's own texts and tools (PROTOCOL_ONLY)"
    elif [ -n "$RUNNING" ] && [ "$TUTORIAL_FAILED" -gt 0 ]; then
        echo "the protocol: $((PASSED - TUTORIAL_PASSED)) passed, $((FAILED - TUTORIAL_FAILED)) failed"
        echo "this tutorial's own texts and tools: $TUTORIAL_PASSED passed, $TUTORIAL_FAILED failed; leave them out with PROTOCOL_ONLY=1"
    fi
    printf '%s\n' "$PASSED passed, $FAILED failed"
    [ "$FAILED" -eq 0 ] && [ "$PASSED" -gt 0 ] && exit 0
    exit 1
}

#!/usr/bin/env bash
# Benchmarks the steps and other programs that do the same work, in turns, on this machine.
#
#   scripts/bench.sh            measure everything (about nine minutes after the build) and print the tables; ROUNDS=3
#                               takes a fifth of the time
#   scripts/bench.sh --write    the same, and put the tables into scripts/bench/README.md
#   scripts/bench.sh --quick    every measurement once and short, to check that it works
#   scripts/bench.sh --memory   ten minutes of load with 100,000 different tokens: the memory that step 8 takes
#
# Needs Linux, wrk, curl and jq; valgrind for instruction counts; uv and git for the Python original (ORIGINAL names a
# clone of it that is already there). What is missing is skipped with a message. All traffic stays on 127.0.0.1.

set -euo pipefail

MODE=full WRITE=''
for arg in "$@"; do
    case $arg in
        --quick) MODE=quick ;;
        --memory) MODE=memory ;;
        --write) WRITE=yes ;;
        -h | --help) sed -n '2,${/^#/!q;s/^# \{0,1\}//p;}' "$0"; exit 0 ;;
        *) echo "unknown argument $arg; see $0 --help" >&2; exit 1 ;;
    esac
done

REPO=$(cd "$(dirname "$0")/.." && pwd)
BENCH=$REPO/scripts/bench
STEPS=${CARGO_TARGET_DIR:-$REPO/target}/release
PEERS=${CARGO_TARGET_DIR:-$BENCH/target}/release
WORK=$(mktemp -d "${TMPDIR:-/tmp}/mcp-bench.XXXXXX")   # mode 0700: keys and tokens are in it
RESULTS=$WORK/results
declare -A PID PORT

# Where there are two cores, servers run on one and the load on the other: unpinned, runs of one and the same program
# scattered from 0.83 to 1.45 of their median.
ON_SERVER_CORE=() ON_LOAD_CORE=()
if [ "$(nproc)" -ge 2 ] && command -v taskset >/dev/null; then
    ON_SERVER_CORE=(taskset -c 0) ON_LOAD_CORE=(taskset -c 1)
fi

# No exit in here: the script's own exit status must survive.
cleanup() {
    set +e
    for pid in "${PID[@]}"; do kill "$pid" && wait "$pid"; done 2>/dev/null
    rm -rf "$WORK"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

die() { echo "error: $*" >&2; exit 1; }
say() { echo "$*" >&2; }
for tool in wrk curl jq cargo; do
    command -v $tool >/dev/null || die "$tool is needed: install it with your package manager"
done

# ---- what is sent

ECHO='{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"}}}'
MODERN='{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"message":"hello"},"_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1.0"},"io.modelcontextprotocol/clientCapabilities":{}}}}'
MODERN_HEADERS=$'MCP-Protocol-Version: 2026-07-28\nMcp-Method: tools/call\nMcp-Name: echo'

# ---- programs

# start NAME PROGRAM [arguments]: in the background, until it says where it listens.
start() {
    local name=$1 log=$WORK/$1.log tries
    shift
    : >"$log"
    "${ON_SERVER_CORE[@]}" "$@" >"$log" 2>&1 &
    PID[$name]=$!
    for ((tries = 0; tries < 600; tries++)); do
        PORT[$name]=$(sed -nE 's#.*(listening|running) on http://127\.0\.0\.1:([0-9]+).*#\2#p' "$log" | head -1)
        [ -z "${PORT[$name]}" ] || return 0
        kill -0 "${PID[$name]}" 2>/dev/null || break
        sleep 0.05
    done
    cat "$log" >&2
    die "$name does not listen; its messages are above"
}

start_of() { command_of "$1"; start "$1" "${COMMAND[@]}"; }

stop() {
    kill "${PID[$1]}" || true
    wait "${PID[$1]}" || true
    unset "PID[$1]"
} 2>/dev/null

stop_all() { for program in "${!PID[@]}"; do stop "$program"; done; }

# The command line of each program, in the array COMMAND.
command_of() {
    case $1 in
        axum_only | axum_jwt | rmcp) COMMAND=("$PEERS/$1" "$WORK/keys") ;;
        # Everything that can be counted is counted.
        # Step 8 is the identity provider of step 10: its keys are fetched over HTTP.
        step10)
            local provider=http://localhost:${PORT[step8]}
            COMMAND=("$STEPS/step10" --port 0 --metrics-port 0 --issuer "$provider"
                --jwks-url "$provider/.well-known/jwks.json" --audience mcp-server)
            "$PEERS/tokens" "$WORK/keys" 1 "$provider" >"$WORK/token10"
            ;;
        step*) COMMAND=("$STEPS/$1" --port 0 --metrics-port 0 --keys-dir "$WORK/keys") ;;
        layer:*) COMMAND=("$PEERS/resource_server" "${1#layer:}" "$WORK/keys" https://issuer.example) ;;
        original) COMMAND=(env -C "$WORK/keys" "$ORIGINAL/.venv/bin/python" -c
            'import uvicorn; from mcp_http.step8 import JWTMCPServer; uvicorn.run(JWTMCPServer().app, host="127.0.0.1", port=0)') ;;
    esac
}

# ---- one measurement

ticks() { awk '{ print $14 + $15 }' "/proc/${PID[$1]}/stat"; }
memory() { awk '/^VmRSS/ { printf "%.1f", $2 / 1024 }' "/proc/${PID[$1]}/status"; }

# load SCENARIO PROGRAM CONNECTIONS [VARIABLE=value..]: one line of results. The variables are those of load.lua.
load() {
    local scenario=$1 program=$2 connections=$3 before after result
    shift 3
    before=$(ticks "$program")
    result=$(env BODY="$ECHO" TOKENS="$WORK/token" "$@" "${ON_LOAD_CORE[@]}" wrk -t1 -c"$connections" -d"${SECONDS_EACH}s" --timeout 5s \
        -s "$BENCH/load.lua" "http://127.0.0.1:${PORT[$program]}/mcp" | sed -n 's/^RESULT //p')
    after=$(ticks "$program")
    [ -n "$result" ] || die "wrk gave no result for $program"
    awk -v scenario="$scenario" -v program="$program" -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" '{
        if ($5 != 0 && scenario != "rejected") { print "error: " $5 " of " $1 " requests failed: " scenario " " program > "/dev/stderr"; exit 1 }
        printf "%s %s %.0f %.2f %d %d\n", scenario, program, $1 / $2, ticks / hz / $1 * 1e6, $3, $4
    }' <<<"$result" >>"$RESULTS" || exit 1
}

values() {
    awk -v scenario="$1" -v program="$2" -v name="$3" '
        BEGIN { column["rps"] = 3; column["cpu"] = 4; column["p50"] = 5; column["p99"] = 6 }
        $1 == scenario && $2 == program { print $column[name] }' "$RESULTS"
}
middle() { sort -n | awk '{ value[NR] = $1 } END { print NR % 2 ? value[(NR + 1) / 2] : (value[NR / 2] + value[NR / 2 + 1]) / 2 }'; }
# median SCENARIO PROGRAM COLUMN, where the columns are: rps cpu p50 p99
median() { values "$@" | middle; }

# ratio COLUMN SCENARIO PROGRAM SCENARIO PROGRAM: the first against the second, round by round, because a machine is
# not as fast in one minute as in the next; of these the median.
ratio() {
    paste <(values "$2" "$3" "$1") <(values "$4" "$5" "$1") | awk '$2 > 0 { print $1 / $2 }' | middle | awk '{ printf $1 < 0.1 ? "%.3f" : "%.2f", $1 }'
}
# turns NAME..: in this order in one round and backwards in the next, because whoever comes after a busy program is
# measured on a machine that is still warm from it.
turns() { if ((round % 2)); then printf '%s\n' "$@"; else printf '%s\n' "$@" | tac; fi; }
thousands() { sed ':a;s/\B[0-9]\{3\}\>/,&/;ta' <<<"$1"; }

# instructions PROGRAM [curl arguments]: those of one request outside of the kernel, the same on every machine of this
# kind. Two runs that differ in the number of requests are subtracted, so start and end do not count.
instructions() {
    local program=$1 requests counted=()
    shift
    command -v valgrind >/dev/null || { echo -; return; }
    for requests in 200 1200; do
        command_of "$program"
        TOKIO_WORKER_THREADS=1 start counted valgrind --tool=callgrind --callgrind-out-file=/dev/null "${COMMAND[@]}"
        "${SEND:-send_alike}" "$requests" "http://127.0.0.1:${PORT[counted]}/mcp" \
            -H 'Content-Type: application/json' -H 'Accept: application/json, text/event-stream' "$@"
        stop counted
        counted+=("$(sed -n 's/.*Collected : //p' "$WORK/counted.log")")
    done
    echo $(((counted[1] - counted[0]) / 1000))
}
# send_alike COUNT URL [curl arguments]. curl counts the part after # up and keeps it to itself: one connection is used.
send_alike() { curl -s -o /dev/null "${@:3}" "$2#[1-$1]"; }
# The same for requests of 2026-07-28 to step 9, each with a bound token and a proof of its own.
send_proofs() {
    local header headers=''
    while read -r header; do headers+="header = \"$header\""$'\n'; done <<<"$MODERN_HEADERS"
    echo "$MODERN" >"$WORK/modern"
    prove "$1" "${PORT[counted]}" | while read -r token proof; do
        printf 'next\nsilent\noutput = /dev/null\nurl = "%s"\ndata = "@%s"\n%s' "$2" "$WORK/modern" "$headers"
        printf 'header = "%s"\n' 'Content-Type: application/json' 'Accept: application/json, text/event-stream' \
            "Authorization: DPoP $token" "DPoP: $proof"
    done | sed 1d >"$WORK/requests"
    curl -K "$WORK/requests"
}
# prove COUNT PORT: bound tokens, and proofs for the server on this port that are valid for a minute.
prove() { "$PEERS/proofs" "$WORK/keys" "$1" "http://localhost:$2/mcp"; }

# first_answer PROGRAM: milliseconds from its start to its first answer.
first_answer() {
    command_of "$1"
    local began=${EPOCHREALTIME/./} line port
    exec 3< <(exec "${COMMAND[@]}" 2>/dev/null)
    PID[first]=$!
    while IFS= read -r -t 10 line <&3; do
        case $line in *"listening on http"*) break ;; esac
    done
    port=${line##*:}
    exec 4<>"/dev/tcp/127.0.0.1/${port%/}"
    printf 'GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&4
    IFS= read -r -t 10 -u 4 line
    awk -v us=$((${EPOCHREALTIME/./} - began)) 'BEGIN { printf "%.1f\n", us / 1000 }'
    exec 4<&- 3<&-
    stop first
}

# ---- everything

say "building (optimised for the whole program at once: this takes a while)"
(cd "$REPO" && cargo build -q --release --bin step8 --bin step9 --bin step10) || die "cargo could not build the steps"
(cd "$BENCH" && cargo build -q --release --locked) || die "cargo could not build the programs beside them"
(cd "$BENCH/layers" && cargo build -q --release --locked --target-dir "${PEERS%/release}") || die "cargo could not build the layers"

ROUNDS=${ROUNDS:-15} SECONDS_EACH=2 TOKENS=10000
case $MODE in
    quick) ROUNDS=1 SECONDS_EACH=1 TOKENS=1000 ;;
    memory) SECONDS_EACH=${SECONDS_EACH_MEMORY:-600} TOKENS=100000 ;;
esac

# The first start makes the key pair; then the tokens can be signed with it.
start_of step8; stop step8
"$PEERS/tokens" "$WORK/keys" "$TOKENS" >"$WORK/tokens"
head -1 "$WORK/tokens" >"$WORK/token"
sed 's/....$/AAAA/' "$WORK/token" >"$WORK/forged"
# One token as often as there are different ones, so that wrk does the same work for both.
awk -v n="$TOKENS" '{ for (i = 0; i < n; i++) print }' "$WORK/token" >"$WORK/same"

start_of step8
if [ "$MODE" = memory ]; then
    say "$SECONDS_EACH seconds of load with $TOKENS different tokens"
    load memory step8 32 TOKENS="$WORK/tokens"
    echo "requests a second: $(thousands "$(median memory step8 rps)"), errors: 0"
    echo "memory at the end: $(memory step8) MB, at most: $(awk '/^VmHWM/ { printf "%.1f", $2 / 1024 }' "/proc/${PID[step8]}/status") MB"
    exit
fi
IDLE=$(memory step8)

curl -s "http://127.0.0.1:${PORT[step8]}/.well-known/jwks.json" >"$WORK/keys/jwks.json"
"$PEERS/tokens" "$WORK/keys" 1 https://issuer.example >"$WORK/token_layer"

PROGRAMS="axum_only axum_jwt rmcp step8 step9 step10"
LAYERS="layer:nothing layer:mcp_auth layer:mcp_auth_uncached layer:oauth-resource-server layer:tower-oauth2-resource-server
    layer:jwt-authorizer layer:axum-jwt-auth"
if [ -z "${ORIGINAL:-}" ] && command -v uv >/dev/null && command -v git >/dev/null; then
    ORIGINAL=$WORK/original
    git clone -q --depth 1 https://github.com/christian-posta/mcp-auth-step-by-step "$ORIGINAL" 2>"$WORK/clone.log" &&
        (cd "$ORIGINAL" && uv sync -q --frozen 2>"$WORK/sync.log") || ORIGINAL=''
fi
if [ -x "${ORIGINAL:-}/.venv/bin/python" ]; then PROGRAMS="$PROGRAMS original"; else say "without the Python original: no uv, or no network"; fi
stop step8

# Each round has processes of its own: how well the memory of one happens to lie stays with it as long as it lives.
for ((round = 1; round <= ROUNDS; round++)); do
    say "round $round of $ROUNDS"
    for program in $PROGRAMS; do start_of "$program"; done
    for program in $(turns $PROGRAMS); do
        case $program in
            step9) load echo step9 32 BODY="$MODERN" HEADERS="$MODERN_HEADERS" ;;
            step10) load echo step10 32 TOKENS="$WORK/token10" ;;
            *) load echo "$program" 32 ;;
        esac
    done
    # What the longer request of step 9 costs without step 9.
    load modern axum_only 32 BODY="$MODERN" HEADERS="$MODERN_HEADERS"
    # The same load for both, which is half of what the first can do: pauses of 256 connections, in milliseconds.
    delay=$(awk -v rps="$(median echo axum_only rps)" 'BEGIN { print 256 / (rps / 2) * 1000 }')
    for program in $(turns axum_only step8); do load half "$program" 256 DELAY="$delay"; done
    for program in $(turns axum_jwt step8); do load rejected "$program" 32 TOKENS="$WORK/forged"; done
    for list in $(turns same tokens); do load $list step8 32 TOKENS="$WORK/$list"; done
    load thousand step8 1000
    prove 60000 "${PORT[step9]}" >"$WORK/proofs"
    load dpop step9 32 TOKENS="$WORK/proofs" BODY="$MODERN" HEADERS="$MODERN_HEADERS"
    stop_all
    for layer in $LAYERS; do start_of "$layer"; done
    for layer in $(turns $LAYERS); do load layer "$layer" 32 TOKENS="$WORK/token_layer"; done
    stop_all
done

say "counting instructions, and measuring starts"
BEARER="Authorization: Bearer $(cat "$WORK/token")" FORGED="Authorization: Bearer $(cat "$WORK/forged")"
declare -A COUNT
for program in axum_only axum_jwt rmcp step8; do COUNT[$program]=$(instructions $program -H "$BEARER" -d "$ECHO"); done
mapfile -t lines <<<"$MODERN_HEADERS"
COUNT[step9]=$(instructions step9 -H "$BEARER" "${lines[@]/#/-H}" -d "$MODERN")
COUNT[dpop]=$(SEND=send_proofs instructions step9)
for layer in $LAYERS; do
    COUNT[$layer]=$(instructions "$layer" -H "Authorization: Bearer $(cat "$WORK/token_layer")" -d "$ECHO")
done
COUNT[axum_modern]=$(instructions axum_only -H "$BEARER" "${lines[@]/#/-H}" -d "$MODERN")
start_of step8
COUNT[step10]=$(command_of step10; instructions step10 -H "Authorization: Bearer $(cat "$WORK/token10")" -d "$ECHO")
stop step8
COUNT[rejected]=$(instructions step8 -H "$FORGED" -d "$ECHO")
COUNT[axum_jwt_rejected]=$(instructions axum_jwt -H "$FORGED" -d "$ECHO")
for ((round = 1; round <= 5; round++)); do first_answer step8; done | sort -n >"$WORK/starts"

# ---- tables

declare -A TITLE=(
    [axum_only]="axum alone: parses the JSON, checks nothing"
    [axum_jwt]="axum and one RS256 check per request"
    [rmcp]="the official SDK (rmcp 3.11, stateless) behind the same check"
    [step8]="**step 8**, everything on"
    [step9]="**step 9**, a request of 2026-07-28"
    [step10]="**step 10**, with an identity provider's keys"
    [original]="the Python original, step 8"
    [layer:nothing]="no layer | nothing"
    [layer:mcp_auth]="**mcp_auth**, \`BearerAuth\` | signature, \`typ\`, \`iss\`, \`aud\`, \`exp\`, \`nbf\`, \`cnf\`; a verified token is cached for a minute"
    [layer:mcp_auth_uncached]="the same with \`cache_capacity(0)\` | the same"
    [layer:oauth-resource-server]="oauth-resource-server 0.4 | signature, \`typ\`, \`iss\`, \`aud\`, \`exp\`, \`nbf\`, \`cnf\`, one scope; no cache"
    [layer:tower-oauth2-resource-server]="tower-oauth2-resource-server 0.12 | signature, \`iss\`, \`aud\`, \`exp\`; no cache"
    [layer:jwt-authorizer]="jwt-authorizer 0.15 | signature, \`iss\`, \`aud\`, \`exp\`; no cache; its layer is for axum 0.7, so its check is called"
    [layer:axum-jwt-auth]="axum-jwt-auth 0.7 | signature, \`iss\`, \`aud\`, \`exp\`; no cache; an extractor, RSA in Rust"
)
# row TITLE COLUMN SCENARIO PROGRAM SCENARIO PROGRAM AIM
row() {
    local unit=µs number='%.1f'
    [ "$2" = rps ] && unit='requests/s' number='%.0f'
    echo "| $1 | $(printf "$number" "$(median "$3" "$4" "$2")") $unit | $(printf "$number" "$(median "$5" "$6" "$2")") $unit | $(ratio "$2" "$3" "$4" "$5" "$6") | $7 |"
}
tables() {
    local program
    echo "| \`tools/call echo\` with a token | requests/s | server CPU per request | instructions per request |"
    echo "|---|--:|--:|--:|"
    for program in $PROGRAMS; do
        echo "| ${TITLE[$program]} | $(thousands "$(median echo "$program" rps | cut -d. -f1)")" \
            "| $(printf '%.1f' "$(median echo "$program" cpu)") µs | $(thousands "${COUNT[$program]:--}") |"
    done
    echo "| **step 9**, the same with a bound token and a new DPoP proof (ES256) | $(thousands "$(median dpop step9 rps | cut -d. -f1)")" \
        "| $(printf '%.1f' "$(median dpop step9 cpu)") µs | $(thousands "${COUNT[dpop]:--}") |"
    echo
    echo "| the bearer layer of a library, in front of one route of axum | checks per request | requests/s | CPU | instructions |"
    echo "|---|---|--:|--:|--:|"
    for program in $LAYERS; do
        echo "| ${TITLE[$program]} | $(thousands "$(median layer "$program" rps | cut -d. -f1)")" \
            "| $(printf '%.1f' "$(median layer "$program" cpu)") µs | $(thousands "${COUNT[$program]:--}") |"
    done
    echo
    echo "| one against the other | one | the other | ratio | aim |"
    echo "|---|--:|--:|--:|--:|"
    row "step 8 and axum alone: CPU" cpu echo step8 echo axum_only "at most 1.15"
    row "throughput" rps echo step8 echo axum_only "at least 0.87"
    row "99th percentile at half of axum's maximum" p99 half step8 half axum_only "at most 1.3"
    row "step 9 and axum alone, both with the request of 2026-07-28: CPU" cpu echo step9 modern axum_only "at most 1.30"
    row "step 9, and axum alone with the shorter request" cpu echo step9 echo axum_only ""
    row "step 10 and step 8: CPU" cpu echo step10 echo step8 "at most 1.03"
    row "the official SDK and step 8: CPU" cpu echo rmcp echo step8 "at least 4"
    case $PROGRAMS in *original*) row "step 8 and the Python original: CPU" cpu echo step8 echo original "at most 0.017" ;; esac
    row "step 8 and axum with a check, rejecting a bad signature: CPU" cpu rejected step8 rejected axum_jwt "at most 1.05"
    row "step 8, $(thousands "$TOKENS") tokens in turn and one: throughput" rps tokens step8 same step8 "at least 0.70"
    row "step 8, 1,000 connections and 32: throughput" rps thousand step8 echo step8 "at least 0.85"
    echo
    echo "| step 8 alone | | aim |"
    echo "|---|--:|--:|"
    echo "| memory, idle | $IDLE MB | under 8 MB |"
    echo "| start to first answer | $(sed -n 3p "$WORK/starts") ms | under 15 ms |"
    echo "| size of the program | $(stat -c %s "$STEPS/step8" | awk '{ printf "%.1f", $1 / 1e6 }') MB | under 6 MB |"
    echo "| instructions of axum alone for the request of 2026-07-28 | $(thousands "${COUNT[axum_modern]}") | |"
    echo "| instructions to reject a bad signature, and axum with a check to do so | $(thousands "${COUNT[rejected]}"), $(thousands "${COUNT[axum_jwt_rejected]}") | |"
    echo
    echo "Medians of $ROUNDS rounds of $SECONDS_EACH seconds, all programs in turns and started anew in each, 32 connections, load and server on" \
        "one core each of the same machine: $(nproc) cores, $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1)."
}
tables | tee "$WORK/tables"

if [ -n "$WRITE" ]; then
    awk -v file="$WORK/tables" '
        /^<!-- bench -->$/ { print; print ""; while ((getline line < file) > 0) print line; print ""; skip = 1 }
        /^<!-- \/bench -->$/ { skip = 0 }
        !skip' "$BENCH/README.md" >"$WORK/readme" && cat "$WORK/readme" >"$BENCH/README.md"
    say "written to scripts/bench/README.md"
fi

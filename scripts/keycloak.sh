#!/usr/bin/env bash
# Keycloak for steps 10 and 11, in one command: its realm "mcp-realm" is imported ready for use.
#
#   scripts/keycloak.sh up             start it (download it the first time) and return when it answers
#   scripts/keycloak.sh down           stop it; users, keys and clients are kept for the next "up"
#   scripts/keycloak.sh status         is it running, and where; exit status 3 when it is not
#   scripts/keycloak.sh logs [-f]      its log
#   scripts/keycloak.sh reset          stop it and forget everything but the download
#   scripts/keycloak.sh resource URL   let clients ask for tokens for one more MCP server (RFC 8707), such as
#                                      http://localhost:9001/mcp; http://localhost:9000/mcp is there from the start
#   scripts/keycloak.sh resource --remove URL
#   scripts/keycloak.sh broker --issuer URL --client-id ID --client-secret @FILE [--grant CLAIM=VALUE:ROLE,..]
#                                      put the realm in front of a provider that registers no MCP clients: users log in
#                                      there, as the client ID, which has the redirect URI that this prints. Everybody may
#                                      read; --grant (repeatable) gives a role of this realm (tools, prompts) to those whose
#                                      claim has or contains that value, such as groups=mcp-tools:tools or hd=example.com:tools
#   scripts/keycloak.sh broker --remove
#   scripts/keycloak.sh exchange [URL] let the MCP server at URL (http://localhost:9000/mcp) exchange its users' tokens for
#                                      tokens of the client downstream-api with the scope downstream:read (RFC 8693), and
#                                      write settings for step 10; a URL of your own needs "resource URL" first
#   scripts/keycloak.sh machine        a client for programs without a user (client_credentials), mcp-machine
#   scripts/keycloak.sh idjag ISSUER [SUBJECT]
#                                      exchange identity assertions (ID-JAG) of this enterprise identity provider for access tokens of
#                                      mcp-user, whom the provider calls SUBJECT, for the client mcp-enterprise
#
# With a running Docker engine the official image is used (scripts/keycloak/compose.yaml); without one the official
# distribution, by Maven, on this machine's Java. For development: plain http, loopback only, admin/admin.
#
#   KEYCLOAK_PORT      8080
#   KEYCLOAK_RUNTIME   docker or java; found out by itself
#   KEYCLOAK_FEATURES  resource-indicators,cimd,identity-assertion-jwt; without the first, Keycloak ignores the parameter
#                      "resource", so that MCP servers on any port will do
#   KEYCLOAK_TIMEOUT   seconds that the start may take, 300
set -euo pipefail
umask 077

VERSION=26.7.5
SHA256=30ef87fb7101c43d29688d1ae80c0588ff4a151b3330e9f664bf9692d398658a   # of the zip
HERE=$(cd "$(dirname "$0")" && pwd)
REALM=$HERE/keycloak/mcp-realm.json
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/mcp-auth-step-by-step
KC=$CACHE/keycloak-$VERSION
PID_FILE=$CACHE/keycloak.pid   # process and port
LOG=$CACHE/keycloak.log
export KEYCLOAK_VERSION=$VERSION KEYCLOAK_PORT=${KEYCLOAK_PORT:-8080}
export KEYCLOAK_FEATURES=${KEYCLOAK_FEATURES:-resource-indicators,cimd,identity-assertion-jwt}
export JAVA_OPTS_KC_HEAP=${JAVA_OPTS_KC_HEAP:--Xms64m -Xmx512m}
export KC_BOOTSTRAP_ADMIN_USERNAME=${KC_BOOTSTRAP_ADMIN_USERNAME:-admin}
export KC_BOOTSTRAP_ADMIN_PASSWORD=${KC_BOOTSTRAP_ADMIN_PASSWORD:-admin}
URL=http://localhost:$KEYCLOAK_PORT

die() { printf 'error: %s\n' "$*" >&2; exit 1; }
alive() { kill -0 "$1" 2>/dev/null; }
have() { command -v "$1" >/dev/null 2>&1; }
ready() { curl -fs -o /dev/null --max-time 10 "$URL/realms/mcp-realm"; }
port_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$KEYCLOAK_PORT") 2>/dev/null; }
checksum() { if have sha256sum; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1; }

runtime() {
    if [ -n "${KEYCLOAK_RUNTIME:-}" ]; then echo "$KEYCLOAK_RUNTIME"
    elif have docker && docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; then echo docker
    else echo java; fi
}
compose() { docker compose -f "$HERE/keycloak/compose.yaml" "$@"; }

# The process that "up" started, if it still lives; a number that another program got since does not count.
our_pid() {
    local pid='' args
    [ -f "$PID_FILE" ] && read -r pid _ <"$PID_FILE" || return 1
    # A small Linux may have no ps, and macOS has no /proc.
    args=$(ps -p "$pid" -o args= 2>/dev/null || tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") || return 1
    case $args in *"$CACHE/keycloak-"*) echo "$pid" ;; *) return 1 ;; esac
}

# One "up" or "down" at a time: test suites may call them side by side.
lock() {
    mkdir -p "$CACHE"
    until mkdir "$CACHE/lock" 2>/dev/null; do
        alive "$(cat "$CACHE/lock/pid" 2>/dev/null || echo "$$")" || rm -rf "$CACHE/lock"
        sleep 1
    done
    echo "$$" >"$CACHE/lock/pid"
    trap 'rm -rf "$CACHE/lock"' EXIT
    trap 'exit 130' INT TERM
}

need_java() {
    local java=java version
    [ -z "${JAVA_HOME:-}" ] || java=$JAVA_HOME/bin/java
    version=$("$java" -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1) || true
    [ "${version:-0}" -ge 17 ] || die "Keycloak needs Java 17 or newer, found ${version:-none}; install it with
  apt-get install openjdk-17-jre-headless    (Debian, Ubuntu; on macOS: brew install openjdk@21)
or start a Docker engine and run this again"
}

# Download, check and unpack once. Only a finished folder gets its name, so an interrupted run leaves no half of one.
install() {
    [ ! -x "$KC/bin/kc.sh" ] || return 0
    have mvn || die "Maven is needed to download Keycloak; install it with
  apt-get install maven    (Debian, Ubuntu; on macOS: brew install maven)"
    have unzip || die "unzip is needed to unpack Keycloak; install it with: apt-get install unzip"
    local new=$CACHE/download zip
    zip=$new/keycloak-quarkus-dist-$VERSION.zip
    rm -rf "$new"; mkdir -p "$new"
    set -- mvn -B -q -U org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy \
        "-Dartifact=org.keycloak:keycloak-quarkus-dist:$VERSION:zip" "-DoutputDirectory=$new"
    echo "downloading Keycloak $VERSION, 170 MB (once)"
    if ! "$@" >"$new/log" 2>&1 || [ ! -s "$zip" ]; then
        grep -m 1 ERROR "$new/log" >&2 || true
        die "the download failed; when the network is back, run
  $0 up
or see for yourself with
  $*"
    fi
    [ "$(checksum "$zip")" = "$SHA256" ] || die "the download is not the file it should be (sha256 differs); fetch it anew with
  rm -rf ~/.m2/repository/org/keycloak/keycloak-quarkus-dist/$VERSION && $0 up"
    unzip -q "$zip" -d "$new"
    rm -rf "$KC"; mv "$new/keycloak-$VERSION" "$KC"; rm -rf "$new"
}

wait_ready() { # wait_ready COMMAND: the command tells whether it is worth waiting on
    local start=$SECONDS shown=0
    until ready; do
        "$@" || { { grep -E 'ERROR|Exception' "$LOG" || tail -20 "$LOG"; } 2>/dev/null | head -20 >&2; die "Keycloak stopped while starting; all of its log: $0 logs"; }
        [ $((SECONDS - start)) -lt "${KEYCLOAK_TIMEOUT:-300}" ] || die "Keycloak is not ready after ${KEYCLOAK_TIMEOUT:-300} s; see: $0 logs"
        if [ $((SECONDS - start)) -ge $((shown + 5)) ]; then shown=$((SECONDS - start)); echo "  starting, $shown s"; fi
        sleep 1
    done
    echo "ready after $((SECONDS - start)) s"
}

up() {
    lock
    local pid='' sum
    sum=$(checksum "$REALM")
    if pid=$(our_pid); then
        local port; read -r _ port <"$PID_FILE"
        [ "$port" = "$KEYCLOAK_PORT" ] || die "Keycloak already runs on port $port; stop it first with: $0 down"
        [ "$sum" = "$(cat "$CACHE/realm.sum" 2>/dev/null)" ] || echo "note: mcp-realm.json has changed since it was imported; to use it: $0 reset && $0 up"
        echo "already running (process $pid)"
        ready || wait_ready alive "$pid"
        return
    fi
    if [ "$(runtime)" = docker ]; then
        [ -n "$(compose ps -q --status running)" ] || ! port_taken || taken
        # A changed realm file means a new container, and so a new import.
        set -- up -d
        [ "$sum" = "$(cat "$CACHE/realm.docker.sum" 2>/dev/null)" ] || set -- "$@" --force-recreate
        compose "$@" || die "Docker could not start Keycloak; without Docker: KEYCLOAK_RUNTIME=java $0 up"
        echo "$sum" >"$CACHE/realm.docker.sum"
        wait_ready docker_runs
        return
    fi
    ! port_taken || taken
    need_java
    install
    if [ "$sum" != "$(cat "$CACHE/realm.sum" 2>/dev/null)" ]; then rm -rf "$KC/data"; fi   # import the new file
    mkdir -p "$KC/data/import"
    cp "$REALM" "$KC/data/import/mcp-realm-realm.json"   # the name that --import-realm insists on
    echo "$sum" >"$CACHE/realm.sum"
    # A session of its own, and no file of ours left open: the caller may end, or wait for our output to end.
    local detach=nohup
    ! have setsid || detach='setsid nohup'
    ( for fd in 3 4 5 6 7 8 9; do eval "exec $fd>&-"; done
      cd "$KC" && exec $detach "$KC/bin/kc.sh" start-dev --import-realm --http-host=127.0.0.1 \
          --http-port="$KEYCLOAK_PORT" --features="$KEYCLOAK_FEATURES" ) >"$LOG" 2>&1 </dev/null &
    pid=$!
    echo "$pid $KEYCLOAK_PORT" >"$PID_FILE"
    echo "starting Keycloak $VERSION on port $KEYCLOAK_PORT (process $pid)"
    wait_ready alive "$pid"
}

docker_runs() { compose logs --no-color --tail 40 >"$LOG" 2>&1; [ -n "$(compose ps -q --status running)" ]; }

taken() {
    ! ready || { echo "a Keycloak with mcp-realm already answers at $URL; it was not started from here and is used as it is"; exit 0; }
    die "port $KEYCLOAK_PORT is taken by another program; stop that, or choose another port:
  KEYCLOAK_PORT=8081 $0 up
(for step 10 then: KEYCLOAK_URL=http://localhost:8081 JWT_ISSUER=http://localhost:8081/realms/mcp-realm)"
}

down() {
    lock
    local pid i
    if pid=$(our_pid); then
        kill "$pid"
        for i in $(seq 60); do
            alive "$pid" || break
            [ "$i" -lt 60 ] || kill -KILL -- "-$pid" "$pid" 2>/dev/null || true
            sleep 0.5
        done
        rm -f "$PID_FILE"
        echo "stopped"
    elif [ "$(runtime)" = docker ] && [ -n "$(compose ps -q --status running)" ]; then compose stop
    else rm -f "$PID_FILE"; echo "not running"; fi
}

status() {
    local pid='' how
    if pid=$(our_pid); then
        read -r _ KEYCLOAK_PORT <"$PID_FILE"; URL=http://localhost:$KEYCLOAK_PORT
        how="process $pid, Keycloak $VERSION"
    elif [ "$(runtime)" = docker ] && [ -n "$(compose ps -q --status running)" ]; then how="Docker, Keycloak $VERSION"
    elif ready; then how="not started from here"
    else echo "Keycloak is not running; start it with: $0 up"; return 3; fi
    ready || { echo "starting ($how)"; return 3; }
    cat <<END
Keycloak answers at $URL ($how)
  issuer   $URL/realms/mcp-realm
  console  $URL/admin/  ($KC_BOOTSTRAP_ADMIN_USERNAME, password $KC_BOOTSTRAP_ADMIN_PASSWORD)
  users    mcp-admin/admin123  mcp-user/user123  mcp-readonly/readonly123
  next     scripts/test_keycloak.sh    cargo run --bin step10
END
}

. "$HERE/keycloak/admin.sh"
. "$HERE/keycloak/id_jag.sh"

have curl || die "curl is needed: install it with your package manager"
command=${1:-help}
[ $# -eq 0 ] || shift
case $command in
    up) up; status ;;
    down) down ;;
    reset) down; if [ "$(runtime)" = docker ]; then compose down; fi; rm -rf "$KC/data" "$CACHE"/realm*.sum; echo "all data is forgotten" ;;
    status) status ;;
    logs) if our_pid >/dev/null || [ "$(runtime)" != docker ]; then [ -f "$LOG" ] || die "there is no log yet; start Keycloak with: $0 up"; tail -n 200 "$@" "$LOG"; else compose logs "$@"; fi ;;
    resource | broker | exchange | machine | idjag) "$command" "$@" ;;
    help | -h | --help) sed -n '2,${/^#/!q;s/^# \{0,1\}//p;}' "$0" ;;
    *) die "unknown command $command; see $0 --help" ;;
esac

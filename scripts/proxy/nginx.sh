#!/usr/bin/env bash
# nginx on port 9090 in front of Keycloak on 8080: what keycloak_proxy.env expects.
#
#   scripts/proxy/nginx.sh up | down | status
#
# PROXY_PORT (9090) and KEYCLOAK_PORT (8080) choose other ports.
set -euo pipefail
umask 077
HERE=$(cd "$(dirname "$0")" && pwd)
PROXY_PORT=${PROXY_PORT:-9090} KEYCLOAK_PORT=${KEYCLOAK_PORT:-8080}
PREFIX=${XDG_CACHE_HOME:-$HOME/.cache}/mcp-auth-step-by-step/nginx-$PROXY_PORT
PATH=$PATH:/usr/sbin   # where Debian keeps nginx, and not everyone's PATH looks

die() { printf 'error: %s\n' "$*" >&2; exit 1; }
our_pid() { # only while the process is still the nginx of this folder
    local pid
    pid=$(cat "$PREFIX/nginx.pid" 2>/dev/null) || return 1
    case $(ps -p "$pid" -o args= 2>/dev/null) in *"nginx: master process"*"$PREFIX"*) echo "$pid" ;; *) return 1 ;; esac
}

case ${1:-help} in
    up)
        if our_pid >/dev/null; then echo "already running on http://localhost:$PROXY_PORT"; exit 0; fi
        command -v nginx >/dev/null || die "nginx is not installed; install it with: apt-get install nginx    (macOS: brew install nginx)"
        ! (exec 3<>"/dev/tcp/127.0.0.1/$PROXY_PORT") 2>/dev/null ||
            die "port $PROXY_PORT is taken by another program; stop that, or choose another: PROXY_PORT=9091 $0 up"
        mkdir -p "$PREFIX"
        sed -e "s/:9090;/:$PROXY_PORT;/" -e "s/127\.0\.0\.1:8080/127.0.0.1:$KEYCLOAK_PORT/" "$HERE/nginx.conf" >"$PREFIX/nginx.conf"
        # A machine without IPv6 has no ::1 to listen on.
        [ -e /proc/sys/net ] && ! grep -q 00000000000000000000000000000001 /proc/net/if_inet6 2>/dev/null && sed -i '/listen \[::1\]/d' "$PREFIX/nginx.conf"
        nginx -p "$PREFIX/" -c "$PREFIX/nginx.conf" -e "$PREFIX/error.log" || die "nginx did not start; its messages are above"
        echo "http://localhost:$PROXY_PORT passes requests on to Keycloak at http://localhost:$KEYCLOAK_PORT"
        ;;
    down)
        if pid=$(our_pid); then
            kill "$pid"
            while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
            echo stopped
        else echo "not running"; fi
        ;;
    status) if our_pid >/dev/null; then echo "running on http://localhost:$PROXY_PORT"; else echo "not running; start it with: $0 up"; exit 3; fi ;;
    *) sed -n '2,${/^#/!q;s/^# \{0,1\}//p;}' "$0" ;;
esac

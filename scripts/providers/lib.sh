# shellcheck shell=bash
# Providers for tests, for scripts that have read scripts/lib.sh.
#
#   install_providers                       oidc-provider, once for each version of package.json, into the user's cache
#   start_provider PROFILE [PORT [RESOURCE]]   sets $ISSUER and $PROVIDER_PID; see server.mjs
#   rotate_keys                             the provider signs with new keys; those before stay published until the next rotation
#   stop_provider

install_providers() {
    local tool sum
    for tool in node npm; do command -v "$tool" >/dev/null || die "$tool is needed: install Node.js from nodejs.org"; done
    sum=$(cksum <"$REPO/scripts/providers/package.json" | cut -d' ' -f1)
    PROVIDERS=${XDG_CACHE_HOME:-$HOME/.cache}/mcp-auth-step-by-step/providers-$sum
    if [ ! -e "$PROVIDERS/ready" ]; then
        echo "installing oidc-provider into $PROVIDERS"
        mkdir -p "$PROVIDERS" && cp "$REPO/scripts/providers/package.json" "$PROVIDERS/"
        (cd "$PROVIDERS" && npm install --no-audit --no-fund --silent) || die "npm could not install oidc-provider; its messages are above"
        touch "$PROVIDERS/ready"
    fi
    # Where node finds the modules.
    rm -rf "$PROVIDERS/profiles"
    cp -r "$REPO"/scripts/providers/*.mjs "$REPO/scripts/providers/profiles" "$PROVIDERS/"
}

start_provider() {
    local log
    log=$(mktemp "$WORK/provider.XXXXXX")
    node "$PROVIDERS/server.mjs" "$@" >"$log" 2>&1 &
    PROVIDER_PID=$! PIDS="$PIDS $!"
    for _ in $(seq 600); do
        ISSUER=$(sed -n 's/^listening on //p' "$log")
        [ -z "$ISSUER" ] || break
        kill -0 "$PROVIDER_PID" 2>/dev/null || { cat "$log" >&2; die "the provider did not start"; }
        sleep 0.1
    done
    [ -n "$ISSUER" ] || { cat "$log" >&2; die "the provider did not start within 60 s"; }
    echo "a provider configured like $1 runs at $ISSUER (process $PROVIDER_PID)"
}
published_keys() { curl -fsS "$(curl -fsS "${ISSUER%/}/.well-known/openid-configuration" | jq -r .jwks_uri)" | jq -c '[.keys[].kid]'; }
rotate_keys() {
    local before
    before=$(published_keys)
    kill -HUP "$PROVIDER_PID"
    for _ in $(seq 100); do
        [ "$(published_keys)" = "$before" ] || return 0
        sleep 0.1
    done
    die "the provider did not rotate its keys within 10 s"
}
stop_provider() { kill "$PROVIDER_PID" 2>/dev/null || true; wait "$PROVIDER_PID" 2>/dev/null || true; }

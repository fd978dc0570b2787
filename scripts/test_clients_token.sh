#!/usr/bin/env bash
# The official Python client against the steps that have no login page yet, and against one that has: step 4 lets
# everybody in, 6 and 8 and 9 want a token, which gen-token makes. It lists, calls both tools and gets every prompt.
# Needs python3; the client comes into CLIENTS_CACHE, pinned, as for scripts/test_clients.sh.
. "$(dirname "$0")/lib.sh"

CACHE=${CLIENTS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mcp-auth-step-by-step/clients}
command -v python3 >/dev/null || die "python3 is needed"
mkdir -p "$CACHE"
if ! cmp -s "$CACHE/python.installed" "$REPO/scripts/clients/requirements.txt"; then
    echo "installing the official client into $CACHE"
    (cd "$CACHE" && python3 -m venv venv && venv/bin/pip install --quiet --requirement "$REPO/scripts/clients/requirements.txt") ||
        die "could not install the official client"
    cp "$REPO/scripts/clients/requirements.txt" "$CACHE/python.installed"
fi

for step in 4 6 8 9; do
    scenario "step $step"
    TOKEN=''
    start_step "$step"
    [ "$step" = 4 ] || gen_token --username alice --scopes mcp:read,mcp:tools,mcp:prompts
    STATUS=0
    SAID=$(TOKEN=$TOKEN timeout 60 "$CACHE/venv/bin/python" "$REPO/scripts/clients/python_token.py" "$BASE_URL/mcp" \
        2>"$WORK/complaints" </dev/null) || STATUS=$?
    printf '%s\n' "$SAID"
    [ "$STATUS" = 0 ] || tail -5 "$WORK/complaints"
    expect_status 0
    for line in 'tools echo get_time' 'echo hello' 'get_time 20' 'prompt greeting' 'prompt help' 'prompt echo_prompt Please echo: hi'; do
        expect "it says: $line" grep -q "^$line" <<<"$SAID"
    done
    stop_step
done
finish

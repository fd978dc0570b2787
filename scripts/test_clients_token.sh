#!/usr/bin/env bash
# The official clients with a token of gen-token: against step 4, which needs none, and steps 6, 8 and 9. Each client calls
# everything that the server offers, at step 9 in both protocols; then with a token without the scope for tools.
# Needs node, npm, python3 and cargo; the clients are installed into CLIENTS_CACHE, in pinned versions.
. "$(dirname "$0")/lib.sh"

other_clients npm python rust
cd "$CACHE"   # where node finds its modules
named() {
    case $1 in
        TypeScript) COMMAND="node typescript.mjs" ;;
        Python) COMMAND="$SDK_PYTHON $REPO/scripts/clients/python_client.py" ;;
        Rust) COMMAND=$SDK_RUST ;;
    esac
}
# run NAME ERA: leaves $SAID and $STATUS
run() {
    named "$1"
    STATUS=0
    # shellcheck disable=SC2086
    SAID=$(TOKEN=$TOKEN ERA=$2 timeout 60 $COMMAND "$BASE_URL/mcp" 2>"$WORK/complaints" </dev/null) || STATUS=$?
    printf '%s\n' "$SAID"
    [ "$STATUS" = 0 ] || [ "$STATUS" = 3 ] || tail -5 "$WORK/complaints"
}
says() { expect "it says: $1" grep -q "^$1" <<<"$SAID"; }

for step in 4 6 8 9; do
    TOKEN=''
    start_step "$step"
    [ "$step" = 4 ] || gen_token --username alice --scopes mcp:read,mcp:tools,mcp:prompts
    for name in TypeScript Python Rust; do
        for era in legacy auto; do
            [ "$step" = 9 ] || [ $era = auto ] || continue
            scenario "$name at step $step, $era"
            run $name $era
            expect_status 0
            case $step$era in
                9auto) says 'protocol 2026-07-28' ;;
                9legacy) says 'protocol 2025-11-25' ;;
                *) says 'protocol 2025-' ;;
            esac
            for line in 'tools echo get_time' "echo hello from $name" 'get_time 20' 'prompt greeting' 'prompt help' \
                'prompt echo_prompt Please echo: hi' 'authorizations 0'; do says "$line"; done
            [ "$step" = 9 ] || continue
            for line in 'resource tutorial://me {' 'resource tutorial://guide # Step 9' 'completes name echo get_time whoami' \
                'completes style formal friendly'; do says "$line"; done
        done
    done
    if [ "$step" -ge 8 ]; then
        gen_token --username alice --scopes mcp:read
        for name in TypeScript Python Rust; do
            scenario "$name at step $step, with a token that may not use tools"
            run $name auto
            expect_status 3
            says refused
            says 'authorizations 0'
        done
    fi
    stop_step
done
finish

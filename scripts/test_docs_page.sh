#!/usr/bin/env bash
# The guide at /docs in a headless Chromium: the request buttons, the authorization flow, and forged responses that must stop
# it; light and dark, phone and desktop; no violation of WCAG 2.2, A and AA, that axe-core can find. Tests steps 1, 2, 6, 7, 8,
# 9 and, when a Keycloak answers at KEYCLOAK_URL (default http://localhost:8080), 10. STEPS="8 9" tests only these.
# Needs node (20 or later) and Chromium (CHROMIUM=path). Screenshots: SHOTS, or scripts/browser/screenshots.
. "$(dirname "$0")/lib.sh"

browser_packages
keycloak=${KEYCLOAK_URL:-http://localhost:8080}
steps=${STEPS:-1 2 6 7 8 9 10}
if [ -z "${STEPS:-}" ] && ! curl -sf --max-time 3 -o /dev/null "$keycloak/realms/mcp-realm"; then
    echo "no Keycloak at $keycloak: step 10 is left out (start one: scripts/keycloak.sh up)"
    steps='1 2 6 7 8 9'
fi
shots=${SHOTS:-$REPO/scripts/browser/screenshots}

for step in $steps; do
    printf '\n%s\n' "${BOLD}===== step $step${PLAIN}"
    start_step "$step"
    provider='' TOKEN=''
    [ "$step" != 6 ] || gen_token --username alice
    [ "$step" != 9 ] || gen_token --username admin --scopes mcp:read,mcp:tools,mcp:prompts
    if [ "$step" = 10 ]; then
        provider=provider
        "$REPO/scripts/keycloak.sh" resource "$BASE_URL/mcp"
    fi
    status=0
    (cd "$REPO/scripts/browser" && SHOTS=$shots/step$step TOKEN=$TOKEN node docs_page.mjs "$BASE_URL" ${provider:+"$provider"}) >"$WORK/page" 2>&1 || status=$?
    sed '/^[0-9]* passed, /d' "$WORK/page"
    # A run that was aborted has no last line, which is a failure.
    read -r ok bad <<<"$(sed -n -E 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$WORK/page" | tail -1)" || true
    [ "$status" -eq 0 ] || [ "${bad:-0}" -gt 0 ] || bad=1
    PASSED=$((PASSED + ${ok:-0})) FAILED=$((FAILED + ${bad:-1}))
    [ "$step" != 10 ] || "$REPO/scripts/keycloak.sh" resource --remove "$BASE_URL/mcp"
    stop_step
done
finish

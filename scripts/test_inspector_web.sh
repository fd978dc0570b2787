#!/usr/bin/env bash
# Inspector's web page in a headless Chromium against step 9, in both protocols: it connects, alice logs in and allows, and the
# page lists the tools and calls one. Needs node (20 or later), npm and Chromium (CHROMIUM=path); Inspector is installed into
# CLIENTS_CACHE, in a pinned version. STEP=8 ERAS=legacy tests another step. Screenshots: SHOTS.
. "$(dirname "$0")/lib.sh"

browser_packages
other_clients npm
start_step "${STEP:-9}"

free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }

for era in ${ERAS:-legacy modern}; do
    scenario "the era $era"
    store=$(mktemp -d "$WORK/inspector.XXXXXX")
    (cd "$CACHE" && exec env HOME="$store" MCP_STORAGE_DIR="$store" MCP_INSPECTOR_SECRET_STORE=file MCP_AUTO_OPEN_ENABLED=false \
        CLIENT_PORT="$(free_port)" MCP_SANDBOX_PORT="$(free_port)" node node_modules/.bin/mcp-inspector --web \
        --server-url "$BASE_URL/mcp" --transport http --protocol-era "$era") >"$store/said" 2>&1 &
    inspector=$! PIDS="$PIDS $!" tries=0
    until address=$(grep -om1 'http://[^ ]*MCP_INSPECTOR_API_TOKEN=[^ ]*' "$store/said"); do
        tries=$((tries + 1))
        [ "$tries" -lt 100 ] && kill -0 "$inspector" 2>/dev/null || { cat "$store/said" >&2; die "Inspector does not listen"; }
        sleep 0.2
    done
    case $era in legacy) revision=2025-11-25 ;; *) revision=2026-07-28 ;; esac
    status=0
    (cd "$REPO/scripts/browser" && node inspector.mjs "$address" "$revision") >"$WORK/page" 2>&1 || status=$?
    sed -e '/^[0-9]* passed, /d' -e 's/\(MCP_INSPECTOR_API_TOKEN=\)[^ ]*/\1…/' "$WORK/page"
    read -r ok bad <<<"$(sed -n -E 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' "$WORK/page" | tail -1)" || true
    [ "$status" -eq 0 ] || [ "${bad:-0}" -gt 0 ] || bad=1
    PASSED=$((PASSED + ${ok:-0})) FAILED=$((FAILED + ${bad:-1}))
    kill "$inspector" && wait "$inspector" || true
done
finish

#!/usr/bin/env bash
# The official conformance suite against the development authorization server; scripts/login_bot.sh
# logs in. MCP_CONFORMANCE_DIR is the folder of run_as.sh, which installs the pinned suite into a cache.
# STEP=7 tests another step, BASE_URL a server that runs already.
. "$(dirname "$0")/lib.sh"

[ -x "${MCP_CONFORMANCE_DIR:-}/run_as.sh" ] || die "set MCP_CONFORMANCE_DIR to the folder with run_as.sh"
start_step "${STEP:-8}"

scenario "metadata, and the authorization code grant"
STATUS=0
SAID=$(LOGIN_USER=alice LOGIN_PASSWORD=alice123 BROWSER_CMD=$REPO/scripts/login_bot.sh "$MCP_CONFORMANCE_DIR/run_as.sh" "$BASE_URL" mcp-test-client) || STATUS=$?
printf '%s\n' "$SAID"
expect_status 0
for check in authorization-code-grant authorization-server-metadata authorization-server-metadata-cimd; do
    expect "$check is a success" grep -Eq "^ *SUCCESS +$check *\$" <<<"$SAID"
done
expect "nothing else was found" sh -c '! printf "%s" "$0" | grep -Eq "^ *(FAILURE|WARNING)"' "$SAID"
finish

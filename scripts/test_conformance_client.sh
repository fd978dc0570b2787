#!/usr/bin/env bash
# The official conformance suite against step 11, for both requirement sets: all scenarios, strictly, that is without a
# warning and with exit status 0, and those beyond the requirements too.
#
# RUNS=3 repeats it. MCP_CONFORMANCE_DIR is the folder of run_client.sh (default: ../shared/conformance beside this
# project); needs node, npm, python3, curl and jq.
. "$(dirname "$0")/lib.sh"

SUITE=${MCP_CONFORMANCE_DIR:-$REPO/../shared/conformance}
[ -x "$SUITE/run_client.sh" ] || die "no conformance suite in $SUITE; set MCP_CONFORMANCE_DIR to the folder of run_client.sh"
client=$(binary step11)

for run in $(seq "${RUNS:-1}"); do
    scenario "client, run $run of ${RUNS:-1}"
    # A home of its own: no credentials from elsewhere, none left behind.
    XDG_CONFIG_HOME=$WORK/home.$run CONF_TMP=$WORK/secrets OUT=$WORK/results.$run \
        "$SUITE/run_client.sh" "$SUITE/adapter.py" "$REPO/scripts/conformance_step11.sh" "$client" >"$WORK/scores" 2>&1 || true
    cat "$WORK/scores"
    for revision in 2025-11-25 2026-07-28; do
        expect "$revision: all pass strictly" grep -Eq "^## $revision client: ([0-9]+)/\\1 passed .*: \\1/\\1\\)" "$WORK/scores"
        expect "$revision: beyond the requirements too" sh -c \
            "awk '/^## $revision/{on=1} /^## /&&!/^## $revision/{on=0} on' '$WORK/scores' | grep -Eq 'not scored: ([0-9]+)/\\1 pass'"
    done
done
finish

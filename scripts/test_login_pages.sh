#!/usr/bin/env bash
# The pages of the development authorization server in a headless Chromium: log in, allow, deny, give less; light and
# dark, phone and desktop; no violation of WCAG 2, A and AA, that axe-core can find. Needs node (20 or later) and
# Chromium (CHROMIUM=path). Screenshots: SHOTS, or scripts/browser/screenshots. STEP=9 tests another step, BASE_URL a
# server that runs already.
. "$(dirname "$0")/lib.sh"

browser_packages
start_step "${STEP:-8}"
cd "$REPO/scripts/browser"
status=0
node login_pages.mjs "$BASE_URL" || status=$?
exit "$status"

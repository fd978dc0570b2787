#!/usr/bin/env bash
# The pages of the development authorization server in a headless Chromium: log in, allow, deny, give less; light and
# dark, phone and desktop; no violation of WCAG 2, A and AA, that axe-core can find. Needs node (20 or later) and
# Chromium (CHROMIUM=path). Screenshots: SHOTS, or scripts/browser/screenshots. STEP=9 tests another step, BASE_URL a
# server that runs already.
. "$(dirname "$0")/lib.sh"

command -v node >/dev/null || die "node is needed: install nodejs 20 or later"
start_step "${STEP:-8}"
cd "$REPO/scripts/browser"
[ -d node_modules/playwright-core ] && [ -d node_modules/axe-core ] || npm install --no-package-lock --no-fund --no-audit --silent
status=0
node authorization_pages.mjs "$BASE_URL" || status=$?
exit "$status"

#!/usr/bin/env bash
# Makes the screenshot of the guide in the README, from the current build: src/docs/pictures/guide.png.
# Needs node (20 or later) and Chromium (CHROMIUM=path). SHOTS is another folder.
. "$(dirname "$0")/lib.sh"

browser_packages
start_step 8
node "$REPO/scripts/browser/screenshots.mjs" "$BASE_URL" "${SHOTS:-$REPO/src/docs/pictures}"

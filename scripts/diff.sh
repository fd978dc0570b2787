#!/usr/bin/env bash
# Shows what a step adds to the step before it, without the headers of the files.
#
#   scripts/diff.sh 6     the difference between step 5 and step 6
set -euo pipefail
cd "$(dirname "$0")/../src/bin"

step=${1:-}
case $step in
    [2-9] | 1[01]) ;;
    -h | --help) sed -n '2,${/^#/!q;s/^# \{0,1\}//p;}' "../../scripts/diff.sh"; exit ;;
    *) echo "which step? for example: scripts/diff.sh 6" >&2; exit 2 ;;
esac
code() { grep -v '^//!' "step$1.rs"; }
# diff exits with 1 when the files differ.
diff -u -L "step$((step - 1)).rs" -L "step$step.rs" <(code $((step - 1))) <(code "$step") || [ $? -eq 1 ]

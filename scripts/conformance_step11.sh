#!/usr/bin/env bash
# conformance_step11.sh STEP11 [flags] URL: step 11 with the flags of the conformance suite's adapter.
#
# The suite's tools have no annotations, so all of them are called only with --include-destructive. And step 11 sends secrets
# and assertions without a user to a named issuer only: a user knows it beforehand, the suite publishes it nowhere but in the
# metadata of its server.
set -euo pipefail
flags=() url=${!#} secrets=
for flag in "$@"; do
    case $flag in
        --protocol) flags+=(--protocol-version) ;;
        --call-all) flags+=(--call-all --include-destructive) ;;
        --client-secret | --private-key | --assertion | --id-token) flags+=("$flag") secrets=1 ;;
        *) flags+=("$flag") ;;
    esac
done
if [ "$secrets" ]; then
    metadata=$(sed -E 's#^(https?://[^/]+)(/.*)?$#\1/.well-known/oauth-protected-resource\2#' <<<"$url")
    set -- "${flags[@]}"
    exec "$1" --issuer "$(curl -fsS "$metadata" | jq -r '.authorization_servers[0]')" "${@:2}"
fi
exec "${flags[@]}"

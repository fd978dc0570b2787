#!/usr/bin/env bash
# Plays the person in a browser: BROWSER=scripts/person.sh cargo run --bin step11
# Logs in and consents, at the development authorization server, at Keycloak, at oidc-provider, or at any page with a plain
# login form.
#   PERSON=alice PASSWORD=alice123   who (these are the defaults)
#   DECISION=deny                    to say no on the consent page
#   PERSON_LOG=FILE                  a line for each page
#   PERSON_WAIT=2                    seconds before the first page, for clients that open it before they listen
set -euo pipefail
url=${1:?the address to open}
person=${PERSON:-alice} password=${PASSWORD:-alice123} decision=${DECISION:-allow}
folder=$(mktemp -d "${TMPDIR:-/tmp}/person.XXXXXX")
trap 'rm -rf "$folder"' EXIT
say() { [ -z "${PERSON_LOG:-}" ] || printf '%s\n' "$*" >>"$PERSON_LOG"; }

# One page: a request, then where it left us. Redirects are followed as a browser follows them.
visit() {
    now=$(curl -sS -L --max-time 30 -b "$folder/jar" -c "$folder/jar" -o "$folder/page" -w '%{url_effective}' "$@")
    say "${now%%\?*}"
}
plain() { sed -e 's/&#38;/\&/g' -e 's/&amp;/\&/g' -e 's/&#x2F;/\//g' -e 's/&#47;/\//g'; }
# The value of an attribute of the first tag that matches: attribute '<input[^>]*name="proof"' value
attribute() { tr '\n' ' ' <"$folder/page" | grep -Eo "$1[^>]*>" | head -n 1 | sed -n "s/.* $2=\"\([^\"]*\)\".*/\1/p" | plain || true; }
# A form's address may be relative to the page.
absolute() {
    case $1 in
        http://* | https://*) printf '%s' "$1" ;;
        /*) printf '%s%s' "$(sed -E 's#^(https?://[^/]*).*#\1#' <<<"$now")" "$1" ;;
        *) printf '%s/%s' "$(sed -E 's#\?.*##; s#/[^/]*$##' <<<"$now")" "$1" ;;
    esac
}

sleep "${PERSON_WAIT:-0}"
visit "$url"
for _ in 1 2 3 4 5; do
    proof=$(attribute '<input[^>]*name="proof"' value)
    if grep -q 'name="prompt"' "$folder/page"; then   # the pages of oidc-provider, scripts/providers
        if [ "$decision" = deny ]; then visit "$(absolute "$(attribute '<a[^>]*href="[^"]*/abort"' href)")"; continue; fi
        visit "$(absolute "$(attribute '<form' action)")" --data-urlencode "prompt=$(attribute '<input[^>]*name="prompt"' value)" \
            --data-urlencode "login=$person" --data-urlencode "password=$password"
    elif grep -q 'type="password"' "$folder/page"; then
        form=$(attribute '<form[^>]*(action="login|id="kc-form-login")' action)
        [ -n "$form" ] || form=$(attribute '<form' action)
        state=$(attribute '<input[^>]*name="state"' value)
        visit "$(absolute "$form")" --data-urlencode "proof=$proof" --data-urlencode "credentialId=" \
            ${state:+--data-urlencode "state=$state"} --data-urlencode "username=$person" --data-urlencode "password=$password"
    elif grep -q 'name="decision"' "$folder/page"; then
        fields=(--data-urlencode "proof=$proof" --data-urlencode "decision=$decision")
        while read -r scope; do
            [ -z "$scope" ] || fields+=(--data-urlencode "scope=$scope")
        done <<<"$(grep -Eo '<input type="checkbox" name="scope" value="[^"]*" checked' "$folder/page" | sed 's/.*value="//; s/" checked//')"
        visit "$(absolute "$(attribute '<form[^>]*action="consent' action)")" "${fields[@]}"
    elif grep -q 'name="accept"' "$folder/page"; then
        answer=$([ "$decision" = allow ] && echo accept=Yes || echo cancel=No)
        code=$(attribute '<input[^>]*name="code"' value)
        visit "$(absolute "$(attribute '<form[^>]*action="[^"]*consent' action)")" \
            --data-urlencode "code=$code" --data-urlencode "$answer"
    else
        break
    fi
done
# The client's own page at the end may have no title.
{ grep -Eo '<h1[^>]*>[^<]*' "$folder/page" || true; } | sed 's/<[^>]*>//' | while read -r title; do say "page: $title"; done

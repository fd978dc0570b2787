#!/usr/bin/env bash
# Logs in and allows everything that is asked for instead of a user with a browser: BROWSER=scripts/login_bot.sh cargo run --bin step11
# Works with the development authorization server, Keycloak, oidc-provider, and any page with a plain login form.
#   LOGIN_USER=alice LOGIN_PASSWORD=alice123   credentials (these are the defaults)
#   LOGIN_DECISION=deny                        denies on the consent page
#   LOGIN_LOG=FILE                             appends a line for each page
#   LOGIN_COOKIES=FILE                         keeps the cookies, so that several runs are one browser
#   LOGIN_WAIT=2                               seconds before the first page, for clients that open it before they listen
set -euo pipefail
url=${1:?the URL to open}
user=${LOGIN_USER:-alice} password=${LOGIN_PASSWORD:-alice123} decision=${LOGIN_DECISION:-allow}
folder=$(mktemp -d "${TMPDIR:-/tmp}/login_bot.XXXXXX")
trap 'rm -rf "$folder"' EXIT
jar=${LOGIN_COOKIES:-$folder/jar}
log() { [ -z "${LOGIN_LOG:-}" ] || printf '%s\n' "$*" >>"$LOGIN_LOG"; }

# Loads a page and follows redirects, as a browser does.
visit() {
    now=$(curl -sS -L --max-time 30 -b "$jar" -c "$jar" -o "$folder/page" -w '%{url_effective}' "$@")
    log "${now%%\?*}"
}
plain() { sed -e 's/&#38;/\&/g' -e 's/&amp;/\&/g' -e 's/&#x2F;/\//g' -e 's/&#47;/\//g'; }
# The value of an attribute of the first tag that matches: attribute '<input[^>]*name="csrf_token"' value
attribute() { tr '\n' ' ' <"$folder/page" | grep -Eo "$1[^>]*>" | head -n 1 | sed -n "s/.* $2=\"\([^\"]*\)\".*/\1/p" | plain || true; }
# A form's address may be relative to the page.
absolute() {
    case $1 in
        http://* | https://*) printf '%s' "$1" ;;
        /*) printf '%s%s' "$(sed -E 's#^(https?://[^/]*).*#\1#' <<<"$now")" "$1" ;;
        *) printf '%s/%s' "$(sed -E 's#\?.*##; s#/[^/]*$##' <<<"$now")" "$1" ;;
    esac
}

sleep "${LOGIN_WAIT:-0}"
visit "$url"
for _ in 1 2 3 4 5; do
    csrf_token=$(attribute '<input[^>]*name="csrf_token"' value)
    if grep -q 'name="prompt"' "$folder/page"; then   # the pages of oidc-provider, scripts/providers
        if [ "$decision" = deny ]; then visit "$(absolute "$(attribute '<a[^>]*href="[^"]*/abort"' href)")"; continue; fi
        visit "$(absolute "$(attribute '<form' action)")" --data-urlencode "prompt=$(attribute '<input[^>]*name="prompt"' value)" \
            --data-urlencode "login=$user" --data-urlencode "password=$password"
    elif grep -q 'type="password"' "$folder/page"; then
        form=$(attribute '<form[^>]*(action="login|id="kc-form-login")' action)
        [ -n "$form" ] || form=$(attribute '<form' action)
        state=$(attribute '<input[^>]*name="state"' value)
        visit "$(absolute "$form")" --data-urlencode "csrf_token=$csrf_token" --data-urlencode "credentialId=" \
            ${state:+--data-urlencode "state=$state"} --data-urlencode "username=$user" --data-urlencode "password=$password"
    elif grep -q 'name="decision"' "$folder/page"; then
        fields=(--data-urlencode "csrf_token=$csrf_token" --data-urlencode "decision=$decision")
        while read -r scope; do
            [ -z "$scope" ] || fields+=(--data-urlencode "scope=$scope")
        done <<<"$(grep -Eo '<input type="checkbox" name="scope" value="[^"]*"( checked)?>' "$folder/page" | sed 's/.*value="//; s/".*//')"
        visit "$(absolute "$(attribute '<form[^>]*action="consent' action)")" "${fields[@]}"
    elif grep -q 'name="accept"' "$folder/page"; then
        choice=$([ "$decision" = allow ] && echo accept=Yes || echo cancel=No)
        code=$(attribute '<input[^>]*name="code"' value)
        visit "$(absolute "$(attribute '<form[^>]*action="[^"]*consent' action)")" \
            --data-urlencode "code=$code" --data-urlencode "$choice"
    else
        break
    fi
done
# The client's page at the end may have no heading.
{ grep -Eo '<h1[^>]*>[^<]*' "$folder/page" || true; } | sed 's/<[^>]*>//' | while read -r title; do log "page: $title"; done

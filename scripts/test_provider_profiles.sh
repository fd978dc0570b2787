#!/usr/bin/env bash
# Step 10 and step 11 with providers that are configured like Okta, Auth0, PingFederate, ForgeRock, Google and Microsoft Entra
# (scripts/providers/profiles; the engine is oidc-provider). Each refuses what the product refuses, in the recorded words; step 11
# and the official TypeScript client log in and call a tool, with the settings in scripts/providers/settings; and what a provider
# cannot do ends in a message that names the next step. Needs Node 20 or newer and npm. ONLY="okta entra" runs these profiles.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/providers/lib.sh"

[ -z "$RUNNING" ] || die "this script starts its own servers; run it without BASE_URL"
install_providers
other_clients npm
SECRET=for-tests-on-this-machine-only
printf '%s' "$SECRET" >"$WORK/secret"
export BROWSER=$REPO/scripts/login_bot.sh LOGIN_USER=alice LOGIN_PASSWORD=any

# A port that is free now: a provider may have to know the URL of the MCP server, and the MCP server the issuer.
free_port() { node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })'; }

# profile NAME [RESOURCE]: starts the provider, and step 10 with this provider's settings file; both end with the next profile.
profile() {
    if [ -n "${PROVIDER_PID:-}" ]; then stop_step; stop_provider; fi
    STEP_PORT=$(free_port)
    start_provider "$1" 0 "${2:-http://localhost:$STEP_PORT/mcp}"
    start_step 10 --env "scripts/providers/settings/$1.env" --issuer "$ISSUER"
}
chosen() { [ -z "${ONLY:-}" ] || case " $ONLY " in *" $1 "*) ;; *) return 1 ;; esac; }

# step11 [arguments]: runs step 11 with nothing remembered; $STATUS is its exit status, $BODY its result, $SAID what it reported.
step11() {
    local program
    program=$(binary step11)
    printf '%s\n' "${DIM}\$ cargo run --bin step11 -- $BASE_URL/mcp $*${PLAIN}"
    STATUS=0 CREDENTIALS=$(mktemp -d "$WORK/credentials.XXXXXX")/credentials.json
    BODY=$(timeout 60 "$program" "$BASE_URL/mcp" --credentials-file "$CREDENTIALS" "$@" \
        </dev/null 2>"$WORK/said" | tail -1; exit "${PIPESTATUS[0]}") || STATUS=$?
    SAID=$(cat "$WORK/said")
    [ "$STATUS" = 0 ] || tail -3 "$WORK/said"
}
says() { case $SAID in *"$1"*) ok "it says: $1" ;; *) fail "it says: $1 (it said: $(tail -2 <<<"$SAID"))" ;; esac; }
# logs_in [arguments]: step 11 calls a tool
logs_in() {
    step11 --call 'echo={"message":"found"}' "$@"
    expect_json '.result.structuredContent.text == "found"' "step 11 logs in and calls a tool"
}
# stops [arguments]: step 11 ends with 1; says what it reported afterwards
stops() { step11 "$@"; expect "step 11 stops" test "$STATUS" = 1; }
# official_client [CLIENT_ID [SECRET]]: the TypeScript client does the same, as the client that is registered by hand
official_client() {
    SAID=$(cd "$CACHE" && CLIENT_ID=${1:-mcp-client} CLIENT_SECRET=${2:-} timeout 90 node typescript.mjs "$BASE_URL/mcp" 2>&1 </dev/null) || true
    case $'\n'$SAID in *$'\necho hello from TypeScript'*) ok "the TypeScript client logs in and calls a tool" ;; *) fail "the TypeScript client logs in and calls a tool (it printed: $SAID)" ;; esac
}
# checked PKCE METADATA REGISTRATION ISS REGISTRATION_PATH: what step11 --check reads from the documents
checked() {
    BODY=$("$(binary step11)" --check "$ISSUER" --format json 2>/dev/null) || BODY='{}'
    BODY=$(jq '.evaluation | {pkce: .pkce.value, rfc8414: .rfc8414.value, rfc7591: .rfc7591.value, rfc9207: .rfc9207.value, registration_path, issues}' <<<"$BODY")
    expect_json '[.pkce, .rfc8414, .rfc7591, .rfc9207] == $expected' "step11 --check reads: PKCE $1, RFC 8414 $2, RFC 7591 $3, RFC 9207 $4" \
        --argjson expected "$(jq -nc '$ARGS.positional' --args "${@:1:4}")"
    expect_json '.registration_path == $way' "and that a client gets a client id by: $5" --arg way "$5"
}
# issue TEXT: and it warns of this; no_issue: and it warns of nothing
issue() { expect_json 'any(.issues[]; contains($text))' "and it warns: $1" --arg text "$1"; }
no_issue() { expect_json '.issues == []' "and it warns of nothing"; }
# endpoint MEMBER: from the provider's metadata
endpoint() { curl -fsS "${ISSUER%/}/.well-known/openid-configuration" | jq -r ".$1"; }
# authorize [curl arguments]: an authorization request as an MCP client sends it, and where it ends
authorize() {
    request GET "$(endpoint authorization_endpoint)" -G -d response_type=code -d client_id=mcp-client -d state=s \
        --data-urlencode redirect_uri=http://127.0.0.1:1/callback -d code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM -d code_challenge_method=S256 "$@"
}
# refused CODE WORDS: the last authorization request came back with this error
refused() {
    expect_header Location "[?&]error=$1(&|$)"
    local words
    words=$(printf '%s\n' "$HEADERS" | sed -n 's/^location: .*error_description=\([^&]*\).*/\1/Ip' | tr + ' ' | sed 's/%/\\x/g')
    words=$(printf '%b' "$words")
    expect "in the words of the product: $2" test "$words" = "$2"
}
register() {
    request POST "$1" -H 'Content-Type: application/json' \
        -d '{"client_name":"test","redirect_uris":["http://127.0.0.1/callback"],"token_endpoint_auth_method":"none","application_type":"native"}'
}
# token EXPRESSION WHAT [jq arguments]: a fact of the access token that step 11 got last, as {header, payload}
token() {
    BODY=$(jq -c '[.. | strings | select(test("^eyJ[^.]+[.]eyJ[^.]+[.]"))] | first | split(".")[:2] | map(gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson) |
        {header: .[0], payload: .[1]}' "$CREDENTIALS" 2>/dev/null) || BODY='{}'
    expect_json "$@"
}

# access_token: the one that step 11 got last
access_token() { jq -r '[.. | strings | select(test("^eyJ[^.]+[.]eyJ[^.]+[.]"))] | first' "$CREDENTIALS"; }
# rotation [arguments]: the provider rotates its keys between two logins; $OLD is a token of the first
rotation() {
    local kid
    OLD=$(access_token) kid=$(published_keys | jq -r first)
    rotate_keys
    logs_in "$@"
    token '.header.kid != $kid' "with a token that the new key has signed" --arg kid "$kid"
    TOKEN=$OLD SHOW='[.result.tools[]?.name]' rpc tools/list
    expect_status 200
}

if chosen okta; then
    scenario "like Okta: registration requires an administrator's token"
    profile okta
    checked yes appended yes no "dynamic registration"
    no_issue
    register "$(endpoint registration_endpoint)"
    expect_status 403
    expect_json '.errorCode == "E0000005" and .errorSummary == "Invalid session"' "in the words of the product: Invalid session"
    stops --call-all
    says "register a client there by hand"
    scenario "like Okta: a scope that the authorization server does not define"
    authorize --data-urlencode scope="openid echo-mcp-server-audience"
    refused invalid_scope "One or more scopes are not configured for the authorization server resource."
    scenario "like Okta: with a client that is registered by hand"
    logs_in --client-id mcp-client
    token '(.payload.scp | type == "array") and .payload.cid == "mcp-client" and (.header | has("typ") | not)' "scopes are a list in scp, the client is in cid, and the header has no typ"
    official_client
    scenario "like Okta: the keys are rotated while tokens are in use, and rotated again"
    stop_step
    start_step 10 --env scripts/providers/settings/okta.env --issuer "$ISSUER" --jwks-ttl 1
    logs_in --client-id mcp-client
    rotation --client-id mcp-client
    rotate_keys
    sleep 2   # then the keys are older than --jwks-ttl allows
    logs_in --client-id mcp-client
    sleep 2   # and again, so that the server need not wait for the next time that it may look for an unknown key
    TOKEN=$OLD rpc tools/list
    expect_status 401
    expect_header WWW-Authenticate 'error="invalid_token"'
fi

if chosen auth0; then
    scenario "like Auth0, with the settings of a new tenant"
    AUTH0_DEFAULTS=yes profile auth0
    register "$(endpoint registration_endpoint)"
    expect_json '.error_description == "dynamic client registration is disabled"' "in the words of the product: dynamic client registration is disabled"
    stops --call-all
    says "dynamic client registration is disabled"
    says "register a client there by hand"
    stops --call-all --client-id mcp-client
    scenario "like Auth0, with the Resource Parameter Compatibility Profile and dynamic client registration"
    profile auth0
    checked yes yes yes no "dynamic registration"
    authorize --data-urlencode scope="openid mcp:tools" --data-urlencode "resource=$BASE_URL/mcp/"
    refused access_denied "Service not found: $BASE_URL/mcp/"
    logs_in
    logs_in --client-id mcp-client
    token '(.payload.aud | length == 2) and (.payload.permissions | index("mcp:tools") != null) and (.payload.iss | endswith("/"))' "aud is a list, permissions are there, and iss ends in a slash"
    official_client
    scenario "like Auth0: the keys are rotated while tokens are in use"
    rotation --client-id mcp-client
fi

if chosen pingfederate; then
    scenario "like PingFederate: registration needs an initial access token"
    profile pingfederate
    checked yes "OIDC only" opt-in no "dynamic registration"
    register "$(endpoint registration_endpoint)"
    expect_status 401
    stops --call-all
    says "initial access token required"
    says "register a client there by hand"
    scenario "like PingFederate: resource selects the token manager whose tokens are JWTs"
    logs_in --client-id mcp-client
    token '.payload.aud == "mcp-server"' "aud is what the token manager writes, not the resource"
    official_client
    scenario "like PingFederate: the keys are rotated while tokens are in use"
    rotation --client-id mcp-client
    scenario "like PingFederate: reference tokens, without a client for introspection"
    stops --call-all --client-id mcp-client --omit-resource
    says "opaque"
    scenario "like PingFederate: reference tokens, introspected (RFC 7662)"
    stop_step
    export INTROSPECTION_CLIENT_ID=mcp-server INTROSPECTION_CLIENT_SECRET=$SECRET
    start_step 10 --env scripts/providers/settings/pingfederate.env --issuer "$ISSUER"
    logs_in --client-id mcp-client --omit-resource
    opaque=$(jq -r 'first(.tokens[].token)' "$CREDENTIALS")
    expect "the token is opaque" test "${opaque#*.}" = "$opaque" -a ${#opaque} -gt 20
    logs_in --client-id mcp-client --omit-resource --scope mcp:read
    expect "after a 403 that names the missing scope" grep -qE 'scope="mcp:tools"' "$WORK/said"
    logs_in --client-id mcp-client
    TOKEN=${opaque}x rpc tools/list
    expect_status 401
    TOKEN=$opaque rpc tools/list
    expect_status 200
    request POST "$(endpoint introspection_endpoint)" -u "mcp-server:$SECRET" -d "token=$opaque"
    expect_json '.active and .aud == "mcp-server" and .client_id == "mcp-client" and (.scope | contains("mcp:tools"))' "the provider names audience, client and scopes"
    expect "no token is in the log" bash -c '! grep -qF "$1" "$2"' _ "$opaque" "$SERVER_LOG"
    unset INTROSPECTION_CLIENT_ID INTROSPECTION_CLIENT_SECRET
fi

if chosen forgerock; then
    scenario "like ForgeRock: registration is open, but aud is the id of the client"
    profile forgerock
    checked yes "OIDC only" yes no "dynamic registration"
    stops --call-all
    says "aud"
    scenario "like ForgeRock: with a client that is an audience of step 10"
    logs_in --client-id mcp-client
    token '(.payload.scope | type == "array") and .payload.aud == "mcp-client"' "scope is a list, and aud the client"
    official_client
    scenario "like ForgeRock: the keys are rotated while tokens are in use"
    rotation --client-id mcp-client
fi

if chosen google; then
    scenario "like Google: no registration, and no access tokens for other resource servers"
    cp "$REPO/scripts/providers/settings/okta.env" "$WORK/google.env"
    start_provider google
    checked yes "OIDC only" no no "registration by hand (--client-id)"
    register "${ISSUER}/register"
    expect_status 404
    authorize --data-urlencode scope="openid mcp:tools"
    refused invalid_scope "Some requested scopes were invalid. {valid=[openid], invalid=[mcp:tools]}"
    STEP_PORT=0 start_step 10 --env /dev/null --issuer "$ISSUER" --scopes openid,email
    stops --call-all
    says "has no registration endpoint"
    says "--client-id"
    stops --call-all --client-id mcp-client --client-secret "@$WORK/secret" --scope "openid email"
    says "opaque"
fi

if chosen entra; then
    scenario "like Entra: no registration, and S256 is not advertised"
    profile entra "api://66666666-7777-8888-9999-000000000000"
    checked "not stated" "OIDC only" no no "registration by hand (--client-id)"
    issue "code_challenge_methods_supported is missing"
    issue 'token_endpoint_auth_methods_supported has no "none"'
    stops --call-all
    says "--assume-pkce-s256"
    stops --call-all --assume-pkce-s256
    says "has no registration endpoint"
    says "--client-id"
    scenario "like Entra: resource must be the Application ID URI of the scopes, and a scope without that prefix belongs to Microsoft Graph"
    authorize --data-urlencode scope="openid api://66666666-7777-8888-9999-000000000000/mcp:tools" --data-urlencode "resource=$BASE_URL/mcp"
    refused invalid_target "AADSTS9010010: The resource parameter provided in the request doesn't match with the requested scopes."
    authorize --data-urlencode scope="openid mcp:tools"
    refused access_denied "AADSTS650053: The application 'mcp-client' asked for scope 'mcp:tools' that doesn't exist on the resource '00000003-0000-0000-c000-000000000000'."
    stops --call-all --assume-pkce-s256 --client-id mcp-client
    says "AADSTS9010010"
    scenario "like Entra: without resource"
    logs_in --assume-pkce-s256 --client-id mcp-client --omit-resource --redirect-uri "http://localhost:$(free_port)/callback"
    says 'without `resource`'
    scenario "like Entra: the Application ID URI is the URL of the MCP server"
    stop_step
    stop_provider
    STEP_PORT=$(free_port)
    start_provider entra 0 "http://localhost:$STEP_PORT/mcp"
    uri=http://localhost:$STEP_PORT/mcp
    start_step 10 --env scripts/providers/settings/entra.env --issuer "$ISSUER" --scopes "$uri/mcp:read,$uri/mcp:tools,$uri/mcp:prompts"
    logs_in --assume-pkce-s256 --client-id mcp-client
    token '(.payload.scp | type == "string" and (contains("/") | not)) and (.payload.groups | length == 200)' "scopes are short in scp, and two hundred groups are in the token"
    logs_in --assume-pkce-s256 --client-id mcp-client --scope "$uri/mcp:read"
    expect "after a 403 that names the missing scope as it must be requested" grep -q "$uri/mcp:tools" "$WORK/said"
    official_client
    scenario "like Entra: the keys are rotated while tokens are in use"
    rotation --assume-pkce-s256 --client-id mcp-client
fi

if chosen several; then
    scenario "two providers at once: like Okta, and like Entra"
    if [ -n "${PROVIDER_PID:-}" ]; then stop_step; stop_provider; fi
    api=api://66666666-7777-8888-9999-000000000000
    start_provider entra 0 "$api"
    ENTRA=$ISSUER
    sed "s|^JWT_ISSUER=.*|JWT_ISSUER=$ENTRA|" "$REPO/scripts/providers/settings/entra.env" >"$WORK/entra.env"
    start_provider okta
    OKTA=$ISSUER
    STEP_PORT=0 start_step 10 --env scripts/providers/settings/okta.env --issuer "$OKTA" --provider-file "$WORK/entra.env"
    request GET /.well-known/oauth-protected-resource/mcp
    expect_json '.authorization_servers == [$okta, $entra]' "the metadata names both" --arg okta "$OKTA" --arg entra "$ENTRA"
    expect_json '.scopes_supported == ["mcp:read", "mcp:tools", "mcp:prompts", $api + "/mcp:read", $api + "/mcp:tools", $api + "/mcp:prompts"]' "and the scopes of both" --arg api "$api"
    stops --call-all --client-id mcp-client
    says "One or more scopes are not configured"
    says "--scope"
    logs_in --issuer "$OKTA" --client-id mcp-client --scope mcp:read
    expect "after a 403 that names the missing scope as Okta's clients request it" grep -qE 'scope="mcp:tools"' "$WORK/said"
    token '.payload.iss == $issuer and (.payload.scp | type == "array")' "with a token of Okta" --arg issuer "$OKTA"
    logs_in --issuer "$ENTRA" --client-id mcp-client --assume-pkce-s256 --omit-resource --scope "$api/mcp:read"
    expect "after a 403 that names it as Entra's clients request it" grep -qE "scope=\"$api/mcp:tools\"" "$WORK/said"
    token '.payload.iss == $issuer and (.payload.scp | type == "string")' "with a token of Entra" --arg issuer "$ENTRA"
    stops --call-all --issuer http://localhost:1/other
    says "http://localhost:1/other"
    scenario "two providers at once: the first one stops, and the users of the other notice nothing"
    stop_provider   # Okta's: it was started last
    request GET /health
    expect_json '.jwks_available and (.providers | length == 2)' "the server is ready"
    logs_in --issuer "$ENTRA" --client-id mcp-client --assume-pkce-s256 --omit-resource --scope "$api/mcp:tools"
fi
finish

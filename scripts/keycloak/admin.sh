# shellcheck shell=bash
# Changes to the running realm, by Keycloak's Admin REST API; a part of scripts/keycloak.sh. Each command may be repeated.

# log_in_admin: before api
log_in_admin() {
    have jq || die "jq is needed: install it with your package manager"
    ready || die "Keycloak is not running at $URL; start it with: $0 up"
    lock
    ADMIN_TOKEN=$(curl -fsS "$URL/realms/master/protocol/openid-connect/token" -d grant_type=password -d client_id=admin-cli \
        --data-urlencode "username=$KC_BOOTSTRAP_ADMIN_USERNAME" --data-urlencode "password=$KC_BOOTSTRAP_ADMIN_PASSWORD" | jq -r .access_token)
}
# api METHOD PATH [curl arguments]; the token comes from standard input, so that it is in no process list
api() {
    local method=$1 path=$2
    shift 2
    curl -fsS -X "$method" -H @- -H 'Content-Type: application/json' "$URL/admin/realms/mcp-realm$path" "$@" <<<"Authorization: Bearer $ADMIN_TOKEN"
}
# send METHOD PATH JSON; bodies may hold secrets, so they are in no process list either
send() { api "$1" "$2" --data-binary @/dev/fd/3 3<<<"$3"; }

# The id of a client by its clientId, or nothing.
client_uuid() { api GET /clients -G --data-urlencode "clientId=$1" | jq -r '.[0].id // empty'; }
# put_client CLIENT_ID JSON: makes the client, or changes what JSON names; sets $UUID
put_client() {
    UUID=$(client_uuid "$1")
    if [ -z "$UUID" ]; then
        send POST /clients "$(jq -c --arg id "$1" '. + {clientId: $id}' <<<"$2")"
        UUID=$(client_uuid "$1")
    else send PUT "/clients/$UUID" "$(api GET "/clients/$UUID" | jq -c --argjson change "$2" '. * $change')"; fi
}
# secret_file NAME: writes the secret of the client $UUID into a file that only its owner reads, and sets $SECRET_FILE
secret_file() {
    SECRET_FILE=$CACHE/$1.secret
    api GET "/clients/$UUID/client-secret" | jq -j .value >"$SECRET_FILE"
    chmod 600 "$SECRET_FILE"
}
# registration_policy PROVIDER JQ_FILTER: changes a policy for clients that register themselves
registration_policy() {
    local policy
    policy=$(api GET /components -G -d type=org.keycloak.services.clientregistration.policy.ClientRegistrationPolicy |
        jq -c --arg provider "$1" '.[] | select(.providerId == $provider and .subType == "anonymous")')
    send PUT "/components/$(jq -r .id <<<"$policy")" "$(jq -c "$2" <<<"$policy")"
}

# RFC 8707: with the feature on, a resource is known when it is the resource_url of a client that the token is for.
# So a further MCP server becomes a client of its own, and the mcp scopes get it into the audience. Its guide, /docs, is
# a client in a browser: pages of its origin may register themselves.
resource() {
    local remove='' url id scope scopes origin
    if [ "${1:-}" = --remove ]; then remove=yes; shift; fi
    [ $# -gt 0 ] || die "which? for example: $0 resource http://localhost:9001/mcp"
    for url in "$@"; do
        case $url in http://* | https://*) ;; *) die "a resource is the URL of an MCP server, such as http://localhost:9001/mcp, not $url" ;; esac
    done
    log_in_admin
    scopes=$(api GET /client-scopes | jq -c '[.[] | select(.name | test("^mcp:|^echo-mcp-server-audience$"))]')
    for url in "$@"; do
        origin=$(jq -n --arg url "$url" '$url | split("/")[:3] | join("/")')
        registration_policy registration-web-origins ".config[\"web-origins\"] |= ((. // []) - [$origin]$([ -n "$remove" ] || echo " + [$origin]"))"
        id=$(client_uuid "$url")
        if [ -n "$remove" ]; then
            jq -r --arg url "$url" '.[] | .id as $scope | .protocolMappers[]? | select(.name == $url) | "/client-scopes/\($scope)/protocol-mappers/models/\(.id)"' <<<"$scopes" |
                while read -r scope; do api DELETE "$scope"; done
            [ -z "$id" ] || api DELETE "/clients/$id"
            echo "removed $url"
            continue
        fi
        [ -n "$id" ] || send POST /clients "$(jq -nc --arg url "$url" '{clientId: $url, name: "MCP server", publicClient: false,
            standardFlowEnabled: false, directAccessGrantsEnabled: false, attributes: {resource_url: $url}}')"
        for scope in $(jq -r --arg url "$url" '.[] | select([.protocolMappers[]?.name] | index($url) | not) | .id' <<<"$scopes"); do
            send POST "/client-scopes/$scope/protocol-mappers/models" "$(audience_mapper "$url" "$url")"
        done
        echo "clients may now ask for tokens for $url"
    done
}
audience_mapper() { # audience_mapper NAME CLIENT_ID
    jq -nc --arg name "$1" --arg client "$2" '{name: $name, protocol: "openid-connect", protocolMapper: "oidc-audience-mapper",
        config: {"included.client.audience": $client, "access.token.claim": "true", "id.token.claim": "false", "introspection.token.claim": "true"}}'
}

# Identity brokering: MCP clients register here, users log in at their own provider, and this realm issues the tokens. Consent for
# each client stays on: to the provider all of them are one client, and it asks once (MCP Security Best Practices, "Confused Deputy").
broker() {
    local issuer='' id='' secret='' remove='' grants='' name
    while [ $# -gt 0 ]; do
        case $1 in
            --remove) remove=yes; shift; continue ;;
            --issuer | --client-id | --client-secret | --grant) [ $# -gt 1 ] || die "$1 needs a value; see $0 --help" ;;
            *) die "unknown argument $1; see $0 --help" ;;
        esac
        case $1 in
            --issuer) issuer=$2 ;;
            --client-id) id=$2 ;;
            --client-secret) case $2 in @?*) secret=${2#@} ;; *) die "--client-secret @FILE: the secret is read from a file, so that it is in no process list" ;; esac ;;
            --grant) case $2 in *?=?*:?*) grants="$grants$2"$'\n' ;; *) die "--grant CLAIM=VALUE:ROLE, such as groups=mcp-tools:tools, not $2" ;; esac ;;
        esac
        shift 2
    done
    if [ -z "$remove" ]; then
        [ -n "$issuer" ] && [ -n "$id" ] && [ -n "$secret" ] || die "--issuer, --client-id and --client-secret are needed; see $0 --help"
        [ -r "$secret" ] || die "the secret's file $secret cannot be read"
    fi
    log_in_admin
    if [ -n "$remove" ]; then
        remove_broker
        echo "users log in at this realm again"
        return
    fi

    local discovery=${issuer%/}/.well-known/openid-configuration found config
    found=$(curl -fsS --max-time 20 "$discovery") || die "$discovery cannot be read; is --issuer right?"
    [ "$(jq -r .issuer <<<"$found")" = "$issuer" ] || die "$discovery is for the issuer $(jq -r .issuer <<<"$found"), which --issuer must be, byte for byte"
    remove_broker

    # A new user is made without a page, and never linked to a user of this realm who has the same email.
    send POST /authentication/flows '{"alias": "upstream first login", "providerId": "basic-flow", "topLevel": true, "builtIn": false}'
    send POST '/authentication/flows/upstream%20first%20login/executions/execution' '{"provider": "idp-create-user-if-unique"}'
    send PUT '/authentication/flows/upstream%20first%20login/executions' \
        "$(api GET '/authentication/flows/upstream%20first%20login/executions' | jq -c '.[0] | .requirement = "REQUIRED"')"

    # An email that upstream does not vouch for is not trusted (trustEmail), and what upstream takes away is gone at the next login
    # (syncMode FORCE).
    config=$(jq -c --arg id "$id" --rawfile secret "$secret" '{alias: "upstream", displayName: .issuer, providerId: "oidc", enabled: true,
        trustEmail: false, firstBrokerLoginFlowAlias: "upstream first login", config: ({issuer, authorizationUrl: .authorization_endpoint,
        tokenUrl: .token_endpoint, userInfoUrl: .userinfo_endpoint, jwksUrl: .jwks_uri, useJwksUrl: "true", validateSignature: "true",
        clientId: $id, clientSecret: ($secret | rtrimstr("\n")), clientAuthMethod: "client_secret_post", defaultScope: "openid profile email",
        pkceEnabled: "true", pkceMethod: "S256", syncMode: "FORCE"} | with_entries(select(.value != null)))}' <<<"$found")
    send POST /identity-provider/instances "$config"
    send POST /identity-provider/instances/upstream/mappers '{"name": "everybody", "identityProviderAlias": "upstream",
        "identityProviderMapper": "oidc-hardcoded-role-idp-mapper", "config": {"syncMode": "INHERIT", "role": "echo-mcp-server.read-only"}}'
    while IFS= read -r grant; do
        [ -n "$grant" ] || continue
        for name in $(tr , ' ' <<<"${grant##*:}"); do
            send POST /identity-provider/instances/upstream/mappers "$(jq -nc --arg claim "${grant%%=*}" --arg rest "${grant#*=}" --arg role "$name" '
                ($rest | .[:rindex(":")]) as $value | {name: "\($role) for \($claim)=\($value)", identityProviderAlias: "upstream",
                identityProviderMapper: "oidc-role-idp-mapper",
                config: {syncMode: "INHERIT", claim: $claim, "claim.value": $value, role: "echo-mcp-server.\($role)"}}')"
        done
    done <<<"$grants"

    # No login page of this realm: the browser goes on to the provider at once.
    send POST "/authentication/executions/$(redirector .id)/config" '{"alias": "to-upstream", "config": {"defaultProvider": "upstream"}}'
    cat <<END
users of mcp-realm now log in at $issuer
  redirect URI of the client $id there   $URL/realms/mcp-realm/broker/upstream/endpoint
  issuer for step 10 and MCP clients     $URL/realms/mcp-realm
END
}
redirector() { api GET /authentication/flows/browser/executions | jq -r ".[] | select(.providerId == \"identity-provider-redirector\") | $1 // empty"; }
remove_broker() {
    local flow config user
    config=$(redirector .authenticationConfig)
    [ -z "$config" ] || api DELETE "/authentication/config/$config"
    if api GET /identity-provider/instances | jq -e 'any(.alias == "upstream")' >/dev/null; then
        # They have no password here, and users of the next provider must not be linked to them.
        for user in $(api GET /users -G -d idpAlias=upstream -d max=-1 | jq -r '.[].id'); do api DELETE "/users/$user"; done
        api DELETE /identity-provider/instances/upstream
    fi
    flow=$(api GET /authentication/flows | jq -r '.[] | select(.alias == "upstream first login") | .id')
    [ -z "$flow" ] || api DELETE "/authentication/flows/$flow"
}

# RFC 8693: the MCP server, as the client whose id is its URL, exchanges a user's token for one of the downstream API. Its scope must
# be in the user's token already (the policy at the end): the user has consented to it, and the server gets no more than that.
exchange() {
    local url=${1:-http://localhost:9000/mcp} scope id settings
    case $url in http://* | https://*) ;; *) die "the URL of an MCP server, such as http://localhost:9000/mcp, not $url" ;; esac
    log_in_admin
    put_client downstream-api '{"name": "Downstream API", "publicClient": false, "standardFlowEnabled": false, "directAccessGrantsEnabled": false, "fullScopeAllowed": false}'
    if ! api GET /client-scopes | jq -e 'any(.name == "downstream:read")' >/dev/null; then
        send POST /client-scopes "$(jq -nc --argjson mapper "$(audience_mapper downstream-api downstream-api)" '{name: "downstream:read",
            description: "Read from the downstream API in your name", protocol: "openid-connect", protocolMappers: [$mapper],
            attributes: {"include.in.token.scope": "true", "display.on.consent.screen": "true", "consent.screen.text": "Read from the downstream API in your name"}}')"
    fi
    scope=$(api GET /client-scopes | jq -r '.[] | select(.name == "downstream:read") | .id')
    # The API shows whose orders it lists; without this its token names the user by `sub` only.
    if ! api GET "/client-scopes/$scope/protocol-mappers/models" | jq -e 'any(.name == "username")' >/dev/null; then
        send POST "/client-scopes/$scope/protocol-mappers/models" '{"name": "username", "protocol": "openid-connect",
            "protocolMapper": "oidc-usermodel-attribute-mapper", "config": {"user.attribute": "username", "claim.name": "preferred_username",
            "jsonType.label": "String", "access.token.claim": "true", "id.token.claim": "false", "introspection.token.claim": "true"}}'
    fi
    # Clients that register themselves may ask for it, and the client of the scripts, too.
    if ! api GET /default-optional-client-scopes | jq -e 'any(.name == "downstream:read")' >/dev/null; then
        send PUT "/default-optional-client-scopes/$scope" '{}'
    fi
    registration_policy allowed-client-templates '.config["allowed-client-scopes"] |= (. - ["downstream:read"] + ["downstream:read"])'
    id=$(client_uuid mcp-test-client)
    [ -z "$id" ] || send PUT "/clients/$id/optional-client-scopes/$scope" '{}'

    put_client "$url" '{"publicClient": false, "standardFlowEnabled": false, "directAccessGrantsEnabled": false, "fullScopeAllowed": false,
        "attributes": {"standard.token.exchange.enabled": "true", "access.token.lifespan": "60"}}'
    # The realm's default scopes would put this very server into the audience of what it gets.
    for id in $(api GET "/clients/$UUID/default-client-scopes" | jq -r '.[] | select(.name != "basic") | .id'); do
        api DELETE "/clients/$UUID/default-client-scopes/$id"
    done
    send PUT "/clients/$UUID/optional-client-scopes/$scope" '{}'
    secret_file exchange

    send PUT /client-policies/profiles "$(api GET /client-policies/profiles | jq -c '.profiles |= map(select(.name != "downscope")) + [{name: "downscope",
        description: "A token exchange gives no scope that the subject token does not have",
        executors: [{executor: "downscope-assertion-grant-enforcer", configuration: {}}]}]')"
    send PUT /client-policies/policies "$(api GET /client-policies/policies | jq -c '.policies |= map(select(.name != "token-exchange")) + [{name: "token-exchange",
        enabled: true, profiles: ["downscope"], conditions: [{condition: "grant-type",
        configuration: {grant_types: ["urn:ietf:params:oauth:grant-type:token-exchange"]}}]}]')"
    settings=$CACHE/exchange.env
    cat >"$settings" <<END
# Step 10 with a tool that calls another API as the user; written by scripts/keycloak.sh exchange.
KEYCLOAK_URL=$URL
KEYCLOAK_REALM=mcp-realm
JWT_ISSUER=$URL/realms/mcp-realm
JWT_AUDIENCE=echo-mcp-server
DOWNSTREAM_URL=http://localhost:9300/orders
DOWNSTREAM_AUDIENCE=downstream-api
DOWNSTREAM_SCOPE=downstream:read
EXCHANGE_CLIENT_ID=$url
EXCHANGE_CLIENT_SECRET='$(cat "$SECRET_FILE")'
END
    chmod 600 "$settings"
    cat <<END
the MCP server at $url may now exchange tokens
  client id       $url
  client secret   @$SECRET_FILE
  settings        $settings   (the two above, DOWNSTREAM_* and the issuer; for step 10)
Three terminals:
  ISSUER=$URL/realms/mcp-realm cargo run --manifest-path scripts/own_server/Cargo.toml --bin orders_api
  cargo run --bin step10 -- --env $settings
  cargo run --bin step11 -- $url --call 'list_orders={}'
END
}

# client_credentials with the roles of mcp-user. Keycloak fails with `resource` unless the grant gives a refresh token, too
# (keycloak/keycloak#50251).
machine() {
    local account server roles
    log_in_admin
    put_client mcp-machine '{"name": "A program without a user", "publicClient": false, "standardFlowEnabled": false, "directAccessGrantsEnabled": false,
        "serviceAccountsEnabled": true, "attributes": {"client_credentials.use_refresh_token": "true"}}'
    secret_file machine
    account=$(api GET "/clients/$UUID/service-account-user" | jq -r .id)
    server=$(client_uuid echo-mcp-server)
    roles=$(api GET "/clients/$server/roles" | jq -c '[.[] | select(.name == "read-only" or .name == "tools")]')
    send POST "/users/$account/role-mappings/clients/$server" "$roles"
    cat <<END
a program may now get tokens without a user
  client id       mcp-machine
  client secret   @$SECRET_FILE
  for example     cargo run --bin step11 -- --grant client_credentials --client-id mcp-machine --client-secret @$SECRET_FILE --scope mcp:tools --call-all
END
}

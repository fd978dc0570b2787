# shellcheck shell=bash
# Enterprise-managed authorization; a part of scripts/keycloak.sh.

# Keycloak as the receiver of identity assertions (RFC 7523, ID-JAG): it trusts the keys of one enterprise identity provider, and
# mcp-user is the user whom the provider calls SUBJECT. With `resource` Keycloak fails, because the grant gives no refresh token
# (keycloak/keycloak#50251).
idjag() {
    local issuer=${1:-} subject=${2:-mcp-user} discovery found user
    case $issuer in http://* | https://*) ;; *) die "the issuer of the enterprise identity provider, such as https://idp.example.com, not ${issuer:-nothing}" ;; esac
    log_in_admin
    discovery=${issuer%/}/.well-known/openid-configuration
    found=$(curl -fsS --max-time 20 "$discovery") || die "$discovery cannot be read; is the issuer right?"
    [ "$(jq -r .issuer <<<"$found")" = "$issuer" ] || die "$discovery is for the issuer $(jq -r .issuer <<<"$found"), which must be given byte for byte"
    # Made anew: keys and links of an earlier provider must not be left over.
    if api GET /identity-provider/instances | jq -e 'any(.alias == "enterprise")' >/dev/null; then
        api DELETE /identity-provider/instances/enterprise
    fi
    send POST /identity-provider/instances "$(jq -c '{alias: "enterprise", providerId: "jwt-authorization-grant", enabled: true, config: {issuer,
        useJwksUrl: "true", jwksUrl: .jwks_uri, jwtAuthorizationGrantEnabled: "true", jwtAuthorizationGrantAssertionSignatureAlg: "ES256",
        jwtAuthorizationGrantMaxAllowedAssertionExpiration: "300", jwtAuthorizationGrantLimitAccessTokenExp: "true"}}' <<<"$found")"
    put_client mcp-enterprise '{"name": "A client of the enterprise", "publicClient": false, "standardFlowEnabled": false, "directAccessGrantsEnabled": false,
        "attributes": {"oauth2.jwt.authorization.grant.enabled": "true", "oauth2.jwt.authorization.grant.idp": "enterprise"}}'
    secret_file enterprise
    user=$(api GET /users -G -d username=mcp-user -d exact=true | jq -r '.[0].id')
    ! api GET "/users/$user/federated-identity" | jq -e 'any(.identityProvider == "enterprise")' >/dev/null ||
        api DELETE "/users/$user/federated-identity/enterprise"
    send POST "/users/$user/federated-identity/enterprise" \
        "$(jq -nc --arg subject "$subject" '{identityProvider: "enterprise", userId: $subject, userName: $subject}')"
    cat <<END
identity assertions of $issuer are now exchanged for access tokens
  token endpoint  $URL/realms/mcp-realm/protocol/openid-connect/token
  client id       mcp-enterprise
  client secret   @$SECRET_FILE
  subject         $subject   (mcp-user here)
END
}

// PingFederate with two access token managers: one that makes reference tokens (the default), and one that makes JWTs, selected
// by its Resource URI.

import { MCP_SCOPES, publicClient } from '../common.mjs';

export default {
  name: 'PingFederate',
  // Paths, methods and the OpenID Connect document:
  // docs.pingidentity.com/r/en-us/pingfederate-121/pf_openid_provider_config_endpoint
  issuer: (origin) => origin,
  documents: ['/.well-known/openid-configuration'],
  routes: {
    authorization: '/as/authorization.oauth2',
    token: '/as/token.oauth2',
    jwks: '/pf/JWKS',
    userinfo: '/idp/userinfo.openid',
    registration: '/as/clients.oauth2',
    introspection: '/as/introspect.oauth2',
  },
  metadata: {
    scopes_supported: ['openid', 'profile', ...MCP_SCOPES],
    code_challenge_methods_supported: ['plain', 'S256'],
  },
  clients: [publicClient],

  // Registration is off by default, and an initial access token is advised:
  // docs.pingidentity.com/pingfederate/latest/developers_reference_guide/pf_dynamic_registra_endpoint.html. The form of the refusal
  // is RFC 6750's; PingFederate's own words are not recorded.
  register: { status: 401, body: { error: 'invalid_token', error_description: 'initial access token required' } },

  // `resource` selects a token manager, and `aud` is what that one is configured to write:
  // docs.pingidentity.com/pingfederate/13.1/administrators_reference_guide/help_beareraccesstokenmgmtplugintasklet_atmselectionsettingsstate
  // A reference token is introspected, and what the answer says is configured in the same way.
  target: ({ named, resource }) => ({ audience: 'mcp-server', format: named && named === resource ? 'jwt' : 'opaque' }),

  // The names of claims are configured, "Client ID Claim Name" and "Scope Claim Name" among them:
  // docs.pingidentity.com/r/en-us/pingfederate-113/help_beareraccesstokenmgmtplugintasklet_atmcontractstate
  header: { typ: undefined },
  claims: ({ iss, aud, exp, sub, client_id, scope }) => ({ scope, client_id, iss, aud, sub, exp }),
};

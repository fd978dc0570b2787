// Auth0, with the two settings that MCP clients need: the Resource Parameter Compatibility Profile and dynamic client
// registration. Both are off in a new tenant: AUTH0_DEFAULTS=yes starts it so.

import { confidentialClient, MCP_SCOPES, publicClient, refuse, SECRET } from '../common.mjs';

const defaults = process.env.AUTH0_DEFAULTS === 'yes';

export default {
  name: 'Auth0',
  // The issuer ends in a slash: auth0.com/docs/get-started/applications/configure-applications-with-oidc-discovery
  issuer: (origin) => `${origin}/`,
  documents: ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'],
  routes: {
    authorization: '/authorize',
    token: '/oauth/token',
    jwks: '/.well-known/jwks.json',
    userinfo: '/userinfo',
    registration: '/oidc/register',
    introspection: null,
  },
  metadata: {
    scopes_supported: ['openid', 'profile', 'offline_access', 'name', 'email'],
    code_challenge_methods_supported: ['S256', 'plain'],
    // "none" is not listed, although native applications have no secret.
    token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    introspection_endpoint: undefined,
  },
  clients: [publicClient, { ...confidentialClient, client_id: 'mcp-web-client', client_secret: SECRET }],

  // Off by default: auth0.com/docs/get-started/applications/dynamic-client-registration. The words are those of a tenant where
  // it is off, as operators of MCP servers report them; the status is not recorded.
  register: defaults ? { status: 403, body: { error: 'access_denied', error_description: 'dynamic client registration is disabled' } } : 'open',

  // With the profile on, `resource` names the API; without an API the token is opaque, and an API that does not exist is refused
  // with "Service not found". auth0.com/ai/docs/mcp/guides/resource-param-compatibility-profile;
  // auth0.com/docs/troubleshoot ("Service not found")
  target({ named, resource }) {
    if (!named || defaults) return undefined;
    if (named !== resource) refuse('access_denied', `Service not found: ${named}`);
    return { audience: named };
  },

  // The Auth0 token profile: `aud` is a list with the userinfo endpoint, `azp` the client, `permissions` what role-based access
  // control gives this user. auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
  header: { typ: 'JWT' },
  claims: ({ iss, aud, iat, exp, sub, client_id, scope }, { origin, user }) => ({
    iss,
    sub: `auth0|${sub}`,
    aud: [aud, `${origin}/userinfo`],
    iat,
    exp,
    scope,
    azp: client_id,
    permissions: user?.roles.includes('mcp-tools') ? MCP_SCOPES : [],
  }),
};

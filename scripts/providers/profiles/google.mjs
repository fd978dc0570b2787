// Google: it authenticates users, and issues no access tokens for other resource servers.

import { broker, confidentialClient, OIDC_SCOPES, refuse, unknown } from '../common.mjs';

const GOOGLE_SCOPES = ['openid', 'email', 'profile'];

export default {
  name: 'Google',
  // accounts.google.com/.well-known/openid-configuration: no RFC 8414 document, no registration, no introspection.
  issuer: (origin) => origin,
  documents: ['/.well-known/openid-configuration'],
  routes: {
    authorization: '/o/oauth2/v2/auth',
    token: '/token',
    jwks: '/oauth2/v3/certs',
    userinfo: '/v1/userinfo',
    registration: '/registration-is-not-there',
    introspection: null,
  },
  metadata: {
    scopes_supported: GOOGLE_SCOPES,
    code_challenge_methods_supported: ['plain', 'S256'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    introspection_endpoint: undefined,
  },
  // Native applications have a secret, too: developers.google.com/identity/protocols/oauth2/native-app
  clients: [confidentialClient, broker],

  // Access tokens are opaque and for Google's own APIs. Scopes of others are refused, offline_access included, in the words of
  // Google's error page: github.com/dexidp/dex, and many others. `resource` is not mentioned in Google's documentation, and
  // MCP clients send it to Google for Google's own MCP servers: it is ignored here.
  target({ scopes }) {
    const invalid = [...unknown(scopes, GOOGLE_SCOPES), ...scopes.filter((scope) => scope === 'offline_access')];
    if (invalid.length > 0) {
      const valid = scopes.filter((scope) => OIDC_SCOPES.includes(scope) && !invalid.includes(scope));
      refuse('invalid_scope', `Some requested scopes were invalid. {valid=[${valid.join(', ')}], invalid=[${invalid.join(', ')}]}`);
    }
    return undefined;
  },
};

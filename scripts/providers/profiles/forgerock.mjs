// ForgeRock: PingAM, or PingOne Advanced Identity Cloud, with client-side access tokens.

import { MCP_SCOPES, publicClient } from '../common.mjs';

const PATH = '/am/oauth2/alpha';

export default {
  name: 'ForgeRock',
  // The issuer has the port and the realm in it: docs.pingidentity.com/pingoneaic/am-oauth2/oauth2-cimd.html
  issuer: (origin) => origin + PATH,
  documents: [`${PATH}/.well-known/openid-configuration`],
  routes: {
    authorization: `${PATH}/authorize`,
    token: `${PATH}/access_token`,
    jwks: `${PATH}/connect/jwk_uri`,
    userinfo: `${PATH}/userinfo`,
    registration: `${PATH}/register`,
    introspection: `${PATH}/introspect`,
  },
  metadata: {
    scopes_supported: ['openid', 'profile', 'email', ...MCP_SCOPES],
    code_challenge_methods_supported: ['plain', 'S256'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'none', 'client_secret_basic'],
  },
  clients: [publicClient],

  // "Allow Open Dynamic Client Registration": docs.pingidentity.com/pingam/8/oidc1-guide/oauth2-dynamic-client-registration.html
  register: 'open',

  // `aud` is the client's id, whatever `resource` says.
  target: ({ client }) => ({ audience: client.clientId }),

  // `scope` is a list, and the payload has names of its own (public samples of openam-sdks.forgeblocks.com).
  header: { typ: 'JWT' },
  claims: ({ iss, aud, iat, exp, jti, sub, client_id, scope }) => ({
    sub,
    cts: 'OAUTH2_STATELESS_GRANT',
    auth_level: 0,
    auditTrackingId: jti,
    subname: sub,
    iss,
    tokenName: 'access_token',
    token_type: 'Bearer',
    authGrantId: `${jti}-grant`,
    client_id,
    aud,
    nbf: iat,
    grant_type: 'authorization_code',
    scope: (scope ?? '').split(' '),
    auth_time: iat,
    realm: '/alpha',
    exp,
    iat,
    expires_in: exp - iat,
    jti,
  }),
};

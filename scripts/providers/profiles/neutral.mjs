// oidc-provider as it is: RFC 8414 and OpenID Connect metadata, open registration (RFC 7591), resource indicators (RFC 8707),
// JWT access tokens (RFC 9068) and `iss` in the authorization response (RFC 9207). Tokens for a resource that ends in /mcp are
// JWTs, signed with the algorithm that the client's name ends in; for any other resource they are opaque, and the client
// `mcp-server` may ask what they mean (RFC 7662).

import { publicClient, SECRET } from '../common.mjs';

const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'];

export default {
  name: 'oidc-provider',
  issuer: (origin) => origin,
  documents: ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server'],
  routes: { authorization: '/auth', token: '/token', jwks: '/jwks', userinfo: '/me', registration: '/reg', introspection: '/token/introspection' },
  metadata: { authorization_response_iss_parameter_supported: true },
  algorithms,
  clients: [
    publicClient,
    ...algorithms.map((alg) => ({
      client_id: `machine-${alg}`,
      client_secret: SECRET,
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
    })),
  ],
  register: 'open',
  target: ({ named, client }) =>
    named && {
      audience: named,
      format: named.endsWith('/mcp') ? 'jwt' : 'opaque',
      algorithm: algorithms.find((alg) => client.clientId.endsWith(`-${alg}`)),
    },
};

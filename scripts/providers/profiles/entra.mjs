// Microsoft Entra ID, v2.0 endpoints and tokens of one tenant.

import { createHash } from 'node:crypto';
import { broker, MCP_SCOPES, OIDC_SCOPES, publicClient, refuse } from '../common.mjs';

const TENANT = '11111111-2222-3333-4444-555555555555';
const API = '66666666-7777-8888-9999-000000000000';
const GRAPH = '00000003-0000-0000-c000-000000000000';
const guid = (text) => createHash('md5').update(text).digest('hex').replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
const appIdUri = (resource) => resource ?? `api://${API}`;

export default {
  name: 'Entra',
  // The tenant is in the issuer; the endpoints are beside it, not below: learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
  issuer: (origin) => `${origin}/${TENANT}/v2.0`,
  documents: [`/${TENANT}/v2.0/.well-known/openid-configuration`],
  routes: {
    authorization: `/${TENANT}/oauth2/v2.0/authorize`,
    token: `/${TENANT}/oauth2/v2.0/token`,
    jwks: `/${TENANT}/discovery/v2.0/keys`,
    userinfo: `/${TENANT}/oidc/userinfo`,
    registration: '/registration-is-not-there',
    introspection: null,
  },
  metadata: {
    scopes_supported: OIDC_SCOPES,
    subject_types_supported: ['pairwise'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    // S256 works and is not advertised; there is no registration: learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow
    code_challenge_methods_supported: undefined,
    introspection_endpoint: undefined,
  },
  clients: [publicClient, broker],

  // Each key names its issuer and none its algorithm: learn.microsoft.com/entra/identity-platform/access-tokens ("Validate the issuer")
  jwks: ({ keys }, { issuer }) => ({ keys: keys.map(({ alg, ...key }) => ({ ...key, x5t: key.kid, issuer })) }),

  // A scope is asked for by the API's Application ID URI; a bare one is looked for at Microsoft Graph, and `resource` must be that
  // URI, byte for byte. The words: github.com/microsoft/vscode/issues/321249 (with `invalid_target`),
  // github.com/anthropics/claude-code/issues/73460 (both); the code of the second: learn.microsoft.com/power-query/connectors/odatafeed.
  target({ scopes, named, resource }) {
    const uri = appIdUri(resource);
    const own = scopes.filter((scope) => !OIDC_SCOPES.includes(scope));
    const bare = own.find((scope) => !MCP_SCOPES.some((known) => scope === `${uri}/${known}`));
    if (bare) {
      refuse('access_denied', `AADSTS650053: The application 'mcp-client' asked for scope '${bare}' that doesn't exist on the resource '${GRAPH}'.`);
    }
    if (named && named !== uri) {
      refuse('invalid_target', "AADSTS9010010: The resource parameter provided in the request doesn't match with the requested scopes.");
    }
    // Without a scope of the API the token is for Microsoft Graph.
    if (own.length === 0 && scopes.length > 0) return undefined;
    return { audience: API, scopes: MCP_SCOPES.map((scope) => `${uri}/${scope}`) };
  },

  // v2.0 tokens: `aud` is the API's client id, `scp` one text of short names, roles the app roles, groups by id.
  // learn.microsoft.com/entra/identity-platform/access-token-claims-reference
  header: { typ: 'JWT' },
  claims: ({ iss, aud, iat, exp, jti, sub, client_id, scope }, { user }) => ({
    aud,
    iss,
    iat,
    nbf: iat,
    exp,
    aio: 'opaque',
    azp: client_id,
    azpacr: '0',
    // Two hundred groups are written into the token: the largest that there is.
    groups: [...(user?.groups ?? []), ...Array.from({ length: 198 }, (_, index) => index)].map((group) => guid(`group ${group}`)),
    name: user?.name,
    oid: guid(`user ${sub}`),
    preferred_username: user?.email,
    roles: user?.roles,
    scp: (scope ?? '').split(' ').map((long) => long.split('/').at(-1)).join(' '),
    sub: guid(`pairwise ${sub}`),
    tid: TENANT,
    uti: jti,
    ver: '2.0',
  }),
};

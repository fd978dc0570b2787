// An identity provider on this machine, for tests:
//
//   node server.mjs PROFILE [PORT] [RESOURCE]     PORT 0 picks one
//
// Its first line of output is "listening on ISSUER". PROFILE is a file in profiles/, which says how the provider behaves;
// SIGHUP rotates its keys: new ones sign, and those before them stay published until the next SIGHUP. RESOURCE is the identifier under which the MCP server is known to it, if the product wants one (Auth0: the API's identifier,
// Entra: the Application ID URI, PingFederate: the Resource URI of an access token manager). Every start makes new keys.
//
// The engine is oidc-provider, which is certified by the OpenID Foundation. A profile replaces what it publishes and refuses:
//
//   issuer, documents, routes, metadata   where things are, and what the metadata says; a member that is undefined is left out
//   target                                what the access token is for, or the refusal of scopes and `resource`
//   claims, header                        what the access token says
//   register                              the answer to a registration, or undefined when there is no such endpoint
//   clients, scopes, algorithms, jwks     clients registered by hand, scopes, algorithms of the keys, and the published key set

import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';
import { account, MCP_SCOPES, publicClient, SECRET } from './common.mjs';

const [name = 'neutral', port = '0', resource] = process.argv.slice(2);
const { default: profile } = await import(`./profiles/${name}.mjs`);

const server = createServer();
await new Promise((resolve) => server.listen(Number(port), '127.0.0.1', resolve));
const origin = `http://localhost:${server.address().port}`;
const at = { origin, issuer: profile.issuer(origin), resource };

async function key(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: `${alg}-${randomUUID()}`, use: 'sig', alg };
}

// What the token is for, by the rules of the profile. oidc-provider wants a resource for each token that is a JWT; this one
// stands for "none was named".
const UNNAMED = 'urn:unnamed';
const asked = (ctx) => (ctx.oidc.params.scope ?? '').split(' ').filter(Boolean);
const target = (ctx, named, client) => profile.target({ ...at, scopes: asked(ctx), named, client });

const newKeys = () => Promise.all((profile.algorithms ?? ['RS256', 'RS256']).map(key));

const configuration = (keys) => ({
  jwks: { keys },
  clients: [
    { client_id: 'mcp-server', client_secret: SECRET, grant_types: [], redirect_uris: [], response_types: [] },
    ...(profile.clients ?? [publicClient]),
  ],
  routes: profile.routes,
  scopes: ['openid', 'offline_access', ...(profile.scopes ?? MCP_SCOPES)],
  claims: { email: ['email', 'email_verified'], profile: ['name', 'given_name', 'family_name', 'preferred_username', 'groups', 'roles', 'hd'] },
  conformIdTokenClaims: false,
  cookies: { keys: [randomUUID()] },
  ttl: { AccessToken: 600, ClientCredentials: 600, IdToken: 600 },
  findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, ...account(id) }) }),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: profile.routes?.introspection !== null },
    registration: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      defaultResource: (ctx, client) => (target(ctx, undefined, client) ? UNNAMED : undefined),
      getResourceServerInfo: (ctx, named, client) => {
        const info = target(ctx, named === UNNAMED ? undefined : named, client) ?? { format: 'opaque' };
        return {
          scope: (info.scopes ?? MCP_SCOPES).join(' '),
          audience: info.audience,
          accessTokenFormat: info.format ?? 'jwt',
          jwt: { sign: { alg: info.algorithm ?? 'RS256' } },
        };
      },
    },
  },
  formats: {
    customizers: {
      jwt: (_, token, jwt) => {
        jwt.header = profile.header;
        jwt.payload = profile.claims?.(jwt.payload, { ...at, user: token.accountId && account(token.accountId) }) ?? jwt.payload;
      },
    },
  },
});

const url = (route) => (route ? origin + route : undefined);
const metadata = {
  issuer: at.issuer,
  authorization_endpoint: url(profile.routes.authorization),
  token_endpoint: url(profile.routes.token),
  userinfo_endpoint: url(profile.routes.userinfo),
  jwks_uri: url(profile.routes.jwks),
  introspection_endpoint: url(profile.routes.introspection),
  registration_endpoint: profile.register ? url(profile.routes.registration) : undefined,
  response_types_supported: ['code'],
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: ['RS256'],
  code_challenge_methods_supported: ['S256'],
  ...profile.metadata,
};

const answer = async (ctx, next) => {
  if (profile.documents.includes(ctx.path)) {
    ctx.body = metadata;
  } else if (ctx.path.includes('/.well-known/') && ctx.path !== profile.routes.jwks) {
    ctx.status = 404;
  } else if (ctx.path === profile.routes.registration && profile.register !== 'open') {
    const { status = 404, body } = profile.register ?? {};
    Object.assign(ctx, { status, body });
  } else {
    await next();
    if (ctx.path === profile.routes.jwks && profile.jwks) ctx.body = profile.jwks(ctx.body, at);
    // oidc-provider always sends `iss` (RFC 9207); most of the products do not.
    const location = ctx.response.get('location');
    if (/[?&]iss=/.test(location) && !metadata.authorization_response_iss_parameter_supported) {
      ctx.set('location', location.replace(/([?&])iss=[^&]*&?/, '$1').replace(/[?&]$/, ''));
    }
  }
};

// Users, clients and grants are in a store that all instances share, so only the keys change.
function start(keys) {
  const provider = new Provider(at.issuer, configuration(keys));
  provider.on('server_error', (_, error) => console.error(error));
  provider.use(answer);
  return provider.callback();
}

let current = await newKeys();
let handle = start(current);
process.on('SIGHUP', async () => {
  const before = current;
  current = await newKeys();
  handle = start([...current, ...before]);
});
server.on('request', (request, response) => handle(request, response));
console.log(`listening on ${at.issuer}`);

// An identity provider on this machine, for tests: node server.mjs PORT (0 picks one). Its first line of output is
// "listening on http://localhost:PORT", which is its issuer. Every start makes new keys.
//
// Tokens for a resource that ends in /mcp are JWTs (RFC 9068), signed with the algorithm that the client's name ends in;
// tokens for any other resource are opaque, and the client `mcp-server` may ask what they mean (RFC 7662).

import { createServer } from 'node:http';
import { randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair } from 'jose';
import Provider from 'oidc-provider';

const SECRET = 'for-tests-on-this-machine-only';
const SCOPES = ['mcp:read', 'mcp:tools', 'mcp:prompts'];
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'EdDSA'];

async function key(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: `${alg}-${randomUUID()}`, use: 'sig', alg };
}

const machine = (alg) => ({
  client_id: `machine-${alg}`,
  client_secret: SECRET,
  grant_types: ['client_credentials'],
  redirect_uris: [],
  response_types: [],
});

const configuration = {
  jwks: { keys: await Promise.all(ALGORITHMS.map(key)) },
  clients: [
    ...ALGORITHMS.map(machine),
    { client_id: 'mcp-server', client_secret: SECRET, grant_types: [], redirect_uris: [], response_types: [] },
    {
      client_id: 'person-RS256',
      token_endpoint_auth_method: 'none',
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
    },
  ],
  scopes: ['openid', ...SCOPES],
  cookies: { keys: [randomUUID()] },
  ttl: { ClientCredentials: 600, AccessToken: 600 },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    introspection: { enabled: true },
    resourceIndicators: {
      enabled: true,
      useGrantedResource: () => true,
      getResourceServerInfo: (_, resource, client) => ({
        scope: SCOPES.join(' '),
        audience: resource,
        accessTokenFormat: resource.endsWith('/mcp') ? 'jwt' : 'opaque',
        jwt: { sign: { alg: client.clientId.split('-').at(-1) } },
      }),
    },
  },
};

const server = createServer();
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  const issuer = `http://localhost:${server.address().port}`;
  const provider = new Provider(issuer, configuration);
  provider.on('server_error', (_, error) => console.error(error));
  server.on('request', provider.callback());
  console.log(`listening on ${issuer}`);
});

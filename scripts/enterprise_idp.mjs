// An enterprise identity provider for tests and demonstrations, without dependencies: its metadata and keys, and a token
// endpoint that exchanges an ID token for an identity assertion (RFC 8693, draft-ietf-oauth-identity-assertion-authz-grant
// section 4.3). POST /sign makes whatever JWT a test wants, so it listens on this machine only.
//
//   node scripts/enterprise_idp.mjs [PORT]     prints "listening on http://localhost:PORT"
import { createServer } from 'node:http';
import { generateKeyPairSync, randomUUID, sign } from 'node:crypto';

const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag';
const keys = Object.fromEntries(['trusted', 'other'].map((name) => [name, generateKeyPairSync('ec', { namedCurve: 'P-256' })]));
// The assertion names the client as the authorization server knows it; a real provider has a table of both names.
const clients = new Map();
const now = () => Math.floor(Date.now() / 1000);
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

function jwt({ header = {}, claims, key = 'trusted' }) {
  const message = `${part({ alg: 'ES256', kid: 'enterprise-1', ...header })}.${part(claims)}`;
  const signature = sign('sha256', Buffer.from(message), { key: keys[key].privateKey, dsaEncoding: 'ieee-p1363' });
  return `${message}.${signature.toString('base64url')}`;
}

function exchange(issuer, form) {
  const [audience, clientId] = [form.get('audience'), clients.get(form.get('client_id'))];
  // The user's ID token must be for the client that asks. A real provider verifies its signature first.
  const subject = JSON.parse(Buffer.from(form.get('subject_token').split('.')[1], 'base64url'));
  if (form.get('requested_token_type') !== ID_JAG || subject.iss !== issuer || subject.aud !== form.get('client_id') || !clientId) {
    return [400, { error: 'invalid_grant', error_description: 'the ID token is not one of this client' }];
  }
  const claims = {
    iss: issuer, sub: subject.sub, aud: audience, client_id: clientId, jti: randomUUID(), iat: now(), exp: now() + 300,
    resource: form.get('resource') ?? undefined, scope: form.get('scope') ?? undefined, email: subject.email,
  };
  const token = jwt({ header: { typ: 'oauth-id-jag+jwt' }, claims });
  return [200, { issued_token_type: ID_JAG, access_token: token, token_type: 'N_A', scope: claims.scope, expires_in: 300 }];
}

async function answer(request, issuer) {
  let body = '';
  for await (const chunk of request) body += chunk;
  switch (`${request.method} ${request.url}`) {
    case 'GET /.well-known/openid-configuration':
      return [200, {
        issuer, jwks_uri: `${issuer}/keys`, token_endpoint: `${issuer}/token`,
        identity_chaining_requested_token_types_supported: [ID_JAG],
      }];
    case 'GET /keys':
      return [200, { keys: [{ ...keys.trusted.publicKey.export({ format: 'jwk' }), kid: 'enterprise-1', use: 'sig', alg: 'ES256' }] }];
    case 'POST /token':
      return exchange(issuer, new URLSearchParams(body));
    case 'POST /clients': // {"client_id here": "client_id at the authorization server"}
      for (const [here, there] of Object.entries(JSON.parse(body))) clients.set(here, there);
      return [200, Object.fromEntries(clients)];
    case 'POST /sign': // {"header": {..}, "claims": {..}, "key": "trusted" or "other"}
      return [200, { jwt: jwt(JSON.parse(body)) }];
    default:
      return [404, { error: 'not found' }];
  }
}

const server = createServer(async (request, response) => {
  const issuer = `http://localhost:${server.address().port}`;
  const [status, document] = await answer(request, issuer).catch((error) => [400, { error: 'invalid_request', error_description: String(error) }]);
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' }).end(JSON.stringify(document));
});
server.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => console.log(`listening on http://localhost:${server.address().port}`));

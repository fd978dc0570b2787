// What the profiles share: who can log in, which clients are registered by hand, and how a refusal is made.

import { errors } from 'oidc-provider';

export const SECRET = 'for-tests-on-this-machine-only';
export const MCP_SCOPES = ['mcp:read', 'mcp:tools', 'mcp:prompts'];
export const OIDC_SCOPES = ['openid', 'profile', 'email', 'offline_access'];

const redirects = { application_type: 'native', redirect_uris: ['http://127.0.0.1/callback', 'http://localhost/callback'] };
const grants = { grant_types: ['authorization_code', 'refresh_token'] };

/** What an administrator registers for native MCP clients: no secret, PKCE, any port of the loopback address. */
export const publicClient = { client_id: 'mcp-client', token_endpoint_auth_method: 'none', ...redirects, ...grants };

/** The same with a secret, for products that require one from every client. */
export const confidentialClient = { client_id: 'mcp-client', client_secret: SECRET, token_endpoint_auth_method: 'client_secret_post', ...redirects, ...grants };

/** A broker in front: scripts/keycloak.sh broker. */
export const broker = {
  client_id: 'broker',
  client_secret: SECRET,
  token_endpoint_auth_method: 'client_secret_post',
  redirect_uris: [`${process.env.KEYCLOAK_URL ?? 'http://localhost:8080'}/realms/mcp-realm/broker/upstream/endpoint`],
};

const users = {
  alice: { name: 'Alice Adams', groups: ['staff', 'mcp-tools'], roles: ['mcp-tools'], hd: 'example.com' },
  bob: { name: 'Bob Brown', groups: ['staff'] },
};

/** Any name can log in with any password; the claims of alice and bob differ. `hd` is Google's claim for an organisation. */
export function account(id) {
  const { name = id, groups = [], roles = [], hd } = users[id] ?? {};
  const [given_name, family_name = id] = name.split(' ');
  return { name, given_name, family_name, preferred_username: id, email: `${id}@example.com`, email_verified: true, groups, roles, hd };
}

/** A refusal in the words of the product. */
export function refuse(error, description) {
  throw new errors.CustomOIDCProviderError(error, description);
}

/** The scopes that are neither OpenID Connect's nor among those that are known. */
export const unknown = (scopes, known) => scopes.filter((scope) => !OIDC_SCOPES.includes(scope) && !known.includes(scope));

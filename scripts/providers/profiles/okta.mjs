// Okta, a custom authorization server.

import { MCP_SCOPES, publicClient, refuse, unknown } from '../common.mjs';

const PATH = '/oauth2/default';

export default {
  name: 'Okta',
  // The issuer has a path, and RFC 8414's document is appended to it, not inserted.
  // developer.okta.com/docs/api/openapi/okta-oauth/oauth/tag/CustomAS
  issuer: (origin) => origin + PATH,
  documents: [`${PATH}/.well-known/openid-configuration`, `${PATH}/.well-known/oauth-authorization-server`],
  routes: {
    authorization: `${PATH}/v1/authorize`,
    token: `${PATH}/v1/token`,
    jwks: `${PATH}/v1/keys`,
    userinfo: `${PATH}/v1/userinfo`,
    introspection: `${PATH}/v1/introspect`,
    // The organisation's, not the authorization server's.
    registration: '/oauth2/v1/clients',
  },
  metadata: { token_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post', 'client_secret_jwt', 'private_key_jwt', 'none'] },
  clients: [publicClient],

  // Registration is listed, and wants an administrator's API token: github.com/envoyproxy/ai-gateway/issues/2074. The answer to
  // a request without one: E0000005 in developer.okta.com/docs/reference/error-codes/.
  register: {
    status: 403,
    body: { errorCode: 'E0000005', errorSummary: 'Invalid session', errorLink: 'E0000005', errorId: 'oae-test', errorCauses: [] },
  },

  // `aud` is fixed for each authorization server, so `resource` changes nothing (no vendor statement found). A scope that the
  // authorization server does not define is refused, in the words that Snowflake's drivers recorded:
  // github.com/snowflakedb/snowflake-connector-nodejs, test/authentication/testOauthAuthorizationCode.
  target({ scopes }) {
    if (unknown(scopes, MCP_SCOPES).length > 0) {
      refuse('invalid_scope', 'One or more scopes are not configured for the authorization server resource.');
    }
    return { audience: 'api://default' };
  },

  // `scp` is a list, `cid` the client, `sub` the login; the header has no `typ`.
  // groups.google.com/g/rabbitmq-users/c/O3GdCKf8soM; developer.okta.com/docs/api/openapi/okta-oauth/guides/overview
  header: { typ: undefined },
  claims: ({ iss, aud, iat, exp, jti, sub, client_id, scope }, { user }) => ({
    ver: 1,
    jti: `AT.${jti}`,
    iss,
    aud,
    iat,
    exp,
    cid: client_id,
    uid: `00u-${sub}`,
    scp: (scope ?? '').split(' '),
    auth_time: iat,
    sub: user?.email ?? sub,
    groups: user?.groups,
  }),
};

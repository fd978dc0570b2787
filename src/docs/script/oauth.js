// What a client does between the requests: build URLs, create secrets, validate responses.

/** The flow stops here, and says why. */
class FlowError extends Error {}

/** Where an issuer's metadata may be, in the order that MCP requires (RFC 8414, 3.1; OpenID Connect Discovery, 4). */
function metadataUrls(issuer) {
  const { origin, pathname } = new URL(issuer);
  const path = pathname === "/" ? "" : pathname.replace(/\/$/, "");
  const urls = [`${origin}/.well-known/oauth-authorization-server${path}`, `${origin}/.well-known/openid-configuration${path}`];
  return path ? [...urls, `${origin}${path}/.well-known/openid-configuration`] : urls;
}

/** Whether a host name stands for this machine or a private network (RFC 6890). */
function isPrivateHost(hostname) {
  if (hostname === "localhost" || hostname.endsWith(".localhost")) return true;
  // The URL parser writes every IPv4 address as four decimal numbers.
  const address = /^(\d+)\.(\d+)\.\d+\.\d+$/.exec(hostname);
  if (address) {
    const [first, second] = [Number(address[1]), Number(address[2])];
    return [0, 10, 127].includes(first) || first >= 224 || (first === 100 && second >= 64 && second < 128) || (first === 169 && second === 254) ||
      (first === 172 && second >= 16 && second < 32) || (first === 192 && second === 168) || (first === 198 && (second === 18 || second === 19));
  }
  // IPv6: only 2000::/3 is public, and of it 2002::/16 (6to4) can lead to a private IPv4 address.
  return hostname.startsWith("[") && (!/^\[[23][0-9a-f]{3}:/.test(hostname) || hostname.startsWith("[2002:"));
}

/**
 * Why this page must not open an authorization endpoint, or undefined. The URL comes from a document: `javascript:` would
 * run in this page, and an address on the user's own network would be requested in the user's name. A page that was
 * itself loaded from such a network may lead there.
 */
function endpointProblem(endpoint) {
  let url;
  try {
    url = new URL(endpoint);
  } catch {
    return "it is not a URL";
  }
  if (!["https:", "http:"].includes(url.protocol)) return `the scheme ${url.protocol} must not be opened; only https: and http: may`;
  if (isPrivateHost(url.hostname) && !isPrivateHost(location.hostname)) return `${url.hostname} is an address on your own network, and this page is not`;
  return undefined;
}

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const fromBase64url = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));

/** 256 random bits, base64url-encoded. */
const randomText = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

/** A code verifier and its challenge (RFC 7636, 4.1 and 4.2, method S256). */
async function createPkce() {
  const verifier = randomText();
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return { verifier, challenge: base64url(new Uint8Array(digest)) };
}

/** The parameters of the authorization request (RFC 6749, 4.1.1; RFC 7636, 4.3; RFC 8707, 2.1; RFC 9449, 10), each with its purpose. */
function authorizationRequest({ client, resource, pkce, state, scope, key }) {
  return [
    ["response_type", "code", "ask for a code, not for a token: URLs end up in histories and logs"],
    ["client_id", client.client_id, "the identifier from the registration"],
    ["redirect_uri", redirectUri(), "where to send the response; it must be a registered one"],
    ["scope", scope, "the requested scopes"],
    ["state", state, "random; the response must return it unchanged, which prevents CSRF"],
    ["code_challenge", pkce.challenge, "the hash of the code verifier: only the holder of the verifier can exchange the code"],
    ["code_challenge_method", "S256", "the hash is SHA-256"],
    ["resource", resource.resource, "resource indicator: the server that the token is for; it becomes aud"],
    ...(key ? [["dpop_jkt", key.thumbprint, "the thumbprint of the key: only its holder can exchange the code"]] : []),
  ];
}

const redirectUri = () => `${location.origin}/docs/callback`;

function withParameters(endpoint, parameters) {
  const url = new URL(endpoint);
  for (const [name, value] of parameters) url.searchParams.append(name, value);
  return url.href;
}

/**
 * Validates the authorization response and returns its code (RFC 6749, 4.1.2 and 10.12; RFC 9207, 2.4). Nothing in an
 * error response is shown before `iss` has been compared: until then it may come from another server.
 */
function validateResponse(query, { state, server }, check) {
  const response = new URLSearchParams(query);
  const single = (name) => {
    if (response.getAll(name).length > 1) throw new FlowError(`the response repeats the parameter ${name}`);
    return response.get(name);
  };
  check("state matches the request", single("state") === state, "this response does not belong to our request; somebody else may have sent it");
  const iss = single("iss");
  if (iss !== null || server.authorization_response_iss_parameter_supported) {
    check(`iss is the authorization server of this flow: ${iss ?? "(missing)"}`, iss === server.issuer, `expected ${server.issuer}: another server may be trying to obtain our code (mix-up attack)`);
  } else {
    check("the server does not send iss (RFC 9207), so state alone protects this response", true);
  }
  if (single("error") !== null) throw new FlowError(`the authorization server returned ${single("error")}: ${single("error_description") ?? "(no description)"}`);
  if (!single("code")) throw new FlowError("the response has no code");
  return single("code");
}

/** The header and claims of a JWT, for display. Nothing is verified here. */
function decodeToken(token) {
  const parts = token.split(".");
  if (parts.length !== 3) throw new FlowError("not a JWT: it must have three parts separated by dots");
  const read = (part) => JSON.parse(new TextDecoder().decode(fromBase64url(part)));
  try {
    return { header: read(parts[0]), claims: read(parts[1]) };
  } catch {
    throw new FlowError("not a JWT: its parts are not JSON");
  }
}

const ALGORITHMS = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256", saltLength: 32 },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
};

/** Whether one of these keys verifies the token's signature (RFC 7515, 5.2); undefined if this page cannot tell. */
async function verifySignature(token, keys) {
  const { header } = decodeToken(token);
  const algorithm = ALGORITHMS[header.alg];
  const jwk = keys.find(({ kid, use }) => kid === header.kid && use !== "enc");
  if (!algorithm || !jwk) return undefined;
  const key = await crypto.subtle.importKey("jwk", { ...jwk, alg: header.alg }, algorithm, false, ["verify"]);
  const [head, body, signature] = token.split(".");
  return crypto.subtle.verify(algorithm, key, fromBase64url(signature), new TextEncoder().encode(`${head}.${body}`));
}


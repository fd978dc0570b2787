// What a client does between the requests: where it looks, what it makes up, what it checks.

/** The client stops here, and says why. */
class Refused extends Error {}

/** Where an issuer's metadata may be, in the order in which MCP says to look (RFC 8414, 3.1; OpenID Connect Discovery, 4). */
function metadataUrls(issuer) {
  const { origin, pathname } = new URL(issuer);
  const path = pathname === "/" ? "" : pathname.replace(/\/$/, "");
  const urls = [`${origin}/.well-known/oauth-authorization-server${path}`, `${origin}/.well-known/openid-configuration${path}`];
  return path ? [...urls, `${origin}${path}/.well-known/openid-configuration`] : urls;
}

const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const fromBase64url = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));

/** 256 random bits, as text for a URL. */
const randomText = () => base64url(crypto.getRandomValues(new Uint8Array(32)));

/** A secret, and its hash (RFC 7636, 4.1 and 4.2, method S256). */
async function proofKey() {
  const verifier = randomText();
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return { verifier, challenge: base64url(new Uint8Array(digest)) };
}

/** The parameters of the authorization request (RFC 6749, 4.1.1; RFC 7636, 4.3; RFC 8707, 2.1), each with its reason. */
function authorizationRequest({ client, resource, key, state, scope }) {
  return [
    ["response_type", "code", "we want a code, not a token: what comes back through a browser may be seen"],
    ["client_id", client.client_id, "the name that we got when we registered"],
    ["redirect_uri", callbackUrl(), "where the answer goes; registered, so nobody can turn it elsewhere"],
    ["scope", scope, "what the token shall be good for"],
    ["state", state, "random: the answer must bring it back, or it is not the answer to our question"],
    ["code_challenge", key.challenge, "the hash of our secret: only who knows the secret can use the code"],
    ["code_challenge_method", "S256", "the hash is SHA-256"],
    ["resource", resource.resource, "the one server that the token shall be good for"],
  ];
}

const callbackUrl = () => `${location.origin}/docs/callback`;

function withParameters(endpoint, parameters) {
  const url = new URL(endpoint);
  for (const [name, value] of parameters) url.searchParams.append(name, value);
  return url.href;
}

/** The answer of the login page, checked (RFC 6749, 4.1.2 and 10.12; RFC 9207, 2.4). Each check is told to `check`. */
function checkedCode(query, { state, server }, check) {
  const answer = new URLSearchParams(query);
  const one = (name) => {
    if (answer.getAll(name).length > 1) throw new Refused(`the answer has ${name} twice`);
    return answer.get(name);
  };
  check("state is the one that we sent", one("state") === state, "this is not the answer to our question: somebody else may have sent it");
  const iss = one("iss");
  if (iss !== null || server.authorization_response_iss_parameter_supported) {
    check(`iss is the server that we asked: ${iss ?? "(missing)"}`, iss === server.issuer, `it should be ${server.issuer}: another server may be trying to get our code`);
  } else {
    check("no iss came, and none was promised (RFC 9207): we rely on state alone", true);
  }
  if (one("error") !== null) throw new Refused(`the authorization server says ${one("error")}: ${one("error_description") ?? "no more than that"}`);
  if (!one("code")) throw new Refused("the answer has no code");
  return one("code");
}

/** The parts of a token, for reading. Nothing is checked by this. */
function decoded(token) {
  const parts = token.split(".");
  if (parts.length !== 3) throw new Refused("this is no JSON Web Token: it should have three parts with dots between them");
  const read = (part) => JSON.parse(new TextDecoder().decode(fromBase64url(part)));
  try {
    return { header: read(parts[0]), claims: read(parts[1]) };
  } catch {
    throw new Refused("this is no JSON Web Token: its parts do not hold JSON");
  }
}

const ALGORITHMS = {
  RS256: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" },
  PS256: { name: "RSA-PSS", hash: "SHA-256", saltLength: 32 },
  ES256: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
};

/** Whether the signature of a token is good by one of these keys (RFC 7517, RFC 7515); undefined if we cannot tell. */
async function signatureIsGood(token, keys) {
  const { header } = decoded(token);
  const algorithm = ALGORITHMS[header.alg];
  const jwk = keys.find(({ kid, use }) => kid === header.kid && use !== "enc");
  if (!algorithm || !jwk) return undefined;
  const key = await crypto.subtle.importKey("jwk", { ...jwk, alg: header.alg }, algorithm, false, ["verify"]);
  const [head, body, signature] = token.split(".");
  return crypto.subtle.verify(algorithm, key, fromBase64url(signature), new TextEncoder().encode(`${head}.${body}`));
}


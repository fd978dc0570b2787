// Tokens that are bound to a key (DPoP, RFC 9449).

/** A key pair. The browser signs with it and gives the private key to nobody, this page included. */
async function createProofKey() {
  const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
  const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  // These members in this order are what RFC 7638 hashes.
  const jwk = { crv, kty, x, y };
  return { privateKey, jwk, thumbprint: await sha256(JSON.stringify(jwk)) };
}

const sha256 = async (text) => base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))));

/** A proof for one request (RFC 9449, 4.2), with an access token or without. */
async function createProof({ privateKey, jwk }, method, url, token) {
  const part = (value) => base64url(new TextEncoder().encode(JSON.stringify(value)));
  const claims = { jti: randomText(), htm: method, htu: url, iat: Math.floor(Date.now() / 1000), ath: token && (await sha256(token)) };
  const message = `${part({ typ: "dpop+jwt", alg: "ES256", jwk })}.${part(claims)}`;
  const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, new TextEncoder().encode(message));
  return `${message}.${base64url(new Uint8Array(signature))}`;
}

const endpointUrl = () => new URL("/mcp", location.href).href;

/** A call with these credentials; the scheme of a bound token is DPoP, and its proof has a header of its own. */
const callWith = (scheme, token, proof) => rpc("ping", undefined, undefined, { Authorization: `${scheme} ${token}`, ...(proof && { DPoP: proof }) });

/** The last stages of the flow, where the server accepts bound tokens. */
const DPOP_STAGES = [
  {
    id: "bound",
    title: "Bind a token to a key",
    route: "browser → authorization server, this page → MCP server",
    why: "Whoever copies a bearer token can use it. This page makes a key that cannot leave the browser, and gets a token for that key: each request needs a proof, which the key signs for one method, one URL and one moment.",
    spec: "RFC 9449, 4, 5, 7 and 10",
    needsDpop: true,
    label: "Log in again",
    opensWindow: true,
    async run(flow, show) {
      const algorithms = flow.server.dpop_signing_alg_values_supported;
      show.check("the authorization server issues bound tokens, for keys with ES256 too", algorithms?.includes("ES256"), "it can only issue bearer tokens");
      flow.key = await createProofKey();
      flow.pkce = await createPkce();
      flow.state = randomText();
      await requestCode(flow, show);
      flow.code = validateResponse(flow.query, flow, show.check);
      flow.bound = await exchangeCode(flow, show);
      show.check("cnf.jkt in the token is the thumbprint of the key", decodeToken(flow.bound).claims.cnf?.jkt === flow.key.thumbprint, "the token is bound to another key, or to none");
      flow.proof = await createProof(flow.key, "POST", endpointUrl(), flow.bound);
      const response = show.exchange(await callWith("DPoP", flow.bound, flow.proof));
      show.check("with a proof the server accepts the token", response.status === 200, "the challenge says why not");
    },
  },
  {
    id: "stolen",
    title: "Use the token without the key",
    route: "this page → MCP server",
    why: "What a thief can do who has read the token in a log or on the way, or even the whole request with its proof.",
    spec: "RFC 9449, 7.2 and 11.1",
    needsDpop: true,
    async run(flow, show) {
      const thief = await createProofKey();
      for (const [what, scheme, proof] of [
        ["as a bearer token", "Bearer"],
        ["without a proof", "DPoP"],
        ["with a proof of the thief’s own key", "DPoP", await createProof(thief, "POST", endpointUrl(), flow.bound)],
        ["with a copy of the proof that was used", "DPoP", flow.proof],
      ]) {
        const response = show.exchange(await callWith(scheme, flow.bound, proof));
        show.check(`${what}: 401`, response.status === 401, "the stolen token works");
      }
    },
  },
];

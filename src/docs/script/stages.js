// The stages of the authorization flow. Each stage adds its results to `flow` and shows what it did: `show.exchange` a
// request with its response, `show.check` a validation that a client must do, `show.note` a remark.

const STAGES = [
  {
    id: "challenge",
    title: "Call without a token",
    route: "this page → MCP server",
    why: "A client does not know yet whether it needs a token. The 401 says so, and its challenge names the server’s metadata.",
    spec: "RFC 6750, 3; RFC 9728, 5.1",
    async run(flow, show) {
      const response = show.exchange(await rpc("tools/list"));
      show.check("the status is 401", response.status === 401, "without a 401 there is no reason to log in");
      flow.challenge = bearerChallenge(response);
      show.check("WWW-Authenticate has a Bearer challenge", Boolean(flow.challenge), "the client cannot know which scheme to use");
      show.fields(Object.entries(flow.challenge).map(([name, value]) => [name, value, CHALLENGE_PARAMETERS[name]]));
    },
  },
  {
    id: "resource",
    title: "Fetch the protected resource metadata",
    route: "this page → MCP server",
    why: "This document has the server’s resource identifier, and names the authorization servers that issue tokens for it.",
    spec: "RFC 9728, 3",
    async run(flow, show) {
      const url = flow.challenge.resource_metadata ?? `${location.origin}/.well-known/oauth-protected-resource/mcp`;
      const response = show.exchange(await send("GET", url));
      show.check("the document exists", response.status === 200 && Boolean(response.json), "the client cannot find the authorization server without it");
      flow.resource = response.json;
      const expected = `${location.origin}/mcp`;
      show.check(`resource is the URL that we called: ${flow.resource.resource}`, flow.resource.resource === expected, `we called ${expected}. A document about another resource could lead to an attacker’s login page`);
      flow.issuer = flow.resource.authorization_servers?.[0];
      show.check(`it names an authorization server: ${flow.issuer}`, Boolean(flow.issuer), "there is no server to log in at");
    },
  },
  {
    id: "server",
    title: "Fetch the authorization server metadata",
    route: "this page → authorization server",
    why: "The URL of this document is derived from the issuer. It lists the server’s endpoints and what it supports.",
    spec: "RFC 8414, 3; OpenID Connect Discovery, 4",
    async run(flow, show) {
      let response;
      for (const url of metadataUrls(flow.issuer)) {
        response = show.exchange(await send("GET", url));
        if (response.status === 200 && response.json) break;
      }
      show.check("the document exists", response.status === 200 && Boolean(response.json), "none of the well-known URLs has a document");
      flow.server = response.json;
      show.check("issuer is the one that we looked up", flow.server.issuer === flow.issuer, `the document is about ${flow.server.issuer}: one issuer must not speak for another`);
      show.check("it supports PKCE with S256", flow.server.code_challenge_methods_supported?.includes("S256"), "without PKCE a stolen code can be exchanged by the thief, so the client must stop");
      const problem = endpointProblem(flow.server.authorization_endpoint);
      show.check(`this page may open the authorization endpoint: ${flow.server.authorization_endpoint}`, problem === undefined, problem);
    },
  },
  {
    id: "registration",
    title: "Register the client",
    route: "this page → authorization server",
    why: "The authorization server does not know this page yet. Dynamic client registration sends a name and a redirect URI and returns a client_id.",
    spec: "RFC 7591, 2 and 3",
    async run(flow, show) {
      show.check("the server has a registration endpoint", Boolean(flow.server.registration_endpoint), "an administrator of the authorization server would have to register this page");
      flow.offered = (flow.challenge.scope ?? flow.resource.scopes_supported?.join(" ") ?? "").split(" ").filter(Boolean);
      const local = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
      const body = JSON.stringify({
        client_name: `The guide at ${location.host}`,
        redirect_uris: [redirectUri()],
        // A web client may not have a loopback redirect URI (OpenID Connect Registration, 2).
        application_type: local ? "native" : "web",
        // This page uses no refresh token, but some providers issue no token at all to clients without this grant.
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        // A page cannot keep a secret: everybody can read its source.
        token_endpoint_auth_method: "none",
        scope: flow.offered.join(" "),
      });
      const response = show.exchange(await send("POST", flow.server.registration_endpoint, { headers: { "Content-Type": "application/json" }, body }));
      show.check("the server returned a client_id", response.status === 201 && Boolean(response.json?.client_id), "the response above says why not");
      flow.client = response.json;
      show.note("The registration names every scope of the challenge, so that the page may request any of them later.");
    },
  },
  {
    id: "pkce",
    title: "Create PKCE verifier and state",
    route: "this page",
    why: "The authorization request carries the hash of the code verifier. The token request carries the verifier itself, which proves that both come from the same client.",
    spec: "RFC 7636, 4",
    async run(flow, show) {
      show.check("this page may use the Web Crypto API", window.isSecureContext, "browsers allow it on https and on localhost only");
      flow.pkce = await createPkce();
      flow.state = randomText();
      show.fields([
        ["code_verifier", truncated(flow.pkce.verifier), "256 random bits, kept secret until the token request"],
        ["code_challenge", flow.pkce.challenge, "the SHA-256 hash of the verifier"],
        ["state", flow.state, "another 256 random bits, to recognise the response"],
      ]);
    },
  },
  {
    id: "login",
    title: "Log in and consent",
    route: "browser → authorization server",
    why: "The user decides. The login page opens in a window of its own, so this page never sees the password.",
    spec: "RFC 6749, 4.1.1; RFC 8707, 2.1",
    label: "Open the login page",
    opensWindow: true,
    prepare: (flow, card) => card.append(scopeChoice(flow.resource.scopes_supported ?? flow.offered)),
    async run(flow, show) {
      flow.scope = chosenScopes(show.card) || flow.offered.join(" ");
      await requestCode(flow, show);
    },
  },
  {
    id: "callback",
    title: "Validate the response",
    route: "authorization server → this page",
    why: "Anybody can send a browser to the redirect URI. Before using the code, the client checks that this is the response to its own request.",
    spec: "RFC 6749, 10.12; RFC 9207, 2.4",
    async run(flow, show) {
      const parameters = [...new URLSearchParams(flow.query)].filter(([name]) => name in RESPONSE_PARAMETERS);
      show.fields(parameters.map(([name, value]) => [name, SECRETS.includes(name) ? truncated(value) : value, RESPONSE_PARAMETERS[name]]));
      flow.code = validateResponse(flow.query, flow, show.check);
    },
  },
  {
    id: "token",
    title: "Exchange the code",
    route: "this page → authorization server",
    why: "The client sends code and verifier, and gets an access token for this resource, with the granted scopes and a short lifetime.",
    spec: "RFC 6749, 4.1.3; RFC 7636, 4.5; RFC 8707, 2.2",
    async run(flow, show) {
      flow.token = await exchangeCode(flow, show);
      setToken(flow.token);
      show.note("A client must treat the token as opaque. For learning, here are its claims:");
      show.add(claimList(flow.token));
      const keys = await send("GET", flow.server.jwks_uri);
      const valid = await verifySignature(flow.token, keys.json?.keys ?? []);
      if (valid === undefined) show.note("This page could not verify the signature.");
      else show.check("the signature verifies with the issuer’s public key (done by your browser)", valid, "the token was not signed by this issuer");
    },
  },
  {
    id: "tools",
    title: "Call the server",
    route: "this page → MCP server",
    why: "The first request again, now with the access token.",
    spec: "RFC 6750, 2.1",
    async run(flow, show) {
      const response = show.exchange(await rpc("tools/list", undefined, flow.token));
      show.check("the server accepts the token", response.status === 200 || response.status === 403, "the challenge says why not");
      if (response.status === 403) {
        flow.forbidden = { method: "tools/list", challenge: bearerChallenge(response) };
        show.note("The token is valid, but it lacks the scope for this method. The next stages are about that.");
      } else {
        const names = response.json?.result?.tools?.map(({ name }) => name) ?? [];
        show.note(`Tools that this user may call: ${names.join(", ")}.`);
      }
    },
  },
  {
    id: "altered",
    title: "Send an altered token",
    route: "this page → MCP server",
    why: "The same token with one character of its signature changed.",
    spec: "RFC 6750, 3.1",
    async run(flow, show) {
      const response = show.exchange(await rpc("ping", undefined, altered(flow.token)));
      show.check("401 invalid_token: the signature does not verify", response.status === 401 && bearerChallenge(response)?.error === "invalid_token", "anybody who can alter a token can become any user");
    },
  },
  {
    id: "forbidden",
    title: "Provoke a 403",
    route: "this page → MCP server",
    why: "A call that needs a scope which the page did not request. The challenge names the missing scope.",
    spec: "RFC 6750, 3.1",
    needsScopes: true,
    async run(flow, show) {
      for (const [method, params] of SCOPED_CALLS) {
        const response = show.exchange(await rpc(method, params, flow.token));
        if (response.status !== 403) continue;
        const challenge = bearerChallenge(response);
        show.check(`403 insufficient_scope, and the challenge names the scope: ${challenge?.scope}`, challenge?.error === "insufficient_scope" && Boolean(challenge.scope), "the client cannot know what to request");
        flow.forbidden = { method, params, challenge };
        return;
      }
      show.note("Every call was allowed: this token has all the scopes. Start over and request only the first scope.");
    },
  },
  {
    id: "step-up",
    title: "Step up",
    route: "browser → authorization server, this page → MCP server",
    why: "Authorize again for the granted scopes plus the missing one, and repeat the call.",
    spec: "MCP authorization, “Scope Challenge Handling”",
    needsScopes: true,
    label: "Log in again",
    opensWindow: (flow) => Boolean(flow.forbidden),
    async run(flow, show) {
      if (!flow.forbidden) {
        show.note("No call was rejected for its scope, so there is nothing to request.");
        return;
      }
      const { method, params, challenge } = flow.forbidden;
      flow.scope = [...new Set([...flow.scope.split(" "), ...challenge.scope.split(" ")])].join(" ");
      flow.pkce = await createPkce();
      flow.state = randomText();
      await requestCode(flow, show);
      flow.code = validateResponse(flow.query, flow, show.check);
      flow.token = await exchangeCode(flow, show);
      setToken(flow.token);
      show.note("Scopes of the new token: ", code(flow.scope), ".");
      const response = show.exchange(await rpc(method, params, flow.token));
      show.check("the same call succeeds", response.status === 200, "this user may not grant that scope; log in as a user who may");
    },
  },
  ...DPOP_STAGES,
];

/** Calls that a server with scopes is likely to reject. */
const SCOPED_CALLS = [
  ["tools/call", { name: "echo", arguments: { message: "hello" } }],
  ["prompts/list", {}],
];

const CHALLENGE_PARAMETERS = {
  realm: "a name for the protected area",
  resource_metadata: "the URL of the protected resource metadata: the next stage",
  scope: "the scopes to request",
  error: "what is wrong with the token",
};
/** The parameters that may be shown before `iss` has been compared; `error` and its description are not among them. */
const RESPONSE_PARAMETERS = {
  code: "authorization code: valid once, for a minute, and only with our code verifier",
  state: "must be the one that we sent",
  iss: "the issuer of this response: must be the server that we asked",
};

/** The token with one character of its signature changed. */
function altered(token) {
  const at = token.lastIndexOf(".") + 1;
  return token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
}

/** Opens the login page and waits for the authorization response. */
async function requestCode(flow, show) {
  const parameters = authorizationRequest(flow);
  const url = withParameters(flow.server.authorization_endpoint, parameters);
  show.note("The authorization request:");
  show.fields([["authorization_endpoint", flow.server.authorization_endpoint, "from the authorization server metadata"], ...parameters]);
  flow.query = await show.login(url, flow.state);
  show.note("The response has arrived at ", code("/docs/callback"), ".");
}

/** Exchanges the code and the verifier for an access token, which is bound to the key of the flow, if it has one. */
async function exchangeCode(flow, show) {
  const fields = {
    grant_type: "authorization_code",
    code: flow.code,
    redirect_uri: redirectUri(),
    client_id: flow.client.client_id,
    code_verifier: flow.pkce.verifier,
    resource: flow.resource.resource,
  };
  const headers = flow.key ? { DPoP: await createProof(flow.key, "POST", flow.server.token_endpoint) } : {};
  const response = show.exchange(await postForm(flow.server.token_endpoint, fields, headers));
  const type = flow.key ? "DPoP" : "Bearer";
  show.check(`the server returned a ${type} token`, response.status === 200 && response.json?.token_type?.toLowerCase() === type.toLowerCase(), "the response above says why not");
  // The user may grant less than was requested; then the response has the scopes (RFC 6749, 5.1).
  flow.scope = response.json.scope ?? flow.scope;
  return response.json.access_token;
}

/** The scopes to request: only the first at the start, so that there is one to step up to. */
function scopeChoice(scopes) {
  const box = (scope, index) => el("label", {}, el("input", { type: "checkbox", name: "scope", value: scope, checked: index === 0 }), " ", code(scope));
  const text = "Most clients request every scope of the challenge. With the first one only, you will see a 403 later where scopes are enforced.";
  return el("fieldset", { class: "scopes" }, el("legend", {}, "Scopes to request"), scopes.map(box), el("p", {}, text));
}

const chosenScopes = (card) => findAll("[name=scope]:checked", card).map(({ value }) => value).join(" ");


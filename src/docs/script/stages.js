// The stages of the walk. Each one adds to `walk` what it has found out, and shows what it did: `show.exchange` a
// request with its answer, `show.check` something that a client must check before it goes on, `show.note` a remark.

const STAGES = [
  {
    id: "challenge",
    title: "Knock without a token",
    route: "this page → MCP server",
    why: "A client does not know yet that it needs one. The server says so, and where to ask.",
    rule: "RFC 6750, 3; RFC 9728, 5.1",
    async run(walk, show) {
      const answer = show.exchange(await rpc("tools/list"));
      show.check("the answer is 401", answer.status === 401, "without a 401 there is nothing to log in for");
      walk.challenge = bearerChallenge(answer);
      show.check("there is a Bearer challenge", Boolean(walk.challenge), "a client cannot know what is wanted");
      show.fields(Object.entries(walk.challenge).map(([name, value]) => [name, value, CHALLENGE_MEANINGS[name]]));
    },
  },
  {
    id: "resource",
    title: "Ask the server who it is",
    route: "this page → MCP server",
    why: "The challenge names a document about this server: its exact name, and who issues tokens for it.",
    rule: "RFC 9728, 3",
    async run(walk, show) {
      const url = walk.challenge.resource_metadata ?? `${location.origin}/.well-known/oauth-protected-resource/mcp`;
      const answer = show.exchange(await send("GET", url));
      show.check("the document is there", answer.status === 200 && Boolean(answer.json), "without it nobody knows where to log in");
      walk.resource = answer.json;
      const asked = `${location.origin}/mcp`;
      show.check(`resource is the address that we asked: ${walk.resource.resource}`, walk.resource.resource === asked, `we asked ${asked}. A document about somebody else could send us to a false login page`);
      walk.issuer = walk.resource.authorization_servers?.[0];
      show.check(`an authorization server is named: ${walk.issuer}`, Boolean(walk.issuer), "there is nowhere to log in");
    },
  },
  {
    id: "server",
    title: "Ask where to log in",
    route: "this page → authorization server",
    why: "The authorization server describes itself at an address that is made from its name.",
    rule: "RFC 8414, 3; OpenID Connect Discovery, 4",
    async run(walk, show) {
      let answer;
      for (const url of metadataUrls(walk.issuer)) {
        answer = show.exchange(await send("GET", url));
        if (answer.status === 200 && answer.json) break;
      }
      show.check("it describes itself", answer.status === 200 && Boolean(answer.json), "none of the addresses has a document");
      walk.server = answer.json;
      show.check("issuer is the name that we asked for", walk.server.issuer === walk.issuer, `it calls itself ${walk.server.issuer}: tokens of one issuer must not pass for another’s`);
      show.check("it understands PKCE with S256", walk.server.code_challenge_methods_supported?.includes("S256"), "a stolen code could be used by whoever stole it, so a client must not go on");
      show.note("These addresses come next: ", code(walk.server.registration_endpoint), ", ", code(walk.server.authorization_endpoint), ", ", code(walk.server.token_endpoint), ".");
    },
  },
  {
    id: "registration",
    title: "Introduce ourselves",
    route: "this page → authorization server",
    why: "The authorization server has never heard of this page. We say what we are called and where to call us back, and get a name.",
    rule: "RFC 7591, 2 and 3",
    async run(walk, show) {
      show.check("clients may register themselves", Boolean(walk.server.registration_endpoint), "somebody who runs the authorization server would have to register this page");
      walk.offered = (walk.challenge.scope ?? walk.resource.scopes_supported?.join(" ") ?? "").split(" ").filter(Boolean);
      const local = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
      const body = JSON.stringify({
        client_name: `The guide at ${location.host}`,
        redirect_uris: [callbackUrl()],
        // A web client may not be called back on this machine (OpenID Connect Registration, 2).
        application_type: local ? "native" : "web",
        // This page uses no refresh token, but there are providers that fail to issue anything to clients without one.
        grant_types: ["authorization_code", "refresh_token"],
        response_types: ["code"],
        // A page cannot keep a secret: everybody can read it.
        token_endpoint_auth_method: "none",
        scope: walk.offered.join(" "),
      });
      const answer = show.exchange(await send("POST", walk.server.registration_endpoint, { headers: { "Content-Type": "application/json" }, body }));
      show.check("we have a client_id", answer.status === 201 && Boolean(answer.json?.client_id), "the answer above says why not");
      walk.client = answer.json;
      show.note("We registered for all scopes of the challenge, so that we may ask for any of them later.");
    },
  },
  {
    id: "pkce",
    title: "Make up a secret for this login",
    route: "this page alone",
    why: "Its hash goes out now, through the browser. The secret itself goes to the token endpoint later, and shows that the code comes to who asked for it.",
    rule: "RFC 7636, 4",
    async run(walk, show) {
      show.check("this page may do cryptography", window.isSecureContext, "browsers allow it on https and on localhost only");
      walk.key = await proofKey();
      walk.state = randomText();
      show.fields([
        ["code_verifier", shortened(walk.key.verifier), "the secret: 256 random bits"],
        ["code_challenge", walk.key.challenge, "its hash, SHA-256"],
        ["state", walk.state, "random as well, to know our own answer again"],
      ]);
    },
  },
  {
    id: "login",
    title: "Log in",
    route: "you → authorization server",
    why: "Now a person must decide. The login page opens in a window of its own; this page never sees the password.",
    rule: "RFC 6749, 4.1.1; RFC 8707, 2.1",
    label: "Open the login page",
    opensWindow: true,
    prepare: (walk, card) => card.append(scopeChoice(walk.resource.scopes_supported ?? walk.offered)),
    async run(walk, show) {
      walk.scope = chosenScopes(show.card) || walk.offered.join(" ");
      await logIn(walk, show);
    },
  },
  {
    id: "callback",
    title: "Look at what came back",
    route: "authorization server → this page",
    why: "Anybody could have sent this browser to our callback. Before we use the code we make sure that it is the answer to our question.",
    rule: "RFC 6749, 10.12; RFC 9207, 2.4",
    async run(walk, show) {
      show.fields([...new URLSearchParams(walk.query)].map(([name, value]) => [name, SECRETS.includes(name) ? shortened(value) : value, ANSWER_MEANINGS[name]]));
      walk.code = checkedCode(walk.query, walk, show.check);
    },
  },
  {
    id: "token",
    title: "Trade the code for a token",
    route: "this page → authorization server",
    why: "Code and secret together become a token: for this server, for these scopes, for a short time.",
    rule: "RFC 6749, 4.1.3; RFC 7636, 4.5; RFC 8707, 2.2",
    async run(walk, show) {
      await trade(walk, show);
      show.note("To us a token is a sealed letter to the server. Opened here, for learning:");
      show.add(claimList(walk.token));
      const keys = await send("GET", walk.server.jwks_uri);
      const good = await signatureIsGood(walk.token, keys.json?.keys ?? []);
      if (good === undefined) show.note("Its signature could not be checked here.");
      else show.check("your browser has checked its signature with the issuer’s public key", good, "this token was not made by who it says");
    },
  },
  {
    id: "tools",
    title: "Use it",
    route: "this page → MCP server",
    why: "The request of the beginning once more, now with the token.",
    rule: "RFC 6750, 2.1",
    async run(walk, show) {
      const answer = show.exchange(await rpc("tools/list", undefined, walk.token));
      show.check("the token is accepted", answer.status === 200 || answer.status === 403, "the challenge says why not");
      if (answer.status === 403) {
        walk.refused = { method: "tools/list", challenge: bearerChallenge(answer) };
        show.note("We are known here, but even the list wants a scope that this token does not have. The next stages are about that.");
      } else {
        const names = answer.json?.result?.tools?.map(({ name }) => name) ?? [];
        show.note(`We are in. Tools for us: ${names.join(", ")}.`);
      }
    },
  },
  {
    id: "refusal",
    title: "Do what this token may not do",
    route: "this page → MCP server",
    why: "First with the token altered by one character, then with a call that wants more than we asked for.",
    rule: "RFC 6750, 3.1",
    async run(walk, show) {
      const altered = show.exchange(await rpc("ping", undefined, spoiled(walk.token)));
      show.check("the altered token is refused: the signature does not fit any more", altered.status === 401 && bearerChallenge(altered)?.error === "invalid_token", "whoever can alter a token can be anybody");
      for (const [method, params] of WORTH_A_SCOPE) {
        const answer = show.exchange(await rpc(method, params, walk.token));
        if (answer.status !== 403) continue;
        const challenge = bearerChallenge(answer);
        show.check(`the call is refused, and the challenge names what it needs: ${challenge?.scope}`, challenge?.error === "insufficient_scope" && Boolean(challenge.scope), "a client cannot know what to ask for");
        walk.refused = { method, params, challenge };
        return;
      }
      show.note("Nothing else was refused: this token is good for all of it, or this server does not look at scopes.");
    },
  },
  {
    id: "more",
    title: "Ask for more",
    route: "you → authorization server, this page → MCP server",
    why: "The refusal named the scope. We log in again for that one and those we had (“step-up”), and do the same call.",
    rule: "MCP authorization, “Scope Challenge Handling”",
    label: "Log in once more",
    opensWindow: (walk) => Boolean(walk.refused),
    async run(walk, show) {
      if (!walk.refused) {
        show.note("There is nothing more to ask for: no call was refused for its scope.");
        return;
      }
      const { method, params, challenge } = walk.refused;
      walk.scope = [...new Set([...walk.scope.split(" "), ...challenge.scope.split(" ")])].join(" ");
      walk.key = await proofKey();
      walk.state = randomText();
      await logIn(walk, show);
      walk.code = checkedCode(walk.query, walk, show.check);
      await trade(walk, show);
      show.note("The scopes of the new token: ", code(walk.scope), ".");
      const answer = show.exchange(await rpc(method, params, walk.token));
      show.check("the same call now succeeds", answer.status === 200, "this person may not give that scope away; log in as somebody who may");
    },
  },
];

/** Calls of which a server with scopes is likely to refuse one. */
const WORTH_A_SCOPE = [
  ["tools/call", { name: "echo", arguments: { message: "hello" } }],
  ["prompts/list", {}],
];

const CHALLENGE_MEANINGS = {
  realm: "a name for what is protected",
  resource_metadata: "where to ask on: the next stage",
  scope: "what a token could be good for here",
  error: "what is wrong with the token that was sent",
};
const ANSWER_MEANINGS = {
  code: "good once, for a minute, and only with our secret",
  state: "what we sent, come back",
  iss: "who answers: it must be who we asked",
  error: "the answer is no",
};

/** The token with one character of its signature changed. */
function spoiled(token) {
  const at = token.lastIndexOf(".") + 1;
  return token.slice(0, at) + (token[at] === "A" ? "B" : "A") + token.slice(at + 1);
}

/** Sends the person to the login page and waits for the answer. */
async function logIn(walk, show) {
  const parameters = authorizationRequest(walk);
  const url = withParameters(walk.server.authorization_endpoint, parameters);
  show.note("The login page is asked for with these parameters:");
  show.fields([["address", walk.server.authorization_endpoint, "of the authorization server’s metadata"], ...parameters]);
  walk.query = await show.login(url, walk.state);
  show.note("The answer has come to ", code("/docs/callback"), ".");
}

/** Code and secret for a token. */
async function trade(walk, show) {
  const answer = show.exchange(
    await post(walk.server.token_endpoint, {
      grant_type: "authorization_code",
      code: walk.code,
      redirect_uri: callbackUrl(),
      client_id: walk.client.client_id,
      code_verifier: walk.key.verifier,
      resource: walk.resource.resource,
    }),
  );
  show.check("a Bearer token came", answer.status === 200 && answer.json?.token_type?.toLowerCase() === "bearer", "the answer above says why not");
  // Less may be granted than was asked for; then the answer says so (RFC 6749, 5.1).
  walk.scope = answer.json.scope ?? walk.scope;
  walk.token = answer.json.access_token;
  holdToken(walk.token);
}

/** What the person is asked for: little at first, so that there is more to ask for later. */
function scopeChoice(scopes) {
  const box = (scope, index) => el("label", {}, el("input", { type: "checkbox", name: "scope", value: scope, checked: index === 0 }), " ", code(scope));
  const text = "Most clients ask for all that the challenge lists. We ask for little, to see later what a refusal looks like.";
  return el("fieldset", { class: "scopes" }, el("legend", {}, "Ask for"), scopes.map(box), el("p", {}, text));
}

const chosenScopes = (card) => findAll("[name=scope]:checked", card).map(({ value }) => value).join(" ");


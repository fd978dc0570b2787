// Shows a token claim by claim. Hover over a claim, or focus it with the Tab key, to read what it means.

const CLAIMS = {
  alg: "Signature algorithm. The server accepts only algorithms on its list, never “none”.",
  kid: "Key ID: which key of the issuer’s JWKS verifies the signature.",
  typ: "Token type. Access tokens have at+jwt (RFC 9068) or JWT; ID tokens and refresh tokens are rejected.",
  iss: "Issuer. The server accepts only configured issuers and compares the strings exactly.",
  sub: "Subject: the user’s stable identifier at this issuer.",
  aud: "Audience: the server that the token is for. Every other server must reject it, so a server that receives the token cannot reuse it elsewhere.",
  exp: "Expiry time. A stolen token works no longer than this.",
  nbf: "Not before: the token is not valid earlier than this.",
  iat: "Issued at.",
  jti: "JWT ID: a unique identifier, used to revoke the token.",
  scope: "Scopes that the user granted to this client. The user may hold more.",
  scopes: "The same as scope, as a list: the format of the posts that this tutorial follows.",
  client_id: "The client that the token was issued to: here, this page.",
  azp: "Authorized party (OpenID Connect): the client that the token was issued to.",
  preferred_username: "A display name. It can change, so the server never authorizes by it.",
  name: "The user’s full name.",
  given_name: "The user’s first name.",
  family_name: "The user’s last name.",
  email: "The user’s email address. Leave personal data out of access tokens where you can.",
  email_verified: "Whether the issuer has verified the email address.",
  roles: "Roles of the user. Scopes limit a token; roles describe the user.",
  realm_access: "Keycloak: roles of the user in the realm.",
  resource_access: "Keycloak: roles of the user in single applications.",
  "allowed-origins": "Keycloak: web origins that may use the token.",
  acr: "Authentication context class: how strongly the user was authenticated.",
  auth_time: "When the user logged in.",
  sid: "Session ID: the login session that issued the token.",
  session_state: "Keycloak: an older name of sid.",
  cnf: "Confirmation (RFC 7800): the key that the sender must prove to possess. As a bearer token it is rejected; from step 9 on it is accepted with a DPoP proof (RFC 9449).",
};
const TIMES = ["exp", "nbf", "iat", "auth_time"];
const VALIDATED = ["alg", "typ", "iss", "aud", "exp", "nbf", "scope"];

/** The claims of a token as a list with explanations. */
function claimList(token) {
  const { header, claims } = decodeToken(token);
  const hint = "Hover over a line, or focus it with the Tab key, to read what it means. The server validates the marked claims and the signature.";
  const explanation = el("p", { class: "explanation", "aria-hidden": "true" }, hint);
  const line = ([name, value]) => {
    const meaning = CLAIMS[name] ?? "A claim defined by this issuer.";
    const explain = () => explanation.replaceChildren(el("b", {}, name), ` ${meaning}`);
    return el(
      "li",
      { tabindex: "0", "data-claim": name, class: VALIDATED.includes(name) ? "validated" : "", onmouseenter: explain, onfocus: explain },
      el("span", { class: "claim" }, name),
      el("span", { class: "value" }, typeof value === "string" ? value : JSON.stringify(value), TIMES.includes(name) ? el("span", { class: "time" }, formatTime(value)) : ""),
      el("span", { class: "unseen" }, meaning),
    );
  };
  return el(
    "div",
    { class: "claims" },
    el("div", {}, el("h4", {}, "Header"), el("ul", {}, Object.entries(header).map(line)), el("h4", {}, "Claims"), el("ul", {}, Object.entries(claims).map(line))),
    explanation,
  );
}

/** Seconds since 1970 as a local time with the distance from now. */
function formatTime(seconds) {
  const distance = Math.round(seconds - Date.now() / 1000);
  const amount = Math.abs(distance);
  const text = amount < 120 ? `${amount} s` : amount < 7200 ? `${Math.round(amount / 60)} min` : `${Math.round(amount / 3600)} h`;
  return `${new Date(seconds * 1000).toLocaleTimeString()}, ${distance < 0 ? `${text} ago` : `in ${text}`}`;
}


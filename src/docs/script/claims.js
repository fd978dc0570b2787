// A token, claim by claim. Point at one, or go there with the Tab key, to read what it is for.

const MEANINGS = {
  alg: "How it is signed. The server accepts only what it expects here, never “none”.",
  kid: "Which key signed it: a name in the issuer’s list of public keys (jwks_uri).",
  typ: "What kind of token this is. Access tokens say at+jwt (RFC 9068) or Bearer; ID and refresh tokens are not for this server.",
  iss: "Who issued it. The server trusts only issuers that it knows, compared letter by letter.",
  sub: "Whom it is about: an identifier that stays the same when the person’s name changes.",
  aud: "Which server it is for. Any other server must refuse it, so a server that you gave it to cannot use it elsewhere.",
  exp: "Until when it is good. A stolen token is of use no longer than this.",
  nbf: "From when on it is good.",
  iat: "When it was issued.",
  jti: "Its serial number, by which it can be told from others, and revoked.",
  scope: "What it may be used for. The person agreed to this, and may hold more than that.",
  scopes: "The same as scope, as a list: the posts’ tokens have both.",
  client_id: "The client that it was given to: this page, as it registered itself.",
  azp: "The client that it was given to (“authorized party”, OpenID Connect).",
  preferred_username: "A name to show to people. It may change, so nothing is decided by it.",
  name: "The person’s full name, to show to people.",
  given_name: "The person’s first name.",
  family_name: "The person’s last name.",
  email: "The person’s address. Personal data travels in tokens more often than it must.",
  email_verified: "Whether the issuer knows that the address is the person’s.",
  roles: "What its holder is. Scopes limit a token, roles describe a person.",
  realm_access: "Roles within the whole identity provider.",
  resource_access: "Roles at single applications.",
  "allowed-origins": "Web pages that may use it, says the issuer.",
  acr: "How well the person was authenticated, as a level.",
  auth_time: "When the person logged in.",
  sid: "The login session that it belongs to.",
  session_state: "The login session that it belongs to (an older name).",
  cnf: "The key that its holder must prove to have (RFC 7800): such a token is worth nothing to a thief.",
};
const TIMES = ["exp", "nbf", "iat", "auth_time"];
const CHECKED = ["alg", "typ", "iss", "aud", "exp", "nbf", "scope"];

/** The claims of a token as a list with explanations. */
function claimList(token) {
  const { header, claims } = decoded(token);
  const rest = "Point at a line, or go there with the Tab key: here is then what it is for. The server decides by the marked ones, and by the signature.";
  const explanation = el("p", { class: "explanation", "aria-hidden": "true" }, rest);
  const line = ([name, value]) => {
    const meaning = MEANINGS[name] ?? "A claim of this issuer’s own.";
    const explain = () => explanation.replaceChildren(el("b", {}, name), ` ${meaning}`);
    return el(
      "li",
      { tabindex: "0", "data-claim": name, class: CHECKED.includes(name) ? "checked" : "", onmouseenter: explain, onfocus: explain },
      el("span", { class: "claim" }, name),
      el("span", { class: "value" }, typeof value === "string" ? value : JSON.stringify(value), TIMES.includes(name) ? el("span", { class: "time" }, moment(value)) : ""),
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

/** Seconds since 1970 as a person would say it. */
function moment(seconds) {
  const away = Math.round(seconds - Date.now() / 1000);
  const amount = Math.abs(away) < 120 ? `${Math.abs(away)} s` : Math.abs(away) < 7200 ? `${Math.round(Math.abs(away) / 60)} min` : `${Math.round(Math.abs(away) / 3600)} h`;
  return `${new Date(seconds * 1000).toLocaleTimeString()}, ${away < 0 ? `${amount} ago` : `in ${amount}`}`;
}


// Parses WWW-Authenticate (RFC 9110, 11.6.1): a list of challenges, each a scheme with parameters.

/** `[{ scheme: "bearer", parameters: { realm: "…", scope: "…" } }]`; throws on a syntax error. */
function challenges(header) {
  const found = [];
  let rest = header ?? "";
  const take = (pattern) => {
    const match = pattern.exec(rest);
    if (match) rest = rest.slice(match[0].length);
    return match;
  };
  while ((take(/^[\s,]+/), rest)) {
    // A name followed by `=` is a parameter of the current challenge; any other word starts a new challenge.
    const parameter = found.length > 0 && take(/^([!#$%&'*+.^_`|~\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~\w-]+))(?=\s*(?:,|$))/);
    if (parameter) {
      const [, name, quoted, plain] = parameter;
      const { parameters } = found.at(-1);
      if (name.toLowerCase() in parameters) throw new FlowError(`WWW-Authenticate repeats the parameter ${name}`);
      parameters[name.toLowerCase()] = quoted === undefined ? plain : quoted.replace(/\\(.)/g, "$1");
      continue;
    }
    const scheme = take(/^([!#$%&'*+.^_`|~\w-]+)(?:\s+[\w.~+/-]+=*(?=\s*(?:,|$))|(?=\s|,|$))/);
    if (!scheme) throw new FlowError(`syntax error in WWW-Authenticate at: ${rest}`);
    found.push({ scheme: scheme[1].toLowerCase(), parameters: Object.create(null) });
  }
  return found;
}

/** The parameters of a response’s Bearer challenge, if there is one. */
function bearerChallenge(exchange) {
  return challenges(exchange.response.get("www-authenticate")).find(({ scheme }) => scheme === "bearer")?.parameters;
}


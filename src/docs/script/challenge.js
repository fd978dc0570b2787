// WWW-Authenticate, as RFC 9110 section 11.6.1 writes it: several challenges, each a scheme with parameters.

/** `[{ scheme: "bearer", parameters: { realm: "…", scope: "…" } }]`; throws where the grammar is left. */
function challenges(header) {
  const found = [];
  let rest = header ?? "";
  const take = (pattern) => {
    const match = pattern.exec(rest);
    if (match) rest = rest.slice(match[0].length);
    return match;
  };
  while ((take(/^[\s,]+/), rest)) {
    // A name before `=` goes on with the challenge that we are in; any other word begins a new one.
    const parameter = found.length > 0 && take(/^([!#$%&'*+.^_`|~\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([!#$%&'*+.^_`|~\w-]+))(?=\s*(?:,|$))/);
    if (parameter) {
      const [, name, quoted, plain] = parameter;
      const { parameters } = found.at(-1);
      if (name.toLowerCase() in parameters) throw new Refused(`WWW-Authenticate gives ${name} twice`);
      parameters[name.toLowerCase()] = quoted === undefined ? plain : quoted.replace(/\\(.)/g, "$1");
      continue;
    }
    const scheme = take(/^([!#$%&'*+.^_`|~\w-]+)(?:\s+[\w.~+/-]+=*(?=\s*(?:,|$))|(?=\s|,|$))/);
    if (!scheme) throw new Refused(`WWW-Authenticate cannot be read from here on: ${rest}`);
    found.push({ scheme: scheme[1].toLowerCase(), parameters: Object.create(null) });
  }
  return found;
}

/** The parameters of the Bearer challenge of an answer, if there is one. */
function bearerChallenge(exchange) {
  return challenges(exchange.answer.get("www-authenticate")).find(({ scheme }) => scheme === "bearer")?.parameters;
}


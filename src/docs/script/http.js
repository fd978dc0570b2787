// Requests, and how they are shown: as they were sent, and as they were answered.

const SECRETS = ["access_token", "refresh_token", "id_token", "client_secret", "registration_access_token", "code", "code_verifier"];
const HEADERS = ["content-type", "www-authenticate", "allow", "location", "retry-after", "mcp-protocol-version", "mcp-session-id", "x-authenticated-user"];

/** Sends a request. What comes back can be asked and shown; a request that got no answer has the status 0. */
async function send(method, url, { headers = {}, body } = {}) {
  const request = { method, url: new URL(url, location.href).href, headers, body };
  const began = performance.now();
  try {
    const answer = await fetch(request.url, { method, headers, body, credentials: "omit", cache: "no-store", redirect: "manual" });
    const text = await answer.text();
    return { ...request, status: answer.status, reason: answer.statusText, answer: answer.headers, text, json: parsed(text), ms: performance.now() - began };
  } catch (error) {
    // The browser tells the page no more than this; its console (F12) does.
    return { ...request, status: 0, reason: "no answer", answer: new Headers(), text: `${error.message}: is the server there, and does it let pages of ${location.origin} read its answers (CORS)?`, ms: 0 };
  }
}

const post = (url, fields) =>
  send("POST", url, { headers: { "Content-Type": "application/x-www-form-urlencoded" }, body: new URLSearchParams(fields).toString() });

/** A JSON-RPC request to the MCP endpoint. */
function rpc(method, params, token) {
  const headers = { "Content-Type": "application/json", Accept: "application/json, text/event-stream" };
  if (token) headers.Authorization = `Bearer ${token}`;
  return send("POST", "/mcp", { headers, body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }) });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A request and its answer, for the eye: one line that opens and closes. */
function shown(exchange) {
  const kind = exchange.status === 0 || exchange.status >= 500 ? "bad" : exchange.status >= 400 ? "refused" : "good";
  const lines = requestLines(exchange);
  return el(
    "details",
    { class: "exchange", open: true },
    el("summary", {}, el("b", {}, exchange.method), " ", code(exchange.url), calledMethod(exchange), " ", el("span", { class: `status ${kind}` }, `${exchange.status || ""} ${exchange.reason}`.trim())),
    lines.length ? el("pre", { class: "request", tabindex: "0", "aria-label": "Request" }, lines.join("\n")) : "",
    el(
      "div",
      { class: "answer" },
      answerHeaders(exchange.answer),
      exchange.json !== undefined ? coloured(discreet(exchange.json)) : exchange.text ? el("pre", { tabindex: "0", "aria-label": "Answer" }, exchange.text) : el("p", { class: "empty" }, "no body"),
      exchange.ms ? el("p", { class: "time" }, `${exchange.ms.toFixed(0)} ms`) : "",
    ),
  );
}

/** Which JSON-RPC method a request calls, since all of them go to one address. */
function calledMethod({ headers, body }) {
  const method = headers["Content-Type"] === "application/json" && parsed(body)?.method;
  return method ? el("code", { class: "called" }, method) : "";
}

function requestLines({ headers, body }) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${name === "Authorization" ? shortened(value) : value}`);
  if (body === undefined) return lines;
  if (headers["Content-Type"] !== "application/x-www-form-urlencoded") return [...lines, "", body];
  const fields = [...new URLSearchParams(body)].map(([name, value]) => `${name} = ${SECRETS.includes(name) ? shortened(value) : value}`);
  return [...lines, "", ...fields];
}

function answerHeaders(headers) {
  const rows = HEADERS.filter((name) => headers.has(name)).map((name) => [el("dt", {}, name), el("dd", {}, headers.get(name))]);
  return rows.length ? el("dl", { class: "headers" }, rows.flat()) : "";
}

/** The same JSON with its secrets cut short. */
function discreet(json) {
  return JSON.parse(JSON.stringify(json), (name, value) => (SECRETS.includes(name) && typeof value === "string" ? shortened(value) : value));
}


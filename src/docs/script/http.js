// Sends requests and shows each one with its response.

const SECRETS = ["access_token", "refresh_token", "id_token", "client_secret", "registration_access_token", "code", "code_verifier"];
const SHOWN_HEADERS = ["content-type", "www-authenticate", "allow", "location", "retry-after", "mcp-protocol-version", "mcp-session-id", "x-authenticated-user"];

/** Sends a request. A request without a response has the status 0. */
async function send(method, url, { headers = {}, body } = {}) {
  const request = { method, url: new URL(url, location.href).href, headers, body };
  const start = performance.now();
  try {
    const response = await fetch(request.url, { method, headers, body, credentials: "omit", cache: "no-store", redirect: "manual" });
    const text = await response.text();
    return { ...request, status: response.status, reason: response.statusText, response: response.headers, text, json: parseJson(text), ms: performance.now() - start };
  } catch (error) {
    // The browser gives pages no more detail than this; its console (F12) has more.
    return { ...request, status: 0, reason: "no response", response: new Headers(), text: `${error.message}: check that the server runs, and that it allows ${location.origin} to read its responses (CORS)`, ms: 0 };
  }
}

const postForm = (url, fields, headers = {}) =>
  send("POST", url, { headers: { "Content-Type": "application/x-www-form-urlencoded", ...headers }, body: new URLSearchParams(fields).toString() });

/** A JSON-RPC request to the MCP endpoint. */
function rpc(method, params, token, more = {}) {
  const headers = { "Content-Type": "application/json", Accept: "application/json, text/event-stream", ...more };
  if (token) headers.Authorization = `Bearer ${token}`;
  return send("POST", "/mcp", { headers, body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }) });
}

function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A request and its response, as one line that opens. */
function exchangeView(exchange) {
  const kind = exchange.status === 0 || exchange.status >= 500 ? "bad" : exchange.status >= 400 ? "rejected" : "good";
  const lines = requestLines(exchange);
  return el(
    "details",
    { class: "exchange", open: true },
    el("summary", {}, el("b", {}, exchange.method), " ", code(exchange.url), rpcMethod(exchange), " ", el("span", { class: `status ${kind}` }, `${exchange.status || ""} ${exchange.reason}`.trim())),
    lines.length ? el("pre", { class: "request", tabindex: "0", "aria-label": "Request" }, lines.join("\n")) : "",
    el(
      "div",
      { class: "response" },
      headerList(exchange.response),
      exchange.json !== undefined ? jsonView(redacted(exchange.json)) : exchange.text ? el("pre", { tabindex: "0", "aria-label": "Response body" }, exchange.text) : el("p", { class: "empty" }, "no body"),
      exchange.ms ? el("p", { class: "time" }, `${exchange.ms.toFixed(0)} ms`) : "",
    ),
  );
}

/** The JSON-RPC method of a request: all of them have the same URL. */
function rpcMethod({ headers, body }) {
  const method = headers["Content-Type"] === "application/json" && parseJson(body)?.method;
  return method ? el("code", { class: "rpc-method" }, method) : "";
}

function requestLines({ headers, body }) {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${["Authorization", "DPoP"].includes(name) ? truncated(value) : value}`);
  if (body === undefined) return lines;
  if (headers["Content-Type"] !== "application/x-www-form-urlencoded") return [...lines, "", body];
  const fields = [...new URLSearchParams(body)].map(([name, value]) => `${name} = ${SECRETS.includes(name) ? truncated(value) : value}`);
  return [...lines, "", ...fields];
}

function headerList(headers) {
  const rows = SHOWN_HEADERS.filter((name) => headers.has(name)).map((name) => [el("dt", {}, name), el("dd", {}, headers.get(name))]);
  return rows.length ? el("dl", { class: "headers" }, rows.flat()) : "";
}

/** A copy of the JSON with truncated secrets. */
function redacted(json) {
  return JSON.parse(JSON.stringify(json), (name, value) => (SECRETS.includes(name) && typeof value === "string" ? truncated(value) : value));
}


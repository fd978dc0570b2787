// The request buttons, and the token that they send. The token is kept in this variable and nowhere else.

let accessToken = "";

function setToken(token) {
  const { claims } = decodeToken(token);
  accessToken = token;
  const name = claims.preferred_username ?? claims.sub ?? "an unnamed user";
  const scopes = (claims.scope ?? (claims.scopes ?? []).join(" ")) || "none";
  find("#token-text").replaceChildren("The requests below send the token of ", el("strong", {}, name), ". Scopes: ", code(scopes), `. Expires: ${formatTime(claims.exp)}.`);
  find("#token").classList.add("present");
}

function prepareTokenForm() {
  const form = find("#token-form");
  if (!form) return;
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const token = find("#pasted").value.trim();
    try {
      setToken(token);
      find("#pasted-claims").replaceChildren(claimList(token));
      announce("The requests below send this token now.");
      form.reset();
    } catch (error) {
      find("#pasted-claims").replaceChildren(el("p", { class: "stopped" }, error.message));
      announce(error.message);
    }
  });
}

/** `Name: value` lines as an object. */
function parseHeaders(text) {
  const lines = text.split("\n").map((line) => line.split(/:(.*)/s).map((part) => part.trim()));
  return Object.fromEntries(lines.filter(([name, value]) => name && value !== undefined).map(([name, value]) => [name, value]));
}

function prepareSample(sample) {
  const { method, path, credentials } = sample.dataset;
  const form = find("form", sample);
  find("details", sample).open = !form;
  if (!form) return;
  form.hidden = false;
  const field = find("[name=body]", form);
  if (field) {
    field.value = JSON.stringify(JSON.parse(field.value), null, 2);
    field.rows = field.value.split("\n").length;
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const headers = {};
    const body = field?.value;
    if (body !== undefined) Object.assign(headers, { "Content-Type": "application/json", Accept: "application/json, text/event-stream" });
    if (credentials === "invalid") headers.Authorization = "Bearer invalid";
    if (credentials === "token" && accessToken) headers.Authorization = `Bearer ${accessToken}`;
    Object.assign(headers, parseHeaders(find("[name=headers]", form)?.value ?? ""));
    // The previous response must not stay beside the new request.
    find(".result", sample).replaceChildren();
    const exchange = await send(method, path, { headers, body });
    find(".result", sample).replaceChildren(exchangeView(exchange));
    announce(`${find("h3", sample).textContent}: ${exchange.status} ${exchange.reason}`);
  });
}

/** The server's documents and tokens contain its public URL, so the flow fails under any other. */
function showPublicUrl() {
  const publicUrl = new URL("/docs", document.body.dataset.base);
  if (publicUrl.origin === location.origin) return;
  const note = find("#elsewhere");
  note.replaceChildren("The public URL of this server is ", code(publicUrl.origin), "; its metadata and tokens contain that URL. ", el("a", { href: publicUrl.href }, "Open the guide there"), " to run the authorization flow.");
  note.hidden = false;
}

showPublicUrl();
findAll(".sample").forEach(prepareSample);
prepareTokenForm();
prepareFlow();

// The page itself: the buttons of the requests, and the token that they send. It is held here and nowhere else.

let heldToken = "";

function holdToken(token) {
  const { claims } = decoded(token);
  heldToken = token;
  const name = claims.preferred_username ?? claims.sub ?? "somebody";
  const scopes = (claims.scope ?? (claims.scopes ?? []).join(" ")) || "none";
  find("#holder-text").replaceChildren("The buttons below send the token of ", el("strong", {}, name), ", with the scopes ", code(scopes), `, good until ${moment(claims.exp)}.`);
  find("#holder").classList.add("full");
}

function preparePaste() {
  const form = find("#paste");
  if (!form) return;
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const token = find("#pasted").value.trim();
    try {
      holdToken(token);
      find("#pasted-claims").replaceChildren(claimList(token));
      say("The buttons below send this token now.");
      form.reset();
    } catch (error) {
      find("#pasted-claims").replaceChildren(el("p", { class: "stopped" }, error.message));
      say(error.message);
    }
  });
}

/** `Name: value`, one a line, as people write them. */
function headerLines(text) {
  const lines = text.split("\n").map((line) => line.split(/:(.*)/s).map((part) => part.trim()));
  return Object.fromEntries(lines.filter(([name, value]) => name && value !== undefined).map(([name, value]) => [name, value]));
}

function prepareSample(sample) {
  const { method, path, credentials } = sample.dataset;
  find("details", sample).open = false;
  const form = find("form", sample);
  if (!form) {
    find("details", sample).open = true;
    return;
  }
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const headers = {};
    const body = find("[name=body]", form)?.value;
    if (body !== undefined) Object.assign(headers, { "Content-Type": "application/json", Accept: "application/json, text/event-stream" });
    if (credentials === "nonsense") headers.Authorization = "Bearer nonsense";
    if (credentials === "token" && heldToken) headers.Authorization = `Bearer ${heldToken}`;
    // Those that the sample has of its own: a request of 2026-07-28 repeats there what its body says.
    Object.assign(headers, headerLines(find("[name=headers]", form)?.value ?? ""));
    // The answer to the last question is no answer to this one.
    find(".result", sample).replaceChildren();
    const exchange = await send(method, path, { headers, body });
    find(".result", sample).replaceChildren(shown(exchange));
    say(`${find("h3", sample).textContent}: ${exchange.status} ${exchange.reason}`);
  });
}

/** Under another name than its own, the server’s documents are about somebody else: see the check of `resource`. */
function mentionOwnName() {
  const own = new URL("/docs", document.body.dataset.base);
  if (own.origin === location.origin) return;
  const note = find("#elsewhere");
  note.replaceChildren("This server calls itself ", code(own.origin), ", and that is the name in its documents and tokens. ", el("a", { href: own.href }, "Go there"), " to walk through the login.");
  note.hidden = false;
}

mentionOwnName();
findAll(".sample").forEach(prepareSample);
preparePaste();
prepareWalk();

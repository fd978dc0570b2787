// Runs the authorization flow: one card for each stage, run one by one or all at once.

let flow = {};
let stages = [];
let cards = [];
let pendingLogin = new AbortController();

function startFlow() {
  pendingLogin.abort();
  pendingLogin = new AbortController();
  flow = {};
  // A server without scopes rejects no call for its scope, and not every server accepts bound tokens.
  const { scopes, dpop } = find("#flow").dataset;
  stages = STAGES.filter(({ needsScopes, needsDpop }) => (!needsScopes || scopes === "enforced") && (!needsDpop || dpop === "accepted"));
  cards = stages.map((stage, index) => stageCard(stage, index));
  find("#stages").replaceChildren(...cards);
  for (const part of findAll("[data-part]")) part.classList.remove("done", "current");
  find("#run-all").hidden = false;
  unlock(0);
}

function stageCard(stage, index) {
  const button = el("button", { type: "button", class: "go", disabled: true, onclick: () => runStages(index, index) }, stage.label ?? "Run", el("span", { class: "unseen" }, `: ${stage.title}`));
  return el(
    "li",
    { class: "stage", id: `stage-${stage.id}`, "data-state": "waiting" },
    el("p", { class: "route" }, stage.route),
    el("h3", {}, stage.title),
    el("p", {}, stage.why, " ", el("span", { class: "spec" }, stage.spec)),
    el("div", { class: "choices" }),
    button,
    el("div", { class: "result" }),
  );
}

/** Enables the stage as the next one. */
function unlock(index) {
  const card = cards[index];
  if (!card) return;
  card.dataset.state = "next";
  stages[index].prepare?.(flow, find(".choices", card));
  find(".go", card).disabled = false;
}

/** Runs stages up to the first that fails. */
async function runStages(first, last) {
  find("#run-all").disabled = true;
  for (let index = first; index <= last; index += 1) {
    if (!(await runStage(index))) break;
  }
  find("#run-all").disabled = false;
  find("#run-all").hidden = cards.every(({ dataset }) => dataset.state === "done");
}

async function runStage(index) {
  const [stage, card] = [stages[index], cards[index]];
  const button = find(".go", card);
  const opens = typeof stage.opensWindow === "function" ? stage.opensWindow(flow) : stage.opensWindow;
  const popup = opens ? loginWindow() : null;
  button.disabled = true;
  card.dataset.state = "running";
  // Earlier exchanges collapse to one line each.
  for (const earlier of findAll("#stages details")) earlier.open = false;
  highlight(stage.id, "current");
  card.scrollIntoView({ block: "nearest" });
  try {
    await stage.run(flow, display(card, popup));
  } catch (error) {
    popup?.close();
    if (!card.isConnected) return false; // the flow was restarted meanwhile
    card.dataset.state = "failed";
    find(".result", card).append(el("p", { class: "stopped" }, el("strong", {}, "The flow stops here: "), error.message), el("button", { type: "button", onclick: startFlow }, "Start over"));
    announce(`${stage.title}: the flow stops here. ${error.message}`);
    if (!(error instanceof FlowError)) console.error(error);
    return false;
  }
  if (!card.isConnected) return false;
  card.dataset.state = "done";
  button.hidden = true;
  highlight(stage.id, "done");
  const next = stages[index + 1];
  announce(next ? `${stage.title}: done. Next: ${next.title}` : "The flow is complete.");
  unlock(index + 1);
  if (cards[index + 1]) find(".go", cards[index + 1]).focus({ preventScroll: true });
  return true;
}

/** Highlights a part of the diagram. */
function highlight(part, state) {
  for (const element of findAll(`[data-part="${part}"]`)) {
    element.classList.remove("current");
    element.classList.add(state);
  }
}

/** What a stage uses to show its results. */
function display(card, popup) {
  const result = find(".result", card);
  const add = (element) => (result.append(element), element);
  return {
    card,
    add,
    exchange: (exchange) => (add(exchangeView(exchange)), exchange),
    note: (...parts) => add(el("p", { class: "note" }, ...parts)),
    fields: (rows) => add(el("dl", { class: "fields" }, rows.map(([name, value, meaning]) => [el("dt", {}, name), el("dd", {}, code(value), meaning ? el("span", { class: "meaning" }, meaning) : "")]).flat())),
    check(text, holds, problem) {
      add(el("p", { class: `check ${holds ? "good" : "bad"}` }, el("span", { class: "unseen" }, holds ? "Passed: " : "Failed: "), text));
      if (!holds) throw new FlowError(problem);
    },
    async login(url, state) {
      const { signal } = pendingLogin;
      const link = el("a", { href: url, target: "_blank", rel: "noopener" }, "open it here");
      const waiting = add(el("p", { class: "waiting" }, "Waiting for the login. If no window has opened, ", link, "."));
      announce("Waiting for the login.");
      if (popup) popup.location.href = url;
      const response = await authorizationResponse(state, signal);
      waiting.remove();
      window.focus();
      return response;
    },
  };
}

function prepareFlow() {
  if (!find("#flow")) return;
  find("#flow .controls").hidden = false;
  find("#run-all").addEventListener("click", () => runStages(cards.findIndex(({ dataset }) => dataset.state === "next"), cards.length - 1));
  find("#start-over").addEventListener("click", startFlow);
  startFlow();
}


// The walk: one card for each stage, gone through on a click each, or all at once.

let walk = {};
let cards = [];
let stopWaiting = new AbortController();

function startWalk() {
  stopWaiting.abort();
  stopWaiting = new AbortController();
  walk = {};
  cards = STAGES.map((stage, index) => stageCard(stage, index));
  find("#stages").replaceChildren(...cards);
  for (const part of findAll("[data-part]")) part.classList.remove("seen", "now");
  find("#walk-all").hidden = false;
  unlock(0);
}

function stageCard(stage, index) {
  const button = el("button", { type: "button", class: "go", disabled: true, onclick: () => runFrom(index, index) }, stage.label ?? "Do it", el("span", { class: "unseen" }, `: ${stage.title}`));
  return el(
    "li",
    { class: "stage", id: `stage-${stage.id}`, "data-state": "waiting" },
    el("p", { class: "route" }, stage.route),
    el("h3", {}, stage.title),
    el("p", {}, stage.why, " ", el("span", { class: "rule" }, stage.rule)),
    el("div", { class: "choices" }),
    button,
    el("div", { class: "result" }),
  );
}

/** Makes the stage the next one. */
function unlock(index) {
  const card = cards[index];
  if (!card) return;
  card.dataset.state = "next";
  STAGES[index].prepare?.(walk, find(".choices", card));
  find(".go", card).disabled = false;
}

/** Goes through the stages from one to another; stops where one fails. */
async function runFrom(first, last) {
  find("#walk-all").disabled = true;
  for (let index = first; index <= last; index += 1) {
    if (!(await runStage(index))) break;
  }
  find("#walk-all").disabled = false;
  find("#walk-all").hidden = cards.every(({ dataset }) => dataset.state === "done");
}

async function runStage(index) {
  const [stage, card] = [STAGES[index], cards[index]];
  const button = find(".go", card);
  const opens = typeof stage.opensWindow === "function" ? stage.opensWindow(walk) : stage.opensWindow;
  const popup = opens ? loginWindow() : null;
  button.disabled = true;
  card.dataset.state = "running";
  // What was seen before steps back: one line for each request, to be opened again.
  for (const earlier of findAll("#stages details")) earlier.open = false;
  light(stage.id, "now");
  card.scrollIntoView({ block: "nearest" });
  try {
    await stage.run(walk, display(card, popup));
  } catch (error) {
    popup?.close();
    if (!card.isConnected) return false; // the walk was begun again meanwhile
    card.dataset.state = "failed";
    find(".result", card).append(el("p", { class: "stopped" }, el("strong", {}, "The walk ends here: "), error.message), el("button", { type: "button", onclick: startWalk }, "Start over"));
    say(`${stage.title}: the walk ends here. ${error.message}`);
    if (!(error instanceof Refused)) console.error(error);
    return false;
  }
  if (!card.isConnected) return false;
  card.dataset.state = "done";
  button.hidden = true;
  light(stage.id, "seen");
  const next = STAGES[index + 1];
  say(next ? `${stage.title}: done. Next: ${next.title}` : "The walk is done.");
  unlock(index + 1);
  if (cards[index + 1]) find(".go", cards[index + 1]).focus({ preventScroll: true });
  return true;
}

/** Lights up a part of the picture. */
function light(part, state) {
  for (const element of findAll(`[data-part="${part}"]`)) {
    element.classList.remove("now");
    element.classList.add(state);
  }
}

/** What a stage has to show itself on. */
function display(card, popup) {
  const result = find(".result", card);
  const add = (element) => (result.append(element), element);
  return {
    card,
    add,
    exchange: (exchange) => (add(shown(exchange)), exchange),
    note: (...parts) => add(el("p", { class: "note" }, ...parts)),
    fields: (rows) => add(el("dl", { class: "fields" }, rows.map(([name, value, meaning]) => [el("dt", {}, name), el("dd", {}, code(value), meaning ? el("span", { class: "meaning" }, meaning) : "")]).flat())),
    check(text, good, problem) {
      add(el("p", { class: `check ${good ? "good" : "bad"}` }, el("span", { class: "unseen" }, good ? "Checked: " : "Not so: "), text));
      if (!good) throw new Refused(problem);
    },
    async login(url, state) {
      const { signal } = stopWaiting;
      const link = el("a", { href: url, target: "_blank", rel: "noopener" }, "open it yourself");
      const waiting = add(el("p", { class: "waiting" }, "Waiting for you at the login page. Did it not open? Then ", link, "."));
      say("Waiting for you at the login page.");
      if (popup) popup.location.href = url;
      const answer = await answerOfLogin(state, signal);
      waiting.remove();
      window.focus();
      return answer;
    },
  };
}

function prepareWalk() {
  if (!find("#walk")) return;
  find("#walk .controls").hidden = false;
  find("#walk-all").addEventListener("click", () => runFrom(cards.findIndex(({ dataset }) => dataset.state === "next"), cards.length - 1));
  find("#walk-again").addEventListener("click", startWalk);
  startWalk();
}


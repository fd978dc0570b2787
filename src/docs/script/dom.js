// Small helpers. Text from anywhere goes in as text, never as HTML.

const find = (selector, root = document) => root.querySelector(selector);
const findAll = (selector, root = document) => [...root.querySelectorAll(selector)];

/** An element: el("a", { href: "/x", class: "y" }, "text", otherElement) */
function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== ""));
  return element;
}

const code = (text) => el("code", {}, String(text));

/** Tells a screen reader what has just happened. */
function say(text) {
  find("#said").textContent = text;
}

/** JSON in colours: strings, names and everything else. */
function coloured(json) {
  const pre = el("pre", { class: "json", tabindex: "0", "aria-label": "Answer" });
  const parts = JSON.stringify(json, null, 2).split(/("(?:[^"\\]|\\.)*"(?:\s*:)?)/);
  for (const part of parts) {
    if (!part.startsWith('"')) pre.append(part);
    else pre.append(el("span", { class: part.endsWith(":") ? "member" : "string" }, part));
  }
  return pre;
}

/** Long secrets are for programs; the first characters are enough for people. */
const shortened = (text) => (text.length > 28 ? `${text.slice(0, 20)}… (${text.length} characters)` : text);


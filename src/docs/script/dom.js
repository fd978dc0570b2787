// DOM helpers. Text from the network is always inserted as text, never as HTML.

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

/** Announces an event to screen readers. */
function announce(text) {
  find("#status").textContent = text;
}

/** Highlighted JSON. */
function jsonView(json) {
  const pre = el("pre", { class: "json", tabindex: "0", "aria-label": "Response body" });
  const parts = JSON.stringify(json, null, 2).split(/("(?:[^"\\]|\\.)*"(?:\s*:)?)/);
  for (const part of parts) {
    if (!part.startsWith('"')) pre.append(part);
    else pre.append(el("span", { class: part.endsWith(":") ? "property" : "string" }, part));
  }
  return pre;
}

/** A secret, truncated for display. */
const truncated = (text) => (text.length > 28 ? `${text.slice(0, 20)}… (${text.length} characters)` : text);


// The redirect URI. The authorization response belongs to the page that sent the request: it listens on a channel named
// after `state`. If no page listens there, this browser did not start the login, and the response is discarded.
const query = location.search;
const state = new URLSearchParams(query).get("state");
// The code must stay neither in the address bar nor in the history.
history.replaceState(null, "", location.pathname);

const message = document.querySelector("#status");
const timeout = setTimeout(() => {
  message.textContent = "No page in this browser is waiting for this response. If you did not just start a login from the guide, close this window: somebody may have sent you a crafted link. Otherwise start the login again.";
}, 1500);

const channel = new BroadcastChannel(`login ${state}`);
channel.onmessage = () => {
  clearTimeout(timeout);
  message.textContent = "The guide has received the response. You can close this window.";
  window.close();
};
channel.postMessage(query);
message.textContent = "Passing the response to the guide…";

// What came back from the login page belongs to the page that began the login. It waits under the name of its `state`;
// if nobody waits under this name, nobody here has asked, and the answer is worth nothing.
const query = location.search;
const state = new URLSearchParams(query).get("state");
// The code must not stay in the address or in the history.
history.replaceState(null, "", location.pathname);

const said = document.querySelector("#said");
const nobody = setTimeout(() => {
  said.textContent = "No page of this browser is waiting for this answer. If you did not just log in from the guide, somebody may have sent you here: close this window. Otherwise begin again from the guide.";
}, 1500);

const channel = new BroadcastChannel(`login ${state}`);
channel.onmessage = () => {
  clearTimeout(nobody);
  said.textContent = "The guide has the answer. You can close this window.";
  window.close();
};
channel.postMessage(query);
said.textContent = "Handing the answer to the guide…";

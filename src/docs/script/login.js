// The login window, and how its result reaches this page.

/** A window for the login page. It must be opened by the click itself: later, browsers block it as a popup. */
function loginWindow() {
  const opened = window.open("about:blank", "_blank", "popup,width=560,height=760");
  // The login page must not be able to navigate this one.
  if (opened) opened.opener = null;
  return opened;
}

/**
 * Waits until /docs/callback has received the response to the login with this `state`, and returns its query. Only pages
 * of this origin can use the channel; the response is validated all the same.
 */
function authorizationResponse(state, signal) {
  const channel = new BroadcastChannel(`login ${state}`);
  return new Promise((resolve, reject) => {
    channel.onmessage = ({ data }) => {
      channel.postMessage("received");
      resolve(data);
    };
    signal.addEventListener("abort", () => reject(new FlowError("the login was cancelled")));
  }).finally(() => channel.close());
}


// The way through the login page and back.

/** A window for the login page. Opened on the click itself: later, browsers take it for advertising. */
function loginWindow() {
  const opened = window.open("about:blank", "_blank", "popup,width=560,height=760");
  // The login page has no business with this one.
  if (opened) opened.opener = null;
  return opened;
}

/**
 * Waits until /docs/callback has the answer to the login with this `state`, and gives its query. The two pages are of
 * one origin, so nobody else can listen or speak here; that the answer is the right one is checked all the same.
 */
function answerOfLogin(state, stop) {
  const channel = new BroadcastChannel(`login ${state}`);
  return new Promise((resolve, reject) => {
    channel.onmessage = ({ data }) => {
      channel.postMessage("thanks");
      resolve(data);
    };
    stop.addEventListener("abort", () => reject(new Refused("you stopped waiting for the login")));
  }).finally(() => channel.close());
}


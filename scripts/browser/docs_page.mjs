// The guide at /docs in a browser: requests sent from the page, then the authorization flow with a user who logs in.
// Arguments: BASE_URL, and "provider" when users log in at a Keycloak with mcp-realm.
// The page's expected content is read from /health and the metadata.

import { readFileSync } from 'node:fs';
import { run } from './browser.mjs';

const [base, provider] = process.argv.slice(2);
if (!base) throw new Error('usage: node docs_page.mjs BASE_URL [provider]');

const json = async (path) => {
  const response = await fetch(base + path, { headers: { Origin: base } });
  return response.ok ? response.json() : undefined;
};
const health = await json('/health');
const resource = await json('/.well-known/oauth-protected-resource/mcp');
// The page may send requests to the authorization server and to no other.
const elsewhere = resource ? new URL(resource.authorization_servers[0]).origin : base;

const ADMIN_TOOLS = { 'Recent calls': 'recent_calls', 'Confirm before clearing': 'clear_call_log' };

// The page's rule about endpoints, loaded as it is; `location` is where the page was loaded from.
const oauth = readFileSync(new URL('../../src/docs/script/oauth.js', import.meta.url), 'utf8');
const endpointProblem = (endpoint, hostname) => new Function('location', `${oauth}; return endpointProblem;`)({ hostname })(endpoint);

await run(async ({ visit, check, shoot, looksRight, accessible }) => {
  const open = async (options) => {
    const page = await visit(`${base}/docs`, options);
    page.unexpected = () => page.complaints.filter((text) => text !== `loads ${elsewhere}`);
    return page;
  };
  const sample = (page, title) => page.locator('.sample', { has: page.getByRole('heading', { name: title, exact: true }) }).first();
  const status = async (page, title) => {
    const card = sample(page, title);
    await card.getByRole('button', { name: 'Send' }).click();
    return card.locator('.result .status').textContent();
  };

  console.log('== which authorization endpoints the page opens');
  for (const [endpoint, hostname, opens] of [
    ['https://id.example.com/authorize', 'mcp.example.com', true],
    ['http://localhost:8080/authorize', 'localhost', true],
    ['http://192.168.0.1/authorize', '127.0.0.1', true],
    ['javascript:alert(1)', 'localhost', false],
    ['data:text/html,x', 'localhost', false],
    ['file:///etc/passwd', 'localhost', false],
    ['/authorize', 'localhost', false],
    [undefined, 'localhost', false],
    ...['localhost', 'x.localhost', '127.0.0.1', '2130706433', '0.0.0.0', '10.1.2.3', '100.64.0.1', '169.254.169.254', '172.16.0.1', '192.168.0.1', '198.18.0.1', '224.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '[fd00::1]', '[fe80::1]', '[64:ff9b::a00:1]', '[2002:a00:1::]']
      .map((host) => [`http://${host}/authorize`, 'mcp.example.com', false]),
    ...['8.8.8.8', '172.32.0.1', '[2606:4700::1111]'].map((host) => [`https://${host}/authorize`, 'mcp.example.com', true]),
  ]) {
    check(`${endpoint}, for a page at ${hostname}: ${opens ? 'opened' : 'rejected'}`, endpointProblem(endpoint, hostname) === undefined, opens);
  }

  console.log('== the page and its buttons');
  let page = await open();
  check('new messages are marked', await page.locator('svg .new').count() > 0);
  check('the diagram is also a list', await page.locator('svg [data-part]').count(), await page.locator('figure .messages li').count());
  check('a request is sent', await status(page, 'Health check'), '200 OK');
  check('and its response shown', JSON.parse(await sample(page, 'Health check').locator('.json').textContent()).status, 'healthy');
  check('a screen reader announces it', await page.textContent('#status'), 'Health check: 200 OK');
  if (health.auth_required) {
    check('without a token: 401', await status(page, 'Call without a token'), '401 Unauthorized');
    check('the challenge is shown', (await sample(page, 'Call without a token').locator('.headers').textContent()).includes('Bearer realm='));
    await page.fill('#pasted', 'no.token');
    await page.press('#pasted', 'Enter');
    check('text that is not a JWT is rejected', await page.locator('#pasted-claims .stopped').count(), 1);
  } else if (await sample(page, 'Allowed Origin').count()) {
    check('an allowed Origin passes the check', await status(page, 'Allowed Origin'), '404 Not Found');
    check('a request without Origin does not', await status(page, 'No Origin'), '403 Forbidden');
  } else {
    check('ping: 200', await status(page, 'Ping'), '200 OK');
    await sample(page, 'Ping').locator('[name=body]').fill('{');
    check('an edited body is sent', await status(page, 'Ping'), '400 Bad Request');
  }
  if (process.env.TOKEN) {
    await page.fill('#pasted', process.env.TOKEN);
    await page.press('#pasted', 'Enter');
    check('a pasted token is sent', await status(page, 'Call with your token'), '200 OK');
    await page.locator('[data-claim=aud]').focus();
    check('a focused claim is explained', (await page.textContent('.explanation')).startsWith('aud Audience'));
  }
  check('no errors in the console', page.unexpected(), []);

  // A token for the role admin, so that every call is allowed.
  if (process.env.TOKEN && health.resources) await everything({ page, status, sample, check, shoot }, 'admin');

  console.log('== without JavaScript');
  page = await open({ script: false });
  check('every request is there as a command', await page.locator('.sample pre.command').filter({ hasText: 'curl -i' }).count(), await page.locator('.sample').count());
  check('no button is visible', await page.locator('button:visible').count(), 0);

  console.log('== light and dark, phone and desktop');
  for (const dark of [false, true]) {
    for (const phone of [false, true]) {
      const look = `${dark ? 'dark' : 'light'}-${phone ? 'phone' : 'desktop'}`;
      page = await open({ dark, phone });
      await looksRight(page, look);
      await shoot(page, `docs-${look}`);
    }
  }

  if (!resource) {
    check('no discovery, no authorization flow', await page.locator('#flow').count(), 0);
    return;
  }
  page = await flow({ open, check, shoot, accessible });
  if (health.resources) await everything({ page, status, sample, check, shoot }, 'user');
});

// Whatever a server offers beyond tools and prompts, by its button, with the token that the page holds.
async function everything({ page, status, sample, check, shoot }, role) {
  console.log(`== resources, completion and the stateless revision, with the role ${role}`);
  const response = async (title) => JSON.parse(await sample(page, title).locator('.result .json').textContent());
  const forbidden = role === 'admin' ? '200 OK' : '403 Forbidden';
  for (const [title, wanted, look, found] of [
    ['List the resources', '200 OK', ({ result }) => result.resources.map(({ uri }) => uri), health.resources],
    ['Read a resource', '200 OK', ({ result }) => JSON.parse(result.contents[0].text).subject.length > 0, true],
    ['List the resource templates', '200 OK', ({ result }) => result.resourceTemplates[0].uriTemplate, 'tutorial://tools/{name}'],
    ['Read from a template', '200 OK', ({ result }) => result.contents[0].uri, 'tutorial://tools/whoami'],
    // Completion needs the scope of the prompt: mcp-user has no mcp:prompts.
    ['Complete an argument', provider ? '403 Forbidden' : '200 OK', ({ result }) => result?.completion.values ?? 'none', provider ? 'none' : ['formal', 'friendly']],
    ['Recent calls', forbidden, ({ result, error }) => (result ? result.structuredContent.calls.length > 0 : error.data.detail), role === 'admin' || 'recent_calls requires the role admin'],
    ['Discover the server', '200 OK', ({ result }) => result.supportedVersions, health.protocol_versions],
    ['Call a tool (2026-07-28)', '200 OK', ({ result }) => [result.resultType, result.content[0].text], ['complete', 'hello']],
    ['Read a resource (2026-07-28)', '200 OK', ({ result }) => [result.resultType, result.cacheScope], ['complete', 'private']],
    ['Header mismatch', '400 Bad Request', ({ error }) => error.code, -32020],
    ['Confirm before clearing', forbidden, ({ result }) => result?.resultType ?? 'none', role === 'admin' ? 'input_required' : 'none'],
  ].filter(([title]) => !ADMIN_TOOLS[title] || health.tools.includes(ADMIN_TOOLS[title]))) {
    check(`${title}: ${wanted}`, await status(page, title), wanted);
    check('  and the response', look(await response(title)), found);
  }
  const call = sample(page, 'Call a tool (2026-07-28)');
  await call.locator('[name=headers]').fill('MCP-Protocol-Version: 2026-07-28\nMcp-Method: tools/call');
  check('edited headers are sent', [await status(page, 'Call a tool (2026-07-28)'), (await response('Call a tool (2026-07-28)')).error.code], ['400 Bad Request', -32020]);
  await shoot(page, `tried-${role}`);
}

async function flow({ open, check, shoot, accessible }) {
  const state = (page, id) => page.getAttribute(`#stage-${id}`, 'data-state');
  const ended = (page, id) => page.waitForSelector(`#stage-${id}:is([data-state=done], [data-state=failed])`, { timeout: 20_000 });
  const go = async (page, id) => {
    await page.click(`#stage-${id} .go`);
    await ended(page, id);
    return state(page, id);
  };
  const opened = async (page, press) => {
    const [popup] = await Promise.all([page.context().waitForEvent('page'), press()]);
    return popup;
  };
  // Logs in and consents where asked, until the login window closes.
  const logIn = async (popup, name, password, agree) => {
    const gone = popup.waitForEvent('close', { timeout: 20_000 });
    const submit = async () => {
      await popup.waitForSelector('#username, form[action^=consent], [name=accept]');
      if (await popup.locator('#username').count()) {
        await popup.fill('#username', name);
        await popup.fill('#password', password);
        await popup.keyboard.press('Enter');
      }
      await popup.waitForSelector('form[action^=consent], [name=accept]');
      const button = provider ? popup.locator(agree ? '[name=accept]' : '[name=cancel]') : popup.getByRole('button', { name: agree ? 'Allow' : 'Deny', exact: true });
      await button.click();
    };
    // A provider may skip a consent that was given before; then the window closes early.
    await Promise.all([gone, submit().catch((error) => { if (!popup.isClosed()) throw error; })]);
  };
  const user = provider ? ['mcp-user', 'user123'] : ['alice', 'alice123'];

  let page;
  const stepUp = async () => {
    check('forbidden', await go(page, 'forbidden'), 'done');
    check('a call without its scope gets a 403', await page.locator('#stage-forbidden .status').last().textContent(), '403 Forbidden');
    await shoot(page, 'flow-forbidden');
    await logIn(await opened(page, () => page.click('#stage-step-up .go')), ...user, true);
    await ended(page, 'step-up');
    check('after the step-up the same call succeeds', [await state(page, 'step-up'), await page.locator('#stage-step-up .status').last().textContent()], ['done', '200 OK']);
  };

  console.log('== one stage after the other');
  page = await open();
  for (const id of ['challenge', 'resource', 'server', 'registration', 'pkce']) check(id, await go(page, id), 'done');
  check('the next button has the focus', await page.evaluate(() => document.activeElement.closest('.stage')?.id), 'stage-login');
  await logIn(await opened(page, () => page.click('#stage-login .go')), ...user, true);
  await ended(page, 'login');
  check('login', await state(page, 'login'), 'done');
  for (const id of ['callback', 'token', 'tools', 'altered']) check(id, await go(page, id), 'done');
  const checks = (id) => page.locator(`#stage-${id} .check.good`).allTextContents();
  check('state and iss are validated', (await checks('callback')).map((text) => text.replace(/:? .*/, '')), ['Passed', 'Passed']);
  check('the browser verifies the signature', (await checks('token')).length, 2);
  check('aud is this resource', await page.locator('#stage-token [data-claim=aud] .value').textContent(), resource.resource);
  await page.locator('#stage-token [data-claim=exp]').hover();
  check('hovering explains a claim', (await page.textContent('#stage-token .explanation')).startsWith('exp Expiry'));
  check('the altered token is rejected', await page.locator('#stage-altered .status').textContent(), '401 Unauthorized');
  // Where no scope is enforced, no stage promises a 403.
  check('a 403 and a step-up are offered where scopes are enforced', await page.locator('#stage-forbidden, #stage-step-up').count(), health.scope_based_auth ? 2 : 0);
  if (health.scope_based_auth) await stepUp();
  check('a bound token is offered where the server accepts one', await page.locator('#stage-bound, #stage-stolen').count(), resource.dpop_signing_alg_values_supported ? 2 : 0);
  if (resource.dpop_signing_alg_values_supported) {
    await logIn(await opened(page, () => page.click('#stage-bound .go')), ...user, true);
    await ended(page, 'bound');
    check('a token is bound to a key of the page', [await state(page, 'bound'), await page.locator('#stage-bound .status').last().textContent()], ['done', '200 OK']);
    check('without the key it is worthless', [await go(page, 'stolen'), await page.locator('#stage-stolen .status').allTextContents()], ['done', Array(4).fill('401 Unauthorized')]);
    await shoot(page, 'flow-bound');
  }
  check('the diagram shows what is done', await page.locator('svg [data-part=token].done').count() > 0);
  check('the token is in memory only', await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]), [0, 0, '']);
  check('no errors in the console', page.unexpected(), []);
  await shoot(page, 'flow-done');
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await accessible(page, `the completed flow in ${colorScheme}`);
  }

  // A provider asks for no consent when no scope needs it, so it cannot be denied there.
  if (!provider) {
    console.log('== all at once, and the user denies');
    page = await open({ dark: true });
    await logIn(await opened(page, () => page.click('#run-all')), ...user, false);
    await ended(page, 'callback');
    check('the flow stops at the error response', await state(page, 'callback'), 'failed');
    check('and shows the error', (await page.textContent('#stage-callback .stopped')).includes('access_denied'));
    await accessible(page, 'the stopped flow');
    await page.click('#start-over');
    check('it can be restarted', [await state(page, 'challenge'), await state(page, 'callback')], ['next', 'waiting']);
  }

  console.log('== what a client must reject');
  const rejects = async (what, url, change, stage, said) => {
    page = await open();
    await page.route(url, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, json: change(await response.json()) });
    });
    for (const id of ['challenge', 'resource', 'server']) if (await go(page, id) === 'failed') break;
    check(what, [await state(page, stage), (await page.textContent(`#stage-${stage} .stopped`)).includes(said)], ['failed', true]);
  };
  await rejects('metadata of another resource', '**/oauth-protected-resource/mcp', (document) => ({ ...document, resource: 'https://evil.example/mcp' }), 'resource', 'we called');
  const metadata = /oauth-authorization-server|openid-configuration/;
  await rejects('metadata of another issuer', metadata, (document) => ({ ...document, issuer: 'https://evil.example' }), 'server', 'the document is about');
  await rejects('an authorization endpoint that is a script', metadata, (document) => ({ ...document, authorization_endpoint: 'javascript:alert(document.domain)' }), 'server', 'must not be opened');
  await rejects('a server without S256', metadata, (document) => ({ ...document, code_challenge_methods_supported: ['plain'] }), 'server', 'the client must stop');

  for (const [what, forge, said] of [
    ['a response from another server', (query) => query.set('iss', 'https://evil.example'), 'another server may be trying'],
    ['a response without iss', (query) => query.delete('iss'), 'expected'],
    ['an error response from another server, which is not shown', (query) => { query.delete('code'); query.set('iss', 'https://evil.example'); query.set('error', 'call'); query.set('error_description', 'call +1 555 0100'); }, 'another server may be trying'],
    ['a response with two codes', (query) => query.append('code', 'another'), 'repeats the parameter code'],
  ]) {
    page = await open();
    for (const id of ['challenge', 'resource', 'server', 'registration', 'pkce']) await go(page, id);
    // A forged authorization response: the callback passes on what it receives, so the guide must validate it.
    const popup = await opened(page, () => page.click('#stage-login .go'));
    await popup.waitForURL((url) => url.searchParams.has('state') || url.pathname.includes('auth'));
    const sent = await page.locator('#stage-login .fields dt:text-is("state") + dd code').textContent();
    const query = new URLSearchParams({ code: 'made-up', state: sent, iss: resource.authorization_servers[0] });
    forge(query);
    await popup.goto(`${base}/docs/callback?${query}`).catch(() => {});
    await ended(page, 'login');
    check(what, [await go(page, 'callback'), (await page.textContent('#stage-callback .stopped')).includes(said)], ['failed', true]);
    check('  and no text of it is shown', (await page.textContent('#stage-callback')).includes('555'), false);
  }

  page = await open();
  await page.goto(`${base}/docs/callback?code=x&state=nobody`);
  await page.waitForFunction(() => document.querySelector('#status').textContent.startsWith('No page'));
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await accessible(page, `the callback in ${colorScheme}`);
  }
  check('an unsolicited response is discarded and leaves the address bar', new URL(page.url()).search, '');

  console.log('== a login for all scopes at once');
  page = await open();
  for (const id of ['challenge', 'resource', 'server', 'registration', 'pkce']) await go(page, id);
  for (const box of await page.locator('#stage-login [name=scope]').all()) await box.check();
  await logIn(await opened(page, () => page.click('#stage-login .go')), ...user, true);
  await ended(page, 'login');
  check('the code is exchanged', [await go(page, 'callback'), await go(page, 'token')], ['done', 'done']);
  return page;
}

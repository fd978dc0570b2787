// The guide at /docs, as a person uses it: requests sent from the page, then the walk through the login, with a person
// who types a password. Arguments: BASE_URL, and "provider" when people log in at a Keycloak with mcp-realm.
// What the page should offer is read from /health; the rest follows from the answers.

import { run } from './browser.mjs';

const [base, provider] = process.argv.slice(2);
if (!base) throw new Error('usage: node walk.mjs BASE_URL [provider]');

const json = async (path) => {
  const answer = await fetch(base + path, { headers: { Origin: base } });
  return answer.ok ? answer.json() : undefined;
};
const health = await json('/health');
const resource = await json('/.well-known/oauth-protected-resource/mcp');
// The page may talk to who logs people in, and to nobody else.
const elsewhere = resource ? new URL(resource.authorization_servers[0]).origin : base;

const ADMINS_TOOLS = { 'Who called what?': 'recent_calls', 'Something that a person must agree to': 'forget_calls' };

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

  console.log('== the page and its buttons');
  let page = await open();
  check('it marks what is new', await page.locator('svg .new').count() > 0);
  check('the picture is also a list', await page.locator('svg [data-part]').count(), await page.locator('figure .messages li').count());
  check('a request is really sent', await status(page, 'Is it up?'), '200 OK');
  check('and its answer shown', JSON.parse(await sample(page, 'Is it up?').locator('.json').textContent()).status, 'healthy');
  check('a screen reader hears of it', await page.textContent('#said'), 'Is it up?: 200 OK');
  if (health.auth_required) {
    check('without a token: 401', await status(page, 'Knock without a token'), '401 Unauthorized');
    check('the challenge is shown', (await sample(page, 'Knock without a token').locator('.headers').textContent()).includes('Bearer realm='));
    await page.fill('#pasted', 'no.token');
    await page.press('#pasted', 'Enter');
    check('what is no token is not taken for one', await page.locator('#pasted-claims .stopped').count(), 1);
  } else {
    check('ping: 200', await status(page, 'Ping'), '200 OK');
    await sample(page, 'Ping').locator('[name=body]').fill('{');
    check('a body can be changed, and broken', await status(page, 'Ping'), '400 Bad Request');
  }
  if (process.env.TOKEN) {
    await page.fill('#pasted', process.env.TOKEN);
    await page.press('#pasted', 'Enter');
    check('a pasted token opens the door', await status(page, 'Knock with your token'), '200 OK');
    await page.locator('[data-claim=aud]').focus();
    check('a claim is explained to who goes there', (await page.textContent('.explanation')).startsWith('aud Which server'));
  }
  check('nothing to complain about', page.unexpected(), []);

  // A token of gen-token for the role admin, so that nothing is refused.
  if (process.env.TOKEN && health.resources) await everything({ page, status, sample, check, shoot }, 'admin');

  console.log('== without JavaScript it is a page to read');
  page = await open({ script: false });
  check('every request stands there as a command', await page.locator('.sample pre.command').filter({ hasText: 'curl -i' }).count(), await page.locator('.sample').count());
  check('no button that does nothing', await page.locator('button:visible').count(), 0);

  console.log('== light and dark, on a phone and on a desk');
  for (const dark of [false, true]) {
    for (const phone of [false, true]) {
      const look = `${dark ? 'dark' : 'light'}-${phone ? 'phone' : 'desktop'}`;
      page = await open({ dark, phone });
      await looksRight(page, look);
      await shoot(page, `docs-${look}`);
    }
  }

  if (!resource) {
    check('no trail, no walk', await page.locator('#walk').count(), 0);
    return;
  }
  page = await walk({ open, check, shoot, accessible });
  if (health.resources) await everything({ page, status, sample, check, shoot }, 'user');
});

// Whatever a server offers beyond tools and prompts, by its button, with the token that the page holds.
async function everything({ page, status, sample, check, shoot }, role) {
  console.log(`== resources, completion and the stateless revision, with the role ${role}`);
  const answer = async (title) => JSON.parse(await sample(page, title).locator('.result .json').textContent());
  const forbidden = role === 'admin' ? '200 OK' : '403 Forbidden';
  for (const [title, wanted, look, found] of [
    ['List the resources', '200 OK', ({ result }) => result.resources.map(({ uri }) => uri), health.resources],
    ['Read a resource', '200 OK', ({ result }) => JSON.parse(result.contents[0].text).subject.length > 0, true],
    ['List the templates', '200 OK', ({ result }) => result.resourceTemplates[0].uriTemplate, 'tutorial://guide/{chapter}'],
    ['Read by a template', '200 OK', ({ result }) => result.contents[0].uri, 'tutorial://guide/9'],
    // What may not be read is not completed either: mcp-user has no mcp:prompts.
    ['Complete a word', provider ? '403 Forbidden' : '200 OK', ({ result }) => result?.completion.values ?? 'none', provider ? 'none' : ['formal', 'friendly']],
    ['Who called what?', forbidden, ({ result, error }) => (result ? result.structuredContent.calls.length > 0 : error.data.detail), role === 'admin' || 'recent_calls is for the role admin'],
    ['Ask what the server can do', '200 OK', ({ result }) => result.supportedVersions, health.protocol_versions],
    ['Call a tool, without a handshake', '200 OK', ({ result }) => [result.resultType, result.content[0].text], ['complete', 'hello']],
    ['Read a resource, without a handshake', '200 OK', ({ result }) => [result.resultType, result.cacheScope], ['complete', 'private']],
    ['A request that contradicts itself', '400 Bad Request', ({ error }) => error.code, -32020],
    ['Something that a person must agree to', forbidden, ({ result }) => result?.resultType ?? 'none', role === 'admin' ? 'input_required' : 'none'],
  ].filter(([title]) => !ADMINS_TOOLS[title] || health.tools.includes(ADMINS_TOOLS[title]))) {
    check(`${title}: ${wanted}`, await status(page, title), wanted);
    check('  and what it says', look(await answer(title)), found);
  }
  const call = sample(page, 'Call a tool, without a handshake');
  await call.locator('[name=headers]').fill('MCP-Protocol-Version: 2026-07-28\nMcp-Method: tools/call');
  check('headers can be changed, and are missed', [await status(page, 'Call a tool, without a handshake'), (await answer('Call a tool, without a handshake')).error.code], ['400 Bad Request', -32020]);
  await shoot(page, `tried-${role}`);
}

async function walk({ open, check, shoot, accessible }) {
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
  // The person at the login page: types a password if asked, agrees if asked, until the page is gone.
  const answer = async (popup, name, password, agree) => {
    const gone = popup.waitForEvent('close', { timeout: 20_000 });
    const person = async () => {
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
    // A provider may skip a question that was answered before; then the page goes away in the middle of it.
    await Promise.all([gone, person().catch((error) => { if (!popup.isClosed()) throw error; })]);
  };
  const someone = provider ? ['mcp-user', 'user123'] : ['alice', 'alice123'];

  console.log('== stage by stage');
  let page = await open();
  for (const id of ['challenge', 'resource', 'server', 'registration', 'pkce']) check(id, await go(page, id), 'done');
  check('the next button has the focus', await page.evaluate(() => document.activeElement.closest('.stage')?.id), 'stage-login');
  await answer(await opened(page, () => page.click('#stage-login .go')), ...someone, true);
  await ended(page, 'login');
  check('login', await state(page, 'login'), 'done');
  for (const id of ['callback', 'token', 'tools', 'refusal']) check(id, await go(page, id), 'done');
  const checks = (id) => page.locator(`#stage-${id} .check.good`).allTextContents();
  check('state and iss were checked', (await checks('callback')).map((text) => text.replace(/:? .*/, '')), ['Checked', 'Checked']);
  check('the browser checked the signature', (await checks('token')).length, 2);
  check('the token is for this server', await page.locator('#stage-token [data-claim=aud] .value').textContent(), resource.resource);
  await page.locator('#stage-token [data-claim=exp]').hover();
  check('hovering explains a claim', (await page.textContent('#stage-token .explanation')).startsWith('exp Until when'));
  check('the altered token was refused', (await page.locator('#stage-refusal .status').first().textContent()), '401 Unauthorized');
  check('and the call beyond its scope', (await page.locator('#stage-refusal .status').last().textContent()), '403 Forbidden');
  await shoot(page, 'walk-refused');
  await answer(await opened(page, () => page.click('#stage-more .go')), ...someone, true);
  await ended(page, 'more');
  check('with more scopes the same call succeeds', [await state(page, 'more'), await page.locator('#stage-more .status').last().textContent()], ['done', '200 OK']);
  check('the picture has lit up', await page.locator('svg [data-part=token].seen').count() > 0);
  check('the token is nowhere but in memory', await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]), [0, 0, '']);
  check('nothing to complain about', page.unexpected(), []);
  await shoot(page, 'walk-done');
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await accessible(page, `the walk in ${colorScheme}, done`);
  }

  // A provider asks nothing when no scope of it needs agreement, so nobody can say no there.
  if (!provider) {
    console.log('== all at once, and the person says no');
    page = await open({ dark: true });
    await answer(await opened(page, () => page.click('#walk-all')), ...someone, false);
    await ended(page, 'callback');
    check('the walk ends where the answer is no', await state(page, 'callback'), 'failed');
    check('and says so', (await page.textContent('#stage-callback .stopped')).includes('access_denied'));
    await accessible(page, 'the walk, ended');
    await page.click('#walk-again');
    check('it can be begun again', [await state(page, 'challenge'), await state(page, 'callback')], ['next', 'waiting']);
  }

  console.log('== what a client must not believe');
  const lies = async (what, url, change, stage, said) => {
    page = await open();
    await page.route(url, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ response: answer, json: change(await answer.json()) });
    });
    for (const id of ['challenge', 'resource', 'server']) if (await go(page, id) === 'failed') break;
    check(what, [await state(page, stage), (await page.textContent(`#stage-${stage} .stopped`)).includes(said)], ['failed', true]);
  };
  await lies('a document about another resource', '**/oauth-protected-resource/mcp', (document) => ({ ...document, resource: 'https://evil.example/mcp' }), 'resource', 'we asked');
  const metadata = /oauth-authorization-server|openid-configuration/;
  await lies('a server that calls itself something else', metadata, (document) => ({ ...document, issuer: 'https://evil.example' }), 'server', 'it calls itself');
  await lies('a server without S256', metadata, (document) => ({ ...document, code_challenge_methods_supported: ['plain'] }), 'server', 'must not go on');

  for (const [what, forge, said] of [
    ['an answer from another server', (query) => query.set('iss', 'https://evil.example'), 'another server may be trying'],
    ['an answer that does not say from whom', (query) => query.delete('iss'), 'it should be'],
    ['an answer with two codes', (query) => query.append('code', 'another'), 'code twice'],
  ]) {
    page = await open();
    for (const id of ['challenge', 'resource', 'server', 'registration', 'pkce']) await go(page, id);
    // The answer of the login page, made up: the callback hands on what it is sent, the page must look closely.
    const popup = await opened(page, () => page.click('#stage-login .go'));
    await popup.waitForURL((url) => url.searchParams.has('state') || url.pathname.includes('auth'));
    const sent = await page.locator('#stage-login .fields dt:text-is("state") + dd code').textContent();
    const query = new URLSearchParams({ code: 'made-up', state: sent, iss: resource.authorization_servers[0] });
    forge(query);
    await popup.goto(`${base}/docs/callback?${query}`).catch(() => {});
    await ended(page, 'login');
    check(what, [await go(page, 'callback'), (await page.textContent('#stage-callback .stopped')).includes(said)], ['failed', true]);
  }

  page = await open();
  await page.goto(`${base}/docs/callback?code=x&state=nobody`);
  await page.waitForFunction(() => document.querySelector('#said').textContent.startsWith('No page'));
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    await accessible(page, `the callback in ${colorScheme}`);
  }
  check('an answer that nobody asked for goes nowhere, and leaves the address', new URL(page.url()).search, '');

  console.log('== a login for all scopes at once');
  page = await open();
  for (const id of ['challenge', 'resource', 'server', 'registration', 'pkce']) await go(page, id);
  for (const box of await page.locator('#stage-login [name=scope]').all()) await box.check();
  await answer(await opened(page, () => page.click('#stage-login .go')), ...someone, true);
  await ended(page, 'login');
  check('the code is traded', [await go(page, 'callback'), await go(page, 'token')], ['done', 'done']);
  return page;
}

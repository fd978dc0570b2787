// The login and consent pages of the development authorization server. Argument: BASE_URL.
// This script is also the client: it registers, listens on a free port and exchanges the code.

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { run } from './browser.mjs';

const base = process.argv[2];
if (!base) throw new Error('usage: node login_pages.mjs BASE_URL');
const ALL = 'mcp:read mcp:tools mcp:prompts offline_access';

// The redirect URI of the client; the parameters of the last visit are kept.
let visited;
const callback = createServer((request, response) => {
  if (request.url.startsWith('/callback')) visited = new URL(request.url, 'http://localhost').searchParams;
  response.setHeader('Content-Type', 'text/html');
  response.end('<!doctype html><title>client</title><h1>Back at the client</h1>');
}).listen(0, '127.0.0.1');
await once(callback, 'listening');
const redirect = `http://127.0.0.1:${callback.address().port}/callback`;

const json = async (path, options) => (await fetch(base + path, options)).json();
const register = async (metadata) => json('/auth/register', {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify({ redirect_uris: [redirect], token_endpoint_auth_method: 'none', grant_types: ['authorization_code', 'refresh_token'], ...metadata }),
});

const verifier = randomBytes(32).toString('base64url');
const challenge = createHash('sha256').update(verifier).digest('base64url');
const request = (changes = {}) => `${base}/auth/authorize?${new URLSearchParams({
  response_type: 'code', client_id: 'mcp-test-client', redirect_uri: redirect, scope: ALL, state: 'st@te & more',
  code_challenge: challenge, code_challenge_method: 'S256', resource: `${base}/mcp`, ...changes,
})}`;
const redeem = (code, client_id = 'mcp-test-client') => json('/auth/token', {
  method: 'POST',
  body: new URLSearchParams({ grant_type: 'authorization_code', code, client_id, code_verifier: verifier, redirect_uri: redirect }),
});

await run(async ({ visit, check, shoot, looksRight, accessible }) => {
  const title = (page) => page.textContent('h1');
  const logIn = async (page, name) => {
    await page.fill('#username', name);
    await page.fill('#password', `${name}123`);
    await page.keyboard.press('Enter');
    await page.waitForSelector('form[action^=consent]');
  };
  const decide = async (page, name) => {
    visited = undefined;
    await page.getByRole('button', { name, exact: true }).click();
    await page.waitForURL(`${redirect}?**`);
    return Object.fromEntries(visited);
  };

  console.log('== alice logs in, sees who asks, and allows');
  let page = await visit(request());
  check('the login page comes first', await title(page), 'Sign in');
  check('the name field is ready to type into', await page.evaluate(() => document.activeElement.id), 'username');
  await page.fill('#username', 'alice');
  await page.fill('#password', 'wrong');
  await page.getByRole('button', { name: 'Sign in' }).click();
  check('a wrong password is told, aloud', await page.textContent('[role=alert]'), 'Wrong user name or password.');
  await shoot(page, 'login-wrong');
  await accessible(page, 'login with a wrong password');
  await logIn(page, 'alice');
  check('then the question', await title(page), 'MCP test client asks for access');
  check('it names the host that the code goes to', await page.getByText(new URL(redirect).hostname, { exact: true }).count(), 1);
  check('and the whole redirect URI', await page.getByText(redirect, { exact: true }).count(), 1);
  check('what alice does not hold cannot be ticked', await page.isDisabled('input[value="mcp:prompts"]'));
  let answer = await decide(page, 'Allow');
  check('the client gets its state and issuer back', [answer.state, answer.iss], ['st@te & more', base]);
  let tokens = await redeem(answer.code);
  check('the token is for what she holds', tokens.scope, 'mcp:read mcp:tools offline_access');
  const called = await fetch(`${base}/mcp`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${tokens.access_token}`, 'Content-Type': 'application/json', Accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'echo', arguments: { message: 'hi' } } }),
  });
  check('the server accepts the token', [called.status, (await called.json()).result?.content?.[0]?.text], [200, 'hi']);
  check('no errors in the console', page.complaints, []);

  console.log('== she is remembered, denies, and changes to bob');
  await page.goto(request());
  check('no second login', await title(page), 'MCP test client asks for access');
  answer = await decide(page, 'Deny');
  check('the client is told', [answer.error, answer.state, answer.code], ['access_denied', 'st@te & more', undefined]);
  await page.goto(request());
  await page.getByRole('button', { name: 'Use another account' }).click();
  await page.waitForSelector('#password');
  check('the login page again', await title(page), 'Sign in');
  await page.getByRole('button', { name: 'Use bob' }).click();
  await page.waitForSelector('form[action^=consent]');
  check('one press is enough for a demo account', await page.textContent('.account strong'), 'bob');

  console.log('== bob gives less than he is asked for, by keyboard alone');
  await page.focus('input[value="mcp:prompts"]');
  await page.keyboard.press('Space');
  await page.focus('input[value="offline_access"]');
  await page.keyboard.press('Space');
  visited = undefined;
  await page.getByRole('button', { name: 'Allow' }).focus();
  await page.keyboard.press('Enter');
  await page.waitForURL(`${redirect}?**`);
  tokens = await redeem(visited.get('code'));
  check('only what stayed ticked is granted', [tokens.scope, tokens.refresh_token], ['mcp:read', undefined]);

  console.log('== without JavaScript, guest has nothing to give');
  page = await visit(request(), { script: false });
  await logIn(page, 'guest');
  check('every scope is out of reach', await page.locator('input[name=scope]:enabled').count(), 0);
  await shoot(page, 'consent-guest');
  answer = await decide(page, 'Allow');
  tokens = await redeem(answer.code);
  check('guest gets a token without scopes', [tokens.scope, tokens.refresh_token], ['', undefined]);

  console.log('== a client that registered itself, and its texts');
  const nasty = `<img src=x onerror="document.title='broken'"> & “friends” ${'of a very long name '.repeat(3)}`;
  const untrusted = await register({ client_name: nasty });
  page = await visit(request({ client_id: untrusted.client_id }));
  await logIn(page, 'admin');
  check('a name is text, not markup', [await page.locator('img').count(), (await title(page)).startsWith(nasty.trim())], [0, true]);
  check('it says that nobody has verified the name', await page.getByText('Registered itself').count(), 1);
  await looksRight(page, 'a untrusted');
  await shoot(page, 'consent-untrusted');
  answer = await decide(page, 'Allow');
  check('the answer still arrives', (await redeem(answer.code, untrusted.client_id)).token_type, 'Bearer');
  for (const [what, changes, heading] of [
    ['unknown client', { client_id: 'nobody' }, 'Unknown application'],
    ['foreign address', { redirect_uri: 'https://evil.example/callback' }, 'Unregistered redirect URI'],
  ]) {
    page = await visit(request(changes));
    check(`${what}: a page, and no way out of it`, [await title(page), page.url().startsWith(base)], [heading, true]);
    await looksRight(page, what);
    await shoot(page, `problem-${what.replace(' ', '-')}`);
  }

  console.log('== the pages cannot be framed');
  const frame = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(`<iframe src="${request().replaceAll('&', '&amp;')}"></iframe>`);
  }).listen(0, '127.0.0.1');
  await once(frame, 'listening');
  page = await visit(`http://127.0.0.1:${frame.address().port}/`);
  await page.waitForTimeout(500);
  const inside = page.frames()[1];
  check('the frame stays empty', await inside?.locator('form').count().catch(() => 0) ?? 0, 0);
  frame.close();

  console.log('== light and dark, phone and desktop');
  for (const dark of [false, true]) {
    for (const phone of [false, true]) {
      const look = `${dark ? 'dark' : 'light'}-${phone ? 'phone' : 'desktop'}`;
      page = await visit(request(), { dark, phone });
      await looksRight(page, `login ${look}`);
      await shoot(page, `login-${look}`);
      await logIn(page, 'alice');
      await looksRight(page, `consent ${look}`);
      await shoot(page, `consent-${look}`);
      await page.goto(request({ client_id: 'nobody' }));
      await looksRight(page, `problem ${look}`);
      await shoot(page, `problem-${look}`);
    }
  }
});
callback.close();

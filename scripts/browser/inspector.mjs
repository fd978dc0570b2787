// Inspector's web page: connect, log in, allow, list the tools, call one.
// Arguments: the URL that Inspector prints, and the MCP revision that it should negotiate.

import { run } from './browser.mjs';

const [address, revision] = process.argv.slice(2);
if (!revision) throw new Error('usage: node inspector.mjs ADDRESS REVISION');

await run(async ({ visit, check, shoot }) => {
  const page = await visit(address);
  const on = page.getByRole('switch', { name: /^Connect or disconnect/ });
  await on.waitFor();
  check('the server is listed and disconnected', await page.getByText('Disconnected', { exact: true }).count(), 1);
  // A switch is drawn over its own checkbox, so the click goes to what is drawn.
  await on.click({ force: true });
  await page.waitForSelector('#username');
  check('the login page opens', new URL(page.url()).pathname, '/auth/authorize');
  await page.fill('#username', 'alice');
  await page.fill('#password', 'alice123');
  await page.keyboard.press('Enter');
  await page.waitForSelector('form[action^=consent]');
  await shoot(page, `inspector-asks-${revision}`);
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  await page.getByText('Connected', { exact: true }).waitFor();
  check('Inspector is connected', new URL(page.url()).origin, new URL(address).origin);
  check(`the revision is ${revision}`, await page.getByText(`MCP ${revision}`, { exact: true }).count(), 1);
  await page.getByText('Tools', { exact: true }).first().click();
  await page.getByRole('button', { name: /Echo Tool/ }).click();
  await page.getByRole('textbox', { name: /Message/ }).fill('hello!');
  await page.getByRole('textbox', { name: /Repeat Count/ }).fill('2');
  await page.getByRole('button', { name: 'Execute Tool' }).click();
  // Repeated by the tool: this text is in the result only.
  await page.getByText('hello!hello!').first().waitFor();
  await shoot(page, `inspector-${revision}`);
  check('the result is shown', await page.getByText('hello!hello!').count() > 0);
  check('no error is shown', await page.getByText(/error/i).count(), 0);
});

// Inspector's web page, as a person uses it: switch the server on, log in, allow, look at the tools, call one.
// Arguments: the address that Inspector prints, and the revision of MCP that it should come to speak.

import { run } from './browser.mjs';

const [address, revision] = process.argv.slice(2);
if (!revision) throw new Error('usage: node inspector.mjs ADDRESS REVISION');

await run(async ({ visit, check, shoot }) => {
  const page = await visit(address);
  const on = page.getByRole('switch', { name: /^Connect or disconnect/ });
  await on.waitFor();
  check('the server is there, and not connected', await page.getByText('Disconnected', { exact: true }).count(), 1);
  // A switch is drawn over its own checkbox, so the click goes to what is drawn.
  await on.click({ force: true });
  await page.waitForSelector('#username');
  check('our login page opens in its place', new URL(page.url()).pathname, '/auth/authorize');
  await page.fill('#username', 'alice');
  await page.fill('#password', 'alice123');
  await page.keyboard.press('Enter');
  await page.waitForSelector('form[action^=consent]');
  await shoot(page, `inspector-asks-${revision}`);
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  await page.getByText('Connected', { exact: true }).waitFor();
  check('Inspector is back, and connected', new URL(page.url()).origin, new URL(address).origin);
  check(`in the revision ${revision}`, await page.getByText(`MCP ${revision}`, { exact: true }).count(), 1);
  await page.getByText('Tools', { exact: true }).first().click();
  await page.getByRole('button', { name: /Echo Tool/ }).click();
  await page.getByRole('textbox', { name: /Message/ }).fill('hello!');
  await page.getByRole('textbox', { name: /Repeat Count/ }).fill('2');
  await page.getByRole('button', { name: 'Execute Tool' }).click();
  // Said twice: this text is in the answer only.
  await page.getByText('hello!hello!').first().waitFor();
  await shoot(page, `inspector-${revision}`);
  check('the tool’s answer is shown', await page.getByText('hello!hello!').count() > 0);
  check('and no error', await page.getByText(/error/i).count(), 0);
});

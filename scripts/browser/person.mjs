#!/usr/bin/env node
// Plays the person in a real browser: BROWSER=scripts/browser/person.mjs cargo run --bin step11
// Logs in as PERSON, allows, and looks at the page that the client shows at the end: its title goes to PERSON_LOG, its
// picture to SHOTS. (scripts/person.sh does the same with curl.)

import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const [url] = process.argv.slice(2);
const { PERSON = 'alice', PASSWORD = 'alice123', PERSON_LOG, SHOTS, CHROMIUM } = process.env;
const say = (line) => PERSON_LOG && appendFileSync(PERSON_LOG, `${line}\n`);
const executablePath = CHROMIUM ?? execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  const page = await browser.newPage();
  page.on('pageerror', (error) => say(`script error: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && say(`console: ${message.text()}`));
  await page.goto(url);
  await page.fill('#username', PERSON);
  await page.fill('#password', PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForSelector('form[action^=consent]');
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  await page.waitForURL('http://127.0.0.1:*/callback?**');
  say(`page: ${await page.textContent('h1')}`);
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/client-callback.png` });
} finally {
  await browser.close();
}

#!/usr/bin/env node
// Logs in and consents in a headless Chromium: BROWSER=scripts/browser/login_bot.mjs cargo run --bin step11
// LOGIN_USER logs in and allows. The heading of the client's page at the end goes to LOGIN_LOG, a screenshot of it to
// SHOTS. (scripts/login_bot.sh does the same with curl.)

import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { chromium } from 'playwright-core';

const [url] = process.argv.slice(2);
const { LOGIN_USER = 'alice', LOGIN_PASSWORD = 'alice123', LOGIN_LOG, SHOTS, CHROMIUM } = process.env;
const log = (line) => LOGIN_LOG && appendFileSync(LOGIN_LOG, `${line}\n`);
const executablePath = CHROMIUM ?? execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
try {
  const page = await browser.newPage();
  page.on('pageerror', (error) => log(`script error: ${error.message}`));
  page.on('console', (message) => message.type() === 'error' && log(`console: ${message.text()}`));
  await page.goto(url);
  await page.fill('#username', LOGIN_USER);
  await page.fill('#password', LOGIN_PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForSelector('form[action^=consent]');
  await page.getByRole('button', { name: 'Allow', exact: true }).click();
  await page.waitForURL('http://127.0.0.1:*/callback?**');
  log(`page: ${await page.textContent('h1')}`);
  if (SHOTS) await page.screenshot({ path: `${SHOTS}/client-callback.png` });
} finally {
  await browser.close();
}

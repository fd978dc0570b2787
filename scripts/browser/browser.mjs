// Runs a test in a headless Chromium and counts its checks. A test looks like this:
//
//   import { run } from './browser.mjs';
//   await run(async ({ visit, check, shoot }) => {
//     const page = await visit(url, { dark: true, phone: true });
//     check('it greets', await page.title(), 'Hello');
//     await shoot(page, 'hello-dark-phone');
//   });
//
// CHROMIUM names the browser (default: chromium or google-chrome from PATH), SHOTS the folder for screenshots.
// `page.complaints` collects script errors, violations of the content security policy and requests to other hosts.
// `accessible` checks a page against WCAG 2.2, levels A and AA, as far as a program can (axe-core).

import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isDeepStrictEqual } from 'node:util';
import { chromium } from 'playwright-core';

const SHOTS = process.env.SHOTS ?? new URL('screenshots', import.meta.url).pathname;
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const PHONE = { width: 360, height: 740 };
const DESKTOP = { width: 1280, height: 800 };

function browserPath() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  for (const name of ['chromium', 'chromium-browser', 'google-chrome']) {
    try {
      return execFileSync('which', [name], { encoding: 'utf8' }).trim();
    } catch { /* the next one */ }
  }
  throw new Error('no Chromium found; install one (apt-get install chromium) or set CHROMIUM');
}

export async function run(test) {
  let passed = 0;
  let failed = 0;
  const check = (what, got, wanted = true) => {
    if (isDeepStrictEqual(got, wanted)) {
      passed += 1;
      console.log(`  ok    ${what}`);
    } else {
      failed += 1;
      console.log(`  FAIL  ${what}: got ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`);
    }
  };
  // The sandbox needs rights that containers do not give; these pages are our own.
  const browser = await chromium.launch({ executablePath: browserPath(), args: ['--no-sandbox', '--disable-gpu'] });

  // A new browser without cookies.
  const visit = async (url, { dark = false, phone = false, script = true } = {}) => {
    const context = await browser.newContext({
      viewport: phone ? PHONE : DESKTOP,
      deviceScaleFactor: phone ? 2 : 1,
      isMobile: phone,
      hasTouch: phone,
      colorScheme: dark ? 'dark' : 'light',
      javaScriptEnabled: script,
    });
    const page = await context.newPage();
    const origin = new URL(url).origin;
    page.complaints = [];
    page.on('pageerror', (error) => page.complaints.push(`script: ${error.message}`));
    page.on('console', (message) => {
      // The icon that browsers ask for by themselves, and the statuses that a test provokes, are no complaint.
      if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) page.complaints.push(message.text());
    });
    page.on('request', (request) => {
      const asked = new URL(request.url());
      if (!['data:', 'about:'].includes(asked.protocol) && asked.origin !== origin && !request.isNavigationRequest()) {
        page.complaints.push(`loads ${asked.origin}`);
      }
    });
    await page.goto(url);
    return page;
  };

  const shoot = async (page, name) => {
    mkdirSync(SHOTS, { recursive: true });
    await page.screenshot({ path: `${SHOTS}/${name}.png`, fullPage: true });
  };

  // Evaluated by the debugger, which the pages' policy (no script but our own) does not stop.
  const accessible = async (page, name) => {
    if (!(await page.evaluate('typeof axe === "object"'))) await page.evaluate(AXE);
    const { violations, passes } = await page.evaluate((tags) => axe.run(document, { runOnly: tags, resultTypes: ['violations'] }), WCAG);
    const found = violations.flatMap(({ id, nodes }) => nodes.map(({ target, any }) => `${id}: ${target.join(' ')} ${any[0]?.message ?? ''}`.trim()));
    check(`${name}: no violation of WCAG 2, A and AA`, [found, passes.length > 0], [[], true]);
  };

  // No horizontal overflow, and no control that is too small to touch.
  const looksRight = async (page, name) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    check(`${name}: no horizontal overflow`, wide, false);
    const small = await page.$$eval('button, input:not([type=hidden]):not([type=checkbox]), .choice', (elements) =>
      elements.filter((e) => e.checkVisibility() && !e.classList.contains('link') && e.getBoundingClientRect().height < 40).map((e) => e.outerHTML));
    check(`${name}: controls are large enough to touch`, small, []);
    check(`${name}: no errors in the console`, page.complaints, []);
    await accessible(page, name);
  };

  try {
    await test({ browser, visit, check, shoot, looksRight, accessible });
  } catch (error) {
    failed += 1;
    console.log(`  FAIL  ${error.stack}`);
  }
  await browser.close();
  console.log(`\n${passed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
}

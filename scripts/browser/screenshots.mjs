// The screenshots of the README, from the current build. Arguments: BASE_URL of step 8, and the folder.

import { run } from './browser.mjs';

const [base, folder] = process.argv.slice(2);
if (!folder) throw new Error('usage: node screenshots.mjs BASE_URL FOLDER');

await run(async ({ visit, check }) => {
  const page = await visit(`${base}/docs`);
  await page.setViewportSize({ width: 1180, height: 1000 });
  await page.screenshot({ path: `${folder}/guide.png` });
  check('no errors in the console', page.complaints, []);
});

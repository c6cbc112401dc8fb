// What people do with a page where no script runs.
import {revokeLink} from './console.mjs';
import {read} from './docs.mjs';

async function unveil({page}) {
  await page.click('summary');
  await page.locator('details[open] img').waitFor({state: 'visible'});
}

async function sendReport({page, report}) {
  await page.locator('input[type=radio]').last().check();
  await page.click('button[type=submit]');
  await page.locator('form').waitFor({state: 'detached'});
  if (await page.locator('h1').count() !== 1) {
    report('nothing is said after the report');
  }
}

export const actsWithoutScripts = {read, unveil, 'send-report': sendReport, 'revoke-link': revokeLink};

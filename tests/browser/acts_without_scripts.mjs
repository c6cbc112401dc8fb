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

/** From the page of a link to a report of it; whether scripts run makes no difference. */
export async function reportLink({page, visit, report}) {
  await page.click('a[href*="/r/"]');
  await page.check('input[type=radio][value=harassment]');
  await page.fill('textarea', visit.note);
  await page.click('button[type=submit]');
  await page.locator('form').waitFor({state: 'detached'});
  if (await page.locator('h1').innerText() !== 'Thank you') {
    report(`after the report it says ${await page.locator('main').innerText()}`);
  }
}

export const actsWithoutScripts = {read, unveil, 'send-report': sendReport, 'revoke-link': revokeLink, 'report-link': reportLink};

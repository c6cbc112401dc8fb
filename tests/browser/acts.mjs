// What people do with a page, scripts allowed. An act is given the page, what was planned for it, and how to report.
import {reportLink} from './acts_without_scripts.mjs';
import {forge, guess, revokeKey, revokeLink, search, setPolicy, setPolicyInVain} from './console.mjs';
import {tryOut} from './docs.mjs';

/** A jump in a film or a sound leads there, by a part of the media. */
async function seek({page, watch, report}) {
  const landed = await page.evaluate(async () => {
    const player = document.querySelector('video, audio');
    const happens = name => new Promise((done, failed) => {
      player.addEventListener(name, done, {once: true});
      player.addEventListener('error', () => failed(new Error(player.error.message)), {once: true});
    });
    if (player.readyState < HTMLMediaElement.HAVE_METADATA) await happens('loadedmetadata');
    const target = player.duration * 0.9;
    const jumped = happens('seeked');
    player.currentTime = target;
    await jumped;
    return {target, at: player.currentTime, width: player.videoWidth};
  });
  if (Math.abs(landed.at - landed.target) > 0.5) {
    report(`a jump to ${landed.target} s led to ${landed.at} s`);
  }
  const parts = watch.answers.filter(answer => answer.status() === 206)
    .map(answer => Number(/^bytes (\d+)-/.exec(answer.headers()['content-range'] ?? '')?.[1] ?? 0));
  if (!parts.some(start => start > 0)) {
    report(`the jump asked for no later part: ${parts}`);
  }
}

/** Media behind a warning is loaded and shown once it is asked for. */
async function unveil({page, watch, report, lookAgain}) {
  const media = () => watch.answers.filter(answer => answer.url().includes('/m/')).length;
  if (media() > 0) {
    report('media behind a warning is loaded unasked');
  }
  await page.locator('.veil summary').focus();
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => {
    const picture = document.querySelector('details[open] img');
    return picture?.complete && picture.naturalWidth > 0;
  });
  await lookAgain('open');
}

/** The code that a phone reads is unfolded, and large enough for that. */
async function openCode({page, report, lookAgain}) {
  await page.locator('details.code summary').focus();
  await page.keyboard.press('Enter');
  const code = page.locator('details.code[open] svg');
  await code.waitFor({state: 'visible'});
  const {width, height} = await code.boundingBox();
  if (width < 120 || Math.abs(width - height) > 1) {
    report(`the code is ${width} × ${height} px`);
  }
  await lookAgain('code');
}

/** The file is saved under its name. */
async function download({page, visit, report}) {
  const [saved] = await Promise.all([page.waitForEvent('download'), page.click('a[download]')]);
  if (saved.suggestedFilename() !== visit.saved_as) {
    report(`it is saved as ${JSON.stringify(saved.suggestedFilename())}`);
  }
  const failure = await saved.failure();
  if (failure) {
    report(`it is not saved: ${failure}`);
  }
}

/** A report is thanked for. */
async function sendReport({page, report, lookAgain}) {
  await page.locator('input[type=radio]').first().check();
  await page.fill('textarea', 'A note with <b>marks</b> & "quotes"');
  await Promise.all([page.waitForNavigation({waitUntil: 'load'}), page.click('button[type=submit]')]);
  if (await page.locator('form').count() > 0) {
    report('the form is shown again');
  }
  await lookAgain('thanks');
}

/** The one follow of a link leads to its media, and the page to nothing then. */
async function useUp({page, visit, report}) {
  const [answer] = await Promise.all([page.waitForResponse(/\/m\//), page.click('a.primary')]);
  if (answer.status() !== 200) {
    report(`the follow is answered by ${answer.status()}`);
  }
  const again = await page.goto(visit.url);
  if (again.status() !== 410) {
    report(`the page of a used link is answered by ${again.status()}`);
  }
}

/** A reader in another place is told when the link ends there. */
async function readElsewhere({page, report}) {
  const here = await page.locator('time').innerText();
  const locale = await page.locator('html').getAttribute('lang');
  const context = await page.context().browser().newContext({locale, timezoneId: 'Asia/Kolkata'});
  const elsewhere = await context.newPage();
  await elsewhere.goto(page.url());
  const [at, there] = await elsewhere.locator('time').evaluate(time => [time.dateTime, time.textContent]);
  await context.close();
  // India is five and a half hours ahead; some languages have digits of their own.
  const minutes = new Date(Date.parse(at) + 5.5 * 3_600_000).toISOString().slice(14, 16);
  const digits = there.replace(/[\u0660-\u0669]/g, digit => digit.charCodeAt(0) - 0x660);
  if (!here.includes('UTC') || !digits.includes(`:${minutes}`) || there === here) {
    report(`the link ends at ${at}: ${here} here, ${there} in India`);
  }
}

export const acts = {
  'read-elsewhere': readElsewhere,
  seek,
  unveil,
  'open-code': openCode,
  download,
  'send-report': sendReport,
  'use-up': useUp,
  try: tryOut,
  'revoke-link': revokeLink,
  'revoke-key': revokeKey,
  'set-policy': setPolicy,
  'set-policy-in-vain': setPolicyInVain,
  'report-link': reportLink,
  search,
  forge,
  guess,
};

// Looks at pages in a real browser, as tests/peers/browser/ plans it: the plan comes as JSON on the standard input, what
// is wrong goes as JSON to the standard output. Each page is looked at in each of its languages, light and dark, wide and
// as on a phone, and once more without scripts.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {acts} from './acts.mjs';
import {actsWithoutScripts} from './acts_without_scripts.mjs';
import {logIn} from './console.mjs';
import {Watch} from './watch.mjs';
import {barriers, doesNotFit, incomplete, keyboardOrder, logo, texts} from './looks.mjs';

// What stands in the way of people is looked for where the look is whole: in each scheme and in each width.
const LOOKS = [
  {colorScheme: 'light', width: 1280, height: 800, isWhole: true},
  {colorScheme: 'light', width: 390, height: 844},
  {colorScheme: 'dark', width: 390, height: 844, isWhole: true},
  {colorScheme: 'dark', width: 1280, height: 800},
];
// Two cores have no use for more.
const AT_A_TIME = 3;

const plan = JSON.parse(readFileSync(0, 'utf8'));
const require = createRequire(join(plan.directory, 'package.json'));
const {chromium} = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const browser = await chromium.launch({
  executablePath: plan.chromium,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--no-proxy-server', '--autoplay-policy=no-user-gesture-required',
    // Nothing but this machine can be reached, by whatever name.
    '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
  ],
});
const problems = [];
const looked = [];
// What each page says, by its name and language.
const said = new Map();
// Sessions of operators, by the page where they log in.
const sessions = new Map();

/** What the browser holds after a login, which is made once for all visits that need it. */
async function session(login) {
  if (!login) {
    return undefined;
  }
  const opened = async () => {
    const context = await browser.newContext();
    await logIn(await context.newPage(), login);
    const state = await context.storageState();
    await context.close();
    return state;
  };
  if (!sessions.has(login.url)) sessions.set(login.url, opened());
  return sessions.get(login.url);
}

/** Opens a page, by a form where it takes a POST. */
async function open(page, visit) {
  if (!visit.post) {
    return page.goto(visit.url, {waitUntil: 'load'});
  }
  await page.setContent(`<form method="post" action="${visit.url}"><button>Send</button></form>`);
  const [response] = await Promise.all([
    page.waitForResponse(visit.url),
    page.waitForURL(visit.url, {waitUntil: 'load'}),
    page.click('button'),
  ]);
  return response;
}

/** A picture of the page, of its beginning where it is long. */
async function picture(page, name, language, {colorScheme, width}) {
  const path = join(plan.pictures, `${name}-${language}-${colorScheme}-${width}.png`);
  const height = await page.evaluate(() => Math.min(document.documentElement.scrollHeight, 3000));
  await page.screenshot({path, fullPage: true, clip: {x: 0, y: 0, width, height}});
}

/** Every pair of scheme and width in the first language; in the others each scheme and each width, one of them whole. */
function looksIn(language) {
  const at = plan.languages.indexOf(language);
  if (at === 0) {
    return LOOKS;
  }
  return [LOOKS[0], LOOKS[2]].map((look, turn) => ({...look, isWhole: (at + turn) % 2 === 1}));
}

/** What is wrong with a page as it is now, by the name of its pictures. */
async function look(page, visit, name, language, report) {
  for (const appearance of looksIn(language)) {
    const {colorScheme, width, height, isWhole} = appearance;
    await page.emulateMedia({colorScheme, reducedMotion: 'reduce'});
    await page.setViewportSize({width, height});
    const told = problem => report(`${name}, ${colorScheme}, ${width} px: ${problem}`);
    if (isWhole) (await barriers(page, axe)).forEach(told);
    (await doesNotFit(page)).forEach(told);
    (await incomplete(page)).forEach(told);
    (await logo(page, visit)).forEach(told);
    await picture(page, name, language, appearance);
  }
}

/** The look at a page with scripts allowed; its text. */
async function withScripts(visit, language) {
  const report = problem => problems.push(`${visit.name} (${language}): ${problem}`);
  const storageState = await session(visit.login);
  const context = await browser.newContext({locale: language, acceptDownloads: true, viewport: LOOKS[0], storageState});
  try {
    const watch = await Watch.over(context, visit, report);
    const page = await context.newPage();
    const response = await open(page, visit);
    await watch.opened(page, response);
    await texts(page, visit, language, report);
    const text = await page.locator('body').innerText();
    await look(page, visit, visit.name, language, report);
    await page.setViewportSize(LOOKS[0]);
    (await keyboardOrder(page)).forEach(report);
    await watch.stopped(page);
    for (const act of visit.acts ?? []) {
      const lookAgain = name => look(page, visit, `${visit.name}-${name}`, language, report);
      await acts[act]({page, visit, watch, report, lookAgain});
    }
    await watch.stopped(page);
    return text;
  } finally {
    await context.close();
  }
}

/** The look at a page without scripts, which says the same. */
async function withoutScripts(visit, language, text) {
  const report = problem => problems.push(`${visit.name} (${language}, without scripts): ${problem}`);
  const {width, height} = LOOKS[1];
  const [viewport, storageState] = [{width, height}, await session(visit.login)];
  const context = await browser.newContext({locale: language, javaScriptEnabled: false, viewport, storageState});
  try {
    const page = await context.newPage();
    await open(page, visit);
    const words = string => string.replace(/\s+/g, ' ').trim();
    const plain = words(await page.locator('body').innerText());
    if (!visit.has_script && !visit.is_changing && plain !== words(text)) {
      report(`it says ${JSON.stringify(plain)}, and with scripts ${JSON.stringify(words(text))}`);
    }
    for (const act of visit.acts_without_scripts ?? []) {
      await actsWithoutScripts[act]({page, visit, report});
    }
  } finally {
    await context.close();
  }
}

async function see(visit, language) {
  const started = Date.now();
  try {
    const text = await withScripts(visit, language);
    said.set(`${visit.name} ${language}`, text);
    if (language === plan.languages[0] && !visit.is_used_up) {
      await withoutScripts(visit, language, text);
    }
  } catch (error) {
    problems.push(`${visit.name} (${language}): ${error.stack ?? error}`);
  }
  looked.push({page: visit.name, language, ms: Date.now() - started});
}

// What is used up by one visit is visited once.
const visits = plan.languages.flatMap((language, at) =>
  plan.visits.filter(visit => at === 0 || !visit.is_used_up).map(visit => [visit, language]));
const waiting = [...visits];
await Promise.all(
  Array.from({length: AT_A_TIME}, async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      await see(...next);
    }
  }),
);
await browser.close();
for (const [visit, language] of visits.filter(([, language]) => language !== plan.languages[0])) {
  if (said.get(`${visit.name} ${language}`) === said.get(`${visit.name} ${plan.languages[0]}`)) {
    problems.push(`${visit.name} (${language}): it says the same in ${plan.languages[0]}`);
  }
}
process.stdout.write(JSON.stringify({looked, wanted: visits.length, problems}));

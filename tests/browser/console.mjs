// What operators do in the console, and what others try to do there by the browsers of operators.

/** Sends a form by its button; where that leads to is loaded then. */
const send = (page, button) => Promise.all([page.waitForNavigation({waitUntil: 'load'}), button.click()]);

/** Logs in, in the context of a page. */
export async function logIn(page, {url, token}) {
  await page.goto(url);
  await page.fill('input[name=token]', token);
  await send(page, page.locator('form[action$="/login"] button'));
}

/** What a follower of a link gets, who is no operator. */
async function followed(visit) {
  const answer = await fetch(visit.follow, {redirect: 'manual'});
  await answer.arrayBuffer();
  return answer.status;
}

/** Whether the log of what operators do names the link. */
async function isLogged(page, visit) {
  await page.goto(new URL('/console/audit', visit.url).href);
  return (await page.locator('main').innerText()).includes(visit.link_id);
}

/** A live link is revoked, and its followers see that. */
export async function revokeLink({page, visit, report}) {
  const before = await followed(visit);
  await send(page, page.getByText('Revoke this link'));
  const after = await followed(visit);
  if (before !== 200 || after !== 410) {
    report(`the link is answered by ${before} before it is revoked, and by ${after} after`);
  }
  const states = await page.locator('main .status').allInnerTexts();
  if (states[0] !== 'revoked' || await page.getByText('Revoke this link').count() > 0) {
    report('the page does not say that the link is revoked');
  }
  if (!await isLogged(page, visit)) {
    report('the log does not name the link');
  }
}

/** A key is revoked: a link that it has signed ends at once, and one of another key goes on. */
export async function revokeKey({page, visit, report}) {
  const others = {follow: visit.of_another_key};
  const before = [await followed(visit), await followed(others)];
  await page.goto(new URL('/console/keys', visit.url).href);
  await Promise.all([page.waitForNavigation({waitUntil: 'load'}), page.getByText(`Revoke key ${visit.key}…`).click()]);
  await send(page, page.getByRole('button', {name: 'Revoke the key'}));
  const after = [await followed(visit), await followed(others)];
  if (`${before} ${after}` !== '200,200 410,200') {
    report(`links of the key and of another one are answered by ${before} before it is revoked, and by ${after} after`);
  }
  const [entry] = await page.locator('tbody tr').allInnerTexts();
  if (!entry?.includes('keys revoke') || !entry.includes(`key ${visit.key}`)) {
    report(`the log says ${entry}`);
  }
  await page.goto(new URL('/console/keys', visit.url).href);
  const row = await page.locator('tbody tr').filter({hasText: `Retire key ${visit.key}…`}).innerText();
  if (!row.includes('revoked')) {
    report(`the page of the keys says ${row}`);
  }
}

/** The policy of a room as the homeserver has it; without one, the error that it tells. */
async function policyOf({state}) {
  const answer = await fetch(state.url, {headers: {authorization: `Bearer ${state.token}`}});
  return answer.json();
}

/** Types a policy, and sends it; the answer to the form. */
async function sendPolicy(page) {
  await page.selectOption('select[name=enabled]', 'yes');
  await page.selectOption('select[name=pages_only]', 'yes');
  await page.fill('input[name=max_lifetime_ms]', '3600000');
  await page.fill('input[name=max_size]', '');
  const answered = page.waitForResponse(answer => answer.request().method() === 'POST');
  await send(page, page.getByRole('button', {name: 'Set the policy'}));
  return answered;
}

/** The policy of a room is set: the homeserver has it, the log names the room, and the page shows what holds now. */
export async function setPolicy({page, visit, report, lookAgain}) {
  const before = await policyOf(visit);
  const answer = await sendPolicy(page);
  const after = await policyOf(visit);
  const wanted = {enabled: true, max_lifetime_ms: 3600000, pages_only: true};
  const isWanted = Object.keys(after).length === 3 && Object.entries(wanted).every(([name, value]) => after[name] === value);
  if (before.errcode !== 'M_NOT_FOUND' || !isWanted) {
    report(`the homeserver has ${JSON.stringify(before)} before the policy is set, and ${JSON.stringify(after)} after`);
  }
  if (answer.status() !== 303 || !page.url().endsWith('/console/audit')) {
    report(`the form is answered by ${answer.status()}, and leads to ${page.url()}`);
  }
  const entries = await page.locator('tbody tr').filter({hasText: visit.room}).allInnerTexts();
  if (entries.length !== 1 || !entries[0].includes('policy set') || !entries[0].includes('console:token')) {
    report(`the log says ${JSON.stringify(entries)}`);
  }
  await lookAgain('audit');
  await page.goto(visit.url);
  const shown = await page.locator('form.fields :is(input[type=text], select)').evaluateAll(
    fields => fields.map(({name, value}) => `${name}=${value}`));
  const typed = 'enabled=yes max_lifetime_ms=3600000 max_size= pages_only=yes';
  if (shown.join(' ') !== typed) {
    report(`the page shows ${shown.join(' ')}`);
  }
  await lookAgain('done');
}

/** A user without the power is told what the homeserver says, and which power is needed; nothing is set. */
export async function setPolicyInVain({page, visit, report, lookAgain}) {
  const answer = await sendPolicy(page);
  const told = await page.locator('[role=alert]').innerText();
  const expected = ['The policy stays as it is', '403 M_FORBIDDEN', 'has power 0 in this room', 'needs 50'];
  const missing = expected.filter(words => !told.includes(words));
  if (answer.status() !== 502 || missing.length > 0) {
    report(`the form is answered by ${answer.status()}, and the page says ${JSON.stringify(told)}`);
  }
  await lookAgain('told');
  const after = await policyOf(visit);
  if (after.errcode !== 'M_NOT_FOUND') {
    report(`after it was refused, the homeserver has ${JSON.stringify(after)}`);
  }
}

/** A link that was pasted whole is found, and its token goes into no address. */
export async function search({page, visit, watch, report}) {
  await page.fill('input[name=q]', visit.follow);
  await send(page, page.locator('form[action$="/search"] button'));
  if (!page.url().endsWith(`/links/${visit.link_id}`)) {
    report(`the search led to ${page.url()}`);
  }
  const [, , token] = new URL(visit.follow).pathname.split('/');
  const addresses = watch.answers.flatMap(answer => [answer.url(), answer.headers().location ?? '']);
  const telling = addresses.filter(address => address.includes(token));
  if (token.length < 20 || telling.length > 0) {
    report(`the token ${token} is in ${telling}`);
  }
}

/**
 * Other sites post the form with all that it holds: the first one on this host, to which browsers send the cookie, the
 * second one elsewhere, to which they do not.
 */
export async function forge({page, visit, report}) {
  const [neighbour] = visit.foreign;
  const csrf = await page.locator('input[name=csrf]').first().inputValue();
  for (const foreign of visit.foreign) {
    await page.context().route(`${foreign}/**`, route => route.fulfill({
      contentType: 'text/html',
      body: `<form method="post" action="${visit.url}/revoke"><input name="csrf" value="${csrf}"><button>Win</button></form>`,
    }));
    await page.goto(`${foreign}/`);
    const answered = page.waitForResponse(`${visit.url}/revoke`);
    await send(page, page.locator('button'));
    const answer = await answered;
    const {cookie} = await answer.request().allHeaders();
    if (Boolean(cookie) !== (foreign === neighbour)) {
      report(`${foreign} has the cookie sent: ${Boolean(cookie)}`);
    }
    const wasRefused = answer.status() >= 400 || answer.headers().location === '/console/login';
    if (!wasRefused || foreign === neighbour && answer.status() !== 403) {
      report(`a forged request of ${foreign} is answered by ${answer.status()}`);
    }
  }
  const status = await followed(visit);
  if (status !== 200) {
    report(`after a forged request the link is answered by ${status}`);
  }
  if (await isLogged(page, visit)) {
    report('a forged request is in the log');
  }
}

/** Wrong tokens are refused, then everybody at this address waits, and the right token gets in after that. */
export async function guess({page, visit, report, lookAgain}) {
  const attempt = async token => {
    await page.goto(visit.url);
    await page.fill('input[name=token]', token);
    const answered = page.waitForResponse(answer => answer.request().method() === 'POST');
    await send(page, page.locator('form[action$="/login"] button'));
    return answered;
  };
  let answer = await attempt('wrong');
  await lookAgain('wrong');
  // The waits double: sooner or later the next guess comes before one is over, however slow the machine is.
  for (let guesses = 1; guesses < 10 && answer.status() === 403; guesses += 1) {
    answer = await attempt('wrong');
  }
  if (answer.status() !== 429 || !(Number(answer.headers()['retry-after']) >= 1)) {
    report(`after wrong tokens the answer is ${answer.status()} ${JSON.stringify(answer.headers())}`);
    return;
  }
  await lookAgain('wait');
  for (let tries = 0; tries < 10 && answer.status() !== 303; tries += 1) {
    await new Promise(done => setTimeout(done, Number(answer.headers()['retry-after']) * 1000));
    answer = await attempt(visit.token);
  }
  if (answer.status() !== 303 || !page.url().endsWith('/console')) {
    report(`the right token is answered by ${answer.status()} after the wait, and leads to ${page.url()}`);
  }
}

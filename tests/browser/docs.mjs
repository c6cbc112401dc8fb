// What operators do with the description of the API.

/** Sends the form of an operation; status and text of the answer. */
async function send(page, method, path, fill) {
  const form = page.locator(`form.try[data-method="${method}"][data-path="${path}"]`);
  const before = await form.locator('pre').textContent();
  await fill(form);
  await form.locator('button').click();
  await page.waitForFunction(
    ([form, before]) => form.querySelector('pre').textContent !== before && !form.querySelector('button').disabled,
    [await form.elementHandle(), before],
  );
  return {status: await form.locator('.status').textContent(), text: await form.locator('pre').textContent()};
}

/** A link is issued, looked at and ended by hand; a wrong token is refused; nothing is stored. */
export async function tryOut({page, visit, report, lookAgain}) {
  const expect = (answer, status, part) => {
    if (!answer.status.startsWith(status) || !answer.text.includes(part)) {
      report(`${answer.status} ${answer.text}, and not ${status} with ${part}`);
    }
  };
  const issue = form => form.locator('textarea').fill(JSON.stringify(visit.body));
  const named = id => form => form.locator('[data-name=link_id]').fill(id);
  await page.fill('#token', 'not-the-token');
  expect(await send(page, 'POST', '/v1/links', issue), '401', 'M_UNKNOWN_TOKEN');
  await page.fill('#token', visit.token);
  const issued = await send(page, 'POST', '/v1/links', issue);
  expect(issued, '201', 'content-type: application/json');
  const id = /"link_id": "([^"]+)"/.exec(issued.text)?.[1] ?? '';
  expect(await send(page, 'GET', '/v1/links/{link_id}', named(id)), '200', '"state": "live"');
  expect(await send(page, 'DELETE', '/v1/links/{link_id}', named(id)), '200', '"state": "revoked"');
  expect(await send(page, 'GET', '/v1/links/{link_id}', named('../<b>')), '404', 'M_NOT_FOUND');
  await lookAgain('tried');
  const stored = await page.evaluate(async () => [
    ...Object.keys(localStorage), ...Object.keys(sessionStorage), ...(await indexedDB.databases()).map(({name}) => name),
    ...await caches.keys().catch(() => []), document.cookie, location.search, location.hash,
  ]);
  if (stored.some(Boolean)) {
    report(`it stores ${JSON.stringify(stored)}`);
  }
  await page.reload();
  if (await page.inputValue('#token') !== '') {
    report('the token is still there after a reload');
  }
}

/** Without scripts there are no forms, and everything else. */
export async function read({page, report}) {
  if (await page.locator('form.try:visible, #token:visible').count() > 0) {
    report('forms are shown that nobody sends');
  }
  for (const words of ['Operations', 'Request body', 'Responses', '/v1/revocations']) {
    if (!(await page.locator('body').innerText()).toLowerCase().includes(words.toLowerCase())) {
      report(`it does not say ${words}`);
    }
  }
}

// What a page does besides being looked at: what it loads, what the browser complains of, what its policy stops.

/** The most bytes of a page besides media. */
const MOST_BYTES = 15 * 1024;
const MEDIA = ['image', 'media'];

export class Watch {
  /** Watches everything in a context, from before its first page on. */
  static async over(context, visit, report) {
    const watch = new Watch(visit, report);
    await context.addInitScript(() => {
      window.violations = [];
      document.addEventListener('securitypolicyviolation', ({effectiveDirective, blockedURI}) =>
        window.violations.push(`${effectiveDirective} ${blockedURI}`));
    });
    context.on('request', request => watch.#requested(request));
    context.on('response', response => watch.answers.push(response));
    context.on('console', message => watch.#said(message));
    context.on('weberror', error => report(`a script fails: ${error.error()}`));
    context.on('dialog', async dialog => {
      report(`a dialog opens: ${dialog.message()}`);
      await dialog.dismiss();
    });
    return watch;
  }

  constructor(visit, report) {
    this.visit = visit;
    this.report = report;
    this.answers = [];
    this.origin = new URL(visit.url).origin;
  }

  #requested(request) {
    const url = new URL(request.url());
    const known = [this.origin, ...this.visit.foreign ?? []];
    if (!known.includes(url.origin) && url.protocol !== 'about:') {
      this.report(`it asks ${url.origin}`);
    }
  }

  #said(message) {
    // The browser notes each answer over 399 there; those are judged by their status.
    const isStatus = message.text().startsWith('Failed to load resource: the server responded with a status of');
    if (['error', 'warning'].includes(message.type()) && !isStatus) {
      this.report(`the browser says: ${message.text()}`);
    }
  }

  /** Judges the answer that brought the page. */
  async opened(page, response) {
    const {visit, report} = this;
    if (response.status() !== visit.status) {
      report(`the status is ${response.status()}, and not ${visit.status}`);
    }
    const policy = response.headers()['content-security-policy'] ?? '';
    if (!policy.startsWith("default-src 'none'")) {
      report(`its policy is ${JSON.stringify(policy)}`);
    }
    await page.waitForLoadState('load');
    let weight = 0;
    for (const answer of this.answers) {
      if (MEDIA.includes(answer.request().resourceType())) {
        continue;
      }
      const {responseBodySize} = await answer.request().sizes();
      weight += responseBodySize;
    }
    const most = visit.most_bytes ?? MOST_BYTES;
    if (weight > most) {
      report(`it weighs ${weight} bytes besides media, and not ${most} at most`);
    }
  }

  /** Judges what the policy of the page had to stop since it was asked last. */
  async stopped(page) {
    const violations = await page.evaluate(() => (window.violations ?? []).splice(0));
    violations.forEach(violation => this.report(`its policy stops ${violation}`));
  }
}

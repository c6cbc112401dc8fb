// What is looked at on every page. Each function tells what is wrong, as lines for people.

/** The languages that are written from right to left. */
const RIGHT_TO_LEFT = ['ar', 'fa', 'he'];

/** What stands in the way of people who use a page otherwise: none of axe's rules may be broken. */
export async function barriers(page, axe) {
  if (!await page.evaluate(() => 'axe' in globalThis)) await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    // Nothing is loaded again to be looked at.
    const {violations} = await globalThis.axe.run(document, {preload: false, resultTypes: ['violations']});
    return violations.map(({id, help, nodes}) => {
      const places = nodes.slice(0, 3).map(({html, any}) => `${html} ${any[0]?.message ?? ''}`);
      return `${id}: ${help}: ${places.join(' | ')}`;
    });
  });
  return violations;
}

/** No page is to be scrolled sideways, and nothing sticks out of it. */
export async function doesNotFit(page) {
  return page.evaluate(() => {
    const {scrollWidth, clientWidth} = document.documentElement;
    if (scrollWidth <= clientWidth) {
      return [];
    }
    const wide = [...document.body.querySelectorAll('*')].filter(
      element => element.getBoundingClientRect().right > clientWidth + 1);
    return [`it is ${scrollWidth} px wide: ${wide.slice(0, 3).map(element => element.outerHTML.slice(0, 120)).join(' | ')}`];
  });
}

/** What needs its picture or its style to be understood has it. */
export async function incomplete(page) {
  return page.evaluate(() => {
    const wrong = [];
    for (const link of document.querySelectorAll('.skip:not(:focus)')) {
      if (link.getBoundingClientRect().bottom > 0) wrong.push('the way to the content is in sight without the focus');
    }
    for (const state of document.querySelectorAll('.status')) {
      const {backgroundColor} = getComputedStyle(state);
      if (backgroundColor === 'rgba(0, 0, 0, 0)') wrong.push(`the state ${state.textContent} has no colour`);
    }
    for (const {complete, naturalWidth, src} of document.images) {
      if (complete && naturalWidth === 0) wrong.push(`the picture ${src} is not shown`);
    }
    for (const text of document.querySelectorAll('.whole')) {
      const [place, another] = text.getClientRects();
      if (another || place?.right > text.parentElement.getBoundingClientRect().right) {
        wrong.push(`${text.textContent} is broken, or covers what is beside it`);
      }
    }
    return wrong;
  });
}

/** The operator's logo is loaded, beside the name of the site and as large as the page says; elsewhere there is none. */
export async function logo(page, visit) {
  return page.evaluate(async wanted => {
    const brand = document.querySelector('.brand');
    const picture = brand?.querySelector('img');
    if (!wanted || !picture) {
      return wanted === Boolean(picture) ? [] : [wanted ? 'it has no logo' : 'it has a logo'];
    }
    await picture.decode();
    const {width, height, left, right} = picture.getBoundingClientRect();
    const name = document.createRange();
    name.selectNodeContents(brand.lastChild);
    const words = name.getBoundingClientRect();
    const isBefore = document.dir === 'rtl' ? words.right < left : right < words.left;
    const isShown = picture.complete && picture.naturalWidth > 0;
    const isAsTold = width === Number(picture.getAttribute('width')) && height === Number(picture.getAttribute('height'));
    return isShown && isAsTold && isBefore && picture.alt === '' ? []
      : [`the logo is ${width} by ${height} px, ${picture.naturalWidth} px by itself, from ${left} to ${right}`];
  }, Boolean(visit.has_logo));
}

/** What a page has to say, and what names of others may not do to it. */
export async function texts(page, visit, language, report) {
  const {title, text, scripts, owned, lang, direction} = await page.evaluate(() => ({
    title: document.title,
    text: document.body.innerText.replace(/\s+/g, ' '),
    // The one that tells the time in the reader's place is where a time is told.
    scripts: document.scripts.length - document.querySelectorAll('time').length,
    owned: 'owned' in window,
    lang: document.documentElement.lang,
    direction: getComputedStyle(document.body).direction,
  }));
  // The words are known in English alone; names are the same in every language.
  const expected = [...(visit.names ?? []), ...(language === 'en' ? visit.says ?? [] : [])];
  for (const words of expected.filter(words => !text.includes(words))) {
    report(`it does not say ${JSON.stringify(words)} but ${JSON.stringify(text)}`);
  }
  if (!title.trim()) {
    report('it has no title');
  }
  if (lang !== language) {
    report(`it says that its language is ${JSON.stringify(lang)}`);
  }
  const wanted = RIGHT_TO_LEFT.includes(language) ? 'rtl' : 'ltr';
  if (direction !== wanted) {
    report(`its direction is ${direction}`);
  }
  if (!visit.has_script && scripts > 0) {
    report(`it has ${scripts} scripts`);
  }
  if (owned) {
    report('a name has run as a script');
  }
  if (/[\u202a-\u202e\u2066-\u2069]/.test(title + text)) {
    report('it turns the direction of text');
  }
}

/** Tab reaches everything that can be used, in the order of the page. */
export async function keyboardOrder(page) {
  const wanted = await page.evaluate(() => {
    const seen = new Set();
    const usable = 'a[href], button, input, select, textarea, summary, video[controls], audio[controls], [tabindex="0"]';
    window.stops = [...document.querySelectorAll(usable)].filter(element => {
      const group = element.type === 'radio' ? element.name : undefined;
      const isFirst = group === undefined || !seen.has(group);
      if (isFirst && group !== undefined) seen.add(group);
      return isFirst && !element.disabled && element.checkVisibility({visibilityProperty: true});
    });
    // Where a field has the focus at once, Tab would go on from there.
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
    window.scrollTo(0, 0);
    window.reached = [];
    document.addEventListener('focusin', ({target}) => {
      const at = window.stops.indexOf(target);
      if (at >= 0 && at !== window.reached.at(-1)) window.reached.push(at);
    });
    return window.stops.map(element => element.outerHTML.slice(0, 100));
  });
  let reached = [];
  // Players have buttons of their own, and lists in which keys go on to the next line.
  for (let round = 0; round < 20 && reached.length < wanted.length; round += 1) {
    for (let press = reached.length; press < wanted.length; press += 1) await page.keyboard.press('Tab');
    reached = await page.evaluate(() => window.reached);
  }
  const order = wanted.map((_, at) => at);
  if (reached.join() === order.join()) {
    return [];
  }
  return [`Tab reaches ${JSON.stringify(reached)} of ${JSON.stringify(wanted)}`];
}

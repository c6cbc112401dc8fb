'use strict';
// Sends what the forms of this page ask for, and shows the answers as text. The token stays in its field, and goes with
// the page.
const token = document.getElementById('token');
const MOST_SHOWN = 100000;

function asked(form) {
  let path = form.dataset.path.slice(1);
  const query = new URLSearchParams();
  const headers = new Headers();
  for (const {value, dataset: {place, name}} of form.querySelectorAll('[data-place]')) {
    if (place === 'path') path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (value !== '' && place === 'query') query.append(name, value);
    else if (value !== '') headers.set(name, value);
  }
  if (token.value !== '') headers.set('Authorization', `Bearer ${token.value.trim()}`);
  const body = form.querySelector('textarea')?.value;
  if (body !== undefined) headers.set('Content-Type', 'application/json');
  const search = query.size > 0 ? `?${query}` : '';
  const how = {credentials: 'omit', cache: 'no-store', redirect: 'manual'};
  return [new URL(path + search, document.baseURI), {method: form.dataset.method, headers, body, ...how}];
}

function readable(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : text;
  }
}

async function send(form) {
  const answer = form.querySelector('.answer');
  const show = (status, shade, headers, body) => {
    answer.hidden = false;
    const badge = answer.querySelector('.status');
    badge.textContent = status;
    badge.className = `status ${shade}`;
    answer.querySelector('pre').textContent = [headers, body].filter(Boolean).join('\n\n');
  };
  try {
    const response = await fetch(...asked(form));
    const shade = ['', '', 'fine', 'moved', 'refused'][Math.floor(response.status / 100)] ?? 'failed';
    const headers = Array.from(response.headers, ([name, value]) => `${name}: ${value}`).join('\n');
    show(`${response.status} ${response.statusText}`, shade, headers, readable(await response.text()));
  } catch (problem) {
    show('not sent, or not answered', 'failed', '', String(problem));
  }
}

for (const form of document.querySelectorAll('form.try')) {
  form.addEventListener('submit', async event => {
    event.preventDefault();
    const button = form.querySelector('button');
    button.disabled = true;
    await send(form);
    button.disabled = false;
    button.focus();
  });
}
for (const part of document.querySelectorAll('[data-scripted]')) part.hidden = false;
addEventListener('pagehide', () => { token.value = ''; });

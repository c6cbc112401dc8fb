for (const time of document.querySelectorAll('time')) {
  const at = new Date(time.dateTime);
  if (at.getTimezoneOffset()) time.textContent = at.toLocaleString(document.documentElement.lang, {
    day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit', timeZoneName: 'short'});
}

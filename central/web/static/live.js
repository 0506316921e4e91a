// One EventSource with its own reopen timer; runs in the shared worker, or in the page where there is none.
// Keeps the merged state, so that a window which joins later starts from a full picture.
"use strict";
function openStream(url, tell) {
  const SILENT_MS = 12000;
  let source = null, state = null, seq = 0, attempt = 0, heard = 0, timer = 0;

  function connect() {
    clearTimeout(timer);
    source = new EventSource(url);
    source.onmessage = function (event) { take(JSON.parse(event.data)); };
    source.onerror = again;
    heard = performance.now();
  }
  function take(message) {
    if (!message.full && (state === null || message.seq !== seq + 1)) { again(); return; }
    seq = message.seq;
    heard = performance.now();
    attempt = 0;
    state = message.full ? message : merged(state, message);
    tell(message);
  }
  function merged(into, message) {
    for (const section in message) {
      const rows = message[section];
      if (typeof rows !== "object") { into[section] = rows; continue; }
      for (const row in rows) { into[section][row] = Object.assign(into[section][row] || {}, rows[row]); }
    }
    into.full = true;
    return into;
  }
  function again() {
    if (source !== null) { source.close(); source = null; }
    attempt += 1;
    tell({ attempt: attempt });
    clearTimeout(timer);
    timer = setTimeout(connect, Math.min(1000 * Math.pow(2, attempt - 1), 30000) * (0.5 + Math.random() / 2));
  }
  setInterval(function () {
    if (source !== null && performance.now() - heard > SILENT_MS) { again(); }
  }, 1000);
  connect();
  return function () {
    return state === null ? null : Object.assign({}, state, { age: state.age + performance.now() - heard });
  };
}

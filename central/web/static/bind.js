// Keeps the text of a page true: fields marked data-b are set in place; nothing is built, moved or measured.
// Time comes from the server and performance.now(); the computer's own clock is never asked.
"use strict";
(function () {
  const STALE_MS = 9500, LOST_TRIES = 3;
  const root = document.documentElement, page = document.body.dataset, veil = document.querySelector(".veil");
  const told = [], ticked = [];
  let fields, ages;
  const base = { office: Number(page.now), wall: Number(page.wall), pace: Number(page.pace), at: performance.now() - Number(page.age) };
  let heard = base.at, attempt = 0, waiting = null;

  // What is there to be kept true; once more where a part of the page was put in another's place.
  function bind() {
    fields = new Map();
    for (const node of document.querySelectorAll("[data-b]")) {
      for (const part of node.dataset.b.split(" ")) {
        const cut = part.indexOf("="), path = part.slice(cut + 1);
        if (!fields.has(path)) { fields.set(path, []); }
        fields.get(path).push({ node: node, how: part.slice(0, cut) });
      }
    }
    ages = Array.from(document.querySelectorAll("[data-heard]"));
  }
  bind();
  const WAYS = {
    text: function (node, value) {
      if (node.textContent === value) { return; }
      node.textContent = value;
      if (node.classList.contains("figure")) { restart(node, "changed"); }
    },
    k: function (node, value) { node.setAttribute("href", "#k-" + (value || "never")); },
    l: function (node, value) { node.setAttribute("href", "#l-" + (value || "none")); },
    band: drawBand,
    // A list that is not kept true offers itself anew when what it was made from has changed.
    offer: function (node, value, target) {
      if (target.first === undefined) { target.first = value; }
      node.hidden = node.hidden && value === target.first;
    }
  };
  function drawBand(node, value) {
    const runs = value.match(/[a-z]\d+/g) || [];
    while (node.childElementCount > runs.length) { node.lastElementChild.remove(); }
    while (node.childElementCount < runs.length) { node.appendChild(document.createElement("i")); }
    runs.forEach(function (run, place) { node.children[place].className = run[0] + " w" + run.slice(1); });
  }
  function put(target, value) {
    const way = WAYS[target.how];
    if (way) { way(target.node, value, target); } else { target.node.setAttribute(target.how, value); }
  }
  function restart(node, name) {
    node.classList.remove(name);
    void node.offsetWidth;
    node.classList.add(name);
  }
  function paint(message) {
    for (const section in message) {
      const rows = message[section];
      if (typeof rows !== "object") { continue; }
      for (const row in rows) {
        for (const name in rows[row]) {
          for (const target of fields.get(section + "/" + row + "/" + name) || []) { put(target, rows[row][name]); }
        }
      }
    }
    const red = message.k && message.k.red ? message.k.red.n : undefined;
    if (red !== undefined) { document.title = (red === "0" ? "" : "(" + red + ") ") + page.title; }
    for (const each of told) { each(message); }
  }
  function keep(message) {
    if (waiting === null || message.full) { waiting = message; return; }
    for (const section in message) {
      if (typeof message[section] !== "object") { continue; }
      waiting[section] = waiting[section] || {};
      for (const row in message[section]) {
        waiting[section][row] = Object.assign(waiting[section][row] || {}, message[section][row]);
      }
    }
  }
  function take(message) {
    if (message.attempt) { attempt = message.attempt; askWhy(); return; }
    heard = performance.now() - message.age; // a centre that answers with old data is no fresh centre
    attempt = 0;
    base.office = message.now; base.wall = message.wall; base.pace = message.pace; base.at = heard;
    if (message.full && outgrown(message)) { location.reload(); return; }
    if (document.hidden) { keep(message); return; }
    paint(message);
    tick();
  }
  // A wall starts anew with a new build or a new list of sites; a page with a form in it never does.
  function outgrown(message) {
    return page.sites !== undefined && (message.build !== page.build || Object.keys(message.s).sort().join(" ") !== page.sites);
  }
  // A stream does not say why it is refused. Where the log-in has ended, the page leads to the log-in page.
  function askWhy() {
    if (attempt < LOST_TRIES) { return; }
    fetch("/hall", { redirect: "manual", cache: "no-store" }).then(function (answer) {
      if (answer.type === "opaqueredirect") { location.reload(); }
    }).catch(function () { /* the centre is away: the veil says so */ });
  }
  document.addEventListener("visibilitychange", function () {
    if (!document.hidden && waiting !== null) { paint(waiting); waiting = null; tick(); }
  });

  function text(selector, value) {
    const node = document.querySelector(selector);
    if (node !== null && node.textContent !== value) { node.textContent = value; }
  }
  function clock(ms) {
    return new Date(ms + Number(page.offset)).toISOString().slice(11, 19);
  }
  function two(large, unit, small, smaller) {
    return large + " " + unit + (small ? " " + small + " " + smaller : "");
  }
  // The same words as central.core.wording.span.
  function span(ms) {
    const secs = Math.max(0, Math.floor(ms / 1000)), mins = Math.floor(secs / 60), hours = Math.floor(mins / 60);
    if (secs < 60) { return secs + " 秒"; }
    if (mins < 60) { return mins + " 分"; }
    if (hours < 24) { return two(hours, "小时", mins % 60, "分"); }
    return two(Math.floor(hours / 24), "天", hours % 24, "小时");
  }
  function tick() {
    const now = performance.now(), silent = now - heard, stale = silent > STALE_MS;
    root.classList.toggle("stale", stale);
    veil.hidden = !stale;
    if (stale) {
      text("#veil-at", clock(base.office));
      text("#veil-age", String(Math.floor(silent / 1000)));
      text("#veil-try", attempt ? "（第 " + attempt + " 次）" : "");
      return;
    }
    text("#clock", clock(base.office + (now - base.at) * base.pace));
    text("#fresh", (silent / 1000).toFixed(1));
    for (const node of ages) {
      const at = Number(node.dataset.heard), age = at ? span(base.wall + now - base.at - at) + (node.dataset.after || "") : "";
      if (node.textContent !== age) { node.textContent = age; }
    }
    for (const each of ticked) { each(now, base.wall + now - base.at + Number(page.offset)); }
  }
  window.mingcha = { told: told, ticked: ticked, restart: restart, bind: bind, paint: paint };
  setInterval(tick, 250);
  if (window.SharedWorker) {
    const worker = new SharedWorker("/static/worker.js?v=" + page.build);
    worker.port.onmessage = function (event) { take(event.data); };
    window.addEventListener("pagehide", function () { worker.port.postMessage("bye"); });
  } else {
    openStream("/api/v1/stream?topics=hall", take);
  }
})();

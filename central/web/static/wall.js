// Keeps the wall's text true: fields marked data-b are set in place; nothing is built, moved or measured.
// Time comes from the server and performance.now(); the computer's own clock is never asked.
"use strict";
(function () {
  const STALE_MS = 10000, FLIP_MS = 6000;
  const root = document.documentElement, wall = document.querySelector(".wall");
  const fields = new Map();
  const base = { office: Number(wall.dataset.now), wall: Number(wall.dataset.wall), pace: Number(wall.dataset.pace), at: performance.now() };
  let heard = performance.now(), attempt = 0, waiting = null, turn = 0, paused = false, flipped = performance.now();

  for (const node of document.querySelectorAll("[data-b]")) {
    for (const part of node.dataset.b.split(" ")) {
      const cut = part.indexOf("="), path = part.slice(cut + 1);
      if (!fields.has(path)) { fields.set(path, []); }
      fields.get(path).push({ node: node, how: part.slice(0, cut) });
    }
  }
  function put(target, value) {
    const node = target.node, how = target.how;
    if (how === "text") {
      if (node.textContent !== value) { node.textContent = value; touched(node); }
    } else if (how === "k" || how === "l") {
      node.setAttribute("href", value ? "#" + how + "-" + value : "#k-never");
    } else if (how === "band") {
      drawBand(node, value);
    } else {
      node.setAttribute(how, value);
    }
  }
  function touched(node) {
    if (!node.classList.contains("figure")) { return; }
    node.classList.remove("changed");
    void node.offsetWidth;
    node.classList.add("changed");
  }
  function drawBand(node, value) {
    const runs = value.match(/[a-z]\d+/g) || [];
    while (node.childElementCount > runs.length) { node.lastElementChild.remove(); }
    while (node.childElementCount < runs.length) { node.appendChild(document.createElement("i")); }
    runs.forEach(function (run, place) { node.children[place].className = run[0] + " w" + run.slice(1); });
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
    const red = message.k && message.k.red ? message.k.red.n : null;
    if (red !== null) { document.title = red === "0" ? "明察" : "(" + red + ") 明察"; }
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
  function pulse(message) {
    const rows = message.q;
    if (!rows || message.full) { return; }
    for (const row in rows) {
      const node = document.getElementById("row-" + row);
      if (node && rows[row].light === "red") { node.classList.remove("fresh"); void node.offsetWidth; node.classList.add("fresh"); }
    }
  }
  function take(message) {
    if (message.attempt) { attempt = message.attempt; return; }
    heard = performance.now();
    attempt = 0;
    base.office = message.now; base.wall = message.wall; base.at = heard;
    if (message.build && message.build !== wall.dataset.build) { location.reload(); return; }
    if (document.hidden) { keep(message); return; }
    paint(message);
    pulse(message);
    tick();
  }
  document.addEventListener("visibilitychange", function () {
    if (!document.hidden && waiting !== null) { paint(waiting); waiting = null; tick(); }
  });

  function text(selector, value) {
    const node = document.querySelector(selector);
    if (node.textContent !== value) { node.textContent = value; }
  }
  function clock(ms) {
    return new Date(ms + Number(wall.dataset.offset)).toISOString().slice(11, 19);
  }
  const ages = Array.from(document.querySelectorAll("[data-heard]"));
  function tick() {
    const now = performance.now(), silent = now - heard, stale = silent > STALE_MS;
    root.classList.toggle("stale", stale);
    document.querySelector(".veil").hidden = !stale;
    if (stale) {
      text("#veil-at", clock(base.office));
      text("#veil-age", String(Math.floor(silent / 1000)));
      text("#veil-try", attempt ? "（第 " + attempt + " 次）" : "");
      return;
    }
    text("#clock", clock(base.office + (now - base.at) * base.pace));
    text("#fresh", (silent / 1000).toFixed(1));
    for (const node of ages) {
      const at = Number(node.dataset.heard);
      const age = at ? Math.max(0, Math.floor((base.wall + now - base.at - at) / 1000)) + " 秒" : "";
      if (node.textContent !== age) { node.textContent = age; }
    }
    if (!paused && now - flipped >= FLIP_MS) { flip(now); }
    const local = (base.wall + Number(wall.dataset.offset)) % 86400000;
    if (now > 3600000 && local >= 12600000 && local < 12660000) { location.reload(); }
  }
  const news = Array.from(document.querySelectorAll(".news li"));
  function flip(now) {
    flipped = now;
    const told = news.filter(function (node) { return node.dataset.n !== ""; });
    turn = told.length ? (turn + 1) % told.length : 0;
    news.forEach(function (node) { node.classList.toggle("on", node === told[turn]); });
  }
  document.querySelector(".news button").addEventListener("click", function () {
    paused = !paused;
    this.setAttribute("aria-pressed", String(paused));
    this.textContent = paused ? "▸" : "‖";
  });
  setInterval(tick, 250);
  if (window.SharedWorker) {
    const worker = new SharedWorker("/static/worker.js");
    worker.port.onmessage = function (event) { take(event.data); };
    window.addEventListener("pagehide", function () { worker.port.postMessage("bye"); });
  } else {
    openStream("/api/v1/stream?topics=hall", take);
  }
})();

// What only the wall does: turns its newest sentences and its pictures, marks a new red light, starts afresh at night.
"use strict";
(function () {
  const FLIP_MS = 6000, HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS, FRESH_MS = 3.5 * HOUR_MS;
  const news = Array.from(document.querySelectorAll(".news li")), mingcha = window.mingcha;
  const flips = pauses(".news button"), turns = pauses(".scenes button");
  let turn = 0, flipped = performance.now();

  // A button that stops what moves: -> whether it is stopped. Where there is no button, nothing is.
  function pauses(selector) {
    const button = document.querySelector(selector);
    let paused = false;
    if (button !== null) {
      button.addEventListener("click", function () {
        paused = !paused;
        button.setAttribute("aria-pressed", String(paused));
        button.querySelector("use").setAttribute("href", paused ? "#play" : "#pause");
      });
    }
    return function () { return paused; };
  }
  function flip(now) {
    flipped = now;
    const shown = news.filter(function (node) { return node.dataset.n !== ""; });
    turn = shown.length ? (turn + 1) % shown.length : 0;
    news.forEach(function (node) { node.classList.toggle("on", node === shown[turn]); });
  }

  // Rows change places; a red light is new when the count has grown and its words were not there before.
  const total = document.querySelector(".kpi-red .figure");
  function words(row) { return row.querySelector(".row-item").textContent + row.querySelector(".row-where").textContent; }
  function reds() { return Array.from(document.querySelectorAll('.row[data-v="red"]')); }
  let known = new Set(reds().map(words)), count = Number(total.textContent);
  mingcha.told.push(function () {
    const now = reds(), number = Number(total.textContent);
    if (number > count) {
      for (const row of now) { if (!known.has(words(row))) { mingcha.restart(row, "fresh"); } }
    }
    known = new Set(now.map(words));
    count = number;
  });

  // The next picture is asked for whole and takes the place of this one: a centre that is away changes nothing, the veil
  // says so. While the turning is paused, the same picture is asked for anew. What the stream tells meanwhile is painted after.
  let turned = performance.now(), missed = null;
  mingcha.told.push(function (message) { if (missed !== null) { missed.push(message); } });
  function advance(now) {
    const scene = document.getElementById("scene"), every = Number(scene.dataset.every || 0) * 1000;
    if (every === 0 || missed !== null || document.hidden || now - turned < every) { return; }
    turned = now;
    missed = [];
    fetch(turns() ? scene.dataset.here : scene.dataset.next, { cache: "no-store" }).then(function (answer) {
      return answer.ok ? answer.text() : "";
    }).then(function (html) {
      const made = new DOMParser().parseFromString(html, "text/html");
      if (made.getElementById("scene") === null) { return; }
      if (made.body.dataset.build !== document.body.dataset.build) { location.reload(); return; }
      for (const id of ["scene", "scenes"]) {
        const old = document.getElementById(id);
        if (old !== null) { old.replaceWith(document.adoptNode(made.getElementById(id))); }
      }
      const meanwhile = missed;
      missed = null;
      mingcha.bind();
      meanwhile.forEach(mingcha.paint);
      known = new Set(reds().map(words));
    }).catch(function () { /* the next turn asks again */ }).then(function () { missed = null; });
  }
  mingcha.ticked.push(function (now, local) {
    if (!flips() && now - flipped >= FLIP_MS) { flip(now); }
    advance(now);
    const hour = local % DAY_MS;
    if (now > HOUR_MS && hour >= FRESH_MS && hour < FRESH_MS + 60000) { location.reload(); }
  });
})();

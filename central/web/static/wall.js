// What only the wall does: turns its newest sentences, marks a new red light, starts afresh at night.
"use strict";
(function () {
  const FLIP_MS = 6000, HOUR_MS = 3600000, DAY_MS = 24 * HOUR_MS, FRESH_MS = 3.5 * HOUR_MS;
  const news = Array.from(document.querySelectorAll(".news li")), button = document.querySelector(".news button");
  let turn = 0, paused = false, flipped = performance.now();

  function flip(now) {
    flipped = now;
    const shown = news.filter(function (node) { return node.dataset.n !== ""; });
    turn = shown.length ? (turn + 1) % shown.length : 0;
    news.forEach(function (node) { node.classList.toggle("on", node === shown[turn]); });
  }
  button.addEventListener("click", function () {
    paused = !paused;
    button.setAttribute("aria-pressed", String(paused));
    button.querySelector("use").setAttribute("href", paused ? "#play" : "#pause");
  });
  // Rows change places; a red light is new when the count has grown and its words were not there before.
  const total = document.querySelector(".kpi-red .figure"), rows = Array.from(document.querySelectorAll(".row"));
  function words(row) { return row.querySelector(".row-item").textContent + row.querySelector(".row-where").textContent; }
  function reds() { return rows.filter(function (row) { return row.dataset.v === "red"; }); }
  let known = new Set(reds().map(words)), count = Number(total.textContent);
  window.mingcha.told.push(function () {
    const now = reds(), number = Number(total.textContent);
    if (number > count) {
      for (const row of now) { if (!known.has(words(row))) { window.mingcha.restart(row, "fresh"); } }
    }
    known = new Set(now.map(words));
    count = number;
  });
  window.mingcha.ticked.push(function (now, local) {
    if (!paused && now - flipped >= FLIP_MS) { flip(now); }
    const hour = local % DAY_MS;
    if (now > HOUR_MS && hour >= FRESH_MS && hour < FRESH_MS + 60000) { location.reload(); }
  });
})();

// A score run that goes on in the background: its bar moves, and when it is over the page is read again, with its result.
"use strict";
(function () {
  const bar = document.getElementById("run-bar"), said = document.getElementById("run-said");
  if (bar === null) { return; }
  async function look() {
    try {
      const answer = await fetch(bar.dataset.address, { cache: "no-store" });
      const told = await answer.json();
      if (told.over) { location.assign("/hall/scores"); return; }
      if (told.total > 0) {
        bar.max = told.total;
        bar.value = told.done;
        said.textContent = told.done.toLocaleString("en") + " / " + told.total.toLocaleString("en") + " 个办件";
      }
    } catch (error) {
      said.textContent = "暂时问不到进度，稍后再试";
    }
    setTimeout(look, 2000);
  }
  setTimeout(look, 1000);
})();

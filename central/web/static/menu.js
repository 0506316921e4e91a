// The menu by keys: arrows move, unfold and fold, Esc folds; on a phone it opens in place and leaves no trace in the history.
// One's own menu at the top folds by Esc too, and when something else is clicked or focused.
"use strict";
(function () {
  const menu = document.getElementById("menu"), mine = document.querySelector(".me"), opener = menu.querySelector(".menu-open"), closer = menu.querySelector(".menu-close");

  function isSheet() { return location.hash === "#menu" && closer.getClientRects().length > 0; }
  // What lies in a folded group has a place on the page in newer browsers, and takes no focus.
  function isShown(node) {
    const group = node.tagName === "SUMMARY" ? null : node.closest("details");
    return (group === null || group.open) && node.getClientRects().length > 0;
  }
  function shown() { return Array.from(menu.querySelectorAll("summary, a")).filter(isShown); }
  function step(from, by) {
    const nodes = shown(), at = nodes.indexOf(from);
    nodes[Math.min(nodes.length - 1, Math.max(0, at + by))].focus();
  }
  function unfold(node) {
    if (node.tagName !== "SUMMARY") { return; }
    if (node.parentNode.open) { step(node, 1); } else { node.parentNode.open = true; }
  }
  function fold(node) {
    const group = node.closest("details");
    if (group === null) { return false; }
    group.open = false;
    group.querySelector("summary").focus();
    return true;
  }
  function close() {
    location.replace("#");
    opener.focus();
  }
  const KEYS = {
    ArrowDown: function (node) { step(node, 1); },
    ArrowUp: function (node) { step(node, -1); },
    Home: function () { step(shown()[0], 0); },
    End: function (node) { step(node, shown().length); },
    ArrowRight: unfold,
    ArrowLeft: fold,
    Escape: function (node) { if (isSheet()) { close(); } else { fold(node); } }
  };
  menu.addEventListener("keydown", function (event) {
    if (!KEYS[event.key] || event.ctrlKey || event.altKey || event.metaKey) { return; }
    event.preventDefault();
    KEYS[event.key](event.target);
  });
  opener.addEventListener("click", function (event) {
    event.preventDefault();
    location.replace("#menu");
    closer.focus();
  });
  closer.addEventListener("click", function (event) {
    event.preventDefault();
    close();
  });
  mine.addEventListener("keydown", function (event) {
    if (event.key !== "Escape" || !mine.open) { return; }
    mine.open = false;
    mine.querySelector("summary").focus();
  });
  ["click", "focusin"].forEach(function (act) {
    document.addEventListener(act, function (event) { if (!mine.contains(event.target)) { mine.open = false; } });
  });
  // Who comes back to a page does not find its menu spread over it.
  window.addEventListener("pageshow", function () { if (location.hash === "#menu") { location.replace("#"); } });
})();

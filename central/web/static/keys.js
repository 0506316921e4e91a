// Keys of the console (interface.md 3.4): none acts while something is typed, and all can be switched off (WCAG 2.1.4).
"use strict";
(function () {
  const OFF = "mc-keys-off", CHORD_MS = 1500;
  const help = document.getElementById("keys"), off = document.getElementById("keys-off"), find = document.getElementById("q");
  let chord = -CHORD_MS;

  function isOff() { try { return localStorage.getItem(OFF) === "1"; } catch (denied) { return false; } }
  function isTyped(node) { return node.isContentEditable || /^(INPUT|SELECT|TEXTAREA)$/.test(node.tagName); }
  function move(step) {
    const rows = Array.from(document.querySelectorAll(".list a.cover"));
    if (!rows.length) { return; }
    const at = rows.indexOf(document.activeElement);
    rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))].focus();
  }
  function go(letter) {
    const menu = document.getElementById("menu"), link = menu.querySelector('[data-key="' + letter + '"]');
    if (link !== null) { link.click(); return true; }
    if (letter !== "m") { return false; }
    const opener = menu.querySelector(".menu-open");
    if (opener.getClientRects().length) { opener.click(); } else { menu.querySelector(".menu-body summary, .menu-body a").focus(); }
    return true;
  }
  const KEYS = {
    "/": function () { if (find !== null) { find.focus(); } },
    j: function () { move(1); },
    k: function () { move(-1); },
    "?": function () { help.showModal(); }
  };
  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape" && isTyped(event.target)) { event.target.blur(); return; }
    if (event.key === "k" && event.ctrlKey && find !== null && !isOff()) { event.preventDefault(); find.focus(); return; }
    if (isTyped(event.target) || help.open || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) { return; }
    if (isOff() && event.key !== "?") { return; }
    const now = performance.now(), waits = now - chord < CHORD_MS;
    chord = -CHORD_MS;
    if (waits && /^[a-z]$/.test(event.key) && go(event.key)) { event.preventDefault(); return; }
    if (event.key === "g") { chord = now; return; }
    if (KEYS[event.key]) { event.preventDefault(); KEYS[event.key](); }
  });
  off.checked = isOff();
  off.addEventListener("change", function () {
    try { localStorage.setItem(OFF, off.checked ? "1" : "0"); } catch (denied) { /* kept for this page alone */ }
  });
  document.getElementById("keys-show").addEventListener("click", function () { help.showModal(); });
})();

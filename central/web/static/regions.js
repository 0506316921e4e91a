// Regions of a camera: a row is picked, a drag on the still writes its four numbers, and the numbers are what is drawn and sent.
"use strict";
(function () {
  const rows = Array.from(document.querySelectorAll(".regions-list tbody tr")), stage = document.getElementById("draw");
  const shapes = document.getElementById("shapes"), tags = document.getElementById("tags"), WHOLE = 1000;
  let picked = null, from = null;

  function edges(row) { return Array.from(row.querySelectorAll(".edge")); }
  function isOwn(row) { return edges(row).every(function (input) { return input.value === "" && input.placeholder !== ""; }); }
  function numbers(row) {
    const own = isOwn(row);  // of the box's own file: it counts until something is drawn here
    return edges(row).map(function (input) { const text = own ? input.placeholder : input.value; return text === "" ? NaN : Number(text); });
  }
  function paint() {
    if (shapes === null) { return; }
    [shapes, tags].forEach(function (part) { while (part.firstChild) { part.removeChild(part.firstChild); } });
    let zones = 0;
    rows.forEach(function (row) {
      const isSeat = row.dataset.kind === "seat";
      zones += isSeat ? 0 : 1;
      const box = numbers(row);
      if (box.some(isNaN) || box[0] >= box[2] || box[1] >= box[3]) { return; }
      const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      rect.setAttribute("class", row.dataset.kind + (isOwn(row) ? " own" : "") + (row === picked ? " picked" : ""));
      ["x", "y"].forEach(function (name, at) { rect.setAttribute(name, String(box[at])); });
      ["width", "height"].forEach(function (name, at) { rect.setAttribute(name, String(box[at + 2] - box[at])); });
      shapes.appendChild(rect);
      const tag = document.createElement("span");
      tag.textContent = isSeat ? row.querySelector("[name=id]").value || "座位" : "隐私区域 " + zones;
      tag.style.left = box[0] / 10 + "%";
      tag.style.top = box[1] / 10 + "%";
      tags.appendChild(tag);
    });
  }
  function change(row, input) {
    if (input.value !== "" && edges(row).every(function (other) { return other === input || other.value === ""; })) {
      edges(row).forEach(function (other) { other.value = other.value || other.placeholder; });  // one number of the file's own: the rest stays
    }
    paint();
  }
  function pick(row) {
    picked = row;
    rows.forEach(function (other) {
      other.classList.toggle("picked", other === row);
      other.querySelector(".pick").setAttribute("aria-pressed", String(other === row));
    });
    paint();
  }
  function place(event) {
    const box = stage.getBoundingClientRect();
    const zoom = document.documentElement.clientWidth / document.body.getBoundingClientRect().width;  // Chromium before 128 leaves it out
    return [(event.clientX / zoom - box.left) / box.width, (event.clientY / zoom - box.top) / box.height].map(function (share) {
      return Math.round(WHOLE * Math.min(1, Math.max(0, share)));
    });
  }
  function drag(event) {
    if (from === null) { return; }
    const to = place(event), inputs = edges(picked);
    [Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.max(from[0], to[0]), Math.max(from[1], to[1])]
      .forEach(function (value, at) { inputs[at].value = String(value); });
    paint();
  }

  rows.forEach(function (row) {
    const button = row.querySelector(".pick");
    row.querySelector("[name=id]").addEventListener("input", paint);
    edges(row).forEach(function (input) { input.addEventListener("input", function () { change(row, input); }); });
    if (stage === null) { return; }
    button.hidden = false;
    button.addEventListener("click", function () { pick(row); });
    row.addEventListener("focusin", function () { if (picked !== row) { pick(row); } });
  });
  if (stage !== null) {
    stage.addEventListener("pointerdown", function (event) {
      if (picked === null) { pick(rows.find(function (row) { return numbers(row).every(isNaN); }) || rows[0]); }
      from = place(event);
      stage.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    stage.addEventListener("pointermove", drag);
    stage.addEventListener("pointerup", function (event) { drag(event); from = null; });
    stage.addEventListener("pointercancel", function () { from = null; });
  }
  paint();
})();

// A click on a command copies it. Without https the clipboard is closed to scripts: then the text is selected and copied by hand.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const range = document.createRange();
  range.selectNodeContents(button.querySelector("code"));
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
  let done = false;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    done = true;
  } catch {
    done = document.execCommand("copy");
  }
  button.dataset.done = done ? "已复制" : "已选中，请按 Ctrl+C";
  window.setTimeout(() => delete button.dataset.done, 2000);
});

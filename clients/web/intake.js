/** The ways in: picker, camera, drop, paste. Each ends in onFiles(files). */

import { filesOfDrop } from "./files.js";
import { announce } from "./dom.js";
import { t } from "./texts.js";

export function watchIntake(onFiles) {
  let pasted = 0;
  const take = (files) => (files.length ? onFiles(files) : announce(t("intake.nothing")));

  watchPicker("choose", "file-input", take);
  watchPicker("camera", "camera-input", take);
  watchDrop(take);
  document.addEventListener("paste", (event) => {
    const files = Array.from(event.clipboardData?.files ?? []);
    if (files.length === 0) return; // text, into the API key's field for one
    event.preventDefault();
    take(files.map((file) => (file.name && file.name !== "image.png" ? file : renamed(file, t("intake.pasted_name", { number: ++pasted })))));
  });
}

function watchPicker(buttonId, inputId, take) {
  const input = document.getElementById(inputId);
  document.getElementById(buttonId).addEventListener("click", () => input.click());
  input.addEventListener("change", () => {
    const files = Array.from(input.files);
    input.value = ""; // so that choosing the same file again is a change
    if (files.length) take(files);
  });
}

/** The whole page takes drops: a near miss would make the browser leave the page, and the results with it. */
function watchDrop(take) {
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  const mark = (on) => document.body.classList.toggle("dropping", on);

  document.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    mark(true);
  });
  document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) mark(false); });
  document.addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    mark(false);
    take(await filesOfDrop(event.dataTransfer));
  });
}

/** Clipboards call every picture image.png, which would make the rows indistinguishable. */
const renamed = (file, name) => new File([file], name, { type: file.type });

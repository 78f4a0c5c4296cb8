/** Joins the parts: files come in, studies go through the service, the table and the detail show them. */

import { createAnalysis } from "./analysis.js";
import { downloadCsv } from "./csv.js";
import { Detail } from "./detail.js";
import { announce } from "./dom.js";
import { percent } from "./format.js";
import { install } from "./install.js";
import { watchIntake } from "./intake.js";
import { ServiceState, watchAbout } from "./service.js";
import { FINISHED, Studies } from "./studies.js";
import { ResultsTable } from "./table.js";
import { applyWords, otherLanguage, setLanguage, t } from "./texts.js";
import { outcome, reasonText, triageText } from "./wording.js";

const byId = (id) => document.getElementById(id);
const apiKey = () => byId("api-key").value.trim();
const settings = () => ({ explain: byId("explain").checked, apiKey: apiKey() });

const studies = new Studies();
const analysis = createAnalysis(studies, settings);
const service = new ServiceState(byId("service-state"));
const table = new ResultsTable(byId("rows"), { onChoose: (id) => choose(id, true), onRemove: remove });
const detail = new Detail(byId("detail"), { onCancel: analysis.cancel, onRetry: analysis.start });
let chosenId = null;

function addFiles(files) {
  const added = files.map((file) => studies.add(file));
  choose(added[0].id);
  announce(t("intake.added", { count: added.length }));
  for (const study of added) analysis.start(study.id);
}

/** byHand: on a phone the detail lies below the table, so someone who asks for it is taken there. */
function choose(id, byHand = false) {
  chosenId = id;
  table.choose(id);
  detail.show(studies.get(id));
  if (byHand && matchMedia("(max-width: 63.99rem)").matches) detail.focus();
}

function remove(id) {
  analysis.cancel(id);
  studies.remove(id);
}

function clearAll() {
  const answered = studies.all.some((study) => study.status === "done");
  if (answered && !confirm(t("results.clear_question"))) return;
  for (const { id } of studies.all) remove(id);
  announce(t("results.cleared"));
  byId("choose").focus();
}

function showSummary() {
  const all = studies.all;
  const failed = all.filter((study) => study.status === "failed" || study.status === "cancelled");
  byId("results").hidden = all.length === 0;
  byId("intake").classList.toggle("compact", all.length > 0);
  byId("summary").textContent = t("results.summary", { done: all.filter((study) => FINISHED.has(study.status)).length, total: all.length });
  byId("retry-all").hidden = failed.length < 2;
  byId("csv").disabled = !all.some((study) => FINISHED.has(study.status));
}

function onFinished(study) {
  const more = reasonText(study) || (study.answer && percent(study.answer.percentage / 100));
  announce(`${study.name}: ${[outcome(study), triageText(study), more].filter(Boolean).join(", ")}`);
  if (study.error?.status === 401) byId("settings").open = true;
  if (study.error || !service.isReady) service.check();
}

studies.addEventListener("added", ({ detail: study }) => { table.add(study); showSummary(); });
studies.addEventListener("changed", ({ detail: study }) => {
  table.update(study);
  if (study.id === chosenId) detail.show(study);
  showSummary();
  if (FINISHED.has(study.status)) onFinished(study);
});
studies.addEventListener("removed", ({ detail: study }) => {
  table.remove(study.id, byId("choose"));
  if (study.id === chosenId) choose(studies.all.at(-1)?.id ?? null);
  showSummary();
});

function renderWords() {
  applyWords();
  byId("language").textContent = t("page.other_language");
  byId("language").lang = otherLanguage();
  service.render();
  studies.all.forEach((study) => table.update(study));
  detail.show(studies.get(chosenId));
  showSummary();
}

byId("language").addEventListener("click", () => { setLanguage(otherLanguage()); renderWords(); });
byId("csv").addEventListener("click", () => downloadCsv(studies.all.filter((study) => FINISHED.has(study.status)), t("disclaimer")));
byId("print").addEventListener("click", () => window.print());
byId("clear").addEventListener("click", clearAll);
byId("retry-all").addEventListener("click", () => {
  for (const study of studies.all) if (study.status === "failed" || study.status === "cancelled") analysis.start(study.id);
});
window.addEventListener("pagehide", () => { byId("api-key").value = ""; }); // nor may the back-forward cache keep it

watchIntake(addFiles);
watchAbout(byId("about"), byId("about-body"), apiKey);
renderWords();
byId("starting").hidden = true;
byId("main").hidden = false;
service.check();
install();

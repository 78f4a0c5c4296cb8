/** The chosen study: its picture, its answer or what became of it, and what can be done about it. */

import { el, icon } from "./dom.js";
import { bytes, dateTime, percent, seconds } from "./format.js";
import { FINISHED } from "./studies.js";
import { buildViewer } from "./viewer.js";
import { ATTEMPTS } from "./retry.js";
import { kindOfOutcome, outcome, reasonText, triageText, warningText } from "./wording.js";
import { currentLanguage, t } from "./texts.js";

export class Detail {
  #shown = ""; // what the picture and the panel were built for

  /** onCancel(id) and onRetry(id) */
  constructor(section, { onCancel, onRetry }) {
    Object.assign(this, { section, onCancel, onRetry });
    this.title = section.querySelector("h2");
    this.body = section.querySelector("#detail-body");
  }

  focus() { this.title.focus(); }

  show(study) {
    const key = study ? `${study.id} ${FINISHED.has(study.status) ? study.status : "working"} ${currentLanguage()}` : currentLanguage();
    if (key !== this.#shown) {
      const hadFocus = this.body.contains(document.activeElement);
      this.#build(study);
      this.#shown = key;
      if (hadFocus) this.focus();
    }
    if (study && !FINISHED.has(study.status)) this.#showProgress(study);
  }

  #build(study) {
    this.section.classList.toggle("empty", !study);
    if (!study) {
      this.title.textContent = t("detail.empty_title");
      this.body.replaceChildren(el("p", { class: "fine" }, t("detail.empty")));
      return;
    }
    this.title.replaceChildren(el("bdi", {}, study.name));
    this.body.replaceChildren(el("div", { class: `detail-grid ${kindOfOutcome(study)}` },
      el("div", { class: "verdict" }, ...this.#verdict(study)),
      buildViewer(study),
      el("div", { class: "panel" }, ...this.#panel(study))));
  }

  /** What counts most, above the picture on a phone and beside it on a desk. */
  #verdict(study) {
    const words = el("span", {}, outcome(study));
    if (!FINISHED.has(study.status)) this.progressWords = words;
    const headline = el("p", { class: "headline" }, icon(kindOfOutcome(study)), words);
    const triage = triageText(study) && el("p", { class: "triage" }, triageText(study));
    return study.status === "done" && study.answer.state !== "Refused"
      ? [headline, triage, ...measure(study.answer)].filter(Boolean)
      : [headline];
  }

  #panel(study) {
    if (!FINISHED.has(study.status)) return this.#working(study);
    if (study.status === "done") return [...meaning(study), ...warnings(study.answer.warnings), ...facts(study)];
    const retry = el("button", { type: "button", class: "primary", onclick: () => this.onRetry(study.id) }, t("detail.retry"));
    return [...(study.error ? problem(study) : [el("p", {}, t("status.cancelled_note"))]), retry, ...facts(study)];
  }

  #working(study) {
    this.progressBar = el("progress", { max: 1, "aria-label": t("status.progress", { name: study.name }) });
    this.progressNote = el("p", { class: "note", hidden: true });
    const cancel = el("button", { type: "button", onclick: () => this.onCancel(study.id) }, t("action.cancel"));
    return [this.progressBar, this.progressNote, cancel];
  }

  #showProgress(study) {
    this.progressWords.textContent = outcome(study);
    if (study.status === "sending") this.progressBar.value = study.sent;
    else this.progressBar.removeAttribute("value");
    const note = study.status === "pausing" ? t("status.pausing_note", { ...study.pause, attempts: ATTEMPTS })
      : study.slow ? t("status.slow") : "";
    this.progressNote.textContent = note;
    this.progressNote.hidden = note === "";
  }
}

function measure(answer) {
  return [
    el("p", { class: "percentage" }, el("strong", {}, percent(answer.percentage / 100)), " ", el("span", {}, t("detail.percentage_note"))),
    scale(answer.probabilities.COVID, answer.threshold),
  ];
}

/** What the numbers mean, or why there are none. */
function meaning(study) {
  const { answer } = study;
  if (answer.state === "Refused") return [el("h3", {}, t("detail.refused")), el("p", { class: "note" }, reasonText(study))];
  const sentence = t("detail.sentence", {
    covid: percent(answer.probabilities.COVID), threshold: percent(answer.threshold),
    covid_state: t("state.COVID"), noncovid_state: t("state.NonCOVID"),
  });
  return [el("p", {}, sentence), ...(answer.percentage < 50 ? [el("p", {}, t("detail.below_half"))] : [])];
}

/** A line from 0 to 100 % with the answer and the threshold on it. The sentence that follows says the same, so it is not read out. */
function scale(covid, threshold) {
  const at = (node, fraction) => { node.style.insetInlineStart = `${fraction * 100}%`; return node; };
  const above = at(el("span", { class: "scale-above" }), threshold);
  above.style.inlineSize = `${(1 - threshold) * 100}%`;
  const label = at(el("span", { class: "scale-label" }, `${t("result.threshold")} ${percent(threshold)}`), threshold);
  if (threshold > 0.5) label.classList.add("before");
  return el("div", { class: "scale", "aria-hidden": "true" },
    el("div", { class: "scale-line" }, above, at(el("span", { class: "scale-threshold" }), threshold), at(el("span", { class: "scale-answer" }), covid)),
    label);
}

function problem(study) {
  return [
    el("h3", {}, t("detail.failed")),
    el("p", { class: "note" }, reasonText(study)),
    ...(study.error.message ? [el("p", { class: "fine" }, t("detail.server_said", { message: study.error.message }))] : []),
  ];
}

function warnings(list) {
  if (list.length === 0) return [];
  return [
    el("h3", {}, t("detail.warnings")),
    el("ul", { class: "warnings" }, ...list.map((warning) => el("li", {}, icon("caution"), el("span", {}, warningText(warning))))),
  ];
}

function facts(study) {
  const model = study.answer?.model;
  const rows = [
    study.answer?.state !== "Refused" && study.answer && ["result.threshold", percent(study.answer.threshold)],
    typeof study.answer?.familiarity === "number" && ["detail.familiarity", percent(study.answer.familiarity)],
    typeof study.answer?.lung_share === "number" && ["detail.lung_share", percent(study.answer.lung_share)],
    study.answer?.site && ["result.site", study.answer.site],
    model && ["detail.model", [model.name, model.version, model.backbone].filter(Boolean).join(" · ")],
    study.checkedAt && ["detail.checked_at", dateTime(study.checkedAt)],
    study.took_ms !== null && ["detail.took", seconds(study.took_ms)],
    ["detail.size", bytes(study.file.size)],
  ].filter(Boolean);
  return [el("dl", { class: "facts", "aria-label": t("detail.facts") },
    ...rows.map(([id, value]) => el("div", {}, el("dt", {}, t(id)), el("dd", {}, el("bdi", {}, value)))))];
}

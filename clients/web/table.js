/** The results table: one row for each study, kept up to date in place so that nobody loses the focus. */

import { announce, el, icon } from "./dom.js";
import { percent } from "./format.js";
import { FINISHED } from "./studies.js";
import { kindOfOutcome, outcome, reasonText, triageText } from "./wording.js";
import { t } from "./texts.js";

export class ResultsTable {
  #rows = new Map();

  /** onChoose(id) and onRemove(id) */
  constructor(body, { onChoose, onRemove }) {
    Object.assign(this, { body, onChoose, onRemove });
  }

  add(study) {
    const row = this.#build(study);
    this.#rows.set(study.id, row);
    this.body.append(row.element);
    this.update(study);
  }

  update(study) {
    const { element, answer, probability, removeButton } = this.#rows.get(study.id);
    const kind = kindOfOutcome(study);
    element.className = `row ${kind}`;
    answer.replaceChildren(...this.#answerCell(study, kind));
    probability.textContent = probabilityOf(study);
    removeButton.setAttribute("aria-label", t("results.remove", { name: study.name }));
    removeButton.title = t("results.remove", { name: study.name });
  }

  #answerCell(study, kind) {
    const words = el("span", { class: "outcome" }, icon(kind), el("span", {}, outcome(study)));
    if (FINISHED.has(study.status)) return [words, ...notes(study)];
    const value = study.status === "sending" ? study.sent : undefined; // without a value the bar says "busy"
    return [words, el("progress", { max: 1, value, "aria-label": t("status.progress", { name: study.name }) })];
  }

  choose(id) {
    for (const [rowId, { element, nameButton }] of this.#rows) {
      element.toggleAttribute("data-chosen", rowId === id);
      if (rowId === id) nameButton.setAttribute("aria-current", "true");
      else nameButton.removeAttribute("aria-current");
    }
  }

  /** The focus goes to the row that takes the place, or to `otherwise` when there is none. */
  remove(id, otherwise) {
    const { element } = this.#rows.get(id);
    const neighbour = element.nextElementSibling ?? element.previousElementSibling;
    const hadFocus = element.contains(document.activeElement);
    element.remove();
    this.#rows.delete(id);
    if (hadFocus) (neighbour?.querySelector("button") ?? otherwise).focus();
  }

  #build(study) {
    const thumb = el("img", { src: study.previewUrl, alt: "", width: 40, height: 40, loading: "lazy", decoding: "async" });
    thumb.addEventListener("error", () => thumb.replaceWith(el("span", { class: "thumb-missing" }, icon("file"))));
    const nameButton = el("button", { type: "button", class: "name", onclick: () => this.onChoose(study.id) }, el("bdi", { title: study.name }, study.name));
    const removeButton = el("button", { type: "button", class: "quiet remove", onclick: () => {
      announce(t("results.removed", { name: study.name }));
      this.onRemove(study.id);
    } }, icon("failed"));
    const answer = el("td", { class: "answer" });
    const probability = el("td", { class: "number" });
    const element = el("tr", {},
      el("th", { scope: "row" }, el("div", { class: "picture-cell" }, thumb, nameButton)),
      answer, probability, el("td", { class: "screen-only" }, removeButton));
    return { element, answer, probability, nameButton, removeButton };
  }
}

const probabilityOf = (study) =>
  (study.status === "done" && study.answer.state !== "Refused" ? percent(study.answer.percentage / 100) : "");

/** What stands below the answer: the probability where the screen has no room for its column, the reason, the warnings. */
function notes(study) {
  const warnings = study.answer?.warnings.length ?? 0;
  const reason = reasonText(study);
  return [
    probabilityOf(study) && el("span", { class: "row-probability" }, probabilityOf(study)),
    triageText(study) && el("span", { class: "row-triage" }, triageText(study)),
    reason && el("span", { class: "row-reason" }, reason),
    warnings > 0 && el("span", { class: "row-warnings" }, icon("caution"), t("results.warnings", { count: warnings })),
  ].filter(Boolean);
}

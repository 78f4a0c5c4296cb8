/** What the page says about the service itself: whether it is ready, and which model it has. */

import { modelFacts, readiness } from "./api.js";
import { el } from "./dom.js";
import { t } from "./texts.js";

const ASK_AGAIN_AFTER_MS = 5000;

export class ServiceState {
  #state = "checking";
  #timer = null;

  constructor(element) { this.element = element; }

  get isReady() { return this.#state === "ready"; }

  render() {
    this.element.dataset.state = this.#state;
    const words = t(`service.${this.#state}`);
    if (this.element.textContent !== words) this.element.textContent = words; // else it is read out again
  }

  /** Asks until the service is ready, then rests until a failure calls for another look. */
  async check() {
    clearTimeout(this.#timer);
    this.#state = await readiness();
    this.render();
    if (this.#state !== "ready") this.#timer = setTimeout(() => this.check(), ASK_AGAIN_AFTER_MS);
  }
}

/** The model's facts, asked for when the section is opened. */
export function watchAbout(details, body, apiKey) {
  const load = async () => {
    if (!details.open) return;
    body.replaceChildren(el("p", { class: "fine" }, t("about.loading")));
    const facts = await modelFacts(apiKey());
    const rows = facts ? flatten(facts) : [];
    body.replaceChildren(rows.length
      ? el("dl", { class: "facts" }, ...rows.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, el("bdi", {}, value)))))
      : el("p", { class: "fine" }, t("about.missing")));
  };
  details.addEventListener("toggle", load);
}

/**
 * {"test": {"auc": 0.93}} to [["test auc", "0.93"]]: the card's fields are the service's business, not the page's.
 * A number with an interval is one row; a list of texts, such as the reasons of the audit's stamp, has a row for each.
 */
export function flatten(value, name = "") {
  if (value === null || value === undefined || value === "") return [];
  if (Array.isArray(value) && value.every((item) => typeof item === "string" && item.includes(" "))) {
    return value.map((item) => [name, item]);
  }
  if (Array.isArray(value) && value.every((item) => typeof item !== "object")) return [[name, value.join(", ")]];
  if (typeof value === "object" && typeof value.value === "number" && typeof value.low === "number") {
    return [[name, `${rounded(value.value)} (${rounded(value.low)}–${rounded(value.high)})`]];
  }
  if (typeof value === "object") {
    return Object.entries(value).flatMap(([key, inner]) => flatten(inner, `${name} ${key.replaceAll("_", " ")}`.trim()));
  }
  return [[name, typeof value === "number" ? rounded(value) : String(value)]];
}

function rounded(number) {
  return Number.isInteger(number) ? String(number) : String(Number(number.toPrecision(4)));
}

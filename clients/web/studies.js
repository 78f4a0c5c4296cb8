/**
 * The history: what was checked since the page was opened. It lives in this object and nowhere else,
 * no storage, no cookie, no URL, so closing the page forgets it.
 *
 * A study: {id, name, file, previewUrl, status, sent, pause, slow, answer, error, checkedAt, took_ms}
 * status: waiting, sending, thinking, pausing, done, failed, cancelled. "done" has an answer, which may be a refusal.
 */
export const FINISHED = new Set(["done", "failed", "cancelled"]);

export class Studies extends EventTarget {
  #studies = new Map();
  #lastId = 0; // crypto.randomUUID would need HTTPS

  get all() { return [...this.#studies.values()]; }
  get(id) { return this.#studies.get(id); }

  add(file) {
    const study = {
      id: ++this.#lastId, name: file.name, file, previewUrl: URL.createObjectURL(file),
      status: "waiting", sent: 0, pause: null, slow: false, answer: null, error: null, checkedAt: null, took_ms: null,
    };
    this.#studies.set(study.id, study);
    this.#tell("added", study);
    return study;
  }

  update(id, change) {
    const study = this.#studies.get(id);
    if (!study) return; // removed while its answer was on the way
    Object.assign(study, change);
    this.#tell("changed", study);
  }

  remove(id) {
    const study = this.#studies.get(id);
    if (!study) return;
    this.#studies.delete(id);
    URL.revokeObjectURL(study.previewUrl);
    this.#tell("removed", study);
  }

  #tell(type, study) { this.dispatchEvent(new CustomEvent(type, { detail: study })); }
}

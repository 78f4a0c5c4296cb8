/** Takes studies through the service, two at a time, and writes into the history how each one fares. */

import { predict } from "./api.js";
import { readAsDataUri } from "./files.js";
import { createQueue } from "./queue.js";
import { withRetry } from "./retry.js";

const UPLOADS_AT_ONCE = 2;
const SLOW_AFTER_MS = 6000;

/** settings(): {explain, apiKey}, read when a study's turn comes, so that a key typed meanwhile counts. */
export function createAnalysis(studies, settings) {
  const enqueue = createQueue(UPLOADS_AT_ONCE);
  const controllers = new Map();

  function start(id) {
    const controller = new AbortController();
    controllers.set(id, controller);
    studies.update(id, { status: "waiting", sent: 0, pause: null, slow: false, answer: null, error: null, checkedAt: null, took_ms: null });
    enqueue(() => check(id, controller.signal))
      .then((change) => studies.update(id, change), (error) => studies.update(id, failure(error)))
      .finally(() => { if (controllers.get(id) === controller) controllers.delete(id); });
  }

  async function check(id, signal) {
    signal.throwIfAborted(); // cancelled before its turn
    const dataUri = await readAsDataUri(studies.get(id).file);
    return withRetry(() => ask(id, dataUri, signal), {
      signal,
      onPause: (pause) => studies.update(id, { status: "pausing", pause, slow: false }),
    });
  }

  async function ask(id, dataUri, signal) {
    const started = performance.now();
    const slow = setTimeout(() => studies.update(id, { slow: true }), SLOW_AFTER_MS);
    const onSent = (sent) => {
      if (!signal.aborted) studies.update(id, { status: sent < 1 ? "sending" : "thinking", sent });
    };
    onSent(0);
    try {
      const answer = await predict(dataUri, { ...settings(), signal, onSent });
      return { status: "done", answer, slow: false, checkedAt: new Date(), took_ms: performance.now() - started };
    } finally {
      clearTimeout(slow);
    }
  }

  return { start, cancel: (id) => controllers.get(id)?.abort() };
}

function failure(error) {
  if (error.name === "AbortError") return { status: "cancelled", slow: false };
  return { status: "failed", error, slow: false };
}

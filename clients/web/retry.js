/** Asking again when the service says that it is busy: as long as it asks us to wait, and not for ever. */

export const ATTEMPTS = 5;
const LONGEST_WAIT_S = 120;

/** Run attempt() until it succeeds, fails for another reason, or the service has been busy ATTEMPTS times.
 * onPause({seconds, attempt}) is called each second of a wait with what is left of it. */
export async function withRetry(attempt, { signal, onPause }) {
  for (let number = 1; ; number++) {
    try {
      return await attempt();
    } catch (error) {
      const wait_s = error.isBusy ? waitSeconds(error.retryAfter, number) : Infinity;
      if (number === ATTEMPTS || wait_s > LONGEST_WAIT_S) throw error;
      for (let left = wait_s; left > 0; left--) {
        onPause({ seconds: left, attempt: number + 1 });
        await sleep(1000, signal);
      }
    }
  }
}

/** Retry-After is a number of seconds or an HTTP date; without one, 1, 2, 4, 8 s. At least 1, so no busy loop. */
export function waitSeconds(retryAfter, attempt, now = Date.now()) {
  const text = (retryAfter ?? "").trim();
  if (/^\d+$/.test(text)) return Math.max(1, Number(text));
  const date = text ? Date.parse(text) : NaN;
  if (Number.isFinite(date)) return Math.max(1, Math.ceil((date - now) / 1000));
  return 2 ** (attempt - 1);
}

function sleep(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const cancel = () => { clearTimeout(timer); reject(new DOMException("cancelled", "AbortError")); };
    const timer = setTimeout(() => { signal.removeEventListener("abort", cancel); resolve(); }, milliseconds);
    if (signal.aborted) cancel();
    else signal.addEventListener("abort", cancel, { once: true });
  });
}

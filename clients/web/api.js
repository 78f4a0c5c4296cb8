/** The service's contract, and nothing about the page. */

const ANSWER_WITHIN_MS = 120_000;
const STATES = ["COVID", "NonCOVID", "Refused"];
const TRIAGE = ["unlikely", "uncertain", "likely"];

/** What the contract's statuses mean, for errors whose body is not the contract's (a proxy's 413, say). */
const CODE_OF_STATUS = {
  400: "bad_request", 401: "unauthorised", 403: "unauthorised", 413: "too_large",
  415: "not_a_picture", 422: "invalid_field", 429: "overloaded", 503: "overloaded", 504: "timeout",
};

/** code: the name in error.<code> of the shared texts; message: the server's own words, or "". */
export class ApiError extends Error {
  constructor(code, { status = 0, serverCode = "", message = "", retryAfter = null } = {}) {
    super(message);
    Object.assign(this, { code, status, serverCode, retryAfter });
  }

  get isBusy() { return this.status === 429 || this.status === 503; }
}

/**
 * Ask about one picture.
 * dataUri: "data:…;base64,…". onSent(fraction) follows the upload, 0 to 1. Rejects with ApiError, or AbortError.
 * XMLHttpRequest, because fetch cannot tell how much of an upload has left.
 */
export function predict(dataUri, { explain, apiKey, signal, onSent }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    let timedOut = false;
    const timer = setTimeout(() => { timedOut = true; request.abort(); }, ANSWER_WITHIN_MS);
    const finish = (settle, value) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      settle(value);
    };

    request.open("POST", url("predict"));
    request.setRequestHeader("Content-Type", "application/json");
    request.setRequestHeader("Accept", "application/json");
    if (apiKey) request.setRequestHeader("X-API-Key", apiKey);
    request.upload.addEventListener("progress", (event) => onSent(event.lengthComputable ? event.loaded / event.total : 0));
    request.upload.addEventListener("load", () => onSent(1));
    request.addEventListener("error", () => finish(reject, new ApiError("no_network")));
    request.addEventListener("abort", () =>
      finish(reject, timedOut ? new ApiError("timeout") : new DOMException("cancelled", "AbortError")));
    request.addEventListener("load", () => {
      try {
        finish(resolve, readAnswer(request));
      } catch (error) {
        finish(reject, error);
      }
    });

    if (signal.aborted) return finish(reject, new DOMException("cancelled", "AbortError"));
    signal.addEventListener("abort", abort);
    request.send(JSON.stringify({ image: dataUri, explain }));
  });
}

function readAnswer(request) {
  const body = parse(request.responseText);
  if (request.status !== 200) {
    const error = body?.error ?? {};
    throw new ApiError(CODE_OF_STATUS[request.status] ?? "server", {
      status: request.status,
      serverCode: String(error.code ?? ""),
      message: String(error.message ?? ""),
      retryAfter: request.getResponseHeader("Retry-After"),
    });
  }
  if (!isAnswer(body)) throw new ApiError("broken_answer", { status: 200 });
  return body;
}

/** A half-understood answer about a patient is worse than none, so everything that the page shows is checked. */
function isAnswer(body) {
  if (!STATES.includes(body?.state) || !Array.isArray(body.warnings)) return false;
  if (body.heatmap && !String(body.heatmap).startsWith("data:image/png;base64,")) return false;
  if (!["string", "undefined"].includes(typeof body.site)) return false;
  if (body.state === "Refused") return true;
  if (body.triage !== undefined && !TRIAGE.includes(body.triage)) return false;
  return [body.probabilities?.COVID, body.probabilities?.NonCOVID, body.threshold, body.percentage / 100, body.lung_share ?? 0,
    body.familiarity ?? 0]
    .every((value) => Number.isFinite(value) && value >= 0 && value <= 1);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** The model card's facts, or null where the service does not give them. */
export async function modelFacts(apiKey) {
  try {
    const response = await fetch(url("model"), { headers: apiKey ? { "X-API-Key": apiKey } : {}, cache: "no-store" });
    return response.ok ? await response.json() : null;
  } catch {
    return null;
  }
}

/** "ready", "starting" (it answers, but not yet with predictions) or "unreachable". */
export async function readiness() {
  try {
    return (await fetch(url("readyz"), { cache: "no-store" })).ok ? "ready" : "starting";
  } catch {
    return "unreachable";
  }
}

/** Relative to this file, so that the page also works below a path of a reverse proxy. */
const url = (route) => new URL(route, import.meta.url).href;

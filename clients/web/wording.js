/** What a study's outcome is called, in plain words. Unknown codes of a newer service fall back to its own message. */

import { has, t } from "./texts.js";

/** "covid", "noncovid", "refused", "failed" or "waiting": the icon and the colour. */
export function kindOfOutcome(study) {
  if (study.status === "done") return study.answer.state.toLowerCase();
  return study.status === "failed" || study.status === "cancelled" ? "failed" : "waiting";
}

export function outcome(study) {
  if (study.status === "done") return t(`state.${study.answer.state}`);
  return t(`status.${study.status}`, study.pause ?? {});
}

/** The group at the site, or "" where the model was commissioned for none. */
export function triageText(study) {
  return study.answer?.triage ? t(`triage.${study.answer.triage}`) : "";
}

export function warningText({ code, message }) {
  return has(`warning.${code}`) ? t(`warning.${code}`) : message || code;
}

export function refusalText(reason) {
  if (!reason) return t("detail.refused_unknown");
  return has(`refusal.${reason.code}`) ? t(`refusal.${reason.code}`) : reason.message || reason.code;
}

/** Why there is no classification, or "" where there is one or the person cancelled. */
export function reasonText(study) {
  if (study.error) return errorText(study.error);
  return study.answer?.state === "Refused" ? refusalText(study.answer.reason) : "";
}

export function errorText(error) {
  if (error.code === "file_empty") return t("file.empty");
  if (error.code === "file_too_large") return t("file.too_large");
  if (error.code === "file_unreadable") return t("file.unreadable");
  const known = [`error.${error.serverCode}`, `error.${error.code}`].find(has);
  return t(known ?? "error.server");
}

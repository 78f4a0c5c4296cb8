/** The results table as CSV: comma, CRLF, UTF-8. Headings and codes stay in English, for programs. */

const COLUMNS = {
  file: (study) => study.name,
  state: (study) => study.answer?.state ?? study.status,
  percentage: (study) => study.answer?.percentage,
  probability_covid: (study) => study.answer?.probabilities?.COVID,
  threshold: (study) => study.answer?.threshold,
  triage: (study) => study.answer?.triage,
  warnings: (study) => study.answer?.warnings.map((warning) => warning.code).join(" "),
  reason: (study) => study.answer?.reason?.code ?? study.error?.serverCode ?? study.error?.code,
  message: (study) => study.answer?.reason?.message ?? study.error?.message,
  model: (study) => study.answer?.model?.name,
  model_version: (study) => study.answer?.model?.version,
  backbone: (study) => study.answer?.model?.backbone,
  site: (study) => study.answer?.site,
  checked_at: (study) => study.checkedAt?.toISOString(),
  note: (study) => study.disclaimer,
};

/** disclaimer travels with the file, since a CSV leaves the page that shows it. */
export function toCsv(studies, disclaimer) {
  const rows = studies.map((study) => Object.values(COLUMNS).map((column) => column({ ...study, disclaimer })));
  return [Object.keys(COLUMNS), ...rows].map((row) => row.map(cell).join(",") + "\r\n").join("");
}

function cell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  return `"${withoutFormula(String(value)).replaceAll('"', '""')}"`;
}

/**
 * A file named =HYPERLINK(…) must not become a formula in whoever's spreadsheet. An apostrophe goes before a formula
 * character at the start of the text, and after anything that a spreadsheet of another locale may take for a
 * separator (a semicolon, a tab, a line break), since there it would start a cell too.
 */
export function withoutFormula(text) {
  return text.replace(/(^|[,;|\t\r\n"])(\s*)(?=[=+\-@＝＋－＠])/g, "$1'$2").replace(/^(?=[\t\r\n])/, "'");
}

export function downloadCsv(studies, disclaimer, now = new Date()) {
  const byteOrderMark = "\uFEFF"; // without it, Excel reads UTF-8 as the local code page
  const url = URL.createObjectURL(new Blob([byteOrderMark, toCsv(studies, disclaimer)], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `chest-xray-check-${now.toISOString().slice(0, 19).replaceAll(":", "")}Z.csv`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

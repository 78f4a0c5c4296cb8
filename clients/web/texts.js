/**
 * Every word on the page, in the chosen language.
 * texts.json is a copy of clients/texts.json (shared with the Android app); words.json is this page's own.
 */

const LANGUAGES = ["en", "ar"];
const RIGHT_TO_LEFT = new Set(["ar"]);

const [shared, own] = await Promise.all(["texts.json", "words.json"].map(load));
const texts = { ...own, ...shared };
let language = preferred();

async function load(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name}: HTTP ${response.status}; the page cannot start without its words`);
  return response.json();
}

function preferred() {
  const asked = new URLSearchParams(location.search).get("lang");
  const wanted = [asked, ...navigator.languages].filter(Boolean).map((tag) => tag.slice(0, 2).toLowerCase());
  return wanted.find((tag) => LANGUAGES.includes(tag)) ?? LANGUAGES[0];
}

/** The words for an id, with {placeholders} filled in. */
export function t(id, values = {}) {
  if (!has(id)) throw new Error(`no words for ${JSON.stringify(id)}; add it to words.json, or to clients/texts.json where both clients say it`);
  return texts[id][language].replace(/\{(\w+)\}/g, (whole, name) => isolate(String(values[name] ?? whole)));
}

/** In right-to-left text, a file name or number keeps its own direction (Unicode's first-strong isolate). */
const isolate = (text) => (RIGHT_TO_LEFT.has(language) ? `\u2068${text}\u2069` : text);

export const has = (id) => Object.hasOwn(texts, id);

/** Numbers keep Western digits in both languages, as on the films and in the PACS. */
export const locale = () => (language === "ar" ? "ar-u-nu-latn" : "en-GB");

export const currentLanguage = () => language;
export const otherLanguage = () => LANGUAGES[(LANGUAGES.indexOf(language) + 1) % LANGUAGES.length];

export function setLanguage(next) {
  language = next;
  applyWords();
}

/** Fill in everything that index.html names with data-text. */
export function applyWords() {
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.has(language) ? "rtl" : "ltr";
  document.title = t("page.title");
  for (const node of document.querySelectorAll("[data-text]")) node.textContent = t(node.dataset.text);
}

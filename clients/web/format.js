/** Numbers and times as people read them. */

import { locale, t } from "./texts.js";

/** fraction: 0 to 1. Never rounds up to certainty: 0.9997 is "> 99.9%", 0.0002 is "< 0.1%". */
export function percent(fraction) {
  const write = (value) => new Intl.NumberFormat(locale(), {
    style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1,
  }).format(value);
  if (fraction > 0.9995) return leftToRight(`> ${write(0.999)}`);
  if (fraction < 0.0005) return leftToRight(`< ${write(0.001)}`);
  return leftToRight(write(fraction));
}

/** Within Arabic, signs stay on the side of the number where they are in English (Unicode's left-to-right isolate). */
const leftToRight = (text) => (document.documentElement.dir === "rtl" ? `\u2066${text}\u2069` : text);

export function bytes(count) {
  const [size, unit] = count < 1e6 ? [count / 1e3, "kilobyte"] : [count / 1e6, "megabyte"];
  return new Intl.NumberFormat(locale(), { style: "unit", unit, maximumFractionDigits: size < 10 ? 1 : 0 }).format(size);
}

export function seconds(milliseconds) {
  const number = new Intl.NumberFormat(locale(), { maximumFractionDigits: 1 }).format(Math.max(0.1, milliseconds / 1000));
  return t("detail.seconds", { seconds: number });
}

export const dateTime = (date) =>
  new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "medium" }).format(date);

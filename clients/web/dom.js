/** Building elements without HTML strings, so that no name or message from outside can become markup. */

const SVG = "http://www.w3.org/2000/svg";

/** el("p", {class: "fine", onclick: go}, "text", child): a string is always text; null, undefined and false are left out. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

/** An icon drawn in index.html; it never carries meaning alone, so screen readers skip it. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** Put a message where screen readers speak it and nobody loses their place. The region is a log: each addition is read once. */
export function announce(message) {
  const line = el("p", {}, message);
  document.getElementById("announcer").append(line);
  setTimeout(() => line.remove(), 10_000);
}

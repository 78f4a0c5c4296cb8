/** The picture on a dark ground, with the heat map over it. */

import { el, icon } from "./dom.js";
import { kindOf } from "./files.js";
import { t } from "./texts.js";

const SHAPE_TOLERANCE = 0.02;

/** How the heat map is shown stays the same from picture to picture. */
const view = { shown: true, opacity: 0.6 };

export function buildViewer(study) {
  const frame = el("div", { class: "frame" });
  const picture = el("img", { class: "picture", src: study.previewUrl, alt: t("viewer.picture", { name: study.name }) });
  frame.append(picture);
  picture.addEventListener("error", () => picture.replaceWith(placeholder(study)));
  const figure = el("figure", { class: "viewer" }, frame);
  if (study.answer?.heatmap) figure.append(...overlay(frame, picture, study.answer.heatmap));
  return figure;
}

function placeholder(study) {
  return el("div", { class: "placeholder" },
    icon("file"), el("strong", {}, t("viewer.no_preview_kind", { kind: kindOf(study.file) })), el("span", {}, t("viewer.no_preview")));
}

function overlay(frame, picture, heatmap) {
  const map = el("img", { class: "heatmap", src: heatmap, alt: t("viewer.heatmap") });
  const show = el("input", { type: "checkbox", id: "heatmap-shown" });
  const slider = el("input", { type: "range", id: "heatmap-opacity", min: 0, max: 100, step: 5 });
  const value = el("output", { for: "heatmap-opacity" });
  show.checked = view.shown;
  slider.value = Math.round(view.opacity * 100);

  const apply = () => {
    view.shown = show.checked;
    view.opacity = slider.valueAsNumber / 100;
    map.hidden = !view.shown;
    map.style.opacity = view.opacity;
    frame.classList.toggle("overlaid", view.shown);
    slider.disabled = !view.shown;
    value.textContent = `${slider.value}%`;
    slider.setAttribute("aria-valuetext", value.textContent);
  };
  show.addEventListener("change", apply);
  slider.addEventListener("input", apply);
  apply();
  frame.append(map);

  const controls = el("div", { class: "heatmap-controls" },
    el("label", { class: "check" }, show, el("span", {}, t("viewer.show"))),
    el("label", { class: "slider", for: "heatmap-opacity" }, el("span", {}, t("viewer.opacity")), slider, value));
  const legend = el("figcaption", { class: "fine" }, t("viewer.legend"));
  refuseMisfit(picture, map, () => {
    map.remove();
    frame.classList.remove("overlaid");
    controls.remove();
    legend.textContent = t("viewer.misfit");
  });
  return [controls, legend];
}

/** A heat map over the wrong place misleads more than none, so its shape has to be the picture's. */
function refuseMisfit(picture, map, refuse) {
  const compare = () => {
    if (!picture.naturalHeight || !map.naturalHeight) return;
    const ratio = (picture.naturalWidth / picture.naturalHeight) / (map.naturalWidth / map.naturalHeight);
    if (Math.abs(ratio - 1) > SHAPE_TOLERANCE) refuse();
  };
  picture.addEventListener("load", compare);
  map.addEventListener("load", compare);
  map.addEventListener("error", refuse);
}

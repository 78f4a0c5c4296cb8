/** From what a person dropped, pasted or chose to files, and from a file to what the service takes. */

import { ApiError } from "./api.js";

/** Not the service's limit (it says 413 itself): beyond this, Base64 in memory would freeze a phone. */
const LARGEST_BYTES = 96 * 1024 * 1024;

/** Left out of a dropped folder: what operating systems and DICOM discs put beside the pictures. */
const NOT_PICTURES = /^(\..*|Thumbs\.db|desktop\.ini|DICOMDIR)$/i;

/** The files of a drop, with those inside dropped folders. Must be called within the event, so it reads before it waits. */
export function filesOfDrop(transfer) {
  const items = Array.from(transfer.items ?? [])
    .filter((item) => item.kind === "file")
    .map((item) => ({ entry: item.webkitGetAsEntry?.(), file: item.getAsFile() }));
  if (items.length === 0) return Promise.resolve(Array.from(transfer.files));
  return Promise.all(items.map(({ entry, file }) => (entry?.isDirectory ? filesOfFolder(entry) : [file])))
    .then((lists) => lists.flat().filter(Boolean));
}

export async function filesOfFolder(folder) {
  const files = [];
  for (const entry of await entriesOf(folder)) {
    if (entry.isDirectory) files.push(...(await filesOfFolder(entry)));
    else if (!NOT_PICTURES.test(entry.name)) files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
  }
  return files;
}

async function entriesOf(folder) {
  const reader = folder.createReader();
  const entries = [];
  for (;;) { // one call gives at most 100 entries
    const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (batch.length === 0) return entries.sort((a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }));
    entries.push(...batch);
  }
}

/** "DICOM", "TIFF" … as the name or type says; only for the placeholder, since the service decides what a file is. */
export function kindOf(file) {
  if (file.type === "application/dicom" || /\.(dcm|dicom|dic)$/i.test(file.name)) return "DICOM";
  const ending = /\.([a-z0-9]{1,5})$/i.exec(file.name)?.[1] ?? file.type.split("/")[1] ?? "";
  return ending.toUpperCase();
}

/** "data:…;base64,…". Rejects with ApiError: file_empty, file_too_large or file_unreadable. */
export function readAsDataUri(file) {
  if (file.size === 0) return Promise.reject(new ApiError("file_empty"));
  if (file.size > LARGEST_BYTES) return Promise.reject(new ApiError("file_too_large"));
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => resolve(reader.result));
    reader.addEventListener("error", () => reject(new ApiError("file_unreadable")));
    reader.readAsDataURL(file);
  });
}

/**
 * Keeps the page's own files, so that it opens without the service (and then says that the service is missing).
 * Only the files named here are ever stored: no answer, no picture, nothing from the API.
 * The network comes first, so an upgrade of the service shows at the next opening.
 */
const CACHE = "covid-cxr-shell";
const SHELL = [
  "./", "analysis.js", "api.js", "csv.js", "detail.js", "dom.js", "files.js", "format.js", "icon-192.png",
  "icon-512.png", "icon.svg", "install.js", "intake.js", "main.js", "manifest.webmanifest", "print.css", "queue.js",
  "retry.js", "service.js", "studies.js", "style.css", "table.js", "texts.js", "texts.json", "viewer.js", "wording.js",
  "words.json",
];
const addresses = new Set(SHELL.map((name) => new URL(name, self.location).href));

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(SHELL)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(removeStale().then(() => self.clients.claim()));
});

self.addEventListener("fetch", (event) => {
  const address = shellAddress(event.request);
  if (address) event.respondWith(networkFirst(event.request, address));
});

/** The stored name of a shell file (without its query, ?lang=ar for one), or null for everything else. */
function shellAddress(request) {
  if (request.method !== "GET") return null;
  const url = new URL(request.url);
  url.search = url.hash = "";
  return addresses.has(url.href) ? url.href : null;
}

async function networkFirst(request, address) {
  const cache = await caches.open(CACHE);
  try {
    const response = await fetch(request);
    if (response.ok && !response.redirected) await cache.put(address, response.clone());
    return response;
  } catch (error) {
    const stored = await cache.match(address);
    if (stored) return stored;
    throw error;
  }
}

async function removeStale() {
  const cache = await caches.open(CACHE);
  const stale = (await cache.keys()).filter((request) => !addresses.has(request.url));
  await Promise.all(stale.map((request) => cache.delete(request)));
}

/** Makes the page installable where the browser allows it (HTTPS or localhost). Elsewhere it is an ordinary page. */
export async function install() {
  if (!window.isSecureContext || !("serviceWorker" in navigator)) return;
  // The policy's Trusted Types ask for a named policy around every script address; this is the page's only one.
  const policy = window.trustedTypes?.createPolicy("covid-cxr", { createScriptURL: () => new URL("sw.js", import.meta.url).href });
  const address = policy ? policy.createScriptURL("") : new URL("sw.js", import.meta.url);
  try {
    await navigator.serviceWorker.register(address);
  } catch {
    // a browser set to refuse service workers still shows the page
  }
}

// Pages that were opened can be read without a network. A page always comes from the network while there is one, so nobody
// reads an old book; pictures, styles and scripts whose address changes with their content come from what is kept. Each build
// writes its name into this file (theme/reader.py); a browser that sees another one starts it anew, and it clears away
// what no kept page shows any more. A page that does not load reader.js is of a book without this: it leaves, and
// takes all that it kept along.
const BUILD = "{build}"; // eslint-disable-line no-unused-vars
const ROOT = self.registration.scope, KEPT = `nndl ${ROOT}`, OFFLINE = `${ROOT}offline.html`;
const ASSETS = /(?:_images\/(?!card-)|_static\/)[\w./-]+(?:\?\w+)?|searchindex\.js\?\w+/g;
const FIXED = /_images\/|\?\w+$/; // the address says what the content is

const assetsOf = (text) => new Set(Array.from(text.matchAll(ASSETS), (match) => ROOT + match[0]));
const keyOf = (address) => address.replace(/[?#].*/, "").replace(/\/$/, "/index.html");
const isAsset = (address) => new RegExp(`^${ASSETS.source}$`).test(address.slice(ROOT.length));
const isPage = (answer) => answer.ok && (answer.headers.get("Content-Type") || "").startsWith("text/html");

self.addEventListener("install", function (event) {
  self.skipWaiting();
  event.waitUntil((async function () {
    const cache = await caches.open(KEPT), answer = await fetch(OFFLINE, { cache: "no-cache" });
    const text = await answer.clone().text();
    await cache.put(OFFLINE, answer);
    await cache.addAll(assetsOf(text));
  })());
});

self.addEventListener("activate", function (event) {
  event.waitUntil((async function () {
    if (self.registration.navigationPreload) await self.registration.navigationPreload.enable();
    const cache = await caches.open(KEPT), addresses = (await cache.keys()).map((request) => request.url);
    const used = new Set();
    for (const address of addresses.filter((address) => address.endsWith(".html"))) {
      for (const asset of assetsOf(await (await cache.match(address)).text())) used.add(asset);
    }
    for (const address of addresses) if (FIXED.test(address) && !used.has(address)) await cache.delete(address);
    await self.clients.claim();
  })());
});

self.addEventListener("fetch", function (event) {
  const { method, mode, url } = event.request;
  if (method !== "GET" || !url.startsWith(ROOT)) return;
  if (mode === "navigate") event.respondWith(page(event));
  else if (isAsset(url)) event.respondWith(asset(event));
});

let left = false;
async function page(event) {
  try {
    const answer = (await event.preloadResponse) || (await fetch(event.request));
    if (isPage(answer)) event.waitUntil(keep(keyOf(event.request.url), answer.clone()));
    return answer;
  } catch {
    const cache = await caches.open(KEPT);
    return (await cache.match(keyOf(event.request.url))) || offline(cache);
  }
}

async function keep(address, answer) {
  const text = await answer.clone().text();
  if (text.includes("_static/reader.js")) return (await caches.open(KEPT)).put(address, answer);
  left = true; // the page that is open now still asks this for its pictures
  await self.registration.unregister();
  return caches.delete(KEPT);
}

async function asset(event) {
  if (left) return fetch(event.request);
  const cache = await caches.open(KEPT), kept = await cache.match(event.request);
  if (kept && FIXED.test(event.request.url)) return kept;
  try {
    const answer = await fetch(event.request);
    if (answer.ok) event.waitUntil(cache.put(event.request, answer.clone()));
    return answer;
  } catch {
    return kept || Response.error();
  }
}

// The page that says so, whatever folder it is shown in, with the pages that can be read.
async function offline(cache) {
  const text = await (await cache.match(OFFLINE)).text(), links = [];
  for (const { url } of await cache.keys()) {
    if (!url.endsWith(".html") || /\/(offline|search|index)\.html$/.test(url)) continue;
    const title = /<title>([^·<]*)/.exec(await (await cache.match(url)).text())[1];
    links.push(`<li><a href="${url}">${title.trim()}</a></li>`);
  }
  const whole = text.replace("<head>", `<head><base href="${ROOT}">`).replace("<!-- kept -->", links.sort().join(""));
  return new Response(whole, { status: 503, headers: { "Content-Type": "text/html; charset=utf-8" } });
}

// From a page (reader.js): what it loaded before this ran; and, once somebody reads it, all that it can show.
self.addEventListener("message", function (event) {
  event.waitUntil((async function () {
    const cache = await caches.open(KEPT), key = keyOf(event.data.page);
    const add = async (address) => (await cache.match(address)) || cache.add(address).catch(() => {});
    await add(key);
    const kept = await cache.match(key);
    const assets = event.data.whole && kept ? assetsOf(await kept.text()) : event.data.seen || [];
    for (const address of assets) if (address.startsWith(ROOT) && isAsset(address)) await add(address);
  })());
});

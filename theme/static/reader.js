// What the page knows of its reader, in this browser alone: the words that were searched for, the section where the reading
// stopped, the exercises that were ticked off. And where the book is served, what was read can be read without a network.
(function () {
  const article = document.querySelector("article"), name = article.dataset.page;
  const base = new URL(document.documentElement.dataset.content_root || ".", location.href).href;
  const words = (node) => node.textContent.replace(/#$/, "").trim();

  // Mark what was searched for (search.js), in the section to which the search led.
  const asked = new URLSearchParams(location.search).get("q");
  if (asked && name && window.Highlight) mark(asked);
  function mark(asked) {
    const at = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const place = at ? at.closest("li, section, article") : article, ranges = [];
    const escape = (text) => text.replace(/[^\p{L}\p{N}]+/gu, "[^\\p{L}\\p{N}]+");
    const wanted = Array.from(asked.matchAll(/"([^"]+)"|[\p{L}\p{N}]+/gu), (match) => escape((match[1] || match[0]).trim()));
    if (!wanted.length) return;
    const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${wanted.join("|")})(?![\\p{L}\\p{N}])`, "giu");
    const texts = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode;
      if (text.parentElement.closest(".katex, script, style")) continue;
      for (const match of text.data.matchAll(pattern)) {
        const range = new Range();
        range.setStart(text, match.index);
        range.setEnd(text, match.index + match[0].length);
        ranges.push(range);
      }
    }
    CSS.highlights.set("found", new Highlight(...ranges));
    // Where all of them are folded away, unfold the first.
    const folds = ranges.map((range) => range.startContainer.parentElement.closest("details:not([open])"));
    if (folds.length && folds.every(Boolean)) folds[0].open = true;
  }

  // The reader has moved on this page: somebody who only followed a link to a place has not read on there.
  let moved = false;
  const whenMoved = [];
  for (const kind of ["wheel", "touchmove", "keydown", "pointerdown"]) {
    addEventListener(kind, function () {
      if (!moved) whenMoved.forEach((act) => act());
      moved = true;
    }, { passive: true });
  }

  // What is remembered: {last: page, places: {page: {title, section, at, next}}, done: [page#exercise]}. The line that offers
  // to go on is filled before anything below it is painted, by the script beside it (theme/reader.py).
  const KEY = "nndl-reader";
  function remembered() {
    const kept = JSON.parse(localStorage.getItem(KEY)) || {};
    return { last: kept.last, places: kept.places || {}, done: kept.done || [] };
  }
  function change(act) {
    try {
      const kept = remembered();
      act(kept);
      localStorage.setItem(KEY, JSON.stringify(kept));
    } catch { /* a full store: nothing is remembered */ }
  }
  let kept = null;
  try { kept = remembered(); } catch { /* a browser that stores nothing, or something else there: as if this were not here */ }

  if (kept && /^(chapters|exercises)\/\d/.test(name)) {
    const exercises = article.querySelectorAll("p[id^='exercise-'], section[id] > h2 + p");
    for (const text of exercises) {
      const heading = text.id ? text.querySelector("strong") : text.previousElementSibling;
      if (!/^\d+\. /.test(words(heading))) continue;
      const place = `${name}#${text.id || text.parentElement.id}`;
      const label = document.createElement("label"), box = document.createElement("input");
      label.className = "done";
      box.type = "checkbox";
      box.checked = kept.done.includes(place);
      box.setAttribute("aria-label", `Done: ${words(heading)}`);
      box.addEventListener("change", () => change(function (now) {
        now.done = now.done.filter((other) => other !== place).concat(box.checked ? [place] : []);
      }));
      label.append(box, " Done");
      text.append(" ", label);
    }
    const keepPlace = function () {
      const marked = document.querySelector(".on-this-page [aria-current]");
      if (!moved || !marked || document.visibilityState === "visible") return;
      const links = document.querySelectorAll(".on-this-page a"), next = document.querySelector(".turn .next");
      const place = { title: words(document.querySelector("h1")), section: words(marked), at: marked.hash };
      if (marked === links[links.length - 1] && next) {
        place.next = { page: next.href.slice(base.length), title: words(next).replace(/^Next\s*/, "") };
      }
      change(function (now) {
        now.last = name;
        now.places[name] = place;
      });
    };
    addEventListener("visibilitychange", keepPlace); // also when the page is left
  }
  const forget = document.querySelector(".go-on button");
  if (forget) forget.addEventListener("click", async function () {
    try { localStorage.removeItem(KEY); } catch { /* as above */ }
    document.querySelector(".go-on").hidden = true;
    document.querySelector("main").focus();
    if (window.caches) for (const cache of await caches.keys()) if (cache.startsWith(`nndl ${base}`)) await caches.delete(cache);
  });

  // Without a network: offline-worker.js keeps the pages that were opened, and of those that are read every figure.
  const worker = location.protocol.startsWith("http") && name && navigator.serviceWorker;
  if (worker) addEventListener("load", async function () {
    try {
      await worker.register(`${base}offline-worker.js`);
      const { active } = await worker.ready;
      active.postMessage({ page: location.href, seen: performance.getEntriesByType("resource").map((entry) => entry.name) });
      const whole = () => (navigator.connection || {}).saveData || active.postMessage({ page: location.href, whole: true });
      if (moved) whole();
      else whenMoved.push(whole);
    } catch { /* site data is blocked: there is a book while there is a network */ }
  });
})();

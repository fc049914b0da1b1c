// The page of results. nndlBook (searchindex.js, from theme/search.py) has each section, exercise and term of the book with
// its words; MiniSearch ranks them. Nothing is fetched and nothing is stored, so it works for files and with site data blocked.
(function () {
  const field = document.querySelector(".search-large input"), said = document.getElementById("search-progress");
  const list = document.getElementById("search-results"), more = document.getElementById("search-more");
  const asked = (new URLSearchParams(location.search).get("q") || "").trim(), AT_ONCE = 20;
  for (const input of document.querySelectorAll("input[name=q]")) input.value = asked;
  if (!asked) {
    field.focus();
    return;
  }

  // Words as the index has them: without accents, and the plural as the singular.
  const WORD = /[\p{L}\p{N}]+/gu;
  const plain = (word) => word.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
  const roots = new Map();
  function root(word) {
    if (!roots.has(word)) {
      const low = plain(word);
      roots.set(word, low === "biases" ? "bias" : /(ss|us|is|[lb]ias)$/.test(low) ? low
        : low.replace(/ies$|(?<=ss|x|ch|sh)es$|(?<=..)s$/, (end) => end === "ies" ? "y" : ""));
    }
    return roots.get(word);
  }
  const line = (text) => ` ${(plain(text).match(WORD) || []).join(" ")} `;

  const entries = [], whole = (entry) => `${entry.title} · ${entry.text} · ${entry.terms}`;
  for (const [page, book, parts] of nndlBook) {
    for (const [anchor, title, text, weight, terms] of parts) {
      entries.push({ id: entries.length, page, book, anchor, title, text, weight, terms: terms || "" });
    }
  }
  const index = new MiniSearch({
    fields: ["title", "terms", "text"],
    tokenize: (text) => text.match(WORD) || [],
    processTerm: root,
    searchOptions: {
      boost: { title: 5, terms: 5 },
      boostDocument: (id) => entries[id].weight,
      combineWith: "AND",
      prefix: (word) => word.length > 2,
      weights: { prefix: 0.3, fuzzy: 0.2 },
    },
  });
  index.addAll(entries);

  // What is between quotes is one piece. A quote that is not closed counts to the end.
  const phrases = Array.from(asked.matchAll(/["“”„]([^"“”„]+)["“”„]?/g), (match) => line(match[1])).filter((text) => text.trim());
  const words = asked.match(WORD) || [];
  const query = words.join(" ");
  const hasPhrases = (found) => phrases.every((phrase) => line(whole(entries[found.id])).includes(phrase));
  let found = index.search(query).filter(hasPhrases), note = "";
  const name = `“${asked.replace(/^["“”„]+|["“”„]+$/g, "")}”`;
  if (!found.length && words.length) {
    const unknown = words.filter((word) => !index.search(word).length);
    const near = phrases.length ? [] : index.search(query, { fuzzy: 0.25, prefix: false });
    if (unknown.length && near.length) {
      const terms = Array.from(new Set(near.slice(0, 5).flatMap((result) => result.terms)));
      note = `${name} is not in this book. Spelled nearly so: ${terms.slice(0, 5).join(", ")}.`;
      found = near;
    } else {
      found = index.search(query, { combineWith: "OR" });
      note = `${name} is not in this book${phrases.length ? " in this order" : ""}. `;
      if (!phrases.length && unknown.length < words.length) {
        note = unknown.length ? `${unknown.map((word) => `“${word}”`).join(", ")} is not in this book. ` : "No section has all of these words. ";
      }
      note += found.length ? "Some of the words:" : "The glossary lists the words of the book.";
    }
  }

  const places = `${found.length} ${found.length === 1 ? "place" : "places"}`;
  said.textContent = !words.length ? "There is no word in what you look for." : note + (found.length ? `${note && " "}${places} found.` : "");
  document.title = `${asked} · ${document.title}`;

  // The part of a text with most of the words that were found, and these marked.
  const hits = (text, terms) => {
    const wanted = phrases.length && !note ? phrases.map((phrase) => phrase.trim().split(" ")) : [];
    const all = Array.from(text.matchAll(WORD), (match) => ({ at: match.index, end: match.index + match[0].length, word: match[0] }));
    const marked = new Set();
    all.forEach((hit, k) => {
      for (const phrase of wanted) {
        if (phrase.every((word, j) => all[k + j] && plain(all[k + j].word) === word)) phrase.forEach((_, j) => marked.add(all[k + j]));
      }
      if (!wanted.length && terms.has(root(hit.word))) marked.add(hit);
    });
    return all.filter((hit) => marked.has(hit));
  };
  function show(text, terms, length) {
    const marked = hits(text, terms);
    let best = 0, most = -1;
    for (const hit of marked) {
      const near = new Set(marked.filter((other) => other.at >= hit.at && other.end < hit.at + length * 0.7).map((other) => root(other.word)));
      if (near.size > most) [best, most] = [hit.at, near.size];
    }
    let start = best < length * 0.3 ? 0 : text.indexOf(" ", best - length * 0.25) + 1;
    let end = start + length >= text.length ? text.length : text.lastIndexOf(" ", start + length);
    const parts = [start ? "… " : ""];
    for (const hit of marked.filter((other) => other.at >= start && other.end <= end)) {
      const mark = document.createElement("mark");
      mark.textContent = text.slice(hit.at, hit.end);
      parts.push(text.slice(start, hit.at), mark);
      start = hit.end;
    }
    return [...parts, text.slice(start, end), end < text.length ? " …" : ""];
  }
  function item(result) {
    const entry = entries[result.id], terms = new Set(result.terms), link = document.createElement("a");
    // The words go along, so that the page can mark them where the link leads (reader.js).
    const marks = new Set(hits(whole(entry), terms).map((hit) => hit.word.toLowerCase()));
    const quoted = phrases.length && !note ? phrases.map((phrase) => `"${phrase.trim()}"`) : Array.from(marks).slice(0, 12);
    link.href = `${entry.page}.html?q=${encodeURIComponent(quoted.join(" "))}${entry.anchor && `#${entry.anchor}`}`;
    link.append(...show(entry.title, terms, 200));
    const where = document.createElement("span"), context = document.createElement("p"), box = document.createElement("li");
    where.className = "where";
    where.textContent = entry.title === entry.book ? "" : entry.book;
    // A section that introduces a term need not say the word.
    const says = hits(`${entry.title} · ${entry.text}`, terms).length;
    context.append(...(says ? show(entry.text, terms, 180) : ["Introduces ", ...show(entry.terms, terms, 180)]));
    box.append(link, " ", where, context);
    return box;
  }
  const add = (some) => list.append(...some.map(item));
  add(found.slice(0, AT_ONCE));
  more.hidden = found.length <= AT_ONCE;
  more.textContent = `Show the other ${found.length - AT_ONCE}`;
  more.addEventListener("click", function () {
    more.hidden = true;
    add(found.slice(AT_ONCE));
    list.children[AT_ONCE].querySelector("a").focus();
  });
})();

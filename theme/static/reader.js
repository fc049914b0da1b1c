// What the page knows of its reader: the words that were searched for.
(function () {
  const article = document.querySelector("article");
  const at = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));

  // Mark what was searched for (search.js), in the section to which the search led.
  const asked = new URLSearchParams(location.search).get("q");
  if (asked && article.dataset.page && window.Highlight) {
    const place = at ? at.closest("li, section, article") : article, ranges = [];
    const escape = (text) => text.replace(/[^\p{L}\p{N}]+/gu, "[^\\p{L}\\p{N}]+");
    const words = Array.from(asked.matchAll(/"([^"]+)"|[\p{L}\p{N}]+/gu), (match) => escape((match[1] || match[0]).trim()));
    const pattern = new RegExp(`(?<![\\p{L}\\p{N}])(?:${words.join("|")})(?![\\p{L}\\p{N}])`, "giu");
    const texts = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      const text = texts.currentNode;
      if (text.parentElement.closest(".katex, script, style, template")) continue;
      for (const match of words.length ? text.data.matchAll(pattern) : []) {
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
})();

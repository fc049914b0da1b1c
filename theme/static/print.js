// Printing. Chromium prints at once what it has: letters whose font has not come are drawn in another one, and the fonts of
// sections that were never on the screen are not asked for. So all fonts of the page come while the browser is idle. And what
// is folded, solutions and code, can be printed too: by default paper shows what the page shows, without the bars.
(function () {
  const names = (document.querySelector("article").dataset.fonts || "").split(" ").filter(Boolean);
  function fonts() {
    return Promise.all(names.map(function (name) {
      const [family, cut] = name.split("-");
      const style = `${cut.includes("Italic") ? "italic" : "normal"} ${cut.includes("Bold") ? "bold" : "normal"}`;
      return document.fonts.load(`${style} 1em KaTeX_${family}`).catch(() => []); // none there: paper can do without
    }));
  }
  const idle = window.requestIdleCallback || setTimeout; // WebKit has no idle callback
  if (document.readyState === "complete") idle(fonts);
  else addEventListener("load", () => idle(fonts));

  let unfolding = false, unfolded = [];
  addEventListener("beforeprint", function () {
    unfolded = unfolding ? Array.from(document.querySelectorAll("article details:not([open])")) : [];
    for (const fold of unfolded) fold.open = true;
  });
  addEventListener("afterprint", function () {
    for (const fold of unfolded) fold.open = false;
    unfolded = [];
    unfolding = false;
  });
  for (const button of document.querySelectorAll("button.print")) {
    button.addEventListener("click", async function () {
      await fonts();
      unfolding = button.classList.contains("unfolded");
      print();
    });
  }
})();

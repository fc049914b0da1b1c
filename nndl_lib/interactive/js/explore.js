// Moves an explorer's controls without a kernel. nndl_lib/widgets.py writes the figure and copies this script behind
// it in a notebook; the site serves the same file once. Plain JavaScript, no network, safe to run any number of times.
(function () {
  function start(figure) {
    if (figure.dataset.ready) return;
    figure.dataset.ready = "yes";
    for (const later of figure.querySelectorAll("label > template")) later.replaceWith(later.content);
    const book = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
    const image = figure.querySelector("img");
    const said = figure.querySelector(".nndl-said");
    const controls = Array.from(figure.querySelectorAll("input, select"));
    // What a slider says of itself is its value: beside it that is for the eye, or it would be said twice, as its name.
    controls.forEach((control) => control.parentNode.querySelector("span")?.setAttribute("aria-hidden", "true"));
    book.frames[book.first] = image.getAttribute("src"); // stored once, as the picture that shows without a script

    function show() {
      // Frames are stored row by row: the last control changes fastest.
      const at = controls.reduce((sum, control, k) => sum * book.values[k].length + Number(control.value), 0);
      controls.forEach(function (control, k) {
        const text = book.values[k][Number(control.value)];
        if (control.type === "range") {
          control.setAttribute("aria-valuetext", text);
          control.parentNode.querySelector("span").textContent = text;
        }
      });
      image.src = book.frames[at];
      image.alt = said.textContent = book.alts[at];
    }

    controls.forEach((control) => control.addEventListener("input", show));
    figure.querySelector(".nndl-controls").style.display = "";
    figure.querySelector(".nndl-hint").remove();
    if (!("IntersectionObserver" in window)) return;
    // Fetch the other frames when the figure comes near the screen, so that it answers at once.
    new IntersectionObserver(function (entries, observer) {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      observer.disconnect();
      figure.frames = book.frames.map(function (source) {
        const frame = new Image();
        frame.src = source;
        return frame;
      });
    }, { rootMargin: "400px" }).observe(figure);
  }

  // On the site lists to choose from wait in templates, until the figure comes near or the reader takes to the keyboard.
  function startAll() {
    const near = new IntersectionObserver(function (entries) {
      for (const entry of entries) if (entry.isIntersecting) start(entry.target);
    }, { rootMargin: "400px" });
    for (const figure of document.querySelectorAll("figure.nndl-explorer")) {
      if (figure.querySelector("label > template")) near.observe(figure);
      else start(figure);
    }
    addEventListener("keydown", () => document.querySelectorAll("figure.nndl-explorer").forEach(start), { once: true });
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", startAll);
  else startAll();
})();

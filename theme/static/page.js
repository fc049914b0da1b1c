// What a page does beyond HTML: dark or light by a button, copying code, the place in the text marked in "On this page".
// Everything else, the menus included, works without scripts.
(function () {
  const root = document.documentElement;

  // Dark or light. The first script of the page has set the attribute before anything was painted.
  const button = document.querySelector(".dark-mode");
  function show() {
    button.setAttribute("aria-pressed", String(root.dataset.theme === "dark"));
  }
  button.hidden = false;
  button.addEventListener("click", function () {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("nndl-theme", root.dataset.theme);
    } catch { /* a browser that stores nothing for files: the choice holds for this page */ }
    show();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", function (event) {
    let chosen = null;
    try { chosen = localStorage.getItem("nndl-theme"); } catch { /* as above */ }
    if (!chosen) root.dataset.theme = event.matches ? "dark" : "light";
    show();
  });
  show();

  // Sections far from the screen are gaps without contents (theme/static/nndl.css). Whoever jumps gets all of them: the place
  // of a heading is known only when what stands above it has its size. The first script of the page sees to addresses that
  // begin with a jump.
  document.addEventListener("click", function (event) {
    if (event.target.closest("a[href*='#']")) root.dataset.whole = "yes";
  }, true);

  // A link in a menu that lies over the page leads away from it: close the menu.
  for (const menu of document.querySelectorAll("[popover]")) {
    menu.addEventListener("click", function (event) {
      if (event.target.closest("a") && menu.matches(":popover-open")) menu.hidePopover();
    });
  }

  // A phone that is turned, or a window made wider, has other places for its menus.
  function closeMenus() {
    for (const menu of document.querySelectorAll(":popover-open")) menu.hidePopover();
  }
  for (const width of ["64rem", "84rem"]) matchMedia(`(min-width: ${width})`).addEventListener("change", closeMenus);
  if (screen.orientation) screen.orientation.addEventListener("change", closeMenus);

  // The contents are longer than the screen: begin where this page is.
  const contents = document.getElementById("contents"), here = contents.querySelector("[aria-current]");
  function showHere() {
    if (here && here.offsetTop > contents.clientHeight - 80) contents.scrollTop = here.offsetTop - contents.clientHeight / 3;
  }
  contents.addEventListener("toggle", showHere);
  requestAnimationFrame(showHere);

  // What is wider than the screen scrolls: let the keyboard reach it. Measured when it is near, not for the whole page.
  const wide = new IntersectionObserver(function (entries) {
    for (const entry of entries) {
      const box = entry.target;
      if (!entry.isIntersecting) continue;
      if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
      else box.removeAttribute("tabindex");
    }
  }, { rootMargin: "200px" });
  document.querySelectorAll("article pre, .katex-display, .table, .picture").forEach((box) => wide.observe(box));

  // A mention of an equation shows it: under the mouse, with the keyboard's focus, and at the first tap of a finger; the
  // second one goes there. Escape puts it away. Who hears the page has the link, and the formula where that leads.
  const article = document.querySelector("article"), shown = document.createElement("div");
  let finger = false, shownFor = null, leaving = 0;
  shown.className = "shown-equation";
  shown.setAttribute("aria-hidden", "true");
  article.append(shown);
  function showFormula(link) {
    clearTimeout(leaving);
    if (shownFor === link) return;
    const name = link.hash.slice(1), here = link.pathname === location.pathname && document.getElementById(name);
    const elsewhere = document.querySelector(`template[data-equation="${name}"]`);
    if (!here && !elsewhere) return;
    const now = here && here.getBoundingClientRect();
    if (now && now.height && now.top > 60 && now.bottom < innerHeight) return; // the reader sees it
    const formula = here ? here.querySelector(".formula").cloneNode(true) : elsewhere.content.cloneNode(true);
    shown.replaceChildren(formula);
    for (const part of shown.querySelectorAll("[tabindex]")) part.removeAttribute("tabindex");
    shown.classList.add("open");
    const place = link.getClientRects()[0], frame = article.getBoundingClientRect(), gap = 4;
    const below = place.bottom + gap + shown.offsetHeight < innerHeight;
    const left = Math.min(place.left - frame.left, frame.width - shown.offsetWidth);
    shown.style.left = `${Math.max(0, left)}px`;
    shown.style.top = `${(below ? place.bottom + gap : place.top - gap - shown.offsetHeight) - frame.top}px`;
    shownFor = link;
  }
  function hideFormula() {
    clearTimeout(leaving);
    shown.classList.remove("open");
    shownFor = null;
  }
  function hideSoon() {
    clearTimeout(leaving);
    leaving = setTimeout(hideFormula, 200); // in which the mouse may move onto it
  }
  shown.addEventListener("pointerenter", () => clearTimeout(leaving));
  shown.addEventListener("pointerleave", hideSoon);
  addEventListener("pointerdown", function (event) {
    finger = event.pointerType === "touch";
    if (shownFor && !shown.contains(event.target) && event.target.closest("a") !== shownFor) hideFormula();
  });
  addEventListener("keydown", function (event) {
    if (event.key === "Escape") hideFormula();
  });
  for (const link of document.querySelectorAll("a.to-equation")) {
    link.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse") showFormula(link); });
    link.addEventListener("pointerleave", (event) => { if (event.pointerType === "mouse") hideSoon(); });
    link.addEventListener("focus", () => { if (!finger) showFormula(link); });
    link.addEventListener("blur", hideSoon);
    link.addEventListener("click", function (event) {
      if (finger && shownFor !== link) {
        showFormula(link);
        if (shownFor === link) event.preventDefault();
      } else {
        hideFormula();
      }
    });
  }

  // Copy the code of a cell. Who hears the page hears which: its number on the page, and its first line.
  if (navigator.clipboard) {
    const cells = document.querySelectorAll(".cell_input .highlight > pre, details > div[class*='highlight-'] pre");
    cells.forEach(function (code, k) {
      const copy = document.createElement("button");
      const say = function (word, name) {
        copy.textContent = word;
        copy.setAttribute("aria-label", name);
      };
      const name = `Copy cell ${k + 1}: ${code.textContent.trim().split("\n")[0].slice(0, 60)}`;
      copy.type = "button";
      copy.className = "copy";
      say("Copy", name);
      copy.addEventListener("click", async function () {
        await navigator.clipboard.writeText(code.textContent.trimEnd());
        say("Copied", "Copied");
        setTimeout(say, 2000, "Copy", name);
      });
      code.closest("div[class*='highlight-']").append(copy);
    });
  }

  // Text that is copied has its formulas as TeX: what is drawn would be letters in the order in which they were set. A
  // formula of which a part is selected is taken whole. The text is that of an element that is laid out, and never painted.
  document.addEventListener("copy", function (event) {
    const selection = getSelection();
    if (selection.isCollapsed) return;
    const range = selection.getRangeAt(0).cloneRange();
    const around = (node, what) => (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement).closest(what);
    const first = around(range.startContainer, ".katex"), last = around(range.endContainer, ".katex");
    if (first) range.setStartBefore(first);
    if (last) range.setEndAfter(last);
    const box = document.createElement("div");
    box.append(range.cloneContents());
    if (!box.querySelector(".katex")) return;
    for (const formula of box.querySelectorAll(".katex")) {
      const display = ".katex-display";
      const sign = formula.closest(display) || around(range.commonAncestorContainer, display) ? "$$" : "$";
      formula.replaceWith(sign + formula.querySelector("annotation").textContent.trim() + sign);
    }
    box.querySelectorAll(".copy, .headerlink").forEach((part) => part.remove());
    article.append(box);
    event.clipboardData.setData("text/plain", box.innerText);
    event.clipboardData.setData("text/html", box.innerHTML);
    box.remove();
    event.preventDefault();
  });

  // Mark in "On this page" the last heading that has passed the top of the screen.
  const links = new Map();
  for (const link of document.querySelectorAll(".on-this-page a[href^='#']")) {
    const section = document.getElementById(decodeURIComponent(link.hash.slice(1)));
    if (section && link.hash.length > 1) links.set(section, link);
  }
  const sections = Array.from(links.keys());
  let marked = null, waiting = false;
  function mark() {
    waiting = false;
    const limit = parseFloat(getComputedStyle(root).scrollPaddingTop) + 20; // where a link's target comes to stand
    const passed = (section) => section.getBoundingClientRect().top <= limit;
    // First the large sections: where one is far away, the places of those within it are not known.
    let now = sections.filter((section) => !section.parentElement.closest("article > section > section") && passed(section)).pop();
    if (now) now = sections.filter((section) => now.contains(section) && passed(section)).pop();
    // The last sections may be too short to reach the top.
    if (scrollY > 0 && scrollY + innerHeight > root.scrollHeight - 2) {
      const target = document.querySelector("article :target");
      now = links.has(target) && target.getBoundingClientRect().top > 0 ? target : sections[sections.length - 1];
    }
    if (now === marked) return;
    if (marked) links.get(marked).removeAttribute("aria-current");
    marked = now;
    if (!now) return;
    const link = links.get(now), box = link.closest("aside");
    link.setAttribute("aria-current", "location");
    if (link.offsetTop < box.scrollTop || link.offsetTop > box.scrollTop + box.clientHeight - 80) {
      box.scrollTop = link.offsetTop - box.clientHeight / 2;
    }
  }
  if (sections.length) {
    const later = function () {
      if (!waiting) requestAnimationFrame(mark);
      waiting = true;
    };
    addEventListener("scroll", later, { passive: true });
    addEventListener("hashchange", later);
    new ResizeObserver(later).observe(article); // sections get their height when they come near
  }
})();

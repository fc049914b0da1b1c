// Draw a digit: the picture. What is drawn is read at once by a network that the notebook trained; nndl_lib/draw_digit.py
// writes the data, draw_digit_network.js before this file computes. In anywidget's form: render({ model, el }).

const STYLE = `
.dd { --paper: #fff; --ink: #1c2126; --soft: #57606a; --line: #d0d7de; --blue: #0072b2; --orange: #c24e00;
  background: var(--paper); color: var(--ink); border: 1px solid var(--line); border-radius: 0.5rem;
  padding: clamp(0.6rem, 2.5vw, 1.25rem); margin: 1em 0; font-size: 0.95rem; line-height: 1.45; position: relative;
  container-type: inline-size; }
html[data-theme="dark"] .dd, [data-jp-theme-light="false"] .dd { --paper: #16191d; --ink: #e6e8ea; --soft: #a9b3bd;
  --line: #3a424b; --blue: #56b4e9; --orange: #f0a040; }
html[data-theme="dark"] div.cell_output .text_html:has(.dd) { background: none !important; padding: 0 !important; }
.dd * { box-sizing: border-box; }
.dd p { margin: 0 0 0.5rem; color: inherit; }
.dd .dd-row { display: grid; gap: 1.25rem 1.5rem; grid-template-columns: repeat(auto-fit, minmax(min(13rem, 100%), 1fr)); column-gap: 1rem; }
.dd .dd-row + .dd-row { margin-top: 1.25rem; padding-top: 1.25rem; border-top: 1px solid var(--line);
  grid-template-columns: repeat(auto-fit, minmax(min(17rem, 100%), 1fr)); }
.dd .dd-title { font-weight: 600; margin: 0 0 0.4rem; }
.dd .dd-more { margin-top: 0.8rem; }
.dd .dd-note { color: var(--soft); font-size: 0.85rem; margin: 0.4rem 0 0; }
.dd svg { display: block; width: 100%; max-width: 17rem; height: auto; border-radius: 0.25rem; }
.dd svg.dd-surface { touch-action: none; cursor: crosshair; user-select: none; -webkit-user-select: none; }
.dd :focus-visible { outline: 3px solid var(--blue); outline-offset: 2px; }
.dd .dd-keys { display: flex; flex-wrap: wrap; gap: 0.4rem; margin-top: 0.6rem; max-width: 17rem; }
.dd .dd-digits { display: grid; grid-template-columns: repeat(auto-fit, minmax(44px, 1fr)); gap: 0.3rem 1px; max-width: 16.5rem; }
.dd button { font: inherit; color: var(--ink); background: none; border: 1px solid var(--soft); border-radius: 0.35rem;
  min-height: 44px; min-width: 44px; padding: 0.2rem 0.8rem; cursor: pointer; }
.dd button:hover:not(:disabled) { border-color: var(--blue); box-shadow: inset 0 0 0 1px var(--blue); }
.dd button:disabled { color: var(--soft); border-color: var(--line); cursor: default; }
.dd .dd-keys button { flex: 1; }
.dd .dd-answer { display: flex; align-items: center; gap: 0.9rem; min-height: 4.2rem; margin-bottom: 0.5rem; }
.dd .dd-answer b { font-size: 3.4rem; line-height: 1; min-width: 0.7em; text-align: center; }
/* JupyterLab indents every list in HTML that it shows: two classes, to come before it. */
.dd ol.dd-bars, .dd ol.dd-units { list-style: none; margin: 0; padding: 0; }
.dd .dd-bars li { display: grid; grid-template-columns: 1.1rem 1fr 5.4rem; gap: 0.5rem; align-items: center; margin: 0;
  padding: 0.1rem 0.3rem; border: 1px solid transparent; border-radius: 0.25rem; font-variant-numeric: tabular-nums; }
.dd .dd-bars li.dd-first { font-weight: 700; border-color: var(--ink); }
.dd .dd-bars i { display: block; height: 0.7rem; border-radius: 0.1rem; background: var(--soft); min-width: 1px;
  transition: width 0.12s; }
.dd .dd-bars li.dd-first i { background: var(--blue); height: 0.95rem; }
.dd .dd-bars span:last-child { text-align: right; white-space: nowrap; }
.dd .dd-units { display: grid; grid-template-columns: repeat(auto-fill, minmax(42px, 1fr)); gap: 0.45rem; }
.dd .dd-units li { margin: 0; font-size: 0.72rem; text-align: center; font-variant-numeric: tabular-nums;
  color: var(--soft); }
.dd .dd-units svg { border: 1px solid var(--line); border-radius: 0.15rem; }
.dd .dd-units i { display: block; height: 4px; margin: 2px 0 1px; background: var(--ink); transition: width 0.12s; }
.dd .dd-units li.dd-on { color: var(--ink); font-weight: 600; }
.dd .dd-units li.dd-on svg { border-color: var(--ink); }
.dd .dd-hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
/* High contrast: colors of the system, or the bars would be gone and every row framed. */
@media (forced-colors: active) {
  .dd, html[data-theme="dark"] .dd, [data-jp-theme-light="false"] .dd { --paper: Canvas; --ink: CanvasText;
    --soft: CanvasText; --line: CanvasText; --blue: #0080c0; --orange: #d05a00; }
  .dd .dd-bars li { border-color: Canvas; }
  .dd .dd-bars li.dd-first { border-color: Highlight; outline: 1px solid Highlight; }
  .dd .dd-bars li.dd-first i { background: Highlight; }
  .dd button:disabled { color: GrayText; border-color: GrayText; }
}
@container (max-width: 42rem) { .dd .dd-sees { order: 1; } } /* the answer stays near the drawing */
@media (pointer: coarse) { .dd .dd-byhand { display: none; } }
@media (prefers-reduced-motion: reduce) { .dd i { transition: none !important; } }
`;
const STEP = 1 / 40; // of the surface: how far an arrow key moves the pen

function element(tag, attributes = {}, ...children) {
  const svg = ["svg", "rect", "polyline", "circle", "text", "path", "g"].includes(tag);
  const made = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** An image of 8 x 8 pixels: `paint` shows values by opacity, 0 to 1; negative ones in the second color, with a sign. */
function grid(signs, label) {
  const picture = element("svg", { viewBox: "0 0 8 8", role: "img", "aria-label": label });
  picture.append(element("rect", { width: 8, height: 8, fill: "var(--paper)" }));
  const cells = Array.from({ length: 64 }, (_, k) => {
    const place = { x: k % SIDE, y: Math.floor(k / SIDE) };
    const cell = element("rect", { ...place, width: 1, height: 1 });
    const sign = element("text", { x: place.x + 0.5, y: place.y + 0.5, "text-anchor": "middle",
      "dominant-baseline": "central", "font-size": 0.75, "font-weight": 700, fill: "var(--ink)" });
    picture.append(cell, ...(signs ? [sign] : []));
    return [cell, sign];
  });
  const lines = Array.from({ length: 9 }, (_, k) => `M${k} 0V8M0 ${k}H8`).join("");
  picture.append(element("path", { d: lines, stroke: "var(--line)", "stroke-width": 0.04, fill: "none" }));
  const paint = (values) => values.forEach((value, k) => {
    const [cell, sign] = cells[k];
    cell.setAttribute("fill", !signs ? "var(--ink)" : value > 0 ? "var(--blue)" : "var(--orange)");
    cell.setAttribute("fill-opacity", Math.abs(value).toFixed(3));
    if (signs) sign.textContent = Math.abs(value) < 0.2 ? "" : value > 0 ? "+" : "−";
  });
  return { picture, paint, cells };
}

/** A small image of weights: pixels of one sign and strength are one path, to keep the page light. */
function thumbnail(weights) {
  const picture = element("svg", { viewBox: "0 0 8 8", "aria-hidden": "true" });
  const largest = Math.max(...weights.map(Math.abs)) || 1, paths = {};
  weights.forEach((weight, k) => {
    const level = Math.round((6 * weight) / largest);
    if (level) paths[level] = (paths[level] || "") + `M${k % SIDE} ${Math.floor(k / SIDE)}h1v1h-1z`;
  });
  for (const [level, d] of Object.entries(paths)) {
    const fill = level > 0 ? "var(--blue)" : "var(--orange)";
    picture.append(element("path", { d, fill, "fill-opacity": Math.abs(level) / 6 }));
  }
  return picture;
}

function percent(p) {
  if (p >= 0.9995) return ">\u00a099.9%";
  return p < 0.0005 ? "<\u00a00.1%" : `${(100 * p).toFixed(1)}%`;
}

function render({ model, el }) {
  const network = readNetwork(model.get("network"));
  const { images, labels, start } = model.get("examples");
  const pixels = bytes(images);
  const examples = labels.map((label, k) => [label, Float64Array.from(pixels.slice(64 * k, 64 * k + 64))]);
  const shown = new Map(); // for each digit, which of its examples came last
  const first = network.layers[0];
  const units = Array.from({ length: first.outputs }, (_, k) => first.weight.slice(64 * k, 64 * k + 64));

  // The parts, made one after another, then put together.
  const part = (title, name, ...children) => element("div", { role: "group", "aria-label": title, class: name },
    element("p", { class: "dd-title" }, title), ...children);
  const button = (text, press, label = text) => {
    const made = element("button", { type: "button", "aria-label": label }, text);
    made.addEventListener("click", press);
    return made;
  };
  const note = () => element("p", { class: "dd-note" });
  const said = element("div", { class: "dd-hidden", role: "status" });

  const strokesShown = element("g", { fill: "none", stroke: "var(--ink)", "stroke-width": 0.085, "stroke-linecap": "round",
    "stroke-linejoin": "round" });
  const hint = element("text", { x: 0.5, y: 0.5, "text-anchor": "middle", "font-size": 0.065, fill: "var(--soft)" },
    "Draw a digit here");
  const pen = element("circle", { r: 0.05, stroke: "var(--blue)", "stroke-width": 0.015, visibility: "hidden" });
  const help = "Arrow keys move the pen, Shift moves it farther, Space puts it down and lifts it";
  const surface = element("svg", { class: "dd-surface", viewBox: "0 0 1 1", tabindex: 0, role: "application",
    "aria-label": `Surface to draw on. ${help}, Backspace undoes.` },
    element("rect", { width: 1, height: 1, fill: "var(--paper)" }),
    element("rect", { x: 0.005, y: 0.005, width: 0.99, height: 0.99, rx: 0.02, fill: "none", stroke: "var(--soft)",
      "stroke-width": 0.01 }),
    strokesShown, hint, pen);
  const undoButton = button("Undo", undo), clearButton = button("Clear", clear);
  const digitButtons = [...new Set(labels)].sort((a, b) => a - b).map((digit) =>
    button(String(digit), () => showExample(digit), `Show a real ${digit} from the test set`));

  const sees = grid(false, ""), seesNote = note();
  const answer = element("b"), answerText = element("span");
  const bars = Array.from({ length: 10 }, (_, digit) => {
    const bar = element("i"), text = element("span");
    return { bar, text, row: element("li", {}, element("span", {}, String(digit)), element("span", {}, bar), text) };
  });
  const mind = grid(true, ""), mindText = element("p"), mindNote = note();
  const tiles = units.map((weights, k) => {
    const bar = element("i"), text = element("span");
    return { bar, text, row: element("li", { title: `unit ${k + 1}` }, thumbnail(weights), bar, text) };
  });
  const unitsNote = note();

  el.replaceChildren(element("section", { class: "dd", "aria-label": "Draw a digit" },
    element("style", {}, STYLE),
    element("p", {}, element("strong", {}, "Try it. "), model.get("goal")),
    element("div", { class: "dd-row" },
      part("Your drawing", "", surface, element("div", { class: "dd-keys" }, undoButton, clearButton),
        element("p", { class: "dd-note dd-byhand" },
          `By keyboard: ${help[0].toLowerCase()}${help.slice(1)}.`)),
      part("What the network sees", "dd-sees", sees.picture, seesNote,
        element("p", { class: "dd-title dd-more" }, "Show a real one"),
        element("div", { class: "dd-digits" }, ...digitButtons)),
      part("What it answers", "", element("div", { class: "dd-answer" }, answer, answerText),
        element("ol", { class: "dd-bars" }, ...bars.map((bar) => bar.row)))),
    element("div", { class: "dd-row" },
      part("What would change its mind", "", mindText, mind.picture,
        element("div", { class: "dd-keys" }, button("Change it until it flips", changeItsMind)), mindNote),
      part("What its first layer looks for", "", element("ol", { class: "dd-units" }, ...tiles.map((tile) => tile.row)),
        unitsNote)),
    said));
  // Single letters are shortcuts of JupyterLab and of the book's search: not while the focus is in here.
  el.firstChild.dataset.lmSuppressShortcuts = "true";
  el.firstChild.addEventListener("keydown", (event) => { if (!event.ctrlKey && !event.metaKey) event.stopPropagation(); });

  // The state: a drawing's strokes, or an example; its 64 levels; and, after a change, what it was and how much it took.
  let state = { strokes: [], levels: null, source: "", change: null };
  let past = [], result, best;

  function set(next, remember = true) {
    if (remember) past.push(state);
    state = { change: null, ...next };
    show();
  }

  function show() {
    result = forward(network, state.levels);
    best = ranking(result.logits);
    const { probabilities } = result, blank = state.levels.every((level) => level === 0);
    // A polyline of one point would not show; of the same point twice, it is a dot.
    strokesShown.replaceChildren(...state.strokes.map((stroke) =>
      element("polyline", { points: [stroke[0], ...stroke].map((p) => p.map((v) => v.toFixed(4)).join(",")).join(" ") })));
    hint.setAttribute("visibility", state.strokes.length ? "hidden" : "visible");
    undoButton.disabled = past.length === 0;
    clearButton.disabled = blank;

    sees.paint(state.levels.map((level) => level / 16));
    const was = state.change ? state.change.before : state.levels;
    sees.cells.forEach(([cell], k) => {
      const changed = Math.abs(state.levels[k] - was[k]) >= 0.5;
      cell.setAttribute("stroke", changed ? (state.levels[k] > was[k] ? "var(--blue)" : "var(--orange)") : "none");
      cell.setAttribute("stroke-width", changed ? 0.12 : 0);
    });
    const ink = state.levels.reduce((a, b) => a + b, 0) / 64;
    seesNote.textContent = `8 × 8 levels from 0 to 16: ${state.source}. Average level ${ink.toFixed(1)}.`;
    const rows = Array.from({ length: 8 }, (_, row) => Array.from(state.levels.slice(8 * row, 8 * row + 8), Math.round));
    sees.picture.setAttribute("aria-label", `8 rows of 8 levels: ${rows.map((row) => row.join(" ")).join("; ")}`);

    answer.textContent = best[0];
    const [sure, less] = best.map((digit) => percent(probabilities[digit]));
    answerText.textContent = `with ${sure}; next is ${best[1]}, with ${less}`
      + (blank ? ". Even blank paper must be one of the ten." : "");
    bars.forEach(({ bar, text, row }, digit) => {
      bar.style.width = `${100 * probabilities[digit]}%`;
      text.textContent = (digit === best[0] ? "◀ " : "") + percent(probabilities[digit]);
      row.className = digit === best[0] ? "dd-first" : "";
    });

    const gradient = inputGradient(network, result, best[1], best[0]);
    const steepest = Math.max(...gradient.map(Math.abs));
    mind.paint(gradient.map((g) => (steepest > 0 ? g / steepest : 0)));
    mindText.textContent = `From ${best[0]} toward ${best[1]}: more ink at +, less at −. Stronger colors count more.`;
    const order = Array.from(gradient.keys()).sort((a, b) => Math.abs(gradient[b]) - Math.abs(gradient[a]));
    const strongest = order.slice(0, 4).map((k) =>
      `${gradient[k] > 0 ? "more" : "less"} ink in row ${Math.floor(k / 8) + 1}, column ${(k % 8) + 1}`);
    mind.picture.setAttribute("aria-label", `Change toward ${best[1]}, the strongest first: ${strongest.join("; ")}.`);
    mindNote.textContent = state.change ? state.change.text
      : "The button moves the 64 levels along this gradient until the answer flips.";

    const activities = result.values[network.layers.length > 1 ? 2 : 1];
    const most = Math.max(...activities.map(Math.abs)) || 1;
    tiles.forEach(({ bar, text, row }, k) => {
      bar.style.width = `${(100 * Math.abs(activities[k])) / most}%`;
      text.textContent = activities[k].toFixed(1).replace("-", "−");
      row.className = Math.abs(activities[k]) > 0.05 ? "dd-on" : "";
    });
    const active = activities.filter((a) => Math.abs(a) > 0.05).length;
    unitsNote.textContent = "Each image is a unit's 64 weights: blue wants ink, orange wants paper. Below it its activity. "
      + `${active} of ${units.length} are active.`;
    announce();
  }

  let later;
  function announce(text) {
    // Once the hand rests, or a reader who listens would hear every step of the way.
    clearTimeout(later);
    if (text) said.textContent = text;
    else later = setTimeout(() => {
      said.textContent = `Reads ${best[0]}, ${answerText.textContent}.`;
    }, 500);
  }

  // Drawing. A stroke in work is the last of the strokes; where it began is what Undo goes back to.
  let drawing = false, waiting = 0;
  function begin(point) {
    const strokes = [...state.strokes, [point]];
    drawing = true;
    set({ strokes, levels: preprocess(strokes), source: "your drawing, made upright and scaled" });
  }
  function extend(point) {
    const stroke = state.strokes[state.strokes.length - 1], [x, y] = stroke[stroke.length - 1];
    if (Math.hypot(point[0] - x, point[1] - y) < 0.006) return;
    stroke.push(point);
    waiting = waiting || requestAnimationFrame(redraw);
  }
  function redraw() {
    cancelAnimationFrame(waiting);
    waiting = 0;
    set({ ...state, levels: preprocess(state.strokes) }, false);
  }
  function end() {
    if (waiting) redraw();
    drawing = false;
  }
  function at(event) {
    const box = surface.getBoundingClientRect();
    const place = [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
    return place.map((v) => Math.min(1, Math.max(0, v)));
  }
  let pointer = null; // one finger draws; a second one, or a palm, does not
  surface.addEventListener("pointerdown", (event) => {
    if (pointer !== null || event.button > 0) return;
    end();
    pointer = event.pointerId;
    pen.setAttribute("visibility", "hidden");
    begin(at(event));
    surface.setPointerCapture(pointer); // last: it fails where the pointer is gone already
  });
  surface.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const all = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    (all.length ? all : [event]).forEach((each) => extend(at(each)));
  });
  for (const kind of ["pointerup", "pointercancel"]) {
    surface.addEventListener(kind, (event) => {
      if (event.pointerId !== pointer) return;
      pointer = null;
      end();
    });
  }

  // By keyboard: a pen of its own. Arrows held together go diagonally.
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const held = new Set();
  let place = [0.5, 0.5];
  surface.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || pointer !== null) return;
    if (ARROWS[event.key]) {
      held.add(event.key);
      const step = event.shiftKey ? 4 * STEP : STEP;
      const move = [0, 1].map((k) => step * [...held].reduce((sum, key) => sum + ARROWS[key][k], 0));
      place = place.map((v, k) => Math.min(0.95, Math.max(0.05, v + move[k])));
      if (drawing) extend(place);
    } else if (event.key === " ") {
      if (!event.repeat) {
        if (drawing) end();
        else begin(place);
        announce(drawing ? "Pen down" : "");
      }
    } else if (event.key === "Backspace" || event.key === "Delete") {
      undo();
    } else {
      return;
    }
    event.preventDefault();
    showPen();
  });
  surface.addEventListener("keyup", (event) => held.delete(event.key));
  surface.addEventListener("blur", () => {
    held.clear();
    end();
    pen.setAttribute("visibility", "hidden");
  });
  function showPen() {
    pen.setAttribute("visibility", "visible");
    pen.setAttribute("fill", drawing ? "var(--blue)" : "none");
    pen.setAttribute("cx", place[0]);
    pen.setAttribute("cy", place[1]);
  }

  // The buttons.
  function undo() {
    end();
    if (past.length) set(past.pop(), false);
  }
  function clear() {
    set({ strokes: [], levels: new Float64Array(64), source: "blank paper" });
  }
  function showExample(digit) {
    const own = examples.filter(([label]) => label === digit);
    const turn = shown.has(digit) ? (shown.get(digit) + 1) % own.length : 0;
    shown.set(digit, turn);
    set({ strokes: [], levels: own[turn][1], source: `a real ${digit} from the test set` });
  }
  function changeItsMind() {
    const before = state.levels, change = smallestChange(network, before);
    if (!change) {
      mindNote.textContent = "Here the gradient leads nowhere: no change along it flips the answer.";
      announce(mindNote.textContent);
      return;
    }
    const flips = randomFlips(network, before, change.length, 100), size = Math.hypot(...before);
    const share = size > 0 ? `, ${((100 * change.length) / size).toFixed(0)}% of the picture's own` : "";
    const text = `It flipped from ${change.from} to ${change.to}: a change of length ${change.length.toFixed(1)}${share}, `
      + `at most ${change.largest.toFixed(1)} of 16 levels in a pixel. Of 100 random changes of this length, ${flips} did.`;
    const source = "changed along the gradient, outlined where by half a level or more";
    set({ strokes: state.strokes, levels: change.levels, source, change: { before, text } });
    announce(text);
  }

  const [label, levels] = examples[start];
  state = { ...state, levels, source: `a real ${label} from the test set` };
  shown.set(label, examples.filter(([other], k) => other === label && k < start).length);
  show();
}

export default { render };

// The playground: a multilayer perceptron that the reader trains in the browser. Here is what is seen and touched.
//
// What is computed comes from playground_network.js, which nndl_lib/pieces.py puts before this file. Everything is built
// inside a shadow root, so that neither the book's style nor JupyterLab's reaches in. Texts are set as text, never as HTML.

const LABELS = {
  data: "Data set", noise: "Noise", points: "Training points", seed: "Seed", inputs: "Inputs", activation: "Activation",
  init: "First weights", optimizer: "Optimizer", lr: "Learning rate", batch: "Batch size", penalty: "Penalty",
  lambda: "Strength λ",
};
const WORDS = {
  all: { ring: "Ring", xor: "XOR", gaussians: "Gaussians", spiral: "Spiral", moons: "Moons", sgd: "SGD", momentum: "Momentum",
    adam: "Adam", l2: "L2", l1: "L1", relu: "ReLU" },
  inputs: { linear: "x₁, x₂", quadratic: "and squares" },
  init: { 0: "all 0", 0.1: "a tenth", 1: "standard", 5: "five times" },
};
const GRID = 50; // pictures are GRID x GRID points of the plane
const REACH = 3; // from -REACH to REACH along both axes
const SPEEDS = [["1", "slow"], ["5", "medium"], ["25", "fast"]]; // steps a frame

const STYLE = `
:host { display: block; scroll-margin-top: 4rem; }
.pg { --paper: #ffffff; --ink: #1b2733; --soft: #55616d; --line: #c5ccd3; --field: #f4f6f8; --accent: #0060a0;
  --zero: #0072B2; --one: #D55E00; --good: #00704f; --bad: #a33c00; container-type: inline-size; color: var(--ink);
  background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 1rem; line-height: 1.45;
  font-family: inherit; font-size: 0.95rem; text-align: left; }
.pg[data-dark] { --paper: #14181e; --ink: #e6eaee; --soft: #a9b4bf; --line: #465160; --field: #1e252d; --accent: #7cc4f4;
  --zero: #56B4E9; --one: #F08A3C; --good: #4fd0a5; --bad: #ff9d66; color-scheme: dark; }
* { box-sizing: border-box; }
p { margin: 0 0 0.5rem; }
h2, legend { font-size: 0.8rem; font-weight: 700; margin: 0 0 0.4rem; padding: 0; color: var(--soft); }
button, select, input { font: inherit; color: inherit; }
button, select, input[type=number] { min-height: 44px; border: 1px solid var(--line); border-radius: 8px;
  background: var(--field); padding: 0 0.8rem; max-width: 100%; }
button { cursor: pointer; min-width: 44px; }
button:hover { border-color: var(--accent); }
button.main { background: var(--accent); border-color: var(--accent); color: var(--paper); font-weight: 700;
  min-width: 6.5rem; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.bar { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; margin-bottom: 1rem; }
.count { flex-basis: 100%; margin: 0; font-variant-numeric: tabular-nums; color: var(--soft); }
.stage { display: grid; gap: 1.25rem 1.5rem; grid-template-columns: minmax(0, 1fr); }
.column { display: contents; }
.plot { order: -1; }
.plot { position: relative; }
.plot canvas, .chart canvas { display: block; width: 100%; border-radius: 6px; }
.plot canvas { aspect-ratio: 1; }
.chart canvas { height: 150px; }
.key { display: flex; flex-wrap: wrap; gap: 0.1rem 1rem; font-size: 0.85rem; color: var(--soft); margin: 0.4rem 0 0; }
.key label { display: flex; align-items: center; gap: 0.4rem; min-height: 44px; color: var(--ink); }
.key input { width: 1.2rem; height: 1.2rem; accent-color: var(--accent); }
.key span { display: inline-flex; align-items: center; gap: 0.3rem; }
.net { position: relative; display: flex; justify-content: space-between; align-items: stretch; gap: 2px;
  min-height: 14rem; }
.net > canvas { position: absolute; inset: 0; width: 100%; height: 100%; pointer-events: none; }
.layer { position: relative; display: flex; flex-direction: column; gap: 4px; justify-content: center; align-items: center;
  width: 44px; }
.layer small { font-size: 0.75rem; color: var(--soft); white-space: nowrap; margin-bottom: auto; }
.layer small + * { margin-top: 0; } .layer > :last-child { margin-bottom: auto; }
.unit { min-width: 44px; width: 44px; padding: 0; border: 2px solid var(--line); overflow: hidden; flex: none; }
.unit canvas { display: block; width: 40px; height: 40px; }
.unit[aria-pressed=true] { border-color: var(--ink); box-shadow: 0 0 0 2px var(--ink); }
.formula { font-size: 0.9rem; min-height: 4.2em; overflow-wrap: anywhere; margin-top: 0.6rem; }
.words { border-left: 4px solid var(--accent); padding-left: 0.8rem; min-height: 9.5em; }
.words p { margin-bottom: 0.4rem; }
.examples { display: grid; gap: 0.5rem; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); }
.examples button { text-align: left; background: none; padding: 0.3rem 0.6rem; font-size: 0.9rem; line-height: 1.25; }
.examples b { color: var(--good); } .examples .fails b { color: var(--bad); }
fieldset { border: 0; padding: 0; margin: 0; min-width: 0; display: grid; gap: 0.5rem; align-content: start; }
.controls { display: grid; gap: 1.25rem 1.5rem; grid-template-columns: minmax(0, 1fr); align-items: start;
  border-top: 1px solid var(--line); margin-top: 1.25rem; padding-top: 1rem; }
.controls label { display: grid; grid-template-columns: 7.2rem minmax(0, 1fr); align-items: center; gap: 0.5rem; }
.controls input, .controls select { width: 100%; min-width: 0; }
.controls .range { grid-template-columns: 7.2rem minmax(0, 1fr) 1rem; }
input[type=range] { height: 44px; accent-color: var(--accent); margin: 0; }
.range span { font-variant-numeric: tabular-nums; text-align: right; }
.live { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
[hidden] { display: none !important; }
@media (forced-colors: active) { .unit[aria-pressed=true] { outline: 4px solid Highlight; } } /* which draws no shadows */
@container (min-width: 38rem) {
  .stage { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); align-items: start; }
  .column { display: grid; gap: 1.25rem; }
  .plot { order: 0; }
  .controls { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .controls > :nth-child(2) { grid-area: 1 / 2 / span 2; }
}
@container (min-width: 48rem) {
  .controls { grid-template-columns: repeat(3, minmax(0, 1fr)); }
}
`;

// An element with properties and children; text goes in as text.
function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

function isDark() {
  const prefersDark = matchMedia("(prefers-color-scheme: dark)").matches;
  if (matchMedia("(forced-colors: active)").matches) return prefersDark; // high contrast: the ground is the system's
  const page = document.documentElement, theme = page.dataset.theme || page.getAttribute("theme"); // the book; Colab
  if (theme === "dark" || theme === "light") return theme === "dark";
  const jupyter = document.body.dataset.jpThemeLight;
  return jupyter ? jupyter === "false" : prefersDark;
}

// 256 colors as the bytes of ImageData: blue for -1, paper for 0, orange for 1.
function colorTable(dark) {
  const ends = dark ? [[40, 120, 180], [24, 29, 36], [205, 105, 35]] : [[86, 160, 211], [255, 255, 255], [240, 150, 80]];
  const table = new Uint32Array(256), bytes = new Uint8Array(table.buffer);
  for (let k = 0; k < 256; k++) {
    const value = k / 127.5 - 1, end = value < 0 ? ends[0] : ends[2], share = Math.abs(value);
    for (let c = 0; c < 3; c++) bytes[4 * k + c] = Math.round(ends[1][c] + share * (end[c] - ends[1][c]));
    bytes[4 * k + 3] = 255;
  }
  return table;
}

class Playground {
  // settings as in SETTINGS; isLive: in a notebook, whose address is not ours to change
  constructor(el, settings, goal, isLive) {
    this.el = el;
    this.settings = settings;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.build(goal, isLive);
    this.reset("");
    this.useTheme();
  }

  // --- the elements ---

  build(goal, isLive) {
    const root = this.el.attachShadow({ mode: "open" });
    this.run = make("button", { type: "button", className: "main", onclick: () => this.toggle() }, "Run");
    const step = make("button", { type: "button", onclick: () => this.stepOnce() }, "Step");
    const reset = make("button", { type: "button", onclick: () => this.reset("Reset.") }, "Reset");
    this.speed = this.select("Speed", SPEEDS, "5", () => {});
    this.count = make("p", { className: "count" });
    this.live = make("div", { className: "live", role: "status", "aria-live": "polite" });
    this.plot = make("canvas", { role: "img" });
    this.chart = make("canvas", { role: "img" });
    this.chart.className = "losses";
    this.showTest = make("input", { type: "checkbox", onchange: () => this.paint() });
    this.net = make("div", { className: "net", role: "group", "aria-label": "Network: select a unit" });
    this.formula = make("p", { className: "formula" });
    this.words = make("div", { className: "words" });
    const mark = (sign, name, color) =>
      make("span", {}, make("span", { style: `color: var(--${color})`, ariaHidden: "true" }, sign), name);
    const key = (...parts) => make("p", { className: "key" }, ...parts);
    this.examples = make("div", { className: "examples" }, ...EXAMPLES.map(([kind, name, link, hint]) =>
      make("button", { type: "button", className: kind, onclick: () => this.load("#playground=" + link, hint) },
        make("b", {}, kind === "works" ? "✓ " : "✗ "), name, make("span", { className: "live" }, ` (${kind})`))));
    const copy = make("button", { type: "button", onclick: () => this.copyLink() }, "Copy link");
    this.copied = make("span", {});
    this.controls = make("div", { className: "controls" });
    this.frame = make("div", { className: "pg" },
      make("p", {}, make("strong", {}, "Playground. "), goal),
      make("div", { className: "bar" }, this.run, step, reset, make("label", {}, "Speed ", this.speed), this.count),
      this.live,
      make("div", { className: "stage" },
        make("div", { className: "column" },
          make("div", {}, make("h2", {}, "Network: select a unit to see what it computes"), this.net,
            key(mark("━", "weight above 0", "one"), mark("╍", "below 0", "zero"), "wide: large"),
            this.formula),
          make("div", { className: "chart" }, make("h2", {}, "Loss against steps"), this.chart,
            key(mark("—", "training", "ink"), mark("╌", "test", "accent"), mark("┄", "a coin's 0.69", "soft")))),
        make("div", { className: "column" },
          make("div", { className: "plot" }, this.title = make("h2", {}), this.plot,
            key(mark("●", "class 0", "zero"), mark("▲", "class 1", "one"), mark("—", "boundary", "ink"),
              make("label", {}, this.showTest, "test points (hollow)"))),
          make("div", {}, make("h2", {}, "What you see"), this.words))),
      make("div", { style: "margin-top: 1.25rem" },
        make("h2", {}, "Examples that work (✓) and that fail (✗)"), this.examples),
      this.controls,
      make("div", { className: "bar", style: "margin: 1rem 0 0", hidden: isLive }, copy, this.copied));
    root.append(make("style", {}, STYLE), this.frame);
    // Single letters are shortcuts of JupyterLab and of the book's search: not while the focus is in here.
    this.el.dataset.lmSuppressShortcuts = "true";
    this.el.addEventListener("keydown", (event) => { if (!event.ctrlKey && !event.metaKey) event.stopPropagation(); });
    new ResizeObserver(() => { this.place(); this.useTheme(); }).observe(this.frame); // also when it enters the page
    // JupyterLab hides all while it changes its theme, and shows it with the next frame: canvases have no size until then.
    const watch = new MutationObserver(() => { this.useTheme(); requestAnimationFrame(() => this.useTheme()); });
    for (const element of [document.documentElement, document.body]) {
      watch.observe(element, { attributes: true, attributeFilter: ["data-theme", "theme", "data-jp-theme-light"] });
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.useTheme());
  }

  select(label, options, value, onchange) {
    const found = make("select", { onchange: () => onchange(found.value), "aria-label": label, autocomplete: "off" },
      ...options.map(([key, text]) => make("option", { value: key }, text)));
    found.value = value;
    return found;
  }

  buildControls() {
    const { settings } = this;
    const choice = (name) => {
      const values = SETTINGS[name][1];
      const text = (value) => (WORDS[name] || WORDS.all)[value] || String(value);
      const options = values.map((value) => [String(value), text(value)]);
      const change = (key) => this.change(name, values.find((value) => String(value) === key));
      return make("label", {}, LABELS[name], this.select(LABELS[name], options, String(settings[name]), change));
    };
    const slider = (label, value, min, max, change) => {
      const shown = make("span", { ariaHidden: "true" }, String(value)); // the slider itself says its value
      const input = make("input", { type: "range", min, max, step: 1, autocomplete: "off", "aria-label": label });
      input.value = value;
      input.oninput = () => { shown.textContent = input.value; change(Number(input.value)); };
      return make("label", { className: "range" }, label, input, shown);
    };
    const seed = make("input", { type: "number", min: 0, max: 999, step: 1, "aria-label": "Seed", autocomplete: "off" });
    seed.value = settings.seed;
    seed.onchange = () => {
      if (isAllowed("seed", Number(seed.value))) this.change("seed", Number(seed.value));
      else seed.value = this.settings.seed;
    };
    const units = make("div", { style: "display: grid; gap: 0.5rem" });
    const showUnits = () => units.replaceChildren(...this.settings.hidden.map((width, l) =>
      slider(`Units, layer ${l + 1}`, width, 1, 8, (value) => this.change("hidden", this.settings.hidden.with(l, value)))));
    const layers = slider("Hidden layers", settings.hidden.length, 0, 4, (count) => {
      const { hidden } = this.settings;
      this.change("hidden", Array.from({ length: count }, (_, l) => hidden[l] ?? hidden.at(-1) ?? 4));
      showUnits();
    });
    showUnits();
    const group = (name, ...parts) => make("fieldset", {}, make("legend", {}, name), ...parts);
    this.controls.replaceChildren(
      group("Data", choice("data"), choice("noise"), choice("points"), make("label", {}, "Seed", seed)),
      group("Network", choice("inputs"), layers, units, choice("activation"), choice("init")),
      group("Training", choice("optimizer"), choice("lr"), choice("batch"), choice("penalty"), choice("lambda")));
  }

  buildNetwork() {
    const { network } = this.training;
    this.edges = make("canvas", { ariaHidden: "true" });
    this.units = []; // in the order of the layers: { l, j, button, canvas, image, values }
    const last = network.sizes.length - 1;
    const layers = network.sizes.map((size, l) => {
      const name = l === 0 ? "input" : l === last ? "output" : `layer ${l}`;
      const buttons = Array.from({ length: size }, (_, j) => {
        const canvas = make("canvas", { width: GRID, height: GRID, ariaHidden: "true" });
        const label = l === 0 ? `Input ${INPUTS[j]}` : l === last ? "Output" : `Layer ${l}, unit ${j + 1}`;
        const button = make("button", { type: "button", className: "unit", title: label, "aria-label": label }, canvas);
        button.onclick = () => this.choose(l, j);
        const context = canvas.getContext("2d"), image = context.createImageData(GRID, GRID);
        const pixels = new Uint32Array(image.data.buffer), values = new Float32Array(GRID * GRID);
        this.units.push({ l, j, label, button, context, image, pixels, values });
        return button;
      });
      return make("div", { className: "layer" }, make("small", {}, name), ...buttons);
    });
    this.net.replaceChildren(this.edges, ...layers);
    this.place();
    this.choose(last, 0);
  }

  // --- what the reader does ---

  // A setting of the training alone is used from the next step on; any other starts anew.
  change(name, value) {
    this.settings = { ...this.settings, [name]: value };
    const training = ["lr", "batch", "penalty", "lambda", "optimizer"].includes(name);
    if (!training) return this.reset("Started anew.", true);
    this.training.settings = this.settings;
    if (name === "optimizer") this.training.startOptimizer();
    this.hint = "";
    this.copied.textContent = "";
    this.describe();
  }

  reset(said, keepControls) {
    this.stop();
    this.training = new Training(this.settings);
    this.history = [];
    this.hint = "";
    this.copied.textContent = "";
    if (!keepControls) this.buildControls();
    this.record();
    this.buildNetwork();
    this.show(said);
  }

  load(link, hint) {
    this.settings = parseLink(link);
    this.reset("");
    this.hint = hint || "";
    this.show(hint ? hint : "Settings loaded.");
  }

  stepOnce() {
    this.stop();
    this.advance(1);
    this.show("");
  }

  toggle() {
    if (this.running) {
      this.stop();
      this.show("Paused.");
      return;
    }
    this.running = true;
    this.run.textContent = "Pause";
    this.lastWords = this.lastPaint = this.lastSaid = performance.now();
    this.request = requestAnimationFrame(() => this.tick());
  }

  stop() {
    this.running = false;
    cancelAnimationFrame(this.request);
    this.run.textContent = "Run";
  }

  tick() {
    if (!this.running || !this.el.isConnected) return this.stop();
    const start = performance.now();
    this.advance(Number(this.speed.value), start + 10); // at most 10 ms of a frame's 16
    if (!Number.isFinite(this.history.at(-1)[1])) {
      this.stop();
      return this.show("Stopped.");
    }
    // Whoever asked for less motion sees a new picture once a second, and all others one each frame.
    if (!this.calm.matches || start - this.lastPaint >= 1000) {
      this.lastPaint = start;
      this.paint();
      if (start - this.lastWords >= 1000) {
        this.lastWords = start;
        this.describe();
      }
    }
    if (start - this.lastSaid >= 5000) {
      this.lastSaid = start;
      this.live.textContent = this.summary();
    }
    this.request = requestAnimationFrame(() => this.tick());
  }

  advance(steps, until = Infinity) {
    for (let k = 0; k < steps && (k === 0 || performance.now() < until); k++) this.training.step();
    this.record();
  }

  record() {
    const { training, history } = this;
    history.push([training.steps, training.measure("train").loss, training.measure("test").loss]);
    if (history.length > 800) this.history = history.filter((_, k) => k % 2 === 0 || k === history.length - 1);
  }

  choose(l, j) {
    this.chosen = this.units.find((unit) => unit.l === l && unit.j === j);
    for (const unit of this.units) unit.button.setAttribute("aria-pressed", String(unit === this.chosen));
    this.paint();
    this.describe();
  }

  async copyLink() {
    const { settings } = this, link = makeLink(settings);
    const address = location.href.split("#")[0] + link;
    let said = "Copied: the link opens this page with these settings.";
    history.replaceState(null, "", link);
    try {
      await navigator.clipboard.writeText(address);
    } catch {
      said = "The page's address now holds these settings: copy it from there.";
    }
    if (this.settings !== settings) return; // the clipboard may take its time, and the reader has gone on: "these" would be wrong
    this.copied.textContent = said;
    this.live.textContent = said;
  }

  // --- pictures and words ---

  useTheme() {
    const dark = isDark();
    this.frame.toggleAttribute("data-dark", dark);
    this.colors = colorTable(dark);
    const style = getComputedStyle(this.frame), names = ["paper", "ink", "soft", "line", "accent", "zero", "one"];
    this.inks = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`)]));
    this.paint();
  }

  summary() {
    const [steps, train, test] = this.history.at(-1);
    return `Step ${steps}: training loss ${number(train, 3)}, test loss ${number(test, 3)}.`;
  }

  show(said) {
    this.paint();
    this.describe();
    this.live.textContent = `${said} ${this.summary()}`.trim();
  }

  describe() {
    if (!this.training) return;
    const said = reading(this.training, this.history);
    const paragraphs = said.map((text) => make("p", {}, text));
    if (this.hint) paragraphs.unshift(make("p", {}, make("strong", {}, this.hint)));
    this.words.replaceChildren(...paragraphs);
    const { l, j, label } = this.chosen, { network } = this.training;
    this.title.textContent = l === network.sizes.length - 1 ? "Output: probability of class 1" : label;
    this.plot.setAttribute("aria-label", `${label} over the plane, with the training points. ${said.join(" ")}`);
    this.chart.setAttribute("aria-label", `Losses against steps. ${this.summary()}`);
    this.formula.textContent = `${label}: ${formula(network, l, j)}`;
  }

  paint() {
    if (!this.units || !this.colors) return;
    const { training, units, colors } = this, { network } = training;
    const last = network.sizes.length - 1;
    for (let row = 0, at = 0; row < GRID; row++) {
      const x2 = REACH * (1 - (2 * row + 1) / GRID);
      for (let column = 0; column < GRID; column++, at++) {
        network.logit(REACH * ((2 * column + 1) / GRID - 1), x2);
        for (let k = 0; k < units.length; k++) units[k].values[at] = network.h[units[k].l][units[k].j];
      }
    }
    for (const { l, values, pixels, image, context } of units) {
      let scale = 1;
      if (l !== last && (l === 0 || network.activation === "relu" || network.activation === "linear")) {
        scale = 1e-9; // such units have no largest value: the color is relative to the largest in the picture
        for (let at = 0; at < values.length; at++) scale = Math.max(scale, Math.abs(values[at]));
      }
      for (let at = 0; at < values.length; at++) {
        const value = l === last ? 2 * logistic(values[at]) - 1 : values[at] / scale;
        pixels[at] = colors[Math.max(0, Math.min(255, Math.round(127.5 * (value + 1)) || 0))];
      }
      context.putImageData(image, 0, 0);
    }
    this.paintEdges();
    this.paintPlot();
    this.paintChart();
    const epoch = Math.floor(training.examples / training.train.count), [steps, train, test] = this.history.at(-1);
    const losses = `training loss ${number(train, 3)} · test loss ${number(test, 3)}`;
    this.count.textContent = `Step ${steps} · epoch ${epoch} · ${losses}`;
  }

  // Where the units stand, for the lines between them.
  place() {
    if (!this.units) return;
    const net = this.net.getBoundingClientRect();
    this.places = this.units.map(({ button }) => {
      const box = button.getBoundingClientRect();
      return { left: box.left - net.left, right: box.right - net.left, y: box.top - net.top + box.height / 2 };
    });
  }

  // The canvas's context, in CSS pixels and cleared; null where it has no size yet.
  clear(canvas) {
    const ratio = window.devicePixelRatio || 1, width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width || !height) return null;
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    return context;
  }

  // A weight's line: as wide as it is large; orange if positive, blue and dashed if negative.
  paintEdges() {
    const context = this.clear(this.edges);
    if (!context) return;
    const { network } = this.training, { places } = this;
    const [positive, negative] = [this.inks.one, this.inks.zero];
    let start = 0;
    network.layers.forEach(({ nIn, nOut, W }) => {
      for (let j = 0; j < nOut; j++) {
        for (let i = 0; i < nIn; i++) {
          const w = network.weights[W + j * nIn + i], from = places[start + i], to = places[start + nIn + j];
          const isChosen = this.units[start + nIn + j] === this.chosen;
          context.globalAlpha = isChosen ? 1 : 0.55;
          context.strokeStyle = w > 0 ? positive : negative;
          context.setLineDash(w > 0 ? [] : [4, 3]);
          context.lineWidth = Math.min(6, 0.3 + 1.2 * Math.abs(w)) || 0.3;
          context.beginPath();
          context.moveTo(from.right, from.y);
          const middle = (from.right + to.left) / 2;
          context.bezierCurveTo(middle, from.y, middle, to.y, to.left, to.y);
          context.stroke();
        }
      }
      start += nIn;
    });
    context.globalAlpha = 1;
  }

  paintPlot() {
    const context = this.clear(this.plot);
    if (!context) return;
    const size = this.plot.clientWidth, { chosen, training } = this;
    context.imageSmoothingEnabled = true;
    context.drawImage(chosen.context.canvas, 0, 0, size, size);
    const paper = this.inks.paper, ink = this.inks.ink;
    // The boundary, where the logit, or the unit, is 0 (a logistic unit: 1/2), from square to square of the grid.
    const isHidden = chosen.l > 0 && chosen.l < training.network.layers.length;
    const level = isHidden && training.network.activation === "logistic" ? 0.5 : 0;
    context.strokeStyle = ink;
    context.lineWidth = 2;
    context.beginPath();
    contour(chosen.values, GRID, level, (x, y, begins) => {
      const [u, v] = [((x + 0.5) / GRID) * size, ((y + 0.5) / GRID) * size];
      if (begins) context.moveTo(u, v);
      else context.lineTo(u, v);
    });
    context.stroke();
    const classes = [this.inks.zero, this.inks.one];
    const radius = Math.max(3.5, size / 85);
    const parts = this.showTest.checked ? [["test", true], ["train", false]] : [["train", false]];
    for (const [part, isHollow] of parts) {
      const { X, t, count } = training[part];
      for (let k = 0; k < 2; k++) { // one path a class: circles for 0, triangles for 1
        context.beginPath();
        for (let i = 0; i < count; i++) {
          if (t[i] !== k) continue;
          const u = ((X[2 * i] / REACH + 1) / 2) * size, v = ((1 - X[2 * i + 1] / REACH) / 2) * size;
          if (k === 0) {
            context.moveTo(u + radius, v);
            context.arc(u, v, radius, 0, 2 * Math.PI);
          } else {
            context.moveTo(u, v - 1.25 * radius);
            context.lineTo(u + 1.1 * radius, v + 0.8 * radius);
            context.lineTo(u - 1.1 * radius, v + 0.8 * radius);
            context.closePath();
          }
        }
        context.fillStyle = isHollow ? paper : classes[k];
        context.strokeStyle = isHollow ? classes[k] : paper;
        context.lineWidth = isHollow ? 1.5 : 1;
        context.fill();
        context.stroke();
      }
    }
  }

  paintChart() {
    const context = this.clear(this.chart);
    if (!context) return;
    const { history } = this, width = this.chart.clientWidth, height = this.chart.clientHeight;
    const left = 34, right = width - 8, bottom = height - 20, top = 8;
    const finite = history.filter((entry) => Number.isFinite(entry[1]) && Number.isFinite(entry[2]));
    const highest = Math.max(0.8, ...finite.map((entry) => Math.min(5, Math.max(entry[1], entry[2]))));
    const steps = Math.max(100, history.at(-1)[0]);
    const u = (step) => left + (step / steps) * (right - left);
    const v = (loss) => bottom - (Math.min(loss, highest) / highest) * (bottom - top);
    context.font = "11px system-ui, sans-serif";
    context.fillStyle = this.inks.soft;
    context.strokeStyle = this.inks.line;
    context.lineWidth = 1;
    context.beginPath();
    context.moveTo(left, top);
    context.lineTo(left, bottom);
    context.lineTo(right, bottom);
    context.stroke();
    context.textAlign = "right";
    const ticks = highest > 2 ? [0, 1, 2, 3, 4, 5] : [0, 0.5, 1, 1.5, 2];
    for (const tick of ticks) if (tick <= highest) context.fillText(String(tick), left - 6, v(tick) + 4);
    context.fillText(String(steps), right, height - 5);
    context.textAlign = "left";
    context.fillText("0", left, height - 5);
    const line = (points, color, dash, lineWidth) => {
      context.strokeStyle = this.inks[color];
      context.setLineDash(dash);
      context.lineWidth = lineWidth;
      context.beginPath();
      for (const [step, loss] of points) context.lineTo(u(step), v(loss));
      context.stroke();
      context.setLineDash([]);
    };
    line([[0, Math.LN2], [steps, Math.LN2]], "soft", [1, 4], 1);
    line(finite.map((entry) => [entry[0], entry[1]]), "ink", [], 2);
    line(finite.map((entry) => [entry[0], entry[2]]), "accent", [6, 4], 2);
  }
}

export default {
  render({ model, el }) {
    const asked = { ...defaults(), ...model.get("settings") }, isLive = Boolean(model.get("live"));
    const place = document.createElement("div");
    el.replaceChildren(place);
    const piece = new Playground(place, parseLink(location.hash) || asked, model.get("goal"), isLive);
    // A link to settings on this page, and an address that is changed by hand; until a notebook removes the piece.
    const shown = new AbortController(), { signal } = shown;
    addEventListener("hashchange", () => { if (parseLink(location.hash)) piece.load(location.hash); }, { signal });
    if (parseLink(location.hash)) place.scrollIntoView();
    document.addEventListener("click", (event) => {
      const link = event.target.closest && event.target.closest("a[href*='#playground=']");
      if (!link || link.href.split("#")[0] !== location.href.split("#")[0]) return;
      piece.load(link.hash);
      place.scrollIntoView();
    }, { signal });
    return () => shown.abort();
  },
};

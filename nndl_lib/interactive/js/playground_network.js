// The playground's settings and numbers: data, a multilayer perceptron, its training, and what to say about it.
//
// The numbers are those of nndl_lib/playground.py, which trains the same network from the same weights on the same data;
// tests compare the two. playground.js draws what is computed here. nndl_lib/pieces.py joins the two files to one, this
// one first: a module in a notebook, a classic script on a plain page, since browsers load no modules from files.

// --- Settings -----------------------------------------------------------------------------------------------------

// What a reader may choose. A link holds the settings that differ from the first column.
export const SETTINGS = {
  data: ["ring", ["ring", "xor", "gaussians", "spiral", "moons"]],
  noise: [0.1, [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]],
  points: [200, [20, 50, 100, 200]],
  seed: [1, null], // an integer from 0 to 999
  inputs: ["linear", ["linear", "quadratic"]],
  hidden: [[4], null], // up to four widths from 1 to 8
  activation: ["tanh", ["tanh", "relu", "logistic", "linear"]],
  init: [1, [0, 0.1, 1, 5]],
  optimizer: ["sgd", ["sgd", "momentum", "adam"]],
  lr: [0.1, [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]],
  batch: [10, [1, 2, 5, 10, 20, 50, 200]],
  penalty: ["none", ["none", "l2", "l1"]],
  lambda: [0.001, [0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1]],
};

export function defaults() {
  const found = {};
  for (const name in SETTINGS) found[name] = SETTINGS[name][0];
  found.hidden = found.hidden.slice();
  return found;
}

function isAllowed(name, value) {
  if (name === "seed") return Number.isInteger(value) && value >= 0 && value <= 999;
  if (name !== "hidden") return SETTINGS[name][1].includes(value);
  return Array.isArray(value) && value.length <= 4 && value.every((n) => Number.isInteger(n) && n >= 1 && n <= 8);
}

// "#playground=data:xor,hidden:4-2" as settings; what is missing or not allowed is as by default. Null for other text.
export function parseLink(text) {
  if (!text.startsWith("#playground=")) return null;
  const found = defaults();
  for (const part of decodeURIComponent(text.slice("#playground=".length)).split(",")) {
    const [name, word] = part.split(":");
    if (!Object.hasOwn(SETTINGS, name) || word === undefined) continue;
    let value = word;
    if (name === "hidden") value = word === "none" ? [] : word.split("-").map(Number);
    else if (typeof found[name] === "number") value = Number(word);
    if (isAllowed(name, value)) found[name] = value;
  }
  return found;
}

export function makeLink(settings) {
  const usual = defaults();
  const word = (value) => (Array.isArray(value) ? value.join("-") || "none" : String(value));
  const parts = Object.keys(usual).filter((name) => word(settings[name]) !== word(usual[name]));
  return "#playground=" + parts.map((name) => `${name}:${word(settings[name])}`).join(",");
}

// Settings that are known to work and known to fail; chapters/playground.md checks each of them.
export const EXAMPLES = [
  ["works", "Ring, 3 units", "hidden:3,lr:0.3",
    "Three lines close around the ring. Select the units of layer 1 to see them."],
  ["fails", "Ring, 2 units", "hidden:2,lr:0.3",
    "Two units bend the boundary along two lines. Two lines enclose nothing."],
  ["works", "XOR, 4 units", "data:xor",
    "Each unit takes one line, and the output puts them together."],
  ["fails", "XOR, linear units", "data:xor,hidden:4-4,activation:linear",
    "Three linear layers in a row are one linear layer. One line cannot part XOR."],
  ["works", "XOR, products as inputs", "data:xor,inputs:quadratic,hidden:none",
    "No hidden unit: the product of the two inputs is the answer already."],
  ["works", "Spiral, two layers of 8", "data:spiral,hidden:8-8,optimizer:adam,lr:0.01",
    "Look how the pictures of layer 2 are made of those of layer 1."],
  ["fails", "Learning rate too large", "data:moons,hidden:4-4,lr:10",
    "Each step jumps across the valley. Pause, choose 0.1, reset and run."],
  ["fails", "Dead ReLUs", "data:moons,hidden:8-8,activation:relu,lr:3",
    "A few long steps push units below 0 for all points. No gradient brings them back."],
  ["fails", "All weights 0", "init:0",
    "Equal weights get equal gradients. Look: does any unit become different?"],
  ["fails", "Four logistic layers", "hidden:4-4-4-4,activation:logistic",
    "The error signal shrinks at least fourfold in each layer. Now choose tanh."],
  ["fails", "Overfitting", "data:moons,noise:0.5,points:20,seed:2,hidden:8-8,optimizer:adam,lr:0.03",
    "Twenty noisy points, far more weights. Watch the two losses part."],
  ["works", "The same, with L2",
    "data:moons,noise:0.5,points:20,seed:2,hidden:8-8,optimizer:adam,lr:0.03,penalty:l2,lambda:0.03",
    "The penalty keeps weights small and the boundary smooth. The test loss stays lower."],
];

// --- Numbers ------------------------------------------------------------------------------------------------------

// Random numbers: mulberry32 (Tommy Ettinger, public domain), 32 bits of state; normal ones by Box and Muller.
export function random(seed) {
  let state = seed >>> 0;
  function bits() {
    state = (state + 0x6d2b79f5) >>> 0;
    let z = Math.imul(state ^ (state >>> 15), state | 1);
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61);
    return (z ^ (z >>> 14)) >>> 0;
  }
  const uniform = () => bits() / 4294967296;
  function normal() {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    return radius * Math.cos(2 * Math.PI * uniform());
  }
  // Puts an array in random order, in place: each order is as likely as any other.
  function shuffle(order) {
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(uniform() * (i + 1));
      const kept = order[i];
      order[i] = order[j];
      order[j] = kept;
    }
  }
  return { bits, uniform, normal, shuffle };
}

// One stream of random numbers for each use, so that more points, say, leave the weights as they are.
const STREAMS = { train: 0, test: 1, weights: 2, batches: 3 };
const stream = (settings, use) => random(8 * settings.seed + STREAMS[use]);

// Points X (two numbers each) and classes t, alternately 0 and 1. Each point takes six random numbers in any data set.
export function makeData(settings, part) {
  const count = part === "train" ? settings.points : 200;
  const draw = stream(settings, part);
  const X = new Float64Array(2 * count), t = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    const k = i % 2, u = draw.uniform(), v = draw.uniform(), e1 = draw.normal(), e2 = draw.normal();
    let radius, angle = 2 * Math.PI * v, x1, x2;
    if (settings.data === "ring") {
      radius = k === 0 ? 1.5 + 0.8 * u : 0.9 * Math.sqrt(u);
    } else if (settings.data === "spiral") {
      radius = 0.3 + 2.1 * Math.sqrt(u);
      angle = Math.PI * (2 * Math.sqrt(u) + k);
    } else if (settings.data === "gaussians") {
      radius = 0.6 * Math.sqrt(-2 * Math.log(1 - u));
    } else if (settings.data === "moons") {
      radius = 1.5;
      angle = Math.PI * (v + k);
    }
    if (settings.data === "xor") {
      const sign = i % 4 < 2 ? 1 : -1;
      x1 = sign * (0.2 + 2 * u);
      x2 = (k === 0 ? sign : -sign) * (0.2 + 2 * v);
    } else {
      x1 = radius * Math.cos(angle);
      x2 = radius * Math.sin(angle);
      if (settings.data === "gaussians") {
        x1 += k === 0 ? -1.1 : 1.1;
        x2 += k === 0 ? -1.1 : 1.1;
      } else if (settings.data === "moons") {
        x1 += k === 0 ? -0.75 : 0.75;
        x2 += k === 0 ? -0.375 : 0.375;
      }
    }
    X[2 * i] = x1 + settings.noise * e1;
    X[2 * i + 1] = x2 + settings.noise * e2;
    t[i] = k;
  }
  return { X, t, count };
}

// A multilayer perceptron from the plane to one logit. All weights are one array, layer by layer: W (out, in) row by
// row, then b. Buffers are made once; nothing is allocated while it trains.
export class Network {
  constructor(settings) {
    this.activation = settings.activation;
    this.quadratic = settings.inputs === "quadratic";
    this.sizes = [this.quadratic ? 5 : 2, ...settings.hidden, 1];
    this.layers = [];
    let size = 0;
    for (let l = 1; l < this.sizes.length; l++) {
      const [nIn, nOut] = [this.sizes[l - 1], this.sizes[l]];
      this.layers.push({ nIn, nOut, W: size, b: size + nIn * nOut });
      size += nIn * nOut + nOut;
    }
    this.h = this.sizes.map((n) => new Float64Array(n)); // activations; h[0] is the input, the last the logit
    this.delta = this.sizes.map((n) => new Float64Array(n)); // error signals of the pre-activations
    this.weights = new Float64Array(size);
    this.gradient = new Float64Array(size);
    // Standard deviation 1 / sqrt(fan-in), for ReLU sqrt(2 / fan-in), times the setting; biases start at 0.
    const draw = stream(settings, "weights");
    this.layers.forEach(({ nIn, nOut, W }, l) => {
      const gain = this.activation === "relu" && l < this.layers.length - 1 ? 2 : 1;
      const std = settings.init * Math.sqrt(gain / nIn);
      for (let k = 0; k < nIn * nOut; k++) this.weights[W + k] = std * draw.normal();
    });
  }

  // The logit of class 1 at a point. Leaves the activations of all units in h.
  logit(x1, x2) {
    const { h, weights, layers, activation } = this;
    const x = h[0];
    x[0] = x1;
    x[1] = x2;
    if (this.quadratic) {
      x[2] = x1 * x1;
      x[3] = x2 * x2;
      x[4] = x1 * x2;
    }
    const last = layers.length - 1;
    for (let l = 0; l <= last; l++) {
      const { nIn, nOut, W, b } = layers[l];
      const below = h[l], here = h[l + 1];
      for (let j = 0; j < nOut; j++) {
        let z = weights[b + j];
        for (let i = 0, k = W + j * nIn; i < nIn; i++, k++) z += weights[k] * below[i];
        if (l === last || activation === "linear") here[j] = z;
        else if (activation === "tanh") here[j] = Math.tanh(z);
        else if (activation === "relu") here[j] = z > 0 ? z : 0;
        else here[j] = logistic(z);
      }
    }
    return h[last + 1][0];
  }

  // Backpropagation: adds scale times the gradient of the last point's loss, given its class t, to this.gradient.
  addGradient(t, scale) {
    const { h, delta, weights, gradient, layers, activation } = this;
    const last = layers.length - 1;
    delta[last + 1][0] = scale * (logistic(h[last + 1][0]) - t); // cross-entropy of the logit: y - t
    for (let l = last; l >= 0; l--) {
      const { nIn, nOut, W, b } = layers[l];
      const below = h[l], above = delta[l + 1], here = delta[l];
      here.fill(0);
      for (let j = 0; j < nOut; j++) {
        const d = above[j];
        gradient[b + j] += d;
        for (let i = 0, k = W + j * nIn; i < nIn; i++, k++) {
          gradient[k] += d * below[i];
          here[i] += d * weights[k];
        }
      }
      if (l === 0 || activation === "linear") continue;
      for (let i = 0; i < nIn; i++) {
        if (activation === "tanh") here[i] *= 1 - below[i] * below[i];
        else if (activation === "relu") here[i] = below[i] > 0 ? here[i] : 0;
        else here[i] *= below[i] * (1 - below[i]);
      }
    }
  }
}

export function logistic(z) {
  return z >= 0 ? 1 / (1 + Math.exp(-z)) : 1 - 1 / (1 + Math.exp(z));
}

// Data, network, optimizer. The settings lr, optimizer, batch, penalty and lambda may change while it trains.
export class Training {
  constructor(settings) {
    this.settings = settings;
    this.train = makeData(settings, "train");
    this.test = makeData(settings, "test");
    this.network = new Network(settings);
    this.order = Array.from({ length: this.train.count }, (_, i) => i);
    this.draw = stream(settings, "batches");
    this.steps = 0;
    this.examples = 0;
    this.at = this.train.count; // where in the order the next minibatch begins: at the end, so a new order is drawn
    this.startOptimizer();
  }

  startOptimizer() {
    const size = this.network.weights.length;
    this.m = new Float64Array(size);
    this.v = new Float64Array(size);
    this.updates = 0;
  }

  // The gradient of the cost of the minibatch order[from] to order[to - 1]: mean loss plus lambda times the penalty.
  computeGradient(from, to) {
    const { network, train, order } = this;
    const { penalty, lambda } = this.settings;
    const { weights, gradient } = network;
    gradient.fill(0);
    for (let k = from; k < to; k++) {
      const i = order[k];
      network.logit(train.X[2 * i], train.X[2 * i + 1]);
      network.addGradient(train.t[i], 1 / (to - from));
    }
    if (penalty === "none") return;
    for (const { W, b } of network.layers) { // weights are penalized, biases are not
      for (let k = W; k < b; k++) gradient[k] += lambda * (penalty === "l2" ? weights[k] : Math.sign(weights[k]));
    }
  }

  // One step: the next minibatch, its gradient, the optimizer's update.
  step() {
    if (this.at >= this.train.count) {
      this.draw.shuffle(this.order);
      this.at = 0;
    }
    const to = Math.min(this.at + this.settings.batch, this.train.count);
    this.computeGradient(this.at, to);
    this.update();
    this.examples += to - this.at;
    this.at = to;
    this.steps += 1;
  }

  update() {
    const { m, v } = this, { weights, gradient } = this.network, { lr, optimizer } = this.settings;
    this.updates += 1;
    if (optimizer === "sgd") {
      for (let k = 0; k < weights.length; k++) weights[k] -= lr * gradient[k];
    } else if (optimizer === "momentum") {
      for (let k = 0; k < weights.length; k++) {
        m[k] = 0.9 * m[k] + gradient[k];
        weights[k] -= lr * m[k];
      }
    } else { // Adam
      const c1 = 1 - 0.9 ** this.updates, c2 = 1 - 0.999 ** this.updates;
      for (let k = 0; k < weights.length; k++) {
        m[k] = 0.9 * m[k] + (1 - 0.9) * gradient[k];
        v[k] = 0.999 * v[k] + (1 - 0.999) * gradient[k] * gradient[k];
        weights[k] -= (lr * (m[k] / c1)) / (Math.sqrt(v[k] / c2) + 1e-8);
      }
    }
  }

  // Mean cross-entropy, without the penalty, and how many points are on their side, of "train" or "test".
  measure(part) {
    const { X, t, count } = this[part];
    let loss = 0, right = 0;
    for (let i = 0; i < count; i++) {
      const z = this.network.logit(X[2 * i], X[2 * i + 1]);
      loss += Math.max(z, 0) - z * t[i] + Math.log1p(Math.exp(-Math.abs(z)));
      right += z >= 0 === (t[i] === 1) ? 1 : 0;
    }
    return { loss: loss / count, right, count };
  }

  // Hidden units that are 0 (ReLU) at every training point: [dead, of how many].
  deadUnits() {
    const { network, train } = this;
    const hidden = network.h.slice(1, -1), alive = hidden.map((h) => new Uint8Array(h.length));
    for (let i = 0; i < train.count; i++) {
      network.logit(train.X[2 * i], train.X[2 * i + 1]);
      hidden.forEach((h, l) => h.forEach((value, j) => { if (value !== 0) alive[l][j] = 1; }));
    }
    const all = alive.reduce((sum, layer) => sum + layer.length, 0);
    return [all - alive.reduce((sum, layer) => sum + layer.reduce((a, b) => a + b, 0), 0), all];
  }

  // Whether all units of some hidden layer have the same weights, in and out: then they stay the same for ever.
  isSymmetric() {
    const { layers, weights } = this.network;
    return layers.slice(0, -1).some(({ nIn, nOut, W, b }, l) => {
      if (nOut < 2) return false;
      const next = layers[l + 1];
      for (let j = 1; j < nOut; j++) {
        for (let i = 0; i < nIn; i++) if (weights[W + j * nIn + i] !== weights[W + i]) return false;
        if (weights[b + j] !== weights[b]) return false;
        for (let o = 0; o < next.nOut; o++) {
          if (weights[next.W + o * nOut + j] !== weights[next.W + o * nOut]) return false;
        }
      }
      return true;
    });
  }
}

// --- Words and lines ----------------------------------------------------------------------------------------------

// What the pictures show, in words. history: [steps, training loss, test loss] at several times, the last one now.
export function reading(training, history) {
  const { settings, network } = training, said = [];
  const train = training.measure("train"), test = training.measure("test");
  if (!Number.isFinite(train.loss)) {
    return ["The weights have grown beyond all numbers. The learning rate is too large: choose a smaller one and reset."];
  }
  const straight = settings.inputs === "linear" && (settings.hidden.length === 0 || settings.activation === "linear");
  const right = `${train.right} of ${train.count} training points and ${test.right} of ${test.count} test points are on ` +
    "the right side of the boundary.";
  if (training.steps === 0) {
    said.push("Nothing is learned yet: the weights are random, and the boundary lies where they put it. A coin would " +
      "have a loss of log 2, about 0.69.");
  } else said.push(right);
  const [dead, all] = settings.activation === "relu" ? training.deadUnits() : [0, 0];
  if (training.isSymmetric()) {
    said.push("All units of a layer have equal weights, so they get equal gradients and stay equal: together they do the " +
      "work of one.");
  }
  if (dead > 0) {
    said.push(`${dead} of ${all} hidden units ${dead === 1 ? "is" : "are"} 0 at every training point. No gradient passes ` +
      "through a unit that is 0 everywhere: it is dead.");
  }
  if (straight) {
    said.push("Without a bend in the network, the boundary is one straight line, however long it trains.");
  }
  if (training.steps === 0) return said;
  const earlier = history.filter((entry) => entry[0] >= training.steps / 2);
  const losses = earlier.map((entry) => entry[1]);
  let rises = 0;
  for (let k = 1; k < losses.length; k++) rises += Math.max(0, losses[k] - losses[k - 1]);
  const fall = losses[0] - losses[losses.length - 1];
  if (train.loss < 0.1 && test.loss < 0.2) {
    said.push("Both losses are small: the network separates the classes, and points that it has not seen as well.");
  } else if (test.loss > 2 * train.loss + 0.1) {
    said.push("The test loss is far above the training loss. The boundary follows single points: the network overfits.");
  } else if (losses.length > 10 && rises > 1 + 2 * Math.abs(fall)) {
    said.push("The training loss jumps up and down: the steps are too long for this valley. A smaller learning rate or a " +
      "larger batch calms it.");
  } else if (losses.length > 10 && training.steps >= 200 && train.loss > 0.3 && fall < 0.02 * losses[0]) {
    said.push("The training loss hardly falls any more: this network, from these weights, is stuck here.");
  } else if (fall > 0) {
    said.push("The training loss is still falling.");
  }
  return said;
}

export const INPUTS = ["x₁", "x₂", "x₁²", "x₂²", "x₁x₂"];
export const number = (value, digits = 2) =>
  Number.isFinite(value) ? value.toFixed(digits).replace("-", "−") : "not a number";

// What unit j of layer l computes (layer 0: the inputs), with the weights of this moment.
export function formula({ layers, weights, activation }, l, j) {
  if (l === 0) return "a number that the network is given, at each point of the plane.";
  const { nIn, W, b } = layers[l - 1], isOutput = l === layers.length;
  const h = (i) => "h" + "₁₂₃₄₅₆₇₈"[i];
  let text = "z =";
  for (let i = 0; i <= nIn; i++) { // the bias comes last
    const w = i < nIn ? weights[W + j * nIn + i] : weights[b + j];
    const factor = i === nIn ? "" : ` ${l === 1 ? INPUTS[i] : h(i)}`;
    text += ` ${i > 0 ? (w < 0 ? "− " : "+ ") : w < 0 ? "−" : ""}${number(Math.abs(w))}${factor}`;
  }
  const functions = { linear: "z", relu: "max(0, z)", tanh: "tanh(z)", logistic: "1/(1 + e⁻ᶻ)" };
  text += `, ${isOutput ? "y" : "h"} = ${functions[isOutput ? "logistic" : activation]}.`;
  if (l === 1) return text;
  return `${text} ${nIn === 1 ? "h₁ is the unit" : `h₁ to ${h(nIn - 1)} are the units`} of layer ${l - 1}.`;
}

// Marching squares: calls draw(x, y, begins) for both ends of each piece of the line at which the values, grid x grid
// of them row by row, are level.
export function contour(values, grid, level, draw) {
  const value = (x, y) => values[y * grid + x] - level;
  const ends = new Float64Array(8);
  for (let y = 0; y + 1 < grid; y++) {
    for (let x = 0; x + 1 < grid; x++) {
      const a = value(x, y), b = value(x + 1, y), c = value(x + 1, y + 1), d = value(x, y + 1);
      let found = 0;
      if (a >= 0 !== b >= 0) { ends[found++] = x + a / (a - b); ends[found++] = y; }
      if (b >= 0 !== c >= 0) { ends[found++] = x + 1; ends[found++] = y + b / (b - c); }
      if (c >= 0 !== d >= 0) { ends[found++] = x + d / (d - c); ends[found++] = y + 1; }
      if (d >= 0 !== a >= 0) { ends[found++] = x; ends[found++] = y + a / (a - d); }
      for (let k = 0; k < found; k += 4) {
        draw(ends[k], ends[k + 1], true);
        draw(ends[k + 2], ends[k + 3], false);
      }
    }
  }
}

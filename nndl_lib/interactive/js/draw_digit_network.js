// The computation of "Draw a digit", as pure functions: from strokes to 8 x 8 pixels like those of scikit-learn's digits,
// through the network, and back to the pixels. The picture of it is draw_digit.js, which this file is put before.

const SIDE = 8; // pixels on a side of what the network sees; each has a level from 0 (paper) to 16 (ink)
const FINE = 32; // dots on a side of the bitmap before: 4 x 4 dots make one pixel
const PEN = 5.2; // dots: the width of a line. With it drawings have about as much ink as the data
const WIDEST = 24; // dots: a drawing is squeezed to this width; the data's digits leave the outer columns empty
const STEEPEST = 0.5; // the most slant, sideways for each step down, that is taken out of a drawing
const LEAST = 0.12; // of the drawing surface: what is smaller is not enlarged to full height, so a dot stays a dot

// --- from strokes to pixels ---

/** Strokes, lists of points [x, y] on a surface of side 1 with y growing downwards, sheared until they stand upright. */
function upright(strokes) {
  let total = 0, meanX = 0, meanY = 0;
  const pieces = [];
  for (const stroke of strokes) {
    for (let k = 1; k < stroke.length; k++) {
      const [[ax, ay], [bx, by]] = [stroke[k - 1], stroke[k]];
      const length = Math.hypot(bx - ax, by - ay), x = (ax + bx) / 2, y = (ay + by) / 2;
      pieces.push([length, x, y, bx - ax, by - ay]);
      total += length;
      meanX += length * x;
      meanY += length * y;
    }
  }
  if (total === 0) return strokes;
  meanX /= total;
  meanY /= total;
  let both = 0, down = 0;
  for (const [length, x, y, dx, dy] of pieces) {
    // The moments of the ink, even along each line: those of its middle, and a twelfth of its extent about that.
    both += length * ((x - meanX) * (y - meanY) + (dx * dy) / 12);
    down += length * ((y - meanY) ** 2 + (dy * dy) / 12);
  }
  const slant = down > 1e-12 ? Math.max(-STEEPEST, Math.min(STEEPEST, both / down)) : 0;
  return strokes.map((stroke) => stroke.map(([x, y]) => [x - slant * (y - meanY), y]));
}

/** The bitmap, 32 x 32 entries of 0 and 1: the drawing upright, 32 dots high, at most WIDEST wide, in the middle. */
export function rasterize(strokes) {
  const bitmap = new Uint8Array(FINE * FINE);
  const placed = upright(strokes.filter((stroke) => stroke.length > 0));
  if (placed.length === 0) return bitmap;
  const [left, right] = extent(placed.flatMap((stroke) => stroke.map((point) => point[0])));
  const [top, bottom] = extent(placed.flatMap((stroke) => stroke.map((point) => point[1])));
  const width = right - left;
  const scaleY = (FINE - PEN) / Math.max(bottom - top, width / 2.5, LEAST); // a lying line stays a line
  const scaleX = Math.min(scaleY, (WIDEST - PEN) / Math.max(width, 1e-12));
  const middleX = (left + right) / 2, middleY = (top + bottom) / 2;
  const place = ([x, y]) => [(x - middleX) * scaleX + FINE / 2, (y - middleY) * scaleY + FINE / 2];
  for (const stroke of placed) {
    const points = stroke.map(place);
    for (let k = 0; k < points.length; k++) drawLine(bitmap, points[Math.max(k - 1, 0)], points[k]);
  }
  return bitmap;
}

function extent(values) {
  return values.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
}

function drawLine(bitmap, [ax, ay], [bx, by]) {
  // A dot is on if its center is at most half a pen away from the line between the two points.
  const reach = PEN / 2, dx = bx - ax, dy = by - ay, length2 = dx * dx + dy * dy;
  const first = (value) => Math.max(0, Math.floor(value - reach));
  const last = (value) => Math.min(FINE - 1, Math.ceil(value + reach));
  for (let row = first(Math.min(ay, by)); row <= last(Math.max(ay, by)); row++) {
    for (let column = first(Math.min(ax, bx)); column <= last(Math.max(ax, bx)); column++) {
      const x = column + 0.5 - ax, y = row + 0.5 - ay;
      const along = length2 > 0 ? Math.max(0, Math.min(1, (x * dx + y * dy) / length2)) : 0;
      if ((x - along * dx) ** 2 + (y - along * dy) ** 2 <= reach * reach) bitmap[row * FINE + column] = 1;
    }
  }
}

/** The 64 levels of a drawing: how many of the 16 dots of each block are on. */
export function preprocess(strokes) {
  const levels = new Float64Array(SIDE * SIDE), size = FINE / SIDE;
  rasterize(strokes).forEach((on, k) => {
    levels[Math.floor(k / FINE / size) * SIDE + Math.floor((k % FINE) / size)] += on;
  });
  return levels;
}

// --- the network ---

const ACTIVATIONS = {
  // For each: the value at z, and the slope there.
  ReLU: [(z) => Math.max(z, 0), (z) => (z > 0 ? 1 : 0)],
  Tanh: [Math.tanh, (z) => 1 - Math.tanh(z) ** 2],
  Sigmoid: [sigmoid, (z) => sigmoid(z) * (1 - sigmoid(z))],
  Softplus: [(z) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))), sigmoid],
  LeakyReLU: [(z, slope) => (z > 0 ? z : slope * z), (z, slope) => (z > 0 ? 1 : slope)],
  ELU: [(z, alpha) => (z > 0 ? z : alpha * Math.expm1(z)), (z, alpha) => (z > 0 ? 1 : alpha * Math.exp(z))],
};

function sigmoid(z) {
  return 1 / (1 + Math.exp(-z));
}

/** The network of the data: its layers' weights, float32 in base64, become arrays. */
export function readNetwork({ scale, shift, layers }) {
  const read = (layer) =>
    (layer.kind === "Linear" ? { ...layer, weight: floats(layer.weight), bias: floats(layer.bias) } : layer);
  return { scale, shift, layers: layers.map(read) };
}

function bytes(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

function floats(text) {
  const view = new DataView(bytes(text).buffer); // little endian on every machine
  return Float64Array.from({ length: view.byteLength / 4 }, (_, k) => view.getFloat32(4 * k, true));
}

/** What goes into each layer and what comes out last, for 64 levels; the logits; and the probabilities, their softmax. */
export function forward({ scale, shift, layers }, levels) {
  const values = [Float64Array.from(levels, (level) => level * scale + shift)];
  for (const layer of layers) {
    const x = values[values.length - 1];
    if (layer.kind === "Linear") {
      values.push(layer.bias.map((bias, row) => {
        let z = bias;
        for (let k = 0, at = row * x.length; k < x.length; k++, at++) z += layer.weight[at] * x[k];
        return z;
      }));
    } else {
      values.push(x.map((z) => ACTIVATIONS[layer.kind][0](z, layer.parameter)));
    }
  }
  const logits = values[values.length - 1], largest = Math.max(...logits);
  const powers = logits.map((z) => Math.exp(z - largest)), sum = powers.reduce((a, b) => a + b, 0);
  return { values, logits, probabilities: powers.map((p) => p / sum) };
}

/** The gradient of (logit of class `up` - logit of class `down`) with respect to the 64 levels, by backpropagation. */
export function inputGradient({ scale, layers }, { values, logits }, up, down) {
  let signal = logits.map((_, k) => (k === up) - (k === down));
  for (let at = layers.length - 1; at >= 0; at--) {
    const layer = layers[at], x = values[at];
    if (layer.kind === "Linear") {
      const before = new Float64Array(x.length);
      signal.forEach((s, row) => {
        for (let k = 0; k < x.length; k++) before[k] += s * layer.weight[row * x.length + k];
      });
      signal = before;
    } else {
      signal = signal.map((s, k) => s * ACTIVATIONS[layer.kind][1](x[k], layer.parameter));
    }
  }
  return signal.map((s) => s * scale);
}

/** The classes by logit, the largest first; of equal ones, the smaller class. */
export function ranking(logits) {
  return Array.from(logits.keys()).sort((a, b) => logits[b] - logits[a] || a - b);
}

/**
 * Levels at which the network's answer changes: up the gradient of (best other logit - logit of the answer) in short
 * steps, each level kept in 0 to 16; then straight back toward the start, as far as the answer stays changed.
 * Returns { levels, from, to, length, largest }, or null where the gradient vanishes or leads out of all levels first.
 */
export function smallestChange(network, start) {
  const answer = (levels) => ranking(forward(network, levels).logits)[0], from = answer(start);
  let far = Float64Array.from(start), flipped = false;
  for (let step = 0; step < 2000 && !flipped; step++) {
    const now = forward(network, far), next = ranking(now.logits).find((digit) => digit !== from);
    const gradient = inputGradient(network, now, next, from);
    const norm = Math.hypot(...gradient);
    if (norm < 1e-12) return null;
    far = far.map((level, k) => Math.min(16, Math.max(0, level + (0.1 * gradient[k]) / norm)));
    flipped = answer(far) !== from;
  }
  if (!flipped) return null;
  const between = (share) => far.map((level, k) => start[k] + share * (level - start[k]));
  let low = 0, high = 1;
  for (let k = 0; k < 40; k++) {
    const middle = (low + high) / 2;
    if (answer(between(middle)) === from) low = middle;
    else high = middle;
  }
  const levels = between(high), moves = levels.map((level, k) => level - start[k]);
  return { levels, from, to: answer(levels), length: Math.hypot(...moves), largest: Math.max(...moves.map(Math.abs)) };
}

/** How many of `count` random changes of this length alter the answer; the same ones at every call. */
export function randomFlips(network, levels, length, count) {
  let state = 1, flips = 0;
  const uniform = () => (state = (state * 48271) % 2147483647) / 2147483647; // Park & Miller's generator
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const from = ranking(forward(network, levels).logits)[0];
  for (let k = 0; k < count; k++) {
    const direction = Array.from(levels, normal), norm = Math.hypot(...direction);
    const moved = levels.map((level, i) => Math.min(16, Math.max(0, level + (length * direction[i]) / norm)));
    flips += ranking(forward(network, moved).logits)[0] !== from;
  }
  return flips;
}

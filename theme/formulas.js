// Writes formulas as HTML: of each line of input, a JSON array [LaTeX, whether it is displayed], makes a line of output,
// {"html": …} or {"error": …}. Called by theme/formulas.py with the path of katex.min.js.
const katex = require(process.argv[2]);

const FIXED = ["mfrac", "mroot", "msub", "msup", "msubsup", "munder", "mover", "munderover"]; // have so many children, no more
const TOKENS = ["mi", "mn", "mo", "mtext"]; // hold text alone
const isApplication = (node) => node.type === "mo" && node.toText() === "\u2061";

// KaTeX's MathML as the standard has it, which browsers and screen readers count on. A name such as \max stands for two
// elements, itself and "applied to": below a letter it is applied to nothing. And \underset puts a row where text belongs.
function mend(node) {
  if (!node.children) return;
  node.children.forEach(mend);
  if (FIXED.includes(node.type)) {
    node.children = node.children.map(function (child) {
      if (child.type) return child;
      const parts = child.children.filter((part) => !isApplication(part));
      return parts.length === 1 ? parts[0] : new node.constructor("mrow", parts);
    });
  }
  if (TOKENS.includes(node.type) && node.children.some((child) => child.children)) {
    node.type = "mrow";
    node.attributes = {};
  }
}

require("readline").createInterface({ input: process.stdin }).on("line", function (line) {
  const [latex, displayMode] = JSON.parse(line);
  let answer;
  try {
    const formula = katex.__renderToDomTree(latex, { displayMode, throwOnError: true });
    mend(formula);
    answer = { html: formula.toMarkup() };
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
});

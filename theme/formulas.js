// Writes formulas as HTML: of each line of input, a JSON array [LaTeX, whether it is displayed], makes a line of output,
// {"html": …} or {"error": …}. Called by theme/formulas.py with the path of katex.min.js.
const katex = require(process.argv[2]);

require("readline").createInterface({ input: process.stdin }).on("line", function (line) {
  const [latex, displayMode] = JSON.parse(line);
  let answer;
  try {
    answer = { html: katex.renderToString(latex, { displayMode, throwOnError: true }) };
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(JSON.stringify(answer) + "\n");
});

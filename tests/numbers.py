"""Numbers of a chapter's prose, and what of the run ties them: outputs, visible code and assertions of the same section.

A number in the prose is tied where one of these is the same, as it is or rounded to the digits that the prose shows:

- a number in an output, a number in code that readers see, or in an assertion, hidden or not;
- what an assertion allows: in ``0.9 < accuracy < 0.94`` each number between, in ``abs(x - 1.36) < 0.01`` each so near.

Ties are looked for in the section (down to ``###``) in which the number stands, and in the one around it; those of *What to
remember* in the whole chapter. What is not a result is recognized below: years, chapters, equations, names such as LeNet-5.
"""

import ast
import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.chapters import executed_cells, prose_lines, text_of

__all__ = ["Number", "Ties", "numbers", "parts", "ties"]

UNITS = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
WORDS = {word: k for k, word in enumerate(UNITS)} | TENS
WORDS |= {f"{ten}-{unit}": value + k for ten, value in TENS.items() for k, unit in enumerate(UNITS) if 0 < k < 10}
WORDS |= {"hundred": 100, "thousand": 1000, "million": 10**6}
PARTS = {"third": 3, "quarter": 4, "fifth": 5, "sixth": 6, "seventh": 7, "eighth": 8, "ninth": 9, "tenth": 10, "twentieth": 20, "hundredth": 100}
WORD = "|".join(sorted(WORDS, key=len, reverse=True))

# What stands before a number that is said roughly: then an assertion may allow more, and round numbers are rounded ones.
ROUGH = re.compile(
    r"(about|around|near|nearly|almost|roughly|some|over|above|below|under|beyond|past|than|least|most|to|and|or|up to|between|within|every|by|from|"
    r"approx|≈|\\approx|<|>|\\le|\\ge|~)\W*$", re.IGNORECASE)

# What is no result, whole: it is taken out of the prose before numbers are looked for.
NAMES = [
    r"\$\$.*?\$\$",  # derivations: cells check them, digit by digit they are not prose
    r"`[^`]*`",
    r"\]\([^)]*\)",
    r"<[^>]*>",
    r"^#+ .*?$",
    r"^(> )?\s*\d+\. ",
    r"^\*\*\d+\. [^*]*\*\*",
    r"\\tag\{.*?\}",
    r"\((?:[A-Z]?\d+\.\d+[a-z]?(?: and |, | to |–)?)+\)",  # equations
    r"\b(?:chapters?|exercises?|lectures?|sections?|parts?|pages?|tables?|figures?|equations?|versions?|Python|PyTorch|chapter's) \d+(?:(?:, | and | to |–|-)\d+)*",
    r"\b[A-Za-zλαβ]+[-‑]?\d[\w.-]*",  # float32, LeNet-5
    r"\b\d+(?:-bit|th|st|nd|rd|-D|D|-d)\b",
    r"(?<![\d.,])(?:1[6-9]|20[0-3])\d\d(?:s|'s)?\b(?! (?:steps|examples|images|points|words|times|rows|digits|patients|pixels|weights|walks|runs))(?![\d.,]\d)",
    r"\b[Dd]igits? (?:\d\b(?:, | and | or | to )?)+",
]


@dataclass(frozen=True)
class Number:
    """A number in the prose: its value, the digits after the point, and how it is written."""

    value: float
    digits: int
    text: str
    line: int
    percent: bool
    rough: bool
    context: str = field(compare=False, default="")


@dataclass
class Ties:
    """What a run says in numbers: single values, and intervals that assertions allow."""

    values: set[float] = field(default_factory=set)
    intervals: set[tuple[float, float]] = field(default_factory=set)

    def __or__(self, other: "Ties") -> "Ties":
        return Ties(self.values | other.values, self.intervals | other.intervals)

    def hold(self, number: Number) -> bool:
        """Whether one of them is the number, as it is written."""
        scales = (1, 100, -1, -100) if number.percent else (1, -1)
        unit = 10.0**-number.digits
        if number.rough and not number.digits and number.value:
            unit = 10.0 ** (len(t := str(int(abs(number.value)))) - len(t.rstrip("0")))
        if any(abs(scale * value - number.value) <= unit / 2 * (1 + 1e-9) for value in self.values for scale in scales):
            return True
        widest = 0.5 if number.rough else 0.1
        return any(low * s < number.value < high * s and (high - low) * s <= widest * abs(number.value) + 2 * unit
                   for low, high in self.intervals for s in (1, 100)[: 1 + number.percent])


def parts(path: Path) -> list[tuple[str, str, int, int]]:
    """(heading, heading around it, first line, last line) of each section of level 2 and 3."""
    heads = [(1, "", "")] + [(n, line, line) for n, line in prose_lines(path) if re.match(r"##?#? ", line)]
    found, around = [], ""
    ends = [n - 1 for n, *_ in heads[1:]] + [len(text_of(path).splitlines())]
    for (start, head, _), end in zip(heads, ends):
        around = head if not head.startswith("### ") else around
        found.append((head.lstrip("# "), around.lstrip("# "), start, end))
    return found


def numbers(path: Path, first: int, last: int) -> list[Number]:
    """The numbers of the prose between two lines."""
    lines = [(n, line) for n, line in prose_lines(path) if first <= n <= last]
    text = "\n".join(line for _, line in lines)
    for pattern in NAMES:
        text = re.sub(pattern, lambda match: re.sub(r"[^\n]", "§", match[0]), text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"\$[^$]+\$", lambda match: _math(match[0]), text, flags=re.DOTALL)
    found = []
    pattern = re.compile(
        rf"(?P<number>(?<![\w.§^_/])[-−]?\d[\d,]*(?:\.\d+)?(?:\s*\\times\s*10\^\{{?-?\d+\}}?)?)(?![\w])|(?P<power>10\^\{{?[-−]?\d+\}}?)"
        rf"|\b(?:(?P<some>a|one|two|three|four) )(?P<part>{'|'.join(PARTS)})s?\b|\b(?P<word>{WORD})\b", re.IGNORECASE)
    for match in pattern.finditer(text):
        before, after = text[max(0, match.start() - 30) : match.start()], text[match.end() : match.end() + 40]
        line = lines[text[: match.start()].count("\n")][0]
        value, digits = _value(match, before, after)
        if value is None:
            continue
        percent = bool(re.match(r"[^.;\n]{0,22}?(%|percent|points|\\%)", after.replace("\n", " ")))
        rough = bool(ROUGH.search(before.replace("\n", " "))) or bool(match["part"]) or match[0].lower() in ("hundred", "thousand", "million")
        found.append(Number(value, digits, match[0], line, percent, rough, (before + "«" + match[0] + "»" + after).replace("\n", " ")))
    return found


def _math(formula: str) -> str:
    # Of a formula in the line the result counts: a decimal, a number of three digits, or what comes after the last sign.
    inner = formula[1:-1].replace(r"\,", "").replace("{,}", ",").replace(r"\ ", " ").replace(r"\%", "%")
    head, sign, tail = re.match(r"(.*?)(=|\\approx|<|>|\\le|\\ge|)([^=<>]*)$", inner, re.DOTALL).groups()
    plain = bool(re.fullmatch(r"\s*[-−]?[\d.,]+(\s*\\times\s*[\d.,]+)*(\s*\\times\s*10\^\{?-?\d+\}?)?\s*%?\s*|\s*10\^\{?-?\d+\}?\s*", tail))
    keep = re.sub(r"(?<![\d.,])\d{1,2}(?![\d.,]*\d)(?!\.\d)", lambda m: "§" * len(m[0]), inner) if not plain else (
        re.sub(r"(?<![\d.,])\d{1,2}(?![\d.,]*\d)(?!\.\d)", lambda m: "§" * len(m[0]), head) + sign + tail)
    return keep.replace(r"\approx", "≈").replace("\\", " ") if r"\times" not in keep else keep


def _value(match, before: str, after: str) -> tuple[float | None, int]:
    if match["number"]:
        text = re.sub(r"\s", "", match["number"]).replace(",", "").replace("−", "-").replace("{", "").replace("}", "")
        mantissa, _, power = text.partition("\\times10^")
        digits = len(mantissa.partition(".")[2]) - (int(power) if power else 0)
        value = float(mantissa) * 10.0 ** int(power or 0)
        small = value in (0, 1, 2, -1) and "." not in mantissa
        return (None if small and not after.lstrip().startswith("%") else value), digits
    if match["power"]:
        power = int(re.sub(r"[^\d-]", "", match["power"][2:].replace("−", "-")))
        return 10.0**power, -power
    if match["part"]:
        some = {"a": 1}.get(match["some"].lower(), WORDS.get(match["some"].lower(), 1))
        return some / PARTS[match["part"].lower()], 2
    word = match["word"].lower()
    counted = re.match(r"\s+(?:out\s+)?of\s+(?:the\s+|its\s+|our\s+|these\s+|all\s+)?(?:\w+\b)|\s+times\b|\s+percent|\s+points", after)
    if WORDS[word] < 2 or WORDS[word] < 4 and not (counted and re.search(rf"times|percent|points|of\s+(?:the\s+|its\s+|our\s+)?({WORD}|\d)", after[:40], re.IGNORECASE)):
        return None, 0
    return float(WORDS[word]), 0


# --- what the run says ------------------------------------------------------------------------------------------------

DRAWING = {"figsize", "linewidth", "markersize", "fontsize", "alpha", "s", "lw", "ms", "capsize", "zorder", "pad", "levels", "dim", "axis",
           "labelpad", "rotation", "width", "height", "dpi", "ncol", "seed", "decimals", "rtol", "atol", "keepdims"}


def ties(path: Path, first: int, last: int) -> Ties:
    """What outputs, visible code and assertions say between two lines of a chapter."""
    found = Ties()
    for line, cell in executed_cells(path):
        if first <= line <= last:
            for output in cell.outputs:
                texts = [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
                found.values |= {value for text in texts if "<Figure" not in text for value in _printed(text)}
            hidden = "remove-cell" in cell.metadata.get("tags", [])
            source = re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.MULTILINE)
            found = found | _code(ast.parse(source), hidden)
    return found


def _printed(text: str) -> set[float]:
    return {float(number.replace(",", "")) for number in re.findall(r"(?<![\w.])-?\d[\d,]*\.?\d*(?:e[-+]?\d+)?", text)
            if number.strip("-,.")}


def _code(tree: ast.AST, hidden: bool) -> Ties:
    found = Ties()
    asserted = [node for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and "assert" in ast.unparse(node.func)]
    for node in [tree] if not hidden or True else [*asserted, *calls]:
        found.values |= _literals(node)
    for node in (inner for outer in asserted for inner in ast.walk(outer) if isinstance(inner, ast.Compare)):
        found.intervals |= _interval(node)
    return found


def _literals(tree: ast.AST) -> set[float]:
    found, drawn = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg in DRAWING or isinstance(node, ast.Subscript):
            drawn |= {id(inner) for inner in ast.walk(node.value if isinstance(node, ast.keyword) else node.slice)}
        if isinstance(node, (ast.List, ast.Tuple)) and len(node.elts) > 2:
            found.add(float(len(node.elts)))
    for node in ast.walk(tree):
        value = None if id(node) in drawn else _number(node)
        if value is not None:
            found.add(value)
    return found


def _number(node: ast.AST) -> float | None:
    """The value of a number, or of an expression of numbers alone."""
    if isinstance(node, ast.Constant):
        return float(node.value) if isinstance(node.value, (int, float)) and not isinstance(node.value, bool) else None
    if isinstance(node, (ast.BinOp, ast.UnaryOp)) and not any(isinstance(n, (ast.Name, ast.Call)) for n in ast.walk(node)):
        try:
            value = eval(compile(ast.Expression(node), "", "eval"), {"__builtins__": {}})
            return float(value)
        except Exception:
            return None
    return None


def _interval(node: ast.Compare) -> set[tuple[float, float]]:
    values = [_number(side) for side in (node.left, *node.comparators)]
    less = all(isinstance(op, (ast.Lt, ast.LtE)) for op in node.ops)
    if less and len(values) == 3 and values[0] is not None and values[2] is not None:
        return {(values[0], values[2])}
    left = node.left
    if less and len(values) == 2 and values[1] is not None and isinstance(left, ast.Call):
        inner = left.args[0] if left.args else getattr(left.func, "value", None)
        if "abs" in ast.unparse(left.func) and isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Sub):
            for side in (inner.left, inner.right):
                if (center := _number(side)) is not None:
                    return {(center - values[1], center + values[1])}
    return set()

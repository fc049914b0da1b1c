"""Numbers of a chapter's prose, and what of the run ties them: assertions, visible code and outputs of its section.

A **witness** is a statement of a cell, with its comments, or a line of output. It ties a number of the prose if it
has the same number, if it prints one that the prose rounds, or if it asserts an interval around it, such as ``0.9 <
accuracy < 0.94`` for 0.92 or ``abs(x - 1.36) < 0.01``. The ends of the interval tie only what is said to be more or
less than they are. Places in a list, the look of a figure and the values of sliders tie nothing. A number of one or
two digits is found in many places by accident: its witness must share a word with the sentence, too, one up to twenty
two of them, and not far fewer than the witness that shares most. A comment beside or above can say them::

    assert wins == 9  # the vote is better on nine of the ten splits

Witnesses are looked for in the section (down to ``###``) in which the number stands and in the one around it, for
*What to remember* in the whole chapter. Years, chapters, equations, names such as LeNet-5 and small numbers that
claim nothing ("four points") are left out: ``NAMES`` and ``CLAIM`` say which.
"""

import ast
import functools
import math
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path

from tests.chapters import executed_cells, prose_lines, text_of

__all__ = ["Number", "Witness", "numbers_of", "planted", "tied"]

ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
).split()
TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
WORDS = {word: k for k, word in enumerate(ONES)} | TENS | {"hundred": 100, "thousand": 1000, "million": 10**6}
WORDS |= {f"{ten}-{one}": value + k for ten, value in TENS.items() for k, one in enumerate(ONES) if 0 < k < 10}
SHARES = {name: 1 / k for k, name in enumerate("third quarter fifth sixth seventh eighth ninth tenth".split(), start=3)}
SHARES |= {"twentieth": 1 / 20, "hundredth": 1 / 100}
WORD = "|".join(sorted(WORDS, key=len, reverse=True))
NUMBER = rf"(?:{WORD}|\d[\d,.]*)"

# No results: taken out of the prose before numbers are looked for.
NAMES = [
    r"\$\$.*?\$\$",  # derivations
    r"`[^`]*`",
    r"\]\([^)]*\)",  # where links lead
    r"</?[A-Za-z!][^<>]*>",  # tags; a formula has < with a space or a command behind it
    r"\b(?:doi|arXiv):[^\]\s]+",
    r"^#+ .*?$",
    r"^(> )?\s*\d+\. ",
    r"^\*\*\d+\. [^*]*\*\*",
    r"\\tag\{.*?\}",
    r"\((?:[A-Z]?\d+\.\d+[a-z]?(?:, | and | to |–)?)+\)",  # equations
    (
        r"\b(?:chapters?|exercises?|lectures?|sections?|parts?|pages?|tables?|figures?|equations?|versions?|Python|PyTorch"
        r"|seeds?|layers?|classes|class)"
        r" \d+(?:(?:, | and | to |–|-)\d+)*(?![.\d]*\d| ?%)"
    ),
    r"\b[A-Za-zα-ω]+[-‑]?\d[\w.-]*",  # float32, LeNet-5
    r"\b\d+(?:-bit|th|st|nd|rd|-D|D|-d)\b",
    (
        r"(?<![\d.,])(?:1[6-9]\d\d|20[0-3]\d)(?:[-–]\d\d)?(?:s|'s)?\b(?! (?:steps|examples|images|points|words|times"
        r"|rows|digits|patients|pixels|weights|walks|runs))(?![\d.,]\d)"
    ),
    r"\b[Dd]igits? (?:\d\b(?:, | and | or | to )?)+",
]

# What makes a claim of a small number: "nine of the ten", "five times", "fewer than six", "7 %".
BEFORE = re.compile(
    rf"(?:about|nearly|almost|least|most|than|only|some|factor of|roughly|around|below|above|near|under|over|after"
    rf"|reach\w*|need\w*|take\w*|miss\w*|lose\w*|gain\w*|win\w*|find\w*"
    rf"|{NUMBER} (?:out )?(?:of|in)(?: the| its| our| these| all)?)\s+$",
    re.IGNORECASE,
)
AFTER = re.compile(
    rf"\s+(?:(?:out )?(?:of|in)(?: the| its| our| these| all)? {NUMBER}\b"
    rf"|times\b|percent\b|points\b|decimals\b)|-fold|\s?%",
    re.IGNORECASE,
)
ROUGH = re.compile(
    r"(?:about|around|near|nearly|almost|roughly|some|over|above|below|under|beyond|past|than|least|most|to|and"
    r"|or|between|within|by|from|≈|<|>|~)\W*$",
    re.IGNORECASE,
)
DRAWING = re.compile(r"(?:ax|axes|plt|fig|figure|left|right|explore)\b")
COMMON = set(
    "the this that with from than then into over more most less least about only each with have been were when "
    "where what which them their there same some such also both here does after before every other first last "
    "between within larger smaller times value number just even still thus would will could for and are its not "
    "but all can has was one two".split()
)


@dataclass(frozen=True)
class Number:
    """A number in the prose.

    Attributes:
        value: what it says; digits: how many it shows after the point; text: how it is written; line: where.
        percent: whether a percent sign or the word points follows. rough: whether it is said to be about so much.
        near: the words around it in its sentence, by their stems.
    """

    value: float
    digits: int
    text: str
    line: int
    percent: bool
    rough: bool
    near: frozenset[str] = frozenset()
    sentence: str = field(compare=False, default="")

    @property
    def weak(self) -> bool:
        """Whether it has one or two digits: the same number is then elsewhere by accident."""
        return len(re.sub(r"\D", "", f"{abs(self.value):.{max(self.digits, 0)}f}").strip("0")) <= 2


@dataclass(frozen=True)
class Witness:
    """A statement or a line of output: its place, its numbers, the intervals that it asserts, and its words.

    What is printed may be rounded to what the prose says, and so may the middle of an interval; other numbers of the
    code must be the same. The ends of an interval are what something is more or less than.
    """

    line: int
    values: frozenset[float]
    intervals: frozenset[tuple[float, float]]
    words: frozenset[str]
    ends: frozenset[float] = frozenset()
    printed: bool = False

    def ties(self, number: Number) -> bool:
        if number.weak and len(number.near & self.words) < (2 if number.digits <= 0 and abs(number.value) <= 20 else 1):
            return False
        scales = (1, 100) if number.percent else (1,)
        unit = 10.0**-number.digits
        if number.rough and number.digits <= 0 and number.value:
            text = str(round(abs(number.value)))
            unit = max(unit, 10.0 ** (len(text) - len(text.rstrip("0"))))
        value, widest = abs(number.value), max((0.3 if number.rough else 0.06) * abs(number.value), 4 * unit)
        same = 1e-6 * value
        rounded = max(
            same, min(unit / 2 * (1 + 1e-9), (0.1 if number.rough else 0.05) * value)
        )  # a printed 1.4 is no 1
        exact = self.values | self.ends if number.rough else self.values
        return any(
            abs(abs(v) * scale - value) <= (rounded if self.printed else same) for v in exact for scale in scales
        ) or any(
            abs((low + high) / 2 * s - number.value) <= rounded and (high - low) * s <= widest
            for low, high in self.intervals
            for s in scales
        )


@functools.cache
def tied(path: Path) -> list[tuple[Number, list[Witness]]]:
    """Each number of a chapter that has to be tied, with the witnesses that may do it."""
    everything, sections, found = _witnesses(path), _sections(path), []
    for head, around, first, last in sections:
        if around in ("Further reading", "In the lectures"):
            continue
        spans = [(a, b) for h, ar, a, b in sections if a == first or ar == around and around in (h, head)]
        if around == "What to remember":
            spans = [(0, 10**6)]
        elif around == "Exercises":
            spans = [(a, b) for _, ar, a, b in sections if ar == around]
        here = [w for w in everything if any(a <= w.line <= b for a, b in spans)]
        found += [(number, _nearest(number, here)) for number in numbers_of(path, first, last)]
    return found


def _nearest(number: Number, witnesses: list[Witness]) -> list[Witness]:
    # For a weak number, only those of that share about as many words with it; a word that all have says little.
    if not number.weak:
        return witnesses
    often = Counter(word for w in witnesses for word in w.words)
    shared = [sum(math.log(1 + len(witnesses) / often[word]) for word in number.near & w.words) for w in witnesses]
    return [w for w, count in zip(witnesses, shared) if count >= max(shared) / 3]


def planted(number: Number, rng) -> Number | None:
    """The number with one digit, or its word, exchanged for another; None where that cannot be done in a line."""
    if number.text.lower() in WORDS:
        value = rng.choice([k for k in range(2, 21) if k != number.value])
        return replace(number, value=float(value), text=str(value))
    if not re.fullmatch(r"[-−]?[\d,.]+", number.text):
        return None
    text = number.text.replace("−", "-").rstrip(".,")
    k = rng.choice([k for k, sign in enumerate(text) if sign.isdigit()])
    text = text[:k] + rng.choice([digit for digit in "123456789" if digit != text[k]]) + text[k + 1 :]
    return replace(number, value=float(text.replace(",", "")), text=text)


# --- the prose ---


def _sections(path: Path) -> list[tuple[str, str, int, int]]:
    # (heading, heading of level 2 around it, first line, last line); the first screen is one, too.
    heads = [(1, "")] + [(n, line) for n, line in prose_lines(path) if re.match(r"##?#? ", line)]
    ends = [n - 1 for n, _ in heads[1:]] + [len(text_of(path).splitlines())]
    found, around = [], ""
    for (start, head), end in zip(heads, ends):
        around = around if head.startswith("### ") else head
        found.append((head.lstrip("# "), around.lstrip("# "), start, end))
    return found


def numbers_of(path: Path, first: int, last: int) -> list[Number]:
    """The numbers of the prose between two lines that claim something."""
    lines = [(n, line) for n, line in prose_lines(path) if first <= n <= last]
    text = "\n".join(line for _, line in lines)
    for pattern in NAMES:
        text = re.sub(pattern, lambda match: re.sub(r"[^\n]", "§", match[0]), text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"\$[^$]+\$", lambda match: _formula(match[0]), text, flags=re.DOTALL)
    pattern = re.compile(
        rf"(?<![\w.§^_/{{])(?P<digits>[-−]?\d[\d,]*(?:\.\d+)?)(?P<power>\s*\\times\s*10\^\{{?[-−]?\d+\}}?)?(?!\w)"
        rf"|\b(?P<some>a|one|two|three|four) (?P<share>{'|'.join(SHARES)})s?\b|\b(?P<word>{WORD})\b",
        re.IGNORECASE,
    )
    found = []
    for match in pattern.finditer(text):
        before, after = (
            part.replace("\n", " ")
            for part in (text[max(0, match.start() - 90) : match.start()], text[match.end() : match.end() + 90])
        )
        value, digits = _value(match)
        percent = bool(re.match(r"[^.;]{0,22}?(%|percent|points)", after))
        claims = bool(BEFORE.search(before) or AFTER.match(after) or match["share"])
        if claims and abs(value) not in (0, 1) or digits > 0 or value >= 30 and not match["word"]:
            left, right = re.split(r"[.;:] ", before)[-1], re.split(r"[.;:] ", after)[0]  # of the same sentence
            near = _stems(" ".join([*re.findall(r"[^\W\d_]+", left)[-7:], *re.findall(r"[^\W\d_]+", right)[:7]]))
            rough = (
                bool(ROUGH.search(before))
                or bool(match["share"])
                or (match["word"] or "").lower() in ("hundred", "thousand", "million")
            )
            line = lines[text[: match.start()].count("\n")][0]
            found.append(
                Number(value, digits, match[0], line, percent, rough, near, f"{before[-40:]}«{match[0]}»{after[:40]}")
            )
    return found


def _formula(formula: str) -> str:
    # Of a formula in the line a result counts: a decimal, or the number after the last sign. No exponents, no indices.
    inner = formula[1:-1].replace(r"\,", "").replace("{,}", ",").replace(r"\%", "%").replace(r"\approx", "≈")
    plain = re.fullmatch(r"(?:.*[=≈<>])?\s*[-−]?[\d.,]+(?:\s*\\times\s*10\^\{?[-−]?\d+\}?)?\s*%?\s*", inner, re.DOTALL)
    kept = plain and re.search(r"[-−]?[\d.,]+(?:\s*\\times\s*10\^\{?[-−]?\d+\}?)?\s*%?\s*$", inner)
    return "".join(
        letter if kept and k >= kept.start() or letter in "\n=≈<>" else _decimal(inner, k)
        for k, letter in enumerate(inner)
    )


def _decimal(inner: str, k: int) -> str:
    # A letter of a formula where it belongs to a decimal that is no exponent, else a blank of the same width.
    for match in re.finditer(r"(?<![\w.^{])\d+\.\d+(?![\w^])", inner):
        if match.start() <= k < match.end():
            return inner[k]
    return " " if inner[k] == " " else "§"


def _value(match) -> tuple[float, int]:
    if match["digits"]:
        text = match["digits"].rstrip(",").replace(",", "").replace("−", "-")
        power = int(re.sub(r"[^\d-]", "", match["power"].partition("^")[2].replace("−", "-"))) if match["power"] else 0
        return float(text) * 10.0**power, len(text.partition(".")[2]) - power
    if match["share"]:
        return WORDS.get(match["some"].lower(), 1) * SHARES[match["share"].lower()], 2
    return float(WORDS[match["word"].lower()]), 0


def _stems(text: str) -> frozenset[str]:
    words = re.findall(r"[A-Za-zα-ω]{3,}", re.sub(r"\d+", " ", text.replace("_", " ")))
    return frozenset(_stem(word.lower()) for word in words if word.lower() not in COMMON and word.lower() not in WORDS)


def _stem(word: str) -> str:
    word = re.sub(r"(?<!s)s$", "", word)
    return re.sub(r"(ing|ed|e|y)$", "", word) if len(word) > 4 else word


# --- what the run says ------------------------------------------------------------------------------------------------


@functools.cache
def _witnesses(path: Path) -> list[Witness]:
    found = []
    for line, cell in executed_cells(path):
        lines = re.sub(r"^\s*[%!].*$", "", cell.source, flags=re.MULTILINE).splitlines()
        statements = [
            s for s in ast.walk(ast.parse("\n".join(lines))) if isinstance(s, ast.stmt) and not hasattr(s, "body")
        ]
        inside = {k for s in statements for k in range(s.lineno - 1, s.end_lineno)}
        for statement in statements:
            start = statement.lineno - 1
            while start and lines[start - 1].lstrip().startswith("#"):  # a comment above says what the statement does
                start -= 1
            found.append(_of_code(line, lines[start : statement.end_lineno], statement))
        found += [
            _of_text(line, text.partition("#")[0]) for k, text in enumerate(lines) if k not in inside
        ]  # for, with, def
        for output in cell.outputs:
            text = output.get("text", "") or output.get("data", {}).get("text/plain", "")
            head = next(iter(text.splitlines()), "")  # of a table
            found += [_of_text(line, row, head) for row in text.splitlines() if not row.startswith("<Figure")]
    return found


def _of_text(line: int, text: str, head: str | None = None) -> Witness:
    values = {
        float(v.replace(",", "").replace("_", ""))
        for v in re.findall(r"(?<![\w.])\d[\d,_]*(?:\.\d+)?(?:e[-+]?\d+)?", text)
    }
    values |= {float(WORDS[w]) for w in re.findall(r"[a-z-]+", text.lower()) if w in WORDS}
    return Witness(line, frozenset(values), frozenset(), _stems(f"{text} {head or ''}"), printed=head is not None)


def _of_code(line: int, lines: list[str], statement: ast.stmt) -> Witness:
    # Comments and strings give words, and no numbers: those have to be computed with.
    nodes, asserts = list(_telling(statement)), isinstance(statement, ast.Assert)
    values = {v for node in nodes if (v := _number(node)) is not None and (asserts or abs(v) not in (0, 1))}
    values |= {
        float(len(node.elts)) for node in nodes if isinstance(node, (ast.List, ast.Tuple)) and len(node.elts) > 2
    }
    compared = [node for node in ast.walk(statement) if asserts and isinstance(node, ast.Compare) and _interval(node)]
    ends = {
        end for node in compared for end in (_interval(node) if len(node.ops) == 2 else [_number(node.comparators[0])])
    }
    return Witness(
        line, frozenset(values), frozenset(map(_interval, compared)), _stems("\n".join(lines)), frozenset(ends)
    )


def _telling(node: ast.AST):
    # Parts of a statement whose numbers may be results: no places in a list, looks of a figure, ends of intervals.
    if isinstance(node, ast.Call) and DRAWING.match(ast.unparse(node.func)):
        return
    yield node
    silent = []
    if isinstance(node, ast.Subscript):
        silent = (
            [node.slice]
            if all((n := _number(part)) is None or n in range(-9, 10) for part in ast.walk(node.slice))
            else []
        )
    elif isinstance(node, ast.Compare) and _interval(node):
        silent = node.comparators if len(node.ops) == 1 else [node.left, node.comparators[1]]
    for child in ast.iter_child_nodes(node):
        if child not in silent:
            yield from _telling(child)


def _number(node: ast.AST) -> float | None:
    """The value of a number, or of an expression of numbers alone, such as ``-7 / 64``."""
    kinds = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.operator, ast.unaryop)
    if not isinstance(node, (ast.Constant, ast.BinOp, ast.UnaryOp)) or not all(
        isinstance(n, kinds) for n in ast.walk(node)
    ):
        return None
    try:
        value = eval(compile(ast.Expression(node), "a number", "eval"), {"__builtins__": {}})
    except (TypeError, ZeroDivisionError, OverflowError):
        return None
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _interval(node: ast.Compare) -> tuple[float, float] | None:
    ends = [_number(side) for side in (node.left, *node.comparators)]
    if not all(isinstance(op, (ast.Lt, ast.LtE)) for op in node.ops) or ends[-1] is None:
        return None
    if len(ends) == 3 and ends[0] is not None:
        return ends[0], ends[2]
    call = node.left
    if len(ends) == 2 and isinstance(call, ast.Call) and "abs" in ast.unparse(call.func):
        difference = call.args[0] if call.args else getattr(call.func, "value", None)
        if isinstance(difference, ast.BinOp) and isinstance(difference.op, (ast.Sub, ast.Add)):
            sign = 1 if isinstance(difference.op, ast.Sub) else -1  # abs(x + 3) is near where x is near -3
            for side in (difference.right, difference.left):
                if (center := _number(side)) is not None:
                    return sign * center - ends[1], sign * center + ends[1]
    return None

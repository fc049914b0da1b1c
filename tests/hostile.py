"""Hostile calls: every public function and layer of the library, found by itself, is given what it does not expect.

    python -m tests.hostile              every call that did not do right, then the counts by kind
    python -m tests.hostile functional   the same for the subjects whose name contains a word

Calls are source text: a failure can be typed as it is shown, after `from tests.hostile_table import *`. The ordinary
call of a function comes from its signature and tests/hostile_table.py, which also says what is put in the place of each
argument. Right is

* the result of the ordinary form (in half precision: rounded), or that of torch's function of the same name, with its
  gradients; and NaN where NaN came in;
* a ValueError or TypeError with the name of the argument; an error of torch's that says what is wrong; one in the
  library's form "...; expected ..." that shows the value, or is about tensors; any error where torch refuses a tensor
  too. Where the table says "=" (an integer of NumPy, another layout in memory) no error will do; for None, a string and
  the like Python's own will.

And a call leaves the modes of networks, random states, defaults and the environment as they were, whatever comes of it.
"""

import functools
import inspect
import itertools
import math
import operator
import os
import random
import re
import sys
import types
import warnings
from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass, is_dataclass
from fnmatch import fnmatchcase

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor, nn

from nndl_lib import autograd
from tests import hostile_table
from tests.hostile_table import EXCEPTIONS, FREE, HOSTILE, LEAVES, MADE, MODULES, NAMES, OUTSIDE, OWNERS, TABLE, WRONG

# --- Subjects and their ordinary calls ---


@dataclass(frozen=True, eq=False)
class Subject:
    """A public function or class, as it is typed; or a method of a public class, the ``owner``."""

    path: str
    module: str
    parameters: tuple
    owner: "Subject | None" = None

    @property
    def name(self) -> str:
        return f"{self.owner.path}.{self.path}" if self.owner else self.path

    def special(self, p) -> str:
        """The name of a parameter of this function alone."""
        return f"{self.path.rsplit('.', 1)[-1]}.{p.name}"

    def choices(self, p) -> list[str]:
        """What the table says about a parameter: by function, by module, by name, by type."""
        words = ("Callable", "Generator", "Tensor", "bool", "int", "float", "str")
        names = [self.special(p), f"{self.module.removeprefix('nndl_lib.')}.{p.name}", p.name]
        names += [word for word in words if word in str(p.annotation)][:1]
        return next((TABLE[name] for name in names if name in TABLE), [])


@dataclass(frozen=True)
class Call:
    """A subject with the source of its arguments; "/" marks those without a name, "*" those to write as they are."""

    subject: Subject
    given: dict
    owner: str = ""

    def source(self, each="{}", function="", **changed) -> str:
        """The call as typed: arguments changed, ``each`` around tensors, networks, the owner, or inside a function."""
        arguments = []
        for name, text in (self.given | changed).items():
            text = text.replace("{owner}", self.owner)
            if each != "{}" and name[0] != "*" and isinstance(value_of(text), (Tensor, nn.Module, list, tuple)):
                text = each.format(text)
            arguments.append(text if name[0] in "*/" else f"{name}={text}")
        owner, path = each.format(self.owner), self.subject.path
        if (
            self.owner and path[:2] == "__" and path in vars(operator)
        ):  # the operator as it is used: NotImplemented is no result
            path, arguments = f"operator.{path}", [owner, *arguments]
        elif self.owner:
            path = owner if path == "forward" else f"{owner}.{path}"
        return f"{function}({', '.join([path, *arguments])})" if function else f"{path}({', '.join(arguments)})"


def subjects() -> list[Subject]:
    """Every public name that can be called, under the shortest path to it, and the methods of every public class."""
    found, seen = [], set()
    for module in MODULES:
        for name in NAMES[module]:
            path, thing = f"{module}.{name}", getattr(MODULES[module], name)
            record = inspect.isclass(thing) and (is_dataclass(thing) or hasattr(thing, "_fields"))
            if not callable(thing) or id(thing) in seen or record or not thing.__module__.startswith("nndl_lib"):
                continue
            seen.add(id(thing))  # also of those outside, which have a longer path as well
            if outside(path):
                continue
            subject = Subject(path, module, tuple(inspect.signature(thing).parameters.values()))
            found.append(subject)
            own = [
                vars(base).items() for base in getattr(thing, "__mro__", ()) if base.__module__.startswith("nndl_lib")
            ]
            for method in sorted({name for members in own for name, member in members if inspect.isfunction(member)}):
                is_operator = (
                    thing is autograd.Tensor
                    and method[:2] == "__"
                    and ({method, method.replace("__r", "__", 1)} & vars(operator).keys())
                )
                if (
                    (is_operator or not method.startswith("_"))
                    and method != "extra_repr"
                    and not outside(f"{path}.{method}")
                ):
                    parameters = tuple(inspect.signature(getattr(thing, method)).parameters.values())[1:]
                    found.append(Subject(method, module, parameters, subject))
    return found


def outside(path: str) -> bool:
    return any(fnmatchcase(path, pattern) or path.startswith(pattern + ".") for pattern in OUTSIDE)


@functools.cache
def ordinary(subject: Subject) -> Call:
    """The ordinary call of a subject. Raises: LookupError, which says where to write what is missing."""
    needed = [
        p
        for p in subject.parameters
        if subject.special(p) in TABLE
        or p.name == "generator"
        or p.default is p.empty
        and p.kind is not p.VAR_KEYWORD
        and (p.kind is not p.VAR_POSITIONAL or subject.choices(p))
    ]
    for p in needed:
        if not subject.choices(p):
            raise LookupError(f"{subject.name}: what is {p}? Say in ORDINARY of tests/hostile_table.py what it may be")
    marks = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "*", p.POSITIONAL_ONLY: "/"} if needed else {}
    owners = OWNERS.get(subject.owner.path) or [ordinary(subject.owner).source()] if subject.owner else [""]
    error = None
    for owner, *texts in itertools.islice(itertools.product(owners, *map(subject.choices, needed)), 500):
        names = [marks.get(p.kind, "/" if subject.path.startswith("__") else "") + p.name for p in needed]
        call = Call(subject, dict(zip(names, texts)), owner)
        error = outcome(call.source())[1]
        if error is None:
            return call
    raise LookupError(
        f"{subject.name}: nothing of what ORDINARY in tests/hostile_table.py says makes an ordinary call; "
        f"the last try was\n    {call.source()}\n    {error!r}"
    )


# --- Calls and what comes of them ---


def outcome(source: str) -> tuple:
    """The value of a call with its leaves' gradients, or None; and its error, or None. Iterators are used up."""
    LEAVES.clear()
    MADE.clear()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = eval(compiled(source), vars(hostile_table))
            value = list(itertools.islice(value, 10)) if hasattr(value, "__next__") else value
            if isinstance(value, AbstractContextManager):
                with value:
                    pass
            return (value, gradients(value)), None
    except Exception as error:
        return None, error
    finally:
        plt.close("all")


@functools.cache
def compiled(source: str):
    return compile(source, "<call>", "eval")


@functools.cache
def value_of(text: str):
    """What an argument is, to look at: None where its source is no expression."""
    result, error = outcome(text)
    return None if error else result[0]


def gradients(value) -> list:
    """The gradients of the leaves by a weighted sum of the first differentiable result."""
    if isinstance(value, (list, tuple)):
        value = next((part for part in value if getattr(part, "requires_grad", False)), None)
    if LEAVES and getattr(value, "requires_grad", False):
        weights = np.linspace(1, 2, math.prod(value.shape)).reshape(tuple(value.shape))
        (value * (torch.tensor(weights, dtype=value.dtype) if isinstance(value, Tensor) else weights)).sum().backward()
    return [leaf.grad for leaf in LEAVES]


def same(a, b, rtol=1e-4) -> bool:
    """Whether two results hold the same numbers in the same shapes, whatever their dtype."""
    a, b = (
        torch.as_tensor(v.data)
        if isinstance(v, autograd.Tensor)
        else torch.as_tensor(v)
        if isinstance(v, np.ndarray)
        else v.item()
        if isinstance(v, np.generic)
        else v
        for v in (a, b)
    )
    if isinstance(a, (int, float)) and isinstance(b, Tensor) or isinstance(b, (int, float)) and isinstance(a, Tensor):
        a, b = (v if isinstance(v, Tensor) else torch.tensor(v) for v in (a, b))
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if a.device != b.device or a.shape != b.shape or a.is_meta:
            return a.device == b.device and a.shape == b.shape
        a, b = (torch.view_as_real(v.detach().to(torch.complex128)) for v in (a, b))
        scale = (
            b[b.isfinite()].abs().max().item() if rtol > 0.01 and b.isfinite().any() else 1
        )  # half precision: of the whole
        return torch.allclose(a, b, rtol=rtol, atol=rtol * max(1, scale), equal_nan=True)
    if isinstance(a, (float, int)) and isinstance(b, (float, int)):
        return math.isclose(a, b, rel_tol=rtol, abs_tol=rtol) or a != a and b != b
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(same(x, y, rtol) for x, y in zip(a, b))
    if type(a).__qualname__ != type(b).__qualname__:
        return False
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k], rtol) for k in a)
    if isinstance(a, types.FunctionType):
        return a.__qualname__ == b.__qualname__
    if isinstance(a, (str, type(None), type, torch.dtype, torch.device)):
        return a == b
    return not parts(a) and not parts(b) or same(parts(a), parts(b), rtol)


def parts(value) -> dict:
    """What an object of ours, or a network, consists of."""
    if isinstance(value, nn.Module):
        own = {name: part for name, part in vars(value).items() if name[0] != "_"}
        return own | dict(value.state_dict()) | {f"child {name}": child for name, child in value.named_children()}
    return getattr(value, "__dict__", {}) if type(value).__module__.startswith("nndl_lib") else {}


def numbers(value) -> list:
    """All tensors, arrays and numbers in a result."""
    if isinstance(value, (list, tuple)):
        return [number for part in value for number in numbers(part)]
    if isinstance(value, dict) or parts(value):
        return numbers(list((value if isinstance(value, dict) else parts(value)).values()))
    value = value.data if isinstance(value, autograd.Tensor) else value
    return [torch.as_tensor(value)] if isinstance(value, (Tensor, np.ndarray, float, int)) else []


def surroundings() -> dict:
    """All that a call must leave as it was."""
    state = np.random.get_state()
    return {
        "torch's random state": torch.get_rng_state().numpy().tobytes(),
        "NumPy's random state": (state[1].tobytes(), state[2]),
        "Python's random state": random.getstate(),
        "the grad mode": torch.is_grad_enabled(),
        "the default dtype": torch.get_default_dtype(),
        "the environment": {name: value for name, value in os.environ.items() if not name.startswith("TORCHINDUCTOR")},
        "the modes of the network": all(network.training and not network[-1].training for network in MADE),
    }


def of_torch(call: Call, source: str) -> str:
    """The same call of torch where it has a function of that name; its layers get our parameters. Else ``""``."""
    subject = call.subject
    home = (subject.owner or subject).path
    module, name = home.rsplit(".", 1)
    if module == "nndl_lib.autograd":
        words = (
            source.replace("array(", "torch_array(").replace("labels(4).numpy()", "labels(4)").replace("axis=", "dim=")
        )
        words = words.replace("keepdims=", "keepdim=").replace("concatenate", "cat").replace(".max(", ".amax(")
        words = re.sub(r"\b(a|b|condition|data|gradient)=", "", words).replace("z=", "input=")
        words = words.replace("nndl_lib.autograd.cross_entropy", "nn.functional.cross_entropy")
        return re.sub(r"(nndl_lib\.)?\bautograd\.", "torch.", words.replace("autograd.Tensor(", "autograd.as_tensor("))
    rooms = {"functional": nn.functional, "nn": nn, "rnn": nn, "nn.init": nn.init}
    theirs = rooms.get(module.removeprefix("nndl_lib."))
    if not hasattr(theirs, name) or subject.owner and subject.path != "forward":
        return ""

    def translated(text):
        text = text if theirs is nn.init else re.sub(r"(, )?\bgenerator=G\(\)", "", text)
        return text.replace(home, f"{theirs.__name__}.{name}", 1)

    if not subject.owner:
        return translated(source)
    return re.sub(r"\b[xz]=", "", source.replace(call.owner, f"alike({translated(call.owner)}, {call.owner})", 1))


# --- Hostile calls and what is wrong with them ---

CLEAR = re.compile(
    r"argument '\w+'|dtype|scalar ?type|not implemented for|same device|on device|meta|Dimension out of range|"
    r"single memory location|leaf Variable|in-?place|ambiguous|bool tensor|types other than",
    re.I,
)
STRICT = ("count", "number", "flag", "function", "generator")  # their errors name the parameter, or show the value
LOOSE = ("word", "module", "other")  # Python's own errors will do
ERRORS = (ValueError, TypeError, RuntimeError, IndexError, NotImplementedError)
DATA = {"twice", "added", "overwritten"}.union(
    *map(HOSTILE.get, ("tensor", "labels", "array", "tensors"))
) - WRONG.keys()


def kind_of(value, p) -> str:
    """Which part of HOSTILE an argument belongs to."""
    if p.name in FREE:
        return "text"
    if isinstance(value, Tensor):
        return "tensor" if value.is_floating_point() else "labels"
    if isinstance(value, (list, tuple)) and value:
        kinds = (("tensors", Tensor), ("numbers", (int, float)))
        return next((kind for kind, one in kinds if all(isinstance(v, one) for v in value)), "other")
    floats = "float" in str(p.annotation) or isinstance(p.default, float)
    kinds = (
        ("flag", bool),
        ("number" if floats else "count", int),
        ("number", float),
        ("word", str),
        ("dtype", torch.dtype),
        ("generator", torch.Generator),
        ("device", torch.device),
        ("module", nn.Module),
        ("array", (autograd.Tensor, np.ndarray)),
    )
    return next((kind for kind, one in kinds if isinstance(value, one)), "function" if callable(value) else "other")


def hostile(call: Call):
    """The hostile forms of a call: parameter, its kind, the hostility, what is given, the call, what is right."""
    subject, source = call.subject, call.source()
    changes_its_argument = subject.path.endswith("_")
    if not changes_its_argument:
        yield "", "", "twice", "", call.source(function="twice"), source
    for copied in ("pickled", "copy.deepcopy"):
        if inspect.isclass(value_of(subject.path)) and subject.owner is None:
            yield "", "", copied, "", f"{copied}({source})", f"={source}"
        if subject.path == "forward":
            yield "", "", copied, "", Call(subject, call.given, f"{copied}({call.owner})").source(), f"={source}"
    leaves = {
        name: f"leaf({text})"
        for name, text in call.given.items()
        if name[0] != "*" and isinstance(value := value_of(text), Tensor) and value.is_floating_point()
    }
    result = call.source(**leaves)
    differentiable = outcome(result)[0] if leaves and not changes_its_argument else None
    if differentiable and any(gradient is not None for gradient in differentiable[1]):
        yield "", "", "added", "", f"added({result})", f"plus({result})"
        yield "", "", "overwritten", "", f"overwritten({result})", "any"
    for p in subject.parameters:
        given, key = call, next((key for key in call.given if key.strip("*/") == p.name), p.name)
        if key not in call.given:
            texts = subject.choices(p) + [repr(p.default)] * isinstance(p.default, (bool, int, float, str, tuple))
            more = (Call(subject, call.given | {key: text}, call.owner) for text in texts)
            given = next((one for one in more if outcome(one.source())[1] is None), None)
        if given is None or p.kind is p.VAR_KEYWORD:
            continue
        star, text = "*" * (p.kind is p.VAR_POSITIONAL), given.given[key].replace("{owner}", call.owner)
        text = f"({text})" if star else text
        group = kind_of(value_of(text), p)
        for kind, (wrong, right, *rounded) in HOSTILE[group].items():
            if kind == "None" and "None" in f"{p.annotation} {p.default}" or kind == "one" and len(value_of(text)) == 1:
                continue
            if rounded:
                large = {key: f"{text} * 600"} if kind.endswith("large") else {}
                halves, floats = (given.source(each=form, **large) for form in (wrong, right))
                yield p.name, group, kind, "", halves, rounded[0].format(floats)
            else:
                sign, right = "=" * right.startswith("="), right.removeprefix("=")
                ordinary_form = (
                    right if right in ("", "any") else sign + given.source(**{key: star + right.format(text)})
                )
                wrong = wrong.format(text, text, text)
                yield p.name, group, kind, wrong, given.source(**{key: star + wrong}), ordinary_form


@dataclass
class Trial:
    """One hostile call and what came of it: "right", "Python's own" error, or what is wrong."""

    key: str
    source: str
    verdict: str
    came: str

    @property
    def wrong(self) -> bool:
        return self.verdict not in ("right", "Python's own error")

    def __str__(self) -> str:
        return f"{self.verdict}: {self.key}\n    {self.source}\n    {self.came}"


def brief(result, error=None) -> str:
    if error is not None:
        text = f"{type(error).__name__}: {error}"
    else:
        shown = result if any(gradient is not None for gradient in result[1]) else result[0]
        try:
            text = repr(shown)
        except Exception as trouble:
            text = f"a {type(result[0]).__name__} whose repr raises {trouble!r}"
    text = " ".join(text.split())
    return text if len(text) < 240 else text[:240] + " ..."


def judge(call, name, group, kind, wrong, source, reference) -> tuple[str, str]:
    """The verdict on a hostile call, and what came of it."""
    before = surroundings()
    result, error = outcome(source)
    moved = [what for what, state in surroundings().items() if state != before[what]]
    if moved:
        return f"changes {', '.join(moved)}", brief(result, error)
    must, reference = reference.startswith("="), reference.removeprefix("=")
    theirs = of_torch(call, source) if kind in DATA or call.subject.module == "nndl_lib.autograd" else ""
    their_result, their_error = outcome(theirs) if theirs else (None, None)
    random_oracle = theirs and not error and not their_error and not same(outcome(theirs)[0], their_result)
    no_oracle = isinstance(their_error, (SyntaxError, NameError, AttributeError)) or "unexpected keyword" in str(
        their_error
    )
    if random_oracle or no_oracle:
        theirs, their_error = "", None
    came = brief(result, error) + (f"\n    {theirs} gives {brief(their_result, their_error)}" if theirs else "")
    if error is not None:
        message = str(error)
        as_ordinary = reference not in ("", "any") and type(outcome(reference)[1]) is type(error)
        if must:
            right = as_ordinary or re.search("single memory|leaf Variable", message)
        else:
            named = isinstance(error, (ValueError, TypeError)) and re.search(rf"\b{name}\b", message) and name
            form = "; expected " in message and (group not in STRICT or repr(value_of(wrong)) in message)
            clear = isinstance(error, ERRORS) and (their_error is not None or CLEAR.search(message))
            right = named or form or clear or as_ordinary
            if kind in ("added", "overwritten") and theirs and their_error is None:
                right, must = False, True  # torch allows this change
        loose = isinstance(error, (TypeError, AttributeError, ValueError)) and (kind in WRONG or group in LOOSE)
        return "right" if right else "Python's own error" if loose else "refused" if must else "unclear error", came
    value, tolerance, alone = result[0], 0.03 if "float16" in kind else 1e-4, not theirs or their_error
    right = not alone and same(result, their_result, tolerance) or reference == "any" and alone
    right = (
        right
        or kind in ("nan", "all nan", "inf", "-inf")
        and alone
        and not all(n.isfinite().all() for n in numbers(value))
    )
    right = right or kind == "meta" and any(n.is_meta for n in numbers(value))
    right = right or kind == "empty" and numbers(value) and all(n.numel() == 0 for n in numbers(value))
    if right or reference in ("", "any"):
        return "right" if right else "silent", came
    wanted, trouble = outcome(reference)
    if trouble is None:
        right = same(result if kind == "added" else value, wanted if kind == "added" else wanted[0], tolerance)
        right = right or kind == "0-d" and same(*([n.flatten() for n in numbers(v)] for v in (value, wanted[0])))
    return "right" if right else "differs", f"{came}\n    {reference} gives {brief(wanted, trouble)}"


def trials(subject: Subject):
    """All hostile calls of a subject, each with its verdict."""
    call = ordinary(subject)
    for name, group, kind, wrong, source, reference in hostile(call):
        yield Trial(
            f"{subject.name}: {name}: {kind}", source, *judge(call, name, group, kind, wrong, source, reference)
        )


def excepted(trial: Trial) -> list[str]:
    """The patterns of EXCEPTIONS under which a trial falls."""
    return [pattern for pattern in EXCEPTIONS if fnmatchcase(trial.key, pattern)]


def main(words: list[str]) -> None:
    counts, needless = Counter(), set(EXCEPTIONS)
    os.chdir(hostile_table.FOLDER.name)
    for subject in subjects():
        if words and not any(word in subject.name for word in words):
            continue
        try:
            for trial in trials(subject):
                verdict = "meant" if trial.wrong and excepted(trial) else trial.verdict.split(" ")[0]
                counts[trial.key.split(": ")[2], verdict] += 1
                needless -= set(excepted(trial)) if trial.wrong else set()
                if trial.wrong and verdict != "meant":
                    print(trial)
        except LookupError as error:
            counts["no ordinary call", "unclear"] += 1
            print(error)
    print(*(f"needless exception: {pattern}" for pattern in sorted(needless) if not words), sep="\n")
    verdicts = ["right", "Python's", "meant", "silent", "differs", "refused", "changes", "unclear"]
    print("".join(f"{word:>18}" for word in ["kind", *verdicts]))
    for kind in [*sorted({kind for kind, _ in counts}), ""]:
        numbers = [sum(n for (k, v), n in counts.items() if kind in ("", k) and v == verdict) for verdict in verdicts]
        print("".join(f"{word:>18}" for word in [kind or f"all {counts.total()}", *numbers]))


if __name__ == "__main__":
    main(sys.argv[1:])

"""PyTorch's own test databases, fed to whatever in the library has a counterpart there, and what they find.

    python -m tests.torch_databases                    every sample (minutes): a table of counts, then what is not equal
    python -m tests.torch_databases functional.elu     those of names that begin so
    python -m tests.torch_databases --sample           a few of each name and dtype

A counterpart is found by its name, so a new one is covered without a line here. It gets each sample in several styles,
and torch gets the same; ``torch_calls`` compares the two. Where torch raises, the library has to raise too; where only
the library does, by a TypeError or a ValueError, the case counts as refused. Every case that is refused or different
needs an entry in ``torch_differences``, and every entry there a case.

The databases are private, and may change with any version of torch: pins keep `make test` working, and the canary fails
where the four functions that yield cases do not find what they name. Their import turns torch's global flags off, which
other tests need: so this is a program, and the tests start it.
"""

import operator
import re
import sys
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable
from functools import partial, reduce
from itertools import product
from typing import NamedTuple

import torch
from torch.utils._pytree import tree_leaves, tree_map

from nndl_lib import autograd, functional, nn, optim, rnn
from tests.torch_calls import DTYPES, STYLES, outcome, run_arrays, run_function, run_layer, run_optimizers
from tests.torch_differences import KNOWN

PER_GROUP = 6  # how many samples of each name and dtype --sample takes


class Case(NamedTuple):
    name: str
    what: str
    dtype: torch.dtype | None
    theirs: Callable[..., dict] | None  # None where the database says that this is an error
    ours: Callable[[], dict]


def modules():
    from torch.testing._internal.common_modules import ModuleErrorEnum, module_db

    for info in module_db:
        theirs, name = info.module_cls, info.module_cls.__name__
        ours = getattr(nn, name, getattr(rnn, name, None))
        for dtype, training in product(DTYPES if ours else (), (True, False)):
            options = {"device": "cpu", "dtype": dtype, "requires_grad": True, "training": training}
            mode, second = "training" if training else "evaluation", info.supports_gradgrad and dtype == torch.float64
            samples = [(s.constructor_input, s.forward_input) for s in info.module_inputs_func(info, **options)]
            if issubclass(theirs, torch.nn.RNNBase):  # the database has single sequences only
                samples += [
                    (made, in_a_batch(given, 0 if made.kwargs["batch_first"] else 1)) for made, given in samples
                ]
            for (k, (made, given)), style in product(enumerate(samples), STYLES):
                calls = (
                    partial(run_layer, cls, theirs, made, given, style, dtype, training, second)
                    for cls in (theirs, ours)
                )
                yield Case(f"nn.{name}", f"sample {k}, {style}, {mode}", dtype, *calls)
            for k, error in enumerate(
                info.module_error_inputs_func(info, **options) if info.module_error_inputs_func else ()
            ):
                made, given = error.module_error_input.constructor_input, error.module_error_input.forward_input
                given = None if error.error_on == ModuleErrorEnum.CONSTRUCTION_ERROR else given
                call = partial(run_layer, ours, theirs, made, given, STYLES[0], dtype, training, False)
                yield Case(f"nn.{name}", f"error {k}: {error.error_regex}", dtype, None, call)


def functions():
    from torch.testing._internal.common_methods_invocations import op_db

    for op in op_db:
        name = op.name.removeprefix("nn.functional.")
        if name in functional.__all__:
            ours, theirs = getattr(functional, name), reduce(getattr, op.name.split("."), torch)
            for dtype in (dtype for dtype in DTYPES if dtype in op.dtypes):
                second = op.supports_gradgrad and dtype == torch.float64
                for (k, sample), style in product(enumerate(samples_of(op, dtype)), STYLES):
                    calls = (partial(run_function, f, theirs, sample, style, second) for f in (theirs, ours))
                    yield Case(f"functional.{name}", f"sample {k}, {style}", dtype, *calls)
            for k, error in enumerate(op.error_inputs("cpu") if op.error_inputs_func else ()):
                call = partial(run_function, ours, theirs, error.sample_input, STYLES[0], False)
                yield Case(f"functional.{name}", f"error {k}: {error.error_regex}", None, None, call)


def arrays():
    from torch.testing._internal.common_methods_invocations import op_db

    for op in op_db:
        ours = of_arrays(op)
        for dtype in (dtype for dtype in DTYPES[:3] if ours and dtype in op.dtypes):  # NumPy has no bfloat16
            for k, sample in enumerate(samples_of(op, dtype)):
                calls = partial(run_function, op.op, op.op, sample, STYLES[0], False), partial(run_arrays, ours, sample)
                yield Case(f"autograd.{op.name}", f"sample {k}", dtype, *calls)


def optimizers():
    from torch.testing._internal.common_optimizers import optim_db

    for info in optim_db:
        theirs, name = info.optim_cls, info.optim_cls.__name__
        ours = getattr(optim, name, None)
        for dtype in DTYPES if ours else ():
            pairs = {"": (ours, ours), ", torch's state goes on": (theirs, ours), ", goes on in torch": (ours, theirs)}
            for (k, sample), (how, pair) in product(enumerate(info.optim_inputs_func("cpu", dtype)), pairs.items()):
                calls = (partial(run_optimizers, classes, sample.kwargs, dtype) for classes in ((theirs, theirs), pair))
                yield Case(f"optim.{name}", f"sample {k}, {sample.desc}{how}", dtype, *calls)
        for error in (
            info.optim_error_inputs_func("cpu", torch.float64) if ours and info.optim_error_inputs_func else ()
        ):
            sample = error.optimizer_error_input
            call = partial(run_optimizers, (ours, ours), sample.kwargs, torch.float64, params=sample.params)
            yield Case(f"optim.{name}", f"error: {sample.desc}", None, None, call)


def samples_of(op, dtype):
    with warnings.catch_warnings(action="ignore"):
        try:
            found = list(op.reference_inputs("cpu", dtype, requires_grad=True))  # they begin with the sample inputs
        except ValueError:  # of where: a gradient by the condition is asked for
            found = [*op.sample_inputs("cpu", dtype, requires_grad=True), *op.reference_inputs("cpu", dtype)]
    return [
        s for s in found if all(t.numel() < 2000 for t in tree_leaves((s.input, s.args)) if isinstance(t, torch.Tensor))
    ]


def of_arrays(op):
    """The operator, method or function of ``autograd`` for an entry of the database, or None."""
    if op.name == "where":
        return lambda a, condition, b: autograd.where(condition, a, b)  # the database has the condition second
    symbol = operator.truediv if op.name == "div" else op.operator_variant  # /, not //
    if symbol and hasattr(autograd.Tensor, f"__{symbol.__name__.strip('_')}__"):
        return symbol
    for name in (op.name, *(alias.name for alias in op.aliases)):
        if name in autograd.__all__:
            return getattr(autograd, name)
        if callable(vars(autograd.Tensor).get(name)):
            return getattr(autograd.Tensor, name)


def in_a_batch(given, dim):
    x, *states = (tree_map(lambda t: t.unsqueeze(dim if k == 0 else 1), t) for k, t in enumerate(given.args))
    return type(given)(x, *states, **given.kwargs)


def run(sample: bool, start: str = "") -> bool:
    """Try all cases, or a sample of them, print what comes of it, and say whether that was to be expected."""
    kinds, counts, groups, lines = ("equal", "refused", "different"), Counter(), defaultdict(list), defaultdict(list)
    for case in (case for database in (modules, functions, arrays, optimizers) for case in database()):
        if case.name.startswith(start):
            groups[case.name, case.dtype].append(case)
    for (name, dtype), cases in groups.items():
        step = max(1, len(cases) // PER_GROUP) if sample else 1
        for case in cases[:: step + (step % len(STYLES) == 0)]:  # else it would meet one style again and again
            kind, why = outcome(case.theirs, case.ours)
            counts.update([(name, kind), ("all", kind)])
            if kind != "equal":
                line = f"{kind} {name} {str(dtype).removeprefix('torch.')}, {case.what}: {' '.join(why.split())}"
                lines[next((pattern for pattern in KNOWN if re.search(pattern, line)), None)].append(line)
    for name in [*dict.fromkeys(name for name, _ in groups), "all"]:
        print(f"{name:42}", *(f"{counts[name, kind]:7} {kind}" for kind in kinds))
    print(*(f"{len(lines[known]):7} x {KNOWN[known]}" for known in KNOWN if known in lines), sep="\n")
    unneeded = [] if sample or start else [pattern for pattern in KNOWN if pattern not in lines]
    print(*(f"NO LONGER NEEDED in tests/torch_differences.py: {pattern}" for pattern in unneeded), sep="\n")
    print(*(f"NOT KNOWN: {line[:400]}" for line in lines[None]), sep="\n")
    return not lines[None] and not unneeded


if __name__ == "__main__":
    sample = "--sample" in sys.argv
    sys.exit(not run(sample, *(set(sys.argv[1:]) - {"--sample"})))

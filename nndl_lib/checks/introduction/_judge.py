"""Exercise 1: judge a learner."""

from collections import Counter
from functools import partial

import torch

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._inputs import floats, generator, hundredths


def _cases():
    """Arguments z, truth."""

    def case(z, truth, note="", hint=""):
        return Case((floats(*z), torch.tensor(truth, dtype=torch.bool)), note, hint)

    zero = "A score of exactly 0 goes wrong: it says yes, as in z >= 0."
    nothing = "A share of nothing goes wrong: where there is no true case, or no alarm, return 0."
    yield case([1.5], [True], "one example")
    yield case([-1.0, 2.0, 0.5], [True, True, False])
    yield case([2.0, 1.0, -1.0, 3.0, -2.0], [True, False, False, False, True])
    yield case([-3.0, -1.0, -0.5, 2.0, 1.0, -4.0], [False, False, False, True, False, True])
    yield case([0.0, -1.0, 1.0], [True, True, False], "a score of 0", zero)
    yield case([-1.0, -2.0, -0.5], [True, False, True], "no alarm", nothing)
    yield case([-1.0, 2.0, 3.0], [False, False, False], "no true case", nothing)
    yield case([-1.0, -2.0], [False, False], "no alarm", nothing)
    yield case([-1e4, 1e4, 1e4, -3.0], [False, True, False, True], "large scores")
    for seed, N in [(1, 9), (2, 14), (3, 20)]:
        g = generator(300 + seed)
        yield case((hundredths(N, g=g) + 0.005).tolist(), (torch.rand(N, generator=g) < 0.4).tolist())
    yield Case((torch.tensor([1.0, -0.5, 2.0], dtype=torch.float32), torch.tensor([True, True, False])), "float32")


def _share(count, of):
    return count.double() / of.double() if of else torch.zeros((), dtype=torch.float64)


def _three(z, truth, accuracy=None, found=None, false=None, says=None):
    """The right answer, with parts of it replaced by functions of (says, truth)."""
    says = z >= 0 if says is None else says
    accuracy = accuracy or (lambda s, t: (s == t).double().mean())
    found = found or (lambda s, t: _share((s & t).sum(), t.sum()))
    false = false or (lambda s, t: _share((s & ~t).sum(), s.sum()))
    return tuple(part(says, truth).to(z.dtype) for part in (accuracy, found, false))


@exercise(
    returns=("accuracy", "found", "false"),
    cases=_cases,
    mistakes=[
        "You turn the scores around: a score of at least 0 says yes.",
        lambda z, truth: _three(z, truth, says=z < 0),
        "The border is 0: a score of at least 0 says yes. Yours is another one, as for probabilities.",
        *(lambda z, truth, at=at: _three(z, truth, says=z >= at) for at in (0.5, 1.0)),
        lambda z, truth: _three(z, truth, says=z.round() >= 1),
        "accuracy is the share of wrong answers; count where the answer equals the truth.",
        partial(_three, accuracy=lambda s, t: (s != t).double().mean()),
        "accuracy counts only the hits; a right no is a right answer, too.",
        partial(_three, accuracy=lambda s, t: (s & t).double().mean()),
        partial(_three, accuracy=lambda s, t: _share((s & t).sum(), (s | t).sum())),
        partial(_three, accuracy=lambda s, t: _share((s & t).sum(), t.sum())),
        "found divides by the alarms, which is precision; divide by the true cases.",
        partial(_three, found=lambda s, t: _share((s & t).sum(), s.sum())),
        "found divides by the wrong number: it is a share of the true cases, not of all N or of the others.",
        partial(_three, found=lambda s, t: (s & t).double().mean()),
        partial(_three, found=lambda s, t: _share((s & t).sum(), (~t).sum())),
        partial(_three, found=lambda s, t: _share((s & t).sum(), (~t).sum().clamp(min=1))),
        partial(_three, found=lambda s, t: _share((s & t).sum(), (s == t).sum())),
        "found counts all alarms over the true cases; count only those that are true.",
        partial(_three, found=lambda s, t: _share(s.sum(), t.sum())),
        "found is the share that is missed; count those that are found.",
        partial(_three, found=lambda s, t: _share((~s & t).sum(), t.sum())),
        "found is an F1 score, a mixture of two shares; divide the hits by the true cases.",
        partial(_three, found=lambda s, t: _share(2 * (s & t).sum(), s.sum() + t.sum())),
        "false divides by the cases that are not true; here it is the share of the alarms.",
        partial(_three, false=lambda s, t: _share((s & ~t).sum(), (~t).sum())),
        "false divides by the wrong number: it is a share of the alarms, not of all N or of the true cases.",
        partial(_three, false=lambda s, t: (s & ~t).double().mean()),
        partial(_three, false=lambda s, t: _share((s & ~t).sum(), t.sum())),
        partial(_three, false=lambda s, t: _share((s & ~t).sum(), t.sum().clamp(min=1))),
        partial(_three, false=lambda s, t: _share((s & ~t).sum(), (s != t).sum())),
        "false is the share of the alarms that are true, the precision; count the other alarms.",
        partial(_three, false=lambda s, t: _share((s & t).sum(), s.sum())),
        "false is 1 - precision, which is 1 where there is no alarm; a share of nothing counts as 0.",
        partial(_three, false=lambda s, t: 1 - _share((s & t).sum(), s.sum())),
        "false counts something else than alarms that are false: yes where the truth is no, over all that say yes.",
        partial(_three, false=lambda s, t: _share((~s & t).sum(), t.sum())),
        partial(_three, false=lambda s, t: _share((~s & t).sum(), s.sum())),
        partial(_three, false=lambda s, t: (s != t).double().mean()),
        partial(_three, false=lambda s, t: _share((~s & ~t).sum(), (~t).sum())),
        partial(_three, false=lambda s, t: _share((~s & t).sum(), (~s).sum())),
        "Counts are not divided; found is a share of the true cases, false one of the alarms, accuracy one of all N.",
        partial(_three, accuracy=lambda s, t: (s == t).double().sum()),
        partial(_three, found=lambda s, t: (s & t).sum().double()),
        partial(_three, false=lambda s, t: (s & ~t).sum().double()),
        partial(
            _three,
            accuracy=lambda s, t: (s == t).double().sum(),
            found=lambda s, t: (s & t).sum().double(),
            false=lambda s, t: (s & ~t).sum().double(),
        ),
        "Shares are rounded down to whole numbers: // divides without the rest. Write /, and make the counts floats.",
        lambda z, truth: tuple(part.floor() for part in _three(z, truth)),
        lambda z, truth: (_three(z, truth)[0], *(part.floor() for part in _three(z, truth)[1:])),
        "The shares come in percent; return numbers from 0 to 1.",
        lambda z, truth: tuple(100 * part for part in _three(z, truth)),
    ],
)
def judge(z, truth):
    """Exercise 1: accuracy, share found, share of false alarms. The function returns three tensors of shape ()."""
    hits, misses, alarms, quiet = (  # by counting the pairs of answer and truth, which are 11, 01, 10 and 00
        Counter(zip((z >= 0).tolist(), truth.tolist()))[pair]
        for pair in [(True, True), (False, True), (True, False), (False, False)]
    )
    values = (hits + quiet) / len(z), hits / max(hits + misses, 1), alarms / max(hits + alarms, 1)
    return tuple(torch.tensor(value, dtype=z.dtype) for value in values)

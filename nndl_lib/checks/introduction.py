"""Checks of the exercises to chapter 01, "Introduction"."""

from collections import Counter
from functools import partial

import numpy as np
import torch
from torch import Tensor

from nndl_lib.checks import Case, exercise
from nndl_lib.checks._engine import each
from nndl_lib.checks._inputs import floats, generator

__all__ = ["analogy", "company", "judge", "replay", "vote"]


def _hundredths(*shape: int, g: torch.Generator) -> Tensor:
    return torch.randint(-200, 201, shape, generator=g).double() / 100


# --- 1: judge a learner ---------------------------------------------------------------------------------------------


def _verdicts():
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
        yield case((_hundredths(N, g=g) + 0.005).tolist(), (torch.rand(N, generator=g) < 0.4).tolist())
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
    cases=_verdicts,
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


# --- 2: the company of words ----------------------------------------------------------------------------------------


_SELF = "A word that meets itself goes wrong: the pair counts for both places, so 2 is added on the diagonal."


def _texts():
    """Arguments sentences, vocabulary, window."""

    def case(text, vocabulary, window, note="", hint=""):
        return Case(([line.split() for line in text.split(". ")], vocabulary.split(), window), note, hint)

    unknown = "Words outside the vocabulary go wrong: they get no row, but keep their place in the sentence."
    again = "A word that stands twice within the window goes wrong: both places count, though the word is the same."
    yield case("a b", "a b", 1)
    yield case("a b c", "a b c", 1)
    yield case("a b c", "c a b", 2)
    yield case("a b c d e", "a b c d e", 2)
    yield case("red hot tea. hot red soup. tea", "tea red hot soup", 1, "a sentence of one word")
    yield case("a b b", "a b", 2, "a word twice in a window", again)
    yield case("so far far away", "so far away", 2, "a word twice in a window", again)
    yield case("far far away", "far away", 1, "a word twice in a sentence", _SELF)
    yield case("a b a b a", "a b", 2, "a word twice in a sentence", _SELF)
    yield case("a x b c", "a b c", 1, "a word outside the vocabulary", unknown)
    yield case("x a y b. b a", "b a", 2, "a word outside the vocabulary", unknown)
    yield case("a b c", "a b c z", 9, "a window longer than the sentence")
    yield case("one two three four five six. six one. four two five", "six four one five three two", 3)
    yield case("the cat sees the dog. the dog sees a cat", "the cat sees a dog", 2, "a word twice in a sentence", _SELF)


def _count(
    sentences,
    vocabulary,
    window,
    pairs=lambda i, j, window: 0 < j - i <= window,
    both=True,
    same=2,
    once=False,
    joined=False,
    drop=False,
    off=None,
):
    """Counts with the rules as options, to make mistakes with."""
    index = {word: k for k, word in enumerate(vocabulary)}
    counts = torch.zeros(len(vocabulary), len(vocabulary), dtype=torch.int64)
    if joined:
        sentences = [[word for sentence in sentences for word in sentence]]
    for sentence in sentences:
        if drop:
            sentence = [word for word in sentence if word in index]
        seen = set()
        for i, one in enumerate(sentence):
            for j, other in enumerate(sentence):
                if not pairs(i, j, window) or one not in index or other not in index:
                    continue
                v, w = index[one], index[other]
                if once and (v, w) in seen:
                    continue
                seen |= {(v, w), (w, v)}
                if v == w:
                    counts[v, v] += same
                else:
                    counts[v, w] += 1
                    if both:
                        counts[w, v] += 1
    return counts


def _own(sentences, vocabulary):
    appears = Counter(word for sentence in sentences for word in sentence)
    return torch.tensor([appears[word] for word in vocabulary]).diag()


def _pairs_of(sentences, vocabulary, neighbors):
    """1 for each word and each of ``neighbors(sentence, place, word)``, which come with their weights."""
    index = {word: k for k, word in enumerate(vocabulary)}
    counts = torch.zeros(len(vocabulary), len(vocabulary), dtype=torch.float64)
    for sentence in sentences:
        for i, one in enumerate(sentence):
            for other, weight in neighbors(sentence, i, one):
                if one in index and other in index:
                    counts[index[one], index[other]] += weight
    return counts


def _sets(sentences, vocabulary, window, sides):
    """Each word meets the words of some sets; ``sides`` makes them of those before it and those behind it."""
    return _pairs_of(
        sentences,
        vocabulary,
        lambda sentence, i, _: [
            (word, 1)
            for words in sides(sentence[max(i - window, 0) : i], sentence[i + 1 : i + 1 + window])
            for word in set(words)
        ],
    ).long()


def _wraps(sentences, vocabulary, window):
    return _pairs_of(
        sentences,
        vocabulary,
        lambda sentence, i, _: [(word, 1) for word in sentence[i - window : i] + sentence[i + 1 : i + 1 + window]],
    ).long()


def _by_distance(sentences, vocabulary, window):
    return _pairs_of(
        sentences,
        vocabulary,
        lambda sentence, i, _: [(word, 1 / abs(i - j)) for j, word in enumerate(sentence) if 0 < abs(i - j) <= window],
    )


def _first_places(sentences, vocabulary, window):
    counts = _pairs_of(
        sentences,
        vocabulary,
        lambda sentence, i, one: [(word, 1) for word in sentence[sentence.index(one) + 1 :][:window]],
    ).long()
    return counts + counts.T


@exercise(
    returns=("counts",),
    strict=("counts",),
    cases=_texts,
    mistakes=[
        "You look one place too short: a window of 1 reaches the next word. A slice ends before its second number.",
        partial(_count, pairs=lambda i, j, w: 0 < j - i < w),
        "You look one place too far: a window of 1 reaches the next word alone.",
        partial(_count, pairs=lambda i, j, w: 0 < j - i <= w + 1),
        "You look to one side only, or less far there: each pair counts for both its words, so the table is symmetric.",
        partial(_count, both=False, same=1),
        partial(_count, pairs=lambda i, j, w: 0 < i - j <= w, both=False, same=1),
        partial(_count, pairs=lambda i, j, w: -w <= j - i < w and i != j, both=False, same=1),
        partial(_count, pairs=lambda i, j, w: -w < j - i <= w and i != j, both=False, same=1),
        "The window is not split in two: a place at most window apart counts, on the left and on the right.",
        partial(_count, pairs=lambda i, j, w: 0 < j - i <= w // 2),
        "You count every pair in a sentence; only places at most window apart count.",
        partial(_count, pairs=lambda i, j, w: j > i),
        partial(_count, pairs=lambda i, j, w: j > i, same=0),
        "You count only places exactly window apart; nearer ones count, too.",
        partial(_count, pairs=lambda i, j, w: j - i == w),
        "Near the beginning of a sentence words are lost: sentence[i - window:i] is empty if i - window is negative.",
        _wraps,
        "A word counts as its own company at its own place: leave out distance 0.",
        lambda s, v, w: _count(s, v, w) + _own(s, v),
        "You look across the ends of sentences; the last word of one and the first of the next are not neighbors.",
        partial(_count, joined=True),
        "Not all sentences are counted; go through every one of them.",
        lambda s, v, w: _count(s[:1], v, w),
        lambda s, v, w: _count(s[-1:], v, w),
        "A pair of words counts once a sentence in your table; count every pair of places.",
        partial(_count, once=True),
        _SELF,
        partial(_count, same=1),
        "A word that stands twice within the window counts twice; in a set it is there once.",
        *each(_sets, sides=(lambda before, behind: [before + behind], lambda before, behind: [before, behind])),
        lambda s, v, w: (lambda right: right + right.T)(_sets(s, v, w, lambda before, behind: [behind])),
        "The table holds only 0 and 1; count how often a pair occurs.",
        lambda s, v, w: (_count(s, v, w) > 0).long(),
        "The diagonal is empty; a word that stands near itself keeps company with itself.",
        partial(_count, same=0),
        "Pairs count less where they are farther apart; each counts 1, whatever its distance.",
        _by_distance,
        lambda s, v, w: _by_distance(s, v, w).long(),
        "Rows and columns stand in another order than the words of the vocabulary.",
        lambda s, v, w: _count(s, sorted(v), w),
        lambda s, v, w: _count(s, list(dict.fromkeys(word for line in s for word in line if word in v)), w),
        "Unknown words are removed before the distance is measured; they keep their place.",
        partial(_count, drop=True),
        "Place and word are mixed up: .index(word) gives the first place of a word that stands there twice.",
        _first_places,
    ],
)
def company(sentences, vocabulary, window):
    """Exercise 2: co-occurrence counts within a window. The function returns (V, V), int64."""
    # Shifted copies of each sentence, one-hot: B[i] for place i, and the sum over the distances of B[:-d]' B[d:].
    V = len(vocabulary)
    table = np.zeros((V, V), dtype=np.int64)
    for sentence in sentences:
        B = np.array([[word == entry for entry in vocabulary] for word in sentence], dtype=np.int64).reshape(-1, V)
        for d in range(1, min(window, len(sentence) - 1) + 1):
            table += B[:-d].T @ B[d:] + B[d:].T @ B[:-d]
    return torch.from_numpy(table)


# --- 3: an analogy --------------------------------------------------------------------------------------------------


def _questions():
    """Arguments vectors, a, b, c."""
    below = "It goes wrong where all cosines are negative: give the three given words minus infinity, not 0."
    yield Case((floats([1.0, 1.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]), 0, 1, 2), "four words")
    yield Case(
        (floats([1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [-1.0, -0.5], [-1.0, -3.0]), 0, 1, 2), "negative cosines", below
    )
    yield Case((floats([2.0, 0.0], [0.0, 0.5], [3.0, 3.0], [4.0, 0.5], [1.0, 1.5]), 0, 1, 2), "different lengths")
    for seed, V, k in [(1, 5, 2), (2, 6, 3), (3, 8, 2), (4, 8, 4), (5, 9, 3), (6, 12, 2), (7, 7, 3)]:
        g = generator(330 + seed)
        a, b, c = torch.randperm(V, generator=g)[:3].tolist()
        lengths = torch.randint(1, 6, (V, 1), generator=g)
        yield Case((_hundredths(V, k, g=g) * lengths + 0.01, a, b, c), "different lengths")
    for seed in range(3):  # the answer is close to a given word
        g = generator(350 + seed)
        vectors = _hundredths(6, 3, g=g)
        yield Case((vectors + 0.01, 2, 4, 0), "")
    g = generator(360)
    yield Case((_hundredths(6, 2, g=g) + 0.01, 5, 0, 3), "")
    yield Case(((_hundredths(7, 3, g=g) + 0.01).float(), 1, 4, 2), "float32")


def _answer(
    vectors,
    a,
    b,
    c,
    query=lambda u, a, b, c: u[a] - u[b] + u[c],
    unit=True,
    out=-torch.inf,
    length=True,
    least=False,
    all_unit=True,
    given=None,
    score=lambda cosines: cosines,
    by=lambda v: v.norm(dim=1, keepdim=True),
):
    """The right answer, with its rules as options, to make mistakes with."""
    u = vectors / by(vectors) if unit else vectors
    q = query(u, a, b, c)
    rows = u if unit or not all_unit else vectors / vectors.norm(dim=1, keepdim=True)
    scores = score(rows @ (q / q.norm() if length else q))
    scores[[a, b, c] if given is None else given] = torch.inf if least else out
    word = scores.argmin() if least else scores.argmax()
    return int(word), scores[word]


def _nearest(vectors, a, b, c, unit=True):
    u = vectors / vectors.norm(dim=1, keepdim=True) if unit else vectors
    q = u[a] - u[b] + u[c]
    distance = (u - q).norm(dim=1)
    distance[[a, b, c]] = torch.inf
    word = int(distance.argmin())
    return word, distance[word] if unit else torch.cosine_similarity(u[word], q, dim=0)


def _shifted(vectors, a, b, c):
    word, cosine = _answer(vectors, a, b, c)
    return word - sum(given < word for given in (a, b, c)), cosine


@exercise(
    returns=("word", "cosine"),
    cases=_questions,
    mistakes=[
        "It goes wrong where all cosines are negative: give the three given words minus infinity, not 0.",
        partial(_answer, out=0.0),
        "The given words are not left out: the answer must be a fourth one.",
        partial(_answer, given=[]),
        "Not all of the three given words are left out: neither a nor b nor c may be the answer.",
        *(
            lambda v, a, b, c, some=some: _answer(v, a, b, c, given=[(a, b, c)[k] for k in some])
            for some in ((0,), (1,), (2,), (0, 1), (0, 2), (1, 2))
        ),
        "The vectors are not brought to length 1 before you add them.",
        partial(_answer, unit=False),
        "The vectors are not brought to length 1: you compare plain dot products.",
        partial(_answer, unit=False, all_unit=False),
        partial(_answer, unit=False, all_unit=False, length=False),
        "The lengths are not those of the rows: divide each row by the root of the sum of its squares, dim=1.",
        *each(
            _answer,
            by=(
                lambda v: v.norm(dim=0),
                lambda v: v.norm(),
                lambda v: v.abs().sum(dim=1, keepdim=True),
                lambda v: v.square().sum(dim=1, keepdim=True),
                lambda v: v.abs().amax(dim=1, keepdim=True),
            ),
        ),
        "word is right, but cosine is a plain dot product: divide q by its length.",
        partial(_answer, length=False),
        "You add b and subtract c: the result is u_a - u_b + u_c.",
        partial(_answer, query=lambda u, a, b, c: u[a] + u[b] - u[c]),
        "The signs in q are wrong: u_a and u_c are added, u_b alone is subtracted.",
        partial(_answer, query=lambda u, a, b, c: u[a] + u[b] + u[c]),
        partial(_answer, query=lambda u, a, b, c: u[a] - u[b] - u[c]),
        partial(_answer, query=lambda u, a, b, c: u[b] - u[a] - u[c]),
        "The step goes the wrong way: you compute u_b - u_a + u_c. Have a and b changed places, and the sign?",
        partial(_answer, query=lambda u, a, b, c: u[b] - u[a] + u[c]),
        "One of the three words is missing from q: it is u_a - u_b + u_c.",
        partial(_answer, query=lambda u, a, b, c: u[a] - u[b]),
        partial(_answer, query=lambda u, a, b, c: u[a] + u[c]),
        partial(_answer, query=lambda u, a, b, c: u[c] - u[b]),
        partial(_answer, query=lambda u, a, b, c: u[c]),
        "You take the smallest cosine; the nearest word has the largest.",
        partial(_answer, least=True),
        "You drop the sign of the cosines; a word on the opposite side is the farthest, not the nearest.",
        partial(_answer, score=torch.abs),
        "word is right, but beside it you return a distance or an angle; return the cosine.",
        _nearest,
        lambda v, a, b, c: (_nearest(v, a, b, c)[0], _nearest(v, a, b, c)[1] ** 2),
        lambda v, a, b, c: (_answer(v, a, b, c)[0], _answer(v, a, b, c)[1].acos()),
        "You look for the smallest distance of vectors that have different lengths; look for the largest cosine.",
        partial(_nearest, unit=False),
        "word is a place in the list without the three words; return the place among all.",
        _shifted,
    ],
)
def analogy(vectors, a, b, c):
    """Exercise 3: the fourth word, and its cosine. The function returns (word, cosine)."""
    unit = torch.nn.functional.normalize(vectors, dim=1)
    q = (unit[a] - unit[b] + unit[c])[None]
    cosines = torch.nn.functional.cosine_similarity(vectors, q, dim=1)
    word = max((k for k in range(len(vectors)) if k not in (a, b, c)), key=lambda k: cosines[k].item())
    return word, cosines[word]


# --- 4: a vote of neighbors -----------------------------------------------------------------------------------------


def _ballots():
    """Arguments X_known, t_known, X_new, k."""
    tie = "A tie goes wrong: of classes with equally many votes, the one with the nearest point wins."
    line = floats([0.0], [1.0], [2.5], [4.0])
    yield Case((floats([1.0]), torch.tensor([2]), floats([3.0]), 1), "one known point")
    yield Case((line, torch.tensor([0, 1, 1, 0]), floats([0.2]), 1), "k = 1")
    yield Case((line, torch.tensor([0, 1, 1, 0]), floats([0.2], [3.9]), 3))
    yield Case((line, torch.tensor([1, 0, 1, 0]), floats([0.9], [0.2], [2.0]), 2), "a tie", tie)
    yield Case((line, torch.tensor([2, 0, 2, 0]), floats([0.1], [3.6]), 4), "a tie", tie)
    yield Case((line, torch.tensor([3, 1, 0, 2]), floats([0.3], [2.2]), 3), "a tie", tie)
    yield Case((floats([0.0], [3.0], [0.5], [0.75]), torch.tensor([1, 1, 0, 0]), floats([0.125]), 4), "a tie", tie)
    for seed, N, M, D, K, k, note in [
        (1, 6, 3, 2, 2, 3, ""),
        (2, 9, 4, 2, 3, 5, ""),
        (3, 12, 5, 3, 2, 3, ""),
        (4, 9, 4, 2, 3, 1, "k = 1"),
        (5, 15, 6, 3, 3, 7, ""),
        (6, 7, 3, 2, 2, 7, "k = N"),
        (7, 20, 8, 2, 2, 5, ""),
        (8, 10, 4, 2, 4, 4, ""),
        (9, 14, 9, 3, 3, 3, ""),
    ]:
        g = generator(380 + seed)
        X, X_new = _hundredths(N, D, g=g), _hundredths(M, D, g=g) + 0.003
        yield Case((X, torch.randint(K, (N,), generator=g), X_new, k), note)
    g = generator(399)
    X, t, X_new = _hundredths(8, 2, g=g), torch.randint(3, (8,), generator=g), _hundredths(3, 2, g=g) + 0.003
    yield Case((X.float(), t, X_new.float(), 3), "float32")


def _more_ballots():
    def arguments(N):
        g = generator(400 + N)
        return _hundredths(N, 2, g=g), torch.randint(3, (N,), generator=g), _hundredths(4, 2, g=g) + 0.003, 3

    return [("known points", arguments(8), arguments(64), 56)]


def _elect(X, t, new, k, decide, distance=None):
    distances = torch.cdist(new, X) if distance is None else distance(X, new)
    return torch.tensor([decide(t[row.argsort()[:k]].tolist()) for row in distances])


def _first_of_most(classes):
    votes = Counter(classes)
    return max(classes, key=lambda c: votes[c])  # the first of equal ones: the nearest


def _weighted(X, t, new, k, power):
    distances = torch.cdist(new, X)
    near = distances.argsort(dim=1)[:, :k]
    return (
        (torch.nn.functional.one_hot(t[near]) * distances.gather(1, near)[..., None] ** -power).sum(dim=1).argmax(dim=1)
    )


def _modes(classes):
    votes = Counter(classes)
    return [c for c in sorted(votes) if votes[c] == max(votes.values())]


@exercise(
    returns=("classes",),
    strict=("classes",),
    cases=_ballots,
    loops=_more_ballots,
    mistakes=[
        "You let the farthest points vote; sort by distance, the smallest first.",
        partial(_elect, decide=_first_of_most, distance=lambda X, n: -torch.cdist(n, X)),
        "You ask the nearest point alone; k of them vote.",
        lambda X, t, n, k: _elect(X, t, n, 1, _first_of_most),
        "You return the class of the k-th neighbor; let all k vote.",
        partial(_elect, decide=lambda c: c[-1]),
        "The number of points that vote is not k: one more or less, or all. A slice [:k] holds k of them.",
        lambda X, t, n, k: _elect(X, t, n, k + 1, _first_of_most),
        lambda X, t, n, k: _elect(X, t, n, max(k - 1, 1), _first_of_most),
        lambda X, t, n, k: _elect(X, t, n, len(t), _first_of_most),
        lambda X, t, n, k: t.mode().values.expand(len(n)).clone(),
        "You leave out the nearest point. That is right only where a point would meet itself; new points are new.",
        *(
            lambda X, t, n, k, end=end: torch.tensor(
                [
                    _first_of_most(t[row.argsort()[1 : k + end]].tolist() or [t[row.argmin()].item()])
                    for row in torch.cdist(n, X)
                ]
            )
            for end in (1, 0)
        ),
        "Ties go to the smallest class; they must go to the class that has the nearest point.",
        partial(_elect, decide=lambda c: _modes(c)[0]),
        "Ties go to the largest class; they must go to the class that has the nearest point.",
        partial(_elect, decide=lambda c: _modes(c)[-1]),
        "Ties go to the class whose last voter comes last; they must go to the class that has the nearest point.",
        partial(_elect, decide=lambda c: _first_of_most(c[::-1])),
        "Near points have more weight in your vote; each of the k has one vote.",
        *each(_weighted, power=(1, 2)),
        "You compute with the class numbers, as in a mean; classes are names, count votes.",
        *(
            lambda X, t, n, k, to=to: _elect(X, t, n, k, lambda c: int(to(np.mean(c))))
            for to in (lambda m: np.floor(m + 0.5), np.round, np.floor, np.ceil)
        ),
        partial(_elect, decide=lambda c: float(np.mean(c))),
        "You take the median of the class numbers; classes are names, count votes.",
        partial(_elect, decide=lambda c: sorted(c)[(len(c) - 1) // 2]),
        partial(_elect, decide=lambda c: sorted(c)[len(c) // 2]),
        partial(_elect, decide=lambda c: int(np.median(c))),
        "You choose the class with the fewest votes; choose the most frequent one.",
        partial(_elect, decide=lambda c: min(c, key=lambda x: Counter(c)[x])),
        "You return places of points; return classes, t_known at those places.",
        lambda X, t, n, k: torch.cdist(n, X).argmin(dim=1),
        lambda X, t, n, k: torch.cdist(n, X).argsort(dim=1)[:, :k].mode(dim=1).values,
        "The distance is not the Euclidean one: square the differences of all features, and add them up.",
        *(
            partial(_elect, decide=_first_of_most, distance=far)
            for far in (
                lambda X, n: (n[:, None] - X).sum(dim=-1),
                lambda X, n: (n[:, None] - X).sum(dim=-1).abs(),
                lambda X, n: torch.cdist(n, X, p=1),
                lambda X, n: torch.cdist(n, X, p=float("inf")),
                lambda X, n: (n[:, None] - X)[..., 0].abs(),
                lambda X, n: -n @ X.T,
                lambda X, n: n @ X.T,
            )
        ),
        "You return how many votes the winner has; return its class.",
        partial(_elect, decide=lambda c: max(Counter(c).values())),
    ],
)
def vote(X_known, t_known, X_new, k):
    """Exercise 4: classes by a vote of the k nearest. The function returns (M,), int64."""
    squares = ((X_new.numpy()[:, None] - X_known.numpy()) ** 2).sum(axis=-1)
    return _elect(X_known, t_known, X_new, k, _first_of_most, lambda X, n: torch.from_numpy(squares))


# --- 5: learn from an episode ---------------------------------------------------------------------------------------


def _episodes():
    """Arguments Q, episode, alpha, gamma."""
    zero = torch.zeros(3, 2).double()
    twice = "It goes wrong where a tile is visited twice: each update must see those before it."
    yield Case((zero[:2], [(0, 1, 1.0, 1)], 0.5, 1.0), "one step")
    yield Case((floats([0.5, -1.0], [2.0, 1.0]), [(0, 1, 1.0, 1)], 0.25, 0.5), "one step")
    yield Case((floats([0.5, 0.0], [1.0, 3.0], [4.0, 4.0]), [(0, 1, -1.0, 1), (1, 0, 2.0, 2)], 0.5, 1.0))
    yield Case((floats([0.5, 0.0], [1.0, 3.0], [4.0, 2.0]), [(0, 1, -1.0, 1), (1, 0, 2.0, 2)], 0.5, 0.5))
    yield Case(
        (floats([-2.0, -1.0], [-3.0, -4.0], [-1.0, -2.0]), [(0, 0, 0.0, 1), (1, 1, -1.0, 2)], 0.5, 0.75),
        "negative values",
    )
    yield Case(
        (floats([0.0, 1.0], [2.0, 0.5], [0.0, 1.0]), [(0, 0, 1.0, 1), (1, 1, 0.5, 0), (0, 0, 1.0, 2)], 0.5, 0.5),
        "a tile twice",
        twice,
    )
    yield Case(
        (floats([0.0, 1.0], [2.0, 0.5], [0.0, 1.0]), [(0, 0, 1.0, 0), (0, 0, 1.0, 0), (0, 0, -1.0, 2)], 0.5, 1.0),
        "a tile twice",
        twice,
    )
    again = "It goes wrong where the last step occurs earlier, too: it is the last by its place, len(episode) - 1."
    yield Case(
        (floats([1.0, 2.0], [0.5, 1.5]), [(0, 0, 1.0, 0), (0, 0, 1.0, 0)], 0.5, 0.5), "the same step twice", again
    )
    steps = [(1, 1, -1.0, 0), (0, 1, 2.0, 1), (1, 1, -1.0, 0)]
    yield Case((floats([1.0, 2.0], [0.5, 1.5]), steps, 0.25, 0.5), "the same step twice", again)
    yield Case((floats([1.0, 2.0], [3.0, 1.0], [0.5, 2.0]), [(0, 1, 1.0, 1), (1, 0, 1.0, 2)], 1.0, 0.5), "alpha = 1")
    for seed, S, A, steps, alpha, gamma in [
        (1, 4, 2, 3, 0.5, 0.5),
        (2, 3, 3, 5, 0.25, 1.0),
        (3, 5, 4, 8, 0.5, 0.75),
        (4, 4, 3, 6, 0.125, 0.5),
    ]:
        g = generator(420 + seed)
        tiles = torch.randint(S, (steps + 1,), generator=g).tolist()
        actions = torch.randint(A, (steps,), generator=g).tolist()
        rewards = (torch.randint(-4, 5, (steps,), generator=g).double() / 2).tolist()
        Q = torch.randint(-8, 9, (S, A), generator=g).double() / 4
        yield Case((Q, list(zip(tiles, actions, rewards, tiles[1:])), alpha, gamma))
    yield Case(
        (floats([1.0, 2.0], [3.0, 1.0], [0.5, 2.0]).float(), [(0, 1, 1.0, 1), (1, 0, 1.0, 2)], 0.5, 0.5), "float32"
    )


def _lived(
    Q,
    episode,
    alpha,
    gamma,
    best=lambda row: row.max(),
    end=True,
    order=1,
    rule=None,
    frozen=False,
    hope_of=lambda Q, s, a, after: Q[after],
    last=None,
    powers=None,
    into=0,
):
    """The updates with their rules as options. ``frozen``: None reads hope alone in the old table."""
    before, Q = Q, Q.clone()
    rule = rule or (lambda q, r, hope: q + alpha * (r + hope - q if powers is not None else r + gamma * hope - q))
    for k, step in list(enumerate(episode))[::order]:
        s, a, r, after = step
        ends = last(step) if last else k == len(episode) - 1
        hope = 0.0 if end and ends else best(hope_of(Q if frozen is False else before, s, a, after))
        hope = hope if powers is None else gamma ** (k + powers) * hope
        Q[step[into], a] = rule((before if frozen else Q)[step[into], a].clone(), r, hope)
    return Q


def _next_action(Q, episode, alpha, gamma):
    """With the action that was taken next, instead of the best one."""
    Q = Q.clone()
    for (s, a, r, after), following in zip(episode, [*episode[1:], None]):
        hope = 0.0 if following is None else Q[after, following[1]]
        Q[s, a] = Q[s, a] + alpha * (r + gamma * hope - Q[s, a])
    return Q


@exercise(
    returns=("Q",),
    cases=_episodes,
    mistakes=[
        "The last step hopes for more: nothing comes after it, so its maximum is replaced by 0.",
        partial(_lived, end=False),
        "The discount gamma has no effect: multiply the best value of the next tile by it.",
        lambda Q, e, al, ga: _lived(Q, e, al, 1.0),
        "The learning rate alpha has no effect: move a part alpha of the way.",
        lambda Q, e, al, ga: _lived(Q, e, 1.0, ga),
        "alpha and gamma are exchanged.",
        lambda Q, e, al, ga: _lived(Q, e, ga, al),
        "The old value is not subtracted: alpha multiplies the difference between the target and the old value.",
        lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: q + al * (r + ga * hope)),
        "The old value is forgotten: a share 1 - alpha of it stays, beside alpha times r + gamma max Q.",
        lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: al * (r + ga * hope - q)),
        lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: al * (r + ga * hope)),
        "The sign is wrong: the value moves away from r + gamma max Q.",
        lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: q - al * (r + ga * hope - q)),
        "You mix the two with the wrong shares: alpha belongs to what is new, 1 - alpha to the old value.",
        lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: al * q + (1 - al) * (r + ga * hope)),
        lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: (1 - al) * (q + r + ga * hope)),
        "Parentheses are missing: alpha multiplies reward, hope and old value together, gamma the hope alone.",
        *(
            lambda Q, e, al, ga, rule=rule: _lived(Q, e, al, ga, rule=lambda q, r, hope: rule(q, r, hope, al, ga))
            for rule in (
                lambda q, r, hope, al, ga: q + al * (ga * (r + hope) - q),
                lambda q, r, hope, al, ga: al * r + ga * hope,
                lambda q, r, hope, al, ga: q + al * r + ga * hope - q * al,
                lambda q, r, hope, al, ga: q + al * (r + ga * (hope - q)),
                lambda q, r, hope, al, ga: q + al * r + ga * hope,
            )
        ),
        "The reward is missing from the target.",
        lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: q + al * (ga * hope - q)),
        "You do not take the largest value of the next tile, but its mean, its smallest, or the place of the largest.",
        *each(_lived, best=(torch.mean, torch.min, torch.argmax, torch.sum)),
        "The maximum is not that of the next tile: it is the largest value in row s_next of the table.",
        *each(_lived, hope_of=(lambda Q, s, a, after: Q, lambda Q, s, a, after: Q[s], lambda Q, s, a, after: Q[:, a])),
        "You take the value of an action, the same one or the one taken next; take the best action's, the maximum.",
        _next_action,
        partial(_lived, hope_of=lambda Q, s, a, after: Q[after, a]),
        "You go through the episode backward; update in the order of the steps.",
        partial(_lived, order=-1),
        "The old table is read where updates have been made: each one must see those before it.",
        partial(_lived, frozen=True),
        partial(_lived, frozen=None),
        "Not all steps are learned from: update after every step, the first and the last as well.",
        lambda Q, e, al, ga: _lived(Q, e[-1:], al, ga),
        lambda Q, e, al, ga: _lived(Q, e[:1], al, ga, end=False),
        lambda Q, e, al, ga: _lived(Q, e[:1], al, ga),
        lambda Q, e, al, ga: _lived(Q, e[:-1], al, ga, end=False),
        lambda Q, e, al, ga: _lived(Q, e[:-1], al, ga),
        "Steps are treated as the last that are not: only there is the maximum replaced by 0.",
        partial(_lived, best=lambda row: 0.0),
        lambda Q, e, al, ga: _lived(Q, e, al, ga, last=lambda step: step[3] == e[-1][3]),
        "gamma grows or shrinks from step to step; each update multiplies by gamma once.",
        *each(_lived, powers=(0, 1)),
        "You write into the row of the next tile; the value of tile s and action a is updated.",
        partial(_lived, into=3),
    ],
)
def replay(Q, episode, alpha, gamma):
    """Exercise 5: Q-learning over one episode. The function returns (S, A)."""
    table = Q.numpy().copy()
    for k, (s, a, r, after) in enumerate(episode, start=1):
        target = r + gamma * np.max(table[after]) * (k < len(episode))
        table[s, a] = (1 - alpha) * table[s, a] + alpha * target
    return torch.from_numpy(table)

"""Checks of the exercises to chapter 01, "Introduction"."""

from collections import Counter

import numpy as np
import torch
from torch import Tensor

from nndl_lib.checks.engine import Case, exercise
from nndl_lib.runtime import generator

__all__ = ["analogy", "company", "judge", "replay", "vote"]


def _floats(*values) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def _hundredths(*shape: int, g: torch.Generator) -> Tensor:
    return torch.randint(-200, 201, shape, generator=g).double() / 100


# --- 1: judge a learner ---------------------------------------------------------------------------------------------


def _verdicts():
    """Arguments z, truth."""
    def case(z, truth, note="", hint=""):
        return Case((_floats(*z), torch.tensor(truth, dtype=torch.bool)), note, hint)

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


def _more_verdicts():
    def arguments(N):
        g = generator(310 + N)
        return _hundredths(N, g=g), torch.rand(N, generator=g) < 0.5

    return [("examples", arguments(8), arguments(64), 56)]


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
    loops=_more_verdicts,
    mistakes=[
        ("You turn the scores around: a score of at least 0 says yes.", lambda z, truth: _three(z, truth, says=z < 0)),
        ("You round scores or compare them with 0.5; the border is 0.", lambda z, truth: _three(z, truth, says=z >= 0.5)),
        ("found and false are exchanged.", lambda z, truth: tuple(_three(z, truth)[k] for k in (0, 2, 1))),
        ("accuracy is the share of wrong answers; count where the answer equals the truth.",
         lambda z, truth: _three(z, truth, accuracy=lambda s, t: (s != t).double().mean())),
        ("accuracy counts only the hits; a right no is a right answer, too.",
         lambda z, truth: _three(z, truth, accuracy=lambda s, t: (s & t).double().mean())),
        ("accuracy is a number of answers; divide it by all N.",
         lambda z, truth: _three(z, truth, accuracy=lambda s, t: (s == t).double().sum())),
        ("found divides by the alarms; divide by the true cases.",
         lambda z, truth: _three(z, truth, found=lambda s, t: _share((s & t).sum(), s.sum()))),
        ("found divides by all N; divide by the true cases.",
         lambda z, truth: _three(z, truth, found=lambda s, t: (s & t).double().mean())),
        ("found counts all alarms over the true cases; count only those that are true.",
         lambda z, truth: _three(z, truth, found=lambda s, t: _share(s.sum(), t.sum()))),
        ("found is the share that is missed; count those that are found.",
         lambda z, truth: _three(z, truth, found=lambda s, t: _share((~s & t).sum(), t.sum()))),
        ("found is a count; divide it by the number of true cases.",
         lambda z, truth: _three(z, truth, found=lambda s, t: (s & t).sum().double())),
        ("false divides by the cases that are not true; here it is the share of the alarms.",
         lambda z, truth: _three(z, truth, false=lambda s, t: _share((s & ~t).sum(), (~t).sum()))),
        ("false divides by all N; divide by the number of alarms.",
         lambda z, truth: _three(z, truth, false=lambda s, t: (s & ~t).double().mean())),
        ("false is the share of the alarms that are true; count the others.",
         lambda z, truth: _three(z, truth, false=lambda s, t: _share((s & t).sum(), s.sum()))),
        ("false is a count; divide it by the number of alarms.",
         lambda z, truth: _three(z, truth, false=lambda s, t: (s & ~t).sum().double())),
        ("The shares come in percent; return numbers from 0 to 1.",
         lambda z, truth: tuple(100 * part for part in _three(z, truth))),
    ],
)
def judge(z, truth):
    """Exercise 1: accuracy, share found, share of false alarms. The function returns three tensors of shape ()."""
    hits, misses, alarms, quiet = (  # by counting the pairs of answer and truth, which are 11, 01, 10 and 00
        Counter(zip((z >= 0).tolist(), truth.tolist()))[pair] for pair in [(True, True), (False, True), (True, False), (False, False)])
    values = (hits + quiet) / len(z), hits / max(hits + misses, 1), alarms / max(hits + alarms, 1)
    return tuple(torch.tensor(value, dtype=z.dtype) for value in values)


# --- 2: the company of words ----------------------------------------------------------------------------------------


def _texts():
    """Arguments sentences, vocabulary, window."""
    def case(text, vocabulary, window, note="", hint=""):
        return Case(([line.split() for line in text.split(". ")], vocabulary.split(), window), note, hint)

    unknown = "Words outside the vocabulary go wrong: they get no row, but keep their place in the sentence."
    twice = "A word that meets itself goes wrong: the pair counts for both places, so 2 is added on the diagonal."
    yield case("a b", "a b", 1)
    yield case("a b c", "a b c", 1)
    yield case("a b c", "c a b", 2)
    yield case("a b c d e", "a b c d e", 2)
    yield case("red hot tea. hot red soup. tea", "tea red hot soup", 1, "a sentence of one word")
    yield case("far far away", "far away", 1, "a word twice in a sentence", twice)
    yield case("a b a b a", "a b", 2, "a word twice in a sentence", twice)
    yield case("a x b c", "a b c", 1, "a word outside the vocabulary", unknown)
    yield case("x a y b. b a", "b a", 2, "a word outside the vocabulary", unknown)
    yield case("a b c", "a b c z", 9, "a window longer than the sentence")
    yield case("one two three four five six. six one. four two five", "six four one five three two", 3)
    yield case("the cat sees the dog. the dog sees a cat", "the cat sees a dog", 2, "a word twice in a sentence", twice)


def _count(sentences, vocabulary, window, pairs=lambda i, j, window: 0 < j - i <= window, both=True, same=2, once=False,
           joined=False, drop=False, off=None):
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


@exercise(
    returns=("counts",),
    strict=("counts",),
    cases=_texts,
    mistakes=[
        ("You look one place too short: a window of 1 reaches the next word. A slice ends before its second number.",
         lambda s, v, w: _count(s, v, w, lambda i, j, w: 0 < j - i < w)),
        ("You look one place too far: a window of 1 reaches the next word alone.",
         lambda s, v, w: _count(s, v, w, lambda i, j, w: 0 < j - i <= w + 1)),
        ("Each pair counts for one of its words only; add 1 at [one, other] and at [other, one].",
         lambda s, v, w: _count(s, v, w, both=False, same=1)),
        ("Every count is twice too large: look to one side only, or add at one entry only.",
         lambda s, v, w: 2 * _count(s, v, w)),
        ("You count every pair in a sentence; only places at most window apart count.",
         lambda s, v, w: _count(s, v, w, lambda i, j, w: j > i)),
        ("You count only places exactly window apart; nearer ones count, too.",
         lambda s, v, w: _count(s, v, w, lambda i, j, w: j - i == w)),
        ("A word counts as its own company at its own place: leave out distance 0.",
         lambda s, v, w: _count(s, v, w) + _own(s, v)),
        ("You look across the ends of sentences; the last word of one and the first of the next are not neighbors.",
         lambda s, v, w: _count(s, v, w, joined=True)),
        ("A pair of words counts once a sentence in your table; count every pair of places.",
         lambda s, v, w: _count(s, v, w, once=True)),
        ("The table holds only 0 and 1; count how often a pair occurs.",
         lambda s, v, w: (_count(s, v, w) > 0).long()),
        ("The diagonal is empty; a word that stands near itself keeps company with itself.",
         lambda s, v, w: _count(s, v, w, same=0)),
        ("Rows and columns stand in alphabetical order; use the order of the vocabulary.",
         lambda s, v, w: _count(s, sorted(v), w)),
        ("Unknown words are removed before the distance is measured; they keep their place.",
         lambda s, v, w: _count(s, v, w, drop=True)),
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


def _own(sentences, vocabulary):
    appears = Counter(word for sentence in sentences for word in sentence)
    return torch.tensor([appears[word] for word in vocabulary]).diag()


# --- 3: an analogy --------------------------------------------------------------------------------------------------


def _questions():
    """Arguments vectors, a, b, c."""
    below = "It goes wrong where all cosines are negative: give the three given words minus infinity, not 0."
    yield Case((_floats([1.0, 1.0], [1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]), 0, 1, 2), "four words")
    yield Case((_floats([1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [-1.0, -0.5], [-1.0, -3.0]), 0, 1, 2), "negative cosines", below)
    yield Case((_floats([2.0, 0.0], [0.0, 0.5], [3.0, 3.0], [4.0, 0.5], [1.0, 1.5]), 0, 1, 2), "different lengths")
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


def _more_words():
    def arguments(V):
        return _hundredths(V, 3, g=generator(370 + V)) + 0.01, 0, 1, 2

    return [("words", arguments(8), arguments(64), 56)]


def _answer(vectors, a, b, c, query=lambda u, a, b, c: u[a] - u[b] + u[c], unit=True, out=True, length=True, least=False, all_unit=True,
            given=None):
    u = vectors / vectors.norm(dim=1, keepdim=True) if unit else vectors
    q = query(u, a, b, c)
    rows = u if unit or not all_unit else vectors / vectors.norm(dim=1, keepdim=True)
    scores = rows @ (q / q.norm() if length else q)
    if out:
        scores[[a, b, c] if given is None else given] = torch.inf if least else -torch.inf
    word = scores.argmin() if least else scores.argmax()
    return int(word), scores[word]


def _zero_for_given(vectors, a, b, c):
    u = vectors / vectors.norm(dim=1, keepdim=True)
    q = u[a] - u[b] + u[c]
    scores = u @ (q / q.norm())
    scores[[a, b, c]] = 0
    return int(scores.argmax()), scores.max()


def _nearest(vectors, a, b, c):
    u = vectors / vectors.norm(dim=1, keepdim=True)
    distance = (u - (u[a] - u[b] + u[c])).norm(dim=1)
    distance[[a, b, c]] = torch.inf
    return int(distance.argmin()), distance.min()


def _zeros(vectors, a, b, c):
    u = vectors / vectors.norm(dim=1, keepdim=True)
    q = u[a] - u[b] + u[c]
    scores = u @ (q / q.norm())
    scores[[a, b, c]] = 0
    return int(scores.argmax()), scores.max()


@exercise(
    returns=("word", "cosine"),
    cases=_questions,
    loops=_more_words,
    mistakes=[
        ("It goes wrong where all cosines are negative: give the three given words minus infinity, not 0.", _zero_for_given),
        ("The given words are not left out: the answer must be a fourth one.",
         lambda v, a, b, c: _answer(v, a, b, c, out=False)),
        ("Only c is left out; a and b may not be the answer either.", lambda v, a, b, c: _answer(v, a, b, c, given=[c])),
        ("The vectors are not brought to length 1 before you add them.",
         lambda v, a, b, c: _answer(v, a, b, c, unit=False)),
        ("The vectors are not brought to length 1: you compare plain dot products.",
         lambda v, a, b, c: _answer(v, a, b, c, unit=False, all_unit=False)),
        ("The vectors are not brought to length 1, and neither is the result: you compare plain dot products.",
         lambda v, a, b, c: _answer(v, a, b, c, unit=False, all_unit=False, length=False)),
        ("word is right, but cosine is a plain dot product: divide q by its length.",
         lambda v, a, b, c: _answer(v, a, b, c, length=False)),
        ("You add b and subtract c: the result is u_a - u_b + u_c.",
         lambda v, a, b, c: _answer(v, a, b, c, lambda u, a, b, c: u[a] + u[b] - u[c])),
        ("You add all three: u_b is subtracted.", lambda v, a, b, c: _answer(v, a, b, c, lambda u, a, b, c: u[a] + u[b] + u[c])),
        ("The step goes the wrong way: you compute u_b - u_a + u_c.",
         lambda v, a, b, c: _answer(v, a, b, c, lambda u, a, b, c: u[b] - u[a] + u[c])),
        ("The word c is missing: you look for the word nearest to u_a - u_b.",
         lambda v, a, b, c: _answer(v, a, b, c, lambda u, a, b, c: u[a] - u[b])),
        ("You take the smallest cosine; the nearest word has the largest.",
         lambda v, a, b, c: _answer(v, a, b, c, least=True)),
        ("word is right, but beside it you return the distance; return the cosine.", _nearest),
        ("You return the word most like c; the step from b to a is missing.",
         lambda v, a, b, c: _answer(v, a, b, c, lambda u, a, b, c: u[c])),
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
    line = _floats([0.0], [1.0], [2.5], [4.0])
    yield Case((_floats([1.0]), torch.tensor([2]), _floats([3.0]), 1), "one known point")
    yield Case((line, torch.tensor([0, 1, 1, 0]), _floats([0.2]), 1), "k = 1")
    yield Case((line, torch.tensor([0, 1, 1, 0]), _floats([0.2], [3.9]), 3))
    yield Case((line, torch.tensor([1, 0, 1, 0]), _floats([0.9], [0.2], [2.0]), 2), "a tie", tie)
    yield Case((line, torch.tensor([2, 0, 2, 0]), _floats([0.1], [3.6]), 4), "a tie", tie)
    yield Case((line, torch.tensor([3, 1, 0, 2]), _floats([0.3], [2.2]), 3), "a tie", tie)
    for seed, N, M, D, K, k, note in [(1, 6, 3, 2, 2, 3, ""), (2, 9, 4, 2, 3, 5, ""), (3, 12, 5, 3, 2, 3, ""), (4, 9, 4, 2, 3, 1, "k = 1"),
                                      (5, 15, 6, 3, 3, 7, ""), (6, 7, 3, 2, 2, 7, "k = N"), (7, 20, 8, 2, 2, 5, ""),
                                      (8, 10, 4, 2, 4, 4, ""), (9, 14, 9, 3, 3, 3, "")]:
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


def _modes(classes):
    votes = Counter(classes)
    return [c for c in sorted(votes) if votes[c] == max(votes.values())]


@exercise(
    returns=("classes",),
    strict=("classes",),
    cases=_ballots,
    loops=_more_ballots,
    mistakes=[
        ("You let the farthest points vote; sort by distance, the smallest first.",
         lambda X, t, n, k: _elect(X, t, n, k, _first_of_most, lambda X, n: -torch.cdist(n, X))),
        ("You ask the nearest point alone; k of them vote.", lambda X, t, n, k: _elect(X, t, n, 1, _first_of_most)),
        ("You return the class of the k-th neighbor; let all k vote.", lambda X, t, n, k: _elect(X, t, n, k, lambda c: c[-1])),
        ("k + 1 points vote. Did you leave out the nearest, or count from the wrong end?",
         lambda X, t, n, k: _elect(X, t, n, k + 1, _first_of_most)),
        ("You leave out the nearest point. That is right only where a point would meet itself; new points are new.",
         lambda X, t, n, k: torch.tensor([_first_of_most(t[row.argsort()[1 : k + 1]].tolist()) for row in torch.cdist(n, X)])),
        ("All known points vote; only the k nearest do.", lambda X, t, n, k: _elect(X, t, n, len(t), _first_of_most)),
        ("Ties go to the smallest class; they must go to the class that has the nearest point.",
         lambda X, t, n, k: _elect(X, t, n, k, lambda c: _modes(c)[0])),
        ("Ties go to the largest class; they must go to the class that has the nearest point.",
         lambda X, t, n, k: _elect(X, t, n, k, lambda c: _modes(c)[-1])),
        ("You take the mean of the class numbers; classes are names, count votes.",
         lambda X, t, n, k: _elect(X, t, n, k, lambda c: int(np.floor(np.mean(c) + 0.5)))),
        ("You take the median of the class numbers; classes are names, count votes.",
         lambda X, t, n, k: _elect(X, t, n, k, lambda c: sorted(c)[(len(c) - 1) // 2])),
        ("You choose the class with the fewest votes; choose the most frequent one.",
         lambda X, t, n, k: _elect(X, t, n, k, lambda c: min(c, key=lambda x: Counter(c)[x]))),
        ("You return the place of the nearest point; return a class.",
         lambda X, t, n, k: torch.cdist(n, X).argmin(dim=1)),
        ("The distance adds the differences with their signs; square them first.",
         lambda X, t, n, k: _elect(X, t, n, k, _first_of_most, lambda X, n: (n[:, None] - X).sum(dim=-1))),
        ("You return how many votes the winner has; return its class.",
         lambda X, t, n, k: _elect(X, t, n, k, lambda c: max(Counter(c).values()))),
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
    yield Case((_floats([0.5, -1.0], [2.0, 1.0]), [(0, 1, 1.0, 1)], 0.25, 0.5), "one step")
    yield Case((_floats([0.5, 0.0], [1.0, 3.0], [4.0, 4.0]), [(0, 1, -1.0, 1), (1, 0, 2.0, 2)], 0.5, 1.0))
    yield Case((_floats([0.5, 0.0], [1.0, 3.0], [4.0, 2.0]), [(0, 1, -1.0, 1), (1, 0, 2.0, 2)], 0.5, 0.5))
    yield Case((_floats([-2.0, -1.0], [-3.0, -4.0], [-1.0, -2.0]), [(0, 0, 0.0, 1), (1, 1, -1.0, 2)], 0.5, 0.75), "negative values")
    yield Case((_floats([0.0, 1.0], [2.0, 0.5], [0.0, 1.0]), [(0, 0, 1.0, 1), (1, 1, 0.5, 0), (0, 0, 1.0, 2)], 0.5, 0.5), "a tile twice", twice)
    yield Case((_floats([0.0, 1.0], [2.0, 0.5], [0.0, 1.0]), [(0, 0, 1.0, 0), (0, 0, 1.0, 0), (0, 0, -1.0, 2)], 0.5, 1.0), "a tile twice", twice)
    yield Case((_floats([1.0, 2.0], [3.0, 1.0], [0.5, 2.0]), [(0, 1, 1.0, 1), (1, 0, 1.0, 2)], 1.0, 0.5), "alpha = 1")
    for seed, S, A, steps, alpha, gamma in [(1, 4, 2, 3, 0.5, 0.5), (2, 3, 3, 5, 0.25, 1.0), (3, 5, 4, 8, 0.5, 0.75), (4, 4, 3, 6, 0.125, 0.5)]:
        g = generator(420 + seed)
        tiles = torch.randint(S, (steps + 1,), generator=g).tolist()
        actions = torch.randint(A, (steps,), generator=g).tolist()
        rewards = (torch.randint(-4, 5, (steps,), generator=g).double() / 2).tolist()
        Q = torch.randint(-8, 9, (S, A), generator=g).double() / 4
        yield Case((Q, list(zip(tiles, actions, rewards, tiles[1:])), alpha, gamma))
    yield Case((_floats([1.0, 2.0], [3.0, 1.0], [0.5, 2.0]).float(), [(0, 1, 1.0, 1), (1, 0, 1.0, 2)], 0.5, 0.5), "float32")


def _lived(Q, episode, alpha, gamma, best=lambda row: row.max(), end=True, order=1, rule=None, frozen=False):
    """The updates with their rules as options, to make mistakes with."""
    before, Q = Q, Q.clone()
    steps = list(enumerate(episode))[::order]
    rule = rule or (lambda q, r, hope: q + alpha * (r + gamma * hope - q))
    for k, (s, a, r, after) in steps:
        source = before if frozen else Q
        hope = 0.0 if end and k == len(episode) - 1 else best(source[after])
        Q[s, a] = rule(source[s, a].clone(), r, hope)
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
        ("The last step hopes for more: nothing comes after it, so its maximum is replaced by 0.",
         lambda Q, e, al, ga: _lived(Q, e, al, ga, end=False)),
        ("The discount gamma has no effect: multiply the best value of the next tile by it.",
         lambda Q, e, al, ga: _lived(Q, e, al, 1.0)),
        ("The learning rate alpha has no effect: move a part alpha of the way.",
         lambda Q, e, al, ga: _lived(Q, e, 1.0, ga)),
        ("alpha and gamma are exchanged.", lambda Q, e, al, ga: _lived(Q, e, ga, al)),
        ("The old value is not subtracted: alpha multiplies the difference between the target and the old value.",
         lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: q + al * (r + ga * hope))),
        ("The old value is thrown away: add alpha times the difference to it.",
         lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: al * (r + ga * hope - q))),
        ("The sign is wrong: the value moves away from r + gamma max Q.",
         lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: q - al * (r + ga * hope - q))),
        ("You mix the two with the wrong shares: alpha belongs to what is new, 1 - alpha to the old value.",
         lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: al * q + (1 - al) * (r + ga * hope))),
        ("gamma multiplies the reward as well; it belongs to what comes later.",
         lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: q + al * (ga * (r + hope) - q))),
        ("The reward is missing from the target.",
         lambda Q, e, al, ga: _lived(Q, e, al, ga, rule=lambda q, r, hope: q + al * (ga * hope - q))),
        ("You take the mean of the next tile's values; take the largest.",
         lambda Q, e, al, ga: _lived(Q, e, al, ga, best=lambda row: row.mean())),
        ("You take the smallest value of the next tile; take the largest.",
         lambda Q, e, al, ga: _lived(Q, e, al, ga, best=lambda row: row.min())),
        ("You take the largest value of the whole table; take that of the next tile's row.",
         lambda Q, e, al, ga: _largest_of_all(Q, e, al, ga)),
        ("You take the value of the action that came next; take the best action's.", _next_action),
        ("You go through the episode backward; update in the order of the steps.",
         lambda Q, e, al, ga: _lived(Q, e, al, ga, order=-1)),
        ("All updates read the old table; each one must see those before it.",
         lambda Q, e, al, ga: _lived(Q, e, al, ga, frozen=True)),
        ("Only the last step is learned from; update after every step.", lambda Q, e, al, ga: _lived(Q, e[-1:], al, ga)),
        ("Every step is treated as the last: only there is the maximum replaced by 0.",
         lambda Q, e, al, ga: _lived(Q, e, al, ga, best=lambda row: 0.0)),
    ],
)
def replay(Q, episode, alpha, gamma):
    """Exercise 5: Q-learning over one episode. The function returns (S, A)."""
    table = Q.numpy().copy()
    for k, (s, a, r, after) in enumerate(episode, start=1):
        target = r + gamma * np.max(table[after]) * (k < len(episode))
        table[s, a] = (1 - alpha) * table[s, a] + alpha * target
    return torch.from_numpy(table)


def _largest_of_all(Q, episode, alpha, gamma):
    Q = Q.clone()
    for k, (s, a, r, _) in enumerate(episode, start=1):
        Q[s, a] += alpha * (r + gamma * (Q.max() if k < len(episode) else 0.0) - Q[s, a])
    return Q

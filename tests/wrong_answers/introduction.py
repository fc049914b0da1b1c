"""Wrong answers to the exercises of chapter 01."""

from collections import Counter

import torch

from tests.wrong_answers import collection

ANSWERS, wrong = collection()

# --- judge ----------------------------------------------------------------------------------------------------------


def shares(z, truth, says=None):
    says = z >= 0 if says is None else says
    hits, alarms, cases = (says & truth).sum(), says.sum(), truth.sum()
    accuracy = (says == truth).to(z.dtype).mean()
    found = hits.to(z.dtype) / cases if cases else torch.zeros((), dtype=z.dtype)
    false = (alarms - hits).to(z.dtype) / alarms if alarms else torch.zeros((), dtype=z.dtype)
    return accuracy, found, false


@wrong("judge", "A score of exactly 0")
def strictly_above(z, truth):
    return shares(z, truth, z > 0)


@wrong("judge", "A share of nothing")
def divides_by_zero(z, truth):
    says = z >= 0
    hits = (says & truth).sum()
    return (
        (says == truth).to(z.dtype).mean(),
        hits.to(z.dtype) / truth.sum(),
        (says & ~truth).sum().to(z.dtype) / says.sum(),
    )


@wrong("judge", "divides by the alarms, which is precision")
def precision_for_recall(z, truth):
    accuracy, _, false = shares(z, truth)
    says = z >= 0
    return accuracy, ((says & truth).sum() / max(says.sum(), 1)).to(z.dtype), false


@wrong("judge", "divides by the cases that are not true")
def false_positive_rate(z, truth):
    says = z >= 0
    return *shares(z, truth)[:2], ((says & ~truth).sum() / max((~truth).sum(), 1)).to(z.dtype)


@wrong("judge", "share of the alarms that are true")
def precision(z, truth):
    says = z >= 0
    return *shares(z, truth)[:2], ((says & truth).sum() / max(says.sum(), 1)).to(z.dtype)


@wrong("judge", "it returns accuracy, false, found")
def other_order(z, truth):
    accuracy, found, false = shares(z, truth)
    return accuracy, false, found


@wrong("judge", "a right no is a right answer, too")
def hits_alone(z, truth):
    says = z >= 0
    return (torch.logical_and(says, truth).to(z.dtype).mean(), *shares(z, truth)[1:])


@wrong("judge", "The border is 0")
def probabilities(z, truth):
    return shares(z, truth, z >= 0.5)


@wrong("judge", "Leave out .item()")
def plain_numbers(z, truth):
    return tuple(value.item() for value in shares(z, truth))


# --- company --------------------------------------------------------------------------------------------------------


def table(vocabulary):
    return {w: k for k, w in enumerate(vocabulary)}, torch.zeros(len(vocabulary), len(vocabulary), dtype=torch.int64)


@wrong("company", "one place too short")
def slice_ends_early(sentences, vocabulary, window):
    at, n = table(vocabulary)
    for s in sentences:
        for i in range(len(s)):
            for other in s[i + 1 : i + window]:
                if s[i] in at and other in at:
                    n[at[s[i]], at[other]] += 1
                    n[at[other], at[s[i]]] += 1
    return n


@wrong("company", "each pair counts for both its words")
def upper_triangle(sentences, vocabulary, window):
    at, n = table(vocabulary)
    for s in sentences:
        for i, one in enumerate(s):
            for other in s[i + 1 : i + 1 + window]:
                if one in at and other in at:
                    n[at[one], at[other]] += 1
    return n


@wrong("company", "counts is twice")
def both_sides_twice(sentences, vocabulary, window):
    at, n = table(vocabulary)
    for s in sentences:
        for i, one in enumerate(s):
            for j, other in enumerate(s):
                if i != j and abs(i - j) <= window and one in at and other in at:
                    n[at[one], at[other]] += 1
                    n[at[other], at[one]] += 1
    return n


@wrong("company", "leave out distance 0")
def meets_itself(sentences, vocabulary, window):
    at, n = table(vocabulary)
    for s in sentences:
        for i, one in enumerate(s):
            for other in s[max(0, i - window) : i + window + 1]:
                if one in at and other in at:
                    n[at[one], at[other]] += 1
    return n


@wrong("company", "keep their place")
def filters_first(sentences, vocabulary, window):
    return right_company([[w for w in s if w in vocabulary] for s in sentences], vocabulary, window)


@wrong("company", "across the ends of sentences")
def one_long_text(sentences, vocabulary, window):
    return right_company([sum(sentences, [])], vocabulary, window)


@wrong("company", "every pair in a sentence")
def whole_sentences(sentences, vocabulary, window):
    return right_company(sentences, vocabulary, 1000)


@wrong("company", "The diagonal is empty")
def no_diagonal(sentences, vocabulary, window):
    return right_company(sentences, vocabulary, window).fill_diagonal_(0)


@wrong("company", "A word that meets itself goes wrong")
def diagonal_once(sentences, vocabulary, window):
    n = right_company(sentences, vocabulary, window)
    return n - (n.diag() // 2).diag()


@wrong("company", "Words outside the vocabulary")
def trusts_the_vocabulary(sentences, vocabulary, window):
    at, n = table(vocabulary)
    for s in sentences:
        for i, one in enumerate(s):
            for other in s[i + 1 : i + 1 + window]:
                n[at[one], at[other]] += 1
                n[at[other], at[one]] += 1
    return n


@wrong("company", "expected torch.int64")
def as_floats(sentences, vocabulary, window):
    return right_company(sentences, vocabulary, window).double()


def right_company(sentences, vocabulary, window):
    at, n = table(vocabulary)
    for s in sentences:
        for i, one in enumerate(s):
            for other in s[i + 1 : i + 1 + window]:
                if one in at and other in at:
                    n[at[one], at[other]] += 1
                    n[at[other], at[one]] += 1
    return n


@wrong("company", "counts twice; in a set")
def a_set_to_the_right(sentences, vocabulary, window):
    place = {word: k for k, word in enumerate(vocabulary)}
    counts = torch.zeros(len(vocabulary), len(vocabulary), dtype=torch.int64)
    for words in sentences:
        for i, one in enumerate(words):
            for other in set(words[i + 1 : i + 1 + window]):
                if one in place and other in place:
                    counts[place[one], place[other]] += 1
                    counts[place[other], place[one]] += 1
    return counts


@wrong("company", "counts twice; in a set")
def a_set_of_neighbors(sentences, vocabulary, window):
    counts = torch.zeros(len(vocabulary), len(vocabulary), dtype=torch.int64)
    for words in sentences:
        for i, one in enumerate(words):
            for other in set(words[max(0, i - window) : i] + words[i + 1 : i + window + 1]):
                if one in vocabulary and other in vocabulary:
                    counts[vocabulary.index(one), vocabulary.index(other)] += 1
    return counts


# --- analogy --------------------------------------------------------------------------------------------------------


def best(scores, out):
    scores = scores.clone()
    scores[out] = -torch.inf
    k = scores.argmax()
    return k.item(), scores[k]


def units(vectors):
    return vectors / vectors.norm(dim=1)[:, None]


@wrong("analogy", "must be a fourth one")
def may_return_a_given_word(vectors, a, b, c):
    u = units(vectors)
    q = u[a] - u[b] + u[c]
    return best(u @ (q / q.norm()), [])


@wrong("analogy", "not brought to length 1 before you add")
def adds_raw_vectors(vectors, a, b, c):
    q = vectors[a] - vectors[b] + vectors[c]
    return best(torch.nn.functional.cosine_similarity(vectors, q[None]), [a, b, c])


@wrong("analogy", "you compare plain dot products")
def dot_products(vectors, a, b, c):
    return best(vectors @ (vectors[a] - vectors[b] + vectors[c]), [a, b, c])


@wrong("analogy", "divide q by its length")
def forgets_the_length_of_q(vectors, a, b, c):
    u = units(vectors)
    return best(u @ (u[a] - u[b] + u[c]), [a, b, c])


@wrong("analogy", "You add b and subtract c")
def other_signs(vectors, a, b, c):
    u = units(vectors)
    q = u[a] + u[b] - u[c]
    return best(u @ q / q.norm(), [a, b, c])


@wrong("analogy", "the wrong way")
def backward(vectors, a, b, c):
    u = units(vectors)
    q = u[b] - u[a] + u[c]
    return best(u @ q / q.norm(), [a, b, c])


@wrong("analogy", "minus infinity, not 0")
def zero_for_the_given(vectors, a, b, c):
    u = units(vectors)
    q = u[a] - u[b] + u[c]
    cosines = u @ (q / q.norm())
    cosines[[a, b, c]] = 0
    return int(cosines.argmax()), cosines.max()


@wrong("analogy", "return the cosine")
def by_distance(vectors, a, b, c):
    u = units(vectors)
    distance = torch.linalg.vector_norm(u - (u[a] - u[b] + u[c]), dim=1)
    distance[[a, b, c]] = 1e9
    return int(distance.argmin()), distance.min()


@wrong("analogy", "it changes vectors")
def normalizes_in_place(vectors, a, b, c):
    vectors /= vectors.norm(dim=1, keepdim=True)
    q = vectors[a] - vectors[b] + vectors[c]
    return best(vectors @ (q / q.norm()), [a, b, c])


# --- vote -----------------------------------------------------------------------------------------------------------


@wrong("vote", "Ties go to the smallest class")
def by_mode(X_known, t_known, X_new, k):
    near = torch.cdist(X_new, X_known).topk(k, largest=False).indices
    return t_known[near].mode(dim=1).values


@wrong("vote", "Ties go to the smallest class")
def by_bincount(X_known, t_known, X_new, k):
    near = torch.cdist(X_new, X_known).argsort(dim=1)[:, :k]
    return torch.stack([torch.bincount(row).argmax() for row in t_known[near]])


@wrong("vote", "farthest points")
def topk_takes_the_largest(X_known, t_known, X_new, k):
    near = torch.cdist(X_new, X_known).topk(k).indices
    return torch.stack([first_winner(row) for row in t_known[near]])


@wrong("vote", "ask the nearest point alone")
def one_neighbor(X_known, t_known, X_new, k):
    return t_known[torch.cdist(X_new, X_known).argmin(dim=1)]


@wrong("vote", "leave out the nearest point")
def skips_the_first(X_known, t_known, X_new, k):
    if len(X_known) == 1:
        return t_known[torch.zeros(len(X_new), dtype=torch.int64)]
    near = torch.cdist(X_new, X_known).argsort(dim=1)[:, 1 : k + 1]
    return torch.stack([first_winner(row) for row in t_known[near]])


@wrong("vote", "compute with the class numbers")
def mean_class(X_known, t_known, X_new, k):
    near = torch.cdist(X_new, X_known).argsort(dim=1)[:, :k]
    return torch.floor(t_known[near].double().mean(dim=1) + 0.5).long()


@wrong("vote", "You return places of points")
def places(X_known, t_known, X_new, k):
    return ((X_new[:, None] - X_known) ** 2).sum(dim=2).argmin(dim=1)


@wrong("vote", "loop runs over the known points")
def double_loop(X_known, t_known, X_new, k):
    answers = []
    for x in X_new:
        distances = []
        for known in X_known:
            distances.append(((x - known) ** 2).sum())
        near = torch.stack(distances).argsort()[:k]
        answers.append(first_winner(t_known[near]))
    return torch.stack(answers)


def first_winner(classes):
    votes = Counter(classes.tolist())
    return max(classes, key=lambda c: votes[c.item()])


# --- replay ---------------------------------------------------------------------------------------------------------


@wrong("replay", "The last step hopes for more")
def never_ends(Q, episode, alpha, gamma):
    Q = Q.clone()
    for s, a, r, s_next in episode:
        Q[s, a] += alpha * (r + gamma * Q[s_next].max() - Q[s, a])
    return Q


@wrong("replay", "gamma has no effect")
def no_discount(Q, episode, alpha, gamma):
    Q = Q.clone()
    for k, (s, a, r, s_next) in enumerate(episode):
        hope = Q[s_next].max() if k < len(episode) - 1 else 0
        Q[s, a] += alpha * (r + hope - Q[s, a])
    return Q


@wrong("replay", "alpha has no effect")
def replaces(Q, episode, alpha, gamma):
    Q = Q.clone()
    for k, (s, a, r, s_next) in enumerate(episode):
        Q[s, a] = r + (gamma * Q[s_next].max() if k < len(episode) - 1 else 0)
    return Q


@wrong("replay", "old value is not subtracted")
def adds_only(Q, episode, alpha, gamma):
    Q = Q.clone()
    for k, (s, a, r, s_next) in enumerate(episode):
        hope = Q[s_next].max() if k < len(episode) - 1 else 0
        Q[s, a] += alpha * (r + gamma * hope)
    return Q


@wrong("replay", "taken next")
def sarsa(Q, episode, alpha, gamma):
    Q = Q.clone()
    for k, (s, a, r, s_next) in enumerate(episode):
        hope = Q[s_next, episode[k + 1][1]] if k + 1 < len(episode) else 0
        Q[s, a] += alpha * (r + gamma * hope - Q[s, a])
    return Q


@wrong("replay", "go through the episode backward")
def reversed_order(Q, episode, alpha, gamma):
    Q, hope_of_last = Q.clone(), 0.0
    for k in range(len(episode) - 1, -1, -1):
        s, a, r, s_next = episode[k]
        hope = hope_of_last if k == len(episode) - 1 else Q[s_next].max()
        Q[s, a] += alpha * (r + gamma * hope - Q[s, a])
    return Q


@wrong("replay", "The old table is read")
def reads_the_old_table(Q, episode, alpha, gamma):
    new = Q.clone()
    for k, (s, a, r, s_next) in enumerate(episode):
        hope = Q[s_next].max() if k < len(episode) - 1 else 0.0
        new[s, a] = Q[s, a] + alpha * (r + gamma * hope - Q[s, a])
    return new


@wrong("replay", "it changes Q")
def in_place(Q, episode, alpha, gamma):
    for k, (s, a, r, s_next) in enumerate(episode):
        hope = Q[s_next].max() if k < len(episode) - 1 else 0.0
        Q[s, a] += alpha * (r + gamma * hope - Q[s, a])
    return Q


@wrong("replay", "largest value in row s_next")
def forgets_the_row(Q, episode, alpha, gamma):
    Q = Q.clone()
    for k, (s, a, r, s_next) in enumerate(episode):
        hope = Q.max() if k < len(episode) - 1 else 0.0
        Q[s, a] += alpha * (r + gamma * hope - Q[s, a])
    return Q


# --- from other students ---------------------------------------------------------------------------------------------


@wrong("judge", "rounded down")
def whole_numbers(z, truth):
    says = z >= 0
    found = (says & truth).sum() // truth.sum().clamp(min=1)
    false = (says & ~truth).sum() // says.sum().clamp(min=1)
    return (says == truth).to(z.dtype).mean(), found.to(z.dtype), false.to(z.dtype)


@wrong("company", "is empty where i - window is negative")
def slices_around_a_place(sentences, vocabulary, window):
    index = {word: k for k, word in enumerate(vocabulary)}
    counts = torch.zeros(len(vocabulary), len(vocabulary), dtype=torch.int64)
    for line in sentences:
        for i, one in enumerate(line):
            for other in line[i - window : i] + line[i + 1 : i + window + 1]:
                if one in index and other in index:
                    counts[index[one], index[other]] += 1
    return counts


@wrong("analogy", "the list without the three words")
def place_among_the_rest(vectors, a, b, c):
    u = vectors / vectors.norm(dim=1, keepdim=True)
    q = u[a] - u[b] + u[c]
    cosines = u[[k for k in range(len(u)) if k not in (a, b, c)]] @ (q / q.norm())
    return int(cosines.argmax()), cosines.max()


@wrong("vote", "not the Euclidean one")
def city_blocks(X_known, t_known, X_new, k):
    near = t_known[torch.cdist(X_new, X_known, p=1).argsort(dim=1)[:, :k]]
    votes = (near[:, :, None] == near[:, None, :]).sum(dim=2)
    return near[torch.arange(len(near)), votes.argmax(dim=1)]


@wrong("vote", "A tie goes wrong")
def ties_to_the_smallest_mean_distance(X_known, t_known, X_new, k):
    classes = []
    for distances in torch.cdist(X_new, X_known):
        near = distances.argsort()[:k]
        found = {c: distances[near][t_known[near] == c] for c in t_known[near].tolist()}
        classes.append(max(found, key=lambda c: (len(found[c]), -found[c].mean().item())))
    return torch.tensor(classes)


@wrong("replay", "the last by its place in the list")
def last_by_its_contents(Q, episode, alpha, gamma):
    Q = Q.clone()
    for step in episode:
        s, a, r, after = step
        hope = 0.0 if step == episode[-1] else Q[after].max()
        Q[s, a] += alpha * (r + gamma * hope - Q[s, a])
    return Q


@wrong("replay", "The old value is forgotten")
def target_alone(Q, episode, alpha, gamma):
    Q = Q.clone()
    for k, (s, a, r, after) in enumerate(episode):
        Q[s, a] = alpha * (r + gamma * (Q[after].max() if k + 1 < len(episode) else 0.0))
    return Q


@wrong("replay", "the function yields")
def one_table_after_another(Q, episode, alpha, gamma):
    Q = Q.clone()
    for s, a, r, after in episode:
        Q[s, a] += alpha * (r + gamma * Q[after].max() - Q[s, a])
        yield Q

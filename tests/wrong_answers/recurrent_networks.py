"""Wrong answers to the exercises of chapter 10."""

import math

import torch

from tests.wrong_answers import collection

ANSWERS, wrong = collection()

# --- last_states ----------------------------------------------------------------------------------------------------


@wrong("last_states", "after the last step of the batch")
def ignores_lengths(x, lengths, W_x, W_h, b):
    h = torch.zeros(x.shape[1], W_h.shape[0], dtype=x.dtype)
    for t in range(x.shape[0]):
        h = torch.tanh(x[t] @ W_x.T + h @ W_h.T + b)
    return h


@wrong("last_states", "states of all steps")
def returns_everything(x, lengths, W_x, W_h, b):
    h, out = torch.zeros(x.shape[1], W_h.shape[0], dtype=x.dtype), []
    for t in range(x.shape[0]):
        h = torch.tanh(x[t] @ W_x.T + h @ W_h.T + b)
        out.append(h)
    return torch.stack(out)


@wrong("last_states", "W_h is transposed")
def not_transposed(x, lengths, W_x, W_h, b):
    h = torch.zeros(x.shape[1], W_h.shape[0], dtype=x.dtype)
    for t in range(x.shape[0]):
        new = torch.tanh(x[t] @ W_x.T + h @ W_h + b)
        h = torch.where((t < lengths)[:, None], new, h)
    return h


@wrong("last_states", "The tanh around the sum")
def linear_network(x, lengths, W_x, W_h, b):
    h = torch.zeros(x.shape[1], W_h.shape[0], dtype=x.dtype)
    for t in range(x.shape[0]):
        new = x[t] @ W_x.T + h @ W_h.T + b
        h = torch.where((t < lengths)[:, None], new, h)
    return h


@wrong("last_states", "bias b is missing")
def without_bias(x, lengths, W_x, W_h, b):
    h = torch.zeros(x.shape[1], W_h.shape[0], dtype=x.dtype)
    for t in range(x.shape[0]):
        h = torch.where((t < lengths)[:, None], torch.tanh(x[t] @ W_x.T + h @ W_h.T), h)
    return h


@wrong("last_states", "old state plays no part")
def forgets_the_state(x, lengths, W_x, W_h, b):
    h = torch.zeros(x.shape[1], W_h.shape[0], dtype=x.dtype)
    for t in range(x.shape[0]):
        new = torch.tanh(x[t] @ W_x.T + b)
        h = torch.where((t < lengths)[:, None], new, h)
    return h


@wrong("last_states", "loop runs over the sequences")
def one_sequence_at_a_time(x, lengths, W_x, W_h, b):
    ends = []
    for n in range(x.shape[1]):
        h = torch.zeros(W_h.shape[0], dtype=x.dtype)
        for t in range(int(lengths[n])):
            h = torch.tanh(W_x @ x[t, n] + W_h @ h + b)
        ends.append(h)
    return torch.stack(ends)


@wrong("last_states", "give the number of the sequence as well")
def indexes_once(x, lengths, W_x, W_h, b):
    h, out = torch.zeros(x.shape[1], W_h.shape[0], dtype=x.dtype), []
    for t in range(x.shape[0]):
        h = torch.tanh(x[t] @ W_x.T + h @ W_h.T + b)
        out.append(h)
    return torch.stack(out)[lengths - 1]


# --- lstm_step ------------------------------------------------------------------------------------------------------


@wrong("lstm_step", "you took output before candidate")
def order_of_the_text(x, h, c, W_x, W_h, b):
    i, f, o, g = torch.chunk(x @ W_x.T + h @ W_h.T + b, 4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


@wrong("lstm_step", "Input and forget gate are exchanged")
def forget_gate_first(x, h, c, W_x, W_h, b):
    f, i, g, o = torch.chunk(x @ W_x.T + h @ W_h.T + b, 4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


@wrong("lstm_step", "h lacks the tanh")
def reads_without_tanh(x, h, c, W_x, W_h, b):
    i, f, g, o = torch.chunk(x @ W_x.T + h @ W_h.T + b, 4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * c, c


@wrong("lstm_step", "computed from the old cell")
def reads_the_old_cell(x, h, c, W_x, W_h, b):
    i, f, g, o = torch.chunk(x @ W_x.T + h @ W_h.T + b, 4, dim=1)
    new = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), new


@wrong("lstm_step", "candidate goes through the logistic function")
def four_sigmoids(x, h, c, W_x, W_h, b):
    i, f, g, o = torch.sigmoid(x @ W_x.T + h @ W_h.T + b).chunk(4, dim=1)
    c = f * c + i * g
    return o * torch.tanh(c), c


@wrong("lstm_step", "return h first, c second")
def cell_first(x, h, c, W_x, W_h, b):
    i, f, g, o = torch.chunk(x @ W_x.T + h @ W_h.T + b, 4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return c, torch.sigmoid(o) * torch.tanh(c)


@wrong("lstm_step", "it changes c, which belongs to the caller")
def writes_into_the_cell(x, h, c, W_x, W_h, b):
    i, f, g, o = torch.chunk(x @ W_x.T + h @ W_h.T + b, 4, dim=1)
    c *= torch.sigmoid(f)
    c += torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


# --- gru_step -------------------------------------------------------------------------------------------------------


@wrong("gru_step", "update gate is turned around")
def update_turned(x, h, W_x, W_h, b_x, b_h):
    xr, xz, xn = (x @ W_x.T + b_x).chunk(3, 1)
    hr, hz, hn = (h @ W_h.T + b_h).chunk(3, 1)
    r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
    return (1 - z) * h + z * torch.tanh(xn + r * hn)


@wrong("gru_step", "Reset and update gate are exchanged")
def update_first(x, h, W_x, W_h, b_x, b_h):
    xz, xr, xn = (x @ W_x.T + b_x).chunk(3, 1)
    hz, hr, hn = (h @ W_h.T + b_h).chunk(3, 1)
    r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
    return z * h + (1 - z) * torch.tanh(xn + r * hn)


@wrong("gru_step", "before the matrix, as in the paper")
def as_in_the_paper(x, h, W_x, W_h, b_x, b_h):
    H = h.shape[1]
    r, z = torch.sigmoid(x @ W_x[: 2 * H].T + b_x[: 2 * H] + h @ W_h[: 2 * H].T + b_h[: 2 * H]).chunk(2, 1)
    n = torch.tanh(x @ W_x[2 * H :].T + b_x[2 * H :] + (r * h) @ W_h[2 * H :].T + b_h[2 * H :])
    return z * h + (1 - z) * n


@wrong("gru_step", "two biases are added for all parts")
def one_bias(x, h, W_x, W_h, b_x, b_h):
    xr, xz, xn = (x @ W_x.T + b_x + b_h).chunk(3, 1)
    hr, hz, hn = (h @ W_h.T).chunk(3, 1)
    r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
    return z * h + (1 - z) * torch.tanh(xn + r * hn)


@wrong("gru_step", "multiplies both parts")
def resets_everything(x, h, W_x, W_h, b_x, b_h):
    xr, xz, xn = (x @ W_x.T + b_x).chunk(3, 1)
    hr, hz, hn = (h @ W_h.T + b_h).chunk(3, 1)
    r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
    return z * h + (1 - z) * torch.tanh(r * (xn + hn))


@wrong("gru_step", "You return the candidate")
def candidate_alone(x, h, W_x, W_h, b_x, b_h):
    xr, xz, xn = (x @ W_x.T + b_x).chunk(3, 1)
    hr, hz, hn = (h @ W_h.T + b_h).chunk(3, 1)
    return torch.tanh(xn + torch.sigmoid(xr + hr) * hn)


# --- bigram_bits ----------------------------------------------------------------------------------------------------


def table(train, K):
    count = torch.zeros(K, K, dtype=torch.float64)
    for a, b in zip(train[:-1].tolist(), train[1:].tolist()):
        count[a, b] += 1
    return count


@wrong("bigram_bits", "in nats")
def natural_logarithm(train, ids, K, alpha):
    n = table(train, K) + alpha
    p = n / n.sum(dim=1, keepdim=True)
    return -torch.log(p[ids[:-1], ids[1:]]).mean().item()


@wrong("bigram_bits", "average")
def adds_up(train, ids, K, alpha):
    n = table(train, K) + alpha
    p = n / n.sum(dim=1, keepdim=True)
    return -torch.log2(p[ids[:-1], ids[1:]]).sum().item()


@wrong("bigram_bits", "one pair less")
def divides_by_all(train, ids, K, alpha):
    n = table(train, K) + alpha
    p = n / n.sum(dim=1, keepdim=True)
    return -torch.log2(p[ids[:-1], ids[1:]]).sum().item() / len(ids)


@wrong("bigram_bits", "normalize over all pairs")
def joint_probability(train, ids, K, alpha):
    n = table(train, K) + alpha
    p = n / n.sum()
    return -torch.log2(p[ids[:-1], ids[1:]]).mean().item()


@wrong("bigram_bits", "the total grows by alpha K")
def alpha_once_below(train, ids, K, alpha):
    n = table(train, K)
    p = (n + alpha) / (n.sum(1, keepdim=True) + alpha)
    return -torch.log2(p[ids[:-1], ids[1:]]).mean().item()


@wrong("bigram_bits", "sign is wrong")
def negative_bits(train, ids, K, alpha):
    n = table(train, K) + alpha
    p = n / n.sum(dim=1, keepdim=True)
    return torch.log2(p[ids[:-1], ids[1:]]).mean().item()


@wrong("bigram_bits", "loop runs over the characters")
def counts_in_a_loop(train, ids, K, alpha):
    n = table(train, K) + alpha
    total = 0.0
    for a, b in zip(ids[:-1].tolist(), ids[1:].tolist()):
        total -= math.log2(n[a, b] / n[a].sum())
    return total / (len(ids) - 1)


# --- sampling_probabilities -----------------------------------------------------------------------------------------


@wrong("sampling_probabilities", "You multiply by the temperature")
def hot_is_cold(logits, temperature):
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1]).to(logits.dtype)
    return (logits * temperature).softmax(1)


@wrong("sampling_probabilities", "At temperature 0 it goes wrong")
def forgets_zero(logits, temperature):
    return torch.softmax(logits / temperature, dim=1)


@wrong("sampling_probabilities", "On large logits it goes wrong")
def overflows(logits, temperature):
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1]).to(logits.dtype)
    e = torch.exp(logits / temperature)
    return e / e.sum(1, keepdim=True)


@wrong("sampling_probabilities", "normalize over the rows")
def wrong_axis(logits, temperature):
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1]).to(logits.dtype)
    return (logits / temperature).softmax(0)


@wrong("sampling_probabilities", "no longer add up to 1")
def divides_afterwards(logits, temperature):
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1]).to(logits.dtype)
    return logits.softmax(1) / temperature


@wrong("sampling_probabilities", "has no effect")
def ignores_temperature(logits, temperature):
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1]).to(logits.dtype)
    return logits.softmax(1)


@wrong("sampling_probabilities", "loop runs over the rows")
def row_by_row(logits, temperature):
    p = torch.zeros_like(logits)
    for n in range(len(logits)):
        if temperature == 0:
            p[n, logits[n].argmax()] = 1
        else:
            p[n] = torch.softmax(logits[n] / temperature, 0)
    return p

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


@wrong("last_states", "With NaN or infinity in the padding it goes wrong")
def multiplies_by_a_mask(x, lengths, W_x, W_h, b):
    h = x.new_zeros(x.shape[1], len(W_h))
    for step, inputs in enumerate(x):
        running = (step < lengths).to(x.dtype)[:, None]
        h = running * torch.tanh(inputs @ W_x.T + h @ W_h.T + b) + (1 - running) * h
    return h


@wrong("last_states", "one step too late")
def runs_once_more(x, lengths, W_x, W_h, b):
    h = x.new_zeros(x.shape[1], len(W_h))
    for step, inputs in enumerate(x):
        h = torch.where((step <= lengths)[:, None], torch.tanh(inputs @ W_x.T + h @ W_h.T + b), h)
    return h


@wrong("last_states", "shorter ones do not")
def goes_on_without_inputs(x, lengths, W_x, W_h, b):
    h = x.new_zeros(x.shape[1], len(W_h))
    for step, inputs in enumerate(x):
        inputs = torch.where((step < lengths)[:, None], inputs, torch.zeros_like(inputs))
        h = torch.tanh(inputs @ W_x.T + h @ W_h.T + b)
    return h


# --- lstm_step ------------------------------------------------------------------------------------------------------


@wrong("lstm_step", "you took input, forget, output, candidate")
def order_of_the_text(x, h, c, W_x, W_h, b):
    i, f, o, g = torch.chunk(x @ W_x.T + h @ W_h.T + b, 4, dim=1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


@wrong("lstm_step", "you took forget, input, candidate, output")
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


@wrong("lstm_step", "it changes c, which belongs to the caller")
def writes_into_the_cell(x, h, c, W_x, W_h, b):
    i, f, g, o = torch.chunk(x @ W_x.T + h @ W_h.T + b, 4, dim=1)
    c *= torch.sigmoid(f)
    c += torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


@wrong("lstm_step", "c is wrong, and h follows from it")
def keeps_one_more(x, h, c, W_x, W_h, b):
    write, keep, candidate, show = (x @ W_x.T + h @ W_h.T + b).chunk(4, dim=1)
    cell = torch.sigmoid(keep + 1) * c + torch.sigmoid(write) * torch.tanh(candidate)
    return torch.sigmoid(show) * torch.tanh(cell), cell


@wrong("lstm_step", "what comes from them is wrong")
def transposes_the_blocks(x, h, c, W_x, W_h, b):
    W_h = torch.cat([block.T for block in W_h.chunk(4)])
    write, keep, candidate, show = (x @ W_x.T + h @ W_h.T + b).chunk(4, dim=1)
    cell = torch.sigmoid(keep) * c + torch.sigmoid(write) * torch.tanh(candidate)
    return torch.sigmoid(show) * torch.tanh(cell), cell


# --- gru_step -------------------------------------------------------------------------------------------------------


@wrong("gru_step", "update gate is turned around")
def update_turned(x, h, W_x, W_h, b_x, b_h):
    xr, xz, xn = (x @ W_x.T + b_x).chunk(3, 1)
    hr, hz, hn = (h @ W_h.T + b_h).chunk(3, 1)
    r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
    return (1 - z) * h + z * torch.tanh(xn + r * hn)


@wrong("gru_step", "you took update, reset, candidate")
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


@wrong("gru_step", "With one unit it is right")
def transposes_the_parts(x, h, W_x, W_h, b_x, b_h):
    W_h = torch.cat([block.T for block in W_h.chunk(3)])
    x_r, x_u, x_c = (x @ W_x.T + b_x).chunk(3, dim=1)
    h_r, h_u, h_c = (h @ W_h.T + b_h).chunk(3, dim=1)
    reset, update = torch.sigmoid(x_r + h_r), torch.sigmoid(x_u + h_u)
    return update * h + (1 - update) * torch.tanh(x_c + reset * h_c)


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


@wrong("bigram_bits", "loop runs over the characters")
def counts_in_a_loop(train, ids, K, alpha):
    n = table(train, K) + alpha
    total = 0.0
    for a, b in zip(ids[:-1].tolist(), ids[1:].tolist()):
        total -= math.log2(n[a, b] / n[a].sum())
    return total / (len(ids) - 1)


@wrong("bigram_bits", "not after")
def counts_what_came_before(train, ids, K, alpha):
    count = torch.bincount(train[1:] * K + train[:-1], minlength=K * K).reshape(K, K).double()
    p = (count + alpha) / (count.sum(dim=1, keepdim=True) + alpha * K)
    return -p[ids[:-1], ids[1:]].log2().mean().item()


@wrong("bigram_bits", "is counted once")
def adds_once(train, ids, K, alpha):
    count = torch.zeros(K, K, dtype=torch.float64)
    count[train[:-1], train[1:]] += 1
    p = (count + alpha) / (count.sum(dim=1, keepdim=True) + alpha * K)
    return -p[ids[:-1], ids[1:]].log2().mean().item()


# --- sampling_probabilities -----------------------------------------------------------------------------------------


@wrong("sampling_probabilities", "You multiply by the temperature")
def hot_is_cold(logits, temperature):
    if temperature == 0:
        return torch.nn.functional.one_hot(logits.argmax(1), logits.shape[1]).to(logits.dtype)
    return (logits * temperature).softmax(1)


@wrong("sampling_probabilities", "Only temperature 0 is wrong")
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


@wrong("sampling_probabilities", "the first of them gets all")
def shares(logits, temperature):
    if temperature == 0:
        largest = (logits == logits.amax(dim=1, keepdim=True)).to(logits.dtype)
        return largest / largest.sum(dim=1, keepdim=True)
    return torch.softmax(logits / temperature, dim=1)


@wrong("sampling_probabilities", "at another temperature")
def never_divides_by_zero(logits, temperature):
    return torch.softmax(logits / (temperature + 1e-3), dim=1)


@wrong("sampling_probabilities", "Only temperature 0 is wrong")
def all_alike_when_cold(logits, temperature):
    if temperature == 0:
        return torch.full_like(logits, 1 / logits.shape[1])
    return torch.softmax(logits / temperature, dim=1)

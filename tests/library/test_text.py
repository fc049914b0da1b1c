"""nndl_lib.text: the corpus, n-gram models against counting by hand, the network, bits, and sampling."""

import hashlib
import math
import re
import sys
from collections import Counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from nndl_lib import rnn, text

checks = settings(derandomize=True, deadline=None, max_examples=15, database=None)
F64 = {"dtype": torch.float64}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def refuses(message, function, *args, **kwargs):
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        function(*args, **kwargs)


# --- characters ---


def test_the_corpus():
    corpus = text.corpus()
    assert 200_000 < len(corpus) < 2_000_000 and set(corpus) <= set(text.alphabet())
    assert corpus == text.corpus()
    assert "’" not in corpus and "don't" in corpus
    assert corpus.index('The "assert" statement') < corpus.index('The "while" statement')  # topics by name
    # What the corpus is differs between versions of Python, but not on one of them.
    if sys.version_info[:3] == (3, 11, 7):
        assert hashlib.sha256(corpus.encode("ascii")).hexdigest().startswith("523891be8a3a18e6")


def test_encoding_and_decoding():
    alphabet = text.alphabet()
    assert len(alphabet) == len(set(alphabet)) == 96 and alphabet[:2] == "\n " and alphabet[-1] == "~"
    ids = text.encode(alphabet)
    assert ids.dtype == torch.int64 and torch.equal(ids, torch.arange(96))
    assert text.decode(ids) == alphabet and text.decode(text.encode("Hello,\n world!")) == "Hello,\n world!"
    assert text.encode("").shape == (0,)
    refuses("encode: text[2] is 'é'; expected characters of text.alphabet()", text.encode, "abé")
    refuses("decode: ids[1] is 96; expected characters 0 to 95", text.decode, torch.tensor([0, 96]))
    refuses("decode: ids[0] is -1; expected characters 0 to 95", text.decode, torch.tensor([-1, 9]))


def test_every_function_checks_character_numbers():
    model = text.NGram(1).fit(torch.tensor([1, 2]))
    functions = {
        "decode": text.decode,
        "split": text.split,
        "NGram": model.fit,
        "bits_per_character": lambda ids: text.bits_per_character(model, ids),
    }
    for caller, function in functions.items():
        for ids in (torch.zeros(2, 2, dtype=torch.int64), torch.zeros(3), torch.zeros(0, dtype=torch.int64)):
            found = f"ids have shape {tuple(ids.shape)} and are {ids.dtype}"
            refuses(f"{caller}: {found}; expected (M,) int64 with M of at least 1", function, ids)
    refuses("NGram: ids have shape (3,) and are torch.float32", model.bits_per_character, torch.zeros(3))


def test_split():
    ids = torch.arange(20)
    train, validation = text.split(ids)
    assert torch.equal(train, ids[:18]) and torch.equal(validation, ids[18:])
    assert len(text.split(ids, 0.25)[1]) == 5
    for share in (0, 1, -0.1, 0.001, 0.999, math.nan):
        message = f"split: share is {share!r} of 20 characters; expected a share that leaves both at least one"
        refuses(message, text.split, ids, share)


def test_windows():
    ids = torch.arange(7)
    inputs, targets = text.windows(ids, 4, 300, rng())
    assert inputs.shape == targets.shape == (4, 300)
    assert torch.equal(targets, inputs + 1) and torch.equal(inputs[1:], inputs[:-1] + 1)
    assert set(inputs[0].tolist()) == {0, 1, 2}  # every place from which a window fits
    again, later = text.windows(ids, 4, 300, rng()), text.windows(ids, 4, 300, rng(1))
    assert torch.equal(again[0], inputs) and not torch.equal(later[0], inputs)
    refuses("windows: length is 0; expected an integer of at least 1", text.windows, ids, 0, 3, rng())
    refuses("windows: batch is 0; expected an integer of at least 1", text.windows, ids, 3, 0, rng())
    refuses("windows: ids have shape (7,); expected (M,) with M of at least 8", text.windows, ids, 7, 3, rng())
    refuses("windows: ids has shape (7, 1); expected (M,)", text.windows, ids.unsqueeze(1), 1, 3, rng())


# --- n-grams ---


def by_hand(train, K, context, character):
    """Witten and Bell's probability with dictionaries, straight from the formula."""
    p = 1 / K
    for n in range(len(context) + 1):
        before = tuple(context[len(context) - n :])
        came = Counter(train[k + n] for k in range(len(train) - n) if tuple(train[k : k + n]) == before)
        if came:
            p = (came[character] + len(came) * p) / (came.total() + len(came))
    return p


texts = st.lists(st.integers(0, 3), min_size=4, max_size=30)


@checks
@given(train=texts, context=st.lists(st.integers(0, 3), max_size=5), order=st.integers(1, 4))
def test_ngrams_are_counted_as_by_hand(train, context, order):
    model = text.NGram(order, K=4).fit(torch.tensor(train))
    ngrams = torch.tensor([[*context, character] for character in range(4)])
    used = context[max(0, len(context) - order + 1) :]
    expected = [by_hand(train, 4, used, character) for character in range(4)]
    assert model.probability(ngrams).tolist() == pytest.approx(expected, rel=1e-12)
    assert model.probability(ngrams).sum().item() == pytest.approx(1, rel=1e-12)
    additive = text.NGram(order, "additive", alpha=0.3, K=4).fit(torch.tensor(train)).probability(ngrams)
    n = len(used)
    came = Counter(train[k + n] for k in range(len(train) - n) if train[k : k + n] == used)
    assert additive.tolist() == pytest.approx([(came[c] + 0.3) / (came.total() + 1.2) for c in range(4)], rel=1e-12)


@checks
@given(train=texts, other=st.lists(st.integers(0, 3), min_size=1, max_size=12), order=st.integers(1, 4))
def test_bits_are_those_of_every_character_after_those_before(train, other, order):
    model = text.NGram(order, K=4).fit(torch.tensor(train))
    ps = [by_hand(train, 4, other[max(0, k - order + 1) : k], other[k]) for k in range(len(other))]
    expected = -sum(map(math.log2, ps)) / len(ps)
    assert model.bits_per_character(torch.tensor(other)) == pytest.approx(expected, rel=1e-12)
    # As a language model: all of a text at once, or in two parts, and several texts side by side.
    ids = torch.tensor([other, other[::-1]]).T
    logits, state = model(ids)
    assert logits.shape == (len(other), 2, 4) and state.shape == (min(len(other), order - 1), 2)
    cut = len(other) // 2
    if cut:
        first, state = model(ids[:cut])
        second, _ = model(ids[cut:], state)
        torch.testing.assert_close(torch.cat([first, second]), logits, rtol=1e-12, atol=1e-12)
    for k in range(len(other)):
        expected = [by_hand(train, 4, other[max(0, k - order + 2) : k + 1] if order > 1 else [], c) for c in range(4)]
        assert logits[k, 0].exp().tolist() == pytest.approx(expected, rel=1e-12)


def test_ngrams_of_a_text_that_is_known():
    model = text.NGram(2, K=2).fit(torch.tensor([0, 1, 0, 1, 0]))
    # p_1(1) = (2 + 2 / 2) / (5 + 2); after 0 came 1 twice, one kind: (2 + 1 * 3/7) / (2 + 1)
    assert model.probability(torch.tensor([[1], [0]])).tolist() == pytest.approx([3 / 7, 4 / 7])
    assert model.probability(torch.tensor([[0, 1]])).item() == pytest.approx((2 + 3 / 7) / 3)
    # A text shorter than the order: its two characters have fewer before them.
    model = text.NGram(4, K=2).fit(torch.tensor([0, 1, 0, 1, 0]))
    assert model.bits_per_character(torch.tensor([0, 1])) == pytest.approx(-math.log2(4 / 7 * (2 + 3 / 7) / 3) / 2)
    model = text.NGram(2, K=2)
    assert model.fit(torch.tensor([1, 1])).probability(torch.tensor([[1, 1]])).item() > 0.8  # counts are not added up


def test_ngrams_of_the_corpus():
    train, validation = text.split(text.encode(text.corpus()[:120_000]))
    bits = [text.NGram(order).fit(train).bits_per_character(validation) for order in (1, 2, 3, 4)]
    assert bits == sorted(bits, reverse=True) and 4 < bits[0] < 5 and 1.5 < bits[3] < 2.8


def test_bad_ngrams():
    for order in (0, -1, True, 2.0):
        refuses(f"NGram: order is {order!r}; expected an integer of at least 1", text.NGram, order)
    refuses("NGram: K is 0; expected an integer of at least 1", text.NGram, 2, K=0)
    refuses("NGram: order is 10; expected one for which 96**order is below 2**63", text.NGram, 10)
    refuses("NGram: order is 63; expected one for which 2**order is below 2**63", text.NGram, 63, K=2)
    text.NGram(9), text.NGram(62, K=2)
    refuses("NGram: smoothing is 'none'; expected 'witten-bell' or 'additive'", text.NGram, 2, "none")
    for alpha in (0, -1.0, math.inf, math.nan, True):
        refuses(f"NGram: alpha is {alpha!r}; expected a finite number greater than 0", text.NGram, 2, alpha=alpha)
    ids = torch.tensor([[0, 1]])
    for call in (lambda: text.NGram(2).probability(ids), lambda: text.NGram(2).bits_per_character(ids[0])):
        refuses("NGram: the model has no counts; expected fit before", call)
    refuses("NGram: the model has no counts; expected fit before", text.NGram(2), ids)
    refuses("NGram: ids have shape (2,); expected at least 3, the order", text.NGram(3).fit, ids[0])
    refuses("NGram: ids[1] is 4; expected characters 0 to 3", text.NGram(1, K=4).fit, torch.tensor([0, 4]))
    other = text.NGram(1, K=4).fit(torch.tensor([0, 3]))
    refuses("NGram: ngrams[0, 1] is 4; expected characters 0 to 3", other.probability, torch.tensor([[0, 4]]))
    refuses("NGram: ids[1, 0] is -1; expected characters 0 to 3", other, torch.tensor([[0], [-1]]))
    message = "NGram: state and ids[0, 0] is 4; expected characters 0 to 3"
    refuses(message, other, torch.tensor([[0], [1]]), torch.tensor([[4]]))
    model = text.NGram(2).fit(ids[0])
    message = "NGram: ids have shape (2,) and are torch.int64; expected (T, N) int64 with T and N of at least 1"
    refuses(message, model, ids[0])
    for wrong in (ids[0], ids[:, :0], ids.double()):
        found = f"ngrams have shape {tuple(wrong.shape)} and are {wrong.dtype}"
        refuses(f"NGram: {found}; expected (M, n) int64 with M and n of at least 1", model.probability, wrong)


# --- the network ---


@pytest.mark.parametrize("network", [rnn.RNN, rnn.LSTM, rnn.GRU])
def test_character_model(network):
    model = text.CharacterModel(5, 3, network, num_layers=2, K=7, generator=rng(), **F64)
    sizes = {name: tuple(p.shape) for name, p in model.named_parameters()}
    assert sizes["embedding"] == (7, 3) and sizes["readout.weight"] == (7, 5) and type(model.recurrent) is network
    assert sizes["recurrent.weight_ih_l0"][1] == 3 and "recurrent.weight_hh_l1" in sizes
    ids = torch.randint(7, (6, 2), generator=rng())
    logits, state = model(ids)
    assert logits.shape == (6, 2, 7) and logits.dtype == torch.float64
    expected, _ = model.recurrent(model.embedding[ids])
    torch.testing.assert_close(logits, model.readout(expected), rtol=1e-12, atol=1e-12)
    first, state = model(ids[:4])
    second, _ = model(ids[4:], state)
    torch.testing.assert_close(torch.cat([first, second]), logits, rtol=1e-12, atol=1e-12)
    twin = text.CharacterModel(5, 3, network, num_layers=2, K=7, generator=rng(), **F64)
    assert all(torch.equal(p, q) for p, q in zip(model.parameters(), twin.parameters(), strict=True))
    (g,) = torch.autograd.grad(logits.sum(), model.embedding)
    assert g.abs().sum() > 0


def test_character_model_defaults():
    model = text.CharacterModel(4)
    assert model.embedding.shape == (96, 32) and type(model.recurrent) is rnn.LSTM and model.recurrent.num_layers == 1
    assert model.embedding.std().item() == pytest.approx(1, rel=0.1)
    assert text.CharacterModel(4, device="meta").embedding.device.type == "meta"


def test_bad_character_models():
    for name in ("embedding_size", "K"):
        message = f"CharacterModel: {name} is 0; expected an integer of at least 1"
        refuses(message, text.CharacterModel, 4, **{name: 0})
    refuses("LSTM: hidden_size is 0; expected an integer of at least 1", text.CharacterModel, 0)
    model = text.CharacterModel(4, 3, K=7)
    for ids in (torch.zeros(3, dtype=torch.int64), torch.zeros(0, 2, dtype=torch.int64), torch.zeros(2, 2)):
        found = f"ids have shape {tuple(ids.shape)} and are {ids.dtype}"
        refuses(f"CharacterModel: {found}; expected (T, N) int64 with T and N of at least 1", model, ids)
    for wrong in (7, -1):
        message = f"CharacterModel: ids[1, 0] is {wrong}; expected characters 0 to 6"
        refuses(message, model, torch.tensor([[0, 6], [wrong, 3]]))


# --- bits and samples of any model ---


def test_bits_per_character_of_streams():
    model = text.CharacterModel(5, 3, generator=rng(), **F64)
    ids = torch.randint(96, (62,), generator=rng())
    columns = ids[:60].reshape(3, 20).T
    p = torch.softmax(model(columns[:-1])[0], dim=2).gather(2, columns[1:].unsqueeze(2))
    expected = -p.log2().mean().item()
    for length in (1, 7, 19, 100):
        assert text.bits_per_character(model, ids, 3, length) == pytest.approx(expected, rel=1e-12)
    uniform = text.bits_per_character(lambda ids, state: (torch.zeros(*ids.shape, 96), state), ids, 4)
    assert uniform == pytest.approx(math.log2(96), rel=1e-6)


def test_bits_per_character_of_other_alphabets():
    ids = torch.randint(128, (62,), generator=rng())
    assert ids.max() > 95
    for model in (text.CharacterModel(5, 3, K=128, generator=rng()), text.NGram(2, K=128).fit(ids)):
        assert model.K == 128
        assert 0 < text.bits_per_character(model, ids, 3) < 8
        assert text.sample(model, ids[:3], 5, rng()).shape == (5,)
    refuses("CharacterModel: ids", text.bits_per_character, text.CharacterModel(5, 3, K=7), ids, 3)
    refuses(
        "bits_per_character: ids",
        text.bits_per_character,
        lambda ids, state: (torch.zeros(*ids.shape, 96), state),
        ids,
        3,
    )


def test_bits_per_character_in_evaluation_mode():
    model = text.CharacterModel(5, 3, generator=rng(), num_layers=2)
    model.recurrent.dropout = 0.9
    ids = torch.randint(96, (40,), generator=rng())
    once = text.bits_per_character(model, ids, 2)
    assert once == text.bits_per_character(model, ids, 2) and model.training and model.recurrent.training
    assert all(p.grad is None for p in model.parameters())
    model.eval()
    assert once == text.bits_per_character(model, ids, 2) and not model.training
    model.train()
    model.recurrent.eval()  # set by the reader
    assert once == text.bits_per_character(model, ids, 2) and model.training and not model.recurrent.training
    with pytest.raises(ValueError):  # after an error too
        text.bits_per_character(model, ids + 96, 2)
    assert model.training and not model.recurrent.training and model.embedding.requires_grad


@pytest.mark.parametrize("K", [3, 96, 128, np.int64(300)])
def test_models_of_other_alphabets_are_measured(K):
    model = text.CharacterModel(5, 3, K=K, generator=rng())
    ids = torch.randint(int(K), (60,), generator=rng())
    ids[-1] = K - 1
    z, _ = model(ids[:-1].unsqueeze(1))
    expected = F.cross_entropy(z[:, 0].double(), ids[1:]).item() / math.log(2)
    assert text.bits_per_character(model, ids, 1) == pytest.approx(expected, rel=1e-6)
    counted = text.NGram(np.int64(2), K=K).fit(ids)
    assert counted.bits_per_character(ids) > 0 and text.bits_per_character(counted, ids, 1) > 0
    ids[7] = K
    with pytest.raises(ValueError, match=f"characters 0 to {K - 1}"):
        text.bits_per_character(model, ids, 1)
    for measure in (counted, lambda ids, state: (torch.zeros(*ids.shape, int(K)), None)):
        refuses(
            f"{'NGram' if measure is counted else 'bits_per_character'}: ids[", text.bits_per_character, measure, ids, 1
        )


def test_bad_bits():
    model, ids = fixed(0.0, 1.0), torch.zeros(9, dtype=torch.int64)
    refuses("bits_per_character: streams is 0; expected an integer", text.bits_per_character, model, ids, 0)
    refuses("bits_per_character: length is 0; expected an integer", text.bits_per_character, model, ids, 2, 0)
    refuses("bits_per_character: model is None; expected a function", text.bits_per_character, None, ids, 2)
    refuses("bits_per_character: ids is a list; expected a tensor", text.bits_per_character, model, [1, 2, 3], 2)
    message = "bits_per_character: 9 characters in 5 streams; expected at least two in each"
    refuses(message, text.bits_per_character, model, ids, 5)


def fixed(*logits):
    """A model that gives the same logits always, and counts in its state how many characters it has read."""

    def model(ids, state):
        z = torch.tensor(logits, **F64).expand(*ids.shape, len(logits))
        return z, (0 if state is None else state) + len(ids)

    return model


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_have_the_models_probabilities(temperature):
    prompt = torch.tensor([0])
    ids = text.sample(fixed(0.0, 1.0, -0.5), prompt, 4000, rng(), temperature)
    assert ids.shape == (4000,) and ids.dtype == torch.int64
    shares = ids.bincount(minlength=3) / 4000
    expected = torch.softmax(torch.tensor([0.0, 1.0, -0.5]) / temperature, dim=0)
    torch.testing.assert_close(shares, expected, rtol=0, atol=0.03)


def test_samples_at_temperatures_near_0():
    prompt = torch.tensor([0])
    for temperature in (0, 1e-320, 1e-9):
        assert text.sample(fixed(0.0, 3.0, -0.5), prompt, 5, rng(), temperature).tolist() == [1] * 5
    assert text.sample(fixed(5.0, -math.inf), prompt, 50, rng(), 10.0).tolist() == [0] * 50


def test_a_sample_goes_on_from_the_prompt():
    seen = []

    def model(ids, state):
        seen.append((ids.flatten().tolist(), state))
        following = (ids[-1] + 1) % 5
        return torch.nn.functional.one_hot(following, 5).double().unsqueeze(0).expand(len(ids), 1, 5) * 100, len(seen)

    assert text.sample(model, torch.tensor([1, 2, 3]), 4, rng()).tolist() == [4, 0, 1, 2]
    assert seen == [([1, 2, 3], None), ([4], 1), ([0], 2), ([1], 3)]


def test_samples_come_from_their_generator():
    model = text.CharacterModel(5, 3, generator=rng())
    before = torch.get_rng_state()
    one, other, later = (text.sample(model, text.encode("The "), 30, rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(one, other) and not torch.equal(one, later)
    counted = text.NGram(3).fit(text.encode("abcabcabcabc" * 10))
    assert text.decode(text.sample(counted, text.encode("ab"), 6, rng(), 0)) == "cabcab"


def test_bad_samples():
    model, prompt = fixed(0.0, 1.0), torch.tensor([0])
    refuses("sample: length is 0; expected an integer of at least 1", text.sample, model, prompt, 0, rng())
    message = "sample: temperature is -1.0; expected a finite number of at least 0"
    refuses(message, text.sample, model, prompt, 3, rng(), -1.0)
    message = "sample: prompt has shape (0,); expected (P,), with sizes of at least 1"
    refuses(message, text.sample, model, prompt[:0], 3, rng())
    refuses("sample: prompt has shape (1, 1); expected (P,)", text.sample, model, prompt.unsqueeze(0), 3, rng())
    refuses("sample: generator is 0; expected a torch.Generator", text.sample, model, prompt, 3, 0)
    refuses("sample: model is 0.5; expected a function", text.sample, 0.5, prompt, 3, rng())
    refuses("sample: prompt is a list; expected a tensor", text.sample, model, [0], 3, rng())

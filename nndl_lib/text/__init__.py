"""Text, character by character: a corpus that every Python has, n-gram models, a recurrent model, and sampling.

A text is a tensor of character numbers, and a language model gives the logits of the character that follows::

    from nndl_lib import text

    train, validation = text.split(text.encode(text.corpus()))
    model = text.NGram(5).fit(train)
    model.bits_per_character(validation)
"""

from nndl_lib.text._characters import alphabet, corpus, decode, encode, split, windows
from nndl_lib.text._models import CharacterModel, bits_per_character, sample
from nndl_lib.text._ngrams import NGram

__all__ = ["corpus", "alphabet", "encode", "decode", "split", "windows"]
__all__ += ["NGram", "CharacterModel", "bits_per_character", "sample"]

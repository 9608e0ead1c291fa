"""How a language model is asked: the shared-prefix engine, and the plain one that is its reference.

rows.py       what both are given and give back
plain.py      every prompt whole, padded on the left, through transformers' own `generate`
shared.py     each image's common beginning once, its questions as one packed batch against that cache
whole.py      the same for any architecture: images through the whole model
decoder.py    a language model by its own forward, for it
grouping.py   which rows share what: found by comparing tokens
layout.py     where the tokens of a pass lie, and what they see
store.py      their keys and values
trunk.py      decoder layers over packed tokens
attention.py  attention of packed tokens to their own row and to their group's prefix
sizes.py      what an image and a token cost, for any architecture
work.py       what had to be computed and moved at least, and the least time that takes
"""

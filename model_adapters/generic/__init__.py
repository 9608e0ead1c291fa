"""Any model of transformers' AutoModelForImageTextToText, asked through its own processor and chat template.

families.py   what single families need beyond that
loading.py    weights and sizes, checked
processors.py tokenizer, PIL image processor, template: made without torchvision
encoding.py   requests as tensors; batches padded on the left
asking.py     generation, and choices forced through it
adapter.py    the adapter
"""

"""LRM-LLaVA (AAAI 2025): the model, its task instructions, its training, and a tiny trained one."""

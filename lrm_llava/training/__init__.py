"""Two-stage training with transformers' Trainer: data set, sampler, trainer, and what makes resuming exact."""

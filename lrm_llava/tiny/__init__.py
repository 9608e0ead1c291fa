"""The tiny world: a trained LRM-LLaVA from nothing, by the paper's path, on two CPU cores."""

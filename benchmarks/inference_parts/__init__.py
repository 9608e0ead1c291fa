"""Parts of benchmarks/inference.py: the checkpoint, the questions, the peers, the picture."""

"""The modality gap in numbers and as the paper's figure 5."""

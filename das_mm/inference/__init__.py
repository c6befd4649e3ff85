"""Inference: sources of images, a predictor, a run over its inputs, and what is written of it."""

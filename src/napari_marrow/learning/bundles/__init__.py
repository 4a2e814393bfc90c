"""Bundles, the folders that are trained models."""

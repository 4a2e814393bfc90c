"""Readers, writers, sample data and screenshots."""

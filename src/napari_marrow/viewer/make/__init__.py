"""Layers made from results: predictions, masks, augmented and recoloured images."""

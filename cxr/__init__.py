"""Chest X-ray classification that measures how far its own answer can be trusted."""

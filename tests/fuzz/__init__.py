"""Mutated inputs by the hundred thousand; and `samples`, the small files that they and the tests start from."""

"""The pitfalls: broken projects as people write them, and how each ends with hermetic; ``README.md`` tells."""

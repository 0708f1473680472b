"""Full-text search over what traces say: words, their index, snippets, and traces that say alike."""

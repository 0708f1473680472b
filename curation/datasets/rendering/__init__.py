"""What a row is once a chat template made text of it: the words, the tokens, what of them is learned, what is cut."""

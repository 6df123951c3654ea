"""Evaluate: run the desk's own decision over files of queries, judgements and negatives."""

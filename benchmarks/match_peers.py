"""Peers: bm25s, tantivy, SQLite FTS5 and a rapidfuzz scan over the same texts."""

import gc
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from match_base import Corpus
from match_figures import K, hits, share
from match_texts import Question

from verification import words
from verification.text import normalise

Search = Callable[[int], list[int]]
"""Give the numbers of the facts found for question number so-and-so, best first."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The questions as texts, and as the numbers of the tokens that ours cuts them into."""

    texts: Sequence[str]
    tokens: Sequence[list[int]]


def asked(questions: Sequence[Question], corpus: Corpus) -> Asked:
    """Cut the questions as ours does; tokens that no fact has are left out for everybody."""
    known = corpus.vocabulary
    texts = [question.text for question in questions]
    cuts = [dict.fromkeys(normalise(text).terms) for text in texts]
    return Asked(texts, [[known[term] for term in cut if term in known] for cut in cuts])


def bm25s_same(corpus: Corpus, questions: Asked) -> Search:
    vocabulary = {_name(number): number for number in corpus.vocabulary.values()}
    return _bm25s((corpus.tokens, vocabulary), [list(map(_name, cut)) for cut in questions.tokens])


def bm25s_jieba(corpus: Corpus, questions: Asked) -> Search:
    return _bm25s(list(map(_jieba, corpus.whole)), list(map(_jieba, questions.texts)))


def _name(number: int) -> str:
    return f"t{number}"


def _bm25s(corpus: Any, queries: Sequence[list[str]]) -> Search:
    import bm25s

    retriever = bm25s.BM25()
    retriever.index(corpus, show_progress=False)
    known = retriever.vocab_dict
    k = min(K, retriever.scores["num_docs"])
    wanted = [[[token for token in query if token in known]] for query in queries]

    def search(number: int) -> list[int]:
        if not wanted[number][0]:
            return []
        found, _ = retriever.retrieve(wanted[number], k=k, show_progress=False, n_threads=0)
        return found[0].tolist()  # type: ignore[no-any-return]

    return search


def _jieba(text: str) -> list[str]:
    return [word for word, _ in words.cut(text.lower())]


def tantivy_same(corpus: Corpus, questions: Asked) -> Search:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("body", tokenizer_name="whitespace", index_option="freq")
    builder.add_integer_field("number", stored=True)
    schema = builder.build()
    index = tantivy.Index(schema)
    writer = index.writer(heap_size=256_000_000, num_threads=1)
    for number, tokens in enumerate(corpus.tokens):
        writer.add_document(tantivy.Document(number=number, body=_line(tokens)))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()
    queries = [_any_of(schema, cut) for cut in questions.tokens]

    def search(number: int) -> list[int]:
        hits = searcher.search(queries[number], K, count=False).hits
        return [searcher.doc(address)["number"][0] for _, address in hits]

    return search


def _any_of(schema: Any, cut: Iterable[int]) -> Any:
    from tantivy import Occur, Query

    terms = (Query.term_query(schema, "body", _name(number), "freq") for number in cut)
    return Query.boolean_query([(Occur.Should, term) for term in terms])


def _line(tokens: Iterable[int]) -> str:
    return " ".join(map(_name, tokens))


def fts5_same(corpus: Corpus, questions: Asked) -> Search:
    queries = [" OR ".join(map(_name, cut)) for cut in questions.tokens]
    return _fts5(map(_line, corpus.tokens), queries, "unicode61")


def fts5_trigram(corpus: Corpus, questions: Asked) -> Search:
    queries = [" OR ".join(f'"{part}"' for part in _trigrams(text)) for text in questions.texts]
    return _fts5(corpus.whole, queries, "trigram")


def _trigrams(text: str) -> list[str]:
    parts = re.findall(r"\w+", text.lower())
    return list(dict.fromkeys(part[i : i + 3] for part in parts for i in range(len(part) - 2)))


def _fts5(corpus: Iterable[str], queries: Sequence[str], tokenizer: str) -> Search:
    base = sqlite3.connect(":memory:")
    # no copy of the texts: FTS5 is asked for the numbers of facts only
    base.execute(f"CREATE VIRTUAL TABLE fact USING fts5(body, content='', tokenize='{tokenizer}')")
    base.executemany("INSERT INTO fact (rowid, body) VALUES (?, ?)", enumerate(corpus, 1))
    base.execute("INSERT INTO fact (fact) VALUES ('optimize')")
    query = f"SELECT rowid FROM fact WHERE fact MATCH ? ORDER BY rank LIMIT {K}"  # noqa: S608 - a number

    def search(number: int) -> list[int]:
        return [row - 1 for (row,) in base.execute(query, (queries[number] or '""',))]

    return search


def rapidfuzz_scan(corpus: Corpus, questions: Asked) -> Search:
    from rapidfuzz import fuzz, process

    titles = [" ".join(_jieba(title)) for title in corpus.titles]
    queries = [" ".join(_jieba(text)) for text in questions.texts]

    def search(number: int) -> list[int]:
        found = process.extract(queries[number], titles, scorer=fuzz.token_set_ratio, limit=5)
        return [at for _, _, at in found]

    return search


PEERS: dict[str, Callable[[Corpus, Asked], Search]] = {
    "rapidfuzz token_set_ratio scan": rapidfuzz_scan,
    "bm25s, same tokens": bm25s_same,
    "tantivy, same tokens": tantivy_same,
    "SQLite FTS5, same tokens": fts5_same,
    "SQLite FTS5, trigram": fts5_trigram,
    "bm25s, jieba words": bm25s_jieba,
}
TARGETED = tuple(PEERS)[:4]
"""The peers that are to be in every run."""
FRUGAL = ("tantivy, same tokens",)
"""The peers that take a million facts on an ordinary machine."""


def measure(
    name: str,
    corpus: Corpus,
    questions: Asked,
    right: Sequence[list[str]],
    budget: float,
    ours: str,
) -> dict[str, Any]:
    """Build one peer and ask it one question at a time, for at most `budget` seconds.

    `ours` marks what ours has found, so that both are held against the same questions.
    """
    start = time.perf_counter()
    search = PEERS[name](corpus, questions)
    built = time.perf_counter() - start
    search(0)
    gc.collect()
    found = []
    begun = time.perf_counter()
    for number in range(len(questions.texts)):
        found.append(search(number))
        if time.perf_counter() - begun > budget:
            break
    total = time.perf_counter() - begun
    marks = hits([[corpus.ids[at] for at in ats] for ats in found], right)
    return {
        "name": name,
        "facts": len(corpus.ids),
        "queries_per_second": len(found) / total,
        "r_at_5": share(marks),
        "build_seconds": built,
        "questions": len(found),
        "ours_r_at_5": share(ours[: len(found)]),
        "seconds": time.perf_counter() - start,
    }

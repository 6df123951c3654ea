"""Peers: bm25s, tantivy, SQLite FTS5 and a rapidfuzz scan over the same texts."""

import gc
import re
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from match_figures import K, r_at_5

from verification import words

Search = Callable[[int], list[int]]
"""Give the numbers of the facts found for question number so-and-so, best first."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What a peer indexes and is asked: facts and questions, as texts and as our tokens."""

    ids: Sequence[str]
    titles: Sequence[str]
    whole: Sequence[str]
    tokens: Sequence[Sequence[str]]
    asked: Sequence[str]
    asked_tokens: Sequence[Sequence[str]]


def bm25s_same(texts: Texts) -> Search:
    return _bm25s(texts.tokens, texts.asked_tokens)


def bm25s_jieba(texts: Texts) -> Search:
    return _bm25s(list(map(_jieba, texts.whole)), list(map(_jieba, texts.asked)))


def _bm25s(corpus: Sequence[Sequence[str]], asked: Sequence[Sequence[str]]) -> Search:
    import bm25s

    retriever = bm25s.BM25()
    retriever.index([list(one) for one in corpus], show_progress=False)
    known = retriever.vocab_dict
    k = min(K, len(corpus))
    queries = [[[token for token in dict.fromkeys(one) if token in known]] for one in asked]

    def search(number: int) -> list[int]:
        if not queries[number][0]:
            return []
        found, _ = retriever.retrieve(queries[number], k=k, show_progress=False, n_threads=0)
        return found[0].tolist()  # type: ignore[no-any-return]

    return search


def _jieba(text: str) -> list[str]:
    return [word for word, _ in words.cut(text.lower())]


def tantivy_same(texts: Texts) -> Search:
    return _tantivy(texts.tokens, texts.asked_tokens)


def _tantivy(corpus: Sequence[Sequence[str]], asked: Sequence[Sequence[str]]) -> Search:
    import tantivy

    builder = tantivy.SchemaBuilder()
    builder.add_text_field("body", tokenizer_name="whitespace", index_option="freq")
    builder.add_integer_field("number", stored=True)
    schema = builder.build()
    index = tantivy.Index(schema)
    writer = index.writer(heap_size=256_000_000, num_threads=1)
    for number, tokens in enumerate(corpus):
        writer.add_document(tantivy.Document(number=number, body=" ".join(map(_solid, tokens))))
    writer.commit()
    writer.wait_merging_threads()
    index.reload()
    searcher = index.searcher()
    should = tantivy.Occur.Should
    queries = [
        tantivy.Query.boolean_query(
            [
                (should, tantivy.Query.term_query(schema, "body", _solid(token), "freq"))
                for token in dict.fromkeys(one)
            ]
        )
        for one in asked
    ]

    def search(number: int) -> list[int]:
        hits = searcher.search(queries[number], K, count=False).hits
        return [searcher.doc(address)["number"][0] for _, address in hits]

    return search


def _solid(token: str) -> str:
    return token.replace(" ", "_")


def fts5_same(texts: Texts) -> Search:
    numbers: dict[str, int] = {}

    def name(token: str) -> str:
        return f"t{numbers.setdefault(token, len(numbers))}"

    corpus = [" ".join(map(name, one)) for one in texts.tokens]
    asked = [" OR ".join(map(name, dict.fromkeys(one))) for one in texts.asked_tokens]
    return _fts5(corpus, asked, "unicode61")


def fts5_trigram(texts: Texts) -> Search:
    asked = [" OR ".join(f'"{part}"' for part in _trigrams(text)) for text in texts.asked]
    return _fts5(texts.whole, asked, "trigram")


def _trigrams(text: str) -> list[str]:
    parts = re.findall(r"\w+", text.lower())
    return list(dict.fromkeys(part[i : i + 3] for part in parts for i in range(len(part) - 2)))


def _fts5(corpus: Sequence[str], asked: Sequence[str], tokenizer: str) -> Search:
    base = sqlite3.connect(":memory:")
    base.execute(f"CREATE VIRTUAL TABLE fact USING fts5(body, tokenize='{tokenizer}')")
    base.executemany("INSERT INTO fact (rowid, body) VALUES (?, ?)", enumerate(corpus, 1))
    base.execute("INSERT INTO fact (fact) VALUES ('optimize')")
    query = f"SELECT rowid FROM fact WHERE fact MATCH ? ORDER BY rank LIMIT {K}"  # noqa: S608 - a number

    def search(number: int) -> list[int]:
        return [row - 1 for (row,) in base.execute(query, (asked[number] or '""',))]

    return search


def rapidfuzz_scan(texts: Texts) -> Search:
    from rapidfuzz import fuzz, process

    titles = [" ".join(_jieba(title)) for title in texts.titles]
    asked = [" ".join(_jieba(text)) for text in texts.asked]

    def search(number: int) -> list[int]:
        found = process.extract(asked[number], titles, scorer=fuzz.token_set_ratio, limit=5)
        return [at for _, _, at in found]

    return search


PEERS: dict[str, Callable[[Texts], Search]] = {
    "bm25s, same tokens": bm25s_same,
    "bm25s, jieba words": bm25s_jieba,
    "tantivy, same tokens": tantivy_same,
    "SQLite FTS5, same tokens": fts5_same,
    "SQLite FTS5, trigram": fts5_trigram,
    "rapidfuzz token_set_ratio scan": rapidfuzz_scan,
}


def measure(name: str, texts: Texts, right: Sequence[list[str]], budget: float) -> dict[str, Any]:
    """Build one peer and ask it for at most `budget` seconds."""
    start = time.perf_counter()
    search = PEERS[name](texts)
    built = time.perf_counter() - start
    search(0)
    gc.collect()
    found = []
    begun = time.perf_counter()
    for number in range(len(texts.asked)):
        found.append(search(number))
        if time.perf_counter() - begun > budget:
            break
    total = time.perf_counter() - begun
    named = [[texts.ids[at] for at in ats] for ats in found]
    return {
        "name": name,
        "facts": len(texts.ids),
        "queries_per_second": len(found) / total,
        "r_at_5": r_at_5(named, list(right)),
        "build_seconds": built,
        "questions": len(found),
    }

"""Generated notes whose words decide, and a pipeline that has learned which: a text beside a number."""

import numpy as np
import polars as pl

BAD, GOOD = ("overdue", "dispute", "bounced", "Late"), ("salary", "steady", "paid", "Owner")
FILL = ("the", "client", "said", "that", "a", "letter", "was", "sent", "again", "in", "may", "by", "phone", "today")


def notes(size=600, seed=3):
    """Columns id, note, amount, bad ("yes" or "no"): each bad word makes yes likelier, each good one less so."""
    random = np.random.default_rng(seed)
    texts, inside = [], []
    for _ in range(size):
        bad, good = random.integers(0, 3, 2)
        words = [*random.choice(BAD, bad), *random.choice(GOOD, good), *random.choice(FILL, random.integers(4, 9))]
        random.shuffle(words)
        texts.append(f"{' '.join(words).capitalize()}, {words[0]}!" if len(words) % 2 else ", ".join(words))
        inside.append(1.5 * bad - 1.5 * good)
    amount = random.normal(100, 20, size).round(2)
    chance = 1 / (1 + np.exp(-np.array(inside) - (amount - 100) / 40))
    return pl.DataFrame(
        {
            "id": [f"N{at}" for at in range(size)],
            "note": texts,
            "amount": amount,
            "bad": np.where(random.uniform(size=size) < chance, "yes", "no"),
        }
    )


def fitted(rows, *, lowercase=True):
    """A scikit-learn pipeline of the note's words and the amount."""
    from sklearn.compose import ColumnTransformer
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    parts = [("words", TfidfVectorizer(lowercase=lowercase), "note"), ("number", StandardScaler(), ["amount"])]
    return Pipeline([("read", ColumnTransformer(parts)), ("decide", LogisticRegression(C=3.0))]).fit(
        rows.select("note", "amount").to_pandas(), rows["bad"].to_numpy()
    )


def scores(model):
    """What is explained of such a pipeline: the score of yes."""
    return lambda frame: model.predict_proba(frame.select("note", "amount").to_pandas())[:, 1]

"""The words of column names: a name taken apart, and a table of what its parts say about the column's role."""

import re
import unicodedata
from dataclasses import dataclass


def vocabulary(text: str) -> frozenset[str]:
    """A set of words, written as one text."""
    return frozenset(text.split())


# Role -> weight -> phrases. 1 = says it without doubt, 0.5 = needs the values' support. English, then German, French
# and Spanish; accents are dropped. A phrase is matched as a run of whole words of a name.
TABLE: dict[str, dict[float, str]] = {
    "label": {
        1.0: (
            "y true, ytrue, ground truth, groundtruth, true label, actual label, y test, y actual, true class, actual "
            "class, gold label, true value, actual value, actual target, y obs, correct label, gt label"
        ),
        0.95: (
            "target, label, labels, lable, actual, actuals, truth, observed, obs, y, gold, targets, istwert, "
            "zielwert, gt"
        ),
        0.9: "survived, target value, true, tatsachlich, reel, verdadero, objetivo, cible, ziel, zielvariable",
        0.85: "class, outcome, response, etiqueta, etiquette, klasse, clase, classe, ground, real value, observation",
        0.8: (
            "churn, churned, churn flag, is fraud, fraud, fraudulent, defaulted, default, bad, readmitted, converted, "
            "clicked, click, purchase, diagnosis, species, sale price, house value, attrition, exited, income "
            "bracket, spam, readmission, recidivism, recid, risk class, credit risk, default payment next month, loan "
            "status, stroke, heart disease, subscribed, purchased, bought, cancelled, canceled, delinquent, serious "
            "dlqin 2 yrs, trip duration, conversion, died, death, mortality, hospital death, malignant, income, "
            "deposit, approved"
        ),
        0.7: (
            "kundigung, betrug, ausfall, resiliation, fraude, defaut, impago, abandono, baja, sentiment, returned, "
            "quality, mpg, charges, price, cnt, medv, risk, disease, fault, failure, machine failure, is late, grade"
        ),
        0.6: (
            "sales, demand, rating, stars, satisfied, satisfaction, category, status, won, result, hired, "
            "progression, preis, prix, precio, ergebnis, resultat, resultado, delay, arr delay, count, g 3, digit, "
            "iris, revenue, type, load, consumption, rentals, duration, salary, value, toxic, intent, label text, "
            "accident, injury"
        ),
    },
    "prediction": {
        1.0: (
            "y pred, ypred, y hat, yhat, y predicted, predicted label, predicted class, pred class, pred label, "
            "prediction label, scored labels, scored label, predicted labels, prediction class, predicted value, y "
            "predict, predicted target, predicted outcome, predicted result, predicted category, pred value"
        ),
        0.95: "prediction, predictions, predicted, pred, preds, predict, predictedlabel, pgr, y prediction",
        0.9: (
            "forecast, forecasted, forecasts, vorhersage, prognose, prevision, predit, predite, prediccion, "
            "pronostico, predicho, classified as, model output, model prediction, model decision, schatzung, fcst"
        ),
        0.5: (
            "decision, decided, estimate, estimated, output, outputs, guess, hat, fit, fitted, into, pre, entscheidung"
        ),
    },
    "score": {
        1.0: "y score, yscore, y prob, yprob, y proba, yproba, scored probabilities, scored probability, y scores",
        0.95: (
            "proba, probas, prob, probs, probability, probabilities, prediction score, wahrscheinlichkeit, "
            "probabilite, probabilidad, predicted probability, propensity, decision function, pred score, likelihood, "
            "logit"
        ),
        0.8: "score, scores, risk score, model score, confidence, conf, pd, decile score, puntuacion, scoring, logits",
        0.6: "p, pr, pr 1, margin",
    },
    "latency": {
        1.0: "latency, latency ms, response time, inference time, inference ms, response ms, antwortzeit, latencia",
        0.9: "prediction time ms, scoring time, scoring ms, processing ms, elapsed ms, duration ms, latence, latenz",
        0.7: "elapsed, processing time, runtime ms, time ms, execution time",
    },
    "model_version": {
        1.0: "model version, model name, model id, modelversion, modelname, modell version, version modele",
        0.8: "model, classifier, algorithm, learner, estimator, modell, modele, modelo, model type, method, run name",
        0.7: "version, variant, run, run id, experiment, wflow id",
    },
    "id": {
        1.0: "uuid, guid, row id, rowid, record id, case id, sample id, example id, instance id, sk id curr, unique id",
        0.95: "id, ids, row index, row number, identifier, kennung, identifiant, identificador, rownum, inst",
        0.7: "row, index, idx, key, record, inst, instance, row nr, case number, ref, reference, obs number, oid, pk",
        0.55: "unnamed 0, nbr, nr, number, no, num, nummer, numero, code, column 0, column 1, instant",
    },
    "time": {
        1.0: (
            "timestamp, event time, event timestamp, decision time, decision date, ds, datetime, date time, zeitstempel"
        ),
        0.95: "date, created at, created, scored at, event date, prediction time, prediction timestamp, datum, fecha",
        0.9: "transaction date, order date, application date, pickup datetime, admission date, request time, dteday",
        0.8: "time, ts, zeit, heure, temps, hora, tiempo, at, admitted, issue d, purchase date, sale date, applied",
        0.7: "day, week, month, period, jour, tag, monat, mois, mes, semana",
        0.3: "updated at, end, end date, dropoff datetime, closed, closed at, discharge date, delivered, label time",
        0.1: (
            "birth, birthday, dob, geburtsdatum, naissance, nacimiento, expiry, expires, due, label date, valid "
            "until, outcome date, outcome time, cutoff, labelled at, labeled at, hire date, signup date, member "
            "since, until"
        ),
    },
    "split": {
        1.0: "split, fold, partition, subset, data split, dataset split, cv fold, resample, train test, is train",
        0.8: "set, dataset, sample, stichprobe, ensemble, conjunto, cv, folds, phase, stage, usage, is test, in sample",
    },
    "weight": {
        1.0: (
            "sample weight, sampleweight, sample weights, fnlwgt, case weight, instance weight, survey weight, perwt, "
            "importance weight, sampling weight, row weight, weight col, finalwt, frequency weight, pweight, wtfinl"
        ),
        0.9: "weight, weights, wgt, wt, gewicht, gewichtung, poids, peso, ponderacion, ponderation, wtmec 2 yr",
        0.7: "exposure, exposition",
    },
    "cost": {
        1.0: "prediction cost, inference cost, cost per prediction, cost per call, call cost, cost usd, cost eur",
        0.7: "cost, costs, kosten, cout, coste, costo",
    },
    "amount": {
        1.0: "amount, amt, amnt, loan amount, loan amnt, transaction amount, order value, betrag, montant, importe",
        0.9: "transaction value, basket value, order total, purchase amount, total amount, claim amount, amt credit",
        0.7: "revenue, price, umsatz, monto, preis, prix, precio, fare, balance, payment, total charges, sales, credit",
        0.5: "value, total, charges, volume, spend",
    },
    "protected": {
        1.0: (
            "gender, sex, race, ethnicity, ethnic, ethnic group, age, age group, age cat, age band, nationality, "
            "religion, disability, marital status, marital, disabled, sexual orientation, is male, is female, "
            "pregnant, geschlecht, alter, altersgruppe, nationalitat, familienstand, sexe, genre, nationalite, sexo, "
            "genero"
        ),
        0.9: (
            "edad, edad grupo, nacionalidad, estado civil, etat civil, foreign worker, native country, personal "
            "status, senior citizen, age bracket, age range, religious, foreigner, code gender, days birth, "
            "citizenship"
        ),
        0.8: (
            "birth date, birthdate, zip, zip code, zipcode, postcode, postal code, plz, date of birth, birth year, "
            "year of birth, dob, veteran"
        ),
    },
}

ENTITIES = vocabulary(
    "customer client user patient account member household subject person employee student driver borrower applicant "
    "passenger merchant device store shop product item series order transaction loan claim policy invoice case event "
    "encounter visit session trip ticket record row sample request application listing booking kunde kunden nutzer "
    "patienten bestellung cliente paciente usuario pedido commande utilisateur policyholder beneficiary card machine "
    "engine meter property house vehicle respondent player subscriber sku bill"
)
# Whom several rows may be about: their columns serve as the unit when they repeat.
UNITS = vocabulary(
    "customer client user patient account member household subject person employee student driver borrower applicant "
    "merchant device store shop item series kunde kunden nutzer patienten cliente paciente usuario utilisateur "
    "policyholder card machine engine asset equipment sensor meter unique respondent player subscriber beneficiary "
    "product sku"
)

_PIECE = re.compile(r"\d+\.\d+|\d+|[A-Z]+(?![^\W\d_A-Z])|[A-Z]?[^\W\d_A-Z]+")
_SPLIT_FROM_NUMBER = {"p", "q", "y", "pr", "lo", "hi", "g"}
_GLUED_ID = re.compile(rf"({'|'.join(sorted(ENTITIES | {'row', 'record'}, key=len, reverse=True))})(ids?|nr|no)")


@dataclass(frozen=True)
class Word:
    """One word of a name: lower case without accents, and where it stands in the name."""

    text: str
    start: int
    end: int


def plain(text: str) -> str:
    """Lower case without accents or outer blanks.

    >>> plain(" Défaut ")
    'defaut'
    """
    decomposed = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return "".join(each for each in decomposed if not unicodedata.combining(each)).lower().strip()


def words(name: str) -> tuple[Word, ...]:
    """The words of a name written in any usual way; numbers stand apart, except after one or two letters ("v2").

    >>> [word.text for word in words("SalePrice_q0.1")], [word.text for word in words("score v2")]
    (['sale', 'price', 'q', '0.1'], ['score', 'v2'])
    """
    found: list[Word] = []
    for match in _PIECE.finditer(name):
        text, start, end = plain(match.group()), match.start(), match.end()
        last = found[-1] if found else None
        if (
            last is not None
            and last.end == start
            and text[0].isdigit()
            and last.text.isalpha()
            and len(last.text) <= 2
            and last.text not in _SPLIT_FROM_NUMBER
        ):
            found[-1] = Word(last.text + text, last.start, end)
            continue
        glued = _GLUED_ID.fullmatch(text)
        if glued is not None and len(text) == end - start:
            middle = start + len(glued.group(1))
            found += [Word(glued.group(1), start, middle), Word(glued.group(2), middle, end)]
        else:
            found.append(Word(text, start, end))
    return tuple(found)


@dataclass(frozen=True)
class Match:
    """A phrase of the table found in a name: words start to end (exclusive), with the phrase's weight."""

    start: int
    end: int
    weight: float


def _by_first_word() -> dict[str, dict[str, list[tuple[tuple[str, ...], float]]]]:
    index: dict[str, dict[str, list[tuple[tuple[str, ...], float]]]] = {}
    for role, rows in TABLE.items():
        for weight, phrases in rows.items():
            for phrase in phrases.split(", "):
                parts = tuple(phrase.split())
                index.setdefault(role, {}).setdefault(parts[0], []).append((parts, weight))
        for candidates in index[role].values():
            candidates.sort(key=lambda pair: -len(pair[0]))
    return index


_INDEX = _by_first_word()


def matches(name: tuple[str, ...], role: str) -> list[Match]:
    """The role's phrases in a name's words, left to right, the longest first, none overlapping.

    A single letter counts only as the whole name, or in front for scores ("p_default").
    """
    found: list[Match] = []
    position = 0
    while position < len(name):
        for phrase, weight in _INDEX[role].get(name[position], ()):
            end = position + len(phrase)
            alone = len(name) == 1 or (role == "score" and position == 0)
            if name[position:end] == phrase and (len(phrase) > 1 or len(phrase[0]) > 1 or alone):
                found.append(Match(position, end, weight))
                position = end
                break
        else:
            position += 1
    return found


def likeness(name: tuple[str, ...], role: str) -> float:
    """How much a name's words speak for a role, 0 (not at all) to 1 (says so).

    The whole name counts fully, its end nine tenths, its beginning eight, its middle six: "order_id" is an id,
    "id_type" hardly.

    >>> likeness(("y", "true"), "label"), likeness(("shoe", "size"), "label")
    (1.0, 0.0)
    """
    best = 0.0
    for match in matches(name, role):
        front, back = match.start == 0, match.end == len(name)
        place = 1.0 if front and back else 0.9 if back else 0.8 if front else 0.6
        best = max(best, match.weight * place)
    return best


def alike(one: str, other: str) -> bool:
    """Whether two words are forms of one another: equal, or with a long common beginning.

    >>> alike("churn", "churned"), alike("age", "agency")
    (True, False)
    """
    if one == other:
        return True
    common = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        common += 1
    return common >= 5 and common >= 0.6 * max(len(one), len(other))

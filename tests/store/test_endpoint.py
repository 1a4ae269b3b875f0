"""Endpoints: asked in batches, bounded in everything; where they may be; what is kept of one."""

import json
import socket
import ssl
import subprocess
import threading
import time

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.core.errors import AssayError, BadFile, BadRequest, ModelFailed
from analysis.store import (
    endpoint,
    endpointcalls,
    endpointmodel,
    endpointprotocol,
    modelfile,
    modelhosts,
    models,
    workers,
)
from analysis.store.workspace import Workspace
from tests.store.serving import FEATURES, loans_server, served
from tests.store.test_models import loans  # noqa: F401 - a fixture

FRAME = pl.DataFrame({"a": [0.1, 0.2, None, 0.4], "b": ["x", "y", "z", None]})


@pytest.fixture(autouse=True)
def no_worker_left():
    yield
    workers._end_all()


def chances(rows):
    return [[1 - (row["a"] or 0), row["a"] or 0] for row in rows]


def fine(handler, asked):
    """Two class scores a row, by MLflow's protocol."""
    handler.answer({"predictions": chances(asked.rows)})


@pytest.fixture
def serve(monkeypatch):
    """serve(does, **definition) gives (the server, a model in this process that asks it)."""
    opened = []

    def start(does, protocol="mlflow", version="", **options):
        around = served(does, version)
        opened.append(around)
        serving = around.__enter__()
        monkeypatch.setenv("ASSAY_MODEL_HOSTS", serving.host)
        made = endpoint.endpoint(serving.url, protocol, features=["a", "b"], **options)
        return serving, endpointmodel.EndpointModel(made.content())

    monkeypatch.setattr(endpointmodel, "FIRST_WAIT", 0.01)
    yield start
    for around in opened:
        around.__exit__(None, None, None)


# What is asked and answered ---------------------------------------------------------------------------------------


def test_mlflow_is_asked_as_its_protocol_says(serve):
    serving, model = serve(fine)
    answers = model.predict(FRAME)
    (asked,) = serving.seen
    assert (asked.path, asked.headers["content-type"]) == ("/invocations", "application/json")
    assert json.loads(asked.body) == {
        "dataframe_split": {"columns": ["a", "b"], "data": [[0.1, "x"], [0.2, "y"], [None, "z"], [0.4, None]]}
    }
    np.testing.assert_array_equal(answers.scores, [[0.9, 0.1], [0.8, 0.2], [1, 0], [0.6, 0.4]])
    assert (answers.classes, answers.labels) == ((), None)


# As MLflow's scoring server writes what models return: arrays as lists, frames and series as records, nan as NaN.
MLFLOW = {
    "labels of scikit-learn": (["no", "yes"], (), (0, ()), ["no", "yes"]),
    "numbers": ([0.25, 0.75], (), (1, ()), None),
    "predict_proba": ([[0.75, 0.25], [0.25, 0.75]], (), (2, ()), None),
    "one column": ([[0.85], [0.02]], (), (1, ()), None),
    "a series": ([{"0": 0.897}, {"0": 0.1}], (), (1, ()), None),
    "a frame without names": ([{"0": 0.9, "1": 0.1}] * 2, ("no", "yes"), (2, ("no", "yes")), None),
    "a frame of classes": ([{"no": 0.9, "yes": 0.1}] * 2, (), (2, ("no", "yes")), None),
    "more than classes": ([{"row": 7, "yes": 0.1, "no": 0.9}] * 2, ("no", "yes"), (2, ("no", "yes")), None),
    "label and scores": ([{"label": "no", "scores": [0.9, 0.1]}] * 2, (), (2, ()), ["no", "no"]),
    "yes and no": ([True, False], (), (0, ()), ["true", "false"]),
    "missing": ([None, 0.5], (), (1, ()), None),
}


@pytest.mark.parametrize("what", MLFLOW)
def test_what_mlflow_answers_is_understood(monkeypatch, what):
    predictions, given, shape, labels = MLFLOW[what]
    monkeypatch.setenv("ASSAY_MODEL_HOSTS", "127.0.0.1")
    kept = endpoint.endpoint("http://127.0.0.1", "mlflow", features=["a"], classes=given)
    answers = endpointprotocol.answers(kept, json.loads(json.dumps({"predictions": predictions})), 2)
    assert (answers.scores.shape[1], answers.classes) == shape
    assert (None if answers.labels is None else answers.labels.to_list()) == labels
    if what == "more than classes":
        np.testing.assert_array_equal(answers.scores[0], [0.9, 0.1])


def test_the_plain_protocol(serve):
    def does(handler, asked):
        scores = chances(asked.rows)
        labels = [["no", "yes"][row[1] > row[0]] for row in scores]
        handler.answer({"scores": scores, "classes": ["no", "yes"], "labels": labels, "version": "7"})

    serving, model = serve(does, "json")
    answers = model.predict(FRAME)
    assert json.loads(serving.seen[0].body)["rows"][2] == {"a": None, "b": "z"}
    assert (answers.classes, answers.labels.to_list()) == (("no", "yes"), ["no"] * 4)
    assert answers.scores[3].tolist() == [0.6, 0.4]
    assert model.standing()["version"] == ""  # there is no probe to ask about


def test_batches_run_together_within_their_cap_and_nothing_is_asked_twice(serve, monkeypatch):
    monkeypatch.setenv("ASSAY_ENDPOINT_ROWS", "10")
    monkeypatch.setenv("ASSAY_ENDPOINT_TOGETHER", "3")
    now, most, lock = [0], [0], threading.Lock()

    def does(handler, asked):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.03)
        with lock:
            now[0] -= 1
        fine(handler, asked)

    serving, model = serve(does)
    frame = pl.DataFrame({"a": [at / 100 for at in range(95)] * 2, "b": ["x"] * 190})
    answers = model.predict(frame)
    np.testing.assert_allclose(answers.scores[:, 1], frame["a"])
    assert (len(serving.seen), model.spent, most[0]) == (10, 10, 3)
    model.predict(frame.reverse())
    assert (len(serving.seen), model.spent) == (10, 10)
    model.predict(pl.DataFrame({"a": [0.5, 0.123], "b": ["x", "x"]}))
    assert json.loads(serving.seen[-1].body)["dataframe_split"]["data"] == [[0.123, "x"]]
    monkeypatch.setenv("ASSAY_ENDPOINT_CACHE_ROWS", "20")
    model.predict(pl.DataFrame({"a": [0.9999], "b": ["x"]}))
    assert len(model.known) == 20


def test_tried_again_where_that_may_help(serve):
    def does(handler, asked):
        turn = len(serving.seen)
        if turn == 1:
            return handler.answer({}, status=503)
        if turn == 2:
            return handler.answer({}, status=429, **{"Retry-After": "0"})
        if turn == 3:
            return handler.connection.shutdown(socket.SHUT_RDWR)
        return fine(handler, asked)

    serving, model = serve(does)
    assert len(model.predict(FRAME).scores) == 4
    assert (len(serving.seen), model.spent) == (4, 4)


@pytest.mark.parametrize(
    ("status", "header", "calls", "said"),
    [
        (503, {}, 4, r"The endpoint answers 503 after 4 tries: too much\."),
        (
            503,
            {"Retry-After": "3600"},
            1,
            r"asks to be left alone for 3,600 s, longer than 10 s \(setting",
        ),
        (429, {"Retry-After": "Wed, 21 Oct 2099 07:28:00 GMT"}, 1, "asks to be left alone for"),
        (400, {}, 1, r"The endpoint answers 400: too much\."),
        (500, {}, 1, r"The endpoint answers 500: too much\."),
    ],
)
def test_what_an_endpoint_refuses(serve, status, header, calls, said):
    serving, model = serve(lambda handler, _: handler.answer({"message": "too\n much."}, status=status, **header))
    with pytest.raises(ModelFailed, match=said):
        model.predict(FRAME)
    assert len(serving.seen) == calls


def test_one_that_dies_halfway_keeps_what_it_answered(serve, monkeypatch):
    monkeypatch.setenv("ASSAY_ENDPOINT_ROWS", "10")
    monkeypatch.setenv("ASSAY_ENDPOINT_TOGETHER", "1")
    dead = [True]

    def does(handler, asked):
        if dead[0] and len(serving.seen) > 3:
            return handler.connection.shutdown(socket.SHUT_RDWR)
        return fine(handler, asked)

    serving, model = serve(does)
    frame = pl.DataFrame({"a": [at / 100 for at in range(50)], "b": ["x"] * 50})
    said = (
        r"closed the connection without an answer after 4 tries\. 30 of 50 rows were answered and are kept in memory;"
    )
    with pytest.raises(ModelFailed, match=said):
        model.predict(frame)
    dead[0] = False
    before = len(serving.seen)
    np.testing.assert_allclose(model.predict(frame).scores[:, 1], frame["a"])
    assert len(serving.seen) - before == 2


def test_calls_for_a_question_are_capped(serve, monkeypatch):
    monkeypatch.setenv("ASSAY_ENDPOINT_ROWS", "1")
    serving, model = serve(fine)
    model.begin(3)
    with pytest.raises(ModelFailed, match=r"4 rows would take 4 calls to the endpoint; 3 may be made now \(settings"):
        model.predict(FRAME)
    assert not serving.seen
    model.predict(FRAME.head(3))
    assert model.spent == 3
    with pytest.raises(ModelFailed, match="1 row would take 1 call to the endpoint; none may be made now"):
        model.predict(FRAME)
    with pytest.raises(ModelFailed, match="calls to the endpoint that may be made now are used up"):
        model._count()
    model.begin(None)
    model.predict(FRAME)


# What answers badly -----------------------------------------------------------------------------------------------


def body(content, **options):
    return lambda handler, asked: handler.say(content, **options)


def said(value):
    return lambda handler, asked: handler.answer(value)


def raw(content, pause=0.0):
    """Whatever bytes, then the end of the connection."""

    def does(handler, asked):
        handler.close_connection = True
        if pause:
            return handler.drip(content, pause)
        return handler.wfile.write(content)

    return does


HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
BAD = {
    "no json": (body(b"<html>"), "is no JSON, or it is cut short"),
    "deep json": (body(b"[" * 100_000), "is no JSON, or it is cut short"),
    "not utf-8": (body(b'{"predictions": "\xff"}'), "is no JSON, or it is cut short"),
    "html": (body(b"<html>", kind="text/html"), "answers 'text/html', not JSON"),
    "packed": (body(b"x", **{"Content-Encoding": "gzip"}), "packs its answer though it was asked not to"),
    "a list": (said([0.1] * 4), 'has no "predictions"'),
    "too few": (said({"predictions": [0.1] * 3}), '3 "predictions" for 4 rows'),
    "too many": (said({"predictions": [0.1] * 5}), '5 "predictions" for 4 rows'),
    "ragged": (said({"predictions": [[0.1, 0.9], [0.1], [0.2], [0.3]]}), '"predictions" are of different lengths'),
    "empty rows": (said({"predictions": [[], [], [], []]}), "empty, or longer than 1,000"),
    "wide": (said({"predictions": [[0.0] * 1001] * 4}), "empty, or longer than 1,000"),
    "text among numbers": (said({"predictions": [0.1, "x", 0.2, 0.3]}), "hold text where a number belongs"),
    "a cube": (said({"predictions": [[[0.1]]] * 4}), "hold a list where a number belongs"),
    "other outputs": (said({"predictions": [{"a": 1}, {"b": 1}, {"a": 1}, {"a": 1}]}), "names other outputs for some"),
    "an object": (said({"predictions": {"a": [1, 2, 3, 4]}}), '"predictions" are no list'),
    "redirect": (
        body(b"", status=302, Location="http://127.0.0.1:9/x"),
        "a redirect .302., which is never",
    ),
    "huge": (body(b" " * (2 << 20)), r"answers more than 1 MB \(setting endpoint_answer_mb\)"),
    "huge, of no length": (raw(HEAD + b"\r\n" + b" " * (2 << 20)), r"answers more than 1 MB"),
    "10,000 headers": (raw(HEAD + b"".join(b"X-%d: y\r\n" % at for at in range(10_000))), "does not speak HTTP"),
    "endless header": (raw(HEAD + b"X: " + b"y" * 100_000), "does not speak HTTP"),
    "no http": (raw(b"SSH-2.0-x\r\n"), "does not speak HTTP"),
    "cut short": (raw(HEAD + b"Content-Length: 500\r\n\r\n{"), "broke off in the middle of its answer after 2 tries"),
    "hangs": (lambda handler, asked: time.sleep(1), r"did not answer within 0\.3 s"),
    "drips headers": (raw(HEAD + b"X: y\r\n" * 100, pause=0.02), r"did not answer within 0\.3 s"),
    "drips its answer": (raw(HEAD + b"\r\n" + b" " * 500, pause=0.02), r"did not answer within 0\.3 s"),
    "chunk without end": (raw(CHUNKED + b"-1\r\n" + b" " * (10 << 20)), r"answers more than 9 MB"),
    "chunk of negative length": (raw(CHUNKED + b"-7\r\n" + b" " * 100), "does not speak HTTP"),
    "continues for ever": (raw(b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000), "closed the connection without"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_answer_is_one_sentence(serve, monkeypatch, what):
    monkeypatch.setenv("ASSAY_ENDPOINT_ANSWER_MB", "1")
    monkeypatch.setenv("ASSAY_ENDPOINT_ATTEMPTS", "2")
    monkeypatch.setattr(
        endpointmodel, "number", lambda name: {"endpoint_seconds": 0.3, "endpoint_wait_seconds": 1}[name]
    )
    does, complaint = BAD[what]
    serving, model = serve(does)
    with pytest.raises(ModelFailed, match=complaint) as failed:
        model.predict(FRAME)
    assert str(failed.value).endswith(".")
    assert "\n" not in str(failed.value)
    assert len(serving.seen) <= 2
    assert not model.known


def test_no_number_is_no_number(serve):
    _, model = serve(body(b'{"predictions": [NaN, Infinity, null, 1e999]}'))
    np.testing.assert_array_equal(model.predict(FRAME).scores[:, 0], [np.nan, np.inf, np.nan, np.inf])


def test_nobody_listens(monkeypatch):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("ASSAY_MODEL_HOSTS", place)
    monkeypatch.setattr(endpointmodel, "FIRST_WAIT", 0.01)
    kept = endpoint.endpoint(f"http://{place}", "mlflow", features=["a", "b"])
    with pytest.raises(ModelFailed, match="cannot be reached: Connection refused after 4 tries"):
        endpointmodel.EndpointModel(kept.content()).predict(FRAME)


def test_a_redirect_inside_has_no_effect(serve):
    reached = []
    with served(lambda handler, asked: reached.append(asked)) as inside:
        for status in (301, 302, 303, 307, 308):
            _, model = serve(body(b"", status=status, Location=f"{inside.url}/invocations"))
            with pytest.raises(ModelFailed, match="never followed"):
                model.predict(FRAME)
        assert not reached


def test_proxies_of_the_environment_are_not_asked(serve, monkeypatch):
    with served(fine) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        serving, model = serve(fine)
        model.predict(FRAME)
        assert (len(serving.seen), len(proxy.seen)) == (1, 0)


@pytest.mark.slow
def test_whatever_answers_is_an_answer_or_a_sentence(serve, monkeypatch):
    monkeypatch.setenv("ASSAY_ENDPOINT_ATTEMPTS", "1")
    monkeypatch.setattr(endpointmodel, "number", {"endpoint_seconds": 0.5, "endpoint_wait_seconds": 1}.get)
    random = np.random.default_rng(5)
    good = HEAD + b"X-Y: z\r\nTransfer-Encoding: chunked\r\n\r\n"
    told = b'{"predictions": [{"no": 0.9, "label": "yes"}, {"no": null, "label": 1}, [1e5], {"no": -1, "label": ""}]}'
    good += b"%x\r\n%s\r\n0\r\n\r\n" % (len(told), told)
    pieces = [
        b"{",
        b"}",
        b"[",
        b"]",
        b":",
        b",",
        b"null",
        b"NaN",
        b"-1e999",
        b'"',
        b"\xff",
        b"\r\n",
        b"\0",
        b" ",
        b"9" * 5000,
    ]
    content = [b""]
    _, model = serve(lambda handler, asked: raw(content[0])(handler, asked))
    outcomes = set()
    for _ in range(1500):
        mutated = bytearray(good)
        for _ in range(int(random.integers(1, 6))):
            at = int(random.integers(len(mutated)))
            mutated[at : at + int(random.integers(4))] = pieces[int(random.integers(len(pieces)))]
        content[0] = bytes(mutated)
        outcomes.add(complaint_of(lambda: model.predict(FRAME)))
        model.known.clear()
        model.shape, model.classes = None, ()
    assert len(outcomes) > 5
    assert all(each.endswith(".") and "\n" not in each for each in outcomes)


def complaint_of(question):
    """What a question fails with, "." where it does not."""
    try:
        question()
    except ModelFailed as error:
        return str(error)
    return "."


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["a", "no", "label", "0"]), inner),
    max_leaves=12,
)
WHOLE = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("predictions", "scores", "classes", "labels", "version"), JSON_VALUES)
)


@given(said=WHOLE | JSON_VALUES, protocol=st.sampled_from(endpoint.PROTOCOLS))
@settings(max_examples=60, deadline=None)
def test_any_json_is_an_answer_or_a_sentence(said, protocol):
    kept = endpoint.Endpoint("http://m.org/", protocol, ("a",))
    found = []
    assert complaint_of(lambda: found.append(endpointprotocol.answers(kept, said, 2))).endswith(".")
    for answers in found:
        assert answers.scores.shape[0] == 2
        assert answers.labels is None or len(answers.labels) == 2
    assert endpointprotocol.version(said).isprintable()


# Where it may be --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hosts", "address", "complaint"),
    [
        ("", "https://models.example.org", "No host may be asked .* setting model_hosts"),
        ("models.example.org", "https://other.example.org", "'other.example.org' is not among .* setting model_hosts"),
        ("models.example.org", "https://models.example.org:8443", "'models.example.org:8443' is not among"),
        ("models.example.org", "https://models.example.org.evil.org", "is not among"),
        ("models.example.org", "https://user:word@models.example.org", "Leave user and password out"),
        ("models.example.org", "https://models.example.org@evil.org", "Leave user and password out"),
        ("models.example.org", "https://models.example.org/x?key=secret", "Leave what follows"),
        ("models.example.org", "https://models.example.org/#x", "Leave what follows"),
        ("models.example.org", "file:///etc/passwd", "begins with https:// or http://"),
        ("models.example.org", "https:///x", "begins with https:// or http://"),
        ("models.example.org", "https://models.example.org:99999", "is a URL"),
        ("models.example.org", "https://models.example.org/a b", "visible ASCII"),
        ("models.example.org", "https://models.example.org\r\nX: y/", "visible ASCII"),
        ("models.example.org", "https://evil.org\\@models.example.org", "visible ASCII"),
        ("10.0.0.0/8", "http://10.1.1.1", "is not among"),
    ],
)
def test_only_hosts_the_operator_allows(monkeypatch, hosts, address, complaint):
    monkeypatch.setenv("ASSAY_MODEL_HOSTS", hosts)
    with pytest.raises(BadRequest, match=complaint) as refused:
        endpoint.endpoint(address, "json", features=["a"])
    assert "secret" not in str(refused.value).replace("may hold a secret", "")
    assert "word@" not in str(refused.value)


@pytest.mark.parametrize(
    ("hosts", "found", "allowed"),
    [
        ("m.org", ["93.184.216.34"], True),
        ("m.org", ["93.184.216.34", "10.0.0.7"], False),
        ("m.org", ["127.0.0.1"], False),
        ("m.org", ["::1"], False),
        ("m.org", ["::ffff:10.0.0.7"], False),
        ("m.org", ["64:ff9b::a00:7"], False),
        ("m.org", ["2002:a00:7::1"], False),
        ("m.org", ["fd00::7"], False),
        ("m.org, 10.0.0.0/24", ["10.0.0.7"], True),
        ("m.org, 10.0.0.0/24", ["::ffff:10.0.0.7"], True),
        ("m.org, 10.0.0.0/24", ["10.0.1.7"], False),
        ("m.org, fd00::7", ["fd00::7"], True),
        ("m.org, 0.0.0.0/0", ["169.254.169.254"], False),
        ("m.org, 0.0.0.0/0", ["0.0.0.0"], False),  # noqa: S104 - refused
    ],
)
def test_a_name_cannot_be_pointed_inside(monkeypatch, hosts, found, allowed):
    monkeypatch.setenv("ASSAY_MODEL_HOSTS", hosts)
    told = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 443)) for each in found]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: told)
    place = modelhosts.place("https://m.org/x")
    if allowed:
        assert modelhosts.addresses(place) == found
    else:
        with pytest.raises(BadRequest, match=r"'m\.org' leads to"):
            modelhosts.addresses(place)


def test_a_host_no_longer_allowed_is_not_asked(serve, monkeypatch):
    serving, model = serve(fine)
    monkeypatch.setenv("ASSAY_MODEL_HOSTS", "elsewhere")
    with pytest.raises(ModelFailed, match="is not among the hosts that may be asked"):
        model.predict(FRAME)
    assert not serving.seen


def test_a_certificate_must_be_trusted(monkeypatch, tmp_path):
    key, made = tmp_path / "key.pem", tmp_path / "made.pem"
    words = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=here"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(made)]
    try:
        subprocess.run(words, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("this machine has no openssl to make a certificate with")
    kept = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    kept.load_cert_chain(made, key)
    with served(fine, tls=kept) as serving:
        monkeypatch.setenv("ASSAY_MODEL_HOSTS", f"{serving.host}, localhost:{serving.host.partition(':')[2]}")
        model = endpointmodel.EndpointModel(endpoint.endpoint(serving.url, "mlflow", features=["a", "b"]).content())
        with pytest.raises(ModelFailed, match=r"shows a certificate that is not trusted: self.signed certificate"):
            model.predict(FRAME)
        assert not serving.seen
        monkeypatch.setenv("ASSAY_MODEL_CA", str(made))
        assert model.predict(FRAME).scores.shape == (4, 2)
        other = endpoint.endpoint(serving.url.replace("127.0.0.1", "localhost"), "mlflow", features=["a", "b"])
        with pytest.raises(ModelFailed, match="not trusted: Hostname mismatch"):
            endpointmodel.EndpointModel(other.content()).predict(FRAME)


# Secrets ----------------------------------------------------------------------------------------------------------


def test_a_secret_is_sent_and_never_said(serve, monkeypatch):
    monkeypatch.setenv("MY_TOKEN", "Bearer s3cr3t-of-mine")
    headers = {"Authorization": "MY_TOKEN"}

    def does(handler, asked):
        handler.answer({"message": f"no: {asked.headers['authorization']}, s3cr3t-of-mine"}, status=401)

    serving, model = serve(does, headers=headers)
    with pytest.raises(ModelFailed, match=r"401: no: \*\*\*, \*\*\*\.") as failed:
        model.predict(FRAME)
    assert serving.seen[0].headers["authorization"] == "Bearer s3cr3t-of-mine"
    assert "s3cr3t" not in str(failed.value) + json.dumps(model.facts()) + model.endpoint.content().decode()
    monkeypatch.setenv("MY_TOKEN", "two\r\nX-Lines: 1")
    with pytest.raises(ModelFailed, match="MY_TOKEN holds what no header may"):
        endpoint.endpoint(serving.url, "json", features=["a"], headers=headers)
    monkeypatch.delenv("MY_TOKEN")
    with pytest.raises(ModelFailed, match="MY_TOKEN, for the endpoint's header Authorization, is not set"):
        endpoint.endpoint(serving.url, "json", features=["a"], headers=headers)
    for header, variable in (("Host", "X"), ("a b", "X"), ("X-Y", "Bearer word"), ("Content-Length", "X")):
        with pytest.raises(BadRequest):
            endpoint.endpoint(serving.url, "json", features=["a"], headers={header: variable})
    monkeypatch.setenv("ASSAY_MODEL_HOSTS", "m.org")
    with pytest.raises(BadRequest, match="goes over https only"):
        endpoint.endpoint("http://m.org", "json", features=["a"], headers=headers)


# What is kept -----------------------------------------------------------------------------------------------------


def test_a_definition_is_read_as_it_was_written(serve):
    _, model = serve(fine, classes=["no", "yes"])
    kept = endpoint.introduced(model.endpoint, "9", model.predict(FRAME), ("no", "yes"))
    assert endpoint.read(kept.content()) == kept
    for damaged in (b"", b"[]", b"{}", kept.content()[:-5]):
        with pytest.raises(BadFile, match="definition of the endpoint is damaged"):
            endpoint.read(damaged)


def test_numbers_that_are_all_classes_are_labels(serve):
    _, model = serve(lambda handler, asked: handler.answer({"predictions": [1 for _ in asked.rows]}))
    answers = model.predict(FRAME)
    kept = endpoint.introduced(model.endpoint, "", answers, ("0", "1"))
    assert (kept.numbers, kept.labels, kept.scores) == ("labels", ("1",) * 4, ((),) * 4)
    again = endpointmodel.EndpointModel(kept.content()).predict(FRAME)
    assert (again.scores.shape, again.labels.to_list()) == ((4, 0), ["1"] * 4)
    assert endpoint.introduced(model.endpoint, "", answers, ()).numbers == "scores"


def test_the_samples_model_behind_an_endpoint(workspace, loans, monkeypatch):  # noqa: F811
    rows = loans["v2"].select(FEATURES).head(3000)
    monkeypatch.setenv("MY_TOKEN", "s3cr3t-of-mine")
    with served(loans_server(), version="2.17.0") as serving:
        monkeypatch.setenv("ASSAY_MODEL_HOSTS", serving.host)
        given = {"features": FEATURES, "classes": ["no", "yes"], "headers": {"X-Token": "MY_TOKEN"}}
        kept = endpoint.endpoint(serving.url, "mlflow", **given)
        model, new = models.add_endpoint(workspace, kept, rows.head(20), name="v2", evaluation="loans")
        assert new
        assert (model.kind, model.classes, model.libraries) == (
            "endpoint",
            ("no", "yes"),
            {"endpoint": "MLflow 2.17.0"},
        )
        assert [each.name for each in model.inputs] == FEATURES
        assert models.add_endpoint(workspace, kept, rows.head(20), name="v2", evaluation="loans") == (model, False)
        scorer = models.scorer(workspace, model)
        serving.seen.clear()
        answers = scorer.predict(rows)
        np.testing.assert_allclose(answers.scores[:, 1], loans["v2"]["score_v2"].head(3000), rtol=0, atol=1e-6)
        assert len(serving.seen) == 6
        assert {each.headers["x-token"] for each in serving.seen} == {"s3cr3t-of-mine"}
        scorer.predict(rows.tail(700))
        assert len(serving.seen) == 6
        assert scorer.standing().changed == 0
        spent = endpointcalls.spent(workspace, model.source)
        assert spent == 6 + 2 * 2 + 2  # rows, twice added and once asked again: version and probe

        monkeypatch.setenv("ASSAY_ENDPOINT_CALLS_DAY", str(spent))
        scorer.predict(rows.tail(700))  # from memory
        with pytest.raises(ModelFailed, match="1 row would take 1 call to the endpoint; none may be made now"):
            scorer.predict(rows.head(1).with_columns(pl.lit(18.5).alias("age")))
        monkeypatch.delenv("ASSAY_ENDPOINT_CALLS_DAY")

        serving.does = lambda handler, asked: handler.answer({"predictions": [[0.5, 0.5] for _ in asked.rows]})
        found = scorer.standing()
        assert (found.rows, found.changed) == (20, 20)
        assert "answers 20 of the 20 rows kept when it was added otherwise than then, by up to" in found.said
        assert scorer.predict(rows.head(5)).scores.tolist() == [[0.5, 0.5]] * 5  # what was in memory is gone
        other, new = models.add_endpoint(workspace, kept, rows.head(20), name="v2", evaluation="loans")
        assert (new, other.label) == (True, "v2@2")
    for file in workspace.root.rglob("*"):
        assert file.is_dir() or b"s3cr3t" not in file.read_bytes()


def test_what_fails_when_it_is_added_leaves_nothing(workspace, monkeypatch):
    with served(body(b"", status=302, Location="http://10.0.0.1/")) as serving:
        monkeypatch.setenv("ASSAY_MODEL_HOSTS", serving.host)
        kept = endpoint.endpoint(serving.url, "json", features=["a", "b"])
        with pytest.raises(AssayError, match="never followed"):
            models.add_endpoint(workspace, kept, FRAME, name="m")
    assert models.listed(workspace) == []
    for folder in ("models", "staging"):
        assert not list((workspace.root / folder).iterdir())
    assert not workers._workers


def test_calls_are_counted_for_every_process(workspace):
    other = Workspace.open(workspace.root)
    try:
        endpointcalls._add(workspace, "https://m.org/x", 3)
        endpointcalls._add(other, "https://m.org/x", 4)
        endpointcalls._add(other, "https://m.org/y", 1)
        assert endpointcalls.spent(workspace, "https://m.org/x") == 7
    finally:
        other.close()


def test_a_file_is_never_taken_for_an_endpoint(workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_MODEL_HOSTS", "m.org")
    file = tmp_path / "m.json"
    file.write_bytes(endpoint.endpoint("https://m.org", "json", features=["a"]).content())
    with pytest.raises(BadFile, match="is neither an ONNX model nor"):
        modelfile.kind(file, file.name)

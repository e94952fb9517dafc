from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import redis

from scoring.moments import say_second
from scoring.servers.embedded import EmbeddedStore
from tests.api.conftest import Run, Start

KEY = "a person key of tests"
HEADER = "account_id,domain,email,type,occurred_at,event_id,topic,strength,person,channel,title\n"


def days_ago(days: float) -> str:
    return say_second(time.time() - 86_400 * days)


def events(folder: Path, *rows: str) -> Path:
    file = folder / "events.csv"
    file.write_text(HEADER + "".join(row + "\n" for row in rows), encoding="utf-8")
    return file


def book_rows(count: int) -> list[str]:
    return [
        f"crm-{n % 9},,,demo_request,{days_ago(n % 50)},e{n},pricing,1,p{n % 4},web,CFO" for n in range(count)
    ]


def ok(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stderr
    return done.stderr


def refused(done: subprocess.CompletedProcess[str], *says: object) -> None:
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    for text in says:
        assert str(text) in done.stderr


def shown(client: httpx.Client, account_id: str) -> dict[str, Any]:
    response = client.get(f"/accounts/{account_id}/signals", params={"limit": 1000})
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()
    return found


def test_a_books_events_are_imported_while_the_service_runs_and_count_at_once(
    run: Run, start: Start, tmp_path: Path
) -> None:
    """The service has the store's folder; the command comes in by the same socket, with the same key."""
    file = events(tmp_path, *book_rows(700), ",acme.com,,webinar," + days_ago(1) + ",w1,,,jo@acme.com,event,")
    with start(read_budget_ms="5000") as service, httpx.Client(base_url=service.url, timeout=30.0) as client:
        before = client.get("/score", params={"account_id": "crm-1"}).json()
        assert "imported 701 signals; known already: 0" in ok(
            run("signals", "import", file, state=str(service.state))
        )
        after = client.get("/score", params={"account_id": "crm-1"}).json()
        assert after["intent"] > before["intent"]
        found = shown(client, "crm-1")
        assert (found["events"], found["people"]) == (78, 4)
        assert found["signals"][0]["role"] == "finance"
        assert shown(client, "acme.com")["events"] == 1

        again = ok(run("signals", "import", file, state=str(service.state)))
        assert "imported 0 signals; known already: 701" in again
        resent = {"account_id": "crm-1", "type": "demo_request", "event_id": "e1", "person": "p1"}
        answer = client.post("/signals", json={**resent, "occurred_at": days_ago(1)}).json()
        assert answer["duplicates"] == 1, "the command and the service hash with the same key"


def test_signals_move_from_one_store_to_another(run: Run, tmp_path: Path) -> None:
    one, other, moved = tmp_path / "one", tmp_path / "other", tmp_path / "moved.ndjson"
    settings = {"person_key": KEY}
    ok(run("signals", "import", events(tmp_path, *book_rows(300)), state=str(one), **settings))
    assert "exported 300 signals of 9 logs" in ok(run("signals", "export", moved, state=str(one), **settings))
    assert moved.stat().st_mode & 0o077 == 0, "for nobody else to read"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert "imported 300 signals" in ok(run("signals", "import", moved, state=str(other), **settings))

    back = run("signals", "export", "-", state=str(other), **settings)
    ok(back)
    (header, *lines), (other_header, *other_lines) = moved.read_text().splitlines(), back.stdout.splitlines()
    assert sorted(lines) == sorted(other_lines)
    assert json.loads(header)["names"] == json.loads(other_header)["names"]

    refused(
        run("signals", "import", moved, state=str(tmp_path / "third"), person_key="another key of tests"),
        "person_key_differs",
        "FIREBRAND_PERSON_KEY",
    )
    refused(
        run("signals", "export", "-", state=str(one), person_key="another key of tests"), "person_key_differs"
    )


def test_an_export_to_stdout_is_an_import_from_stdin(run: Run, tmp_path: Path, firebrand: Path) -> None:
    state, elsewhere = tmp_path / "one", tmp_path / "two"
    settings = {"person_key": KEY}
    ok(run("signals", "import", events(tmp_path, *book_rows(20)), state=str(state), **settings))
    done = run("signals", "export", "-", "--account", "crm-1", state=str(state), **settings)
    assert "exported 3 signals of 1 logs to stdout" in ok(done)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == 5
    assert lines[-1] == {"end": {"logs": 1, "records": 3}}
    taken = subprocess.run(
        [firebrand, "signals", "import", "-"],
        input=done.stdout,
        env={**os.environ, "FIREBRAND_STATE": str(elsewhere), "FIREBRAND_PERSON_KEY": KEY},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "imported 3 signals" in ok(taken)


def test_rows_that_are_not_stored_are_listed_or_the_command_fails(run: Run, tmp_path: Path) -> None:
    good = f"crm-1,,,visit,{days_ago(1)},e1,,,,,"
    bad = [f",,jo@gmail.com,visit,{days_ago(1)},b{n},,,,," for n in range(15)]
    file, rejects, state = events(tmp_path, *bad, good), tmp_path / "rejects.csv", str(tmp_path / "state")
    few = tmp_path / "few.csv"
    lines = file.read_text().splitlines(keepends=True)
    few.write_text("".join([*lines[:5], lines[-1]]))

    done = run("signals", "import", file, state=state)
    refused(done, "imported 1 signals", "not stored: 15", "5 more rows", "--rejects")
    assert done.stderr.count("a signal needs an account_id") == 10
    assert "jo@gmail.com" not in done.stderr
    ok(run("signals", "import", few, state=state))

    ok(run("signals", "import", file, "--rejects", rejects, state=state))
    listed = list(csv.DictReader(io.StringIO(rejects.read_text())))
    assert [int(row["line"]) for row in listed] == list(range(2, 17))
    assert {row["code"] for row in listed} == {"identity_missing"}


def test_columns_are_found_however_they_are_written(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "events.csv"
    file.write_text(f"Account ID;Type;Occurred At;Event-Id\n1;demo_request;{days_ago(1)};e1\n")
    assert "imported 1 signals" in ok(run("signals", "import", file, state=str(tmp_path / "state")))


def test_a_file_of_which_nothing_can_be_stored_fails(run: Run, tmp_path: Path) -> None:
    file = events(tmp_path, f",,,demo_request,{days_ago(1)},e1,,,,,")
    refused(run("signals", "import", file, state=str(tmp_path / "state")), "imported 0 signals")


def test_what_cannot_be_read_or_written_is_named(run: Run, tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    refused(run("signals", "import", tmp_path / "none.csv", state=state), tmp_path / "none.csv")
    (tmp_path / "array.json").write_text("[]")
    refused(run("signals", "import", tmp_path / "array.json", state=state), "one signal a line")
    refused(run("signals", "export", "-", state=state), "there is no store", state)
    assert not Path(state).exists()
    ok(run("signals", "import", events(tmp_path, *book_rows(2)), state=state))
    refused(run("signals", "export", tmp_path / "no" / "where", state=state), tmp_path / "no" / "where")
    refused(run("signals", "export", "-", "--account", "null", state=state), "identity_missing")


def test_a_service_with_a_key_of_its_own_must_be_known(run: Run, start: Start, tmp_path: Path) -> None:
    file = events(tmp_path, *book_rows(3))
    with start(person_key=KEY) as service:
        refused(run("signals", "import", file, state=str(service.state)), "FIREBRAND_PERSON_KEY")
        assert not (service.state / "person.key").exists()
        ok(run("signals", "import", file, state=str(service.state), person_key=KEY))


def test_a_folder_that_no_socket_path_can_name_is_joined_too(run: Run, start: Start, tmp_path: Path) -> None:
    state = tmp_path / "a b"
    state.mkdir()
    with start(state=state) as service:
        assert "imported 3 signals" in ok(
            run("signals", "import", events(tmp_path, *book_rows(3)), state=str(service.state))
        )


def test_a_store_that_is_gone_mid_way_says_so(firebrand: Path, tmp_path: Path) -> None:
    rows = book_rows(3_000)
    with EmbeddedStore(tmp_path / "store") as store:
        process = subprocess.Popen(
            [firebrand, "signals", "import", "-"],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "FIREBRAND_REDIS_URL": store.url, "FIREBRAND_PERSON_KEY": KEY},
        )
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(HEADER + "\n".join(rows[:2_000]) + "\n")
        process.stdin.flush()
        give_up = time.monotonic() + 60
        with redis.Redis.from_url(store.url) as client:
            while not client.keys("fb:s:*") and time.monotonic() < give_up:
                time.sleep(0.05)
            assert client.keys("fb:s:*")
        assert store.pid is not None
        os.kill(store.pid, signal.SIGKILL)
        while store.pid is not None:
            time.sleep(0.01)
        process.stdin.write("\n".join(rows[2_000:]) + "\n")
        process.stdin.close()
        said = process.stderr.read()
        process.stderr.close()
        assert process.wait(60) == 1
        assert "rows were stored, then the store went away" in said
        assert "Run the same again" in said
        assert "Traceback" not in said

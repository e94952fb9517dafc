from __future__ import annotations

import httpx


def test_it_lives(client: httpx.Client) -> None:
    response = client.get("/livez")
    assert (response.status_code, response.json()) == (200, {"alive": True})


def test_it_is_ready_and_says_with_what(client: httpx.Client, version: str) -> None:
    response = client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"ready": True, "model_version": version, "draft": False, "signals": "ok"}

"""ZIPs of statements: every face and what verifies them, the same bytes every time."""

import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
import time_machine

from payouts.statements import faces
from portal.statements import lengths
from tests import make
from tests.payouts.statements import issuing
from tests.portal.staff.browsing import at
from tests.portal.statements.asking_for import broker
from tests.portal.statements.looking import member

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(db: None) -> Iterator[Any]:
    with time_machine.travel(make.NOW, tick=False) as traveller:
        make.broker(code=1400, name="Meridian")
        yield traveller


class TestZips:
    def test_a_zip_holds_every_face_and_what_verifies_them(self, tmp_path: Any) -> None:
        client, _ = member()
        first, second = issuing.corrected(broker())

        response = client.get("/brokers/1400/statements/2026.zip")
        content = b"".join(response.streaming_content)

        assert response.headers["Content-Type"] == "application/zip"
        assert response.headers["Content-Length"] == str(len(content))
        assert response.headers["ETag"] == f'"{sha256(content).hexdigest()}"'
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            assert archive.testzip() is None
            assert archive.namelist() == [
                "README.txt",
                "keys.json",
                "verify_statement.py",
                *(
                    f"backpack-broker-1400-{month}-statement-{number}.{kind}"
                    for number, month in ((1, "2026-09"), (2, "2026-10"))
                    for kind in ("pdf", "csv", "json")
                ),
            ]
            for statement, month in ((first, "2026-09"), (second, "2026-10")):
                for kind in ("pdf", "csv", "json"):
                    name = f"backpack-broker-1400-{month}-statement-{statement.number}.{kind}"
                    assert archive.read(name) == issuing.bytes_of(statement, kind)
            archive.extractall(tmp_path)
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert "verify_statement.py backpack-broker-1400-2026-10-statement-2.json keys.json" in (
            tmp_path / "README.txt"
        ).read_text(encoding="utf-8")

    def test_what_the_readme_says_verifies(self, tmp_path: Any) -> None:

        client, _ = member()
        issuing.october(broker())
        content = b"".join(client.get("/brokers/1400/statements/all.zip").streaming_content)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            archive.extractall(tmp_path)

        found = subprocess.run(
            [
                sys.executable,
                "-I",
                "verify_statement.py",
                "backpack-broker-1400-2026-10-statement-1.json",
                "keys.json",
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
        )

        assert found.stdout.splitlines()[-1] == "valid"

    def test_it_has_the_same_bytes_every_time(self, clock: Any) -> None:
        client, login = member()
        issuing.october(broker())
        packed = [
            b"".join(client.get("/brokers/1400/statements/2026.zip").streaming_content) for _ in range(2)
        ]
        clock.shift(timedelta(days=400))
        client = at(login)
        packed.append(b"".join(client.get("/brokers/1400/statements/2026.zip").streaming_content))

        assert packed[0] == packed[1] == packed[2]

    def test_a_year_of_other_months_is_another_zip(self) -> None:
        client, _ = member()
        issuing.october(broker())
        assert client.get("/brokers/1400/statements/2025.zip").status_code == 404
        assert client.get("/brokers/1400/statements/99999999999.zip").status_code == 404

    def test_a_long_one_is_asked_for(self, monkeypatch: pytest.MonkeyPatch) -> None:

        client, _ = member()
        issuing.october(broker())
        monkeypatch.setattr(lengths, "LONG", 2)

        for name, asked_for in (("2026", 'value="year"'), ("all", 'value="all"')):
            answer = client.get(f"/brokers/1400/statements/{name}.zip")
            assert answer.status_code == 409
            assert asked_for in answer.content.decode()

    def test_faces_that_are_not_made_yet_are_made_for_it(self) -> None:
        client, _ = member()
        statement = issuing.october(broker())
        b"".join(client.get("/brokers/1400/statements/2026.zip").streaming_content)
        assert set(faces.stored_of([statement.pk])[statement.pk]) == {"json", "csv", "pdf"}

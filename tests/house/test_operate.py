"""What runs boltcli elsewhere: the guide's units, rules and recipes, the action, the hook, workflows and the image."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from boltcli import guide
from boltcli.cli.parse import parse
from tests.support import ROOT, fixture, run

PAGE = guide.text("operate")
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTION = ROOT / ".github" / "actions" / "verify" / "action.yml"
MAKEFILE = (ROOT / "Makefile").read_text()
DAMAGED = fixture("inline").read_bytes()[:20000]


def _blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def _rules() -> list[dict[str, Any]]:
    (text,) = _blocks("yaml")
    return [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]


def test_rules_ask_for_samples_that_there_are() -> None:
    samples = set(re.findall(rb"^(boltcli_\w+)", run("metrics", "--check", fixture("document"))[1], re.MULTILINE))
    for rule in _rules():
        for name in re.findall(r"\bboltcli_\w+", rule["expr"]):
            assert name.encode() in samples, rule["alert"]
        assert "summary" in rule["annotations"]
        assert rule["labels"]["severity"] in ("warning", "critical")


PROMTOOL = """
rule_files: [rules.yml]
tests:
  - interval: 5m
    input_series:
      - {series: 'boltcli_up{path="/var/backups/a"}', values: '0+0x1000'}
      - {series: 'boltcli_check_ok{path="/b"}', values: '0+0x1000'}
      - {series: 'boltcli_up{path="/good"}', values: '1+0x1000'}
      - {series: 'boltcli_check_ok{path="/good"}', values: '1+0x1000'}
      - {series: 'boltcli_last_write_timestamp_seconds{path="/var/backups/a",instance="h"}', values: '0+0x1000'}
      - {series: 'boltcli_last_write_timestamp_seconds{path="/var/backups/b",instance="h"}', values: '60+0x1000'}
      - {series: 'node_textfile_mtime_seconds{file="/x/boltcli-backups.prom"}', values: '0+0x1000'}
      - {series: 'boltcli_free_bytes{path="/good"}', values: '2000000000+0x1000'}
      - {series: 'boltcli_size_bytes{path="/good"}', values: '3000000000+0x1000'}
    alert_rule_test:
      - {eval_time: 2h, alertname: BoltDatabaseUnreadable, exp_alerts: [SEEN]}
      - {eval_time: 2h, alertname: BoltDatabaseDamaged, exp_alerts: [SEEN]}
      - {eval_time: 40h, alertname: BoltBackupOld, exp_alerts: []}
      - {eval_time: 60h, alertname: BoltBackupOld, exp_alerts: [SEEN]}
      - {eval_time: 40h, alertname: BoltMetricsStale, exp_alerts: []}
      - {eval_time: 60h, alertname: BoltMetricsStale, exp_alerts: [SEEN]}
      - {eval_time: 20h, alertname: BoltDatabaseMostlyFree, exp_alerts: []}
      - {eval_time: 30h, alertname: BoltDatabaseMostlyFree, exp_alerts: [SEEN]}
"""
SEEN = {
    "BoltDatabaseUnreadable": {"path": "/var/backups/a"},
    "BoltDatabaseDamaged": {"path": "/b"},
    "BoltBackupOld": {"instance": "h"},
    "BoltMetricsStale": {"file": "/x/boltcli-backups.prom"},
    "BoltDatabaseMostlyFree": {"path": "/good"},
}


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool")
def test_rules_fire_when_they_should(tmp_path: Path) -> None:
    (text,) = _blocks("yaml")
    (tmp_path / "rules.yml").write_text(text)
    tests = yaml.safe_load(PROMTOOL)
    rules = {rule["alert"]: rule for rule in _rules()}
    assert SEEN.keys() == rules.keys()
    for test in tests["tests"][0]["alert_rule_test"]:
        if test["exp_alerts"]:
            labels, rule = SEEN[test["alertname"]], rules[test["alertname"]]
            said = {
                name: re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], text)  # noqa: B023
                for name, text in rule["annotations"].items()
            }
            test["exp_alerts"] = [{"exp_labels": labels | rule["labels"], "exp_annotations": said}]
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(tests))
    done = subprocess.run(["promtool", "test", "rules", "tests.yml"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _units() -> tuple[configparser.ConfigParser, list[list[str]], configparser.ConfigParser]:
    """The service, its commands, and the timer; ConfigParser knows no key that stands twice."""
    service, timer = configparser.ConfigParser(strict=False), configparser.ConfigParser()
    texts = _blocks("ini")
    service.read_string(texts[0])
    timer.read_string(texts[1])
    return service, [shlex.split(line) for line in re.findall(r"^ExecStart=(.*)$", texts[0], re.MULTILINE)], timer


@pytest.mark.parametrize("damage", [False, True])
def test_the_service_does_what_is_said(damage: bool, tmp_path: Path) -> None:
    service, commands, timer = _units()
    assert service["Service"]["Type"] == "oneshot"
    assert timer["Timer"]["Persistent"] == "true"
    backups, numbers = tmp_path / "backups", tmp_path / "textfile"
    backups.mkdir()
    numbers.mkdir()
    (backups / "a.db").write_bytes(DAMAGED if damage else fixture("inline").read_bytes())
    assert service["Service"]["ReadWritePaths"] in commands[0][-2]
    places = {"/var/backups/etcd": backups, commands[0][-2]: numbers / "boltcli-backups.prom"}
    statuses = [run(*(places.get(word, word) for word in words[1:]))[0] for words in commands]
    assert statuses == [0, int(damage)]
    assert f'boltcli_check_ok{{path="{backups}/a.db"}} {int(not damage)}\n' in next(numbers.iterdir()).read_text()


def _calls() -> Iterator[list[str]]:
    """The calls of boltcli in the indented recipes and the units."""
    for line in re.findall(r"^    .*$", PAGE, re.MULTILINE) + re.findall(r"^ExecStart=.*$", PAGE, re.MULTILINE):
        found = re.search(r"(?:^|[ /])boltcli ([a-z].*)", line)
        if found and not line.startswith("    docker build"):
            yield shlex.split(found[1])


def test_calls_in_recipes_are_understood() -> None:
    calls = list(_calls())
    assert len(calls) >= 8
    for words in calls:
        parsed = parse(words)
        assert parsed.action == "run"
        assert parsed.arguments


@pytest.mark.slow
@pytest.mark.parametrize(("files", "options", "status"), [
    ("good.db a*.db", "", 0), ("good.db\nbad.db", "", 1), (".", "--recursive --quick", 1), ("none.db", "", 1),
])  # fmt: skip
def test_the_action(files: str, options: str, status: int, tmp_path: Path) -> None:
    action = yaml.safe_load(ACTION.read_text())
    for step in action["runs"]["steps"]:
        if "run" in step:
            assert subprocess.run(["bash", "-n", "-c", step["run"]]).returncode == 0
            assert step["shell"] == "bash"
            assert "${{" not in step["run"]  # an input is never a part of the script
    verify = action["runs"]["steps"][-1]
    assert verify["env"] == {"FILES": "${{ inputs.files }}", "OPTIONS": "${{ inputs.options }}"}
    for name in ("good.db", "another.db"):
        (tmp_path / name).write_bytes(fixture("inline").read_bytes())
    (tmp_path / "bad.db").write_bytes(DAMAGED)
    names = {"FILES": files, "OPTIONS": options, "BOLTCLI": str(Path(sys.executable).with_name("boltcli"))}
    script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", verify["run"]]
    assert subprocess.run(script, cwd=tmp_path, env=os.environ | names, capture_output=True).returncode == status


def test_the_hook_of_pre_commit(tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert f"id: {hook['id']}\n" in PAGE
    program, *words = shlex.split(hook["entry"])
    (tmp_path / "bad.db").write_bytes(DAMAGED)
    assert (program, run(*words, fixture("inline"))[0], run(*words, tmp_path / "bad.db")[0]) == ("boltcli", 0, 1)
    assert re.search(hook["files"], "testdata/a.db")
    assert not re.search(hook["files"], "a.dbx")


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflows_run_what_there_is(path: Path) -> None:
    """Each step of a workflow is a target of the Makefile, a script below .ci, or a known program."""
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] in ({"contents": "read"}, {})
    for name, job in workflow["jobs"].items():
        assert job["runs-on"], name
        for step in job["steps"]:
            assert ("uses" in step) != ("run" in step), step
            if "uses" in step:
                assert step["uses"].startswith("./") or re.fullmatch(r"[\w./-]+@[\w./]+", step["uses"]), step
                if step["uses"].startswith("./"):
                    assert (ROOT / step["uses"] / "action.yml").exists()
                continue
            for target in re.findall(r"\bmake (?!-)([a-z][a-z-]*)", step["run"]):
                assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target
            for script in re.findall(r"\bbash (\S+)", step["run"]):
                assert (ROOT / script).exists(), script
            for module in re.findall(r"python -m pytest ([^|&\n]*)", step["run"]):
                for place in re.findall(r"(?:^| )(tests/\S+)", module):
                    assert (ROOT / place).exists(), place
            for files in re.findall(r"-f (\.ci/\S+)|--file (\.ci/\S+)", step["run"]):
                assert all((ROOT / file).exists() for file in files if file)


def test_the_image_copies_what_the_package_is_made_of() -> None:
    text = (ROOT / ".ci" / "Containerfile").read_text()
    copied = [name for names in re.findall(r"^COPY (?!--)(.*) \S+$", text, re.MULTILINE) for name in names.split()]
    assert all((ROOT / name).exists() for name in copied)
    project = (ROOT / "pyproject.toml").read_text()
    built = tomllib.loads(project)["tool"]["hatch"]
    hook = built["metadata"]["hooks"]["custom"]["path"]
    assert set(copied) == {
        "pyproject.toml",
        "README.md",
        "LICENSE",
        hook,
        *built["build"]["targets"]["wheel"]["packages"],
    }
    user = re.findall(r"^USER (\d+):(\d+)$", text, re.MULTILINE)
    assert user == [("65532", "65532")]
    (extras,) = re.findall(r"^ARG EXTRAS=(\S+)$", text, re.MULTILINE)
    for extra in extras.split(","):
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE)


def test_boltcli_starts_no_program_but_a_pager() -> None:
    """As the page `threats` says; the build of the kernel runs a compiler."""
    starts = re.compile(
        r"\bsubprocess\b|\bos\.(system|popen|exec\w+|spawn\w+|posix_spawn\w*|startfile)\b|\bpickle\.load|\bPopen\b"
    )
    found = {path.name for path in (ROOT / "boltcli").rglob("*.py") if starts.search(path.read_text())}
    assert found == {"build_hook.py", "pager.py"}


def test_issue_forms_ask_for_what_helps() -> None:
    forms = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml")}
    for name in ("problem", "wish"):
        ids = [part["id"] for part in forms[name]["body"] if part["type"] != "markdown"]
        assert len(ids) == len(set(ids)) > 2
    asked = str(forms["problem"])
    for words in ("doctor --json", "redact --keys -o copy.db", "version"):
        assert f"boltcli {words}" in asked
        assert parse([*words.split(), *["FILE"] * (words != "version")]).action == "run"

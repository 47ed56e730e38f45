# SPDX-License-Identifier: MIT
"""mmscale replay --timeline from outside: a well-formed file whose events are those that the replay counts."""

import gzip
import json
import stat
from collections import Counter, defaultdict

import pytest
from conftest import ROOT, assert_refused

BY_HAND = ROOT / "tests/trace/data/by_hand.trace"
KERNEL = ROOT / "tests/trace/data/shootdown-kernel"
# Each sends its IPIs in its own way; under a sanitizer these are all that are built.
SCHEMES = "refcount,shootdown,shootdown-exitflush,quiesce,mailbox"


def events_of(path):
    """The file's events by process name, checked for form: on a track time goes on, and slices nest and end."""
    text = gzip.open(path, "rt").read() if path.suffix == ".gz" else path.read_text()
    events = json.loads(text)["traceEvents"]
    names = {one["pid"]: one["args"]["name"] for one in events if one.get("name") == "process_name"}
    tracks, processes = defaultdict(list), defaultdict(list)
    for one in events:
        processes[names[one["pid"]]].append(one)
        if one["ph"] != "M":
            tracks[one["pid"], one["tid"]].append(one)
    named = {(one["pid"], one["tid"]) for one in events if one["ph"] == "M" and one["name"] == "thread_name"}
    assert set(tracks) <= named
    for track in tracks.values():
        stamps = [one["ts"] for one in track]
        assert stamps == sorted(stamps) and stamps[0] >= 0
        depth = 0
        for one in track:
            depth += {"B": 1, "E": -1}.get(one["ph"], 0)
            assert depth >= 0
        assert depth == 0
    return processes


def counts(events):
    """What a timeline shows, under the names that a record has for it."""
    by_start = Counter()
    for one in events:
        for start, name in (
            ("mm_count +", "taken"), ("mm_count -", "dropped"), ("IPI to ", "sent"), ("IPI from ", "handled"),
            ("freed ", "mms_freed"), ("context_switch", "switches"),
        ):  # fmt: skip
            if one.get("name", "").startswith(start):
                by_start[name] += one["args"].get("n", 1)
        by_start["mms_died"] += one.get("name", "").endswith(" has no task any more")
        by_start[one.get("args", {}).get("found", "")] += 1
    return by_start


def counted(record):
    return {
        "taken": record["lazy_grabs"] + record["lazy_grabs_unlazy"],
        "dropped": record["lazy_drops"] + record["lazy_drops_unlazy"],
        "sent": record["ipis_sent"],
        "handled": record["ipis_sent"],
        "a borrower": record["ipis_useful"],
        "nobody": record["ipis_useless"],
        **{name: record[name] for name in ("mms_freed", "mms_died", "switches")},
    }


@pytest.mark.parametrize(
    ("trace", "lifecycle"),
    [(BY_HAND, "powerpc"), (KERNEL / "kill-many.trace.gz", "powerpc"), (KERNEL / "forks.trace.gz", "x86-2025")],
)
def test_shows_what_is_counted(replay, tmp_path, trace, lifecycle):
    schemes = SCHEMES if lifecycle == "powerpc" else "refcount"
    path = tmp_path / "timeline.json"
    records = replay(trace, "--scheme", schemes, "--lifecycle", lifecycle, "--timeline", path)
    processes = events_of(path)
    assert set(processes) == {f"{scheme} ({lifecycle})" for scheme in schemes.split(",")}
    mms = set()
    for scheme, record in records.items():
        events = processes[f"{scheme} ({lifecycle})"]
        shown, expected = counts(events), counted(record)
        assert {name: shown[name] for name in expected} == expected
        arrows = {kind: sorted(one["id"] for one in events if one["ph"] == kind) for kind in "sf"}
        assert arrows["s"] == arrows["f"] and len(set(arrows["s"])) == len(arrows["s"])
        # An mm has its number whatever the scheme.
        mms.add(frozenset(one["args"]["mm"] for one in events if "pid" in one.get("args", {})))
    assert len(mms) == 1


def test_by_hand(mmscale, tmp_path):
    path = tmp_path / "new folder" / "timeline.json.gz"
    assert mmscale("replay", BY_HAND, "--scheme", "shootdown", "--timeline", path).returncode == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    events = events_of(path)["shootdown (powerpc)"]
    sent = [(one["name"], one["args"]["to"]) for one in events if one.get("name", "").startswith("IPI to")]
    assert sorted(purpose for _, purpose in sent) == ["shoot lazy", "trim the mask"]
    borrowed = [one["name"] for one in events if one["ph"] == "B" and one["tid"] % 2 == 1]
    assert borrowed and all(name.startswith("mm ") for name in borrowed)


def test_looking_on_changes_nothing(replay, tmp_path):
    trace = KERNEL / "wander.trace.gz"
    alone = replay(trace, "--scheme", SCHEMES)
    watched = replay(trace, "--scheme", SCHEMES, "--timeline", tmp_path / "timeline.json")
    assert alone == watched


def test_is_of_virtual_time(mmscale, tmp_path):
    path = tmp_path / "timeline.json"
    assert_refused(mmscale("replay", BY_HAND, "--silicon", "--timeline", path), 2, "--timeline: of a replay in virtual time, .*")
    assert not path.exists()


def test_on_standard_output_is_alone_there(mmscale):
    done = mmscale("replay", BY_HAND, "--scheme", "refcount", "--timeline", "-")
    assert done.returncode == 0
    assert json.loads(done.stdout)["traceEvents"]

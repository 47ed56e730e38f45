# SPDX-License-Identifier: MIT
"""scripts/run and scripts/test in a tree of their own, where stand-ins build, measure and test."""

import os
import shutil
import signal
import subprocess

import pytest
from conftest import DATA, SCRIPTS

COPY_RECORDS = f'while [[ $1 != --out ]]; do shift; done; cp {DATA}/host-2cpu.json "$2"'
INSTALLED = {"dpkg-query": "echo installed"}


@pytest.fixture
def tree(tmp_path):
    """A checkout of nothing but the scripts and one trivial test of them."""
    root = tmp_path / "tree"
    shutil.copytree(SCRIPTS, root / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(SCRIPTS.parent / "schema", root / "schema")
    for folder in ("src", "bench", "tests/scripts/browser", "build/release/bin"):
        (root / folder).mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        (root / "tests/scripts/browser" / name).write_text("{}")
    (root / "tests/scripts/test_trivial.py").write_text("def test_it():\n    assert True\n")
    return root


def write_mmscale(tree, text):
    program = tree / "build/release/bin/mmscale"
    program.write_text(f"#!/bin/bash\n{text}\n")
    program.chmod(0o755)


def test_run_goes_from_build_to_plots(run, tree, stub_path, tmp_path):
    log = tmp_path / "log"
    write_mmscale(tree, f'echo "$@" >>{log}; {COPY_RECORDS}')
    env = stub_path({**INSTALLED, "cmake": f'echo "cmake $@" >>{log}'})
    out = tmp_path / "a folder"
    done = run(tree / "scripts/run", "--out", "a folder", "--budget", "5s", "--", "--filter", "x", env=env, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert log.read_text().splitlines() == [
        "cmake --preset release",
        "cmake --build --preset release --target mmscale",
        f"bench --budget 5s --out {out}/records.json --filter x --scheme refcount,refcount-packed,shootdown --lifecycle powerpc",
    ]
    assert {"records.json", "table.txt", "report.html", "switch-idle-all-compact-ns.svg"} <= {path.name for path in out.iterdir()}
    assert f"In {out}:" in done.stdout and "  table.txt" in done.stdout


def test_run_replays_the_recorded_traces(run, tree, stub_path, tmp_path):
    log = tmp_path / "log"
    (tree / "results/traces").mkdir(parents=True)
    (tree / "results/traces/a.mmtrace.gz").write_text("")
    write_mmscale(tree, f'echo "$@" >>{log}; [[ $1 == bench ]] || exit 5; {COPY_RECORDS}')
    arguments = ("--out", tmp_path / "out", "--", "--family", "switch")
    done = run(tree / "scripts/run", *arguments, env=stub_path({**INSTALLED, "cmake": ""}))
    assert log.read_text().splitlines()[1] == (
        f"replay results/traces/a.mmtrace.gz --machine all --scheme refcount,shootdown,hazptr --unsafe --out {tmp_path}/out/replay-a.json"
    )
    assert done.returncode == 5 and "mmscale replay ended with status 5" in done.stderr


def proc_of(first_kernel_thread):
    """A stand-in for cat, on a machine whose process 2 has this name."""
    return f'[[ $1 != /proc/2/comm ]] || exec echo {first_kernel_thread}; exec /bin/cat "$@"'


def test_run_asks_every_question_within_the_budget(run, tree, stub_path, tmp_path):
    log = tmp_path / "log"
    write_mmscale(tree, f'echo "$@" >>{log}; {COPY_RECORDS}')
    env = stub_path({**INSTALLED, "cmake": "", "nproc": "echo 384", "cat": proc_of("kthreadd")})
    done = run(tree / "scripts/run", "--out", tmp_path / "out", "--budget", "1m", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    asked = [line.split() for line in log.read_text().splitlines()]
    *campaigns, assess = [words for words in asked if words[0] in ("bench", "assess")]
    families = [words[words.index("--family") + 1] for words in campaigns]
    assert families == ["switch,floor", "line", "bounce", "teardown", "mix", "mix", "ipi", "host_kernel"]
    spent = [int(words[words.index("--budget") + 1].removesuffix("ms")) for words in campaigns]
    assert sum(spent) == 54000 and spent[0] == max(spent)
    # The rest is that of assess: on 384 CPUs 9 numbers of CPUs, so 67 cases, repeated, and
    # as often again for windows that do not count.
    window, reps = (int(assess[assess.index(option) + 1].removesuffix("ms")) for option in ("--window", "--reps"))
    assert 5000 < window * 1.25 * 2 * reps * 67 <= 6000
    files = {path.name for path in (tmp_path / "out").iterdir()}
    # Packed, as there are many CPUs.
    assert {"records.json.gz", "records-bounce.json.gz", "records-think.json.gz", "records-assess.json.gz", "report.html"} <= files


@pytest.mark.parametrize(
    "cpus, process, left_out",
    [
        (1, "kthreadd", ["line", "bounce", "teardown", "ipi", "assess"]),
        (2, "kthreadd", []),
        # A container's process 2 is its own.
        (2, "sh", ["kernel", "assess"]),
    ],
)
def test_run_says_what_it_leaves_out(run, tree, stub_path, tmp_path, cpus, process, left_out):
    log = tmp_path / "log"
    write_mmscale(tree, f'echo "$@" >>{log}; [[ " $* " == *" --dry-run "* ]]')
    env = stub_path({**INSTALLED, "cmake": "", "nproc": f"echo {cpus}", "cat": proc_of(process)})
    done = run(tree / "scripts/run", "--out", tmp_path / "out", "--dry-run", env=env)
    assert done.returncode == 0 and not (tmp_path / "out").exists()
    # What assess would measure is said, and is no campaign.
    asked = 9 - len(left_out) - ("assess" not in left_out)
    assert len(log.read_text().splitlines()) == asked and "scaling: 33 % of the budget, 39600ms" in done.stdout
    assert [line.split()[1] for line in done.stderr.splitlines()] == left_out


def test_run_names_its_folder_by_host_and_time(run, tree, stub_path):
    write_mmscale(tree, COPY_RECORDS)
    env = stub_path({**INSTALLED, "cmake": "", "uname": "echo a/b.c"})
    assert run(tree / "scripts/run", "--", "--family", "switch", env=env, cwd="/").returncode == 0
    (folder,) = (tree / "results").iterdir()
    assert folder.name.startswith("run-a_b.c-2")


def test_run_keeps_earlier_records(run, tree, stub_path, tmp_path):
    env = stub_path({**INSTALLED, "cmake": ""})
    write_mmscale(tree, COPY_RECORDS)
    for _ in range(3):
        assert run(tree / "scripts/run", "--out", tmp_path / "out", "--", "--family", "switch", env=env).returncode == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"records.json", "records.json.~1~", "records.json.~2~"} <= names


def test_run_plots_what_a_failed_campaign_recorded(run, tree, stub_path, tmp_path):
    (tree / "results/traces").mkdir(parents=True)
    (tree / "results/traces/a.mmtrace.gz").write_text("")
    write_mmscale(tree, f'{COPY_RECORDS}; [[ $1 == replay ]] || exit 3')
    done = run(tree / "scripts/run", "--out", tmp_path / "out", "--", "--family", "switch", env=stub_path({**INSTALLED, "cmake": ""}))
    assert done.returncode == 3
    assert (tmp_path / "out/table.txt").exists()
    assert "some case has no valid window" in done.stderr
    # What is in virtual time is disturbed by nothing, and the page has it all.
    assert (tmp_path / "out/replay-a.json").exists()
    assert done.stdout.splitlines()[-1] == f"The answer: {tmp_path}/out/report.html"


def test_run_without_records(run, tree, stub_path, tmp_path):
    env = stub_path({**INSTALLED, "cmake": ""})
    write_mmscale(tree, "exit 4")
    done = run(tree / "scripts/run", "--out", tmp_path / "out", env=env)
    assert done.returncode == 4 and "nothing was recorded" in done.stderr
    write_mmscale(tree, "exit 0")
    assert run(tree / "scripts/run", "--out", tmp_path / "out", env=env).returncode == 1


def test_run_plots_what_an_interrupted_campaign_recorded(tree, stub_path, tmp_path):
    # As a terminal does it: the signal goes to the whole process group.
    write_mmscale(tree, f"trap '{COPY_RECORDS}; exit 130' INT; echo ready; while :; do sleep 0.05; done")
    process = subprocess.Popen(
        [tree / "scripts/run", "--out", tmp_path / "out", "--", "--family", "switch"],
        env=stub_path({**INSTALLED, "cmake": ""}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        # Whoever runs the tests in the background has them ignore it, which is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    process.communicate(timeout=180)
    assert process.returncode == 130
    assert (tmp_path / "out/switch-idle-all-compact-switches.png").exists()


def test_run_shows_a_failed_build(run, tree, stub_path, tmp_path):
    env = stub_path({**INSTALLED, "cmake": "echo error: broken; exit 1"})
    done = run(tree / "scripts/run", "--out", tmp_path / "out", env=env)
    assert done.returncode == 1
    assert "error: broken" in done.stderr and "the build failed" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arguments", [["--out"], ["--budget", ""], ["--budget", "soon"], ["stray"]])
def test_run_wrong_usage(run, tree, arguments):
    assert run(tree / "scripts/run", *arguments).returncode == 2


# Reports two passed tests and a skipped one, for tsan also a failed one if TSAN_FAILS is set; exits as ctest would.
CTEST = """
echo "$@" >>"$LOG"
while [[ $1 != --output-junit ]]; do shift; done
bad=; [[ $2 != */tsan/* || -z $TSAN_FAILS ]] || bad='<testcase name="d"><failure/><!-- WARNING: ThreadSanitizer: data race --></testcase>'
mkdir -p "$(dirname "$2")"
echo "<testsuite><testcase name='a'/><testcase name='b'/><testcase name='c'><skipped/></testcase>$bad</testsuite>" >"$2"
[[ -z $bad ]]
"""


@pytest.fixture
def run_tests(run, tree, stub_path, tmp_path):
    """Runs scripts/test on stand-ins: run_tests(*arguments, programs={}, **environment)."""

    def call(*arguments, programs=None, **environment):
        browser = dict.fromkeys(("chromium", "node", "npm"), "")
        programs = {**INSTALLED, **browser, "cmake": "", "ctest": CTEST, "clang-format": "", "ruff": "", **(programs or {})}
        env = {**stub_path(programs), "LOG": str(tmp_path / "log"), **environment}
        return run(tree / "scripts/test", *arguments, env=env, cwd="/")

    return call


def last_line(done):
    return done.stdout.splitlines()[-1]


def test_test_sums_up_everything(run_tests, tmp_path):
    done = run_tests()
    assert (done.returncode, last_line(done)) == (0, "9 passed, 0 failed")
    calls = (tmp_path / "log").read_text().splitlines()
    assert [call.split()[1] for call in calls] == ["release", "asan", "tsan"]
    assert [call.endswith("-L tsan") for call in calls] == [False, False, True]


def test_test_of_one_preset(run_tests):
    done = run_tests("--preset", "asan")
    assert (done.returncode, last_line(done)) == (0, "2 passed, 0 failed")


def test_test_fails_with_a_failed_test(run_tests):
    done = run_tests(TSAN_FAILS="1")
    assert (done.returncode, last_line(done)) == (1, "9 passed, 1 failed")


def test_test_counts_what_could_not_start_as_failed(run_tests):
    absent = "<testcase name='e' status='notrun'><skipped message='Unable to find executable'/></testcase>"
    skipped = "<testcase name='f' status='notrun'><skipped message='SKIP_RETURN_CODE=77'/></testcase>"
    done = run_tests("--preset", "asan", programs={"ctest": CTEST.replace("$bad<", f"{absent}{skipped}<")})
    assert done.stdout.splitlines()[-4:] == [
        "FAILED: ctest of asan (1 of its tests)",
        "  e: Unable to find executable",
        "2 skipped",
        "2 passed, 1 failed",
    ]


@pytest.mark.parametrize(
    "element, said",
    [
        ('<failure message="Timeout"/><system-out>one\n\n two</system-out>', "d: Timeout: ...one | two"),
        ('<error message="AssertionError: x&#10;y">E  assert 1 == 2</error>', "d: AssertionError: x: ...E  assert 1 == 2"),
        ("<failure/>", "d: "),
        (f'<failure message="Failed"/><system-out>{"a" * 900}z</system-out>', f"d: Failed: ...{'a' * 399}z"),
    ],
    ids=["ctest", "pytest", "nothing said", "much said"],
)
def test_test_names_what_failed_at_its_end(run_tests, element, said):
    done = run_tests(TSAN_FAILS="1", programs={"ctest": CTEST.replace("<failure/>", element)})
    assert done.stdout.splitlines()[-4:] == [
        "FAILED: ctest of tsan (1 of its tests)",
        f"  {said}",
        "3 skipped",
        "9 passed, 1 failed",
    ]


@pytest.mark.parametrize("preset", ["release", "asan", "tsan"])
@pytest.mark.parametrize(
    "said, lines",
    [
        ("slow", ["failed at first, and was tried again: d: Timeout: ...slow", "2 skipped", "4 passed, 0 failed"]),
        *(
            (found, [f"  d: Timeout: ...{found}", "1 skipped", "2 passed, 1 failed"])
            for found in (
                "==1==ERROR: AddressSanitizer: heap-use-after-free",
                "==1==ERROR: LeakSanitizer: detected memory leaks",
                "WARNING: ThreadSanitizer: data race",
                "x.cc:1:2: runtime error: signed integer overflow",
            )
        ),
    ],
)
def test_what_fails_has_a_second_try_but_what_a_sanitizer_found(run_tests, preset, said, lines):
    """A machine's neighbours make real threads late, but no sanitizer is wrong by chance."""
    flaky = CTEST.replace("*/tsan/*", f"*/{preset}/* || $first == no").replace(
        "<failure/><!-- WARNING: ThreadSanitizer: data race -->", f'<failure message="Timeout"/><system-out>{said}</system-out>'
    )
    flaky = f"first=yes; [[ $* != *--rerun-failed* ]] || first=no\n{flaky}"
    done = run_tests("--preset", preset, TSAN_FAILS="1", programs={"ctest": flaky})
    assert done.stdout.splitlines()[-3:] == lines


def test_what_fails_twice_has_failed(run_tests):
    done = run_tests("--preset", "release", TSAN_FAILS="1", programs={"ctest": CTEST.replace("*/tsan/*", "*/release/*").replace("WARNING: ThreadSanitizer", "")})
    assert (done.returncode, last_line(done)) == (1, "4 passed, 1 failed")
    assert "FAILED: ctest of release (1 of its tests)" in done.stdout


@pytest.mark.parametrize(
    "programs, summary",
    [
        ({"cmake": "[[ $1 != --build || $3 != asan ]]"}, "7 passed, 1 failed"),
        ({"cmake": "exit 1"}, "3 passed, 3 failed"),
        ({"ctest": "exit 8"}, "3 passed, 3 failed"),
        # All that it reports has passed, but it says that something went wrong.
        ({"ctest": CTEST.replace("[[ -z $bad ]]", "exit 8")}, "9 passed, 3 failed"),
    ],
)
def test_test_counts_a_broken_step(run_tests, programs, summary):
    done = run_tests(programs=programs)
    assert (done.returncode, last_line(done)) == (1, summary)


def test_test_counts_the_format(run_tests, tree):
    (tree / "src/x.h").touch()
    done = run_tests(programs={"clang-format": "exit 1"})
    assert (done.returncode, last_line(done)) == (1, "8 passed, 1 failed")


def test_test_counts_the_tests_of_the_scripts(run_tests, tree):
    (tree / "tests/scripts/test_trivial.py").write_text("def test_it():\n    assert False\n")
    done = run_tests()
    assert (done.returncode, last_line(done)) == (1, "8 passed, 1 failed")


@pytest.fixture
def quick(run_tests, tree, tmp_path):
    """scripts/test --quick in a checkout with three test programs, two tests of scripts and a source that they name;
    returns (the run, how ctest was called)."""
    for name in ("alone", "both", "other"):
        program = tree / f"build/release/tests/test_{name}"
        program.parent.mkdir(exist_ok=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    (tree / "src/known.cc").write_text("int x;\n")
    (tree / "tests/scripts/test_house.py").write_text("def test_it():\n    assert True\n")
    (tree / "tests/scripts/test_trivial.py").write_text("import known.cc\n")
    (tree / "tests/scripts/test_browser_known.py").write_text("import known.cc\n")
    (tree / "tests/scripts/test_of_a_word.py").write_text("import known\n")
    (tree / ".gitignore").write_text("/build/\n__pycache__/\n")
    git = ("git", "-c", "user.name=x", "-c", "user.email=x@y", "-c", "commit.gpgsign=false")
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-qm", "x")):
        subprocess.run([*git, *words], cwd=tree, check=True)

    def call(**options):
        (tmp_path / "log").unlink(missing_ok=True)
        done = run_tests("--quick", **options)
        log = tmp_path / "log"
        asked = log.read_text() if log.exists() else ""
        return done, asked

    return call


def test_quick_runs_what_was_linked_anew_and_what_names_the_change(quick, tree):
    done, asked = quick()
    assert (done.returncode, last_line(done)) == (0, "3 passed, 0 failed"), done.stdout + done.stderr
    assert "-L (^| )(" in asked and {"alone", "both", "other"} <= set(asked.replace("(", "|").replace(")", "|").split("|"))
    done, asked = quick()
    assert (done.returncode, last_line(done), asked) == (0, "1 passed, 0 failed", ""), "nothing was linked anew"
    (tree / "build/release/tests/test_both").write_text("#!/bin/sh\n# anew\n")
    (tree / "src/known.cc").write_text("int y;\n")
    done, asked = quick()
    assert "-L (^| )(both)( |$)" in asked
    # The format, ctest's two, the house; test_trivial, which names the file, cannot be collected. No browser.
    assert done.returncode == 1 and "test_trivial" in done.stdout
    assert "test_browser" not in done.stdout and "test_of_a_word" not in done.stdout
    done, asked = quick()
    assert "both" in asked, "as long as it says no, what it had found stays to be run"


def test_quick_says_no(quick):
    done, _ = quick(programs={"cmake": "[[ $1 != --build ]]"})
    assert (done.returncode, last_line(done)) == (1, "0 passed, 1 failed")


CLANG = {"clang++": "echo 14.0.6", "clang++-16": "echo 16.0.6", "clang++-17": "echo 17.0.1", "compgen": ""}


@pytest.mark.parametrize(
    ("programs", "summary"),
    [
        ({}, "2 passed, 0 failed"),
        ({"run-clang-tidy-17": "false"}, "1 passed, 1 failed"),
        ({"cmake": "[[ $1 != --build ]]"}, "1 passed, 1 failed"),
        ({"clang++-17": "echo 15", "clang++-16": "echo 15"}, "0 passed, 0 failed"),
    ],
)
def test_lint_asks_the_newest_clang(run_tests, tmp_path, monkeypatch, programs, summary):
    # No other clang than these.
    monkeypatch.setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    asks = {"cmake": 'echo "$@" >>"$LOG"', "run-clang-tidy-17": 'echo "tidy $@" >>"$LOG"'}
    done = run_tests("--lint", programs={**CLANG, **asks, **programs})
    assert (done.returncode, last_line(done)) == (int("1 failed" in summary), summary)
    if not programs:
        asked = (tmp_path / "log").read_text()
        assert "--preset clang -DCMAKE_CXX_COMPILER=clang++-17\n" in asked and "tidy -quiet -p build/clang" in asked


def test_test_wrong_usage(run_tests):
    assert run_tests("--preset").returncode == 2
    assert run_tests("--nonsense").returncode == 2

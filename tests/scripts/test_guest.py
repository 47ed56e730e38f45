# SPDX-License-Identifier: MIT
"""scripts/guest with a QEMU that is a stub: what it would boot, what it carries in, and whose status it ends with."""

import os
import shutil
import subprocess

import pytest
from conftest import SCRIPTS

STUB = """#!/bin/bash
[[ $1 != --version ]] || { echo "QEMU emulator version ${STUB_VERSION-7.2.22} (Debian)"; exit; }
printf '%s\\n' "$@" >"$STUB_SAW/arguments"
while (($#)); do [[ $1 != -initrd ]] || cpio -i --quiet -D "$STUB_SAW" <"$2"; shift; done
[[ -z ${STUB_SAYS-} ]] || printf '%b' "$STUB_SAYS"
"""


@pytest.fixture
def guest(tmp_path):
    """Runs scripts/guest of a tree of its own, with a kernel that is there and stubs for what this machine may lack."""
    for name in ("cpio", "mmdebstrap"):
        if not shutil.which(name):
            pytest.skip(f"{name} is not installed")
    tree, saw, bin_ = tmp_path / "tree", tmp_path / "saw", tmp_path / "bin"
    shutil.copytree(SCRIPTS / "lib", tree / "scripts/lib", ignore=shutil.ignore_patterns("*.py", "assets"))
    shutil.copy(SCRIPTS / "guest", tree / "scripts/guest")
    library = tree / "build/cross/ppc64el/lib/libx.so"
    for folder in (saw, bin_, library.parent, tree / "build/ppc64el/bin"):
        folder.mkdir(parents=True)
    for arch in ("x86_64", "ppc64le"):
        boot = tree / "build/guest" / arch / "boot"
        boot.mkdir(parents=True)
        for name in ("boot/vmlinux-6.1.0-1", "boot/config-6.1.0-1", "busybox"):
            (boot.parent / name).write_text("CONFIG_NUMA=y\n")
    library.write_text("")
    for program in (bin_ / "qemu-system-x86_64", bin_ / "qemu-system-ppc64", bin_ / "mmscale-static", tree / "build/ppc64el/bin/mmscale"):
        program.write_text(STUB)
        program.chmod(0o755)
    (bin_ / "qemu-ppc64le-static").write_text("#!/bin/sh\nprintf '\\tlibx.so => /lib/libx.so (0x00004000)\\n\\tvdso (0x4)\\n'\n")
    (bin_ / "qemu-ppc64le-static").chmod(0o755)
    environment = {**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}", "STUB_SAW": str(saw)}

    def call(*arguments, says="guest: status 0\r\n"):
        done = subprocess.run(
            [tree / "scripts/guest", *map(str, arguments)], capture_output=True, text=True, timeout=60,
            env={**environment, "STUB_SAYS": says},
        )  # fmt: skip
        return done, saw

    call.mmscale = bin_ / "mmscale-static"
    call.bin = bin_
    call.environment = environment
    return call


def test_the_machine_and_the_command(guest):
    done, saw = guest("x86_64", 16, "--nodes", 4, "--bare", 1, "--empty", 1, "--append", "nosmt", "--mmscale", guest.mmscale, "--", "mmscale topo")
    assert done.returncode == 0, done.stderr
    arguments = (saw / "arguments").read_text().splitlines()
    assert {"16,sockets=4,cores=2,threads=2", "2048M", "tcg,thread=multi"} <= set(arguments)
    nodes = [argument for argument in arguments if argument.startswith("node,")]
    assert nodes == [
        "node,nodeid=0,cpus=0-3,memdev=m0", "node,nodeid=1,cpus=4-7,memdev=m1", "node,nodeid=2,cpus=8-11,memdev=m2",
        "node,nodeid=3,cpus=12-15", "node,nodeid=4,memdev=m4",
    ]  # fmt: skip
    assert {"dist,src=0,dst=1,val=20", "dist,src=0,dst=2,val=30", "dist,src=0,dst=4,val=20"} <= set(arguments)
    assert any(argument.startswith("console=") and argument.endswith(" nosmt") for argument in arguments)
    assert (saw / "command").read_text() == "mmscale topo\n"
    assert (saw / "bin/mmscale").exists() and (saw / "boot/config-6.1.0-1").exists()
    assert os.access(saw / "init", os.X_OK)


def test_another_architecture_gets_what_was_cross_built_and_its_libraries(guest):
    done, saw = guest("ppc64le", 8, "--", "mmscale topo")
    assert done.returncode == 0, done.stderr
    assert {"8,sockets=2,cores=4,threads=1", "node,nodeid=1,cpus=4-7,memdev=m1"} <= set((saw / "arguments").read_text().splitlines())
    assert (saw / "bin/mmscale").exists() and (saw / "lib/libx.so").exists() and "hvc0" in (saw / "arguments").read_text()


@pytest.mark.parametrize("apt, mirror", [("Debian http://apt.example/debian-security\nDebian http://apt.example/debian", "http://apt.example/debian"),
                                         ("Other http://apt.example/other", "http://deb.debian.org/debian")])  # fmt: skip
def test_the_kernel_is_of_that_release_and_from_the_mirror_of_apt(guest, tmp_path, apt, mirror):
    (guest.bin / "apt-get").write_text(f"#!/bin/sh\n[ $1 = indextargets ] && echo '{apt}'\n")
    (guest.bin / "mmdebstrap").write_text(
        f"#!/bin/bash\nprintf '%s\\n' \"$@\" >{tmp_path}/asked\nfor root; do [[ $root == */system ]] && break; done\n"
        "mkdir -p $root/boot $root/usr/bin && touch $root/boot/{vmlinuz,config}-6.12 $root/usr/bin/busybox\n"
    )
    for stub in ("apt-get", "mmdebstrap"):
        (guest.bin / stub).chmod(0o755)
    done, saw = guest("x86_64", 4, "--suite", "bookworm-backports", "--mmscale", guest.mmscale)
    assert done.returncode == 0, done.stderr
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[-4] == "bookworm" and asked[-2:] == [f"deb {mirror} bookworm-backports main", mirror]
    assert '--aptopt=APT::Default-Release "bookworm-backports";' in asked and (saw / "boot/config-6.12").exists()


def test_a_qemu_that_emulates_an_x2apic_has_more_than_255_cpus(guest):
    guest.environment["STUB_VERSION"] = "10.0.2"
    done, saw = guest("x86_64", 256, "--mmscale", guest.mmscale)
    assert done.returncode == 0, done.stderr
    arguments = (saw / "arguments").read_text().splitlines()
    assert {"256,sockets=2,cores=64,threads=2", "intel-iommu,intremap=on,eim=on", "tcg,thread=single"} <= set(arguments)
    assert any(argument.startswith("console=") and " tsc=reliable " in argument for argument in arguments)


@pytest.mark.parametrize("says, status", [("guest: status 3\r\n", 3), ("Kernel panic\r\n", 1), ("", 1)])
def test_its_status_is_the_command_s(guest, says, status):
    done, _ = guest("x86_64", 4, "--mmscale", guest.mmscale, says=says)
    assert done.returncode == status
    assert ("the guest ended before the command did" in done.stderr) == ("status" not in says)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (("vax", 4), "ARCH 'vax': x86_64, arm64 or ppc64le"),
        (("ppc64le", 8, "--smt", 8), "--smt 8: QEMU emulates one thread of a core of POWER"),
        (("arm64", 513), "CPUS '513': 1 to 512"),
        (("x86_64", 0), "CPUS '0': 1 to 255"),
        (("x86_64", 256), "CPUS '256': 1 to 255"),
        (("x86_64", 210, "--nodes", 3, "--smt", 1),
         "210 CPUs in 3 packages: the last is number 325 to an xAPIC, which has 255: other packages, or QEMU 9"),
        (("x86_64", "some"), "CPUS 'some': 1 to 255"),
        (("x86_64",), "CPUS '': 1 to 255"),
        (("x86_64", 6), "6 CPUs are not 2 packages of whole cores of 2 threads"),
        (("x86_64", 4, "--bare", 2), "--bare 2: a node with CPUs must have memory, of 2"),
        (("x86_64", 4, "--memory", "much"), "--memory 'much': a size as 512M or 2G"),
        (("x86_64", 4, "--suite", "Debian 13"), "--suite 'Debian 13': the name of a release, as trixie"),
        (("x86_64", 4, "--nodes"), "--nodes needs a value"),
        (("x86_64", 4, "--bogus"), "unknown argument: --bogus"),
        (("x86_64", 4, "8"), "unknown argument: 8"),
    ],
)  # fmt: skip
def test_what_cannot_be_booted_is_said(guest, arguments, message):
    done, saw = guest(*arguments)
    assert done.returncode == 2 and done.stderr == f"guest: {message} (see --help)\n"
    assert not list(saw.iterdir())


def test_what_is_missing_is_named_with_its_package(guest):
    (guest.bin / "qemu-system-x86_64").unlink()
    if shutil.which("qemu-system-x86_64"):
        pytest.skip("QEMU is installed here")
    done, _ = guest("x86_64", 4)
    assert done.returncode == 1 and "not installed: apt-get install qemu-system-x86" in done.stderr

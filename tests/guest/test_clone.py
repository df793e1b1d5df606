# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the file system can share bytes between files, the vmcore shares the core's."""

import shutil
import subprocess

import pytest

import gdb
import vmcore


@pytest.fixture
def sharing(folder):
    """A folder on a file system that can: XFS, in a file."""
    if not shutil.which("mkfs.xfs"):
        pytest.skip("mkfs.xfs is missing: Debian has it in xfsprogs")
    image, mounted = folder / "xfs", folder / "mounted"
    mounted.mkdir()
    with open(image, "wb") as file:
        file.truncate(3 << 30)
    subprocess.run(["mkfs.xfs", "-q", "-m", "reflink=1", image], check=True)
    if subprocess.run(["mount", "-o", "loop", image, mounted]).returncode:
        pytest.skip("mounting a file (mount -o loop) is not permitted here")
    yield mounted
    subprocess.run(["umount", mounted], check=True)


def test_clone(small, sharing):
    """On XFS the vmcore takes next to no room beside its core, and is the same file as one that was copied"""
    core, program = sharing / "core", small[1]
    subprocess.run(["cp", "--sparse=always", small[0], core], check=True)
    before = shutil.disk_usage(sharing).free
    for option, name in (("", "cloned"), ("-via gdb", "copied")):
        run = gdb.batch(program, core, commands=[f"dump-guest-memory {option} {sharing / name}"])
        assert run.status == 0, run
        if name == "cloned":
            subprocess.run(["sync", "-f", sharing], check=True)
            assert before - shutil.disk_usage(sharing).free < 16 << 20
    assert vmcore.files_differ(sharing / "cloned", sharing / "copied") is None

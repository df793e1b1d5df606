# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-profile: samples of a guest that runs, against the guest's own counters; what the guest and GDB are left as."""

import collections
import json
import random
import re
import shutil
import signal
import subprocess
import termios
import time
from pathlib import Path
from xml.etree import ElementTree

import pyte
import pytest

import gdb
from living import Living
from machines import lab, records
from test_guest_core import FAILED, GUEST_CORE, guest_core

pytestmark = pytest.mark.gdb

HZ = 250  # of the lab's kernel: CONFIG_HZ, by which jiffies count
# Samples of a CPU in which a share of a third of its time is certain to some 3 points of both CPUs' time.
ROUNDS = 700
# Profiles that do for as many, also where the guest seldom goes on fairly and the host is busy.
ATTEMPTS = 100
ALL = "all"


class Busy(Living):
    """A guest of two CPUs with one task that never waits."""

    def __init__(self, way, folder, append="lab.spin=1", **options):
        super().__init__(way, folder, append=append, **options)

    def counters(self):
        """As the guest counts them: the nanoseconds that each task has been on a CPU, by PID, those of both CPUs as ALL; and whether
        the guest goes on as fairly as it ran before. While GDB holds a process the guest's clock runs on, and all of that time goes
        to the tasks that are on the CPUs: none but the one that never waits may be there."""
        line = self.session.command("guest-x/1dg jiffies_64")[-1]
        tasks = [task for task in self.json("guest-ps -threads -json") if task["pid"]]
        times = {task["pid"]: task["time_ns"] for task in tasks}
        running = {task["pid"] for task in tasks if task["running"]}
        is_fair = self.way == "stub" or running == {max(times, key=times.get)}
        return collections.Counter({ALL: 2 * int(line.split()[-1]) * 10**9 // HZ, **times}), is_fair

    def check(self):
        """The guest stands still, and GDB knows its registers and threads: the session goes on."""
        super().check()
        if self.way == "process":
            return
        thread, pc = self.session.command("output $_thread")[-1], self.session.command("output/x $pc")[-1]
        shown = re.search(r"RIP=([0-9a-f]+)", self.guest.hmp("info registers -a").split(f"CPU#{int(thread) - 1}")[1])[1]
        assert int(pc, 16) == int(shown, 16)


class Mix(Busy):
    """A guest whose two CPUs are never idle: in a module, in the kernel and in a program (lab/mix.sh)."""

    def __init__(self, way, folder):
        super().__init__(way, folder, append="lab.script=/mix/script lab.spin=1", initrd=lab.lab("mix-initramfs"))


@pytest.fixture
def busy(folder):
    with Busy("stub", folder) as busy:
        yield busy


def add(rows, more):
    """Adds the samples of another profile to those of ROWS."""
    for row in more[:-1]:
        place = tuple(row[key] for key in ("pid", "comm", "mode", "symbol", "module"))
        rows[place] += row["samples"]
    profile = more[-1]
    assert profile["samples"] == profile["idle"] + sum(row["samples"] for row in more[:-1])
    assert profile["samples"] == len(profile["cpus"]) * profile["rounds"]
    assert not profile["interrupted"] and profile["ended"] is None
    rows["idle"] += profile["idle"]
    rows["rounds"] += profile["rounds"]
    return profile


def differences(times, rows):
    """The differences between the samples' share and the guest's own counters', of each task by PID, and by 0 of what is no task."""
    samples = 2 * rows["rounds"]
    shares = collections.Counter({0: rows["idle"] / samples})
    for place, count in rows.items():
        if isinstance(place, tuple):
            shares[place[0]] += count / samples
    used = {pid: time / times[ALL] for pid, time in times.items() if pid != ALL}
    used[0] = 1 - sum(used.values())
    return {pid: shares[pid] - share for pid, share in used.items()}


def sampled(busy):
    """The samples of as many profiles as make enough of them, and the last profile; they agree with the guest's counters."""
    rows, times = collections.Counter(), collections.Counter()
    before, is_fair = busy.counters()
    far = None
    for _ in range(ATTEMPTS):
        objects = busy.json("guest-profile -hz 300 -seconds 3 -json")
        after, is_fair_next = busy.counters()
        profile = add(rows if is_fair else collections.Counter(), objects)
        if is_fair:
            times.update({pid: time - before[pid] for pid, time in after.items()})
        before, is_fair = after, is_fair_next
        far = [found for found in differences(times, rows).items() if abs(found[1]) >= 0.03] if rows["rounds"] >= ROUNDS else None
        # Of so few samples chance alone may make a share of a third differ, once in some hundred times.
        if far == [] or rows["rounds"] >= 4 * ROUNDS:
            break
    assert far is not None, f"{rows['rounds']} rounds of {ATTEMPTS} profiles are too few: the guest did not go on fairly"
    assert not far, (far, rows)
    return rows, profile


def check_mix(rows):
    """The mix's functions have the time of their tasks."""
    shares = collections.Counter()
    for place, count in rows.items():
        if isinstance(place, tuple):
            _, comm, mode, symbol, module = place
            for key in (comm, (comm, mode), (comm, symbol, module)):
                shares[key] += count / rows["rounds"] / 2
    # The rest is interrupts: 250 timer interrupts a second, which take the more of a CPU the less of the host's the guest gets.
    for comm, key in (("lab-soft", ("lab-soft", "lab_soft", "lab_waits")), ("lab-zero", ("lab-zero", "kernel")),
                      ("lab-random", ("lab-random", "kernel")), ("init", ("init", "user"))):
        # A task that owes time has too few samples to judge by.
        assert shares[key] > 0.6 * shares[comm] or shares[comm] < 0.05, (comm, rows)
    assert shares["lab-zero"] + shares["lab-random"] + shares["init"] > 0.4, rows


def collapse(text):
    """The stacks of what "perf script" prints, counted, by the rules of stackcollapse-perf.pl; a program's frames are "user"."""
    stacks, stack, comm = collections.Counter(), [], None
    for line in text.splitlines():
        if not line:
            stacks[";".join([comm, *reversed(stack)])] += 1
            stack, comm = [], None
        elif comm is None:
            comm, period, event = re.match(r"(\S.+?)\s+\d+\s+\[\d+\]\s+[\d.]+:\s*(\d+)*\s+(\S+):\s*$", line).groups()
            assert (period, event) == ("1", "cpu-clock")
        else:
            name, module = re.match(r"\s*\w+\s*(.+) \((.*)\)$", line).groups()
            name = re.sub(r"\+0x[\da-f]+$", "", name)
            stack.append("user" if (name, module) == ("[unknown]", "[unknown]") else name)
    assert comm is None
    return stacks


def frames(folder):
    """The frames of the flame graph: name, class, samples; it is XML, and has nothing that a browser would run or fetch."""
    text = (folder / "flame").read_text()
    assert not re.search(r"<script|href|url\(|@import", text)
    space = "{http://www.w3.org/2000/svg}"
    found = []
    for frame in ElementTree.fromstring(text.encode()).iter(f"{space}g"):
        name, samples = frame.find(f"{space}title").text.split("\n")
        found.append((name, frame.find(f"{space}rect").get("class"), int(samples.split()[0])))
    return found


def test_shares(busy):
    """A task's share of the samples, and that of CPUs without one, are the guest's own counters' within 3 points"""
    busy.session.command("thread 2")
    profile = add(collections.Counter(), busy.json("guest-profile -hz 1 -seconds 1 -json"))
    assert profile["rounds"] == 1 and profile["seconds"] >= 1
    rows, profile = sampled(busy)
    assert 0.3 < rows["idle"] / rows["rounds"] / 2 and 0 < profile["stopped"] < 0.35 and profile["delay_ns"]
    busy.check()
    assert busy.session.command("output $_thread") == ["2"]


def test_mix(folder):
    """Of a known mix of functions of the kernel, of a module and of a program the shares are the guest's own counters' within 3
    points; each file has all samples, and the same stacks"""
    with Mix("stub", folder) as mix:
        files = " ".join(f"-{name} {folder}/{name}" for name in ("folded", "flame", "perf"))
        rows, _ = sampled(mix)
        check_mix(rows)
        profile = add(rows, mix.json(f"guest-profile -seconds 2 -json -stacks {files}"))
        mix.check()
    folded = collections.Counter()
    for line in (folder / "folded").read_text().splitlines():
        stack, count = line.rsplit(" ", 1)
        folded[re.sub(r" \[\w+\]", "", re.sub(r"\b0x[0-9a-f]+", "user", stack))] += int(count)
    assert sum(folded.values()) == profile["samples"] - profile["idle"] and "lab-soft;ret_from_fork;kthread;lab_soft" in folded
    perf = collapse((folder / "perf").read_text())
    assert sum(perf.values()) == profile["samples"] and sum((perf - folded).values()) == profile["idle"]
    graph = frames(folder)
    soft = sum(count for stack, count in folded.items() if stack.startswith("lab-soft;"))
    assert ("all", "task", profile["samples"] - profile["idle"]) in graph and ("lab-soft", "task", soft) in graph
    assert any(name == "lab_soft [lab_waits]" and kind == "module" for name, kind, _ in graph)


@pytest.mark.attach
def test_process(folder):
    """Of a QEMU process, which nothing stops meanwhile, GDB and guest-core find the functions of the mix, and the module's thread on
    a CPU for all of the time; where KVM executes the guest, the other ways are named"""
    def check(objects):
        rows = collections.Counter()
        profile = add(rows, objects)
        soft = sum(count for place, count in rows.items() if place[3:] == ("lab_soft", "lab_waits"))
        assert abs(soft / profile["samples"] - 0.5) < 0.1 and not rows["idle"], rows
        assert profile["stopped"] == 0 and profile["delay_ns"] is None
        return rows

    with Mix("process", folder) as mix:
        check(mix.json("guest-profile -hz 300 -seconds 2 -json"))
        assert gdb.errors(mix.session.command("guest-profile -stacks"))[0].startswith("guest-profile: -stacks needs a guest that stops")
        mix.check()
        mix.session.command("detach")
        text = guest_core("-p", mix.guest.pid, "profile", "-hz", 300, "-seconds", 3, "-json")
        check_mix(check([json.loads(line) for line in text.splitlines()]))
        assert not mix.is_stopped()
        mix.guest.stop()
        assert "QEMU has the guest paused" in guest_core("-p", mix.guest.pid, "profile", status=FAILED)
        # What tells KVM apart (QEMU include/sysemu/kvm.h), in a process that GDB holds.
        mix.connect_anew()
        for name, value in (("tcg_allowed", 0), ("kvm_allowed", 1)):
            mix.session.command(f"set var *(char *) &{name} = {value}")
        refused, = gdb.errors(mix.session.command("guest-profile"))
        assert "perf kvm" in refused and "guest-vmlinux -kallsyms FILE -modules FILE" in refused and "target remote ADDRESS" in refused


@pytest.mark.attach
@pytest.mark.expensive
def test_process_ended(folder):
    """A task's share of a process's samples, and that of CPUs without one, are the guest's own counters' within 3 points; -stop stops
    the process for each sample; Ctrl-C ends the samples, in GDB and in guest-core, and leaves QEMU alive, stopped by GDB alone"""
    with Busy("process", folder) as busy:
        rows, _ = sampled(busy)
        assert rows["idle"] / rows["rounds"] / 2 > 0.3
        stopped = add(collections.Counter(), busy.json("guest-profile -stop -seconds 1 -json"))
        assert stopped["rounds"] and stopped["stopped"] > 0 and stopped["delay_ns"] is None
        busy.check()
        for typed, option in ((True, ""), (False, ""), (True, "-stop"), (False, "-stop")):
            busy.session.start(f"guest-profile -seconds 600 {option}")
            lab.wait_until(lambda: not busy.is_stopped(), 60, "a process that runs")
            busy.session.interrupt(typed=typed)
            assert re.search(r"samples? of 2 CPUs in |Quit", busy.session.wait_prompt())
            busy.session.settle()
            busy.check()
        busy.session.command("detach")
        profile = subprocess.Popen([GUEST_CORE, "-p", str(busy.guest.pid), "profile", "-seconds", "600"],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        # The thread that takes the samples starts when the process is let run.
        lab.wait_until(lambda: len(list(Path(f"/proc/{profile.pid}/task").iterdir())) > 1, 60, "a thread that takes samples")
        profile.send_signal(signal.SIGINT)
        assert re.search(rb"samples? of 2 CPUs in |Quit", profile.communicate(timeout=60)[0])
        assert busy.guest.qmp("query-status")["running"] and not busy.is_stopped()


def test_ended(busy):
    """Ctrl-C at ten moments ends it with the samples so far, and GDB's session goes on; QEMU's end is an error"""
    for moment in range(10):
        busy.session.start("guest-profile -seconds 600 -hz 50")
        # No condition stands for these.
        time.sleep(random.Random(moment).random() * 0.6)
        busy.session.interrupt(typed=moment % 2)
        text = busy.session.wait_prompt()
        assert re.search(r"\d+ samples? of 2 CPUs in |Quit", text), text
        busy.session.settle()
        busy.check()
    address = re.search("0x[0-9a-f]+", busy.session.command("guest-x scheduler_tick 1a")[0])[0]
    busy.session.command(f"hbreak *{address}")
    assert not gdb.errors(busy.session.command("guest-profile -seconds 1 -cpu 1"))
    assert "Breakpoint 1, " in " ".join(busy.session.command("continue"))
    busy.session.start("guest-profile -seconds 600")
    busy.kill_guest()
    assert re.search(r"guest-profile: .*(has closed the connection|Target disconnected)", busy.session.wait_prompt())
    assert busy.session.is_alive()

def screen_of(text, size):
    """The lines that a terminal shows of the text, with those that have scrolled out of it."""
    rows, columns = size
    screen = pyte.HistoryScreen(columns, rows, history=1000)
    pyte.Stream(screen).feed(text)
    return ["".join(line[column].data for column in range(columns)) for line in screen.history.top] + screen.display


def test_live_table(busy):
    """In a window that is smaller than the table, the table is shown each second in place of the last table, is not paged and
    leaves nothing on the screen but the result"""
    size = rows, columns = 4, 60
    busy.session.close()
    busy.session = session = gdb.Session(*busy.arguments(), term="xterm")
    termios.tcsetwinsize(session.terminal, size)
    for setting in ("pagination on", f"height {rows}", f"width {columns}", "style enabled on"):
        session.command(f"set {setting}")
    session.start("guest-profile -seconds 3600 -hz 30 -top 6")
    text = "".join(session.wait("SHARE") for _ in range(4))
    assert sum("samples of 2 CPUs" in line for line in screen_of(text, size)) == 1 and "RET" not in text, text
    session.interrupt(typed=True)
    text += session.wait_prompt()
    assert sum("samples of 2 CPUs" in line for line in screen_of(text, size)) == 1 and "\x1b[2J" not in text, text


@pytest.mark.attach
@pytest.mark.expensive
@pytest.mark.parametrize("name", ["arm64-sid", "riscv64-sid", "ppc64el-sid"])
def test_process_of_other_architecture(name, folder):
    """Of a process with a guest of another architecture, one task that never waits has half of the time of two CPUs, none the rest"""
    with records.Opened(name, folder).resume() as guest:
        guest.qmp("cont")
        guest.wait_for_execution()
        *rows, profile = map(json.loads, guest_core("-p", guest.pid, "profile", "-seconds", 2, "-json").splitlines())
        # A CPU without a task is not idle in an interrupt, which takes long where QEMU has to wait for the host's CPU.
        no_task = profile["idle"] + sum(row["samples"] for row in rows if not row["pid"])
        assert abs(no_task / profile["samples"] - 0.5) < 0.1, profile
        assert abs(sum(row["share"] for row in rows if row["comm"] == "sh") - 0.5) < 0.1, rows


@pytest.mark.expensive
def test_killed(busy):
    """A GDB that is killed in a profile, but for the moment of a sample, leaves a guest that runs, and reads of virtual memory to the
    next GDB; a guest that was left stopped runs on after that GDB"""
    line = busy.session.command("guest-x/1gx linux_banner")[-1]
    address, value = re.match(r"(0x[0-9a-f]+) .*:\s+(0x[0-9a-f]+)", line).groups()
    moments = 0
    while moments < 3:
        busy.session.start("guest-profile -seconds 600 -hz 20")
        lab.wait_until(lambda: busy.guest.qmp("query-status")["running"], 60, "a guest that runs")
        # No condition stands for these.
        time.sleep(random.Random(moments).random() * 0.4)
        busy.session.process.kill()
        busy.session.process.wait()
        is_running = busy.guest.qmp("query-status")["running"]
        busy.connect_anew()
        busy.check()
        moments += is_running
        assert not is_running or busy.session.command(f"output/x *(unsigned long long *) {address}")[-1] == value
        before = busy.counters()[0][ALL]
    busy.session.command("detach")
    lab.wait_until(lambda: busy.guest.qmp("query-status")["running"], 60, "a guest that runs")
    busy.connect_anew()
    assert busy.counters()[0][ALL] > before


LABELS = """<object id="graph" type="image/svg+xml" data="flame.svg"></object><pre id="seen"></pre><script>
addEventListener("load", () => {
  const wide = [];
  const graph = document.querySelector("#graph").contentDocument;
  for (const frame of graph.querySelectorAll("g")) {
    const label = frame.querySelector("text");
    if (label && label.getComputedTextLength() > frame.querySelector("rect").width.baseVal.value)
      wide.push(label.textContent);
  }
  document.querySelector("#seen").textContent = JSON.stringify([graph.querySelectorAll("g").length, wide]);
});
</script>"""


@pytest.mark.expensive
def test_browser(folder):
    """Chromium shows the flame graph, and every label fits into its frame"""
    if not shutil.which("chromium"):
        pytest.skip("chromium is not installed")
    with Mix("stub", folder) as mix:
        assert not gdb.errors(mix.session.command(f"guest-profile -seconds 3 -stacks -flame {folder}/flame.svg"))
    (folder / "probe.html").write_text(LABELS)
    run = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
                          f"--user-data-dir={folder}/profile", "--dump-dom", f"file://{folder}/probe.html"],
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=gdb.PATIENCE)
    count, wide = json.loads(re.search('<pre id="seen">(.*?)</pre>', run.stdout)[1])
    assert count > 20 and not wide

# SPDX-License-Identifier: GPL-3.0-or-later
"""guest-report: each part against what the command of the part shows, or the guest's own truth; and guests whose texts are
markup."""

import base64
import collections
import hashlib
import json
import re
import resource
import shlex
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

import gdb
import machines
from machines import MIB, records
from proxy import Proxy
from test_guest_core import FAILED, guest_core
from test_tasks import tasks_of

PARTS = {"overview", "qemu", "memory-map", "cpus", "blocked", "stacks", "tasks", "modules", "memory", "log", "threads"}
LEVELS = ["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"]
# All elements of a page, however hostile the guest is.
ELEMENTS = set("html head meta title style body header nav ul li a main section h1 h2 h3 p div dl dt dd pre span mark details "
               "summary table thead tbody tr th td meter input label svg defs pattern rect line circle text script".split())


class Page:
    """A report. XML's parser is the strictest: a page that markup of the guest's broke is not well-formed."""

    def __init__(self, path):
        self.path, self.text = Path(path), Path(path).read_text()
        self.top = ElementTree.fromstring(self.text)
        self.parts = {part.get("id"): part for part in self.top.iter("section")}

    def lines(self, part):
        """The lines of a part's texts, without spaces at the ends."""
        return [line.strip() for line in "\n".join(self.parts[part].itertext()).splitlines() if line.strip()]

    def rows(self, part):
        return [["".join(cell.itertext()) for cell in row] for row in self.parts[part].find(".//tbody").iter("tr")]

    def of_class(self, part, name):
        return ["".join(element.itertext()) for element in self.parts[part].iter() if element.get("class") == name]

    def facts(self, part):
        """The lines of an overview, by name."""
        found = {}
        for element in self.parts[part].find(".//dl"):
            if element.tag == "dt":
                name = element.text
            else:
                found.setdefault(name, []).append("".join(element.itertext()))
        return found


class Reported:
    """A record and its report by guest-core."""

    def __init__(self, name, folder):
        self.record = records.Opened(name, tempfile.mkdtemp(dir=folder))
        self.folder = Path(self.record.core).parent
        self.page = self.make("report.html")

    def make(self, name, *options):
        path = self.folder / name
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        # As text the overview has the memory map too.
        assert self.show("report", *options, path) == f"{path}: {len(PARTS) - len({'-no-log', '-text'} & {*options})} parts\n"
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        self.seconds = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        return Page(path) if "-text" not in options else path.read_text()

    def show(self, *arguments, **options):
        return guest_core("-qemu", self.record.qemu, self.record.core, *arguments, **options)

    def json(self, *arguments):
        return [json.loads(line) for line in self.show(*arguments, "-json").splitlines() if line.startswith("{")]


def reported(name):
    """A fixture for a record's report."""
    @pytest.fixture(scope="module")
    def fixture(top_folder):
        result = Reported(name, top_folder)
        yield result
        shutil.rmtree(result.folder, ignore_errors=True)

    return fixture


healthy = reported("tasks-6.12")
panicked = reported("panic-6.1")
hung = reported("waits-6.12")
hostile = reported("hostile-6.1")


def lines_of(text):
    return [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("note: ")]


# ---- The page ----

def assert_alone(page):
    """No element of the page fetches anything, and the policy lets its own script run alone."""
    for element in page.top.iter():
        for name in ("src", "href", "action", "data", "poster", "srcset"):
            assert element.get(name, "#").startswith("#"), ElementTree.tostring(element)
    assert not re.search(r"url\((?!#)|@import|https?:", page.top.find("head/style").text)
    policy = page.top.find("head/meta[@http-equiv='Content-Security-Policy']").get("content")
    script, = page.top.iter("script")
    code = base64.b64encode(hashlib.sha256(script.text.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{code}'" in policy


@pytest.mark.parametrize("name", ["healthy", "panicked", "hung", "hostile"])
def test_page(name, request):
    """The report of a {name} guest is valid HTML, whole, readable by its owner alone, and needs nothing beside it"""
    page = request.getfixturevalue(name).page
    assert page.text.startswith("<!DOCTYPE html>\n") and page.parts.keys() == PARTS
    assert {link.get("href") for link in page.top.find(".//nav").iter("a")} == {"#" + part for part in PARTS}
    assert page.path.stat().st_mode & 0o777 == 0o600
    assert_alone(page)
    assert {element.tag for element in page.top.iter()} <= ELEMENTS
    assert all(head.get("scope") for head in page.top.iter("th"))
    identities = [element.get("id") for element in page.top.iter() if element.get("id")]
    assert max(collections.Counter(identities).values()) == 1
    assert not [error for part in PARTS for error in page.of_class(part, "error")]


@pytest.mark.parametrize("name", ["healthy", "panicked", "hung", "hostile"])
def test_tidy(name, request):
    """The report of a {name} guest is HTML that tidy has nothing against"""
    if not shutil.which("tidy"):
        pytest.skip("tidy is not installed")
    path = request.getfixturevalue(name).page.path
    run = subprocess.run(["tidy", "-qe", "--drop-empty-elements", "no", path], stderr=subprocess.PIPE, text=True)
    assert run.stderr == ""


def test_cost(healthy):
    """The report of a guest with 176 tasks takes less than 2 s of a CPU, and has less than 1 MB"""
    healthy.make("again.html")
    assert healthy.seconds < 2
    assert healthy.page.path.stat().st_size < MIB
    # What a task costs, with its row and its lines of the stacks: 5 MB are never near.
    assert len(healthy.page.rows("tasks")) > 150


# ---- The parts ----

def test_verdict(panicked, hung, healthy):
    """The verdict is that of guest-info, on top, and marked where it is a trouble"""
    assert panicked.page.top.find(".//h1").text.startswith("panic: Linux 6.1")
    panic, line = panicked.page.facts("overview")["PANIC"]
    assert panic in " ".join(panicked.show("info").split()) and line == "Kernel panic - not syncing: sysrq triggered crash"
    assert line in panicked.record.text("serial.log")
    assert hung.page.top.find(".//h1").text.startswith("deadlock: Linux 6.12")
    assert hung.page.facts("overview")["DEADLOCK"] == ["3 circles of 6 tasks: see guest-blocked"]
    for report, is_bad in (panicked, True), (hung, True), (healthy, False):
        (info,), top = report.json("info"), report.page.top.find(".//h1")
        assert top.text.startswith(info["guest"]["verdict"] + ": Linux " + info["kernel"]["release"])
        assert (top.get("class") == "bad") == is_bad
        assert report.page.facts("overview")["uptime"][0] in " ".join(report.show("info").split())


def words_of(page):
    """The words of QEMU's command line, as a shell takes them."""
    return shlex.split(page.of_class("qemu", "wrap")[0].replace("\\\n", ""))


def test_command_line(healthy, hostile):
    """The command line of QEMU is the one with which it was started"""
    for report in healthy, hostile:
        command = report.record.facts["command"]
        assert words_of(report.page)[:len(command)] == command


def test_tasks(healthy):
    """The tasks are those that the guest's own /proc lists, with their parents"""
    texts = records.truth.parse(healthy.record.bytes("truth"))
    truth = {task.pid: (task.name.decode(), task.ppid) for task in tasks_of(texts)
             if task.pid == task.tid and re.fullmatch(rb"(?!kworker/)[ -\[\]-~]+", task.name)}
    shown = {int(row[0]): (row[1].strip("[]"), int(row[7])) for row in healthy.page.rows("tasks")}
    assert len(truth) > 100
    # The programs that started the others and wrote the truth have gone, or lost their parents.
    differing = [(task, shown.get(pid)) for pid, task in truth.items() if shown.get(pid) != task]
    assert {task[0] for task, _ in differing} <= {"sh", "sleepers", "usleep"}, differing


def test_commands(healthy, panicked, hung):
    """Stacks, blocked tasks, modules, memory and the log are those that the commands show"""
    for report in healthy, panicked, hung:
        page = report.page
        for part, command in (("cpus", ["bt"]), ("stacks", ["bt", "-all", "-group"]), ("blocked", ["blocked"]),
                              ("memory", ["mem", "-slabs", "-top", "20"]), ("memory", ["mem", "-zones"]), ("log", ["klog"])):
            shown = lines_of(report.show(*command))
            assert not collections.Counter(shown) - collections.Counter(page.lines(part)), part
        values, = report.json("mem")
        assert [row[1] for row in page.rows("memory")] == ["?" if value is None else str(value // 1024) for value in values.values()]
        assert [row[0] for row in page.rows("cpus")] == ["0", "1"]
    assert any("DEADLOCK: 2 tasks" in line for line in hung.page.lines("blocked"))
    assert [row[0] for row in hung.page.rows("modules")] == [module["name"] for module in hung.json("mod")]


def test_log(panicked):
    """Each record has its level, and errors are marked and linked"""
    every, errors = panicked.json("klog"), panicked.json("klog", "-level", "err+")
    log = panicked.page.parts["log"].find(".//pre")
    assert len(log) == len(every) and len(log.findall("mark")) == len(errors) > 0
    assert [line.get("class") for line in log] == [f"l{LEVELS.index(record['level'])}" for record in every]
    targets = {link.get("href")[1:] for link in panicked.page.parts["log"].iter("a")}
    assert targets <= {line.get("id") for line in log.findall("mark")} and targets


def test_map(healthy, hollow, folder):
    """The picture has all ranges of RAM; ranges that the core lacks are hatched, and the parts that need them say so"""
    assert len(healthy.page.rows("memory-map")) == len(healthy.json("info")[0]["ram"]["ranges"])
    assert not [box for box in healthy.page.parts["memory-map"].iter("rect") if box.get("class") == "absent"]
    core, program = hollow
    text = guest_core("-qemu", program, core, "report", folder / "report.html")
    page = Page(folder / "report.html")
    assert [box for box in page.parts["memory-map"].iter("rect") if box.get("class") == "absent"]
    broken = {part for part in PARTS if page.of_class(part, "error")}
    assert {"stacks", "blocked", "tasks", "modules", "memory", "log"} <= broken and "qemu" not in broken
    assert text.count("note: ") >= len(broken) and "dump-guest-core=on" in " ".join(page.of_class("overview", "note"))
    # The registers are QEMU's, and there.
    assert any("CR3=" in line for line in page.lines("cpus"))


# ---- Options ----

def test_text(panicked):
    """-text has the text of each command, and no HTML"""
    text = panicked.make("report.txt", "-text")
    shown = collections.Counter(lines_of(text))
    for command in ["regs"], ["bt"], ["bt", "-all", "-group"], ["blocked"], ["ps", "-args"], ["mod"], ["mem"], ["klog"]:
        assert not collections.Counter(lines_of(panicked.show(*command))) - shown, command
    assert "<section" not in text and "PANIC     on CPU" in text


def test_no_log(healthy):
    """-no-log leaves out the log, and nothing else"""
    assert healthy.make("short.html", "-no-log").parts.keys() == PARTS - {"log"}


def test_redact(healthy):
    """-redact leaves no host's name, command line, argument or variable's value, says so, and keeps the rest"""
    page = healthy.make("redacted.html", "-redact")
    text = healthy.make("redacted.txt", "-redact", "-text")
    assert "Redacted: " in text and "Redacted: " in page.top.find(".//header/p[@class='note']").text
    secrets = ["lab-guest", "HOME=/", "TERM=linux", "lab.script", "-nodefaults", "/sleepers/script", "printk.devkmsg"]
    for shown in page.text, text:
        assert [secret for secret in secrets if secret in shown] == []
        assert "HOME=[redacted]" in shown and "[host]" in shown
    assert "".join(healthy.page.top.itertext()).count("lab-guest") > 1
    assert [row[:8] for row in healthy.page.rows("tasks")] == page.rows("tasks")
    assert [line for line in page.lines("cpus") if "CR3=" in line] == \
        [line for line in healthy.page.lines("cpus") if "CR3=" in line] != []


def test_file(healthy, folder):
    """A file that exists is kept, but for -force; -json tells the file's size, and each part's notes and error"""
    path = folder / "report.html"
    path.write_text("kept")
    assert healthy.show("report", path, status=FAILED) == f"guest-core: report: {path}: it exists; -force replaces it\n"
    assert path.read_text() == "kept" and list(folder.iterdir()) == [path]
    told, = healthy.json("report", "-force", path)
    assert told["file"] == str(path) and told["bytes"] == path.stat().st_size
    assert {part["id"] for part in told["parts"]} == PARTS and not any(part["error"] for part in told["parts"])
    assert "without GDB there are no stacks" in told["parts"][-1]["notices"][0]


# ---- Hostile guests ----

def test_hostile(hostile):
    """Log, tasks, arguments, modules, a host and a QEMU that are named as markup are shown, and are no markup"""
    page = hostile.page
    lines = page.lines("log")
    for text in ('</pre></section><script>document.title="broken"</script>',
                 '<!-- ]]> --> <meta http-equiv="refresh" content="0;url=http://192.0.2.1/">',
                 '<a href="javascript:alert(3)">\\x1b[31m\\x07\\x01\\xff\\xe2\\x80\\xae</a>&#60;&amp;'):
        assert any(line.endswith("hostile: " + text) for line in lines), text
    names = [row[1] for row in page.rows("tasks")]
    assert {"<script>a(1)", "]]>--></pre>", "\\x1b[2J&lt;\\x07"} <= set(names) and any("><b>bold" in name for name in names)
    assert '<script>a="1">' in [row[0] for row in page.rows("modules")]
    assert page.top.find(".//h1").text.endswith(' on "><script>alert(1)</script>')
    assert "<script>alert(4)</script>" in page.of_class("qemu", "wrap")[0]
    # Only the page's own.
    assert page.text.count("<script") == page.text.count("</script") == 1 and "<img" not in page.text
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f]", page.text)


# ---- Sources ----

def common_to(page):
    """The texts of all parts but those that differ with QEMU's debuginfo and with the front end."""
    return {part: page.lines(part) for part in PARTS - {"threads", "qemu", "cpus"}}


@pytest.mark.gdb
def test_gdb(healthy, folder):
    """GDB's report is guest-core's, and has the stacks of QEMU's threads too"""
    run = gdb.batch(healthy.record.qemu, healthy.record.core, commands=[f"guest-report {folder}/report.html"])
    assert f"{folder}/report.html: {len(PARTS)} parts\n" in run.output
    page = Page(folder / "report.html")
    shown = common_to(page)
    # QEMU's debuginfo has the clock.
    shown["overview"] = [re.sub(", at most .* before the machine stopped", "", line) for line in shown["overview"]]
    assert shown == common_to(healthy.page)
    threads = page.lines("threads")
    assert len([line for line in threads if line.startswith("Thread ")]) >= 4
    # The main thread may still be sending its answer to QMP, which it does in a coroutine, on the coroutine's stack.
    assert any("main_loop_wait" in line or "coroutine_trampoline" in line for line in threads)
    assert any("cpu_thread_fn" in line for line in threads)


def test_vmcore(healthy):
    """The report of a vmcore has the same tasks and stacks, and says what a vmcore lacks"""
    path = healthy.folder / "vmcore.html"
    guest_core(healthy.record.dump, "report", path)
    page = Page(path)
    assert page.rows("tasks") == healthy.page.rows("tasks") and page.lines("log") == healthy.page.lines("log")
    assert "a vmcore does not have the command line of QEMU" in page.of_class("qemu", "note")
    assert "QEMU's threads are not here" in page.of_class("threads", "note")[0]


@pytest.mark.gdb(expensive=True)
@pytest.mark.expensive
def test_live(healthy, folder):
    """The reports of a process and of its gdbstub, by a slow line, have the same tasks, stacks and log; the terminal shows how far the
    second report is, in one line, of which nothing is left"""
    with healthy.record.resume() as guest:
        if machines.may_attach():
            guest_core("-p", guest.pid, "report", folder / "process.html")
        with Proxy(guest.directory, "gdbstub", rate=4 * MIB) as proxy, gdb.Session() as session:
            session.command(f"target remote {proxy.address}")
            session.send(f"guest-report {folder}/stub.html")
            # A part that is quick, as the host has time, may not be shown.
            text = session.wait(r"\w[\w ]*, part [0-9]+ of 11, [0-9.]+ MiB read in [0-9]+ s") + session.wait_prompt()
            assert not any(", part " in line for line in gdb.lines_of(text)), text
        command = guest.command
    stub = Page(folder / "stub.html")
    assert "a gdbstub does not have the command line of QEMU" in stub.of_class("qemu", "note")
    assert "QEMU's threads are not here" in stub.of_class("threads", "note")[0]
    pages = [stub, *(Page(path) for path in folder.glob("process.html"))]
    for page in pages:
        for part in "stacks", "log", "modules":
            assert page.lines(part) == healthy.page.lines(part), part
        assert [row[:8] for row in page.rows("tasks")] == [row[:8] for row in healthy.page.rows("tasks")]
    for page in pages[1:]:
        assert words_of(page)[:len(command)] == command


# ---- A browser ----

# Sorts the tasks by PID, descending; shows errors alone; filters the log. Writes what is seen then.
PROBE = """<!DOCTYPE html><iframe src="file://%s" width="400" height="800"></iframe><pre id="seen"></pre><script>
window.addEventListener("load", function () {
  var page = document.querySelector("iframe").contentDocument, seen = {};
  function shown(list) { return Array.prototype.filter.call(list, function (one) { return one.getClientRects().length; }).length; }
  seen.width = page.documentElement.scrollWidth;
  seen.parts = Array.prototype.map.call(page.querySelectorAll("section"), function (part) { return part.id; });
  seen.title = page.title;
  seen.foreign = page.querySelectorAll("script, img, b, style").length;
  var head = page.querySelector("#tasks th button");
  head.click(); head.click();
  seen.pids = Array.prototype.map.call(page.querySelectorAll("#tasks tbody tr"), function (row) { return Number(row.cells[0].textContent); });
  var lines = page.querySelectorAll("#log-lines > *");
  seen.all = shown(lines);
  page.querySelector("#level-err").click();
  seen.errors = shown(lines);
  page.querySelector("#level-all").click();
  var input = page.querySelector("#log input[type=search]");
  input.value = "LINUX version"; input.dispatchEvent(new Event("input"));
  seen.filtered = shown(lines);
  document.querySelector("#seen").textContent = JSON.stringify(seen);
});
</script>"""


def browse(path, folder):
    """The probe's findings in headless Chromium, and what Chromium's console says."""
    if not shutil.which("chromium"):
        pytest.skip("chromium is not installed")
    (folder / "probe.html").write_text(PROBE % path)
    run = subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
                          f"--user-data-dir={folder}/profile", "--enable-logging=stderr", "--v=0", "--dump-dom",
                          f"file://{folder}/probe.html"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                         timeout=gdb.PATIENCE)
    found = re.search('<pre id="seen">(.*?)</pre>', run.stdout)
    console = [line for line in run.stderr.splitlines() if ":CONSOLE" in line]
    assert found, run.stderr
    return json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")), console


@pytest.mark.expensive
@pytest.mark.parametrize("name", ["healthy", "panicked", "hung", "hostile"])
def test_browser(name, request, folder):
    """Chromium shows the report of a {name} guest at 400 pixels, sorts and filters it, runs no script of the guest's, and its
    console is clean"""
    report = request.getfixturevalue(name)
    seen, console = browse(report.page.path, folder)
    assert console == []
    assert set(seen["parts"]) == PARTS and seen["foreign"] == 2 and seen["width"] <= 400
    assert seen["title"] == report.page.top.find("head/title").text
    assert seen["pids"] == sorted((int(row[0]) for row in report.page.rows("tasks")), reverse=True)
    every = report.json("klog")
    assert seen["all"] == len(every)
    assert seen["errors"] == len([record for record in every if record["level"] in LEVELS[:4]])
    assert seen["filtered"] == len(report.json("klog", "-grep", "Linux version"))

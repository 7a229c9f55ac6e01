"""Backups of both databases and the files, and the way back, on hosts without the application."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.hosts.machines import Fleet, Host, HostError
from tests.hosts.servers import release
from tests.self_hosted.site import Site
from tests.stand_in.database import real_folder

ROOM = "/var/backups/quipux"
BACKUP = "/usr/local/lib/quipux/backup"
WRITER = Path(__file__).with_name("documents_writer.py")
RESTORE = "restore"
QUIETLY = {"restore_verify": False}  # no application runs on these hosts, only its databases and files
BASE = """
- hosts: quipux_db
  gather_facts: true
  become: true
  roles:
    - quipux.provision.postgresql
    - role: quipux.provision.quipux_database
      quipux_database_archive: "{{ quipux_sql_source }}"
- hosts: quipux_db:quipux_app
  gather_facts: true
  become: true
  roles:
    - quipux.provision.backup
"""
ONLY_BACKUP = BASE[BASE.index("- hosts: quipux_db:quipux_app") :]


def prepare(site: Site) -> Site:
    """Databases, files and backups, without the application."""
    playbook = site.folder / "base.yml"
    playbook.write_text(BASE)
    site.web.exec("install -d -o www-data -g www-data /var/lib/quipux/bodega; mkdir -p /etc/quipux")
    site.web.write("/etc/quipux/installation.json", json.dumps({"version": "1", "digest": "abc"}))
    site.web.exec("cd /var/lib/quipux/bodega; install -d -o www-data -g www-data logos tmp ciudadanos")
    site.play(playbook)
    return site


@pytest.fixture(scope="module")
def pair(images) -> Iterator[tuple[Site, Site]]:
    """The host that is backed up, with an institution, and an empty one of the same institution."""
    with Fleet() as fleet:
        small = {"/srv/small": "1m"}
        source = prepare(Site.start(fleet, "packages", small=small))
        target = prepare(Site.start(fleet, "packages"))
        columns = "inst_codi, inst_nombre, inst_sigla, inst_estado"
        sql(source.db, f"INSERT INTO institucion ({columns}) VALUES (3, 'Instituto', 'INEJ', 1)")
        source.web.exec(
            "cd /var/lib/quipux/bodega; "
            "install -o www-data -g www-data -m 640 /dev/null 'logos/ñandú 1.png'; "
            "head -c 300000 /dev/urandom > 'logos/ñandú 1.png'; ln -s 'ñandú 1.png' logos/x.png; "
            "echo scratch > tmp/x; echo '<?php // old' > /etc/quipux/only-here.php"
        )
        yield source, target


def sql(host: Host, statement: str, database: str = "quipux") -> str:
    """Rows as text, by the superuser."""
    return host.exec(f"runuser -u postgres -- psql -qAt -v ON_ERROR_STOP=1 {database}", statement).strip()


@contextmanager
def writing(host: Host, first: int) -> Iterator[dict]:
    """Documents are stored all the time; what was stored is in the dict after the block."""
    host.write("/tmp/writer.py", WRITER.read_text())
    host.exec("rm -f /tmp/stop-writing /tmp/writing")
    stored: dict = {}
    command = f"runuser -u postgres -- python3 /tmp/writer.py {first}"
    thread = threading.Thread(target=lambda: stored.update(json.loads(host.exec(command))))
    thread.start()
    try:
        host.wait_for("test -e /tmp/writing")
        yield stored
    finally:
        host.exec("touch /tmp/stop-writing")
        thread.join()


def backup(site: Site, folder: Path) -> tuple[Path, dict]:
    """Run the playbook; the fetched set and its manifest."""
    site.play("backup", extra={"backup_fetch_to": str(folder)})
    (made,) = folder.iterdir()
    return made, json.loads((made / "manifest.json").read_text())


@pytest.fixture(scope="module")
def fetched(pair, tmp_path_factory) -> tuple[Path, dict, dict]:
    """A set that was made while documents were written: its folder, its manifest, what the writer stored."""
    source, _target = pair
    with writing(source.db, 1000) as stored:
        made, manifest = backup(source, tmp_path_factory.mktemp("fetched"))
    return made, manifest, stored


def restore(site: Site, source: Site, folder: Path, *, must: bool = True, kill_at: str = "", **extra):
    return site.play(
        RESTORE,
        extra={"restore_from": str(folder), "restore_identity": str(source.age_identity), **QUIETLY, **extra},
        must=must,
        kill_at=kill_at,
    )


def state(site: Site) -> str:
    """What a restore may not touch when it refuses."""
    names = "SELECT string_agg(datname || oid, ' ' ORDER BY datname) FROM pg_database"
    return sql(site.db, names) + site.web.exec("cd /var/lib/quipux/bodega; find . | sort | sha256sum")


def test_set_is_encrypted_and_the_pause_is_short(pair, fetched):
    made, manifest, stored = fetched
    assert manifest["parts"]["database"]["pause_seconds"] <= 5
    assert stored["slowest"] <= 5
    assert stored["refused"] == stored["locked"] == 0, (
        "the application threw documents away during the backup"
    )
    names = {"quipux.dump.age", "quipux_bodega.dump.age", "globals.sql.age", "files.tar.age", "manifest.json"}
    assert {path.name for path in made.iterdir()} == names
    for path in made.glob("*.age"):
        assert path.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert (
        stored["documents"]
        > manifest["parts"]["database"]["databases"]["transactional"]["rows"]["public.radicado"]
        > 0
    )


def test_dead_runs_leave_nothing_plain(pair):
    source, _target = pair
    found = source.db.exec(f"find {ROOM} /tmp /var/tmp -type f | xargs -r grep -l PGDMP || true")
    assert found.strip() == ""


def test_restores_refused_before_anything_changes(pair, fetched, tmp_path):
    source, target = pair
    made, manifest, _stored = fetched
    before = state(target)

    def refused(folder: Path, words: str, **extra) -> None:
        played = restore(target, source, folder, must=False, **extra)
        assert played.code != 0
        assert words in " ".join(played.output.split()), played.output
        assert state(target) == before

    other = tmp_path / "other-identity"
    subprocess.run(["age-keygen", "-o", other], check=True, capture_output=True)
    refused(made, "the identity is not the one", restore_identity=str(other))
    loose = tmp_path / "loose"
    shutil.copy(source.age_identity, loose)
    loose.chmod(0o644)
    refused(made, "others may read it", restore_identity=str(loose))

    changed = shutil.copytree(made, tmp_path / "changed")
    with (changed / "quipux_bodega.dump.age").open("r+b") as file:
        file.seek(5000)
        byte = file.read(1)[0]
        file.seek(5000)
        file.write(bytes([byte ^ 1]))
    refused(changed, "quipux_bodega.dump.age of")
    # Somebody who writes the checksum too meets the encryption itself.
    forged = json.loads(json.dumps(manifest))
    digest = subprocess.run(
        ["sha256sum", changed / "quipux_bodega.dump.age"], capture_output=True, check=True, text=True
    ).stdout.split()[0]
    for file in forged["parts"]["database"]["files"]:
        if file["name"] == "quipux_bodega.dump.age":
            file["sha256"] = digest
    (changed / "manifest.json").write_text(json.dumps(forged))
    played = restore(target, source, changed, must=False)
    assert played.code != 0
    assert "quipux_bodega.dump.age cannot be decrypted" in " ".join(played.output.split())
    assert sql(target.db, "SELECT count(*) FROM radicado") == "0"

    (changed / "manifest.json").write_text('{"format": 1')
    refused_now = restore(target, source, changed, must=False)
    assert "is damaged" in refused_now.output
    newer = shutil.copytree(made, tmp_path / "newer")
    text = json.dumps(manifest).replace('"postgresql": "13.', '"postgresql": "99.')
    (newer / "manifest.json").write_text(text)
    assert "install PostgreSQL 99" in restore(target, source, newer, must=False).output
    release = shutil.copytree(made, tmp_path / "release")
    (release / "manifest.json").write_text(json.dumps(manifest).replace('"digest": "abc"', '"digest": "def"'))
    assert "install that release" in " ".join(restore(target, source, release, must=False).output.split())
    assert "AGE-SECRET-KEY" not in played.output


def test_killed_restore_converges_and_brings_everything_back(pair, fetched):
    source, target = pair
    made, manifest, stored = fetched
    target.web.exec("echo 'mine' > /etc/quipux/config.php")
    for moment in ("Load both databases", "Put the files in place", "Give the databases their names"):
        restore(target, source, made, kill_at=moment)
    restore(target, source, made)

    part = manifest["parts"]["database"]
    for table in ("radicado", "anexos", "usuarios", "institucion"):
        rows = part["databases"]["transactional"]["rows"][f"public.{table}"]
        assert sql(target.db, f"SELECT count(*) FROM {table}") == str(rows)
    named = sql(target.db, "SELECT arch_codi FROM radicado UNION SELECT arch_codi FROM anexos").split()
    held = dict(
        line.split("|")
        for line in sql(
            target.db,
            "SELECT arch_codi, encode(sha256(archivo::bytea), 'hex') FROM archivo_0001",
            "quipux_bodega",
        ).split()
    )
    assert set(named) <= set(held), "a document names a file that is not there"
    assert all(stored["files"][number] == held[number] for number in named)
    # What the writer had stored and not named yet: the two files of one document at most.
    assert len(set(held) - set(named)) <= 2
    assert len(held) == part["documents"]["count"]

    assert target.web.exec("cat '/var/lib/quipux/bodega/logos/ñandú 1.png' | sha256sum") == source.web.exec(
        "cat '/var/lib/quipux/bodega/logos/ñandú 1.png' | sha256sum"
    )
    assert target.web.exec("stat -c %U:%a '/var/lib/quipux/bodega/logos/ñandú 1.png'") == "www-data:640\n"
    assert target.web.exec("readlink /var/lib/quipux/bodega/logos/x.png") == "ñandú 1.png\n"
    assert target.web.exec("cat /etc/quipux/config.php; test -e /etc/quipux/only-here.php") == "mine\n"
    assert "quipux_restoring" not in sql(target.db, "SELECT datname FROM pg_database")
    # The roles keep their passwords here, and their rights on what came.
    assert sql(target.db, "SHOW timezone") == "America/Guayaquil"
    assert sql(target.db, "SELECT has_table_privilege('quipux_app', 'radicado', 'INSERT')") == "t"
    leftovers = target.db.exec(
        f"grep -rl AGE-SECRET-KEY {ROOM} /tmp /root /dev/shm /etc /run 2>/dev/null || true"
    )
    assert leftovers == ""
    assert target.db.exec(f"ls {ROOM}") == ""
    assert target.web.exec("ls -d /var/lib/quipux/bodega/.restoring 2>/dev/null || true") == ""


def test_failed_swap_serves_no_halves_and_loses_nothing(pair, fetched, tmp_path):
    source, target = pair
    made, manifest, _stored = fetched
    here = "/var/lib/quipux/bodega/logos/here"
    apache = "systemctl is-active apache2.service || true"
    target.web.exec(f"echo mine > {here}")
    sql(target.db, "CREATE DATABASE quipux_replaced IS_TEMPLATE true", "postgres")  # cannot be dropped
    played = restore(target, source, made, must=False, restore_replace="INEJ")
    assert played.code != 0
    assert "Apache stays stopped" in " ".join(played.output.split())
    assert target.web.exec(apache) == "inactive\n"

    broken = shutil.copytree(made, tmp_path / "broken")
    content = bytearray((broken / "files.tar.age").read_bytes())
    content[5000] ^= 1
    (broken / "files.tar.age").write_bytes(content)
    forged = json.loads(json.dumps(manifest))
    forged["parts"]["files"]["files"][0]["sha256"] = hashlib.sha256(content).hexdigest()
    (broken / "manifest.json").write_text(json.dumps(forged))
    assert restore(target, source, broken, must=False, restore_replace="INEJ").code != 0
    assert target.web.exec(f"cat {here}") == "mine\n"
    assert target.web.exec(apache) == "active\n"

    sql(target.db, "ALTER DATABASE quipux_replaced IS_TEMPLATE false", "postgres")
    restore(target, source, made, restore_replace="INEJ")
    assert target.web.exec(f"ls -A -d {here} /var/lib/quipux/bodega/.restoring 2>/dev/null || true") == ""
    # Restored before, and lost since.
    target.web.exec("rm -rf /var/lib/quipux/bodega/logos")
    restore(target, source, made)
    assert target.web.exec("readlink /var/lib/quipux/bodega/logos/x.png") == "ñandú 1.png\n"


def test_second_restore_changes_nothing_and_other_data_is_safe(pair, fetched, tmp_path):
    source, target = pair
    made = fetched[0]
    sql(
        target.db,
        "INSERT INTO radicado (radi_nume_radi, radi_nume_temp, radi_fech_radi) VALUES (1, 1, now())",
    )
    assert restore(target, source, made).changed == 0
    assert sql(target.db, "SELECT count(*) FROM radicado WHERE radi_nume_radi = 1") == "1"

    another, _manifest = backup(source, tmp_path)
    played = restore(target, source, another, must=False)
    assert played.code != 0
    assert "holds 1 institution" in " ".join(played.output.split())
    played = restore(target, source, another, must=False, restore_replace="OTRA")
    assert played.code != 0
    restore(target, source, another, restore_replace="INEJ")
    assert sql(target.db, "SELECT count(*) FROM radicado WHERE radi_nume_radi = 1") == "0"


def test_a_long_writer_is_waited_for(pair):
    source, _target = pair
    source.db.write(
        "/tmp/long.sql",
        "BEGIN; LOCK TABLE radicado IN ROW EXCLUSIVE MODE; SELECT pg_sleep(7); COMMIT;",
        "0644",
    )
    source.db.exec("runuser -u postgres -- psql -q -f /tmp/long.sql quipux >/dev/null 2>&1 &")
    source.db.write(
        "/tmp/seen.sql", "SELECT 1 FROM pg_locks WHERE mode = 'RowExclusiveLock' AND granted", "0644"
    )
    source.db.wait_for("runuser -u postgres -- psql -qAt -f /tmp/seen.sql quipux | grep -q 1")
    made = json.loads(source.db.exec(f"{BACKUP} run 2>/dev/null"))
    part = made["manifest"]["parts"]["database"]
    assert part["attempts"] > 1
    assert part["pause_seconds"] <= 5


def test_rotation_dead_runs_and_only_one_at_a_time(pair):
    source, _target = pair
    source.db.exec(
        f"mkdir -p {ROOM}/20200101T000000Z.part; echo x > {ROOM}/20200101T000000Z.part/quipux.dump.age"
    )
    for _ in range(3):
        made = json.loads(source.db.exec(f"sleep 1; {BACKUP} run 2>/dev/null"))
    kept = source.db.exec(f"ls {ROOM}").split()
    assert len(kept) == 2
    assert made["id"] == kept[-1]
    settings = json.loads(source.db.exec("cat /etc/quipux/backup.json"))
    source.db.write("/root/impatient.json", json.dumps({**settings, "wait": 0}))
    with pytest.raises(HostError, match="another backup or restore is running"):
        source.db.exec(f"QUIPUX_BACKUP_SETTINGS=/root/impatient.json flock {ROOM}/.lock {BACKUP} run")


def test_full_volume_leaves_the_old_sets_whole(pair):
    source, _target = pair
    settings = json.loads(source.db.exec("cat /etc/quipux/backup.json"))
    source.db.write("/root/small.json", json.dumps({**settings, "directory": "/srv/small/sets"}))
    source.db.exec("mkdir -p /srv/small/sets; rm -rf /srv/small/sets/*")
    run = f"sleep 1; QUIPUX_BACKUP_SETTINGS=/root/small.json {BACKUP} run >/root/said 2>&1"
    # First by what is known of the last set, then by the volume itself.
    with pytest.raises(HostError):
        source.db.exec(run)
    assert "MiB free" in source.db.exec("cat /root/said")
    source.db.write("/tmp/writer.py", WRITER.read_text())
    source.db.exec("rm -f /tmp/stop-writing")
    source.db.exec("COUNT=5 BYTES=400000 runuser -u postgres -- python3 /tmp/writer.py 900000")
    # A set that says it was small: the free space seems to be enough.
    made = json.loads(source.db.exec(f"{BACKUP} run 2>/dev/null"))
    name, manifest = made["id"], made["manifest"]
    source.db.exec(f"mkdir /srv/small/sets/{name}; cp {ROOM}/{name}/files.tar.age /srv/small/sets/{name}")
    for part in manifest["parts"].values():
        for file in part["files"]:
            file["bytes"] = 0
    source.db.write(f"/srv/small/sets/{name}/manifest.json", json.dumps(manifest))
    with pytest.raises(HostError):
        source.db.exec(run)
    assert "no space left" in source.db.exec("cat /root/said")
    assert source.db.exec("ls /srv/small/sets").split() == [name]
    source.db.exec(f"cmp {ROOM}/{name}/files.tar.age /srv/small/sets/{name}/files.tar.age")


def test_timer_runs_the_service_in_its_sandbox_and_failure_shows(pair):
    source, _target = pair
    host = source.db
    assert (
        host.exec("systemctl is-active quipux-backup.timer; systemctl is-enabled quipux-backup.timer")
        == "active\nenabled\n"
    )
    before = host.exec(f"ls {ROOM}").split()
    host.exec("systemctl start quipux-backup.service")
    after = host.exec(f"ls {ROOM}").split()
    assert len(set(after) - set(before)) == 1
    assert json.loads(host.exec(f"{BACKUP} status"))["ok"]
    host.exec("systemctl stop postgresql.service")
    try:
        with pytest.raises(HostError):
            host.exec("systemctl start quipux-backup.service")
        assert host.exec("systemctl is-failed quipux-backup.service") == "failed\n"
        assert host.exec(f"ls {ROOM}").split() == after
    finally:
        host.exec("systemctl start postgresql.service; systemctl reset-failed quipux-backup.service")
        host.wait_for("runuser -u postgres -- psql -qc 'SELECT 1'")


@pytest.mark.real
@pytest.mark.skipif(real_folder() is None or release() is None, reason="needs the real release and its dumps")
def test_real_functions_keep_every_document(images, fleet, tmp_path):
    site = prepare(Site.start(fleet, "packages", variant="real"))
    with writing(site.db, 1000) as stored:
        _made, manifest = backup(site, tmp_path)
    assert stored["refused"] == stored["locked"] == 0
    assert stored["slowest"] <= 5
    assert manifest["parts"]["database"]["documents"]["count"] > 0


def test_role_again_changes_nothing(pair):
    source, _target = pair
    playbook = source.folder / "only.yml"
    playbook.write_text(ONLY_BACKUP)
    assert source.play(playbook).changed == 0
    played = source.play(playbook, extra={"quipux_backup_recipient": "age1nobody"}, must=False)
    assert played.code != 0
    assert "is no age public key" in played.output


def test_uninstall_keeps_the_backups(pair):
    _source, site = pair
    refused = site.play("uninstall", must=False)
    assert refused.code != 0
    assert "give uninstall_confirm" in " ".join(refused.output.split())
    refused = site.play("uninstall", extra={"uninstall_confirm": "INEJ"}, must=False)
    assert refused.code != 0
    assert "has no backup of the last day" in " ".join(refused.output.split())
    site.db.exec(f"{BACKUP} run")
    kept = site.db.exec(f"ls -R {ROOM}")
    site.play("uninstall", extra={"uninstall_confirm": "INEJ"})
    assert site.db.exec(f"ls -R {ROOM}") == kept
    assert (
        site.db.exec(
            "ls -d /etc/quipux /opt/quipux /usr/local/lib/quipux /var/lib/quipux/bodega 2>/dev/null || true"
        )
        == ""
    )
    assert "quipux" not in sql(
        site.db, "SELECT datname FROM pg_database UNION ALL SELECT rolname FROM pg_roles", "postgres"
    )
    assert site.db.exec("systemctl list-unit-files 'quipux-*' --no-legend || true") == ""
    assert site.play("uninstall", extra={"uninstall_confirm": "INEJ"}).changed == 0
    # A database that no backup play ever reached is to lose, too, without any of the folders.
    databases = "SELECT count(*) FROM pg_database WHERE datname = 'quipux'"
    sql(site.db, "CREATE DATABASE quipux", "postgres")
    refused = site.play("uninstall", extra={"uninstall_confirm": "INEJ"}, must=False)
    assert refused.code != 0
    assert "has no backup of the last day" in " ".join(refused.output.split())
    assert sql(site.db, databases, "postgres") == "1"
    site.play("uninstall", extra={"uninstall_confirm": "INEJ", "uninstall_without_backup": True})
    assert sql(site.db, databases, "postgres") == "0"

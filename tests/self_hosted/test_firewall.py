"""The role `firewall` on real hosts: what a neighbour, the application's host and the operator reach."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hosts.machines import Fleet, Host
from tests.self_hosted.site import INNER, Site

# What listens on every host; none of it is filtered by the one who listens.
LISTENING = (22, 80, 443, 5432, 8081, 9000, 60000)
PLAY = """
- hosts: all
  gather_facts: false
  become: true
  any_errors_fatal: true
  roles: [quipux.provision.firewall]
"""
STRANGER_INNER = "10.213.77.99"


@dataclass
class Town:
    """Three hosts of one institution, and a neighbour on both of their networks."""

    site: Site
    stranger: Host
    gateway: str
    playbook: Path

    def seen(self, by: Host, inner: bool = False, ports: Iterable[int] = LISTENING) -> dict[str, list[int]]:
        """Ports of each host that answer *by*."""
        address = {name: INNER[name] if inner else host.address for name, host in self.site.hosts.items()}
        wanted = sorted(ports)
        found = scan(by, {address[name]: wanted for name, host in self.site.hosts.items() if host is not by})
        return {name: found[address[name]] for name in self.site.hosts if address[name] in found}


def scan(by: Host, wanted: dict[str, list[int]]) -> dict[str, list[int]]:
    program = shlex.quote(Path(__file__).with_name("scan.py").read_text())
    return dict(json.loads(by.exec(f"python3 -c {program}", json.dumps(wanted))))


def listen(host: Host) -> None:
    for port in LISTENING:
        if port != 22:
            host.exec(f"systemd-run -q --unit listen-{port} python3 -m http.server {port} --directory /srv")


@pytest.fixture(scope="module")
def town(images: dict[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with Fleet() as fleet:
        site = Site.start(fleet, "packages", "three", database_suite="bookworm", user="operador")
        stranger = fleet.start({"vecino": images["blank"]["bullseye"]}, capabilities=("NET_ADMIN",))["vecino"]
        stranger.exec(f"ip address add {STRANGER_INNER}/24 dev eth0")
        for host in site.hosts.values():
            listen(host)
        playbook = tmp_path_factory.mktemp("firewall") / "firewall.yml"
        playbook.write_text(PLAY)
        for host in site.hosts.values():
            host.wait_for("ss -Hltn | grep -q :60000")
        yield Town(site, stranger, fleet.gateway, playbook)


def test_a_stranger_sees_everything_until_the_rules_are_at_work(town: Town):
    everything = {name: sorted(LISTENING) for name in ("bd", "pdf", "web")}
    assert town.seen(town.stranger) == everything
    planned = town.site.play(town.playbook, check=True)
    assert {task.host for task in planned.changes} == {"bd", "pdf", "web"}
    assert town.seen(town.stranger) == everything
    assert town.site.play(town.playbook).changed > 0
    expected = {"bd": [22], "pdf": [22], "web": [22, 80, 443]}
    assert town.seen(town.stranger, ports={*range(1, 1025), *LISTENING}) == expected
    # An address on the servers' own network gives no right either.
    assert town.seen(town.stranger, inner=True) == expected
    assert town.site.play(town.playbook).changed == 0


def test_the_application_reaches_database_and_pdf_service(town: Town):
    town.site.play(town.playbook)
    assert town.seen(town.site.web, inner=True) == {"bd": [22, 5432], "pdf": [22, 8081]}
    assert town.seen(town.site.db, inner=True) == {"pdf": [22], "web": [22, 80, 443]}


def test_rules_that_were_lost_come_back(town: Town):
    town.site.play(town.playbook)
    for host in (town.site.web, town.site.db):
        host.exec("nft flush ruleset")
    assert town.seen(town.stranger)["web"] == sorted(LISTENING)
    again = town.site.play(town.playbook)
    assert {task.host for task in again.changes} == {"bd", "web"}
    assert town.seen(town.stranger)["web"] == [22, 80, 443]


def test_a_run_that_died_before_the_rules_were_loaded_is_made_good(town: Town):
    site = town.site
    site.play(town.playbook)
    site.play(town.playbook, extra={"firewall_web_ports": [443]}, kill_at="Put the rules to work")
    assert site.web.exec("grep -c 'dport 80 ' /etc/quipux-firewall.nft || true").strip() == "0"
    assert site.play(town.playbook, extra={"firewall_web_ports": [443]}).changed > 0
    assert town.seen(town.stranger)["web"] == [22, 443]


def test_ssh_only_from_the_administrators_networks_and_never_without_this_session(town: Town):
    site = town.site
    site.play(town.playbook)
    before = {name: host.exec("nft list ruleset") for name, host in site.hosts.items()}
    site.write_inventory(quipux_admin_networks=["192.0.2.0/24"])
    refused = site.play(town.playbook, must=False)
    assert refused.code == 2
    assert "would lock out this very session" in refused.output
    assert f"from {town.gateway} to port 22" in refused.output
    assert {name: host.exec("nft list ruleset") for name, host in site.hosts.items()} == before

    # Networks inside each other, and one of the other family.
    site.write_inventory(
        quipux_admin_networks=[town.gateway, "192.0.2.0/24", "192.0.2.0/25", "2001:db8::/32"]
    )
    site.play(town.playbook)
    assert town.seen(town.stranger) == {"bd": [], "pdf": [], "web": [80, 443]}
    assert site.play(town.playbook).changed == 0
    site.write_inventory(quipux_admin_networks=[])


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"quipux_admin_networks": ["10.0.0.0/33"]}, "10.0.0.0/33 is neither an IP address nor a network"),
        ({"quipux_app_addresses": ["web.inej"]}, "web.inej is neither an IP address nor a network"),
        ({"firewall_more": [{"port": 9000, "from": ["nadie"]}]}, "nadie is neither an IP address"),
        ({"firewall_ssh_ports": [2222]}, "would lock out this very session"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_makes_no_rule_is_refused_by_its_name(town: Town, variables: dict[str, object], message: str):
    refused = town.site.play(town.playbook, extra=variables, must=False)
    assert refused.code == 2
    assert message in refused.output
    assert refused.changed == 0


def test_rules_of_others_stay_and_a_restart_brings_all_back(town: Town):
    site = town.site
    site.play(town.playbook)
    web = site.web
    web.exec("nft add table inet otro; nft add chain inet otro cadena")
    site.play(town.playbook, extra={"firewall_more": [{"port": 9000}]})
    assert "table inet otro" in web.exec("nft list tables")
    assert town.seen(town.stranger)["web"] == [22, 80, 443, 9000]

    web.restart()
    listen(web)
    web.wait_for("ss -Hltn | grep -q :60000")
    assert town.seen(town.stranger)["web"] == [22, 80, 443, 9000]
    site.write_inventory()
    site.play(town.playbook)
    assert town.seen(town.stranger)["web"] == [22, 80, 443]

"""The script of the benchmark ends where the playbook does, also in what verify.yml does not look at."""

from __future__ import annotations

import pytest

from benchmarks import install
from tests.hosts.machines import Fleet
from tests.self_hosted.site import Site


@pytest.mark.full
def test_the_playbook_and_the_script_reach_the_same(packages_site: Site) -> None:
    with Fleet() as other:
        by_script = Site.start(other, "packages")
        install.run_script(by_script)
        by_script.play("verify")
        packages_site.play("self_hosted")
        assert install.compare(install.state(by_script), install.state(packages_site)) == []

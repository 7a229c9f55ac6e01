# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PRIVATE. Options and the common run of the modules that take lists."""

from __future__ import annotations

import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.quipux.provision.plugins.module_utils import _connection
from ansible_collections.quipux.provision.plugins.module_utils._engine import Engine, Kind
from ansible_collections.quipux.provision.plugins.module_utils._errors import CallError
from ansible_collections.quipux.provision.plugins.module_utils._old_runs import end_runs

Spec = dict[str, t.Any]

IDENTITY = ("name", "oid", "system_identifier")
CITY_OPTION: Spec = {"default_city": {"type": "str"}}  # of modules that make accounts


def connection_spec() -> Spec:
    """Options of doc fragment quipux.provision.connection."""
    return {
        "login_host": {"type": "str", "default": "localhost", "aliases": ["host"]},
        "login_port": {"type": "int", "default": 5432, "aliases": ["port"]},
        "login_user": {"type": "str", "default": "quipux_prov", "aliases": ["login"]},
        "login_password": {"type": "str", "default": "", "no_log": True},
        "login_db": {"type": "str", "default": "quipux", "aliases": ["db", "database"]},
        "login_unix_socket": {"type": "str", "default": "", "aliases": ["unix_socket"]},
        "ssl_mode": {
            "type": "str",
            "default": "prefer",
            "choices": ["allow", "disable", "prefer", "require", "verify-ca", "verify-full"],
        },
        "ca_cert": {"type": "path", "aliases": ["ssl_rootcert"]},
        "statement_timeout": {"type": "int", "default": 60000},
        "lock_timeout": {"type": "int", "default": 5000},
        "application_name": {"type": "str", "default": "quipux-provision"},
    }


def administrator_spec() -> Spec:
    """The `administrator` of an item."""
    fields = ("given_names", "surnames", "position", "email", "phone", "mobile")
    return {
        "type": "dict",
        "options": {
            **{name: {"type": "str"} for name in fields},
            "national_id": {"type": "str", "required": True},
            "existing_account": {
                "type": "str",
                "choices": ["reject", "reuse", "additional"],
                "default": "reject",
            },
        },
    }


def activation_spec(hash_required: bool = True) -> Spec:
    """The `activation` of an item."""
    return {
        "type": "dict",
        "options": {
            "hash": {"type": "str", "required": hash_required, "no_log": True},
            "replaces": {"type": "list", "elements": "str", "default": []},
        },
    }


def account_item_spec(expires: bool = False) -> Spec:
    """What items of institution and administrator share.

    :param expires: whether an item may be about the end of an activation, which takes no hash.
    """
    states = ["present", "absent", "expired"] if expires else ["present", "absent"]
    return {
        "state": {"type": "str", "choices": states, "default": "present"},
        "ruc": {"type": "str", "required": True},
        "city": {"type": "str"},
        "previous": {
            "type": "dict",
            "options": {"institution": {"type": "dict"}, "administrator": {"type": "dict"}},
        },
        "activation": activation_spec(hash_required=not expires),
        "outgoing": {
            "type": "dict",
            "options": {
                "national_id": {"type": "str", "required": True},
                "account": {"type": "str", "choices": ["keep", "deactivate"], "default": "keep"},
            },
        },
    }


def list_spec(item: Spec) -> Spec:
    """All options of a list-taking module of the database.

    :param item: options of an item beside what every item has.
    """
    binding = {
        "environment": {"type": "str"},
        "hosts": {"type": "list", "elements": "str", "default": []},
        "request_digest": {"type": "str"},
        "collection_digest": {"type": "str"},
    }
    common = {
        "case": {"type": "str", "required": True},
        "binding": {"type": "dict", "options": binding},
        "expect": {"type": "str"},
    }
    return {
        **connection_spec(),
        "expect_database": {
            "type": "dict",
            "options": {name: {"type": "str", "required": True} for name in IDENTITY},
        },
        "end_runs": {"type": "list", "elements": "str", "default": []},
        "items": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {**common, **item},
        },
    }


def open_session(module: AnsibleModule) -> _connection.Session:
    """Connect as the options say, or end the module."""
    if _connection.PSYCOPG2_ERROR is not None:
        module.fail_json(msg=missing_required_lib("psycopg2"), exception=_connection.PSYCOPG2_ERROR)
    try:
        return _connection.Session(module.params)
    except CallError as error:
        module.fail_json(msg=str(error))
        raise


def run_items(module: AnsibleModule, kind: Kind[t.Any, t.Any]) -> None:
    """Connect, run the list, give the results."""
    module.exit_json(**results_of(module, kind))


def results_of(module: AnsibleModule, kind: Kind[t.Any, t.Any]) -> dict[str, t.Any]:
    """Connect, run the list, or end the module; what is to be answered."""
    session = open_session(module)
    items = _take_items(module)
    try:
        engine = Engine(
            session, kind, check_mode=module.check_mode, lock_timeout=module.params["lock_timeout"]
        )
        _demand_database(engine.layout.database, module.params["expect_database"])
        if module.params["end_runs"] and not module.check_mode:
            end_runs(session, module.params["end_runs"])
        results = engine.run(items)
    except CallError as error:
        module.fail_json(msg=str(error))
    except Exception as error:
        # An exception's text and its locals may hold secrets: Ansible must not print them.
        place = traceback.extract_tb(error.__traceback__)[-1]
        module.fail_json(
            msg=(
                f"internal error: {type(error).__name__} at {place.name}:{place.lineno}; nothing half "
                f"was kept"
            )
        )
    finally:
        session.close()
    answer: dict[str, t.Any] = {
        "changed": any(result["changed"] for result in results),
        "items": results,
        "database": engine.layout.database,
        "layout": engine.layout.name,
        "hosts": sorted({host for item in items for host in (item["binding"] or {}).get("hosts") or []}),
    }
    if module._diff:
        answer["diff"] = [_diff(result) for result in results if result["changes"]]
    if not module.check_mode:
        # Whoever gave the digest of the changes knows them: a thousand of them are megabytes to carry back.
        for item, result in zip(items, results):
            if item["expect"]:
                result["changes"] = []
    return answer


def _demand_database(found: Spec, expected: Spec | None) -> None:
    if expected and any(str(found[key]) != expected[key] for key in IDENTITY):
        raise CallError(
            f"database {found['name']} (oid {found['oid']} of cluster {found['system_identifier']}) is not "
            "the one that the environment is bound to; nothing was written"
        )


def _take_items(module: AnsibleModule) -> list[dict[str, t.Any]]:
    """The items, taken out of what Ansible echoes and searches.

    Ansible looks for every secret in every text of the answer, which for a thousand hashes takes longer
    than all the
    work. They can be in one place only, the echo of the options: that gets the names of the cases instead.
    """
    items: list[dict[str, t.Any]] = module.params["items"]
    module.params["items"] = [item["case"] for item in items]
    module.no_log_values -= {(item.get("activation") or {}).get("hash") for item in items}
    return items


def _diff(result: dict[str, t.Any]) -> dict[str, str]:
    shown: dict[str, str] = {"before_header": result["case"], "after_header": result["case"]}
    keys: dict[str, set[str]] = {}
    for line in result["changes"]:
        keys.setdefault(line["object"], set()).add(line["key"])
    for side in ("before", "after"):
        # Only where one object is two, as the administrators who go and come, is it said which.
        lines = [
            f"{line['object']}.{line['field']}{' of ' + line['key'] if len(keys[line['object']]) > 1 else ''}"
            f": {line[side]}\n"
            for line in result["changes"]
            if line[side] is not None
        ]
        shown[side] = "".join(lines)
    return shown

#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: administrator
short_description: Administrators of institutions that exist in a Quipux database
version_added: 0.1.0
description:
  - Creates, changes and deactivates institutional administrators (AIQ) and leaves their institutions alone.
  - For an institution together with its administrator, in one transaction, use
    M(quipux.provision.institution).
  - Takes a list; one connection for all items, one transaction for each. An item that cannot be done stops
    no other.
author:
  - The quipux-provision authors (@quipux-provision)
extends_documentation_fragment:
  - quipux.provision.attributes
  - quipux.provision.connection
  - quipux.provision.runs
attributes:
  check_mode:
    support: full
    details:
      - The same reading, comparison and digest; no number is taken from the application's sequences.
  diff_mode:
    support: full
options:
  default_city:
    description: City, by number or exact name in Quipux's catalogue, of new accounts whose item has none.
    type: str
  items:
    description: The administrators.
    type: list
    elements: dict
    required: true
    suboptions:
      case:
        description: Name of the item in the results.
        type: str
        required: true
      state:
        description:
          - V(present) creates, changes or reactivates.
          - V(absent) deactivates as Quipux does and ends the account's live session. Only the account in this
            institution; without one, or if it is deactivated already, there is nothing to do. The password
            stays, but an unused code of O(items[].activation.replaces) dies with the account.
          - V(expired) lets an unused activation code die. If the active account still has one of
            O(items[].activation.replaces), that one gives way to a text that is nobody's password (not to
            NULL, over which Quipux lets anybody set a password). Nothing else of the account changes. The
            person's other accounts keep their passwords, unless that is the very same code, which Quipux
            copies to each new account of a person; it dies there, too.
        type: str
        choices: [present, absent, expired]
        default: present
      ruc:
        description: Tax number of the institution, thirteen digits.
        type: str
        required: true
      city:
        description: City, by number or exact name in Quipux's catalogue.
        type: str
      administrator:
        description: The administrator.
        type: dict
        required: true
        suboptions:
          given_names:
            description: Given names.
            type: str
          surnames:
            description: Surnames.
            type: str
          national_id:
            description: National identity number (cédula), ten digits; with the institution it is the
              account's identity.
            type: str
            required: true
          position:
            description: Position held in the institution.
            type: str
          email:
            description: One e-mail address.
            type: str
          phone:
            description: Telephone, with the extension in Quipux's form, as in V(022999999 ext. 1234).
            type: str
          mobile:
            description: Mobile telephone, ten digits.
            type: str
          existing_account:
            description:
              - What to do if the person already has an active account. All accounts of a person share one
                password in Quipux.
              - V(reject) refuses the item.
              - V(reuse) gives the active account in the same institution the administrator's permissions;
                its other data and its password stay.
              - V(additional) makes another row with the same password, as Quipux does.
            type: str
            choices: [reject, reuse, additional]
            default: reject
      outgoing:
        description:
          - The administrator whom O(items[].administrator) replaces, for state V(present) only. In the
            transaction that makes the new one, and after it, this account of the same institution loses
            what makes an administrator.
          - Removed are C(usua_admin_sistema) (12), C(perm_admin_institucional) (36), and of what an
            administrator gets besides C(usua_admin_archivo) (1), C(usua_perm_ciudadano) (16),
            C(usua_perm_trd) (18), C(usua_perm_email_all) (31) and C(usua_perm_listas) (32). Quipux's form
            of users has these under "Administrador" (C(perfil) 4), but for 16, which by itself leaves the
            citizens in the administration menu; whoever needs it at a registry desk gets it from the new
            administrator. C(usua_perm_notifica) (21), C(usua_publico) (29) and all others stay; they
            administer nothing.
          - Each removal leaves the row in C(log_usr_permisos) that Quipux's page leaves. The areas that the
            administration was limited to are cleared, and live sessions end, since a session keeps the
            permissions it began with.
          - An account that has neither 12 nor 36 has nothing to lose, and a deactivated one is not
            deactivated again. So the item may be run again.
          - Before COMMIT another active account of the institution with 12 and 36 must be there, else the
            item fails with C(no_administrator). A note tells if it is the only one.
        type: dict
        suboptions:
          national_id:
            description: Cédula of the account in the institution; not the new administrator's.
            type: str
            required: true
          account:
            description:
              - V(keep) leaves an account like any other user's.
              - V(deactivate) deactivates it as Quipux does. Refused with C(documents_in_process) while
                documents that are being edited or processed are on its desk, which Quipux would have
                reassigned.
            type: str
            choices: [keep, deactivate]
            default: keep
      previous:
        description:
          - Values that were last applied, with the same keys. A field is written only if the wanted value
            differs from its previous one; what Quipux's users changed meanwhile is kept and listed in
            RV(items.kept).
        type: dict
        suboptions:
          institution:
            description: The institution's previous values.
            type: dict
          administrator:
            description: The administrator's previous values.
            type: dict
      activation:
        description:
          - Hash of an activation code, written only if the account has no password yet or still has one of
            O(items[].activation.replaces).
          - Without it a new account, or one that is found without a password, gets a text that is nobody's
            password, and the next activation is written over that. With no password at all Quipux's page for
            passwords would let anybody who knows the cédula set one. This is no part of RV(items.changes) and
            RV(items.plan_digest); the notes tell of an account that was found.
        type: dict
        suboptions:
          hash:
            description: Characters 2 to 27 of the code's MD5 in lower-case hexadecimal. It is as good as a
              password. Required for V(present), of no use for the other states.
            type: str
          replaces:
            description: SHA-256 (hexadecimal) of hashes of earlier codes that nobody has used. Required for
              V(expired).
            type: list
            elements: str
            default: []
      binding:
        description: What else RV(items.plan_digest) covers; used for nothing else.
        type: dict
        suboptions:
          environment:
            description: Name of the environment.
            type: str
          hosts:
            description: Names of the hosts of the play.
            type: list
            elements: str
            default: []
          request_digest:
            description: Digest of the request.
            type: str
          collection_digest:
            description: Digest of the code.
            type: str
      expect:
        description: Refuse the item if it would change anything and its plan digest is not this one.
        type: str
seealso:
  - module: quipux.provision.institution
"""

EXAMPLES = r"""
- name: Give the administrator another telephone
  quipux.provision.administrator:
    login_unix_socket: /var/run/postgresql
    items:
      - case: inej
        ruc: "1769999930001"
        administrator:
          given_names: María Fernanda
          surnames: Ejemplo Loor
          national_id: "2405999992"
          position: Analista de Gestión Documental
          email: maria.ejemplo@inej.example.gob.ec
          phone: 022999998 ext. 1234
          mobile: "0991234567"

- name: Let an activation code die that nobody has used
  quipux.provision.administrator:
    login_unix_socket: /var/run/postgresql
    items:
      - case: inej
        state: expired
        ruc: "1769999930001"
        administrator:
          national_id: "2405999992"
        activation:
          replaces:
            - 0d5c01d62fcb1b4b4ac2a0cd1ee4c7a4fd4a1a7ae8c9fc1ef4d4ebbf1f7f7a5e

- name: Let somebody who has an account take over as administrator
  quipux.provision.administrator:
    login_host: db.example.gob.ec
    login_password: "{{ quipux_db_password }}"
    items:
      - case: inej-cambio
        ruc: "1769999930001"
        administrator:
          given_names: Carlos Andrés
          surnames: Ejemplo Vera
          national_id: "2405999984"
          position: Analista de Archivo
          email: carlos.ejemplo@inej.example.gob.ec
          phone: 022999999 ext. 1235
          mobile: "0991234568"
          existing_account: reuse
        outgoing:
          national_id: "2405999992"
          account: keep
"""

RETURN = r"""
items:
  description: One result per item, in their order.
  returned: always
  type: list
  elements: dict
  contains:
    case:
      description: The item's name.
      type: str
      returned: always
    status:
      description:
        - V(ok) written (or to be written, in check mode), V(unchanged), V(refused) nothing tried, V(failed)
          tried and nothing kept.
        - V(activated) in order, but no activation was written or ended, since the person already has a
          password of their own.
      type: str
      returned: always
    changed:
      description: Whether anything was (or would be) written.
      type: bool
      returned: always
    error:
      description:
        - C(code), C(message) and C(hint) of a refused or failed item, else null.
        - Codes are C(duplicate_ruc), C(duplicate_acronym), C(account_exists), C(no_such_account),
          C(no_such_institution), C(inactive_institution), C(active_users), C(no_root_area),
          C(unknown_city), C(plan_changed), C(mirror_missing), C(swallowed_error), C(value_too_long),
          C(bad_value), C(lock_timeout), C(database_error), C(documents_in_process),
          C(no_administrator).
      type: dict
      returned: always
    changes:
      description:
        - C(object), C(key), C(field), C(before) and C(after) of each change. Never a password or its hash.
        - Outside check mode it is empty for an item with O(items[].expect), whose changes the caller knows.
      type: list
      elements: dict
      returned: always
    kept:
      description: C(object), C(key), C(field), C(current) and C(requested) of each difference left alone.
      type: list
      elements: dict
      returned: always
    notes:
      description: What a person should know, such as permissions that an administrator must not have.
      type: list
      elements: str
      returned: always
    ids:
      description: Numbers of the rows C(institution), C(area) and C(administrator); null where there is
        none yet. And C(outgoing), for an item with O(items[].outgoing).
      type: dict
      returned: always
    activation:
      description: V(written), V(activated) (the person has a password of their own), V(expired) (the unused
        code is worth nothing any more), or null.
      type: str
      returned: always
    plan_digest:
      description: SHA-256 over the case, its binding, the database and the changes; null for refused and
        failed items.
      type: str
      returned: always
database:
  description: Identity of the database, with C(name), C(oid) and C(system_identifier).
  returned: always
  type: dict
layout:
  description: Name of the database layout.
  returned: always
  type: str
  sample: quipux-2014
hosts:
  description: Names of the hosts that the items' bindings name, sorted.
  returned: always
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.quipux.provision.plugins.module_utils._accounts import Accounts
from ansible_collections.quipux.provision.plugins.module_utils._module import (
    CITY_OPTION,
    account_item_spec,
    administrator_spec,
    list_spec,
    run_items,
)


def main() -> None:
    """Run the module."""
    item = {**account_item_spec(expires=True), "administrator": {**administrator_spec(), "required": True}}
    module = AnsibleModule(argument_spec={**list_spec(item), **CITY_OPTION}, supports_check_mode=True)
    run_items(module, Accounts(module.params["default_city"], with_institution=False))


if __name__ == "__main__":
    main()

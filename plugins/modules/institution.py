#!/usr/bin/python
# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: institution
short_description: Institutions and their administrators in a Quipux database
version_added: 0.1.0
description:
  - Creates, changes and deactivates institutions and, in the same transaction, their administrators (AIQ),
    writing what Quipux's own pages write, its log tables included.
  - Takes a list; one connection for all items, one transaction for each. An item that cannot be done stops
    no other, so look at the results of the items rather than at the state of the task.
  - Before COMMIT each item is checked for what Quipux's triggers hide, that is rows missing in table
    C(usuario) and errors that were swallowed.
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
    description:
      - City, by number or exact name in Quipux's catalogue, of new rows whose item has none.
      - Without either the first of the catalogue is written, as Quipux's pages do.
    type: str
  items:
    description: The institutions.
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
          - V(absent) deactivates as Quipux does, ends live sessions, and deletes nothing. An institution
            with other active users is refused.
        type: str
        choices: [present, absent]
        default: present
      ruc:
        description: Tax number, thirteen digits; the institution's identity.
        type: str
        required: true
      name:
        description: Name, up to 150 characters. Required for V(present), like O(items[].acronym),
          O(items[].phone), O(items[].address).
        type: str
      acronym:
        description: Acronym, up to 10 characters without blanks.
        type: str
      phone:
        description: Telephone.
        type: str
      address:
        description: Address, up to 100 characters; it is kept with the root area.
        type: str
      city:
        description: City, by number or exact name in Quipux's catalogue.
        type: str
      logo_extension:
        description: Kind of the logo file; sets the path of the logo when the institution is created. See
          M(quipux.provision.storage).
        type: str
        choices: [png, jpg]
      administrator:
        description: The institution's administrator.
        type: dict
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
              password.
            type: str
            required: true
          replaces:
            description: SHA-256 (hexadecimal) of hashes of earlier codes that nobody has used.
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
  - module: quipux.provision.administrator
  - module: quipux.provision.storage
  - module: quipux.provision.layout_info
"""

EXAMPLES = r"""
- name: Create an institution with its administrator
  quipux.provision.institution:
    login_host: db.example.gob.ec
    login_password: "{{ quipux_db_password }}"
    default_city: Azogues
    items:
      - case: inej
        ruc: "1769999930001"
        name: Instituto Nacional de Ejemplo
        acronym: INEJ
        phone: "022999999"
        address: Calle Inventada 100, Quito
        administrator:
          given_names: María Fernanda
          surnames: Ejemplo Loor
          national_id: "2405999992"
          position: Analista de Gestión Documental
          email: maria.ejemplo@inej.example.gob.ec
          phone: 022999999 ext. 1234
          mobile: "0991234567"
  register: result

- name: Stop if an item could not be done
  ansible.builtin.assert:
    that: result['items'] | map(attribute='error') | select | length == 0

- name: Deactivate it again
  quipux.provision.institution:
    login_unix_socket: /var/run/postgresql
    items:
      - case: inej
        state: absent
        ruc: "1769999930001"
        administrator:
          national_id: "2405999992"

- name: Let somebody who has an account take over as administrator
  quipux.provision.institution:
    login_host: db.example.gob.ec
    login_password: "{{ quipux_db_password }}"
    items:
      - case: inej-cambio
        ruc: "1769999930001"
        name: Instituto Nacional de Ejemplo
        acronym: INEJ
        phone: "022999999"
        address: Calle Inventada 100, Quito
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
        - V(activated) in order, but no activation was written, since the person already has a password of
          their own.
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
      description: V(written), V(activated) (the person has a password of their own), or null.
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
    texts = ("name", "acronym", "phone", "address")
    item = {
        **account_item_spec(),
        **{name: {"type": "str"} for name in texts},
        "logo_extension": {"type": "str", "choices": ["png", "jpg"]},
        "administrator": administrator_spec(),
    }
    module = AnsibleModule(argument_spec={**list_spec(item), **CITY_OPTION}, supports_check_mode=True)
    run_items(module, Accounts(module.params["default_city"], with_institution=True))


if __name__ == "__main__":
    main()

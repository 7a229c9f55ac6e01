# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    """The list of citizens."""

    DOCUMENTATION = r"""
options:
  default_city:
    description:
      - City, by number or exact name in Quipux's catalogue, of new rows whose item has none.
      - Without either the first of the catalogue is written, as Quipux's pages do.
    type: str
  items:
    description: The citizens.
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
          - V(requested) registers the person as a citizen and files the request to sign electronically as
            sent, with the signed agreement. It also sends anew a request that was rejected, and finds a
            deactivated citizen again.
          - V(approved) does what the approval in Quipux does. The citizen moves to table C(usuarios) with the
            same number, as a signing citizen with the permissions 19, 21 and 27.
          - V(rejected) sets the request back; the person stays a citizen.
          - V(absent) deactivates as Quipux does, ends the live session, rejects a request that still waits,
            and deletes nothing.
          - V(expired) ends an activation that nobody has used.
        type: str
        choices: [requested, approved, rejected, absent, expired]
        default: requested
      national_id:
        description: National identity number (cédula), ten digits; the person's identity.
        type: str
        required: true
      given_names:
        description: Given names, up to 150 characters. Required for V(requested) and V(approved), like all
          that follow up to O(items[].agreement_sha256) unless they say otherwise.
        type: str
      surnames:
        description: Surnames, up to 150 characters.
        type: str
      position:
        description: Position held in the organisation, up to 150 characters.
        type: str
      title:
        description: Title or form of address, up to 100 characters. Not required.
        type: str
      organisation:
        description: Name of what the person writes for, up to 150 characters.
        type: str
      email:
        description: One e-mail address, up to 50 characters, as the request's column has no more.
        type: str
      phone:
        description: Telephone, up to 50 characters.
        type: str
      mobile:
        description: Mobile telephone, ten digits. Quipux keeps it for signing citizens only.
        type: str
      address:
        description: Address, up to 150 characters.
        type: str
      city:
        description: City, by number or exact name in Quipux's catalogue. Not required.
        type: str
      certificate:
        description: Where the certificate of the electronic signature lies; Quipux's types 1 and 2.
        type: str
        choices: [token, file]
      agreement_sha256:
        description:
          - SHA-256 (hexadecimal) of the signed agreement. It is kept in the remarks of the request.
          - A request that is about another agreement is neither approved nor rejected.
        type: str
      agreement_path:
        description: The signed agreement on the control node. The database part does not use it; see
          P(quipux.provision.agreement_items#filter).
        type: str
      observations:
        description: Remarks for the citizen, for V(rejected); up to 600 characters.
        type: str
      existing_account:
        description:
          - What to do if the person already is a citizen that somebody registered by hand and that never sent
            a request.
          - V(reject) refuses the item. V(reuse) files the request for that citizen, whose data and password
            stay.
          - A person with another active account, in an institution or as a second citizen, is refused in any
            case.
        type: str
        choices: [reject, reuse]
        default: reject
      previous:
        description:
          - Values that were last applied, with the keys of the item. A field is written only if the wanted
            value differs from its previous one; what Quipux's users changed meanwhile is kept and listed in
            RV(quipux.provision.citizen#module:items.kept).
        type: dict
      stored:
        description:
          - What the application hosts said of the agreement's file; see
            P(quipux.provision.stored_items#filter).
          - Outside check mode no request is sent, and none approved, without it.
        type: dict
        suboptions:
          citizen:
            description: Number of the citizen whose file it is.
            type: int
          sha256:
            description: SHA-256 of the file's content.
            type: str
          error:
            description: C(code), C(message) and C(hint), where a host could not store or find it.
            type: dict
      activation:
        description:
          - Hash of an activation code, written only if the citizen has no password yet or still has one of
            O(items[].activation.replaces).
          - Without it a new citizen, or one that is found without a password, gets a text that is nobody's
            password. This is no part of RV(quipux.provision.citizen#module:items.changes) and
            RV(quipux.provision.citizen#module:items.plan_digest).
        type: dict
        suboptions:
          hash:
            description: Characters 2 to 27 of the code's MD5 in lower-case hexadecimal. It is as good as a
              password. Required for V(requested) and V(approved).
            type: str
          replaces:
            description: SHA-256 (hexadecimal) of hashes of earlier codes that nobody has used.
            type: list
            elements: str
            default: []
      binding:
        description: What else RV(quipux.provision.citizen#module:items.plan_digest) covers; used for nothing
          else.
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
"""

# Copyright (c) 2026, the quipux-provision authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import ipaddress
import typing as t

from ansible.errors import AnsibleFilterError

DOCUMENTATION = r"""
name: in_networks
short_description: Whether an address belongs to one of some networks
version_added: 0.2.0
author:
  - The quipux-provision authors (@quipux-provision)
description: What is neither an address nor a network is refused by its name, on either side.
options:
  _input:
    description: An IPv4 or IPv6 address.
    type: str
    required: true
  networks:
    description: Addresses and networks in CIDR notation.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Demand that this session stays possible
  ansible.builtin.assert:
    that: "'192.0.2.7' | quipux.provision.in_networks(quipux_admin_networks)"
"""

RETURN = r"""
_value:
  description: Whether one of the networks holds the address.
  type: bool
"""


def in_networks(address: str, networks: list[str]) -> bool:
    """Whether one of the networks holds the address. Raises AnsibleFilterError."""
    asked, known = _network(address).network_address, [_network(one) for one in networks]
    return any(asked in network for network in known)


def _network(text: t.Any) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        # A number would be taken for an address, too.
        return ipaddress.ip_network(str(text))
    except ValueError:
        message = (
            f"{text!s} is neither an IP address nor a network such as 10.0.0.0/24; correct the inventory"
        )
        raise AnsibleFilterError(message) from None


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Filters by name."""
        return {"in_networks": in_networks}

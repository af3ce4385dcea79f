# SPDX-License-Identifier: BSD-2-Clause
"""A phone of others that speaks SHA-256 registers with nothing else on offer (C15, C28)."""
import c15_phones as phones

CONFIG = phones.DOMAIN + 'algorithms-inside = { SHA-256 }\n'
USERS = phones.USERS


def c28_linphone_sha256(world):
    phones.linphone(world, 'lin')

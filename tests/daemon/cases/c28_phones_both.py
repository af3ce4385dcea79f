# SPDX-License-Identifier: BSD-2-Clause
"""Phones of others before the challenges that are the default: SHA-256 first, then MD5 (C28).

Of those that Debian has, linphone speaks both; baresip and sipp speak MD5, and stop at a challenge
that they do not know. None speaks SHA-512-256, auth-int, or leaves out a qop that is offered: that
is for the peers of sipmsg.py and for test_auth.
"""
import c15_phones as phones
import c15_sipp as sipp
from peer import check

CONFIG = phones.DOMAIN
USERS = phones.USERS


def c28_linphone_takes_one_of_two(world):
    phones.linphone(world, 'lin')


def c28_sipp_knows_md5_alone(world):
    """Its user is marked: after two attempts that end at the challenge it is asked with MD5."""
    world.add_user('old', None, '--md5')
    peer = world.phone('watch')
    results = [sipp.attempt(peer, [(120, sipp.WANTS)], ['old'])[0] for _ in range(3)]
    check(results[0] != 0 and results[1] != 0, f'it took a challenge that it does not know: {results}')
    check(results[2] == 0, f'it was not asked with MD5: {results}')

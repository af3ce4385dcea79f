# SPDX-License-Identifier: BSD-2-Clause
"""Phones of others before the challenges that are the default: SHA-256 first, then MD5 (C28).

Of those that Debian has, linphone speaks both; baresip and sipp speak MD5, and stop at a challenge
that they do not know. None speaks SHA-512-256, auth-int, or leaves out a qop that is offered: that
is for the peers of sipmsg.py and for test_auth.
"""
import c15_phones as phones
import sipp
from peer import LIMIT, check, host, until
from programs import program

CONFIG = phones.DOMAIN
USERS = [*phones.USERS, 'old']


def c28_linphone_takes_one_of_two(world):
    phones.linphone(world, 'lin')


def c28_sipp_knows_md5_alone(world):
    """After two attempts that end at the challenge it is asked with MD5."""
    peer = world.phone('watch')
    results = [sipp.attempt(peer, [(120, sipp.WANTS)], ['old'])[0] for _ in range(3)]
    check(results[0] != 0 and results[1] != 0, f'it took a challenge that it does not know: {results}')
    check(results[2] == 0, f'it was not asked with MD5: {results}')


def verdict(log):
    with open(log, encoding='utf-8', errors='replace') as file:
        text = file.read()
    return '200 OK' if '200 OK' in text else 'Register:' in text and text


def c28_baresip_knows_md5_alone(world):
    """Started three times: its own next attempt is a minute later."""
    files = {name: phones.filled(world, text, proxy=host(world.phone('watch').router), user='bare')
             for name, text in {'config': phones.BARESIP, 'accounts': phones.ACCOUNT}.items()}
    for attempt in range(3):
        with program(world, files, 'baresip', f'-{world.family}', '-f', 'FOLDER') as run:
            text = until(lambda log=run[1]: verdict(log), 'baresip has its answer', LIMIT * 3)
            check((text == '200 OK') == (attempt == 2), f'{attempt + 1}: {text}')

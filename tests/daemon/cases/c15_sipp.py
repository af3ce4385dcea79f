# SPDX-License-Identifier: BSD-2-Clause
"""sipp registers, renews, ends, guesses, and many at once (C15, C28); it judges the answers.

Its own regression tests (SIPp/sipp regress) are about its parser and its messages, none is about a
registrar; these scenarios are ours.
"""
from sipp import WANTS, registered, succeeds

DOMAIN = 'domain "office.example" { registrar = main }\n'
CONFIG = DOMAIN + 'algorithms-inside = { MD5 }\n'
MANY = 300
USERS = ['watch', *(f's{n}' for n in range(MANY))]


def run(world, steps, users, **how):
    return succeeds(world.phone('watch'), steps, users, **how)


def c15_sipp_renews(world):
    users = USERS[1:11]
    address = run(world, [(120, WANTS), (600, WANTS)], users)
    registered(world, users, address)


def c15_sipp_ends(world):
    users = USERS[11:21]
    run(world, [(120, WANTS), (0, '<recv response="200"/>\n')], users)
    registered(world, users, None)


def c28_sipp_guesses(world):
    """401 for a wrong password, and the challenge is there for the next try."""
    users = USERS[21:31]
    run(world, [(120, '<recv response="401" auth="true"/>\n')] * 3, users, password='wrong')
    registered(world, users, None)


def c15_sipp_many_users(world):
    users = USERS[31:]
    address = run(world, [(120, WANTS)], users, rate=300)
    registered(world, users[::15], address)

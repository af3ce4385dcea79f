# SPDX-License-Identifier: BSD-2-Clause
"""sipp registers, renews, ends, guesses, and many at once (C15, C28); it judges the answers.

Its own regression tests (SIPp/sipp regress) are about its parser and its messages, none is about a
registrar; these scenarios are ours.
"""
from c15_phones import bindings, program
from peer import LIMIT, check, host

DOMAIN = 'domain "office.example" { registrar = main }\n'
CONFIG = DOMAIN + 'algorithms-inside = { MD5 }\n'
MANY = 300
USERS = ['watch', *(f's{n}' for n in range(MANY))]
REQUEST = '''\
<send retrans="500"><![CDATA[
REGISTER sip:office.example SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
From: <sip:[field0]@office.example>;tag=[call_number]
To: <sip:[field0]@office.example>
Call-ID: [call_id]
CSeq: {cseq} REGISTER
Contact: <sip:[field0]@[local_ip]:[local_port]>;expires={expires}
{more}Content-Length: 0

]]></send>
'''
WANTS = '''\
<recv response="200"><action>
<ereg regexp="<sip:[^>]*>;expires=[0-9]+" search_in="hdr" header="Contact:" check_it="true"
 assign_to="1"/>
</action></recv>
'''.replace('"<sip:[^>]*>', '"&lt;sip:[^&gt;]*&gt;')


def scenario(*steps):
    """Each step is the expiry that is asked for and the answer to right or wrong credentials."""
    text, cseq = ['<?xml version="1.0" encoding="us-ascii"?>\n<scenario name="register">\n'], 0
    for expires, last in steps:
        for more, wanted in (('', '<recv response="401" auth="true"/>\n'), ('[field1]\n', last)):
            cseq += 1
            text += [REQUEST.format(cseq=cseq, expires=expires, more=more), wanted]
    used = '<Reference variables="1"/>\n' if any(WANTS == last for _, last in steps) else ''
    return ''.join(text) + used + '</scenario>\n'


def attempt(watch, steps, users, password='{}-secret', rate=100):
    """From the address of a peer, for its Contacts, too: the exit status, and what sipp said."""
    lines = [f'{u};[authentication username={u} password={password.format(u)}]' for u in users]
    files = {'steps.xml': scenario(*steps), 'users.csv': '\n'.join(['SEQUENTIAL', *lines]) + '\n'}
    count = str(len(users))
    with program(watch.world, files, 'sipp', f'{host(watch.router)}:5060', '-sf', 'steps.xml', '-inf',
                 'users.csv', '-i', host(watch.address), '-p', '5094', '-m', count, '-l', count,
                 '-r', str(rate), '-nostdin', '-auth_uri', 'office.example', '-timeout', '30s',
                 '-timeout_error', '-trace_err', '-error_file', 'errors') as (process, log):
        status = process.wait(LIMIT * 6)
        with open(log, encoding='utf-8', errors='replace') as file:
            said = file.read()[-2500:]
    return status, said


def run(world, *steps_and_users, **how):
    """The address that it registered from."""
    watch = world.phone('watch')
    status, said = attempt(watch, *steps_and_users, **how)
    check(status == 0, f'sipp ended with {status}: {said}')
    return host(watch.address)


def registered(world, users, address):
    for user in users:
        found = list(bindings(world.phone(user)))
        check(found == ([f'sip:{user}@{address}:5094'] if address else []), f'{user}: {found}')


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

# SPDX-License-Identifier: BSD-2-Clause
"""sipp as phones that register: it judges the answers itself."""
from peer import LIMIT, check, host
from programs import bindings, program

PORT = 5094
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
                 'users.csv', '-i', host(watch.address), '-p', str(PORT), '-m', count, '-l', count,
                 '-r', str(rate), '-nostdin', '-auth_uri', 'office.example', '-timeout', '30s',
                 '-timeout_error', '-trace_err', '-error_file', 'errors') as (process, log):
        status = process.wait(LIMIT * 6)
        with open(log, encoding='utf-8', errors='replace') as file:
            said = file.read()[-2500:]
    return status, said


def succeeds(watch, steps, users, **how):
    """The address that they registered from."""
    status, said = attempt(watch, steps, users, **how)
    check(status == 0, f'sipp ended with {status}: {said}')
    return host(watch.address)


def registered(world, users, address):
    for user in users:
        found = list(bindings(world.phone(user)))
        check(found == ([f'sip:{user}@{address}:{PORT}'] if address else []), f'{user}: {found}')

# SPDX-License-Identifier: BSD-2-Clause
"""Phones of others register, with MD5: baresip, linphone, sipp (C15, C28)."""
import contextlib
import glob
import os
import re
import shutil
import subprocess
import tempfile

from peer import LIMIT, Skipped, check, host, until
from sipmsg import unique

DOMAIN = 'domain "office.example" { registrar = main }\n'
CONFIG = DOMAIN + 'algorithms-inside = { MD5 }\n'
USERS = ['watch', 'bare', 'lin', 'lin2', 'gru', *(f'sipp{n}' for n in range(20))]

BARESIP = '''\
poll_method epoll
sip_listen {listen}
net_interface eth0
module_path {modules}
module_tmp uuid.so
module g711.so
module_app account.so
module_app menu.so
'''
ACCOUNT = ('<sip:bare@office.example;transport=udp>;auth_user=bare;auth_pass=bare-secret'
           ';outbound="sip:{proxy};transport=udp";regint=120\n')
LINPHONE = '''\
[sip]
sip_port=5092
use_ipv6={ipv6}
default_proxy=0
register_only_when_network_is_up=0
[net]
dns_srv_enabled=0
[proxy_0]
reg_proxy=<sip:{proxy};transport=udp>
reg_route=<sip:{proxy};transport=udp;lr>
reg_identity=<sip:{user}@office.example>
reg_expires=120
reg_sendregister=1
publish=0
[auth_info_0]
username={user}
passwd={user}-secret
realm=office.example
domain=office.example
'''
SIPP = '''\
<?xml version="1.0" encoding="us-ascii"?>
<scenario name="register">
<send retrans="500"><![CDATA[
REGISTER sip:office.example SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
From: <sip:[field0]@office.example>;tag=[call_number]
To: <sip:[field0]@office.example>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:[field0]@[local_ip]:[local_port]>;expires=120
Content-Length: 0

]]></send>
<recv response="401" auth="true"/>
<send retrans="500"><![CDATA[
REGISTER sip:office.example SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
From: <sip:[field0]@office.example>;tag=[call_number]
To: <sip:[field0]@office.example>
Call-ID: [call_id]
CSeq: 2 REGISTER
Contact: <sip:[field0]@[local_ip]:[local_port]>;expires=120
[field1]
Content-Length: 0

]]></send>
<recv response="200"/>
</scenario>
'''


def bindings(phone):
    """Of the user of a peer, which asks for them."""
    answer = phone.register(contact='none', expires=None)
    check(answer.code == 200, answer.start)
    return answer.contacts()


@contextlib.contextmanager
def program(world, files, *command):
    """Runs it in the namespace of the phones, in a folder with these files."""
    if not shutil.which(command[0]):
        raise Skipped(f'{command[0]} is not installed (tests/setup interop)')
    folder = tempfile.mkdtemp(prefix='phone-')
    os.makedirs(os.path.join(folder, '.local/share/linphone'))
    for name, text in files.items():
        with open(os.path.join(folder, name), 'w', encoding='ascii') as file:
            file.write(text)
    with open(os.path.join(folder, 'log'), 'wb') as log, world.nets.inside:
        process = subprocess.Popen(
            [word.replace('FOLDER', folder) for word in command], cwd=folder, stdout=log,
            stderr=subprocess.STDOUT, stdin=subprocess.PIPE,
            env={**os.environ, 'HOME': folder, 'LC_ALL': 'C'})
    try:
        yield process, os.path.join(folder, 'log')
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        shutil.rmtree(folder, ignore_errors=True)


def filled(world, text, **fields):
    """A file of a phone, with what this machine and this family have."""
    return text.format(ipv6=int(world.family == 6),
                       listen='[::]:5091' if world.family == 6 else '0.0.0.0:5091',
                       modules=next(iter(glob.glob('/usr/lib/baresip/modules')
                                         + glob.glob('/usr/lib/*/baresip/modules')), ''), **fields)


def registers(world, user, files, *command, then=None):
    watch = world.phone(user)
    proxy = host(watch.router)
    texts = {name: filled(world, text, proxy=proxy, user=user) for name, text in files.items()}
    with program(world, texts, *command) as (_, log):
        try:
            until(lambda: bindings(watch), f'{command[0]} has registered', LIMIT * 3)
            if then:
                then(watch)
        except Exception:
            with open(log, encoding='utf-8', errors='replace') as file:
                print(file.read()[:2500])
            raise


def linphone(world, user):
    registers(world, user, {'rc': LINPHONE}, 'linphonec', '-c', 'FOLDER/rc')


def call(caller, uri):
    """Begins and ends one with a phone that answers by itself; its Contact."""
    sdp = (f'v=0\r\no=- 1 1 IN IP{caller.family} {caller.address}\r\ns=-\r\n'
           f'c=IN IP{caller.family} {caller.address}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n')
    fields = {'call_id': unique('gruu'), 'to': uri}
    answer = caller.transact(caller.request('INVITE', uri, body=sdp.encode(), **fields,
                                            lines=['Content-Type: application/sdp']), LIMIT * 3)
    check(answer.code == 200, answer.start)
    contact = next(iter(answer.contacts()))
    fields |= {'to_tag': answer.tag('to'), 'lines': [
        f'Route: {value}' for value in answer.all('record-route')[::-1]]}
    caller.send(caller.request('ACK', contact, **fields))
    answer = caller.transact(caller.request('BYE', contact, cseq=2, **fields))
    check(answer.code == 200, answer.start)
    return contact


def called_by_gruu(watch):
    """Its Contact is its public GRUU then: the BYE goes to that, too."""
    answer = watch.register(contact='none', expires=None, lines=['Supported: gruu'])
    found = re.findall(r'-gruu="([^"]*)"', str(answer))
    check(len(found) == 2, str(answer))
    for uri in found:
        check(call(watch.world.inside(), uri) == found[0], 'its Contact is another')
        check(';gr=' in call(watch.world.outside(), uri), 'its Contact is another')


def sipp(world):
    """Twenty users, twenty at a time; sipp itself judges the answers."""
    watch = world.phone('watch')
    users = [f'sipp{n}' for n in range(20)]
    lines = [f'{u};[authentication username={u} password={u}-secret]' for u in users]
    files = {'register.xml': SIPP, 'users.csv': '\n'.join(['SEQUENTIAL', *lines]) + '\n'}
    with program(world, files, 'sipp', f'{host(watch.router)}:5060', '-sf', 'register.xml', '-inf',
                 'users.csv', '-i', host(watch.address), '-p', '5093', '-m', '20', '-l', '20',
                 '-r', '100', '-nostdin', '-auth_uri', 'office.example',
                 '-timeout', '20s', '-timeout_error') as (process, log):
        status = process.wait(LIMIT * 6)
        if status:
            with open(log, encoding='utf-8', errors='replace') as file:
                print(file.read()[:2500])
    check(status == 0, f'sipp ended with {status}')
    for user in users:
        found = list(bindings(world.phone(user)))
        check(found == [f'sip:{user}@{host(watch.address)}:5093'], f'{user}: {found}')


def c15_baresip(world):
    registers(world, 'bare', {'config': BARESIP, 'accounts': ACCOUNT},
              'baresip', f'-{world.family}', '-f', 'FOLDER')


def c15_linphone(world):
    linphone(world, 'lin')


def c15_linphone_by_its_gruu(world):
    registers(world, 'gru', {'rc': LINPHONE}, 'linphonec', '-a', '-c', 'FOLDER/rc',
              then=called_by_gruu)


def c15_sipp(world):
    sipp(world)

# SPDX-License-Identifier: BSD-2-Clause
"""Phones of others register, with MD5: baresip, linphone, sipp (C15, C28)."""
import glob
import re

import sipp
from peer import LIMIT, check, host, until
from programs import bindings, program
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


def c15_baresip(world):
    registers(world, 'bare', {'config': BARESIP, 'accounts': ACCOUNT},
              'baresip', f'-{world.family}', '-f', 'FOLDER')


def c15_linphone(world):
    linphone(world, 'lin')


def c15_linphone_by_its_gruu(world):
    registers(world, 'gru', {'rc': LINPHONE}, 'linphonec', '-a', '-c', 'FOLDER/rc',
              then=called_by_gruu)


def c15_sipp(world):
    """Twenty users, twenty at a time; sipp itself judges the answers."""
    users = [f'sipp{n}' for n in range(20)]
    watch = world.phone('watch')
    sipp.registered(world, users, sipp.succeeds(watch, [(120, sipp.WANTS)], users))

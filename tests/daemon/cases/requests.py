# SPDX-License-Identifier: BSD-2-Clause
"""Checks that hold for every request, and the transactions: C10, C43, the codes of 1.8."""
import re
import socket
import time

from peer import DOMAIN, LIMIT, Peer, check, host, until
from sipmsg import Message, unique

CONFIG = DOMAIN + 'max-message = 30000\ndomain "other.example" { registrar = passive }\n'


def about_us(phone):
    return f'sip:{host(phone.router)}'


def raw(phone, start, drop=(), **changes):
    """A request by its lines: without those of drop, with others for some, and more."""
    lines = {'Via': f'SIP/2.0/UDP {phone.hostport};rport;branch=z9hG4bK{unique("r")}',
             'From': '<sip:a@office.example>;tag=f', 'To': '<sip:b@office.example>',
             'Call-ID': unique('c'), 'CSeq': f'1 {start.split()[0]}'}
    lines |= {name.replace('_', '-'): value for name, value in changes.items()}
    return f'{start}\r\n' + ''.join(f'{name}: {value}\r\n' for name, value in lines.items()
                                    if name not in drop) + '\r\n'


def ask(phone, data):
    """The first answer to bytes that may be no good request."""
    phone.send(data)
    return phone.expect('an answer', lambda m: m.response)


def c10_missing_header_named_400(world):
    phone = world.inside()
    for name in ('From', 'To', 'Call-ID', 'CSeq'):
        answer = ask(phone, raw(phone, 'INVITE sip:b@office.example SIP/2.0', drop=[name]))
        check((answer.code, answer.phrase) == (400, f'Missing {name}'), answer.start)
        check(not answer.all(name), f'{name} was made up')


def c10_wrong_header_named_400(world):
    phone = world.inside()
    for name, value in (('CSeq', '1 BYE'), ('CSeq', '99999999999 INVITE'), ('To', '"b <sip:b@h>'),
                        ('Call-ID', 'two words'), ('Max_Forwards', '256'), ('Expires', '-1'),
                        ('Contact', '<sip:a@b'), ('Content_Length', 'x')):
        answer = ask(phone, raw(phone, 'INVITE sip:b@office.example SIP/2.0', **{name: value}))
        shown = name.replace('_', '-')
        check(answer.code == 400 and (shown.lower() in answer.phrase.lower()),
              f'{shown}: {value}: {answer.start}')


def c10_version_505(world):
    phone = world.inside()
    answer = ask(phone, raw(phone, 'INVITE sip:b@office.example SIP/3.0'))
    check(answer.code == 505, answer.start)


def c10_too_large_513(world):
    phone = world.inside()
    data = phone.request('OPTIONS', about_us(phone), body=b'x' * 29000)
    check(phone.transact(data).code == 200, 'one of 29,000 bytes was not answered with 200')
    data = phone.request('OPTIONS', about_us(phone), body=b'x' * 30000)
    check(phone.transact(data).code == 513, 'one above the limit was not refused')


def c10_longest_datagram_accepted(world):
    phone = world.inside()
    empty = len(phone.request('OPTIONS', about_us(phone), branch='z9hG4bKlong', call_id='long'))
    data = phone.request('OPTIONS', about_us(phone), branch='z9hG4bKlong', call_id='long',
                         body=b'x' * (65507 - empty - 4))
    check(len(data) == 65507, f'{len(data)} bytes')
    check(phone.transact(data).code == 200, 'no 200')


c10_longest_datagram_accepted.config = DOMAIN


def c10_uri_scheme_416(world):
    phone = world.inside()
    for uri in ('http://office.example/', 'nobody:knows'):
        check(phone.transact(phone.request('OPTIONS', uri)).code == 416, uri)


def c10_max_forwards_0_483(world):
    phone = world.inside()
    for method, uri, code in (('INVITE', 'sip:b@office.example', 483),
                              ('MESSAGE', 'sip:b@elsewhere.example', 483),
                              ('OPTIONS', 'sip:b@elsewhere.example', 483),
                              ('OPTIONS', 'sip:b@office.example', 200)):
        data = phone.request(method, uri).replace(b'Max-Forwards: 70', b'Max-Forwards: 0')
        answer = phone.transact(data)
        check(answer.code == code, f'{method} {uri}: {answer.start}')


def c10_proxy_require_420(world):
    phone = world.inside()
    data = phone.request('INVITE', 'sip:b@office.example',
                         lines=['Proxy-Require: alpha, beta', 'Proxy-Require: gamma'])
    answer = phone.transact(data)
    check(answer.code == 420 and answer.get('unsupported') == 'alpha, beta, gamma', str(answer))


def c10_options_about_us_200(world):
    phone = world.inside()
    for uri in (about_us(phone), f'{about_us(phone)}:5060', 'sip:office.example',
                'sip:OFFICE.example:5060'):
        answer = phone.transact(phone.request('OPTIONS', uri))
        check(answer.code == 200, f'{uri}: {answer.start}')
        for name in ('allow', 'accept', 'supported'):
            check(answer.get(name), f'{uri}: no {name}')
        check('INVITE' in answer.get('allow'), 'Allow without INVITE')


def c10_one_request_by_two_ways_482(world):
    """8.2.2.2: for what we answer; what we pass on is for the next to judge."""
    phone = world.inside()
    call_id = unique('twice')
    codes = [phone.transact(phone.request('OPTIONS', about_us(phone), call_id=call_id)).code
             for _ in range(2)]
    check(codes == [200, 482], f'{codes}')
    answer = phone.transact(phone.request('OPTIONS', about_us(phone), call_id=call_id, cseq=2))
    check(answer.code == 200, answer.start)
    codes = [phone.transact(phone.request('INVITE', 'sip:b@office.example', call_id=call_id)).code
             for _ in range(2)]
    check(codes == [404, 404], f'{codes}')


def c10_options_require_420(world):
    phone = world.inside()
    answer = phone.transact(phone.request('OPTIONS', about_us(phone), lines=['Require: nothing']))
    check(answer.code == 420 and answer.get('unsupported') == 'nothing', str(answer))


def c16_register_where_no_registrar_is_known_503(world):
    """Its name is not looked up, and the module has not seen it: later, perhaps."""
    phone = world.inside()
    answer = phone.transact(phone.request('REGISTER', 'sip:other.example',
                                          to='sip:a@other.example'))
    check(answer.code == 503 and answer.get('retry-after'), str(answer))


def c11_register_at_address_for_foreign_domain_404(world):
    phone = world.inside()
    answer = phone.transact(phone.request('REGISTER', about_us(phone), to='sip:a@nowhere.example'))
    check(answer.code == 404, answer.start)


def c10_compact_folded_and_lists(world):
    phone = world.inside()
    data = (f'OPTIONS {about_us(phone)} SIP/2.0\r\nv: SIP/2.0/UDP {phone.hostport}\r\n ;rport\r\n'
            ' ;branch=z9hG4bKfold, SIP/2.0/UDP below;branch=z9hG4bKx\r\nf: <sip:a@b>;tag=1\r\n'
            't:\r\n <sip:c@d>\r\ni: folded@x\r\nCSEQ: 1\r\n OPTIONS\r\nl: 0\r\n\r\n')
    answer = ask(phone, data)
    check(answer.code == 200, answer.start)
    via = re.split(r',\s*', ', '.join(answer.all('via')))
    check(len(via) == 2 and 'below' in via[1] and f'received={phone.address}' in via[0], str(via))


def c10_received_and_rport(world):
    phone = world.inside(port=5077)
    data = phone.request('OPTIONS', about_us(phone), via='SIP/2.0/UDP 10.9.9.9:9;rport;branch='
                                                         'z9hG4bKrport')
    via = phone.transact(data).get('via')
    check(f'received={phone.address}' in via and 'rport=5077' in via, via)


def c10_without_rport_to_sent_by_port(world):
    phone = world.inside(port=5078)
    other = type(phone)(world, world.nets.inside, phone.address, 5079)
    world.peers.append(other)
    data = phone.request('OPTIONS', about_us(phone),
                         via=f'SIP/2.0/UDP 10.9.9.9:5079;branch=z9hG4bK{unique("s")}')
    phone.send(data)
    check(other.expect('the answer', lambda m: m.response).code == 200, 'no 200')
    check(phone.silent(), 'the source port got something too')


def c10_answer_from_the_address_asked(world):
    phone = world.inside()
    for address in (phone.router, world.outside().router):
        phone.send(phone.request('OPTIONS', f'sip:{host(address)}'), (address, 5060))
        answer = phone.expect('an answer', lambda m: m.response)
        check(answer.source == (address, 5060) and answer.code == 200,
              f'asked {address}, answered by {answer.source}: {answer.start}')


def link_local(space, device):
    text = space.run('ip', '-6', '-o', 'address', 'show', 'dev', device, 'scope', 'link')
    found = re.search(r'inet6 (fe80::[0-9a-f:]+)', text)
    return found and found[1]


def c10_link_local_addresses(world):
    """The interface of a link-local address is kept: the answer leaves by it."""
    nets = world.nets
    mine = until(lambda: link_local(nets.inside, 'eth0'), 'a link-local address')
    router = until(lambda: link_local(nets.router, 'lan0'), 'a link-local address')
    with nets.inside, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        index = socket.if_nametoindex('eth0')
        sock.bind((mine, 0, 0, index))
        sock.settimeout(LIMIT)
        sock.sendto((f'OPTIONS sip:[{router}] SIP/2.0\r\nVia: SIP/2.0/UDP [{mine}];rport;branch='
                     f'z9hG4bK{unique("l")}\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>\r\n'
                     'Call-ID: link\r\nCSeq: 1 OPTIONS\r\n\r\n').encode(), (router, 5060, 0, index))
        data, source = sock.recvfrom(2000)
    check(Message(data).code == 200 and source[0].partition('%')[0] == router, f'{source}: {data}')


c10_link_local_addresses.families = (6,)


def c10_noise_gets_nothing(world):
    phone = world.inside()
    for data in (b'\r\n\r\n', b'\0', b'\x80\0' + b'x' * 170, b'GET / HTTP/1.1\r\n\r\n',
                 b'SIP/2.0 200 OK\r\n\r\n', b'x' * 2000):
        phone.send(data)
    phone.send(raw(phone, 'ACK sip:b@office.example SIP/2.0', CSeq='x'))
    phone.send(raw(phone, 'SIP/2.0 200 OK', CSeq='1 INVITE'))
    check(phone.silent(), f'came: {[m.start for m in phone.kept]}')


def c43_retransmission_same_answer(world):
    phone = world.inside()
    for uri, code in ((about_us(phone), 200), ('nobody:knows', 416)):
        data = phone.request('OPTIONS', uri)
        answers = {ask(phone, data).data for _ in range(5)}
        check(len(answers) == 1, f'{len(answers)} different answers')
        check(Message(answers.pop()).code == code, f'not {code}')


def c43_rebound_port_gets_the_answer(world):
    """The NAT in front of a phone forgets it between a request and its repetition."""
    phone, other = world.inside(), world.inside()
    data = phone.request('OPTIONS', about_us(phone))
    first = ask(phone, data)
    rebound = Peer(world, world.nets.inside, phone.address, 0)
    try:
        again = ask(rebound, data)
        check(again.data == first.data, f'another answer: {again}')
        other.send(data)
        check(other.silent(), 'another address got the answer')
    finally:
        rebound.close()


def c43_old_branches_are_told_apart(world):
    """RFC 2543, and the cookie alone: by Call-ID, CSeq and the rest."""
    phone = world.inside()
    for branch in ('', ';branch=z9hG4bK', ';branch=1'):
        via = f'SIP/2.0/UDP {phone.hostport};rport{branch}'
        ids = [unique('old') for _ in range(3)]
        for call_id in ids + ids:
            phone.send(phone.request('OPTIONS', about_us(phone), via=via, call_id=call_id))
            answer = phone.expect('an answer', lambda m: m.response)
            check(answer.get('call-id') == call_id and answer.code == 200, str(answer))


def c43_ack_of_refusal_absorbed(world):
    """Also where nothing was kept of the refusal: it is known by the tag."""
    phone = world.inside()
    data = phone.request('INVITE', 'sip:b@office.example', lines=['Proxy-Require: x'])
    answer = ask(phone, data)
    check(answer.code == 420 and answer.tag('to'), str(answer))
    phone.send(phone.ack(data, answer))
    check(phone.silent(), f'the ACK was answered: {[m.start for m in phone.kept]}')


def c43_cancel_of_nothing_481(world):
    phone = world.inside()
    answer = phone.transact(phone.request('CANCEL', about_us(phone)))
    check(answer.code == 481, answer.start)


def c10_tags_do_not_repeat(world):
    phone = world.inside()
    tags = {phone.transact(phone.request('OPTIONS', about_us(phone))).tag('to') for _ in range(20)}
    check(len(tags) == 20 and '' not in tags, f'{len(tags)} tags')


def c10_thousand_requests_each_its_answer(world):
    """Interleaved from 20 peers: every answer has the Call-ID and reaches the peer that asked."""
    phones = [world.inside() for _ in range(20)]
    sent, begun = {}, time.monotonic()
    for n in range(1000):
        phone = phones[n % 20]
        call_id = unique('many')
        sent[call_id] = phone
        phone.send(phone.request('OPTIONS', about_us(phone), call_id=call_id))
        if n % 20 == 19:
            for each in phones:
                answer = each.expect('its answer', lambda m: m.response)
                check(sent.pop(answer.get('call-id')) is each, 'an answer of another')
    check(not sent, f'{len(sent)} without an answer in {time.monotonic() - begun:.1f} s')

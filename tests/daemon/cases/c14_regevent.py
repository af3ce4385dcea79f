# SPDX-License-Identifier: BSD-2-Clause
"""Watching registrations by SUBSCRIBE: RFC 3680 on RFC 6665 (C14)."""
import json
import socket
import xml.etree.ElementTree as ElementTree

from peer import LIMIT, check, code, until
from programs import program
from sipmsg import challenges, host, unique

CONFIG = '''\
subscription-min = 2
subscriptions-user = 3
domain "office.example" { registrar = main  watchers = { "admin" } }
domain "short.example" { registrar = main  expires-min = 1 }
'''
USERS = ('admin', 'alice', 'bob', 'carol', 'dave', 'erin', 'frank', 'grace', 'heidi', 'ivan',
         'judy', 'kim', 'leo', 'mia', 'nina', 'omar', 'pia', 'quinn', 'rosa', 'sam', 'tom')
SIPP_ANSWER = '''\
<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
'''
SIPP_ASK = '''\
<send retrans="500"><![CDATA[
SUBSCRIBE sip:tom@office.example SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
Max-Forwards: 70
From: <sip:tom@office.example>;tag=[call_number]
To: <sip:tom@office.example>
Call-ID: [call_id]
CSeq: {cseq} SUBSCRIBE
Contact: <sip:tom@[local_ip]:[local_port]>
Event: reg
Expires: 600
{more}Content-Length: 0

]]></send>
'''
SIPP_LOGIN = '[authentication username=tom password=tom-secret]\n'
SIPP = f'''\
<?xml version="1.0" encoding="us-ascii"?>
<scenario name="watcher">
{SIPP_ASK.format(cseq=1, more='')}
<recv response="401" auth="true"/>
{SIPP_ASK.format(cseq=2, more=SIPP_LOGIN)}
<recv response="200"/>
<recv request="NOTIFY">
<action><ereg regexp="active;expires=" search_in="hdr" header="Subscription-State:"
 check_it="true" assign_to="1"/>
<ereg regexp="state=.full." search_in="body" check_it="true" assign_to="2"/></action>
</recv>
{SIPP_ANSWER}<recv request="NOTIFY">
<action><ereg regexp="state=.partial." search_in="body" check_it="true" assign_to="3"/>
<ereg regexp="event=.registered." search_in="body" check_it="true" assign_to="4"/></action>
</recv>
{SIPP_ANSWER}<Reference variables="1,2,3,4"/>
</scenario>
'''
NS = '{urn:ietf:params:xml:ns:reginfo}'


class Document:
    """application/reginfo+xml, by a real parser."""

    def __init__(self, data):
        root = ElementTree.fromstring(data)
        check(root.tag == NS + 'reginfo', root.tag)
        self.version, self.full = int(root.get('version')), root.get('state') == 'full'
        registration, = root
        check(registration.tag == NS + 'registration' and registration.get('id'), str(data))
        self.aor, self.state = registration.get('aor'), registration.get('state')
        self.contacts, ids = {}, set()
        for contact in registration:
            check(contact.get('id') not in ids, f'{contact.get("id")} is there twice')
            ids.add(contact.get('id'))
            self.contacts[contact.find(NS + 'uri').text] = contact

    def event(self, uri, state, event):
        check(uri in self.contacts, f'{uri} among {list(self.contacts)}')
        contact = self.contacts[uri]
        check((contact.get('state'), contact.get('event')) == (state, event),
              f'{state} {event}: {contact.attrib}')
        return contact


class Watcher:
    """A subscription, as the one who watches has it."""

    def __init__(self, world, user, target=None, peer=None):
        self.peer = peer or world.phone(user)
        self.uri = f'sip:{target or user}@{world.domain}'
        self.call_id, self.cseq, self.to, self.contact = unique('w'), 0, None, None
        self.notify_cseq = 0

    def subscribe(self, expires=600, lines=(), event='reg', **fields):
        self.cseq += 2
        if self.to:
            fields = {'to_tag': self.to, 'to': self.uri} | fields
        more = [f'Event: {event}'] if event else []
        if expires is not None:
            more.append(f'Expires: {expires}')
        answer = self.peer.authenticated(
            'SUBSCRIBE', fields.pop('uri', self.contact or self.uri), call_id=self.call_id,
            cseq=self.cseq, lines=[*lines, *more], **fields)
        if answer.code == 200:
            self.to = answer.tag('to')
            self.contact = answer.get('contact').strip('<>')
        return answer

    def raw(self, limit=LIMIT):
        """The next NOTIFY, not answered yet."""
        return self.peer.expect('NOTIFY', lambda m: m.method == 'NOTIFY' and m.get('call-id') ==
                                self.call_id and m.cseq()[0] > self.notify_cseq, limit)

    def notify(self, state='active', limit=LIMIT):
        request = self.raw(limit)
        self.peer.answer(request, 200)
        self.notify_cseq = request.cseq()[0]
        got = request.get('subscription-state')
        check(got.startswith(state), f'{state}: {got}')
        check(request.get('event') == 'reg' or ';id=' in request.get('event'), 'its Event')
        check(request.tag('from') == self.to and request.tag('to') == 'f1', 'the dialog')
        if not request.body:
            return None
        check(request.get('content-type') == 'application/reginfo+xml', 'its type')
        return Document(request.body)

    def start(self, **fields):
        code(self.subscribe(**fields), 200)
        return self.notify()


def c14_reg_first_notify_has_all(world):
    phone = world.phone('alice')
    uri = f'sip:alice@{phone.hostport};x="<&>"'.replace('"<&>"', '%3C&') + ';y=%22'
    answer = phone.register(600, contact=f'<{uri}>;q=0.5;methods="INVITE, BYE";'
                            '+sip.instance="<urn:uuid:1&2>"')
    code(answer, 200)
    watcher = Watcher(world, 'alice')
    answer = code(watcher.subscribe(expires=None), 200)
    check(answer.get('expires') == '3761' and watcher.to and watcher.contact, str(answer))
    check('reg' in answer.get('allow-events'), str(answer))
    first = watcher.notify('active;expires=37')
    check((first.version, first.full, first.aor, first.state) ==
          (0, True, 'sip:alice@office.example', 'active'), str(vars(first)))
    contact = first.event(uri, 'active', 'registered')
    check(contact.get('q') == '0.500' and contact.get('callid') and contact.get('cseq') == '2',
          str(contact.attrib))
    check(400 < int(contact.get('expires')) <= 600 and
          int(contact.get('duration-registered')) < LIMIT, str(contact.attrib))
    params = {p.get('name'): p.text for p in contact.findall(NS + 'unknown-param')}
    check(params == {'+sip.instance': '"<urn:uuid:1&2>"', 'methods': '"INVITE, BYE"'}, str(params))


def c14_reg_nobody_registered_is_init(world):
    watcher = Watcher(world, 'bob')
    first = watcher.start()
    check(first.state == 'init' and first.full and not first.contacts, str(vars(first)))


def c14_reg_changes_are_told(world):
    """At once the first time, then what came together, by one partial document."""
    watcher, one, two = Watcher(world, 'carol'), world.phone('carol'), world.phone('carol')
    watcher.start()
    code(one.register(600), 200)
    first = watcher.notify()
    code(one.register(600, cseq=11), 200)
    code(two.register(600), 200)
    code(one.register(0, cseq=21), 200)
    second = watcher.notify()
    check([first.version, second.version] == [1, 2] and not first.full and not second.full,
          'versions')
    a, b = f'sip:carol@{one.hostport}', f'sip:carol@{two.hostport}'
    first_id = first.event(a, 'active', 'registered').get('id')
    check(second.event(a, 'terminated', 'unregistered').get('id') == first_id, 'the same contact')
    second.event(b, 'active', 'registered')
    check(second.state == 'active' and len(second.contacts) == 2, str(second.contacts))
    world.daemon.callgate('registrations', 'remove', 'carol@office.example')
    third = watcher.notify()
    third.event(b, 'terminated', 'deactivated')
    check(third.state == 'terminated' and third.version == 3, str(vars(third)))


def c14_reg_nobody_else_403(world):
    code(Watcher(world, 'dave', 'erin').subscribe(), 403)
    code(Watcher(world, 'dave', 'nobody').subscribe(), 403)
    code(Watcher(world, 'dave').subscribe(user='erin'), 403)
    wrong = world.peer('inside', 5060).login('dave', 'guessed')
    code(Watcher(world, 'dave', peer=wrong).subscribe(), 401)
    stranger = world.outside()
    code(Watcher(world, 'dave', peer=stranger).subscribe(), 401)


def c14_reg_admins_watch_others(world):
    watcher, phone = Watcher(world, 'admin', 'erin'), world.phone('erin')
    check(watcher.start().aor == 'sip:erin@office.example', 'whose')
    code(phone.register(), 200)
    watcher.notify().event(f'sip:erin@{phone.hostport}', 'active', 'registered')
    code(Watcher(world, 'admin', 'nobody').subscribe(), 404)


def c14_reg_codes(world):
    watcher = Watcher(world, 'frank')
    for event in ('presence', None):    # to us ourselves; to a user it is for his phone
        answer = code(watcher.subscribe(event=event, uri=f'sip:{world.domain}'), 489)
        check(answer.get('allow-events') == 'reg', str(answer))
    code(watcher.subscribe(lines=['Accept: text/plain, application/sdp']), 406)
    answer = code(watcher.subscribe(1), 423)
    check(answer.get('min-expires') == '2', str(answer))
    code(watcher.subscribe(lines=['Require: eventlist']), 420)
    code(watcher.subscribe(contact=False), 400)
    code(watcher.subscribe(lines=['Accept: text/plain, application/reginfo+xml;q=0.5']), 200)
    watcher.notify()
    answer = code(watcher.peer.transact(watcher.peer.request(
        'OPTIONS', f'sip:{host(watcher.peer.router)}')), 200)
    check(answer.get('allow-events') == 'reg', str(answer))


def c14_reg_refresh_and_end(world):
    watcher = Watcher(world, 'grace')
    watcher.start()
    answer = code(watcher.subscribe(300), 200)
    check(answer.get('expires') == '300', str(answer))
    again = watcher.notify('active;expires=')
    check(again.full and again.version == 1, 'the whole state again')
    watcher.cseq -= 4
    code(watcher.subscribe(300), 500)
    watcher.cseq += 4
    code(watcher.subscribe(0), 200)
    check(watcher.notify('terminated;reason=timeout').full, 'the last one has all')
    code(watcher.subscribe(300), 481)


def c14_reg_fetch(world):
    watcher = Watcher(world, 'heidi')
    code(watcher.subscribe(0), 200)
    check(watcher.notify('terminated;reason=timeout').state == 'init', 'what is there')
    check(watcher.peer.silent(), 'nothing more')


def c14_reg_it_ends_by_itself(world):
    watcher = Watcher(world, 'ivan')
    watcher.start(expires=2)
    watcher.notify('terminated;reason=timeout')
    code(watcher.subscribe(300), 481)


def c14_reg_another_dialog_481(world):
    watcher = Watcher(world, 'judy')
    watcher.start()
    for field in ('to', 'call_id'):
        other = Watcher(world, 'judy')
        other.to, other.call_id, other.contact = watcher.to, watcher.call_id, watcher.contact
        answer = code(other.subscribe(from_tag='other') if field == 'to' else
                      other.subscribe(event='reg;id=2'), 481 if field == 'call_id' else 404)
        check(not answer.get('expires'), str(answer))


def c14_reg_event_id(world):
    watcher = Watcher(world, 'kim')
    code(watcher.subscribe(event='reg;id=a1'), 200)
    request = watcher.raw()
    check(request.get('event') == 'reg;id=a1', str(request))
    watcher.notify()


def c14_reg_notify_is_sent_again(world):
    """17.1.2: the same bytes, until it is answered; the next one only then."""
    watcher, phone = Watcher(world, 'leo'), world.phone('leo')
    code(watcher.subscribe(), 200)
    copies = [watcher.raw() for _ in range(3)]
    check(len({m.data for m in copies}) == 1, 'copies')
    code(phone.register(), 200)
    watcher.notify()
    second = watcher.notify()
    check(second.version == 1, str(second.version))


def c14_reg_who_says_481_is_told_no_more(world):
    watcher = Watcher(world, 'mia')
    code(watcher.subscribe(), 200)
    watcher.peer.answer(watcher.raw(), 481, 'Gone')
    code(watcher.subscribe(), 481)


def c14_reg_who_asks_to_wait(world):
    watcher = Watcher(world, 'nina')
    code(watcher.subscribe(), 200)
    first = watcher.raw()
    watcher.peer.answer(first, 503, 'Later', lines=['Retry-After: 1 (soon)'])
    watcher.notify_cseq = first.cseq()[0]
    second = watcher.notify()
    check(second.full and second.version == 1, 'all of it again')


def c14_reg_too_many_of_one_user(world):
    watchers = [Watcher(world, 'omar') for _ in range(4)]
    for watcher in watchers[:3]:
        watcher.start()
    code(watchers[3].subscribe(), 403)
    code(watchers[0].subscribe(0), 200)
    watchers[0].notify('terminated')
    until(lambda: watchers[3].subscribe().code == 200, 'there is room again')


def c14_reg_through_a_proxy(world):
    """RFC 3261 12.1.1: the routes in their order, and back in the answer."""
    watcher = Watcher(world, 'pia')
    routes = ['<sip:p1.example;lr>', '<sip:p2.example;lr>, <sip:p3.example;lr>']
    answer = code(watcher.subscribe(lines=[f'Record-Route: {r}' for r in routes]), 200)
    check(answer.all('record-route') == routes, str(answer))
    request = watcher.raw()
    check(request.get('route') == ', '.join(routes), str(request))
    check(request.uri == f'sip:pia@{watcher.peer.hostport}', request.uri)
    watcher.notify()


def c14_reg_reload_and_users(world):
    """A reload keeps them; who is no user any more, or no watcher, is told so."""
    name = f'temp{world.family}'
    world.add_user(name)
    own, admin, phone = Watcher(world, name), Watcher(world, 'admin', 'quinn'), world.phone('quinn')
    own.start()
    admin.start()
    conf = world.daemon.path('callgate.conf')
    world.daemon.callgate('reload')
    code(phone.register(), 200)
    admin.notify().event(f'sip:quinn@{phone.hostport}', 'active', 'registered')
    world.daemon.callgate('users', 'del', f'{name}@office.example')
    check(own.notify('terminated;reason=rejected') is None, 'nothing else')
    with open(conf, encoding='utf-8') as file:
        text = file.read()
    with open(conf, 'w', encoding='utf-8') as file:
        file.write(text.replace('"admin"', '"rosa"'))
    world.daemon.callgate('reload')
    check(admin.notify('terminated;reason=rejected') is None, 'nothing else')


c14_reg_reload_and_users.alone = True


def c14_reg_after_a_restart_481(world):
    watcher = Watcher(world, 'rosa')
    watcher.start()
    world.daemon.kill()
    world.daemon.start()
    code(watcher.subscribe(), 481)
    watcher.to = watcher.contact = None
    code(watcher.subscribe(), 200)


c14_reg_after_a_restart_481.alone = True


def c14_reg_expiry_is_told(world):
    phone = world.phone(f'brief{world.family}')
    world.add_user(phone.user, domain='short.example')
    name = f'{phone.user}@short.example'
    watcher = Watcher(world, phone.user, peer=phone)
    watcher.uri = f'sip:{name}'
    code(watcher.subscribe(domain='short.example'), 200)
    watcher.notify()
    code(phone.authenticated('REGISTER', 'sip:short.example', to=f'sip:{name}',
                             domain='short.example',
                             lines=[f'Contact: <sip:s@{phone.hostport}>;expires=1']), 200)
    # both within the five seconds between two NOTIFYs: the last of it is told
    watcher.notify().event(f'sip:s@{phone.hostport}', 'terminated', 'expired')


def c14_other_packages_go_to_the_phone(world):
    phone, friend = world.phone('sam'), world.phone('alice')
    code(phone.register(), 200)
    data = friend.request('SUBSCRIBE', 'sip:sam@office.example', lines=['Event: presence'])
    challenge = code(friend.transact(data), 407)
    friend.credentials.take(challenges(challenge)[0])
    friend.send(friend.request('SUBSCRIBE', 'sip:sam@office.example', cseq=2, lines=[
        'Event: presence', friend.credentials.line('SUBSCRIBE', 'sip:sam@office.example')]))
    phone.answer(phone.expect_request('SUBSCRIBE'), 489, 'Bad Event')


def c14_reg_sipp_watches(world):
    """Another program: it judges the dialog and both documents."""
    phone = world.phone('tom')
    with program(world, {'watch.xml': SIPP}, 'sipp', f'{host(phone.router)}:5060', '-sf',
                 'watch.xml', '-i', host(phone.address), '-p', '5093', '-m', '1', '-nostdin',
                 '-auth_uri', 'tom@office.example', '-timeout', '30s', '-timeout_error') as (
                     process, log):
        until(lambda: subscriptions(world) == 1, 'sipp watches')
        code(phone.register(), 200)
        ended = process.wait(LIMIT * 4)
        with open(log, encoding='utf-8', errors='replace') as file:
            check(ended == 0, f'sipp ended with {ended}: {file.read()[:1500]}')


def subscriptions(world):
    """How many there are, by the control socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.settimeout(LIMIT)
        sock.connect(world.daemon.path('control.sock'))
        sock.send(b'{"do": "status"}\n')
        with sock.makefile() as file:
            return json.loads(file.readline())['result']['subscriptions']


# it reads one challenge
c14_reg_sipp_watches.config = 'algorithms-inside = { MD5 }\n' + CONFIG

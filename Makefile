# SPDX-License-Identifier: BSD-2-Clause
#
# The targets below are the manual: plain `make` prints them.
# The module itself is described in Kbuild; V=1 shows the commands.

VERSION := $(shell sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' dkms.conf)
PREFIX ?= /usr/local
DESTDIR ?=
# the kernel that the module is built for: by default the one running
KVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KVER)/build
# what modprobe does beside loading: the saved settings come back
MODPROBE = $(DESTDIR)$(PREFIX)/lib/modprobe.d/callgate.conf
MODDIR = $(DESTDIR)/lib/modules/$(KVER)/updates

# how callgated is started here: systemd, openrc, sysv, procd, or none
INIT ?= systemd
CONF = $(DESTDIR)/etc/callgate/callgate.conf
INIT_SCRIPT = $(DESTDIR)/etc/init.d/callgated
UNIT = $(DESTDIR)$(PREFIX)/lib/systemd/system/callgated.service
SYSUSERS = $(DESTDIR)$(PREFIX)/lib/sysusers.d/callgate.conf

CFLAGS ?= -O2 -g
CG_CFLAGS = -std=gnu11 -Wall -Wextra -Werror=implicit-function-declaration -Iuapi -Idaemon -Ikmod \
	-DCG_VERSION='"$(VERSION)"' $(shell pkg-config --cflags $(LIBS) $(DAEMON_LIBS))
LIBS = libnl-3.0 libnl-genl-3.0 jansson sqlite3 libcrypto libconfuse
DAEMON_LIBS = libevent_core libnftables

# One object for each file of daemon/ and kmod/sip/. The command is callgate.c and
# cmd*.c, the daemon is main.c; the rest is a library, of which both take what they use.
CMD_OBJS = $(patsubst %.c,build/%.o,daemon/callgate.c $(sort $(wildcard daemon/cmd*.c)))
MAIN_OBJS = build/daemon/main.o
LIB_OBJS = $(filter-out $(CMD_OBJS) $(MAIN_OBJS),\
	$(patsubst %.c,build/%.o,$(sort $(wildcard daemon/*.c kmod/sip/*.c))))
OBJS = $(CMD_OBJS) $(MAIN_OBJS) $(LIB_OBJS)
MANS = daemon/callgate.8
DAEMON_MANS = daemon/callgated.8 daemon/callgate.conf.5

ifeq ($(V),1)
say = @:
Q =
else
say = @printf '  %-7s %s\n'
Q = @
endif

help: ## this text
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 17

run: ## the demonstration: a router in a VM, real phones, calls with audio, a shell
	@tests/setup build vm demo
	@$(MAKE) --no-print-directory build/callgate build/callgated
	@tests/vm/run --kernel 6.1 -- tests/demo/run

test: ## every test, within 45 minutes; the last line is the sum
	@tests/all

check: ## the quick tests: no virtual machine, a minute or two
	@tests/all --quick

vm: ## a shell as root in a VM with the module (KERNEL=6.1, 6.12, 7, debug)
	@tests/setup build vm
	@$(MAKE) --no-print-directory build/callgate build/callgated
	@tests/vm/run --kernel $(or $(KERNEL),6.1) -- bash -i

debug: ## the scenarios on the kernel with KASAN, lockdep and kmemleak (ARGS="--only NAME")
	@tests/setup build vm
	@$(MAKE) --no-print-directory build/callgate build/callgated
	@tests/vm/run --kernel debug --time-travel -- tests/scenario/run $(ARGS)

soak: ## long counts: SOAK_CASES, SOAK_MINUTES, SOAK_EXECS (see tests/all)
	@tests/all --soak

fuzz: ## the fuzz targets on new input, FUZZ_RUNS runs each
	@tests/setup build fuzz
	@$(MAKE) --no-print-directory -f tests/host.mk fuzz

bench: ## instructions per packet, registrations beside Kamailio, calls to the gateway
	@tests/setup build vm bench
	@$(MAKE) --no-print-directory build/callgate build/callgated
	@tests/bench/run
	@tests/bench/registrar
	@tests/bench/restart
	@tests/bench/gateway

lint: ## the house rules: checkpatch, sparse, header arrows, sizes, licences
	@tests/setup build lint
	@tests/lint/run

install: root-or-destdir module install-command install-daemon ## module, command, daemon, man pages (KVER, PREFIX, DESTDIR, INIT)
	install -D -m 644 build/module-$(KVER)/callgate.ko $(MODDIR)/callgate.ko
	@test -n "$(DESTDIR)" || depmod $(KVER)

# $(call install-mans,FILES)
install-mans = $(foreach m,$(1),install -D -m 644 $(m) \
	$(DESTDIR)$(PREFIX)/share/man/man$(patsubst .%,%,$(suffix $(m)))/$(notdir $(m)) &&) :
# $(call install-filled,MODE,FROM,TO): with the place of the programs
install-filled = install -D -m $(1) $(2) $(3) && sed -i 's|@SBIN@|$(PREFIX)/sbin|g' $(3)

install-command: root-or-destdir build/callgate
	install -D -m 755 build/callgate $(DESTDIR)$(PREFIX)/sbin/callgate
	$(call install-filled,644,packaging/modprobe.conf,$(MODPROBE))
	$(call install-mans,$(MANS))

# a configuration that is there is the admin's
install-daemon: root-or-destdir build/callgated install-init-$(INIT)
	install -D -m 755 build/callgated $(DESTDIR)$(PREFIX)/sbin/callgated
	test -e $(CONF) || install -D -m 644 packaging/callgate.conf $(CONF)
	$(call install-mans,$(DAEMON_MANS))

install-init-systemd: root-or-destdir
	$(call install-filled,644,packaging/callgated.service,$(UNIT))
	install -D -m 644 packaging/callgate.sysusers $(SYSUSERS)
	@test -n "$(DESTDIR)" || ! command -v systemd-sysusers >/dev/null || systemd-sysusers
	@test -n "$(DESTDIR)" || ! test -d /run/systemd/system || systemctl daemon-reload

install-init-openrc install-init-procd: install-init-%: root-or-destdir
	$(call install-filled,755,packaging/callgated.$*,$(INIT_SCRIPT))

install-init-sysv: root-or-destdir
	$(call install-filled,755,packaging/callgated.init,$(INIT_SCRIPT))

install-init-none:

uninstall: root-or-destdir ## removes what install put there, but no configuration or data
	rm -f $(MODDIR)/callgate.ko $(DESTDIR)$(PREFIX)/sbin/callgate $(MODPROBE)
	rm -f $(DESTDIR)$(PREFIX)/sbin/callgated $(UNIT) $(SYSUSERS) $(INIT_SCRIPT)
	rm -f $(foreach m,$(MANS) $(DAEMON_MANS),$(DESTDIR)$(PREFIX)/share/man/man$(patsubst .%,%,$(suffix $(m)))/$(notdir $(m)))
	@test -n "$(DESTDIR)" || depmod $(KVER)

dkms: ## the packages callgate-dkms and callgate in build/deb
	@tests/setup build dkms
	@packaging/deb

clean: ## removes build/
	rm -rf build

root-or-destdir:
	@packaging/check-root "$(DESTDIR)"

# The module for install. The sources are copied, so that kernels do not meet in
# one folder and the checkout stays clean.
module:
	@packaging/check-kernel "$(KDIR)" "$(KVER)"
	@mkdir -p build/module-$(KVER)
	@cp -a --update Kbuild kmod uapi build/module-$(KVER)/
	$(Q)$(MAKE) --no-print-directory -C $(KDIR) M=$(CURDIR)/build/module-$(KVER) \
		CG_VERSION=$(VERSION) modules

build/callgate: $(CMD_OBJS) build/libcallgate.a
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -pthread -Wl,--as-needed $(shell pkg-config --libs $(LIBS))

build/callgated: $(MAIN_OBJS) build/libcallgate.a
	$(say) LD $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -pthread -Wl,--as-needed \
		$(shell pkg-config --libs $(LIBS) $(DAEMON_LIBS))

build/libcallgate.a: $(LIB_OBJS)
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $^

build/%.o: %.c dkms.conf
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(OBJS:.o=.d)

.PHONY: help run test check vm debug soak fuzz bench lint install uninstall dkms clean \
	module install-command install-daemon install-init-systemd install-init-openrc \
	install-init-procd install-init-sysv install-init-none root-or-destdir
.DEFAULT_GOAL := help

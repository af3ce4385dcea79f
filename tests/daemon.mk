# SPDX-License-Identifier: BSD-2-Clause
# The unit tests of the daemon, under ASan and UBSan: tests/daemon/test_PIECE.c for daemon/PIECE.c,
# each linked with what it needs of daemon/ and kmod/sip/. make -f tests/daemon.mk check-daemon;
# build/host/daemon/test_PIECE runs one of them, NAMES="store txn" some.

ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))..)
OUT := $(ROOT)/build/host/daemon
TESTS := $(ROOT)/tests/daemon
NAMES ?= $(patsubst $(TESTS)/test_%.c,%,$(sort $(wildcard $(TESTS)/test_*.c)))
CC ?= cc

LIBS := libnl-3.0 libnl-genl-3.0 jansson sqlite3 libcrypto libevent_core libconfuse libnftables
DAEMON_CFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Werror -fsanitize=address,undefined \
	-fno-sanitize-recover=undefined -fno-omit-frame-pointer -I$(ROOT)/uapi -I$(ROOT)/daemon \
	-I$(ROOT)/kmod -I$(ROOT)/kmod/sip -I$(ROOT)/tests/unit -DCG_VERSION='"test"' \
	$(shell pkg-config --cflags $(LIBS))

SRC := $(filter-out $(ROOT)/daemon/main.c $(ROOT)/daemon/callgate.c $(wildcard $(ROOT)/daemon/cmd*.c), \
	$(wildcard $(ROOT)/daemon/*.c $(ROOT)/kmod/sip/*.c))
OBJ := $(patsubst $(ROOT)/%.c,$(OUT)/%.o,$(SRC))
PROGRAMS := $(patsubst %,$(OUT)/test_%,$(NAMES))

ifeq ($(V),1)
Q :=
say := @:
else
Q := @
say := @printf '%-7s %s\n'
endif

.PHONY: check-daemon callgated
.SECONDARY:

# each program's last line is "# NAME: N passed, N failed, N skipped"
check-daemon: $(PROGRAMS)
	@status=0; for t in $(PROGRAMS); do \
		$$t >$$t.out 2>&1 || status=1; \
		grep -q '^# .* skipped$$' $$t.out || \
			echo "# $${t##*/}: 0 passed, 1 failed, 0 skipped" >>$$t.out; \
		grep -v '^# .*: [0-9]* passed, 0 failed, 0 skipped$$' $$t.out | head -60; \
	done; \
	cat /dev/null $(addsuffix .out,$(PROGRAMS)) | \
	awk '/^# .* passed, .* failed, .* skipped$$/ { p += $$3; f += $$5; s += $$7 } \
		END { printf "%d passed, %d failed, %d skipped\n", p, f, s }'; \
	exit $$status

# callgated itself with the sanitizers, for tests/daemon/run: CALLGATED=build/host/daemon/callgated
callgated: $(OUT)/callgated
$(OUT)/callgated: $(OUT)/daemon/main.o $(OUT)/libdaemon.a
	$(say) LD $(notdir $@)
	$(Q)$(CC) $(DAEMON_CFLAGS) -o $@ $^ -pthread $(shell pkg-config --libs $(LIBS))

$(OUT)/test_%: $(OUT)/tests/daemon/test_%.o $(OUT)/libdaemon.a
	$(say) LD $(notdir $@)
	$(Q)$(CC) $(DAEMON_CFLAGS) -o $@ $^ -pthread $(shell pkg-config --libs $(LIBS))

$(OUT)/libdaemon.a: $(OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^

$(OUT)/%.o: $(ROOT)/%.c
	$(say) CC $*.c
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(DAEMON_CFLAGS) -MMD -MP -c -o $@ $<

# the driver of tests/daemon/sequences, without sanitizers: it is for slow virtual machines
.PHONY: sequences
sequences: $(ROOT)/build/sequences
$(ROOT)/build/sequences: $(TESTS)/sequences.c $(TESTS)/stories.h $(TESTS)/places.h \
		$(ROOT)/tests/bench/gatelink.c $(ROOT)/tests/bench/gatelink.h
	$(Q)$(MAKE) -s -C $(ROOT) build/libcallgate.a
	$(say) LD $(notdir $@)
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -D_GNU_SOURCE -I$(ROOT)/uapi -I$(ROOT)/daemon \
		-I$(ROOT)/kmod -I$(ROOT)/kmod/sip -I$(ROOT)/tests/unit -o $@ $(filter %.c,$^) \
		$(ROOT)/build/libcallgate.a $(shell pkg-config --libs libcrypto)

# what the store costs, without sanitizers: build/bench-store FOLDER [BINDINGS ...]
.PHONY: bench-store
bench-store:
	$(Q)$(MAKE) -s -C $(ROOT) build/libcallgate.a
	$(Q)$(CC) -std=gnu11 -O2 -Wall -Wextra -I$(ROOT)/uapi -I$(ROOT)/daemon -I$(ROOT)/kmod \
		-o $(ROOT)/build/bench-store $(ROOT)/tests/bench/store.c \
		$(ROOT)/build/libcallgate.a -pthread $(shell pkg-config --libs $(LIBS))

-include $(OBJ:.o=.d) $(OUT)/daemon/main.d $(patsubst %,$(OUT)/tests/daemon/test_%.d,$(NAMES))

# SPDX-License-Identifier: BSD-2-Clause
# The tests that need neither a kernel nor root. Called by the top Makefile: make -f tests/host.mk TARGET
#
#   check-host    unit tests, vectors, torture messages, corpora, under ASan and UBSan, and
#                 the property test of the whole pipeline (PROPERTY_CASES)
#   property      the property test alone
#   fuzz          every fuzz target for FUZZ_RUNS (or FUZZ_EXECS) executions
#   bench-parser  P1: instructions per byte under callgrind
#
# TORTURE: folder with rfc4475/ and rfc5118/; what is not there is skipped, and said.

HOST_ROOT := $(abspath $(dir $(lastword $(MAKEFILE_LIST)))..)
BUILD ?= $(HOST_ROOT)/build
HOST_BUILD := $(BUILD)/host
TORTURE ?= $(HOST_ROOT)/../shared/data/torture
FUZZ_RUNS ?= $(or $(FUZZ_EXECS),1000000)
NAIVE_CASES ?= 200000
PROPERTY_CASES ?= 1000000
PROPERTY_SAN_CASES ?= 50000
PROPERTY_SEED ?= 20261122
CC ?= cc
CLANG ?= clang

SIP := $(HOST_ROOT)/kmod/sip
UNIT := $(HOST_ROOT)/tests/unit
FUZZ := $(HOST_ROOT)/tests/fuzz
VECTORS := $(HOST_ROOT)/tests/vectors
PIPE := $(HOST_ROOT)/tests/pipeline

SIP_SRC := $(sort $(wildcard $(SIP)/*.c))
SIP_HDR := $(wildcard $(SIP)/*.h $(UNIT)/*.h)
HOST_WARN := -std=gnu11 -Wall -Wextra -Werror
SIP_WARN := $(HOST_WARN) -Wconversion -Wframe-larger-than=512
SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
INC := -I$(SIP) -I$(UNIT)

UNIT_TESTS := $(patsubst $(UNIT)/test_%.c,test_%,$(wildcard $(UNIT)/test_*.c))
HOST_TESTS := $(UNIT_TESTS) vectors torture naive
FUZZ_TARGETS := message sdp edit relay
PIPE_TESTS := property property_san relayed index parties replay_pipeline

ifeq ($(V),1)
Q :=
say := @:
else
Q := @
say := @printf '%-7s %s\n'
endif

.PHONY: check-host property fuzz bench-parser fuzz-replay fuzz-pipeline \
	$(addprefix fuzz-,$(FUZZ_TARGETS))

# ---- objects: once with sanitizers, once as the kernel would build them ----

SAN_OBJ := $(patsubst $(SIP)/%.c,$(HOST_BUILD)/san/%.o,$(SIP_SRC))
OPT_OBJ := $(patsubst $(SIP)/%.c,$(HOST_BUILD)/opt/%.o,$(SIP_SRC))

$(HOST_BUILD)/san/%.o: $(SIP)/%.c $(SIP_HDR)
	$(say) CC $(notdir $@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -g -O1 $(HOST_WARN) -Wconversion $(SAN) $(INC) -c $< -o $@

$(HOST_BUILD)/opt/%.o: $(SIP)/%.c $(SIP_HDR)
	$(say) CC $(notdir $@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -g -O2 $(SIP_WARN) $(INC) -c $< -o $@

$(HOST_BUILD)/unit/%.o: $(UNIT)/%.c $(SIP_HDR)
	$(say) CC $(notdir $@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -g -O1 $(HOST_WARN) $(SAN) $(INC) -c $< -o $@

SHARED_OBJ := $(addprefix $(HOST_BUILD)/unit/,touch.o gen.o relayed.o)

$(addprefix $(HOST_BUILD)/,$(HOST_TESTS)): $(HOST_BUILD)/%: $(HOST_BUILD)/unit/%.o $(SHARED_OBJ) $(SAN_OBJ)
	$(say) LD $(notdir $@)
	$(Q)$(CC) $(SAN) $^ -o $@

$(addprefix $(HOST_BUILD)/replay_,$(FUZZ_TARGETS)): $(HOST_BUILD)/replay_%: $(FUZZ)/fuzz_%.c $(FUZZ)/replay.c $(SHARED_OBJ) $(SAN_OBJ)
	$(say) LD $(notdir $@)
	$(Q)$(CC) -g -O1 $(HOST_WARN) $(SAN) $(INC) $^ -o $@

$(addprefix $(HOST_BUILD)/fuzz_,$(FUZZ_TARGETS)): $(HOST_BUILD)/fuzz_%: $(FUZZ)/fuzz_%.c $(UNIT)/touch.c $(UNIT)/relayed.c $(SIP_SRC) $(SIP_HDR)
	$(say) FUZZ $(notdir $@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) -g -O1 -std=gnu11 -Wall -Wextra -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined $(INC) $(filter %.c,$^) -o $@

# ---- the module's own pipeline in user space (tests/pipeline/README.md) ----

# all of kmod but netlink and what shim/model.c stands for
KMOD := $(HOST_ROOT)/kmod
PIPE_KMOD := $(filter-out $(addprefix $(KMOD)/,claim.c rules.c mapped.c expect.c address.c \
	attach.c yield.c forward.c route.c location.c index.c owner.c parties.c hold.c bucket.c \
	send.c gate.c) \
	$(wildcard $(KMOD)/genl*.c), \
	$(sort $(wildcard $(KMOD)/*.c)))
PIPE_SHIM := $(sort $(wildcard $(PIPE)/shim/*.c))
PIPE_CASE := $(filter-out $(addprefix $(PIPE)/,fuzz_pipeline.c property.c relayed.c index.c parties.c),$(sort $(wildcard $(PIPE)/*.c)))
PIPE_SRC := $(PIPE_KMOD) $(SIP_SRC) $(PIPE_SHIM)
PIPE_HDR := $(KMOD)/index.c $(KMOD)/parties.c $(wildcard $(KMOD)/*.h $(SIP)/*.h $(HOST_ROOT)/uapi/*.h $(PIPE)/*.h $(PIPE)/shim/*.h) $(HOST_ROOT)/tests/unit/count.h
PIPE_OUT := $(HOST_BUILD)/pipeline
PIPE_INC := $(PIPE_OUT)/include
# the newest form of the helper interface: what tests/vm/module finds out by trial elsewhere
PIPE_FLAGS := -std=gnu11 -Wall -Wextra -Werror -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -D__KERNEL__ -DCG_VERSION='"test"' \
	-DCG_HAVE_HELPER_REGISTER_OUT -DCG_HAVE_HELPER_NO_PORT -I$(PIPE_INC) -I$(PIPE)/shim -I$(PIPE) -I$(KMOD)

# Every kernel header that the module names is the shim.
$(PIPE_INC)/made: $(PIPE_SRC) $(PIPE_HDR)
	$(Q)rm -rf $(PIPE_INC)
	$(Q)cat $^ | sed -n 's,^#include <\(\(linux\|net\|asm\)/.*\)>,\1,p' | sort -u | while read -r h; do \
		mkdir -p "$(PIPE_INC)/$$(dirname "$$h")" && echo '#include "shim.h"' >"$(PIPE_INC)/$$h"; done
	$(Q)touch $@

define pipe_objects
$(1)_OBJ := $$(patsubst $(HOST_ROOT)/%.c,$(PIPE_OUT)/$(1)/%.o,$(PIPE_SRC) $(PIPE_CASE))
$(PIPE_OUT)/$(1)/%.o: $(HOST_ROOT)/%.c $(PIPE_INC)/made
	$$(say) CC $(1)/$$(notdir $$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) -g $(2) $(PIPE_FLAGS) -c $$< -o $$@
endef
$(eval $(call pipe_objects,pipe_opt,-O2))
$(eval $(call pipe_objects,pipe_san,-O1 $(SAN)))

$(HOST_BUILD)/property: $(PIPE_OUT)/pipe_opt/tests/pipeline/property.o $(pipe_opt_OBJ)
	$(say) LD $(notdir $@)
	$(Q)$(CC) $^ -o $@

$(HOST_BUILD)/property_san: $(PIPE_OUT)/pipe_san/tests/pipeline/property.o $(pipe_san_OBJ)
	$(say) LD $(notdir $@)
	$(Q)$(CC) $(SAN) $^ -o $@

$(addprefix $(HOST_BUILD)/,relayed index parties): $(HOST_BUILD)/%: $(PIPE_OUT)/pipe_san/tests/pipeline/%.o $(pipe_san_OBJ)
	$(say) LD $(notdir $@)
	$(Q)$(CC) $(SAN) $^ -o $@

$(HOST_BUILD)/replay_pipeline: $(PIPE_OUT)/pipe_san/tests/pipeline/fuzz_pipeline.o $(FUZZ)/replay.c $(pipe_san_OBJ)
	$(say) LD $(notdir $@)
	$(Q)$(CC) -g -O1 $(HOST_WARN) $(SAN) $(INC) $^ -o $@

$(HOST_BUILD)/fuzz_pipeline: $(PIPE)/fuzz_pipeline.c $(PIPE)/tables.c $(PIPE_SRC) $(PIPE_INC)/made
	$(say) FUZZ $(notdir $@)
	$(Q)$(CLANG) -g -O1 $(PIPE_FLAGS) -fsanitize=fuzzer,address,undefined \
		-fno-sanitize-recover=undefined $(filter %.c,$^) -o $@

property: $(HOST_BUILD)/property
	@$< $(PROPERTY_CASES) $(PROPERTY_SEED) >$(HOST_BUILD)/property.log; status=$$?; \
	sed 's/^# //' $(HOST_BUILD)/property.log; exit $$status

# ---- check-host ----

RUN_naive := $(NAIVE_CASES)
RUN_torture := $(TORTURE)
RUN_vectors := $(VECTORS)
RUN_test_relay := $(VECTORS)/relay
MAX_LEN_pipeline := 16384

check-host: $(addprefix $(HOST_BUILD)/,$(HOST_TESTS) $(PIPE_TESTS)) $(addprefix $(HOST_BUILD)/replay_,$(FUZZ_TARGETS)) $(OPT_OBJ)
	@rm -f $(HOST_BUILD)/log; status=0; \
	run() { "$$@" >$(HOST_BUILD)/one 2>&1 || { status=1; \
		grep -q '^# .* failed' $(HOST_BUILD)/one || echo "# $$1: 0 passed, 1 failed, 0 skipped" >>$(HOST_BUILD)/one; }; \
		grep -v '^# .*: [0-9]* passed, 0 failed, 0 skipped$$' $(HOST_BUILD)/one | head -60; \
		cat $(HOST_BUILD)/one >>$(HOST_BUILD)/log; }; \
	$(foreach t,$(HOST_TESTS),run $(HOST_BUILD)/$(t) $(RUN_$(t));) \
	run $(HOST_BUILD)/replay_message replay_message $(FUZZ)/corpus/message $(VECTORS)/real $(TORTURE)/rfc4475 $(TORTURE)/rfc5118; \
	run $(HOST_BUILD)/replay_sdp replay_sdp $(FUZZ)/corpus/sdp; \
	run $(HOST_BUILD)/replay_edit replay_edit $(FUZZ)/corpus/edit; \
	run $(HOST_BUILD)/replay_relay replay_relay $(FUZZ)/corpus/relay $(FUZZ)/corpus/edit; \
	run $(HOST_BUILD)/replay_pipeline replay_pipeline $(FUZZ)/corpus/pipeline $(VECTORS)/real; \
	run $(HOST_BUILD)/relayed; \
	run $(HOST_BUILD)/index; \
	run $(HOST_BUILD)/parties; \
	run $(HOST_BUILD)/property_san $(PROPERTY_SAN_CASES) $(PROPERTY_SEED); \
	run $(HOST_BUILD)/property $(PROPERTY_CASES) $(PROPERTY_SEED); \
	awk '/^# .* passed, .* failed, .* skipped$$/ { p += $$3; f += $$5; s += $$7 } \
		END { printf "%d passed, %d failed, %d skipped\n", p, f, s }' $(HOST_BUILD)/log; \
	exit $$status

# ---- fuzz ----

fuzz: $(addprefix fuzz-,$(FUZZ_TARGETS) pipeline)

$(addprefix fuzz-,$(FUZZ_TARGETS) pipeline): fuzz-%: $(HOST_BUILD)/fuzz_%
	$(Q)mkdir -p $(HOST_BUILD)/found/$*
	cd $(HOST_BUILD) && ./fuzz_$* -runs=$(FUZZ_RUNS) -max_len=$(or $(MAX_LEN_$*),4096) -dict=$(FUZZ)/sip.dict -print_final_stats=1 \
		-artifact_prefix=$(HOST_BUILD)/found/$*- found/$* $(FUZZ)/corpus/$* \
		$(if $(filter message pipeline,$*),$(VECTORS)/real $(wildcard $(TORTURE)/rfc4475 $(TORTURE)/rfc5118)) \
		>fuzz_$*.log 2>&1 || { tail -40 fuzz_$*.log; exit 1; }
	@echo "fuzz_$*: $$(sed -n 's/^stat::number_of_executed_units: //p' $(HOST_BUILD)/fuzz_$*.log) executions"

# ---- bench-parser ----

$(HOST_BUILD)/bench_parser: $(UNIT)/bench_parser.c $(OPT_OBJ)
	$(say) LD $(notdir $@)
	$(Q)$(CC) -g -O2 $(HOST_WARN) $(INC) $^ -o $@

bench-parser: $(HOST_BUILD)/bench_parser
	$(Q)$(UNIT)/bench-parser $< $(VECTORS)/real $(TORTURE)

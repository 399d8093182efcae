# similarity: metric learning and nearest-neighbor search in PostgreSQL
#
#   make            build (make with_llvm=no skips the bitcode)
#   make install    into PostgreSQL's directories, as any PGXS extension
#   make demo       everything from nothing on Fashion-MNIST
#   make tour       a guided tour of it, to be read while it runs
#   make test       every test that takes minutes
#   make help       the rest

EXTENSION = similarity
EXTVERSION = 0.1.0
MODULE_big = similarity

PURE_ROOMS = base kernel graph nn eval projection media report
SERVER_ROOMS = server embedding hnsw model train gallery evaluate audit reembed show pages

PURE_SOURCES = $(sort $(wildcard $(PURE_ROOMS:%=src/%/*.c)))
SERVER_SOURCES = $(sort $(wildcard $(SERVER_ROOMS:%=src/%/*.c)))
PURE_OBJS = $(PURE_SOURCES:.c=.o)
SERVER_OBJS = $(SERVER_SOURCES:.c=.o)
OBJS = $(PURE_OBJS) $(SERVER_OBJS)

INSTALL_SQL = $(sort $(wildcard sql/install/*.sql))
ARCHITECTURES = $(sort $(wildcard model/*.json))
DATA_built = build/similarity--$(EXTVERSION).sql
DATA = $(wildcard sql/upgrade/*.sql)

REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
REGRESS_OPTS = --load-extension=similarity
ISOLATION = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --outputdir=build/isolation --load-extension=similarity

WARNINGS = -Wall -Wextra -Wno-psabi -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers
PURE_CFLAGS = -O3 -fno-math-errno -fno-trapping-math

PG_CPPFLAGS = -I$(srcdir)/src
PG_CFLAGS = -fvisibility=hidden $(WARNINGS) -Wno-cast-function-type
SHLIB_LINK = -ljpeg -lpng -lm -ldl -lpthread
EXTRA_CLEAN = build $(OBJS:.o=.d) $(WEB_ASSETS)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
PG_MAJOR := $(shell $(PG_CONFIG) --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p')
ifeq ($(PGXS),)
all install installcheck:
	@echo "pg_config was not found: install postgresql-server-dev-15 or later, or run make demo or make test, which do" >&2
	@exit 1
else ifneq ($(filter 9 10 11 12 13 14,$(PG_MAJOR)),)
all install installcheck:
	@echo "$(PG_CONFIG) is of PostgreSQL $(PG_MAJOR): 15 or later is needed; PG_CONFIG=... chooses another" >&2
	@exit 1
else
# Bitcode takes the clang and the LLVM that PostgreSQL was built with.  Where they
# are not installed there is none, and nothing but JIT inlining is lost.
pgxs_value = $(shell sed -n 's/^$(1)[[:space:]]*=[[:space:]]*//p' $(dir $(PGXS))../Makefile.global)
LLVM_TOOLS = $(or $(CLANG),$(call pgxs_value,CLANG)) $(call pgxs_value,LLVM_BINPATH)/llvm-lto
ifneq ($(words $(foreach tool,$(LLVM_TOOLS),$(shell command -v $(tool)))),2)
override with_llvm := no
endif
include $(PGXS)
endif

# What is expected has no lines that come with time.
installcheck: export PGOPTIONS := -c similarity.progress_interval=0 $(PGOPTIONS)

# PostgreSQL 15 exports every symbol unless told otherwise, and loads libraries
# with RTLD_GLOBAL: only SQL entry points may be visible.
override CPPFLAGS := -D'PGDLLEXPORT=__attribute__((visibility("default")))' $(CPPFLAGS)

# The wall: pure rooms see no header of PostgreSQL.
$(PURE_OBJS) $(PURE_OBJS:.o=.bc): override CPPFLAGS := -I$(srcdir)/src -D_GNU_SOURCE
$(PURE_OBJS): override CFLAGS += $(PURE_CFLAGS)

# PGXS tracks no headers as Debian builds it: the compiler writes down for each
# object what it read.  Bitcode is made anew when its object is.
$(OBJS): override CPPFLAGS += -MMD -MP
$(OBJS): Makefile
$(OBJS:.o=.bc): %.bc: %.o
-include $(OBJS:.o=.d)

# Style sheet and scripts of the pages as C strings, without lines of comment.
WEB_ASSETS = src/report/web_assets.inc
WEB_SOURCES = $(sort $(wildcard src/report/web/*))

$(WEB_ASSETS): $(WEB_SOURCES) src/report/web_to_c
	@src/report/web_to_c $(WEB_SOURCES) >$@.new && mv $@.new $@

$(foreach dir,src build/bench build/fuzz build/unit/float build/unit/double,$(dir)/report/web_assets.o): $(WEB_ASSETS)
src/report/web_assets.bc: $(WEB_ASSETS)

$(DATA_built): $(INSTALL_SQL) $(ARCHITECTURES) model/rows model/networks similarity.control
	@mkdir -p build
	@model/networks >$@.networks
	@{ printf '\\echo Use "CREATE EXTENSION similarity" to load this file. \\quit\n'; \
		cat $(INSTALL_SQL); model/rows $(ARCHITECTURES) <$@.networks; } >$@.new && mv $@.new $@

# ---- the extension vector, see sql/vector/README ----

VECTOR_DIR = $(DESTDIR)$(datadir)/extension
VECTOR_FILES = $(wildcard sql/vector/*.control sql/vector/*.sql)

.PHONY: install-vector uninstall-vector
install-vector:
	@file="$(VECTOR_DIR)/vector.control"; \
	if [ -e "$$file" ] && ! grep -q "libdir/similarity" "$$file"; then \
		echo "$$file is another extension's: remove that first, sql/vector/README says how" >&2; exit 1; \
	fi
	$(MKDIR_P) '$(VECTOR_DIR)'
	$(INSTALL_DATA) $(VECTOR_FILES) '$(VECTOR_DIR)/'

uninstall-vector:
	@! [ -e '$(VECTOR_DIR)/vector.control' ] || grep -q "libdir/similarity" '$(VECTOR_DIR)/vector.control' || \
		{ echo "$(VECTOR_DIR)/vector.control is another extension's" >&2; exit 1; }
	rm -f $(VECTOR_FILES:sql/vector/%='$(VECTOR_DIR)/%')

include test/test.mk

# The face of the build: make run, make test. Meson does the work, in build/.
.DEFAULT_GOAL := build
.PHONY: build run test quick bench archive fuzz sim crash check format install clean help packages

prefix ?= /usr/local
FUZZ_SECONDS ?= 600
SIM_SEEDS ?= 1000
ARCHIVE_ROWS ?= 10000000
CRASH_KILLS ?= 1000

help:
	@sed -n 's/^##\([a-z]*\) /make \1	/p' Makefile

##build build/kithd, build/kithctl and the other programs
build:
	@tools/install-packages build
	@tools/configure build
	@ninja -C build

##run a throwaway server on the standard ports, and how to log in
run: build
	@tools/run-try

##test everything that .ci/run does
test:
	@tools/install-packages build test
	@tools/test

##quick unit tests and corpora with gcc only, for the time between two edits
quick:
	@tools/install-packages build test
	@tools/test gcc

##bench figures, beside a peer and a bare relay in the same run
bench:
	@tools/install-packages build test bench
	@tools/configure build -Dtests=true
	@ninja -C build
	@bench/run

##archive ARCHIVE_ROWS of 10,000 accounts (10000000): stored, read in pages, their size
archive: build
	@bench/archive $(ARCHIVE_ROWS) 10000

##fuzz every harness in turn, FUZZ_SECONDS each
fuzz:
	@tools/install-packages build test
	@tools/fuzz $(FUZZ_SECONDS)

##sim every scenario in SIM_SEEDS orders of events (1000)
sim: build
	@tests/sim/run build/tests/sim/kith-sim --seeds $(SIM_SEEDS)

##crash kill the server CRASH_KILLS times under load (1000), and see what it kept
crash: build
	@tests/crash/crash --build build --kills $(CRASH_KILLS)
	@tests/crash/crash-chat --build build --kills $(CRASH_KILLS)

##check format, static checks, include graph, generated files
check:
	@tools/install-packages build test
	@tools/test checks tidy

##format rewrite the sources in the house format
format:
	@tools/check-format --fix

##install into prefix (/usr/local), below DESTDIR if set
install: build
	@meson configure build -Dprefix=$(prefix)
	@meson install -C build

##clean remove build/
clean:
	@rm -rf build

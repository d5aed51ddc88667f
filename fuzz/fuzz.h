/* What every harness includes: the entry point that libFuzzer and replay.c call. */
#ifndef KITH_FUZZ_H
#define KITH_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* One input; 0 means "seen". A finding is a crash, so a harness asserts what must hold. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Optional, once before the first input. */
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

#endif

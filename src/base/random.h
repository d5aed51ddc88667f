/* Randomness from the kernel; the only source in Kith. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include "base/slice.h"

/* Fills the memory; ends the process if the kernel refuses. Any thread. */
void random_bytes(void *out, size_t size);

/* Characters of a token made by random_token: 22 characters of 6 bits carry 132 bits. */
enum { TOKEN_CHARS = 22 };

/* Writes TOKEN_CHARS characters of A-Za-z0-9-_ and a NUL: 132 bits nobody can guess. */
void random_token(char out[TOKEN_CHARS + 1]);

#endif

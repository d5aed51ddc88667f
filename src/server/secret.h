/*
 * A secret of the server that outlives it: random bytes in a file that only its user may read.
 * What is derived from it stays the same over restarts, so that nothing shows who is unknown.
 */
#ifndef SERVER_SECRET_H
#define SERVER_SECRET_H

#include "server/config.h"

/*
 * Reads DIR/secret, or makes it. directory NULL: random bytes that are kept nowhere. 0, or a
 * negative error with cause and cure.
 */
int secret_load(const char *directory, void *out, size_t size, struct config_error *error);

#endif

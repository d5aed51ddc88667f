/*
 * Passwords as both sides of a sign-in must see them: the OpaqueString profile (RFC 8265, 4.2) of
 * PRECIS. Blanks of other scripts become a space and the text becomes NFC, so that two keyboards
 * give the same bytes; case is kept. Passwords that are pure ASCII come back as they are.
 */
#ifndef PROTO_PASSWORD_H
#define PROTO_PASSWORD_H

#include "base/arena.h"

/* Bytes of the longest password that we take, before and after preparation. */
enum { PASSWORD_MAX = 1023 };

/*
 * The prepared password in the arena. 0, or -EINVAL: empty, too long, not UTF-8, or with
 * characters that a password cannot have (controls, unassigned and invisible ones).
 */
int password_prepare(struct slice typed, struct arena *arena, struct slice *out);

#endif

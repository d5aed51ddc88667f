/* What a host tells its users by itself: a message from its domain. */
#ifndef SERVER_NOTICE_H
#define SERVER_NOTICE_H

#include "proto/codec.h"
#include "server/session.h"

/* The content of such a message. In the arena. */
struct slice notice_write(const char *subject, struct slice text, struct arena *arena);

/* A text as the lines of a form, and back. In the arena. */
struct slice notice_join(const struct slice_list *lines, struct arena *arena);
struct slice_list notice_split(struct slice text, struct arena *arena);

/* Sends it; type: a message's. False: the session did not take it and is about to end. */
bool notice_send(struct session *s, enum stanza_type type, struct slice content);

#endif

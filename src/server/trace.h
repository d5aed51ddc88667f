/*
 * What becomes of each stanza, told at the log level debug, for the question "where did my message
 * go?". Addresses, type and id are told, never the content.
 */
#ifndef SERVER_TRACE_H
#define SERVER_TRACE_H

#include "server/server_internal.h"

#define TRACE_NO_MORE ((struct log_field){ 0 })

/* what: a sentence; more: of whom or why, or TRACE_NO_MORE. */
void trace_write(struct log *log, const struct stanza *st, const char *what, struct log_field more);

/* Costs a comparison when nobody wants to know. */
static inline void
trace(const struct shard *shard, const struct stanza *st, const char *what, struct log_field more)
{
	if (log_wants(shard->server->log, LOG_DEBUG))
		trace_write(shard->server->log, st, what, more);
}

#endif

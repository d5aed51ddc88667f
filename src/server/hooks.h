/*
 * The pipeline's points as typed function pointers, and the verdicts that a VETO point returns.
 * A module names the points that it takes part in; the arrays that are called are built once at
 * start and read-only afterwards.
 */
#ifndef SERVER_HOOKS_H
#define SERVER_HOOKS_H

#include "proto/errors.h"

struct account;
struct buffer;
struct disco;
struct host;
struct inline_wish;
struct jid;
struct payload;
struct session;
struct shard;
struct sign_in;
struct stanza;
struct store_txn;
struct xml_token;

enum verdict_kind { VERDICT_PASS, VERDICT_DROP, VERDICT_HOLD, VERDICT_BOUNCE };

struct verdict {
	enum verdict_kind kind;
	enum stanza_condition condition; /* of a bounce */
	const struct payload *detail;    /* an application-specific error element, or NULL */
	const char *text;                /* NULL: the condition's own */
};

/* The stanza goes on. */
static inline struct verdict
pass(void)
{
	return (struct verdict){ .kind = VERDICT_PASS };
}

/* The stanza ends here and nobody hears of it. */
static inline struct verdict
drop(void)
{
	return (struct verdict){ .kind = VERDICT_DROP };
}

/* The module has a copy of the stanza, which goes on later or is not missed. */
static inline struct verdict
hold(void)
{
	return (struct verdict){ .kind = VERDICT_HOLD };
}

/* The stanza ends here and its sender gets the error, if the stanza may be answered at all. */
static inline struct verdict
bounce(enum stanza_condition condition, const struct payload *detail)
{
	return (struct verdict){ VERDICT_BOUNCE, condition, detail, NULL };
}

#define HOOK_TYPE_VETO struct verdict
#define HOOK_TYPE_OBSERVE void
#define HOOK_TYPE_COLLECT void

struct hooks {
#define HOOK(kind, point, params, names, about) HOOK_TYPE_##kind(*point) params;
#include "server/hooks.def"
#undef HOOK
};

enum hook_point {
#define HOOK(kind, point, params, names, about) HOOK_##point,
#include "server/hooks.def"
#undef HOOK
	HOOK_POINTS
};

#endif

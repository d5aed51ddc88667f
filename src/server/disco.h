/*
 * An answer to disco#info or disco#items (XEP-0030), that modules add to at the disco hooks. It
 * lives in the arena of the question.
 */
#ifndef SERVER_DISCO_H
#define SERVER_DISCO_H

#include "base/arena.h"
#include "proto/disco.h"
#include "proto/errors.h"

struct account;
struct disco;
struct host;
struct jid;

/* node: what was asked for; told again in the answer. */
struct disco *disco_create(struct arena *arena, struct slice node);

/* Each feature is told once, however often it is added. Texts must outlive the answer. */
void disco_feature(struct disco *answer, const char *feature);
/* name may be NULL. */
void disco_identity(struct disco *answer, const char *category, const char *type, const char *name);
void disco_item(struct disco *answer, struct slice jid, struct slice name);
/* An item that has a node. */
void disco_item_node(struct disco *answer, struct slice jid, struct slice node, struct slice name);

/*
 * XEP-0128: adds a field to the form of that FORM_TYPE, which begins with its first field. The
 * texts must outlive the answer.
 */
void disco_form_field(struct disco *answer, const char *form_type, const char *var,
	const char *const *values, size_t count);

/* At disco_host_node: the node is known, and told of; or it is not for who asks. */
void disco_take(struct disco *answer);
void disco_refuse(struct disco *answer, enum stanza_condition condition);

/* Whether someone took the node, and whether and how the question is to be refused then. */
bool disco_is_taken(
	const struct disco *answer, bool *is_refused_out, enum stanza_condition *refusal_out);

struct slice disco_node(const struct disco *answer);

/* Adds who it is and the features that modules declare, then what they add at the hooks. */
void disco_collect_host(struct disco *answer, struct host *host);
/* What modules tell that address of the node that was asked for. */
void disco_collect_node(struct disco *answer, struct host *host, const struct jid *from);
void disco_collect_account(struct disco *answer, struct account *acct);

/* The answer as data of disco_info_payload and disco_items_payload. */
const struct disco_info *disco_info(const struct disco *answer);
const struct disco_items *disco_items(const struct disco *answer);

#endif

/* Stream management between what is said on the stream (sm.c) and what is on disk (sm_store.c). */
#ifndef SERVER_SM_INTERNAL_H
#define SERVER_SM_INTERNAL_H

#include "base/list.h"
#include "base/random.h"
#include "server/sm.h"

/* A stanza as it was written, behind its number: the bytes that are stored. */
enum { SENT_NUMBER = 11 };

struct sent {
	struct list link;
	int64_t wall_ms;
	uint64_t row;    /* in the outbox; 0: it is in memory only */
	uint32_t number; /* not known while sm->is_torn and it was written after the crash */
	bool is_fresh;   /* that one */
	bool is_unread;  /* it was written while its client was away or inactive */
	uint32_t size;   /* of the stanza */
	char bytes[];    /* SENT_NUMBER of them, then the stanza */
};

struct sm {
	struct session *session; /* NULL: it is over */
	uint32_t received;       /* stanzas of the client */
	uint32_t told;           /* how many of them we said are handled */
	bool owes;               /* it asked, and was told of fewer than it had sent */
	struct list waiting;     // receipt.link, in the order of their numbers
	uint32_t sent, acked;    /* stanzas to the client */
	struct list unacked;     // sent.link
	size_t unacked_bytes;
	bool asks;                /* and has no answer yet */
	char id[TOKEN_CHARS + 1]; /* for who resumes it; empty: nobody can */
	uint32_t patience_ms;
	/* Of a session that can be resumed, so that it can be after a crash: */
	uint32_t stored;   /* stanzas of the client that are handled, as the disk knows */
	uint32_t storing;  /* and as it will, when is_storing */
	bool is_storing;   /* the counts are on their way */
	bool is_anchoring; /* all of it is on its way, with new numbers */
	bool is_late;      /* the client asked, and waits for that */
	bool is_torn;      /* it comes from a crash: how much was sent is not known */
	bool is_whole;     /* the disk says that it is not, which is true until it is resumed */
	bool is_suspended; /* the server stops: all of it goes to the disk */
	unsigned spent;    /* rows of the outbox that are not needed any more */
	struct list idle;  /* in shard.spending, while there are such */
};

struct stanza;

/* How many stanzas are handled, in memory; the number wraps at 2^32, and so does this. */
uint32_t sm_handled(const struct sm *sm);

/* Frees it when the session is over and nothing is under way. */
void sm_free_if_over(struct sm *sm);

/* The counts are on the disk, or could not be stored (false). */
void sm_counts_stored(struct sm *sm, bool are_stored);

/* ---- sm_store.c ---- */

/* A stanza was written and is to be found after a crash; it may be one of no message. */
void sm_store_sent(struct sm *sm, struct sent *sent, const struct stanza *st);

/* What is handled goes to the disk, if that does not know yet; sm_counts_stored follows. */
void sm_store_counts(struct sm *sm);

/* The client has the stanza, which had a row. */
void sm_spend(struct sm *sm, const struct sent *sent);

/* All of it, with the numbers that it has now. */
void sm_store_all(struct sm *sm);

/* The session has left: nothing of it is to be found any more, once what was unacknowledged is
 * where it belongs; each of those stanzas holds the receipt. */
struct receipt *sm_forget_stored(struct sm *sm, struct account *acct);

/* ---- sm.c ---- */

/* Of a session; sent: of a stanza, with room for its number. */
struct sm *sm_create(struct session *s);
struct sent *sent_create(struct slice xml, int64_t wall_ms);
void sm_append(struct sm *sm, struct sent *sent);
void sm_drop_sent(struct sm *sm, struct sent *sent);

static inline struct sent *
sm_first_sent(struct sm *sm)
{
	return container_of(sm->unacked.next, struct sent, link);
}

/* A message says when it was written first, unless it says so already (XEP-0203). sm_end.c. */
void sm_write_again(struct buffer *out, const struct sent *sent, struct slice domain);

#endif

/*
 * XEP-0198: Stream Management of a session: both sides count stanzas and tell each other how many
 * they have handled. What the client has not acknowledged is kept, and goes to others when the
 * session ends. What we acknowledge is on disk, if that is where it belongs
 * (docs/design/acknowledgements.md).
 */
#ifndef SERVER_SM_H
#define SERVER_SM_H

#include "base/buffer.h"
#include "proto/stanza.h"

struct account;
struct receipt;
struct session;
struct sm;
struct store_row;

#define NS_SM "urn:xmpp:sm:3"

/* XEP-0198, 6. */
#define SM_TOO_HIGH "You acknowledged more than was sent to you"
enum { SM_DETAIL = 160 };

/*
 * An element of this namespace came from a session that is bound. False: the session has ended,
 * because it broke the rules.
 */
bool sm_take(struct session *s, const struct xml_token *element);

/*
 * <enable/> came, with these attributes: the session counts from now on. Writes the answer, which
 * is <failed/> if it does so already.
 */
void sm_enable(struct session *s, struct slice resume, struct slice max, struct buffer *out);

/* <failed/> with that condition; handled: how many stanzas of a past session were, or NULL. */
void sm_write_failed(struct buffer *out, const char *condition, const uint32_t *handled);

/*
 * A stanza came in from the session. The receipt that goes with it on its way, or NULL: it need
 * not wait for anything, or nobody counts. sm_taken follows when the session is done with it, even
 * if that is over.
 */
struct receipt *sm_count(struct session *s, const struct stanza *st);
void sm_taken(struct receipt *receipt);

/* The stanza was written to the session, as these bytes. */
void sm_sent(struct sm *sm, const struct stanza *st, struct slice xml);

/* Whether the session outlives its connection, and for how long; false for NULL. */
bool sm_is_resumable(const struct sm *sm);
uint32_t sm_patience_ms(const struct sm *sm);

/* Whether it can be resumed by this id; false for NULL. */
bool sm_is_named(const struct sm *sm, struct slice id);

/* Whether everything that came in is handled, and the disk knows what must be said of it. */
bool sm_is_settled(const struct sm *sm);

/* Its connection is gone: how much is handled goes to the disk. */
void sm_go_away(struct sm *sm);

/* The server stops: all of it goes to the disk, so that nobody notices. */
void sm_suspend(struct sm *sm);

/* Whether the client can have so many stanzas; the element for the error if it cannot. */
bool sm_has_sent(const struct sm *sm, uint32_t handled);
void sm_write_too_high(const struct sm *sm, uint32_t handled, char detail[SM_DETAIL]);

/* Its client wants it back, and has that many stanzas: makes it settled. */
void sm_prepare_return(struct sm *sm, uint32_t number);

/* <resumed/>: it is settled, and has a connection again. */
void sm_write_resumed(struct session *s, struct buffer *out);
/* Its client has that number of stanzas: sends what is missing once more. */
void sm_resume(struct session *s, uint32_t number);

/* <failed/>, with how many stanzas of a past session were handled if that is known still. */
void sm_write_failed_to_resume(struct buffer *out, const struct account *acct, struct slice id);

/*
 * The connection of the session is gone while its client was active: messages that it had not
 * acknowledged are read by nobody, unless others of the account are there (hook unread).
 */
void sm_tell_unread(struct session *s);

/* Bytes of stanzas that the client has not acknowledged; 0 for NULL. */
size_t sm_unacknowledged(const struct sm *sm);

/*
 * The session has left its account: what its client did not acknowledge goes the way that it would
 * have gone without this session. *ended may be NULL, and becomes so.
 */
void sm_end(struct sm **ended, struct account *acct);

/* The server ends, and the session with it, but not for its client. */
void sm_destroy(struct sm **destroyed);

/* ---- After the server began anew (sm_store.c) ---- */

/* A session comes back under that id. NULL: that is none. Then its counts, if there are any; what
 * its client had not acknowledged, in order; and that this was all: whether it is as it was. */
struct sm *sm_revive(struct session *s, struct slice id, uint32_t patience_ms);
void sm_revive_counts(struct sm *sm, struct slice text);
void sm_revive_sent(struct sm *sm, const struct store_row *row);
bool sm_revived(struct sm *sm);

/* A stored session is not there any more: neither it nor its counts are to be found again. */
void sm_forget_id(struct account *acct, struct slice id);

/* Its outbox goes when nobody holds the receipt any more; what of it is sent again does. */
struct receipt *sm_part(struct account *acct, struct slice id);
void sm_send_again(struct account *acct, const struct store_row *row, struct receipt *receipt);

/* Its client resumes it and says how many stanzas it has, which is not known after a crash. */
void sm_anchor(struct sm *sm, uint32_t handled);

/* The id by which it is stored; empty: it is not. */
struct slice sm_id(const struct sm *sm);

#endif

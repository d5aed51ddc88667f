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

#define NS_SM "urn:xmpp:sm:3"

/*
 * An element of this namespace came from a session that is bound. False: the session has ended,
 * because it broke the rules.
 */
bool sm_take(struct session *s, const struct xml_token *element);

/* The answer to one that came before binding. */
void sm_answer_early(struct buffer *out, const struct xml_token *element, bool is_authenticated);

/*
 * A stanza came in from the session. The receipt that goes with it on its way, or NULL: it need
 * not wait for anything, or nobody counts. sm_taken follows when the session is done with it, even
 * if that is over.
 */
struct receipt *sm_count(struct session *s, const struct stanza *st);
void sm_taken(struct receipt *receipt);

/* The bytes of a stanza were written to the session. */
void sm_sent(struct sm *sm, struct slice xml);

/* Bytes of stanzas that the client has not acknowledged; 0 for NULL. */
size_t sm_unacknowledged(const struct sm *sm);

/*
 * The session has left its account: what its client did not acknowledge goes the way that it would
 * have gone without this session. *ended may be NULL, and becomes so.
 */
void sm_end(struct sm **ended, struct account *acct);

#endif

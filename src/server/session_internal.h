/* The session as the core sees it: what a signed-in connection holds while it is idle. */
#ifndef SERVER_SESSION_INTERNAL_H
#define SERVER_SESSION_INTERNAL_H

#include "base/list.h"
#include "io/conn.h"
#include "io/timer.h"
#include "server/session.h"
#include "xml/scanner.h"

#include <stdalign.h>

struct holder;
struct holding;
struct kept_presence;
struct login;
struct shard;
struct sm;
struct verdict;

struct session {
	struct list link; /* in account.sessions */
	struct list all;  /* in shard.sessions */
	struct account *account;
	struct conn *conn; /* NULL: its client lost it and may come back, see session_away.h */
	struct login
		*returning; /* the sign-in of its client, while that waits to resume; or NULL */
	struct scanner scanner;
	struct jid jid;              /* the text is the session's own */
	struct timer timer;          /* idle, then the wait for an answer */
	uint64_t bound_ms, heard_ms; /* when it began, when the client last sent something */
	int64_t bound_wall_ms;       /* the former as people see it */
	uint64_t record_hash;        /* of what is stored, see session_record.h; 0: nothing */
	char *agent; /* which of its installations the client is (XEP-0388, 2.3); NULL: not told */
	struct slice lang;              /* of what says none itself; own memory, p NULL: not told */
	struct kept_presence *presence; /* the last available one; NULL: none */
	struct jid *directed;           /* who got directed presence; own memory */
	uint16_t directed_count;
	struct sm *sm; /* XEP-0198; NULL: not enabled */
	int8_t priority;
	bool is_available;
	bool wants_roster;   /* asked for the roster: gets pushes (RFC 6121, 2.1.6) */
	bool wants_versions; /* with the roster's version (2.6.3) */
	bool is_inactive;    /* its client says that nobody looks at it (XEP-0352) */
	bool pinged;         /* asked whether it is there */
	bool ended;
	uint64_t again_until_ms;            /* until then it may send what it sent before a crash */
	bool is_unsure;                     /* it was there when the server was killed */
	bool is_revived;                    /* it was there before the server was, and is away */
	bool is_overfull;                   /* takes nothing any more and ends at once */
	bool waits_for_itself;              /* its own output is full, so it is not read from */
	bool waits_for_others;              /* the store has too much to write */
	struct holder *holders;             /* the full sessions that hold it back */
	struct holding *holding;            /* whom it holds back, being full; NULL: nobody */
	alignas(max_align_t) char states[]; /* the modules' */
};

/*
 * Takes a connection over from its login: the resource is bound and the client has been told.
 * The session is in its account from now on.
 */
struct session *session_create(struct account *acct, struct slice resource, struct conn *conn,
	const struct scanner *scanner);

/* The same without a client, which is away; see session_revive. */
struct session *session_create_away(struct account *acct, struct slice resource);

/* The server ends, and what it has in memory. The account must not be used any more. */
void session_destroy(struct session *s);

/* The connection, on which a stream is open, is the session's from now on. */
void session_attach(struct session *s, struct conn *conn, const struct scanner *scanner);

/* From now on, with a connection: its client is not to be silent for too long. session_watch.c. */
void session_watch(struct session *s);

/* Its client is not there any more: the session ends, or waits for it if it can be resumed. */
void session_lose(struct session *s, enum stream_condition condition);

/* Ends the session: its presence ends, it leaves its account, the stream closes with the error. */
void session_end(struct session *s, enum stream_condition condition, const char *text);

/* The same with an element that says more (RFC 6120, 4.9.4). */
void session_end_with(
	struct session *s, enum stream_condition condition, const char *text, struct slice detail);

/* Output was taken by the client: lets go whom the session held back, if that is enough. */
void session_relieve(struct session *s);

/* The server stops: the client is told, or sent to another host. One that can be resumed stays, so
 * that it is stored until the end. */
void session_dismiss(struct session *s);

/* The account's session of that resource; NULL for none and for an empty resource. */
struct session *account_session(const struct account *acct, struct slice resource);

/* Reads on after the account was paused. */
void session_continue(struct session *s);

/* Tells the session that what it sent was stopped on its own side, if the verdict says so. */
void session_refuse(struct session *s, const struct stanza *st, const struct verdict *verdict);

/* RFC 6120 8.1.5: the language of what the client sends and does not say itself; copied. */
void session_speak(struct session *s, struct slice lang);

/* Keeps a copy of what the presence says; NULL: forgets it. */
void session_keep_presence(struct session *s, const struct stanza *st);
/* The session's presence as it sent it last, or empty; texts are the session's. */
struct stanza session_presence(const struct session *s);

void session_remember_directed(struct session *s, const struct jid *to);
void session_drop_directed(struct session *s, const struct jid *to);
void session_forget_directed(struct session *s);

#endif

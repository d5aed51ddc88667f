/* The connection, as the files of this folder see it. */
#ifndef IO_CONN_INTERNAL_H
#define IO_CONN_INTERNAL_H

#include "io/conn.h"
#include "io/loop_internal.h"

struct tls;

struct conn {
	struct watch watch; /* first, so that an event leads to its connection */
	struct loop *loop;  /* NULL while it moves */
	const struct conn_handler *handler;
	void *owner;
	struct list dirty;  /* in loop.dirty, or loop.dead */
	struct list fed;    /* in loop.fed */
	struct buffer in;   /* input that the owner left; empty at rest */
	struct buffer out;  /* output; empty at rest */
	struct tls *tls;    /* NULL: plain */
	struct timer timer; /* of closing */
	struct peer peer;
	uint32_t full;     /* the mark for output */
	uint32_t counted;  /* of what waits to be sent, in its loop's statistics */
	bool armed_output; /* waits for room in the socket */
	bool paused;       /* the owner does not want input */
	bool was_full;     /* the owner hears when that ends */
	bool connecting;
	bool expects_proxy; /* a PROXY header comes first */
	bool closing;       /* ends when its output is sent */
	bool waits;         /* and then for the other side to close, too */
	bool has_said_bye;  /* it does that now: what comes is for nobody */
	bool is_dead;       /* freed at the end of the turn */
	bool in_input;      /* its handler is at work */
	bool again;         /* the handler asked for what it leaves */
};

struct conn *conn_create(struct loop *loop, int fd);

/*
 * On its loop: 0, or -1 and errno (and conn_abort or conn_end is due); off it; and waiting for
 * what is wanted now.
 */
int conn_join(struct conn *conn);
void conn_leave(struct conn *conn);
void conn_arm(struct conn *conn);

/* So many bytes wait to be sent now: for the loop's statistics. */
void conn_count_queue(struct conn *conn, size_t bytes);

/* The parts of a loop's turn. */
void conn_feed_again(struct loop *loop);
void conn_flush_all(struct loop *loop);
void conn_free_dead(struct loop *loop);

/* The back end has input, room for output, or the end. */
void conn_ready(struct conn *conn, bool input, bool output);

void conn_mark_dirty(struct conn *conn);

/* Nobody hears of it any more, and it is freed at the end of the turn. */
void conn_bury(struct conn *conn);
/* Of one that closes: all was sent. */
void conn_say_bye(struct conn *conn);
/* The connection failed or ended; the owner is told. */
void conn_end(struct conn *conn, int why);
/* Gives bytes to the owner together with what was left. */
void conn_give(struct conn *conn, struct slice bytes);

/* An output block, with room for BLOCK_BYTES, from those the loop keeps. */
void conn_take_block(struct loop *loop, struct buffer *b);
void conn_release_block(struct loop *loop, struct buffer *b);

/* Sends as much as the socket takes. The bytes sent, or -errno (-EAGAIN: none now). */
ssize_t conn_send_raw(struct conn *conn, const char *bytes, size_t size);

/* tls.c: the same two for TLS; and the handshake and the end. */
void tls_take(struct conn *conn, struct slice cipher);
void tls_flush(struct conn *conn);
bool tls_is_secured(const struct tls *tls); /* the handshake is over */
bool tls_is_early(const struct tls *tls);   /* or it is not, and early data came */
void tls_watch_early(struct conn *conn);    /* which is not for long; on its loop */
bool tls_is_idle(const struct tls *tls);    /* nothing is to be sent by itself */
size_t tls_waiting(const struct tls *tls);  /* ciphertext that is to be sent */
void tls_bye(struct conn *conn);
void tls_free(struct conn *conn);

#endif

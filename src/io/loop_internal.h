/* The loop and its back ends, as the files of this folder see them. */
#ifndef IO_LOOP_INTERNAL_H
#define IO_LOOP_INTERNAL_H

#include "io/loop.h"
#include "io/timer.h"

#include <stdatomic.h>
#include <sys/types.h>

struct conn;
struct sim;

enum {
	WHEEL_SLOTS = 512,
	WHEEL_STEP_MS = 16,
	SHARED_BYTES = 64 * 1024, /* of each of the loop's two read buffers */
	BLOCK_BYTES = 4096,       /* of an output block */
	BLOCKS_KEPT = 64,
};

/* A descriptor that the loop waits for. */
struct watch {
	int fd;
	void (*ready)(struct watch *watch, uint32_t events);
};

/* How bytes move: by system calls, or in memory. Returns as recv and send do, with errno. */
struct backend {
	ssize_t (*receive)(struct conn *conn, void *out, size_t size);
	ssize_t (*send)(struct conn *conn, const void *bytes, size_t size);
	/* What the connection waits for. */
	void (*arm)(struct conn *conn, bool input, bool output);
	/* On the loop, off the loop, gone. */
	int (*attach)(struct conn *conn);
	void (*detach)(struct conn *conn);
	void (*close)(struct conn *conn);
	/* Wakes a sleeping loop. Any thread. */
	void (*wake)(struct loop *loop);
};

struct loop {
	const struct backend *backend;
	struct sim *sim; /* NULL: epoll */
	int epoll_fd, wake_fd;
	struct watch wake_watch;
	uint64_t now_ms, swept_ms;      /* timers are fired up to swept_ms */
	_Atomic(struct task *) mailbox; /* newest first */
	_Atomic(bool) sleeping, stopping;
	struct list wheel[WHEEL_SLOTS]; // timer.link
	struct list dirty;              // conn.dirty: has output to send
	struct list fed;                // conn.fed: has input to look at again
	struct list dead;               // conn.dirty: to be freed at the end of the turn
	char *plain_in, *cipher_in;     /* shared by all connections */
	char *blocks[BLOCKS_KEPT];      /* empty output blocks */
	unsigned block_count;
	struct loop_stats stats;
};

extern const struct backend epoll_backend;

void loop_init(struct loop *loop, const struct backend *backend);
void loop_finish(struct loop *loop);

int loop_watch(struct loop *loop, struct watch *watch, uint32_t events);
void loop_unwatch(struct loop *loop, struct watch *watch);

/* The parts of a turn, for the back ends. */
void loop_work(struct loop *loop);
bool loop_has_work(const struct loop *loop);
/* Milliseconds until the next timer may be due; UINT64_MAX: none runs. */
uint64_t loop_next_timer_ms(const struct loop *loop);

#endif

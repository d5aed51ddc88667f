/* The loop and its back ends, as the files of this folder see them. */
#ifndef IO_LOOP_INTERNAL_H
#define IO_LOOP_INTERNAL_H

#include "io/loop.h"
#include "io/timer.h"

#include <stdatomic.h>
#include <sys/socket.h>

struct sim;

enum {
	WHEEL_SLOTS = 512,
	WHEEL_STEP_MS = 16,
	SHARED_BYTES = 64 * 1024, /* of each of the loop's two read buffers */
	/* Of an output block: small, for one stanza to each of a thousand is what fills caches. */
	BLOCK_BYTES = 512,
	BLOCKS_KEPT = 1024,
};

/* An output block that nobody uses; its first bytes. */
struct block {
	struct block *next;
};

/* A descriptor that the loop waits for. */
struct watch {
	int fd;
	void (*ready)(struct watch *watch, uint32_t events);
};

/*
 * What a loop asks of the kernel, so that a simulation can answer in its place. Sockets are
 * numbers. The calls return what the system calls do, -1 and errno when they fail.
 */
struct backend {
	/* One turn: waits at most that long, lets the watches that are ready work, loop_work. */
	void (*turn)(struct loop *loop, unsigned most_ms);
	/* Wakes a sleeping loop. Any thread. */
	void (*wake)(struct loop *loop);
	int64_t (*wall_ms)(const struct loop *loop);
	void (*finish)(struct loop *loop);

	int (*watch)(struct loop *loop, struct watch *watch, uint32_t events);
	void (*rewatch)(struct loop *loop, struct watch *watch, uint32_t events);
	void (*unwatch)(struct loop *loop, struct watch *watch);

	int (*listen)(struct loop *loop, const struct sockaddr *address, socklen_t size);
	uint16_t (*port)(struct loop *loop, int fd);
	int (*accept)(struct loop *loop, int fd, struct sockaddr *from, socklen_t *size);
	int (*connect)(struct loop *loop, const struct sockaddr *to, socklen_t size);
	ssize_t (*receive)(struct loop *loop, int fd, void *out, size_t size, bool peek);
	ssize_t (*send)(struct loop *loop, int fd, const void *bytes, size_t size);
	void (*close)(struct loop *loop, int fd);
	/* Ends the output only; NULL: cannot. */
	void (*end_output)(struct loop *loop, int fd);
	/* The connection fails when nothing is acknowledged for so long. */
	void (*set_dead_after)(struct loop *loop, int fd, unsigned ms);
	/* The highest number that a client's socket may have. */
	int (*highest_fd)(void);
};

struct loop {
	const struct backend *backend;
	struct sim *sim;      /* NULL: epoll */
	struct list sim_link; /* in sim.loops */
	bool timers_due;      /* the simulation's clock passed one */
	int epoll_fd, wake_fd;
	struct watch wake_watch;
	uint64_t now_ms, swept_ms;      /* timers are fired up to swept_ms */
	uint64_t look_ms;               /* no timer is due before; 0: not known */
	_Atomic(struct task *) mailbox; /* newest first */
	_Atomic(bool) sleeping, stopping;
	struct list wheel[WHEEL_SLOTS]; // timer.link
	struct list dirty;              // conn.dirty: has output to send
	struct list fed;                // conn.fed: has input to look at again
	struct list dead;               // conn.dirty: to be freed at the end of the turn
	char *plain_in, *cipher_in;     /* shared by all connections */
	struct block *blocks;           /* empty output blocks, the last used first */
	unsigned block_count;
	struct loop_stats stats;
};

void loop_init(struct loop *loop, const struct backend *backend);
void loop_finish(struct loop *loop);

/* The parts of a turn, for the back ends. */
void loop_work(struct loop *loop);
bool loop_has_work(const struct loop *loop);
/* Milliseconds until the next timer may be due; UINT64_MAX: none runs. */
uint64_t loop_next_timer_ms(struct loop *loop);

#endif

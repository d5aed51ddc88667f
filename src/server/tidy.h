/*
 * Memory goes back to the machine after a storm: what a thousand handshakes needed is free soon
 * after, but the allocator keeps it until it is asked.
 */
#ifndef SERVER_TIDY_H
#define SERVER_TIDY_H

struct shard;

/* Looks at the shard every few seconds, on its thread; before it runs. */
void tidy_start(struct shard *shard);
void tidy_stop(struct shard *shard);

#endif

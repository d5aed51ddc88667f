/*
 * Numbers for monitoring: GET /metrics by HTTP/1.1 on an address of the option metrics.listen. It
 * lives on shard 0 and is apart from whatever else speaks HTTP, so that it stays small: one request
 * for each connection, no keep-alive, no content, no credentials. Because it has none, it listens
 * on loopback or a Unix socket only, and not at all by default: on a machine with several users
 * all of them could read what it tells.
 */
#ifndef SERVER_SCRAPE_H
#define SERVER_SCRAPE_H

#include "server/config.h"

struct metrics_config;
struct scrape;
struct server;

/* Whether the options name an address that may be listened on. 0, or -EINVAL. */
int scrape_check(const struct metrics_config *conf, struct config_error *error);

/* Listens, if the configuration says so. 0, or a negative error. Before the shards run. */
int scrape_start(struct server *server, struct config_error *error);

/* Closes the socket and its connections; on shard 0's thread. */
void scrape_stop(struct server *server);

/* When nothing is under way any more. */
void scrape_destroy(struct scrape **scrape);

#endif

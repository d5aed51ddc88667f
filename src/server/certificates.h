/* The alarm for certificates that end: clients refuse them from one moment to the next. */
#ifndef SERVER_CERTIFICATES_H
#define SERVER_CERTIFICATES_H

struct config;
struct server;
struct tls_context;

/*
 * A warning in the log for each domain whose certificate is not valid now, or will not be for
 * long: 14 days, or half its life if that is shorter. tls may be NULL.
 */
void certificates_warn(
	struct server *server, const struct config *config, const struct tls_context *tls);

/* Warns once a day from now on; on shard 0, before it runs. */
void certificates_watch(struct server *server);
void certificates_unwatch(struct server *server);

#endif

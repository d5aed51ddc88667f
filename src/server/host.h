/* A host is a domain that this server serves; made at start, the same for all shards. */
#ifndef SERVER_HOST_H
#define SERVER_HOST_H

#include "proto/jid.h"

struct server;
struct host;

/* The domain, normalised. */
struct slice host_domain(const struct host *host);
struct server *host_server(const struct host *host);

/* Whether the domain, normalised, is served beside this one, or is this one. */
bool host_has_neighbour(const struct host *host, struct slice domain);

/* XEP-0115: the verification string (SHA-1) of what the host says of itself. */
struct slice host_caps_ver(const struct host *host);

/* "Kith", and its version as "0.1.0". */
const char *server_name(void);
const char *server_version(void);

#endif

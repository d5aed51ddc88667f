/* XEP-0494: the clients that have access to an account. */
#ifndef PROTO_CAM_H
#define PROTO_CAM_H

#include "proto/codec.h"

#define NS_CAM "urn:xmpp:cam:0"

extern const struct payload cam_list_payload; /* the question; empty */

/* p NULL: not known. */
struct cam_client {
	struct slice connected; /* "true", "false" */
	struct slice id, type, first_seen, last_seen;
	struct cam_auth_list {
		struct cam_auth {
			bool password, fast;
		} * v;
		size_t count;
	} auth;
	struct cam_permission_list {
		struct cam_permission {
			struct slice status;
		} * v;
		size_t count;
	} permission;
	struct cam_agent_list {
		struct cam_agent {
			struct slice software, device;
		} * v;
		size_t count;
	} agent;
};
struct cam_clients {
	struct cam_client_list {
		struct cam_client *v;
		size_t count;
	} clients;
};
extern const struct payload cam_clients_payload;

struct cam_revoke {
	struct slice id;
};
extern const struct payload cam_revoke_payload;

/* In the error of a client that knows the password; empty. */
extern const struct payload cam_reset_payload;

/* A row that is kept of a client. Texts are somebody else's; p NULL: not known. */
struct cam_row {
	struct slice id, software, device;
	int64_t first_ms, seen_ms;
	bool by_password;
};

/* False: that is none. */
bool cam_row_read(struct slice text, struct cam_row *out);
struct slice cam_row_write(const struct cam_row *row, struct arena *arena);

/* What is said of it, in the arena. What users may do, so may each of their clients. */
struct cam_client cam_describe(const struct cam_row *row, int64_t now_ms, bool is_connected,
	bool has_tokens, struct arena *arena);

#endif

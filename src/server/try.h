/*
 * kithd --try: a throwaway server that needs no file. It makes a certificate, keeps its data in
 * a directory of its own, and prints one line of JSON when it is ready.
 */
#ifndef SERVER_TRY_H
#define SERVER_TRY_H

#include "server/config.h"

struct try_options {
	const char **domains; /* none: localhost */
	size_t domain_count;
	const char *directory; /* NULL: a temporary one, removed at the end */
	unsigned port_base;    /* 0: free ports */
	const char **users;    /* "name:password" */
	size_t user_count;
};

struct try_state {
	char directory[256];
	bool is_temporary;
	bool made_certificate;
};

/*
 * Makes the directory and the certificate, and sets hosts, ports and addresses in the config
 * (before --set has its say). 0, or a negative error.
 */
int try_prepare(const struct try_options *options, struct config *config, struct try_state *state,
	struct config_error *error);

/* Adds the users. 0, or a negative error. Through the control socket, as anyone would. */
int try_add_users(const struct try_options *options, const struct try_state *state,
	struct config_error *error);

/* The JSON line, flushed. */
void try_announce(const struct try_state *state, const struct config *config, unsigned port,
	unsigned tls_port);

/* Removes what was made. */
void try_clean(struct try_state *state);

#endif

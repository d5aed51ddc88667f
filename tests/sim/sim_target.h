/* A target of kith-script that is a server in this process, on simulated loops. */
#ifndef TESTS_SIM_SIM_TARGET_H
#define TESTS_SIM_SIM_TARGET_H

#include "tools/kith-script/target.h"

struct server;
struct sim;
struct sim_target;

struct sim_target_setup {
	struct sim *sim;
	unsigned shards;
	uint64_t hook_seed;
	const char *directory; /* with ca.pem, cert.pem and key.pem for the domain; NULL: no TLS */
	const char *domain;
	uint32_t iterations; /* of PBKDF2 for the users' keys */
};

struct sim_target *sim_target_create(const struct sim_target_setup *setup);
/* Its server is stopped. What it kept is gone. */
void sim_target_destroy(struct sim_target **target);
struct target *sim_target_interface(struct sim_target *target);
/* While it runs. */
struct server *sim_target_server(struct sim_target *target);

#endif
